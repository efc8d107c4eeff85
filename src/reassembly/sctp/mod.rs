//! Puts SCTP user messages together from their chunks (RFC 9260 §6.9, RFC 8260 §2); SIP has one message in each (RFC 4168).
//! Comes in: packets in the order of the capture. Goes out: [`UserMessage`]s as soon as all their fragments are there: the
//! order within a stream is not waited for.
//!
//! **What is kept of an association** is the fragments of unfinished messages and the TSNs of the last minute, under the
//! verification tag, which names association and direction. One that begins anew has new random tags (§5.3.1), so that
//! nothing kept of an old one is ever found again; therefore INIT, INIT ACK, ABORT and SHUTDOWN need no attention. Tools
//! that write packets use the same tag for ever; there a TSN that comes again with other bytes is another message.
//!
//! **A TSN that comes again with the same bytes** is never a SIP retransmission. Either the same packet was captured twice
//! (guard G-DUP): then the whole packet is the same and close in time. Or SCTP sent the chunk again: then a timer of about
//! a second lies between (§6.3.1), or the chunk is bundled otherwise. [`Repeat`] tells them apart, for messages of one
//! chunk; of longer ones each chunk is counted, and the message comes once.

mod chunk;
#[cfg(test)]
mod tests;

use crate::capture::Sighting;
use crate::flow::Flow;
use crate::frame::SctpPacket;
use crate::hash::{HashMap, fingerprint};
use crate::limits::{MAX_MESSAGE_LEN, MAX_SCTP_BYTES, MAX_SCTP_FRAGMENTS, MAX_SCTP_TSNS};
use crate::time::Timestamp;
use chunk::{Chunks, Data, Number};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a fragment waits for the rest: a second until the first retransmission, doubled twice (RFC 9260 §6.3.3), and
/// some. After that it was the capture that missed the rest.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a TSN is remembered: RTO.Max, the longest that a sender waits before it sends again (RFC 9260 §16).
const REMEMBERED: Duration = Duration::from_mins(1);

/// Copies of one packet are this close: a retransmission by timer comes later.
const CLOSE: Duration = Duration::from_millis(100);

/// Random tags above this tell associations apart without the addresses, which change when an endpoint has several.
const LARGEST_INVENTED_TAG: u32 = 0xffff;

/// What an endpoint handed to SCTP as one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserMessage {
    /// From where to where the packet went that completed it.
    pub flow: Flow,
    /// That packet; of a message whose end never came, the last packet that brought something.
    pub at: Sighting,
    /// The transmission sequence number of its first chunk.
    pub tsn: u32,
    /// The payload protocol identifier of its first chunk: 0 when the sender gave none (RFC 9260 §3.3.1).
    pub protocol_id: u32,
    /// The message, or its beginning.
    pub bytes: Vec<u8>,
    /// Whether the capture lacks its end.
    pub cut: bool,
    /// Whether it was there before.
    pub repeat: Repeat,
}

/// Whether a message was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// No.
    No,
    /// The same packet was captured again (guard G-DUP).
    Copy,
    /// SCTP sent the chunk again; to SIP this is nothing new and no retransmission.
    Retransmission,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SctpCounters {
    /// Chunks of packets that were captured again.
    pub copies: u64,
    /// Chunks that SCTP sent again.
    pub retransmissions: u64,
    /// Messages that are [cut](UserMessage::cut).
    pub cut: u64,
    /// Chunks whose message has no beginning in the capture.
    pub given_up: u64,
    /// Packets whose chunks have impossible lengths.
    pub malformed: u64,
    /// Fragments and TSNs that were forgotten before their time because too many came at once.
    pub forgotten_early: u64,
}

/// All associations of a capture.
#[derive(Debug, Default)]
pub struct Sctp {
    held: HashMap<Place, Fragment>,
    held_bytes: usize,
    /// What was held, oldest first; what has left since is still in here.
    waiting: VecDeque<(Timestamp, u64, Place)>,
    arrivals: u64,
    seen: HashMap<(u64, u32), Seen>,
    seen_order: VecDeque<(Timestamp, (u64, u32))>,
    counters: SctpCounters,
}

/// Where a fragment stands: neighbours in one message have consecutive numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    direction: u64,
    /// Stream, unordered and message identifier for I-DATA, which numbers the fragments of each message.
    message: Option<(u16, bool, u32)>,
    number: u32,
}

impl Place {
    const fn at(self, number: u32) -> Self {
        Self { number, ..self }
    }
}

#[derive(Debug)]
struct Fragment {
    arrival: u64,
    flow: Flow,
    at: Sighting,
    tsn: u32,
    protocol_id: u32,
    /// What fragments of one message share: stream, unordered, stream sequence number.
    kin: (u16, bool, u16),
    begins: bool,
    /// It is the last, or the capture lacks its end: nothing can be put behind it.
    ends: bool,
    cut: bool,
    bytes: Vec<u8>,
    /// At both ends of a run of neighbours, the number at the other end; inside, nothing that counts.
    reach: u32,
    /// At both ends of a run, the length of the run in bytes.
    run_len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    time: Timestamp,
    packet: u64,
    content: u64,
    announced: usize,
    cut: bool,
}

