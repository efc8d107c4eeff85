//! The index of a message in few bytes, behind the message itself: a message is kept for half a minute and more, and read
//! again when it is in no cache, so that each byte counts as much as the instruction that reads it.
//!
//! What is packed is, in this order, the message as captured, the place of the first field of each name that occurs (a byte
//! each, by the order of [`HeaderName`]), the fields, and the parts of a message whose places do not fit into sixteen bits.

use super::HeaderName;
use super::head::{Field, Head, Span};

/// Where the parts stand of which every message is asked. They are in the order of [`Part`].
pub(super) type Parts = [Option<Span>; PARTS];
/// How many parts there are.
pub(super) const PARTS: usize = Part::CallId as usize + 1;

/// A part of a message of which every message is asked; folds are still inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The method of a request.
    Method,
    /// The Request-URI of a request, the reason phrase of a response.
    Target,
    /// The URI of the From.
    FromUri,
    /// Its tag.
    FromTag,
    /// The URI of the To.
    ToUri,
    /// Its tag.
    ToTag,
    /// The topmost Via value.
    TopVia,
    /// Its sent-by.
    SentBy,
    /// Its branch, where it has one.
    Branch,
    /// The URI of the first Contact value.
    Contact,
    /// The value of the first Call-ID.
    CallId,
}

/// A message with its index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    bytes: Box<[u8]>,
    /// A bit for each name that occurs.
    present: u64,
    /// How long the message is.
    len: u32,
    /// How long its head is, with the empty line.
    head_len: u32,
    /// Start and end of each part; the start is above the end where there is none.
    parts: [[u16; 2]; PARTS],
    /// How many names occur.
    names: u8,
    /// Whether places do not fit into sixteen bits, or a name's length not into eight.
    wide: bool,
}

/// A part that is not there.
const ABSENT: [u16; 2] = [1, 0];
const WIDE_ABSENT: [u32; 2] = [1, 0];

/// Bytes of a field.
const NARROW: usize = 8;
const WIDE: usize = 20;
/// Bytes of the parts that stand behind the fields of a wide message.
const WIDE_PARTS: usize = PARTS * 8;

impl Packed {
    /// `None` when the message is longer than 32 bits tell.
    pub(super) fn of(raw: &[u8], head: &Head, parts: &Parts) -> Option<Self> {
        let len = u32::try_from(raw.len()).ok()?;
        let wide = len > u32::from(u16::MAX) || head.longest > u32::from(u8::MAX);
        let names = head.present.count_ones() as usize;
        let field_len = if wide { WIDE } else { NARROW };
        let parts_len = if wide { WIDE_PARTS } else { 0 };
        let index_len = names + head.fields.len() * field_len + parts_len;
        let mut bytes = Vec::with_capacity(raw.len() + index_len);
        bytes.extend_from_slice(raw);
        bytes.resize(raw.len() + index_len, 0);
        let (places, rest) = bytes.get_mut(raw.len()..)?.split_at_mut_checked(names)?;
        head.write_places(places);
        let mut narrow = [ABSENT; PARTS];
        if wide {
            write_wide(rest, head, parts);
        } else {
            let (words, _) = rest.as_chunks_mut::<NARROW>();
            for (word, field) in words.iter_mut().zip(&head.fields) {
                *word = narrow_field(field).to_le_bytes();
            }
            for (narrow, part) in narrow.iter_mut().zip(parts) {
                if let Some(part) = part {
                    *narrow = [short(part.start), short(part.end)];
                }
            }
        }
        Some(Self {
            bytes: bytes.into_boxed_slice(),
            present: head.present,
            len,
            head_len: u32::try_from(head.body_start).ok()?,
            parts: narrow,
            names: u8::try_from(names).ok()?,
            wide,
        })
    }

    /// The message as captured.
    #[inline]
    pub(super) const fn raw(&self) -> &[u8] {
        match self.bytes.split_at_checked(self.len as usize) {
            Some((raw, _)) => raw,
            None => &[],
        }
    }

