//! What all HEP listeners do with what they receive: who may send, what is HEP, when it was, and handing it on in batches.

use super::facts::HepFacts;
use super::options::Network;
use super::parse;
use super::queue::{Load, Queued};
use crate::capture::Drops;
use crate::capture::listener::{Batch, Event, Stamp};
use crate::limits::{HEP_CLOCK_TOLERANCE, LIVE_BATCH_BYTES, LIVE_BATCH_PACKETS};
use crate::time::Timestamp;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// How long packets wait for more before they are handed on.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

/// What the listeners share.
#[derive(Debug, Default)]
pub(in crate::capture) struct Shared {
    /// Who may send; everybody when empty.
    allow: Vec<Network>,
    pub(super) queued: Arc<Queued>,
    pub(super) counters: Counters,
}

/// See [`HepFacts`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) refused: AtomicU64,
    pub(super) not_hep: AtomicU64,
    pub(super) tls_failed: AtomicU64,
    pub(super) too_many: AtomicU64,
    pub(super) silent: AtomicU64,
    astray: AtomicU64,
}

/// Counts one more.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Shared {
    pub(in crate::capture) fn new(allow: &[Network]) -> Self {
        Self {
            allow: allow.to_vec(),
            ..Self::default()
        }
    }

    /// Whether an address may send; counts it when not.
    pub(super) fn admits(&self, source: IpAddr) -> bool {
        let admitted =
            self.allow.is_empty() || self.allow.iter().any(|network| network.contains(source));
        if !admitted {
            count(&self.counters.refused);
        }
        admitted
    }

    pub(in crate::capture) fn facts(&self) -> HepFacts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HepFacts {
            refused: get(&self.counters.refused),
            not_hep: get(&self.counters.not_hep),
            tls_failed: get(&self.counters.tls_failed),
            too_many: get(&self.counters.too_many),
            silent: get(&self.counters.silent),
            astray: get(&self.counters.astray),
        }
    }
}

/// Where a listener, or one of its connections, puts its packets.
pub(super) struct Intake {
    pub(super) shared: Arc<Shared>,
    pub(super) halt: Arc<AtomicBool>,
    pub(super) events: SyncSender<Event>,
    /// The number of the listener.
    pub(super) input: usize,
    batch: Batch,
    began: Option<Instant>,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// It is no HEP; that is counted.
    NotHep,
    /// Too much waits already.
    NoRoom,
}

impl Intake {
    pub(super) fn new(
        shared: Arc<Shared>,
        halt: Arc<AtomicBool>,
        events: SyncSender<Event>,
        input: usize,
    ) -> Self {
        Self {
            shared,
            halt,
            events,
            input,
            batch: Batch::default(),
            began: None,
        }
    }

    /// Another one for the same listener.
    pub(super) fn beside(&self) -> Self {
        Self::new(
            Arc::clone(&self.shared),
            Arc::clone(&self.halt),
            self.events.clone(),
            self.input,
        )
    }

    pub(super) fn is_over(&self) -> bool {
        self.halt.load(Ordering::Relaxed)
    }

    /// Takes a packet.
    pub(super) fn take(&mut self, source: IpAddr, packet: &[u8], arrived: Timestamp) -> Taken {
        let Some(hep) = parse(packet, false) else {
            count(&self.shared.counters.not_hep);
            return Taken::NotHep;
        };
        let load = self
            .batch
            .load
            .get_or_insert_with(|| Load::new(&self.shared.queued));
        if !load.add(source, packet.len()) {
            return Taken::NoRoom;
        }
        let time = match hep.time {
            Some(told) if told.distance(arrived) <= HEP_CLOCK_TOLERANCE => told,
            Some(_) => {
                count(&self.shared.counters.astray);
                arrived
            }
            None => arrived,
        };
        self.began.get_or_insert_with(Instant::now);
        self.batch.packets.push(Stamp {
            time,
            arrived,
            original_len: u32::try_from(packet.len()).unwrap_or(u32::MAX),
            start: self.batch.bytes.len(),
            len: packet.len(),
        });
        self.batch.bytes.extend_from_slice(packet);
        Taken::Yes
    }

    /// Whether what was taken should be handed on.
    pub(super) fn is_due(&self) -> bool {
        self.batch.packets.len() >= LIVE_BATCH_PACKETS
            || self.batch.bytes.len() >= LIVE_BATCH_BYTES
            || self.began.is_some_and(|began| began.elapsed() >= PATIENCE)
    }

    /// Hands on what was taken; false when nobody listens any more.
    pub(super) fn hand_on(&mut self, drops: Option<Drops>) -> bool {
        if self.batch.packets.is_empty() {
            return true;
        }
        self.began = None;
        let mut batch = std::mem::take(&mut self.batch);
        batch.input = self.input;
        batch.drops = drops;
        self.events.send(Event::Batch(batch)).is_ok()
    }

    /// Says that the listener ends.
    pub(super) fn end(mut self, drops: Option<Drops>, reason: Option<String>) {
        self.hand_on(None);
        // Nobody is left to tell when this fails.
        let _ = self.events.send(Event::Ended {
            input: self.input,
            drops,
            reason,
        });
    }
}
