//! The pieces of one copy of a datagram.

use super::{Incomplete, Whole};
use crate::capture::{FrameNumber, Sighting};
use crate::frame::{Envelope, Fragment, FragmentedDatagram};
use crate::limits::MAX_FRAMES_SHOWN;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included};

/// A stretch of the datagram: the first byte and the one behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// Why a piece was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// No receiver would take it.
    Impossible,
    /// There are more copies than are followed.
    TooMany,
}

/// One copy of a datagram on its way to be whole.
#[derive(Debug)]
pub(super) struct Round {
    first: Sighting,
    frames: Vec<FrameNumber>,
    /// The pieces as they came, to tell a copy from a piece that overlaps.
    pieces: BTreeSet<Range>,
    /// What they cover on the wire, start and end of each stretch; neighbours are one.
    covered: BTreeMap<u32, u32>,
    /// The captured bytes by their place; nothing overlaps.
    parts: Vec<(u32, Box<[u8]>)>,
    /// Where the datagram ends, once its last piece was seen.
    end: Option<u32>,
    /// Of the first piece, once it was seen; before that, of any.
    ttl: u8,
    envelope: Envelope,
    largest: u32,
    cost: usize,
}

/// Gaps of a datagram that are told: more than any loss leaves, and the end of what an attack would.
const GAPS_TOLD: usize = 16;
/// What a piece takes beside its bytes, in bytes, roughly.
const PIECE_COST: usize = 128;

impl Round {
    pub(super) const fn new(first: Sighting, ttl: u8, envelope: Envelope) -> Self {
        Self {
            first,
            frames: Vec::new(),
            pieces: BTreeSet::new(),
            covered: BTreeMap::new(),
            parts: Vec::new(),
            end: None,
            ttl,
            envelope,
            largest: 0,
            cost: 0,
        }
    }

    /// Whether exactly this piece was seen.
    pub(super) fn has(&self, range: Range) -> bool {
        self.pieces.contains(&range)
    }

    /// Whether some byte of it was seen.
    pub(super) fn overlaps(&self, range: Range) -> bool {
        let before = self.covered.range(..range.end).next_back();
        before.is_some_and(|(_, &end)| end > range.start)
    }

    /// What it takes in memory, in bytes.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    /// Whether nothing is missing on the wire.
    pub(super) fn is_whole(&self) -> bool {
        let covered = self.covered.first_key_value();
        self.end
            .is_some_and(|all| covered.is_some_and(|(&start, &end)| start == 0 && end >= all))
    }

    /// Takes a piece; what that costs in memory.
    pub(super) fn take(
        &mut self,
        piece: &Fragment<'_>,
        range: Range,
        envelope: Envelope,
        at: Sighting,
    ) -> Result<usize, Refused> {
        let reached = self.covered.last_key_value().map_or(0, |(_, &end)| end);
        let at_odds = if piece.more {
            self.end.is_some_and(|end| range.end > end)
        } else {
            self.end.is_some_and(|end| range.end != end) || range.end < reached
        };
        if at_odds {
            return Err(Refused::Impossible);
        }
        if !piece.more {
            self.end = Some(range.end);
        }
        if range.start == 0 {
            (self.ttl, self.envelope) = (piece.ttl, envelope);
        }
        if self.frames.len() < MAX_FRAMES_SHOWN {
            self.frames.push(at.frame);
        }
        self.pieces.insert(range);
        self.largest = self.largest.max(range.end - range.start);
        let cost = PIECE_COST + self.fill(range, piece.payload);
        self.cost += cost;
        Ok(cost)
    }

    /// Takes what is new in a piece: in IPv4 the bytes that came first stay. Each stretch that it touches becomes part of
    /// one, so that over all pieces the work is that of looking them up.
    fn fill(&mut self, range: Range, payload: &[u8]) -> usize {
        let Range { start, end } = range;
        let (mut left, mut right) = (start, end);
        let mut from = start;
        let mut stored = 0;
        let before = self.covered.range(..=start).next_back();
        if let Some((&before_start, &before_end)) = before
            && before_end >= start
        {
            left = before_start;
            right = right.max(before_end);
            from = before_end;
        }
        while let Some((&next_start, &next_end)) =
            self.covered.range((Excluded(start), Included(end))).next()
        {
            stored += self.store(start, payload, from, next_start);
            from = from.max(next_end);
            right = right.max(next_end);
            self.covered.remove(&next_start);
        }
        stored += self.store(start, payload, from, end);
        self.covered.insert(left, right);
        stored
    }

    /// Keeps the captured bytes between two offsets of a piece that begins at `start`.
    fn store(&mut self, start: u32, payload: &[u8], from: u32, to: u32) -> usize {
        let (first, behind) = ((from - start) as usize, to.saturating_sub(start) as usize);
        let new = payload.get(first..behind.min(payload.len()));
        let new = new.filter(|bytes| !bytes.is_empty());
        if let Some(bytes) = new {
            self.parts.push((from, bytes.into()));
        }
        new.map_or(0, <[u8]>::len)
    }

    /// The bytes from the beginning to the first one that is not there.
    fn into_head(mut parts: Vec<(u32, Box<[u8]>)>) -> Vec<u8> {
        parts.sort_unstable_by_key(|(start, _)| *start);
        let mut head = Vec::new();
        for (start, bytes) in parts {
            if start as usize != head.len() {
                break;
            }
            head.extend_from_slice(&bytes);
        }
        head
    }

    pub(super) fn whole(self, datagram: FragmentedDatagram, at: Sighting) -> Whole {
        let pieces = self.count();
        let bytes = Self::into_head(self.parts);
        let captured = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let missing = self.end.unwrap_or(captured).saturating_sub(captured);
        let mut envelope = self.envelope;
        envelope.cut = missing > 0;
        Whole {
            datagram,
            ttl: self.ttl,
            bytes,
            missing,
            envelope,
            at,
            first: self.first,
            frames: self.frames,
            pieces,
            largest: self.largest,
        }
    }

    pub(super) fn incomplete(self, datagram: FragmentedDatagram) -> Incomplete {
        let missing = self.gaps();
        let pieces = self.count();
        let has_head = self.covered.contains_key(&0);
        Incomplete {
            datagram,
            ttl: self.ttl,
            envelope: self.envelope,
            head: has_head.then(|| Self::into_head(self.parts)),
            at: self.first,
            frames: self.frames,
            missing,
            pieces,
        }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.pieces.len()).unwrap_or(u32::MAX)
    }

    fn gaps(&self) -> Vec<(u32, Option<u32>)> {
        let mut gaps = Vec::new();
        let mut reached = 0;
        for (&start, &end) in &self.covered {
            if start > reached && gaps.len() < GAPS_TOLD {
                gaps.push((reached, Some(start)));
            }
            reached = end;
        }
        if self.end.is_none_or(|end| reached < end) {
            gaps.push((reached, self.end));
        }
        gaps
    }
}
