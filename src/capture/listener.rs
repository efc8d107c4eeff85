//! One interface: opening it, and the thread that listens on it.

use super::hep::Load;
use super::interfaces::{interfaces, is_network, may_capture, names};
use super::live::LiveOptions;
use super::{CaptureError, Drops, LinkType, dlt, filter};
use crate::limits::{LIVE_BATCH_BYTES, LIVE_BATCH_PACKETS};
use crate::time::Timestamp;
use pcap::{Active, Capture, Linktype, Precision};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// How long the kernel may keep a packet back to hand on more at once.
const TIMEOUT_MILLIS: i32 = 100;

/// How often the drop counts are read.
const STATISTICS: Duration = Duration::from_secs(1);

/// An interface that is open.
pub(super) struct Listener {
    capture: Capture<Active>,
    pub(super) link_type: LinkType,
    nanos_per_unit: i64,
}

/// What the thread of an interface or HEP listener says.
pub(super) enum Event {
    /// Packets.
    Batch(Batch),
    /// Nothing more will come.
    Ended {
        input: usize,
        drops: Option<Drops>,
        /// Why, when nobody asked for it.
        reason: Option<String>,
    },
}

/// Packets of one interface or HEP listener, in order.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) input: usize,
    pub(super) packets: Vec<Stamp>,
    pub(super) bytes: Vec<u8>,
    /// The counts so far, when they were read again.
    pub(super) drops: Option<Drops>,
    /// What it holds of the room for packets that wait.
    pub(super) load: Option<Load>,
}

/// A packet of a batch.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub(super) time: Timestamp,
    /// When it came here, by the clock here: for the packets of an interface the same.
    pub(super) arrived: Timestamp,
    pub(super) original_len: u32,
    pub(super) start: usize,
    pub(super) len: usize,
}

impl Listener {
    /// Opens the interface and sets its filter.
    pub(super) fn open(name: &str, options: &LiveOptions) -> Result<Self, CaptureError> {
        let nanos = is_network(name);
        // libpcap knows no promiscuous mode of `any`.
        let promiscuous = options.promiscuous && name != "any";
        let activate = |promiscuous| {
            Capture::from_device(name)?
                .snaplen(options.snaplen)
                .buffer_size(options.buffer_size)
                .promisc(promiscuous)
                .immediate_mode(options.immediate)
                .timeout(TIMEOUT_MILLIS)
                .precision(if nanos {
                    Precision::Nano
                } else {
                    Precision::Micro
                })
                .open()
        };
        let mut opened = activate(promiscuous);
        if promiscuous
            && matches!(&opened, Err(error) if error.to_string().to_lowercase().contains("promisc"))
        {
            opened = activate(false);
        }
        let mut capture = opened.map_err(|error| diagnose(name, &error))?;
        if name == "any" {
            // Version 2 tells the interface of each packet; where it is not known, version 1 stays.
            let _ = capture.set_datalink(Linktype(i32::from(LinkType::LINUX_SLL2.0)));
        }
        let dlt = capture.get_datalink().0;
        let link_type = dlt::to_link_type(dlt).ok_or_else(|| CaptureError::Listen {
            name: name.to_owned(),
            message: format!("its link type {dlt} is not known"),
        })?;
        if let Some(text) = &options.filter {
            capture
                .filter(text, true)
                .map_err(|error| filter::explain(link_type, text, &filter::message(error)))?;
        }
        Ok(Self {
            capture,
            link_type,
            nanos_per_unit: if nanos { 1 } else { 1_000 },
        })
    }

    /// What wakes the thread that listens.
    pub(super) fn breaker(&mut self) -> pcap::BreakLoop {
        self.capture.breakloop_handle()
    }

    /// Hands on packets until `halt` or until the interface is gone.
    pub(super) fn listen(
        mut self,
        input: usize,
        halt: &Arc<AtomicBool>,
        events: &SyncSender<Event>,
    ) {
        let mut statistics = Instant::now();
        let reason = loop {
            let mut batch = Batch {
                input,
                ..Batch::default()
            };
            let result = self.gather(&mut batch);
            if !batch.packets.is_empty() {
                if statistics.elapsed() > STATISTICS {
                    statistics = Instant::now();
                    batch.drops = self.drops();
                }
                if events.send(Event::Batch(batch)).is_err() {
                    return;
                }
            }
            if halt.load(Ordering::Relaxed) {
                break None;
            }
            match result {
                Ok(()) | Err(pcap::Error::TimeoutExpired) => {}
                Err(error) => break Some(filter::message(error)),
            }
        };
        let drops = self.drops();
        // Nobody is left to tell when this fails.
        let _ = events.send(Event::Ended {
            input,
            drops,
            reason,
        });
    }

    /// Waits for packets, and takes those that the kernel hands on at once.
    fn gather(&mut self, batch: &mut Batch) -> Result<(), pcap::Error> {
        let nanos_per_unit = self.nanos_per_unit;
        loop {
            let room = LIVE_BATCH_PACKETS
                .saturating_sub(batch.packets.len())
                .min(64);
            let taken = self.capture.dispatch(Some(room), |packet| {
                let header = packet.header;
                let nanos = wide(header.ts.tv_usec).saturating_mul(nanos_per_unit);
                let seconds = wide(header.ts.tv_sec).saturating_mul(1_000_000_000);
                let time = Timestamp::from_nanos(seconds.saturating_add(nanos));
                batch.packets.push(Stamp {
                    time,
                    arrived: time,
                    original_len: header.len.max(header.caplen),
                    start: batch.bytes.len(),
                    len: packet.data.len(),
                });
                batch.bytes.extend_from_slice(packet.data);
            })?;
            // Fewer than asked for: the kernel has no more, and the next call would wait.
            let full =
                batch.packets.len() >= LIVE_BATCH_PACKETS || batch.bytes.len() >= LIVE_BATCH_BYTES;
            if taken < room || full {
                return Ok(());
            }
        }
    }

    fn drops(&mut self) -> Option<Drops> {
        let statistics = self.capture.stats().ok()?;
        Some(Drops {
            by_kernel: Some(u64::from(statistics.dropped)),
            by_interface: Some(u64::from(statistics.if_dropped)),
        })
    }
}

/// The fields of a `timeval` have different widths on different systems.
fn wide(value: impl Into<i64>) -> i64 {
    value.into()
}

/// Says why an interface did not open. libpcap's words differ by version and are empty for some, so the state is looked
/// at first.
fn diagnose(name: &str, error: &pcap::Error) -> CaptureError {
    let message = error.to_string();
    let lower = message.to_lowercase();
    let name = name.to_owned();
    let known = interfaces().unwrap_or_default();
    let found = known.iter().find(|interface| interface.name == name);
    if lower.contains("no such device")
        || (found.is_none() && !known.is_empty() && !name.contains(':'))
    {
        return CaptureError::NoSuchInterface {
            name,
            known: names(),
        };
    }
    if lower.contains("permi") || !may_capture() {
        return CaptureError::CaptureNotPermitted { name };
    }
    if lower.contains("not up")
        || lower.contains("is down")
        || found.is_some_and(|interface| !interface.up)
    {
        return CaptureError::InterfaceDown { name };
    }
    CaptureError::Listen { name, message }
}
