//! Puts IP datagrams together from their fragments (RFC 791 §3.2, RFC 8200 §4.5, RFC 5722). Comes in: pieces in any order,
//! copies too. Goes out: the bytes of each whole datagram, and what there is of the others when time is up.

mod lost;
mod round;
#[cfg(test)]
mod tests;

use crate::hash::HashMap;
pub use lost::{Fate, LostDatagram};

use crate::capture::{FrameNumber, Sighting};
use crate::frame::{Envelope, Fragment, FragmentedDatagram};
use crate::limits::{
    FRAGMENTS_WAIT, MAX_FRAGMENT_BYTES, MAX_FRAGMENT_COPIES, MAX_FRAGMENTED_DATAGRAMS,
};
use crate::time::Timestamp;
use round::{Range, Refused, Round};
use std::collections::BTreeMap;

/// A datagram that was put together.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Whose pieces they were.
    pub datagram: FragmentedDatagram,
    /// Time to live or hop limit of the first piece.
    pub ttl: u8,
    /// What the pieces carried, up to the first byte that the snap length took.
    pub bytes: Vec<u8>,
    /// How many bytes behind those the snap length took, from that one to the end.
    pub missing: u32,
    /// What was around the first piece; `cut` when bytes are missing.
    pub envelope: Envelope,
    /// The packet that completed it.
    pub at: Sighting,
    /// The packet of it that was seen first.
    pub first: Sighting,
    /// Its packets as they were seen; no more than 256 of them.
    pub frames: Vec<FrameNumber>,
    /// How many pieces there were.
    pub pieces: u32,
    /// The payload of its largest piece, in bytes.
    pub largest: u32,
}

/// A datagram that did not become whole in time.
#[derive(Clone, Debug)]
pub struct Incomplete {
    /// Whose pieces they are.
    pub datagram: FragmentedDatagram,
    /// Time to live or hop limit of the first piece, or of another one where that is missing.
    pub ttl: u8,
    /// What was around that piece.
    pub envelope: Envelope,
    /// The bytes from its beginning to the first gap, transport header included; `None` when the first piece is missing.
    pub head: Option<Vec<u8>>,
    /// The packet of it that was seen first.
    pub at: Sighting,
    /// Its packets as they were seen; no more than 256 of them.
    pub frames: Vec<FrameNumber>,
    /// The gaps as offsets in bytes, the first missing one and the one behind the last; `None` when it is unknown where the
    /// datagram ends. Of many gaps the first ones and the last.
    pub missing: Vec<(u32, Option<u32>)>,
    /// How many pieces there are.
    pub pieces: u32,
}

/// The pieces of datagrams that are not whole yet. Packets that were captured several times make several datagrams: a
/// piece belongs to the first copy that does not have it yet.
#[derive(Debug, Default)]
pub struct Fragments {
    sets: HashMap<FragmentedDatagram, Set>,
    /// The sets in the order in which their time is up.
    by_age: BTreeMap<Age, FragmentedDatagram>,
    /// Closed by a piece of another datagram with the same identification.
    overdue: Vec<Incomplete>,
    /// The latest moment that [`Self::expire`] was told.
    now: Option<Timestamp>,
    begun: u64,
    /// What the sets take, in bytes.
    stored: usize,
    later: u64,
    given_up: u64,
    impossible: u64,
}

/// From when on a set waits. The number tells sets of one moment apart.
type Age = (Timestamp, u64);

/// All pieces with one identification.
#[derive(Debug)]
struct Set {
    age: Age,
    /// The time of the piece that was seen first.
    first: Timestamp,
    /// The copies that are not whole.
    rounds: Vec<Round>,
    /// Whether a copy was whole: then pieces that remain are copies of its own, and miss nothing.
    delivered: bool,
    /// Whether its receiver had to drop it with all pieces to come.
    dropped: bool,
    stored: usize,
}

/// The largest datagram: the length fields of IPv4 and UDP have 16 bits (RFC 791 §3.1), and so has that of IPv6 (RFC 8200 §3).
const MAX_DATAGRAM: u32 = 65_535;
/// What a set takes beside its pieces, in bytes, roughly.
const SET_COST: usize = 512;

impl Fragments {
    /// Takes a piece; the datagram that it completes, if any. [`Self::expire`] should have been told the time before.
    pub fn fragment(
        &mut self,
        piece: &Fragment<'_>,
        envelope: Envelope,
        at: Sighting,
    ) -> Option<Whole> {
        self.later += u64::from(piece.offset > 0);
        let Some(range) = range(piece) else {
            self.impossible += 1;
            return None;
        };
        let key = piece.datagram;
        let reused = |set: &Set| at.time.distance(set.first) > FRAGMENTS_WAIT;
        if self.sets.get(&key).is_some_and(reused) {
            self.close_early(&key);
        }
        if !self.sets.contains_key(&key) {
            self.open(key, at.time);
        }
        let (before, whole) = {
            let set = self.sets.get_mut(&key)?;
            let before = set.stored;
            let whole = match set.take(piece, range, envelope, at) {
                Ok(whole) => whole,
                Err(Refused::Impossible) => {
                    self.impossible += 1;
                    None
                }
                Err(Refused::TooMany) => {
                    self.given_up += 1;
                    None
                }
            };
            self.stored += set.stored;
            (before, whole)
        };
        self.stored -= before;
        while self.stored > MAX_FRAGMENT_BYTES {
            self.give_up_oldest();
        }
        whole
    }

    /// Whether nothing waits at `now`, so that [`Self::expire`] has nothing to do.
    #[inline]
    pub fn is_idle(&mut self, now: Timestamp) -> bool {
        self.now = self.now.max(Some(now));
        self.by_age.is_empty() && self.overdue.is_empty()
    }

