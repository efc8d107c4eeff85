//! Cuts SIP messages out of the bytes of one direction (RFC 3261 §18.3), and finds the next start line when it has lost
//! its place.

use super::desync::{Desync, Unfinished};
use super::head::Head;
use super::start_line::{
    Beginning, begins_message, could_begin_message, idle_len, is_known, is_response, is_text,
    next_message, next_start_line, unframed_len,
};
use crate::capture::Sighting;
use crate::limits::{MAX_START_LINE, MAX_STREAM_MESSAGE};
use crate::sip;
use std::collections::VecDeque;
use std::ops::Range;

/// A message of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Framed<'a> {
    /// The last packet that it needed.
    pub(super) at: Sighting,
    /// Where its first byte is in the stream.
    pub(super) position: u64,
    /// The message.
    pub(super) bytes: &'a [u8],
    /// Whether its end is missing.
    pub(super) cut: bool,
}

/// The framing of one direction.
#[derive(Debug, Default)]
pub(super) struct Framer {
    /// What is not framed yet.
    buffer: Vec<u8>,
    /// Where that begins in the stream.
    position: u64,
    /// Up to where in the buffer which packet's bytes reach.
    marks: Vec<(usize, Sighting)>,
    /// Bytes the buffer must have before looking again makes sense.
    needed: usize,
    /// What was seen so far of the message at the beginning of the buffer, once it is clear that one begins there.
    head: Option<Head>,
    place: Place,
    /// The last message, as long as nothing proves that its Content-Length was right.
    last: Option<Last>,
    /// Messages so far.
    messages: u64,
    /// Where the last of them began.
    recent: VecDeque<u64>,
    desyncs: Vec<Desync>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// At the beginning of the connection, or of the first message after being lost.
    Start,
    /// Behind a message.
    Behind,
    /// Somewhere, as where the capture begins: the next line that begins a message counts.
    #[default]
    Lost,
    /// Inside a body of which so many bytes are still to come and not wanted.
    Body(u64),
}

/// A message that was handed on.
#[derive(Clone, Debug)]
struct Last {
    at: Sighting,
    len: usize,
    body: Vec<u8>,
    /// Where in the body packets begin.
    packets: Vec<usize>,
    position: u64,
}

impl Last {
    /// The message of which a Content-Length that was too large swallowed the beginning, with the bytes behind it; `None`
    /// when none begins in the body.
    fn swallowed(&self, rest: &[u8]) -> Option<Vec<u8>> {
        let whole = [&self.body, rest].concat();
        let at = next_message(&whole, &self.packets).filter(|&at| at < self.body.len())?;
        whole.get(at..).map(<[u8]>::to_vec)
    }
}

/// Desyncs that are kept of one direction.
const MAX_DESYNCS: usize = 4;
/// A Content-Length above this is no length of anything that is sent as SIP.
const BELIEVED: usize = 64 * 1024 * 1024;
/// Messages whose place is remembered, to recognise their copies.
const REMEMBERED: usize = 64;
/// Bytes of a line that are shown.
const SHOWN: usize = 60;

impl Framer {
    /// Of a direction whose first byte the capture has.
    pub(super) fn from_beginning() -> Self {
        Self {
            place: Place::Start,
            ..Self::default()
        }
    }

    /// How many messages there were.
    pub(super) const fn messages(&self) -> u64 {
        self.messages
    }

    /// Whether bytes wait that a message begins with.
    pub(super) fn has_begun(&self) -> bool {
        self.place != Place::Lost && !self.buffer.is_empty()
    }

