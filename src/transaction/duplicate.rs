//! Guard G-DUP: the same packet captured more than once, on `any`, at both ends of a mirrored port or in two files, is
//! not a retransmission.

use super::{Arrival, TransactionId};
use crate::hash::{HashMap, RandomState};
use crate::limits::MAX_RECENT_MESSAGES;
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// Copies of one packet are this close when nothing but time can tell: a retransmission comes after T1 at the earliest.
const CLOSE: Duration = Duration::from_millis(100);
/// Copies with the same IP identification or TCP sequence number may be this far apart: clocks of two capture points differ.
const REMEMBERED: Duration = Duration::from_secs(2);

/// What was captured within the last two seconds.
#[derive(Debug, Default)]
pub struct Duplicates {
    hasher: RandomState,
    recent: HashMap<u64, Copy>,
    order: VecDeque<(Timestamp, u64)>,
    forgotten_early: u64,
}

#[derive(Clone, Copy, Debug)]
struct Copy {
    time: Timestamp,
    identification: Option<u16>,
    transaction: Option<TransactionId>,
    /// Messages that a mirror sent and that were not on the wire so far.
    mirrored: u32,
    /// Whether it was on the wire.
    on_wire: bool,
}

/// Whether a packet was captured before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// For the first time; the keys are for [`Duplicates::belongs`].
    First(Keys),
    /// Again; the message belongs to this transaction.
    Again(Option<TransactionId>),
    /// Both on the wire and through a mirror; this is the second of the two and stands for nothing of its own.
    BothWays,
}

/// What a message is remembered by: with its addresses, and by its bytes alone, as mirrors may name other addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    sent: u64,
    bytes: u64,
}

impl Duplicates {
    /// Whether the message is a copy of a packet that was captured already, as far as identification, sequence number
    /// and time can tell.
    pub fn look_up(&mut self, arrival: &Arrival<'_>) -> Seen {
        self.forget(arrival.time);
        let bytes = arrival.message.fingerprint();
        let keys = Keys {
            sent: self
                .hasher
                .hash_one((arrival.flow, arrival.sequence, bytes)),
            bytes,
        };
        if let Some(both) = self.both_ways(arrival, bytes) {
            return both;
        }
        let this = Copy {
            time: arrival.time,
            identification: arrival.identification,
            transaction: None,
            mirrored: 0,
            on_wire: !arrival.mirrored,
        };
        match self.recent.get(&keys.sent) {
            Some(earlier) if is_same_packet(*earlier, this, arrival.sequence.is_some()) => {
                Seen::Again(earlier.transaction)
            }
            _ => {
                self.remember(keys.sent, this);
                Seen::First(keys)
            }
        }
    }

    /// Whether this message is on the wire and came through a mirror too, this one being the second: HEP says with which
    /// addresses it was sent, but which of them an agent knows differs.
    fn both_ways(&mut self, arrival: &Arrival<'_>, bytes: u64) -> Option<Seen> {
        let Some(known) = self.recent.get_mut(&bytes) else {
            let this = Copy {
                time: arrival.time,
                identification: None,
                transaction: None,
                mirrored: u32::from(arrival.mirrored),
                on_wire: !arrival.mirrored,
            };
            self.remember(bytes, this);
            return None;
        };
        if arrival.mirrored && known.on_wire {
            return Some(Seen::BothWays);
        }
        if arrival.mirrored {
            known.mirrored += 1;
            return None;
        }
        known.on_wire = true;
        let other = known.mirrored.checked_sub(1)?;
        known.mirrored = other;
        Some(Seen::BothWays)
    }

    fn remember(&mut self, key: u64, copy: Copy) {
        self.recent.insert(key, copy);
        self.order.push_back((copy.time, key));
    }

    /// Remembers the transaction of a message, for its copies.
    pub fn belongs(&mut self, keys: Keys, transaction: Option<TransactionId>) {
        for key in [keys.sent, keys.bytes] {
            if let Some(copy) = self.recent.get_mut(&key) {
                copy.transaction = transaction;
            }
        }
    }

    /// How many messages were forgotten before their time because too many came at once.
    pub const fn forgotten_early(&self) -> u64 {
        self.forgotten_early
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some(&(time, key)) = self.order.front() {
            let full = self.order.len() >= MAX_RECENT_MESSAGES;
            if now.since(time) <= REMEMBERED && !full {
                break;
            }
            self.forgotten_early += u64::from(full);
            self.order.pop_front();
            if self.recent.get(&key).is_some_and(|copy| copy.time == time) {
                self.recent.remove(&key);
            }
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
