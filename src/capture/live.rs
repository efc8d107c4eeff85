//! Packets from interfaces and HEP agents, as they come. The only part of this room that asks the clock: an idle link has no packet to
//! tell the time by.

use super::hep::{self, HepListener, HepOptions, Lag, Shared};
use super::interfaces::{give_up_privileges, names};
use super::listener::{Batch, Event, Listener, Stamp};
use super::{
    CaptureError, CaptureFacts, Damage, Drops, FrameNumber, InputFacts, LinkType, Next, Packet,
    Source,
};
use crate::limits::{LIVE_BATCHES, LIVE_WAITING_BYTES};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often an idle link says what time it is, and the stop flag is looked at.
const TICK: Duration = Duration::from_millis(100);

/// How long a packet waits for those of other interfaces that may be earlier: the kernel keeps packets back for 100 ms.
const HOLD: Duration = Duration::from_millis(250);

/// How long the threads may take to end. An older libpcap wakes up only with the next packet: its thread is left behind.
const GOODBYE: Duration = Duration::from_secs(1);

/// What to listen on, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// The names of the interfaces; `any` for all there are.
    pub interfaces: Vec<String>,
    /// Where to listen for HEP.
    pub hep: HepOptions,
    /// Bytes kept of each packet.
    pub snaplen: i32,
    /// Bytes of the kernel's buffer for each interface.
    pub buffer_size: i32,
    /// Whether to take packets for other machines too.
    pub promiscuous: bool,
    /// Whether to have each packet at once; costs drops on a busy link.
    pub immediate: bool,
    /// A BPF filter.
    pub filter: Option<String>,
    /// How long to listen.
    pub duration: Option<Duration>,
    /// How many packets to take.
    pub count: Option<u64>,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            interfaces: Vec::new(),
            hep: HepOptions::default(),
            snaplen: 262_144,
            buffer_size: 64 * 1024 * 1024,
            promiscuous: true,
            immediate: false,
            filter: None,
            duration: None,
            count: None,
        }
    }
}

/// Packets from one or more interfaces and HEP listeners, nearly in the order of their arrival.
pub struct LiveSource {
    inputs: Vec<Input>,
    filter: Option<String>,
    hep: Option<Arc<Shared>>,
    lag: Lag,
    /// The caller's wish to stop.
    stop: Arc<AtomicBool>,
    /// Ours to the threads.
    halt: Arc<AtomicBool>,
    events: Receiver<Event>,
    threads: Vec<JoinHandle<()>>,
    deadline: Option<Instant>,
    /// When to leave behind the threads that do not end.
    give_up: Option<Instant>,
    count: Option<u64>,
    frame: u64,
    current: Option<usize>,
    waiting_bytes: usize,
    latest: Timestamp,
    damage: Vec<Damage>,
    /// How many of these were told.
    told: usize,
    ended: bool,
}

/// One interface or HEP listener.
struct Input {
    facts: InputFacts,
    link_type: LinkType,
    waiting: VecDeque<Batch>,
    /// The packet of the first batch that is next.
    position: usize,
    drops: Drops,
    open: bool,
    /// Whether its thread has said that it ends.
    said_goodbye: bool,
    /// What wakes the thread of an interface; that of a HEP listener looks up by itself.
    breaker: Option<pcap::BreakLoop>,
}

/// Opens interfaces and HEP listeners and starts to listen; gives up the right to open more. `stop` ends it within a tenth of a second.
///
/// Frame numbers count the packets that passed the filter: the kernel shows no others.
///
/// # Errors
/// When an interface or a HEP listener cannot be opened, or the filter is wrong.
pub fn open_live(options: &LiveOptions, stop: Arc<AtomicBool>) -> Result<LiveSource, CaptureError> {
    if options.interfaces.is_empty() && options.hep.listen.is_empty() {
        return Err(CaptureError::NoInterfaces { known: names() });
    }
    let mut listeners = Vec::new();
    for name in &options.interfaces {
        listeners.push((name, Listener::open(name, options)?));
    }
    let shared = Arc::new(Shared::new(&options.hep.allow));
    let hep_listeners = hep::open(&options.hep, &shared)?;
    let hep = (!hep_listeners.is_empty()).then_some(shared);
    give_up_privileges();
    let halt = Arc::new(AtomicBool::new(false));
    let (sender, events) = sync_channel(LIVE_BATCHES);
    let (mut inputs, mut threads) = (Vec::new(), Vec::new());
    for (index, (name, mut listener)) in listeners.into_iter().enumerate() {
        inputs.push(Input::interface(
            name,
            listener.link_type,
            listener.breaker(),
        ));
        let (halt, sender) = (Arc::clone(&halt), sender.clone());
        threads.push(start(name, move || listener.listen(index, &halt, &sender))?);
    }
    for listener in hep_listeners {
        let (index, name) = (inputs.len(), listener.name.clone());
        inputs.push(Input::hep(&listener));
        let (halt, sender) = (Arc::clone(&halt), sender.clone());
        threads.push(start(&name, move || {
            listener.listen(index, &halt, &sender);
        })?);
    }
    Ok(LiveSource {
        inputs,
        filter: options.filter.clone(),
        hep,
        lag: Lag::default(),
        stop,
        halt,
        events,
        threads,
        deadline: options
            .duration
            .and_then(|duration| Instant::now().checked_add(duration)),
        give_up: None,
        count: options.count,
        frame: 0,
        current: None,
        waiting_bytes: 0,
        latest: Timestamp::MIN,
        damage: Vec::new(),
        told: 0,
        ended: false,
    })
}