impl Sctp {
    /// Takes the next packet of the capture; adds the messages that are whole now, and those that were given up, to `out`.
    pub fn packet(&mut self, packet: &SctpPacket<'_>, at: Sighting, out: &mut Vec<UserMessage>) {
        self.expire(at.time, out);
        let direction = Self::direction(packet);
        let whole = fingerprint((packet.flow, packet.verification_tag, packet.chunks));
        for chunk in Chunks::of(packet) {
            let Ok(chunk) = chunk else {
                self.counters.malformed += 1;
                break;
            };
            match chunk.data() {
                Some(Ok(data)) => {
                    let repeat = self.look_up(direction, whole, &data, at.time);
                    self.data(direction, &data, repeat, packet.flow, at, out);
                }
                Some(Err(_)) => self.counters.malformed += 1,
                None => {}
            }
        }
    }

    /// Whether nothing waits, so that [`Self::expire`] has nothing to do.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.seen_order.is_empty()
    }

    /// Gives up what waited too long at this time, or is too much; the beginnings of messages are added to `out` as cut.
    pub fn expire(&mut self, now: Timestamp, out: &mut Vec<UserMessage>) {
        while let Some(&(time, arrival, place)) = self.waiting.front() {
            let full = self.waiting.len() > MAX_SCTP_FRAGMENTS || self.held_bytes > MAX_SCTP_BYTES;
            if !full && now.since(time) <= PATIENCE {
                break;
            }
            self.waiting.pop_front();
            if self
                .held
                .get(&place)
                .is_some_and(|it| it.arrival == arrival)
            {
                self.counters.forgotten_early += u64::from(full);
                self.give_up(place, out);
            }
        }
        while let Some(&(time, key)) = self.seen_order.front() {
            let full = self.seen_order.len() > MAX_SCTP_TSNS;
            if !full && now.since(time) <= REMEMBERED {
                break;
            }
            self.seen_order.pop_front();
            if self.seen.get(&key).is_some_and(|seen| seen.time == time) {
                self.seen.remove(&key);
                self.counters.forgotten_early += u64::from(full);
            }
        }
    }

    /// Ends the capture: the beginnings of messages whose end never came are added to `out` as cut.
    pub fn finish(&mut self, out: &mut Vec<UserMessage>) {
        while let Some((_, arrival, place)) = self.waiting.pop_front() {
            if self
                .held
                .get(&place)
                .is_some_and(|it| it.arrival == arrival)
            {
                self.give_up(place, out);
            }
        }
    }

    /// What was counted so far.
    pub const fn counters(&self) -> SctpCounters {
        self.counters
    }

    /// The number of the association and direction that a packet belongs to. RFC 9260 §8.5: the tag is the receiver's, so
    /// that the two directions have different ones.
    fn direction(packet: &SctpPacket<'_>) -> u64 {
        let (src, dst) = (packet.flow.src, packet.flow.dst);
        let addresses =
            (packet.verification_tag <= LARGEST_INVENTED_TAG).then(|| (src.ip(), dst.ip()));
        fingerprint((addresses, src.port(), dst.port(), packet.verification_tag))
    }

    /// Whether a chunk was there before; remembers it.
    fn look_up(&mut self, direction: u64, packet: u64, data: &Data<'_>, now: Timestamp) -> Repeat {
        let key = (direction, data.tsn);
        let this = Seen {
            time: now,
            packet,
            content: fingerprint((
                data.kin(),
                (data.begins, data.ends),
                data.protocol_id,
                data.payload,
            )),
            announced: data.announced,
            cut: data.is_cut(),
        };
        let earlier = self.seen.insert(key, this);
        self.seen_order.push_back((now, key));
        match earlier {
            Some(earlier) if earlier.is_same_chunk(this) => {
                if earlier.packet == packet && earlier.time.distance(now) < CLOSE {
                    self.counters.copies += 1;
                    Repeat::Copy
                } else {
                    self.counters.retransmissions += 1;
                    Repeat::Retransmission
                }
            }
            _ => Repeat::No,
        }
    }

    fn data(
        &mut self,
        direction: u64,
        data: &Data<'_>,
        repeat: Repeat,
        flow: Flow,
        at: Sighting,
        out: &mut Vec<UserMessage>,
    ) {
        // Of a cut first fragment nothing more can be told, whatever follows.
        if data.begins && (data.ends || data.is_cut()) {
            if repeat == Repeat::No {
                self.counters.cut += u64::from(data.is_cut());
            }
            out.push(UserMessage {
                flow,
                at,
                tsn: data.tsn,
                protocol_id: data.protocol_id,
                bytes: data.payload.to_vec(),
                cut: data.is_cut(),
                repeat,
            });
            return;
        }
        if repeat != Repeat::No {
            return;
        }
        let (message, number) = match data.number {
            Number::Tsn { .. } => (None, data.tsn),
            Number::Fragment { message, fragment } => {
                (Some((data.stream, data.unordered, message)), fragment)
            }
        };
        let place = Place {
            direction,
            message,
            number,
        };
        // The number was used again for something else: the old message stays as it is.
        self.give_up(place, out);
        self.arrivals += 1;
        self.waiting.push_back((at.time, self.arrivals, place));
        let fragment = Fragment {
            arrival: self.arrivals,
            flow,
            at,
            tsn: data.tsn,
            protocol_id: data.protocol_id,
            kin: data.kin(),
            begins: data.begins,
            ends: data.ends || data.is_cut(),
            cut: data.is_cut(),
            bytes: data.payload.to_vec(),
            reach: number,
            run_len: data.payload.len(),
        };
        self.hold(place, fragment, out);
    }

    /// Joins a fragment to its neighbours. Only the two ends of a run are touched, so that the work does not grow with it.
    fn hold(&mut self, place: Place, fragment: Fragment, out: &mut Vec<UserMessage>) {
        let here = place.number;
        let before = self
            .held
            .get(&place.at(here.wrapping_sub(1)))
            .filter(|before| before.goes_on_in(&fragment))
            .map(|before| (before.reach, before.run_len));
        let after = self
            .held
            .get(&place.at(here.wrapping_add(1)))
            .filter(|after| fragment.goes_on_in(after))
            .map(|after| (after.reach, after.run_len));
        let (first, len_before) = before.unwrap_or((here, 0));
        let (last, len_after) = after.unwrap_or((here, 0));
        let run_len = len_before + fragment.bytes.len() + len_after;
        self.held_bytes += fragment.bytes.len();
        self.held.insert(place, fragment);
        let mut is_whole = true;
        if let Some(end) = self.held.get_mut(&place.at(first)) {
            (end.reach, end.run_len) = (last, run_len);
            is_whole &= end.begins;
        }
        if let Some(end) = self.held.get_mut(&place.at(last)) {
            (end.reach, end.run_len) = (first, run_len);
            is_whole &= end.ends;
        }
        if is_whole || run_len > MAX_MESSAGE_LEN {
            self.release(place, first, last, out);
        }
    }

    /// Lets go of the run that a fragment belongs to.
    fn give_up(&mut self, place: Place, out: &mut Vec<UserMessage>) {
        if !self.held.contains_key(&place) {
            return;
        }
        let (mut first, mut last) = (place.number, place.number);
        while self.are_neighbours(place, first.wrapping_sub(1)) {
            first = first.wrapping_sub(1);
        }
        while self.are_neighbours(place, last) {
            last = last.wrapping_add(1);
        }
        self.release(place, first, last, out);
    }

    fn are_neighbours(&self, place: Place, number: u32) -> bool {
        let one = self.held.get(&place.at(number));
        let next = self.held.get(&place.at(number.wrapping_add(1)));
        one.zip(next)
            .is_some_and(|(one, next)| one.goes_on_in(next))
    }

    /// Takes a run out and makes a message of it when its beginning is there.
    fn release(&mut self, place: Place, first: u32, last: u32, out: &mut Vec<UserMessage>) {
        let mut message: Option<UserMessage> = None;
        let mut is_whole = false;
        let mut number = first;
        while let Some(fragment) = self.held.remove(&place.at(number)) {
            self.held_bytes -= fragment.bytes.len();
            is_whole = fragment.ends && !fragment.cut;
            match &mut message {
                Some(message) => {
                    message.bytes.extend_from_slice(&fragment.bytes);
                    if message.at.frame <= fragment.at.frame {
                        (message.at, message.flow) = (fragment.at, fragment.flow);
                    }
                }
                None if fragment.begins => {
                    message = Some(UserMessage {
                        flow: fragment.flow,
                        at: fragment.at,
                        tsn: fragment.tsn,
                        protocol_id: fragment.protocol_id,
                        bytes: fragment.bytes,
                        cut: false,
                        repeat: Repeat::No,
                    });
                }
                None => self.counters.given_up += 1,
            }
            if number == last {
                break;
            }
            number = number.wrapping_add(1);
        }
        if let Some(mut message) = message {
            message.cut = !is_whole || message.bytes.len() > MAX_MESSAGE_LEN;
            message.bytes.truncate(MAX_MESSAGE_LEN);
            self.counters.cut += u64::from(message.cut);
            out.push(message);
        }
    }
}

impl Fragment {
    /// Whether `next`, which has the next number, belongs to the same message.
    fn goes_on_in(&self, next: &Self) -> bool {
        !self.ends && !next.begins && self.kin == next.kin
    }
}

impl Seen {
    /// What the capture cut can only be compared by what its header announced.
    fn is_same_chunk(self, other: Self) -> bool {
        self.announced == other.announced
            && (self.cut || other.cut || self.content == other.content)
    }
}