    /// How long its head is, with the empty line.
    pub(super) const fn head_len(&self) -> u32 {
        self.head_len
    }

    /// Has all of it brought into the cache.
    #[inline]
    pub(super) fn fetch(&self) {
        crate::fetch::fetch(&*self.bytes);
    }

    /// The memory that it takes behind itself, in bytes.
    pub(super) const fn footprint(&self) -> usize {
        self.bytes.len()
    }

    /// Where a part stands; `None` when there is none.
    #[inline]
    pub(super) fn part(&self, part: Part) -> Option<&[u8]> {
        if self.wide {
            return self.raw().get(self.wide_part(part)?);
        }
        let [start, end] = self.parts.get(part as usize).copied()?;
        self.bytes.get(usize::from(start)..usize::from(end))
    }

    #[cold]
    fn wide_part(&self, part: Part) -> Option<std::ops::Range<usize>> {
        let all = self.bytes.len().checked_sub(WIDE_PARTS)?;
        let mut words = words(self.bytes.get(all + 8 * part as usize..)?);
        Some(words.next()? as usize..words.next()? as usize)
    }

    /// Whether there is a field of that name.
    #[inline]
    pub(super) const fn has(&self, header: HeaderName) -> bool {
        self.present & header.bit() != 0
    }

    /// The place of the first field of a name.
    #[inline]
    fn first(&self, header: HeaderName) -> Option<usize> {
        let bit = header.bit();
        if self.present & bit == 0 {
            return None;
        }
        let rank = (self.present & (bit - 1)).count_ones() as usize;
        match *self.bytes.get(self.len as usize + rank)? {
            Head::LAST => self.late(header),
            place => Some(place.into()),
        }
    }

    #[cold]
    fn late(&self, header: HeaderName) -> Option<usize> {
        (usize::from(Head::LAST)..)
            .map_while(|at| Some((at, self.field(at)?)))
            .find(|(_, field)| field.is(header))
            .map(|(at, _)| at)
    }

    /// Where the value of the first field of a name stands, and whether it is folded.
    #[inline]
    pub(super) fn first_value(&self, header: HeaderName) -> Option<(Span, bool)> {
        let field = self.field(self.first(header)?)?;
        let folded = field.folded();
        Some((field.value, folded))
    }

    /// The fields of a name in their order.
    #[inline]
    pub(super) fn of_name(&self, header: HeaderName) -> impl Iterator<Item = Field> {
        let mut next = self.first(header);
        std::iter::from_fn(move || {
            let mut at = next?;
            let mut field = self.field(at)?;
            while !field.is(header) {
                at += 1;
                field = self.field(at)?;
            }
            next = field.more().then_some(at + 1);
            Some(field)
        })
    }

    /// All fields in their order.
    pub(super) fn fields(&self) -> impl Iterator<Item = Field> {
        (0..).map_while(|at| self.field(at))
    }

    #[inline]
    fn field(&self, at: usize) -> Option<Field> {
        let start = self.len as usize + usize::from(self.names);
        if self.wide {
            let fields = self.bytes.get(start..self.bytes.len() - WIDE_PARTS)?;
            return read_wide(fields.get(at.checked_mul(WIDE)?..)?);
        }
        let at = start.checked_add(at.checked_mul(NARROW)?)?;
        Some(read_narrow(u64::from_le_bytes(
            *self.bytes.get(at..)?.first_chunk()?,
        )))
    }
}

/// A place in a message that is not wide.
#[expect(
    clippy::cast_possible_truncation,
    reason = "it fits where the message is not wide"
)]
const fn short(place: u32) -> u16 {
    place as u16
}

#[cold]
fn write_wide(index: &mut [u8], head: &Head, parts: &Parts) {
    let fields = head.fields.iter().flat_map(wide_field);
    let parts = parts
        .iter()
        .flat_map(|part| part.as_ref().map_or(WIDE_ABSENT, |it| [it.start, it.end]));
    let (words, _) = index.as_chunks_mut::<4>();
    for (place, word) in words.iter_mut().zip(fields.chain(parts)) {
        *place = word.to_le_bytes();
    }
}

