//! OPTIONS pings between peers (RFC 3261 §11): who answers them, since when, and how often that changed.

use super::Waited;
use crate::capture::FrameNumber;
use crate::limits::{MAX_HOST_PAIRS, MAX_PINGS};
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{Transaction, TransactionId, timers};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Whether this answer to a ping says that the peer, or what is behind it, is down. Whatever else it answers, it is alive:
/// also 404, 405, 481, and a 5xx that is about the request (501, 505, 513).
pub const fn is_failed_ping(code: u64) -> bool {
    matches!(code, 408 | 500 | 502..=504)
}

/// When the next ping follows after this, the one before is given up: an answer takes far less.
const GIVEN_UP: Duration = Duration::from_secs(1);
/// The shortest interval of pings that anybody sets is a second, less what clocks take.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(900);

/// The OPTIONS that one host sends to another.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// Pings that were answered.
    pub answered: u64,
    /// Pings in order of closing, which is not that of sending: an unanswered one is watched longer.
    recent: Vec<Ping>,
    run: Run,
    worst: Run,
    stretches: Vec<Stretch>,
    transitions: u64,
    /// When a ping was last answered.
    last_success: Option<Timestamp>,
    previous: Option<Timestamp>,
    intervals: Vec<Duration>,
}

/// Pings in a row with the same outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Whether they were answered.
    pub up: bool,
    /// When the first of them was sent.
    pub since: Timestamp,
    /// How many there are.
    pub pings: u64,
    /// All their round trips together, and of how many.
    pub trips: (Duration, u32),
}

/// Failed pings in a row.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The first of them.
    pub pings: Vec<Ping>,
    /// How many there are, those that are not kept too.
    pub failures: u64,
    /// How many of them were answered, with a code that says that the peer is down.
    pub refused: u64,
    /// How many of them may still get an answer.
    pub open: u64,
    /// When a ping was last answered before them.
    pub last_success: Option<Timestamp>,
    /// When the last of them was sent.
    pub last: Option<Timestamp>,
    /// When the ping behind it was sent, which was answered again.
    pub answered_again: Option<Timestamp>,
}

impl Run {
    /// How long after its last ping one was answered again; `None` when none was.
    pub fn back_after(&self) -> Option<Duration> {
        Some(self.answered_again?.since(self.last?))
    }
}

/// A ping and what became of it.
#[derive(Clone, Debug)]
pub struct Ping {
    /// Its transaction.
    pub id: TransactionId,
    /// When it was sent.
    pub time: Timestamp,
    /// Its packets.
    pub frames: Vec<FrameNumber>,
    /// Whether it was sent again as UDP asks of who has no answer.
    pub repeated: bool,
    /// Whether it was sent so often, or needs not be, that its sender certainly had no answer for a while.
    pub insisted: bool,
    /// The code of its final response.
    pub code: Option<u64>,
    /// From the request to that, where it was sent once.
    trip: Option<Duration>,
    waited: Waited,
}

impl Peer {
    /// The longest run of failed pings in a row.
    pub const fn worst_run(&self) -> &Run {
        &self.worst
    }

    /// The run that is to be told: the one that goes on, when it has that many failed pings, else the longest.
    pub const fn run_to_tell(&self, failures: u64) -> &Run {
        if self.run.failures >= failures {
            &self.run
        } else {
            &self.worst
        }
    }

    /// How often it went from answering to failing or back.
    pub const fn transitions(&self) -> u64 {
        self.transitions
    }

    /// When it answered and when not; the first of many.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The time between two pings: of the first of them, the one in the middle. `None` when there was one ping.
    pub fn interval(&self) -> Option<Duration> {
        let mut sorted = self.intervals.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }

    /// Whether they come by the clock: most intervals are like the one in the middle, and that is none of a script that
    /// sends one request after the other.
    pub fn is_periodic(&self) -> bool {
        let Some(middle) = self.interval().filter(|it| *it >= SHORTEST_INTERVAL) else {
            return false;
        };
        let like = |it: &&Duration| it.abs_diff(middle) <= middle / 4;
        self.intervals.iter().filter(like).count() * 2 > self.intervals.len()
    }

    /// The mean round trip; `None` when nothing was answered at once.
    pub fn round_trip(&self) -> Option<Duration> {
        let (sum, count) = self.stretches.iter().fold((Duration::ZERO, 0), |all, it| {
            (all.0 + it.trips.0, all.1 + it.trips.1)
        });
        sum.checked_div(count)
    }