    /// Gives back the datagrams that waited for more than a second at `now`, oldest first. Copies of whole ones are
    /// forgotten without a word.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Incomplete> {
        let now = self.now.map_or(now, |latest| latest.max(now));
        self.now = Some(now);
        let mut found = std::mem::take(&mut self.overdue);
        while let Some((&age, &key)) = self.by_age.first_key_value()
            && now.since(age.0) > FRAGMENTS_WAIT
        {
            found.extend(self.close(&key));
        }
        found
    }

    /// Gives back the rest, oldest first, when the capture ends. What [`Self::expire`] left is not lost: its other pieces
    /// may have come after the end.
    pub fn finish(&mut self) -> Vec<Incomplete> {
        let mut found = std::mem::take(&mut self.overdue);
        while let Some((_, &key)) = self.by_age.first_key_value() {
            found.extend(self.close(&key));
        }
        found
    }

    /// How many pieces were seen that are not the first of their datagram: none at all means that the capture does not
    /// record them.
    pub const fn later(&self) -> u64 {
        self.later
    }

    /// How many datagrams and copies were not followed because a cap was reached.
    pub const fn given_up(&self) -> u64 {
        self.given_up
    }

    /// How many pieces no receiver takes: beyond the largest datagram, empty, at odds with where the datagram ends, or
    /// overlapping in IPv6.
    pub const fn impossible(&self) -> u64 {
        self.impossible
    }

    fn open(&mut self, key: FragmentedDatagram, first: Timestamp) {
        if self.sets.len() >= MAX_FRAGMENTED_DATAGRAMS {
            self.give_up_oldest();
        }
        self.begun += 1;
        // A packet whose time lies behind the others waits as long as they do.
        let since = self.now.map_or(first, |now| now.max(first));
        let age = (since, self.begun);
        self.by_age.insert(age, key);
        self.stored += SET_COST;
        self.sets.insert(
            key,
            Set {
                age,
                first,
                rounds: Vec::new(),
                delivered: false,
                dropped: false,
                stored: SET_COST,
            },
        );
    }

    fn remove(&mut self, key: &FragmentedDatagram) -> Option<Set> {
        let set = self.sets.remove(key)?;
        self.by_age.remove(&set.age);
        self.stored -= set.stored;
        Some(set)
    }

    fn close(&mut self, key: &FragmentedDatagram) -> Option<Incomplete> {
        self.remove(key)?.incomplete(*key)
    }

    fn close_early(&mut self, key: &FragmentedDatagram) {
        let Some(incomplete) = self.close(key) else {
            return;
        };
        if self.overdue.len() < MAX_OVERDUE {
            self.overdue.push(incomplete);
        } else {
            self.given_up += 1;
        }
    }

    fn give_up_oldest(&mut self) {
        let oldest = self.by_age.first_key_value().map(|(_, key)| *key);
        let lost = oldest.and_then(|key| self.close(&key));
        self.given_up += u64::from(lost.is_some());
    }
}

/// Datagrams that wait for the next [`Fragments::expire`] although their identification is in use again: that is called
/// for every packet, so one is the rule.
const MAX_OVERDUE: usize = 256;

/// The bytes of the datagram that a piece stands for, those too that the snap length took; `None` when there is no such
/// piece.
fn range(piece: &Fragment<'_>) -> Option<Range> {
    let len = u32::try_from(piece.payload.len().saturating_add(piece.missing)).ok()?;
    // Each piece but the last ends on a multiple of eight (RFC 791 §3.2), and in IPv6 it is dropped when it does not
    // (RFC 8200 §4.5).
    let odd = if piece.more { len % 8 } else { 0 };
    if odd > 0 && piece.datagram.src.is_ipv6() {
        return None;
    }
    let end = piece.offset.checked_add(len - odd)?;
    (piece.offset < end && end <= MAX_DATAGRAM).then_some(Range {
        start: piece.offset,
        end,
    })
}

impl Set {
    fn take(
        &mut self,
        piece: &Fragment<'_>,
        range: Range,
        envelope: Envelope,
        at: Sighting,
    ) -> Result<Option<Whole>, Refused> {
        if self.dropped {
            return Ok(None);
        }
        // RFC 8200 §4.5, RFC 5722 §4: a datagram with overlapping pieces is dropped with those still to come. The same
        // piece again is a copy.
        let overlaps = |round: &Round| !round.has(range) && round.overlaps(range);
        if piece.datagram.src.is_ipv6() && self.rounds.iter().any(overlaps) {
            self.dropped = true;
            self.rounds = Vec::new();
            self.stored = SET_COST;
            return Err(Refused::Impossible);
        }
        let lacking = self.rounds.iter().position(|round| !round.has(range));
        let index = match lacking {
            Some(index) => index,
            None if self.rounds.len() < MAX_FRAGMENT_COPIES => {
                self.rounds.push(Round::new(at, piece.ttl, envelope));
                self.rounds.len() - 1
            }
            None => return Err(Refused::TooMany),
        };
        let Some(round) = self.rounds.get_mut(index) else {
            return Ok(None);
        };
        self.stored += round.take(piece, range, envelope, at)?;
        if !round.is_whole() {
            return Ok(None);
        }
        self.delivered = true;
        let round = self.rounds.remove(index);
        self.stored -= round.cost();
        Ok(Some(round.whole(piece.datagram, at)))
    }

    fn incomplete(self, datagram: FragmentedDatagram) -> Option<Incomplete> {
        let first = self.rounds.into_iter().next()?;
        (!self.delivered).then(|| first.incomplete(datagram))
    }
}