fn start(
    name: &str,
    listen: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, CaptureError> {
    std::thread::Builder::new()
        .name(format!("capture {name}"))
        .spawn(listen)
        .map_err(|error| CaptureError::Listen {
            name: name.to_owned(),
            message: error.to_string(),
        })
}

impl Source for LiveSource {
    fn next(&mut self) -> Result<Next<'_>, CaptureError> {
        self.release();
        let index = loop {
            if self.ended || self.count.is_some_and(|count| self.frame >= count) {
                self.end();
                return Ok(Next::End);
            }
            self.look_at_stop();
            self.collect();
            if let Some(index) = self.ready() {
                break index;
            }
            match self.events.recv_timeout(self.patience()) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Disconnected) => self.close_all(),
                Err(RecvTimeoutError::Timeout)
                    if self.give_up.is_some_and(|moment| Instant::now() >= moment) =>
                {
                    self.close_all();
                }
                Err(RecvTimeoutError::Timeout)
                    if self.earliest().is_none() && self.give_up.is_none() =>
                {
                    return Ok(Next::Idle(self.idle_time()));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.ended = self
                .inputs
                .iter()
                .all(|input| !input.open && input.waiting.is_empty());
        };
        self.current = Some(index);
        Ok(self.packet(index).map_or(Next::End, Next::Packet))
    }

    fn facts(&self) -> CaptureFacts {
        let drops = self
            .inputs
            .iter()
            .fold(Drops::default(), |sum, input| sum.plus(input.drops));
        CaptureFacts {
            inputs: self
                .inputs
                .iter()
                .map(|input| input.facts.clone())
                .collect(),
            dropped_by_kernel: drops.by_kernel,
            dropped_by_interface: drops.by_interface,
            damage: self.damage.clone(),
            captured_until: None,
            filter: self.filter.clone(),
            hep: self.hep.as_deref().map(Shared::facts),
            ended_early: false,
        }
    }

    fn take_gone(&mut self) -> Vec<Damage> {
        let told = std::mem::replace(&mut self.told, self.damage.len());
        self.damage.get(told..).unwrap_or_default().to_vec()
    }
}

impl LiveSource {
    /// Lets go of the packet handed out last.
    fn release(&mut self) {
        let Some(input) = self
            .current
            .take()
            .and_then(|index| self.inputs.get_mut(index))
        else {
            return;
        };
        input.position += 1;
        if input
            .waiting
            .front()
            .is_some_and(|batch| input.position >= batch.packets.len())
        {
            let done = input.waiting.pop_front();
            let bytes = done.map_or(0, |batch| batch.bytes.len());
            self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
            input.position = 0;
        }
    }