    /// Takes the oldest pings into the history, all but `keep`.
    fn fold(&mut self, keep: usize) {
        self.recent.sort_by_key(|ping| ping.time);
        let newest = self.recent.last().map(|ping| ping.time);
        let rest = self
            .recent
            .split_off(self.recent.len().saturating_sub(keep));
        for ping in std::mem::replace(&mut self.recent, rest) {
            // Another ping behind it, answered or not, means that its sender waits for it no longer.
            let given_up = newest.is_some_and(|it| it.since(ping.time) >= GIVEN_UP);
            if let Some(previous) = self.previous.replace(ping.time)
                && self.intervals.len() < MAX_PINGS
            {
                self.intervals.push(ping.time.since(previous));
            }
            match ping.code {
                Some(code) if !is_failed_ping(code) => self.up(&ping),
                Some(_) => self.down(ping, false),
                None if given_up || ping.waited == Waited::Long => self.down(ping, false),
                None if ping.waited == Waited::SoFar => self.down(ping, true),
                None => {}
            }
        }
    }

    fn up(&mut self, ping: &Ping) {
        let run = std::mem::take(&mut self.run);
        if run.last.is_some() && run.last == self.worst.last {
            self.worst.answered_again = Some(ping.time);
        }
        self.last_success = Some(ping.time);
        self.stretch(ping, true);
    }

    fn down(&mut self, ping: Ping, open: bool) {
        self.stretch(&ping, false);
        self.run.last_success = self.last_success;
        self.run.last = Some(ping.time);
        self.run.failures += 1;
        self.run.refused += u64::from(ping.code.is_some());
        self.run.open += u64::from(open);
        if self.run.pings.len() < MAX_PINGS {
            self.run.pings.push(ping);
        }
        if self.run.failures > self.worst.failures {
            self.worst.clone_from(&self.run);
        }
    }

    fn stretch(&mut self, ping: &Ping, up: bool) {
        let changed = self.stretches.last().is_none_or(|it| it.up != up);
        if changed {
            self.transitions += u64::from(!self.stretches.is_empty());
            if self.stretches.len() >= MAX_PINGS {
                // Of many only the first are shown; the last one stands for where it is now.
                self.stretches.pop();
            }
            self.stretches.push(Stretch {
                up,
                since: ping.time,
                pings: 0,
                trips: (Duration::ZERO, 0),
            });
        }
        if let Some(last) = self.stretches.last_mut() {
            last.pings += 1;
            if let Some(trip) = ping.trip.filter(|_| up) {
                last.trips.0 += trip;
                last.trips.1 += 1;
            }
        }
    }
}

/// All peers, by who asks whom.
#[derive(Debug, Default)]
pub struct Keepalives {
    peers: BTreeMap<(IpAddr, SocketAddr), Peer>,
}

impl Keepalives {
    /// Notes a finished OPTIONS, with how long one without a final response was watched. Others are not looked at.
    pub fn note(&mut self, transaction: &Transaction, waited: Waited) {
        let key = (transaction.flow.src.ip(), transaction.flow.dst);
        let response = transaction.final_response();
        if transaction.method != Method::Options
            || transaction.in_dialog()
            || (response.is_none() && transaction.requests.count() == 0)
            || (self.peers.len() >= MAX_HOST_PAIRS && !self.peers.contains_key(&key))
        {
            return;
        }
        let peer = self.peers.entry(key).or_default();
        let code = response.map(|it| it.code);
        let alive = code.is_some_and(|it| !is_failed_ping(it));
        peer.answered += u64::from(alive);
        let once = transaction.requests.count() == 1;
        peer.recent.push(Ping {
            id: transaction.id,
            time: transaction.start(),
            // Packets are shown of failures only.
            frames: if alive {
                Vec::new()
            } else {
                transaction.frames()
            },
            repeated: transaction.requests.repeats() > 0,
            insisted: code.is_some()
                || timers::insisted(transaction)
                || !transaction.icmp.is_empty()
                || transaction.flow.transport.is_reliable(),
            code,
            trip: response
                .filter(|_| once)
                .map(|it| it.time().since(transaction.start())),
            waited,
        });
        if peer.recent.len() > 4 * MAX_PINGS {
            peer.fold(2 * MAX_PINGS);
        }
    }

    /// Takes in what waits to be brought into order. Nothing may be noted afterwards.
    pub fn settle(&mut self) {
        for peer in self.peers.values_mut() {
            peer.fold(0);
        }
    }

    /// The peers with who asks them.
    pub fn peers(&self) -> impl Iterator<Item = (IpAddr, SocketAddr, &Peer)> {
        self.peers
            .iter()
            .map(|(&(src, dst), peer)| (src, dst, peer))
    }
}
