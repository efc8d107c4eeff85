//! Puts the bytes of one direction of a TCP connection into order (RFC 9293 §3.4): segments that come late, twice or
//! overlapping, and holes that the capture or the network tore.

use crate::capture::Sighting;
use crate::frame::Segment;
use crate::limits::{HOLE_PATIENCE, HOLE_PATIENCE_ACKNOWLEDGED, MAX_STREAM_WAITING};
use crate::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// What comes out, in the order of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ordered<'a> {
    /// Bytes that follow those before.
    Bytes {
        /// The packet they came in.
        at: Sighting,
        /// Where they are in the stream; the low 32 bits are the sequence number.
        position: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// So many bytes are missing here, and will not come any more.
    Gap(u64),
}

/// What a segment turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reception {
    /// It has bytes that were not seen before, or none at all.
    New,
    /// The same packet captured again (guard G-DUP).
    Copy,
    /// TCP sent these bytes again.
    Retransmission,
    /// Its numbers are far from those of the stream.
    Stray,
}

/// Segments remembered to recognise copies of them: a mirrored port repeats each packet within a few others.
const REMEMBERED: usize = 8;
/// Copies whose packets have no identification are this close; TCP waits longer before it sends again.
const CLOSE: Duration = Duration::from_millis(100);

/// Copies of one packet, told by its identification, may be this far apart: clocks of two capture points differ.
const SAME_PACKET: Duration = Duration::from_secs(2);
/// Further apart than any window of TCP in use: numbers that jump by more belong to another stream.
const WINDOW: u64 = 16 * 1024 * 1024;
/// What keeping a piece costs beside its bytes.
const OVERHEAD: usize = 64;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Sequencer {
    /// The position of the next byte; `None` before the first segment.
    next: Option<u64>,
    /// The number behind the SYN; `None` when that was not captured.
    initial: Option<u32>,
    /// What came ahead of a hole, by position; never overlapping.
    waiting: BTreeMap<u64, (Sighting, Box<[u8]>)>,
    waiting_bytes: usize,
    /// When the first of those came that wait now.
    hole_since: Option<Timestamp>,
    /// The position up to which the other side has everything.
    acknowledged: Option<u64>,
    recent: VecDeque<Recent>,
    /// The number of the last segment that was far from all others, and its length.
    stray: Option<u32>,
    stray_len: u32,
    /// Holes that the receiver does not have: what is missing there, the capture missed.
    holes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Recent {
    position: u64,
    len: usize,
    identification: Option<u16>,
    time: Timestamp,
}

impl Sequencer {
    /// Bytes that wait for others, with what keeping them costs.
    pub(super) const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// How many holes there were that the receiver does not have.
    pub(super) const fn holes(&self) -> u64 {
        self.holes
    }

    /// Whether everything before that sequence number was handed on.
    pub(super) fn is_at(&self, sequence: u32) -> bool {
        self.next
            .is_some_and(|next| next >= nearest(next, sequence))
    }

    /// Takes a segment and hands on what is in order now.
    pub(super) fn segment(
        &mut self,
        segment: &Segment<'_>,
        at: Sighting,
        out: &mut dyn FnMut(Ordered<'_>),
    ) -> Reception {
        let syn = segment.flags.syn();
        // SYN takes up one number (RFC 9293 §3.4).
        let sequence = segment.sequence.wrapping_add(u32::from(syn));
        let next = *self.next.get_or_insert_with(|| FIRST | u64::from(sequence));
        if syn && self.initial != Some(sequence) {
            if nearest(next, sequence) != next {
                // What came before belongs to an older connection.
                self.restart(sequence, out);
            }
            self.initial = Some(sequence);
        }
        if segment.payload.is_empty() && segment.missing == 0 {
            return Reception::New;
        }
        let next = self.next.unwrap_or(next);
        let mut position = nearest(next, sequence);
        if position.abs_diff(next) > WINDOW {
            if self.stray.replace(sequence) != Some(sequence.wrapping_sub(self.stray_len)) {
                // One segment may be a stranger's; a second one that follows on from it is another stream.
                self.stray_len = u32::try_from(segment.payload.len()).unwrap_or(0);
                return Reception::Stray;
            }
            self.restart(sequence, out);
            position = FIRST | u64::from(sequence);
        }
        let reception = self.recognise(segment, position, at.time);
        if reception == Reception::Copy {
            return reception;
        }
        let covered = self.take(segment, position, at, out);
        self.look(at.time, out);
        if covered {
            Reception::Retransmission
        } else {
            reception
        }
    }

    /// Begins anew at another number: what waits is handed on, and what lies between was never sent.
    pub(super) fn restart(&mut self, sequence: u32, out: &mut dyn FnMut(Ordered<'_>)) {
        self.finish(out);
        if self.next.is_some() {
            out(Ordered::Gap(WINDOW));
        }
        *self = Self {
            next: Some(FIRST | u64::from(sequence)),
            holes: self.holes,
            ..Self::default()
        };
    }

    /// Notes what the other side says it has.
    pub(super) fn acknowledge(&mut self, acknowledgment: u32) {
        if let Some(next) = self.next {
            let position = nearest(next, acknowledgment);
            if position.saturating_sub(next) <= WINDOW {
                self.acknowledged = self.acknowledged.max(Some(position));
            }
        }
    }

    /// Gives up on holes that nothing will fill: the receiver has the bytes and the capture does not, or too much waits.
    pub(super) fn look(&mut self, now: Timestamp, out: &mut dyn FnMut(Ordered<'_>)) {
        while let (Some(since), Some((&first, _))) =
            (self.hole_since, self.waiting.first_key_value())
        {
            let acknowledged = self.acknowledged.is_some_and(|acked| acked >= first);
            let patience = if acknowledged {
                HOLE_PATIENCE_ACKNOWLEDGED
            } else {
                HOLE_PATIENCE
            };
            if now.since(since) < patience && self.waiting_bytes <= MAX_STREAM_WAITING {
                break;
            }
            self.skip(out);
        }
    }

    /// Hands on everything that waits, with its holes.
    pub(super) fn finish(&mut self, out: &mut dyn FnMut(Ordered<'_>)) {
        while !self.waiting.is_empty() {
            self.skip(out);
        }
    }

    /// The bytes behind those handed on that were sent all the same: the other side acknowledges them, or the FIN, at `end`,
    /// comes behind them.
    pub(super) fn lacking(&self, end: Option<u32>) -> u64 {
        let Some(next) = self.next else {
            return 0;
        };
        // FIN takes up one number (RFC 9293 §3.4).
        let acknowledged = self.acknowledged.map_or(0, |acked| acked - 1);
        let end = end.map_or(0, |end| nearest(next, end));
        acknowledged.max(end).saturating_sub(next)
    }

    fn recognise(&mut self, segment: &Segment<'_>, position: u64, time: Timestamp) -> Reception {
        let this = Recent {
            position,
            len: segment.payload.len(),
            identification: segment.identification,
            time,
        };
        let again = self.recent.iter().any(|other| {
            (other.position, other.len) == (this.position, this.len)
                && match (other.identification, this.identification) {
                    (Some(one), Some(two)) => {
                        one == two && time.distance(other.time) <= SAME_PACKET
                    }
                    _ => time.distance(other.time) < CLOSE,
                }
        });
        if again {
            return Reception::Copy;
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(this);
        Reception::New
    }

    /// Hands on or keeps the bytes; whether all of them were there already.
    fn take(
        &mut self,
        segment: &Segment<'_>,
        mut position: u64,
        at: Sighting,
        out: &mut dyn FnMut(Ordered<'_>),
    ) -> bool {
        let next = self.next.unwrap_or(position);
        let mut bytes = segment.payload;
        let wire_end = position + (bytes.len() + segment.missing) as u64;
        if wire_end <= next {
            return true;
        }
        if let Some(old) = next.checked_sub(position) {
            bytes = usize::try_from(old)
                .ok()
                .and_then(|old| bytes.get(old..))
                .unwrap_or_default();
            position = next;
        }
        if position > next {
            self.keep(position, bytes, at);
            return false;
        }
        if !bytes.is_empty() {
            out(Ordered::Bytes {
                at,
                position,
                bytes,
            });
        }
        self.next = Some(position + bytes.len() as u64);
        self.drain(out);
        // What the snap length cut off is lost, unless it waited already.
        let lost = wire_end.saturating_sub(self.next.unwrap_or(wire_end));
        if segment.missing > 0 && lost > 0 && self.waiting.is_empty() {
            out(Ordered::Gap(lost));
            self.next = Some(wire_end);
        }
        false
    }

    /// Keeps the parts that do not wait already.
    fn keep(&mut self, position: u64, bytes: &[u8], at: Sighting) {
        let end = position + bytes.len() as u64;
        let mut from = self
            .waiting
            .range(..=position)
            .next_back()
            .map_or(position, |(&start, (_, kept))| {
                (start + kept.len() as u64).max(position)
            });
        let behind: Vec<(u64, u64)> = self
            .waiting
            .range(position..end)
            .map(|(&start, (_, kept))| (start, start + kept.len() as u64))
            .collect();
        let part = |from: u64, to: u64| {
            let range =
                usize::try_from(from - position).ok()?..usize::try_from(to - position).ok()?;
            bytes.get(range).filter(|part| !part.is_empty())
        };
        let mut parts = Vec::new();
        for (start, stop) in behind {
            if from < start {
                parts.extend(part(from, start).map(|part| (from, part)));
            }
            from = from.max(stop);
        }
        if from < end {
            parts.extend(part(from, end).map(|part| (from, part)));
        }
        for (start, part) in parts {
            self.waiting_bytes += part.len() + OVERHEAD;
            self.waiting.insert(start, (at, part.into()));
        }
        if !self.waiting.is_empty() {
            self.hole_since.get_or_insert(at.time);
        }
    }

    /// Hands on what is in order now.
    fn drain(&mut self, out: &mut dyn FnMut(Ordered<'_>)) {
        let Some(mut next) = self.next else {
            return;
        };
        while let Some(entry) = self.waiting.first_entry() {
            let start = *entry.key();
            if start > next {
                break;
            }
            let (at, bytes) = entry.remove();
            self.waiting_bytes -= bytes.len() + OVERHEAD;
            let old = usize::try_from(next - start).unwrap_or(usize::MAX);
            if let Some(bytes) = bytes.get(old..).filter(|bytes| !bytes.is_empty()) {
                out(Ordered::Bytes {
                    at,
                    position: next,
                    bytes,
                });
                next += bytes.len() as u64;
            }
        }
        self.next = Some(next);
        self.hole_since = self.waiting.first_key_value().map(|(_, (at, _))| at.time);
    }

    /// Gives up on the first hole.
    fn skip(&mut self, out: &mut dyn FnMut(Ordered<'_>)) {
        if let (Some(next), Some((&first, _))) = (self.next, self.waiting.first_key_value()) {
            self.holes += u64::from(self.acknowledged.is_some_and(|acked| acked >= first));
            out(Ordered::Gap(first.saturating_sub(next)));
            self.next = Some(first);
        }
        self.drain(out);
    }
}

/// Positions begin high enough that what lies before the first byte has one too.
const FIRST: u64 = 1 << 32;

/// The position nearest to `around` that has this sequence number, so that the numbers may wrap (RFC 9293 §3.4).
fn nearest(around: u64, sequence: u32) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "sequence numbers are compared modulo 2^32"
    )]
    let distance = sequence.wrapping_sub(around as u32) as i32;
    around.saturating_add_signed(distance.into())
}