    fn look_at_stop(&mut self) {
        let over = self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline);
        if self.give_up.is_none() && (over || self.stop.load(Ordering::Relaxed)) {
            self.halt();
            self.give_up = Instant::now().checked_add(GOODBYE);
        }
    }

    fn halt(&self) {
        self.halt.store(true, Ordering::Relaxed);
        self.inputs
            .iter()
            .filter_map(|input| input.breaker.as_ref())
            .for_each(pcap::BreakLoop::breakloop);
    }

    /// Takes what is there already, until each interface has a packet.
    fn collect(&mut self) {
        while !self.all_have_packets() && self.waiting_bytes < LIVE_WAITING_BYTES {
            match self.events.try_recv() {
                Ok(event) => self.take(event),
                Err(_) => return,
            }
        }
    }

    fn all_have_packets(&self) -> bool {
        self.inputs
            .iter()
            .all(|input| !input.open || !input.waiting.is_empty())
    }

    /// The interface whose packet is next, if that can be told already.
    fn ready(&self) -> Option<usize> {
        let (time, index) = self.earliest()?;
        let certain = self.all_have_packets() || self.waiting_bytes >= LIVE_WAITING_BYTES;
        (certain || now().since(time) >= HOLD).then_some(index)
    }

    fn earliest(&self) -> Option<(Timestamp, usize)> {
        let times = self.inputs.iter().enumerate().filter_map(|(index, input)| {
            let (stamp, _) = input.front()?;
            Some((stamp.arrived, index))
        });
        times.min()
    }

    /// How long to wait for the next event.
    fn patience(&self) -> Duration {
        let deadline = self
            .deadline
            .map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let held = self
            .earliest()
            .map(|(time, _)| HOLD.saturating_sub(now().since(time)));
        let waits = [
            Some(TICK),
            deadline.filter(|_| self.give_up.is_none()),
            held,
        ];
        waits.into_iter().flatten().min().unwrap_or(TICK)
    }

    /// The wall clock, less the time that a packet may still be on its way here and that agents' clocks are behind; never
    /// before the last packet.
    fn idle_time(&mut self) -> Timestamp {
        self.latest = self.latest.max(now().minus(HOLD + self.lag.get()));
        self.latest
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Batch(batch) => {
                if let Some(input) = self.inputs.get_mut(batch.input) {
                    self.waiting_bytes += batch.bytes.len();
                    input.drops = batch.drops.unwrap_or(input.drops);
                    input.waiting.push_back(batch);
                }
            }
            Event::Ended {
                input,
                drops,
                reason,
            } => {
                let Some(input) = self.inputs.get_mut(input) else {
                    return;
                };
                input.open = false;
                input.said_goodbye = true;
                input.drops = drops.unwrap_or(input.drops);
                self.damage.extend(reason.map(|reason| Damage {
                    input: input.facts.name.clone(),
                    packet: input.facts.packets + 1,
                    offset: 0,
                    what: lower_first(&reason),
                    gone_at: Some(now()),
                }));
            }
        }
    }

    fn packet(&mut self, index: usize) -> Option<Packet<'_>> {
        let input = self.inputs.get_mut(index)?;
        let (stamp, _) = input.front()?;
        self.frame += 1;
        self.latest = self.latest.max(stamp.time);
        self.lag.note(stamp.arrived, stamp.time);
        input.facts.packets += 1;
        input.facts.bytes += stamp.len as u64;
        let (_, data) = input.front()?;
        Some(Packet {
            frame: FrameNumber(self.frame),
            time: stamp.time,
            link_type: input.link_type,
            interface: u32::try_from(index).unwrap_or(u32::MAX),
            original_len: stamp.original_len,
            data,
        })
    }

    /// Ends the threads and takes their last counts.
    fn end(&mut self) {
        self.ended = true;
        if self.threads.is_empty() {
            return;
        }
        self.halt();
        let until = Instant::now() + GOODBYE;
        while self.inputs.iter().any(|input| !input.said_goodbye) {
            let left = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(Event::Batch(_)) => {}
                Ok(ended @ Event::Ended { .. }) => self.take(ended),
                Err(_) => break,
            }
        }
        for (thread, input) in self.threads.drain(..).zip(&self.inputs) {
            if input.said_goodbye {
                // A thread that panicked has nothing more to say.
                let _ = thread.join();
            }
        }
    }

    fn close_all(&mut self) {
        for input in &mut self.inputs {
            input.open = false;
        }
    }
}

impl Drop for LiveSource {
    fn drop(&mut self) {
        self.end();
    }
}

impl Input {
    fn interface(name: &str, link_type: LinkType, breaker: pcap::BreakLoop) -> Self {
        Self {
            breaker: Some(breaker),
            ..Self::new(name, "interface", link_type)
        }
    }

    fn hep(listener: &HepListener) -> Self {
        Self::new(&listener.name, "hep", LinkType::HEP)
    }

    fn new(name: &str, format: &str, link_type: LinkType) -> Self {
        Self {
            facts: InputFacts {
                name: name.to_owned(),
                format: format.to_owned(),
                link_types: vec![link_type],
                ..InputFacts::default()
            },
            link_type,
            waiting: VecDeque::new(),
            position: 0,
            drops: Drops::default(),
            open: true,
            said_goodbye: false,
            breaker: None,
        }
    }

    fn front(&self) -> Option<(Stamp, &[u8])> {
        let batch = self.waiting.front()?;
        let stamp = *batch.packets.get(self.position)?;
        Some((
            stamp,
            batch.bytes.get(stamp.start..stamp.start + stamp.len)?,
        ))
    }
}

/// The clock.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_nanos(0) + since
}

/// libpcap's sentence as words without a capital.
fn lower_first(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}