    /// Whether one of the last messages begins at that sequence number.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "positions are sequence numbers in their low 32 bits"
    )]
    pub(super) fn has_message_at(&self, sequence: u32) -> bool {
        self.recent
            .iter()
            .any(|&position| position as u32 == sequence)
    }

    /// Bytes that wait for the rest of their message.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.buffer.capacity() + self.last.as_ref().map_or(0, |last| last.body.len())
    }

    /// The places where it lost its way.
    pub(super) fn desyncs(&self) -> &[Desync] {
        &self.desyncs
    }

    /// Whether what comes next is not part of a message that has begun.
    pub(super) fn is_between_messages(&self) -> bool {
        self.buffer.is_empty() && !matches!(self.place, Place::Body(_))
    }

    /// Takes bytes in the order of the stream, from `position` on.
    pub(super) fn bytes(
        &mut self,
        at: Sighting,
        position: u64,
        bytes: &[u8],
        out: &mut impl FnMut(Framed<'_>),
    ) {
        if !self.buffer.is_empty() && self.needed == 0 && begins_message(bytes) {
            self.begin_anew();
        }
        if self.buffer.is_empty() {
            self.position = position;
            self.mark(bytes.len(), at);
            self.buffer = match self.cut(bytes, out) {
                Left::From(used) => bytes.get(used..).unwrap_or_default().to_vec(),
                Left::These(left) => left,
            };
            return;
        }
        self.buffer.extend_from_slice(bytes);
        self.mark(self.buffer.len(), at);
        if self.buffer.len() < self.needed {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        self.buffer = match self.cut(&buffer, out) {
            Left::From(used) if used >= buffer.len() => Vec::new(),
            Left::From(used) => {
                buffer.drain(..used);
                buffer
            }
            Left::These(left) => left,
        };
    }

    /// A packet begins with a message, and what waits is less than a line: unless that line is the beginning of the same
    /// start line, it was something else.
    fn begin_anew(&mut self) {
        let is_line = memchr::memchr(b'\n', &self.buffer).is_none();
        let waits = match self.place {
            Place::Lost => true,
            Place::Start | Place::Behind => is_line && !could_begin_message(&self.buffer),
            Place::Body(_) => false,
        };
        if waits {
            let buffer = std::mem::take(&mut self.buffer);
            if let Step::Instead(bytes) = self.lose(0, &buffer) {
                self.buffer = bytes;
            } else {
                self.marks.clear();
            }
        }
    }

    /// So many bytes are missing; what waited for them is handed on as it is.
    pub(super) fn gap(&mut self, len: u64, out: &mut impl FnMut(Framed<'_>)) {
        let buffer = std::mem::take(&mut self.buffer);
        let end = (self.position + buffer.len() as u64).saturating_add(len);
        let place = match self.place {
            Place::Body(left) if len <= left => Place::Body(left - len),
            Place::Start | Place::Behind if sip::looks_like_sip(&buffer, true) => {
                let start = sip::leading_empty_lines(&buffer);
                let message = buffer.get(start..).unwrap_or_default();
                self.hand_on(start..buffer.len(), &buffer, true, out);
                let head = Head::of(message);
                head.len()
                    .zip(head.content_length())
                    .and_then(|(head, body)| {
                        (head as u64 + body as u64)
                            .checked_sub((message.len() as u64).saturating_add(len))
                    })
                    .map_or(Place::Lost, Place::Body)
            }
            _ => Place::Lost,
        };
        self.forget(buffer.len());
        self.last = None;
        self.position = end;
        self.place = place;
        self.needed = 0;
        self.head = None;
    }

    /// Nothing more comes: a message whose end is missing is handed on as it is, and so are those that its Content-Length
    /// swallowed. `complete` says that its sender has ended, and not only the capture.
    pub(super) fn finish(&mut self, complete: bool, out: &mut impl FnMut(Framed<'_>)) {
        loop {
            let buffer = std::mem::take(&mut self.buffer);
            self.head = None;
            let start = sip::leading_empty_lines(&buffer);
            let waits = matches!(self.place, Place::Start | Place::Behind);
            if !waits || !sip::looks_like_sip(&buffer, true) {
                return;
            }
            let message = buffer.get(start..).unwrap_or_default();
            let seen = Head::of(message);
            let head = seen.len();
            let swallowed = head.and_then(|head| {
                let packets = self.packets(start + head..buffer.len());
                Some(head + next_message(message.get(head..)?, &packets)?)
            });
            let Some(swallowed) = swallowed else {
                // What its sender left unfinished is all there is of it (RFC 3261 §18.3).
                let cut = !complete || head.is_none();
                self.hand_on(start..buffer.len(), &buffer, cut, out);
                let missing = head.zip(seen.content_length()).map(|(head, announced)| {
                    (head as u64 + announced as u64).saturating_sub(message.len() as u64)
                });
                match missing {
                    Some(missing) if missing > 0 => {
                        let body = Unfinished::Body {
                            missing,
                            closed: complete,
                        };
                        let announced = seen.content_length().unwrap_or(0);
                        self.note_unfinished(start, &buffer, announced, body);
                    }
                    None if complete && head.is_none() => {
                        self.note_unfinished(start, &buffer, 0, Unfinished::Head);
                    }
                    _ => {}
                }
                return;
            };
            let announced = seen.content_length();
            let end = start + swallowed;
            self.hand_on(start..end, &buffer, false, out);
            self.note_desync(end, &buffer, announced.unwrap_or(0), swallowed as u64);
            self.confirm_desync(end);
            self.last = None;
            self.place = Place::Behind;
            self.forget(end);
            self.position += end as u64;
            let rest = buffer.get(end..).unwrap_or_default();
            self.buffer = match self.cut(rest, out) {
                Left::From(used) => rest.get(used..).unwrap_or_default().to_vec(),
                Left::These(left) => left,
            };
        }
    }

    /// Frames what can be framed; returns what is left of the bytes.
    fn cut(&mut self, bytes: &[u8], out: &mut impl FnMut(Framed<'_>)) -> Left {
        let mut used = 0;
        while let Some(rest) = bytes.get(used..).filter(|rest| !rest.is_empty()) {
            let step = match self.place {
                Place::Start | Place::Behind => self.message(used, bytes, out),
                Place::Lost => self.search(rest),
                Place::Body(left) => {
                    let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    self.place = match left - skipped as u64 {
                        0 => Place::Behind,
                        left => Place::Body(left),
                    };
                    Step::Used(skipped)
                }
            };
            match step {
                Step::Used(count) => {
                    used += count;
                    self.head = None;
                }
                Step::Wait => break,
                Step::Instead(bytes) => {
                    return Left::These(match self.cut(&bytes, out) {
                        Left::From(used) => bytes.get(used..).unwrap_or_default().to_vec(),
                        Left::These(left) => left,
                    });
                }
            }
        }
        self.needed = self.needed.saturating_sub(used);
        self.forget(used);
        self.position += used as u64;
        Left::From(used)
    }

    /// One message at the beginning of what is there.
    fn message(&mut self, used: usize, bytes: &[u8], out: &mut impl FnMut(Framed<'_>)) -> Step {
        let rest = bytes.get(used..).unwrap_or_default();
        let mut head = match self.head {
            Some(head) => head,
            None => match self.begin(used, bytes) {
                Ok(()) => Head::default(),
                Err(step) => return step,
            },
        };
        let end = head.look(rest);
        // A request line whose end is not there may turn out to be none, and what no known method begins may be the rest of
        // what the message before swallowed: both are looked at again with what comes next.
        let settled = is_known(rest) || self.last.is_none();
        let has_start_line = head.has_start_line() || is_response(rest);
        self.head = Some(head).filter(|_| settled && has_start_line);
        let Some(end) = end else {
            if rest.len() > MAX_STREAM_MESSAGE {
                // No head has that many bytes: it is told as far as it was waited for.
                self.hand_on(used..bytes.len(), bytes, true, out);
                self.place = Place::Lost;
                self.last = None;
                return Step::Used(rest.len());
            }
            self.needed = 0;
            return Step::Wait;
        };
        let announced = head.content_length();
        let len = match announced {
            Some(body) if body <= MAX_STREAM_MESSAGE => end + body,
            Some(body) if body <= BELIEVED => {
                // Too much to keep: the message is told without its end, and what follows is found behind it.
                self.hand_on(used..bytes.len().min(used + end + body), bytes, true, out);
                self.last = None;
                let here = rest.len().min(end + body);
                self.place = Place::Body((end + body - here) as u64);
                return Step::Used(here);
            }
            // Without a length that can be believed the body ends where the next message begins, or with the packet.
            _ => unframed_len(rest, end),
        };
        if rest.len() < len {
            self.needed = used + len;
            return Step::Wait;
        }
        self.confirm_desync(used);
        self.hand_on(used..used + len, bytes, false, out);
        self.last = announced.map(|_| Last {
            at: self.sighting(used..used + len),
            len,
            body: rest.get(end..len).unwrap_or_default().to_vec(),
            packets: self.packets(used + end..used + len),
            position: self.position + used as u64,
        });
        self.place = Place::Behind;
        Step::Used(len)
    }

    /// Whether a message begins there; what to do when none does.
    fn begin(&mut self, used: usize, bytes: &[u8]) -> Result<(), Step> {
        let rest = bytes.get(used..).unwrap_or_default();
        let idle = idle_len(rest);
        if let Some(left) = idle.checked_sub(rest.len()).filter(|&left| left > 0) {
            self.place = Place::Body(left as u64);
            return Err(Step::Used(rest.len()));
        }
        if idle > 0 {
            return Err(Step::Used(idle));
        }
        match Beginning::of(rest) {
            // The end of a known method is a method too.
            Beginning::Message
                if !is_known(rest)
                    && self
                        .last
                        .as_ref()
                        .is_some_and(|last| last.swallowed(rest).is_some()) =>
            {
                Err(self.lose(used, bytes))
            }
            Beginning::Message => Ok(()),
            Beginning::Unclear => {
                self.needed = 0;
                Err(Step::Wait)
            }
            Beginning::Other => Err(self.lose(used, bytes)),
        }
    }

    /// What stands where a message should begin is none: the Content-Length before it was wrong, or this is no SIP.
    fn lose(&mut self, used: usize, bytes: &[u8]) -> Step {
        let behind = self.place == Place::Behind;
        self.place = Place::Lost;
        self.head = None;
        let Some(last) = self.last.take().filter(|_| behind) else {
            return Step::Used(0);
        };
        let offset = self.position + used as u64 - last.position;
        let noted = self.note_desync(used, bytes, last.body.len(), offset);
        if let Some(desync) = self.desyncs.last_mut().filter(|_| noted) {
            desync.after = last.at;
        }
        let rest = bytes.get(used..).unwrap_or_default();
        let Some(taken) = last.swallowed(rest).filter(|_| noted) else {
            return Step::Used(0);
        };
        let swallowed = taken.len() - rest.len();
        let here = self.sighting(used..bytes.len());
        self.position = last.position + (last.len - swallowed) as u64;
        self.marks = vec![(swallowed, last.at), (taken.len(), here)];
        self.place = Place::Start;
        self.needed = 0;
        Step::Instead(taken)
    }

    /// The next line that begins a message.
    fn search(&mut self, rest: &[u8]) -> Step {
        let at_start = rest
            .get(sip::leading_empty_lines(rest)..)
            .unwrap_or_default();
        if begins_message(at_start) {
            self.place = Place::Start;
            return Step::Used(0);
        }
        if let Some(start) = next_start_line(rest) {
            self.place = Place::Start;
            return Step::Used(start);
        }
        // The last line may be the beginning of a start line.
        let line = memchr::memrchr(b'\n', rest).map_or(0, |at| at + 1);
        if rest.len() - line > MAX_START_LINE || !is_text(rest.get(line..).unwrap_or_default()) {
            return Step::Used(rest.len());
        }
        if line == 0 {
            Step::Wait
        } else {
            Step::Used(line)
        }
    }

    fn hand_on(
        &mut self,
        range: Range<usize>,
        bytes: &[u8],
        cut: bool,
        out: &mut impl FnMut(Framed<'_>),
    ) {
        self.messages += 1;
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(self.position + range.start as u64);
        out(Framed {
            at: self.sighting(range.clone()),
            position: self.position + range.start as u64,
            bytes: bytes.get(range).unwrap_or_default(),
            cut,
        });
    }

    /// Whether there was room for one more.
    fn note_desync(&mut self, at: usize, bytes: &[u8], content_length: usize, offset: u64) -> bool {
        if self.desyncs.len() >= MAX_DESYNCS {
            return false;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let line = rest.split(|&byte| matches!(byte, b'\r' | b'\n')).next();
        let line = line.unwrap_or_default();
        let shown = line.get(..SHOWN.min(line.len())).unwrap_or_default();
        let sighting = self.sighting(at..at + 1);
        self.desyncs.push(Desync {
            at: sighting,
            after: sighting,
            content_length,
            offset,
            found: String::from_utf8_lossy(shown).into(),
            resynchronised: None,
            unfinished: None,
        });
        true
    }

    /// The message that begins there is not complete, and nothing more comes.
    fn note_unfinished(
        &mut self,
        start: usize,
        buffer: &[u8],
        announced: usize,
        unfinished: Unfinished,
    ) {
        let came = buffer.len() - start;
        let noted = self.note_desync(start, buffer, announced, came as u64);
        let last = self.sighting(start..buffer.len());
        if let Some(desync) = self.desyncs.last_mut().filter(|_| noted) {
            desync.unfinished = Some(unfinished);
            desync.after = last;
        }
    }

    fn confirm_desync(&mut self, at: usize) {
        let here = self.sighting(at..at + 1);
        if let Some(desync) = self.desyncs.last_mut() {
            desync.resynchronised.get_or_insert(here);
        }
    }

    /// The latest packet among those that the bytes came in.
    fn sighting(&self, range: Range<usize>) -> Sighting {
        let from = self.marks.partition_point(|(end, _)| *end <= range.start);
        let behind = self.marks.get(from..).unwrap_or_default();
        let upto = behind.partition_point(|(end, _)| *end < range.end);
        behind
            .iter()
            .take(upto + 1)
            .map(|(_, at)| *at)
            .max_by_key(|at| at.frame)
            .or_else(|| self.marks.last().map(|(_, at)| *at))
            .unwrap_or_default()
    }

    /// Where in a range packets begin, counted from its start.
    fn packets(&self, range: Range<usize>) -> Vec<usize> {
        self.marks
            .iter()
            .filter(|(end, _)| range.contains(end))
            .map(|(end, _)| end - range.start)
            .collect()
    }

    /// Says that the bytes up to `end` came with that packet.
    fn mark(&mut self, end: usize, at: Sighting) {
        match self.marks.last_mut() {
            Some((last, same)) if *same == at => *last = end,
            _ => self.marks.push((end, at)),
        }
    }

    /// Drops the marks of bytes that are used up.
    fn forget(&mut self, used: usize) {
        if used == 0 {
            return;
        }
        self.marks.retain_mut(|(end, _)| {
            *end = end.saturating_sub(used);
            *end > 0
        });
    }
}

/// What to do next.
enum Step {
    /// So many bytes are done with.
    Used(usize),
    /// More must come first.
    Wait,
    /// These bytes are to be framed in place of what is there.
    Instead(Vec<u8>),
}

/// What framing leaves.
enum Left {
    /// The bytes from there on.
    From(usize),
    /// These.
    These(Vec<u8>),
}