#[inline]
fn narrow_field(field: &Field) -> u64 {
    u64::from(field.mark)
        | u64::from((field.name.end - field.name.start) & 0xff) << 8
        | u64::from(field.name.start & 0xffff) << 16
        | u64::from(field.value.start & 0xffff) << 32
        | u64::from(field.value.end & 0xffff) << 48
}

#[inline]
fn read_narrow(word: u64) -> Field {
    let [mark, name_len, ..] = word.to_le_bytes();
    let place = |shift: u32| ((word >> shift) & 0xffff) as u32;
    Field {
        mark,
        name: place(16)..place(16) + u32::from(name_len),
        value: place(32)..place(48),
    }
}

fn wide_field(field: &Field) -> [u32; WIDE / 4] {
    [
        field.mark.into(),
        field.name.start,
        field.name.end,
        field.value.start,
        field.value.end,
    ]
}

#[cold]
fn read_wide(bytes: &[u8]) -> Option<Field> {
    let mut words = words(bytes);
    Some(Field {
        mark: u8::try_from(words.next()?).ok()?,
        name: words.next()?..words.next()?,
        value: words.next()?..words.next()?,
    })
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().map(|it| u32::from_le_bytes(*it))
}

#[cfg(test)]
mod tests {
    use crate::sip::{Carrier, HeaderName, Message, StartLine};

    /// A message with a Subject that long, a name that long, and so many fields behind it.
    fn message(subject: usize, name: usize, fields: usize) -> Message {
        let mut text = String::from("BYE sip:b@h SIP/2.0\r\nSubject: ");
        text.push_str(&"s".repeat(subject));
        text.push_str("\r\nCall-ID: 1@h\r\n");
        text.push_str(&"n".repeat(name));
        text.push_str(": one\r\n two\r\nReason: first\r\n");
        text.push_str(&"X: y\r\n".repeat(fields));
        text.push_str("From: <sip:a@h>;tag=1\r\nReason: second\r\n\r\nbody");
        Message::parse(text.as_bytes(), Carrier::default()).expect("a message")
    }

    #[test]
    fn short_and_long_messages_have_the_same_parts() {
        for (subject, name, fields) in [
            (1, 1, 1),
            (1, 255, 1),
            (1, 256, 1),
            (65_300, 1, 1),
            (65_536, 1, 1),
            (1, 1, 249),
            (1, 1, 250),
            (1, 1, 251),
            (1, 1, 252),
            (1, 256, 300),
        ] {
            let message = message(subject, name, fields);
            let case = (subject, name, fields);
            let StartLine::Request { uri, .. } = message.start_line() else {
                panic!("a request");
            };
            assert_eq!(uri, b"sip:b@h", "{case:?}");
            assert_eq!(message.from_tag(), Some(&b"1"[..]), "{case:?}");
            assert_eq!(message.to_tag(), None, "{case:?}");
            assert_eq!(message.call_id().as_deref(), Some(&b"1@h"[..]), "{case:?}");
            assert_eq!(
                message.uri(HeaderName::From).as_deref(),
                Some(&b"sip:a@h"[..])
            );
            assert_eq!(message.body(), b"body");
            let reasons: Vec<_> = message.headers(HeaderName::Reason).collect();
            assert_eq!(reasons, [&b"first"[..], b"second"], "{case:?}");
            let all: Vec<_> = message.fields().collect();
            assert_eq!(all.len(), 6 + fields, "{case:?}");
            let (long, value) = all.get(2).expect("the third field");
            assert_eq!((long.len(), &**value), (name, &b"one two"[..]), "{case:?}");
            let (first, value) = all.first().expect("the first field");
            assert_eq!(
                (*first, value.len()),
                (&b"Subject"[..], subject),
                "{case:?}"
            );
            assert!(!message.has(HeaderName::To));
            assert_eq!(message.headers(HeaderName::To).count(), 0);
        }
    }
}
