//! Guard G-DUP: the same packet captured more than once, on `any`, at both ends of a mirrored port or in two files, is
//! not a retransmission.

use super::{Arrival, Keys, TransactionId};
use crate::fetch::STEP;
use crate::hash::{KeyMap, NumberMap};
use crate::limits::MAX_RECENT_MESSAGES;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::time::Duration;

/// Copies of one packet are this close when nothing but time can tell: a retransmission comes after T1 at the earliest.
const CLOSE: Duration = Duration::from_millis(100);
/// Copies with the same IP identification or TCP sequence number may be this far apart: clocks of two capture points differ.
const REMEMBERED: Duration = Duration::from_secs(2);

/// What was captured within the last two seconds.
#[derive(Debug, Default)]
pub struct Duplicates {
    recent: KeyMap<Copy>,
    /// By the fingerprint of the bytes; `None` until a mirror sends something, which most captures have nothing of.
    mirrors: Option<NumberMap<u64, Mirrored>>,
    order: VecDeque<Remembered>,
    forgotten_early: u64,
}

#[derive(Clone, Copy, Debug)]
struct Copy {
    time: Timestamp,
    identification: Option<u16>,
    transaction: Option<TransactionId>,
}

/// What is known of a message that may be both on the wire and in a mirror.
#[derive(Clone, Copy, Debug)]
struct Mirrored {
    /// How often a mirror sent it and it was not on the wire so far.
    waiting: u32,
    /// Whether it was on the wire.
    on_wire: bool,
}

/// When a message was captured, and its keys.
#[derive(Clone, Copy, Debug)]
struct Remembered {
    time: Timestamp,
    sent: u64,
    bytes: u64,
}

/// Whether a packet was captured before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// For the first time; the key is for [`Duplicates::belongs`].
    First(Key),
    /// Again; the message belongs to this transaction.
    Again(Option<TransactionId>),
    /// Both on the wire and through a mirror; this is the second of the two and stands for nothing of its own.
    BothWays,
}

/// What a message is remembered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u64);

impl Duplicates {
    /// Whether the message is a copy of a packet that was captured already, as far as identification, sequence number
    /// and time can tell.
    pub fn look_up(&mut self, arrival: &Arrival<'_>) -> Seen {
        self.forget(arrival.time);
        let bytes = arrival.message.fingerprint();
        if self.is_both_ways(arrival, bytes) {
            return Seen::BothWays;
        }
        let sent = arrival.keys.packet;
        let time = arrival.time;
        let this = Copy {
            time,
            identification: arrival.identification,
            transaction: None,
        };
        match self.recent.get_mut(sent) {
            Some(earlier) if is_same_packet(*earlier, this, arrival.sequence.is_some()) => {
                return Seen::Again(earlier.transaction);
            }
            Some(earlier) => *earlier = this,
            None => drop(self.recent.insert(sent, this)),
        }
        self.order.push_back(Remembered { time, sent, bytes });
        Seen::First(Key(sent))
    }

    /// Whether this message is on the wire and came through a mirror too, this one being the second: HEP says with which
    /// addresses it was sent, but which of them an agent knows differs.
    fn is_both_ways(&mut self, arrival: &Arrival<'_>, bytes: u64) -> bool {
        if self.mirrors.is_none() && !arrival.mirrored {
            return false;
        }
        let order = &self.order;
        let mirrors = self.mirrors.get_or_insert_with(|| {
            let known = order.iter().map(|it| it.bytes);
            known.map(|bytes| (bytes, Mirrored::new(false))).collect()
        });
        let known = match mirrors.entry(bytes) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                place.insert(Mirrored::new(arrival.mirrored));
                return false;
            }
        };
        if arrival.mirrored && !known.on_wire {
            known.waiting += 1;
            return false;
        }
        if !arrival.mirrored {
            known.on_wire = true;
            let Some(other) = known.waiting.checked_sub(1) else {
                return false;
            };
            known.waiting = other;
        }
        true
    }

    /// Has the place brought into the cache where a message is looked up.
    #[inline]
    pub fn fetch(&self, keys: &Keys) {
        self.recent.fetch(keys.packet);
    }

    /// Remembers the transaction of a message, for its copies.
    pub fn belongs(&mut self, key: Key, transaction: Option<TransactionId>) {
        if let Some(copy) = self.recent.get_mut(key.0) {
            copy.transaction = transaction;
        }
    }

    /// How many messages were forgotten before their time because too many came at once.
    pub const fn forgotten_early(&self) -> u64 {
        self.forgotten_early
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some(&Remembered { time, sent, bytes }) = self.order.front() {
            let full = self.order.len() >= MAX_RECENT_MESSAGES;
            if now.since(time) <= REMEMBERED && !full {
                break;
            }
            self.forgotten_early += u64::from(full);
            self.order.pop_front();
            if let Some(later) = self.order.get(STEP) {
                self.recent.fetch(later.sent);
            }
            if self.recent.get(sent).is_some_and(|it| it.time == time) {
                self.recent.remove(sent);
            }
            if let Some(mirrors) = &mut self.mirrors {
                mirrors.remove(&bytes);
            }
        }
    }
}

impl Mirrored {
    /// Known by one that was mirrored, or on the wire.
    const fn new(mirrored: bool) -> Self {
        Self {
            waiting: mirrored as u32,
            on_wire: !mirrored,
        }
    }
}

fn is_same_packet(earlier: Copy, later: Copy, over_tcp: bool) -> bool {
    // The key holds the sequence number: TCP sent the same bytes of the stream again, SIP did not.
    if over_tcp {
        return true;
    }
    match (earlier.identification, later.identification) {
        (Some(one), Some(other)) => one == other,
        // Zero says nothing on datagrams that may not be fragmented (RFC 6864 §4.1); IPv6 has none.
        _ => later.time.distance(earlier.time) < CLOSE,
    }
}
