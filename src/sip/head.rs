//! What a scan finds, while a message is read: its start line and its header fields, by name.

use super::header::{COUNT, HeaderName};
use super::oddity::Oddities;
use smallvec::SmallVec;
use std::ops::Range;

/// A stretch of the message's bytes.
pub(super) type Span = Range<u32>;

/// The start line, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Start {
    Request {
        method: Span,
        uri: Span,
    },
    Response {
        status: u64,
        reason: Span,
    },
    /// It has not been read.
    #[default]
    Unread,
}

/// One header field as it stands in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The number of its [`HeaderName`], with [`FOLDED`] and [`MORE`].
    pub(super) mark: u8,
    pub(super) name: Span,
    /// Without the white space around it; folds are still inside.
    pub(super) value: Span,
}

/// The value goes on over several lines.
const FOLDED: u8 = 1 << 6;
/// Another field of its name follows.
const MORE: u8 = 1 << 7;
const _: () = assert!(COUNT <= FOLDED as usize);

impl Field {
    #[inline]
    pub(super) const fn of(header: HeaderName, name: Span, value: Span) -> Self {
        Self {
            mark: header as u8,
            name,
            value,
        }
    }

    /// Its name.
    #[inline]
    pub(super) fn header(&self) -> HeaderName {
        HeaderName::at(self.mark & (FOLDED - 1))
    }

    /// Whether that is its name.
    #[inline]
    pub(super) const fn is(&self, header: HeaderName) -> bool {
        self.mark & (FOLDED - 1) == header as u8
    }

    /// Whether the value goes on over several lines.
    #[inline]
    pub(super) const fn folded(&self) -> bool {
        self.mark & FOLDED != 0
    }

    /// Whether another one of its name follows.
    #[inline]
    pub(super) const fn more(&self) -> bool {
        self.mark & MORE != 0
    }

    /// Notes that the value goes on over another line.
    pub(super) const fn fold(&mut self) {
        self.mark |= FOLDED;
    }
}

/// What a scan finds: the message while it is read. Nearly all messages have fewer fields than there is room for here.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) start: Start,
    pub(super) fields: SmallVec<[Field; 24]>,
    /// A bit for each name that occurs, and for each that occurs again.
    pub(super) present: u64,
    pub(super) repeated: u64,
    /// Where the first field of each name that occurs stands.
    first: [u8; COUNT],
    /// Where the bytes after the empty line begin.
    pub(super) body_start: usize,
    /// Whether a value goes on over several lines.
    pub(super) folded: bool,
    /// The length of the longest name that is not known.
    pub(super) longest: u32,
    pub(super) oddities: Oddities,
}

impl Head {
    /// Fields from here on are searched for one by one.
    pub(super) const LAST: u8 = u8::MAX;

    pub(super) fn new() -> Self {
        Self {
            start: Start::Unread,
            fields: SmallVec::new(),
            present: 0,
            repeated: 0,
            first: [0; COUNT],
            body_start: 0,
            folded: false,
            longest: 0,
            oddities: Oddities::default(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, header: HeaderName, field: Field) {
        let bit = header.bit();
        if self.present & bit == 0 {
            self.present |= bit;
            if let Some(first) = self.first.get_mut(header as usize) {
                *first = u8::try_from(self.fields.len()).unwrap_or(Self::LAST);
            }
        } else {
            self.repeat(header);
        }
        self.fields.push(field);
    }

    #[cold]
    fn repeat(&mut self, header: HeaderName) {
        self.repeated |= header.bit();
        let same = self.fields.iter_mut().rev();
        if let Some(before) = same.into_iter().find(|it| it.is(header)) {
            before.mark |= MORE;
        }
    }

    /// The first field of a name.
    #[inline]
    pub(super) fn field(&self, header: HeaderName) -> Option<&Field> {
        if !self.has(header) {
            return None;
        }
        let at = usize::from(self.place(header));
        let rest = self.fields.get(at..)?;
        rest.iter().find(|it| it.is(header))
    }

    /// The fields of a name in their order.
    #[inline]
    pub(super) fn of(&self, header: HeaderName) -> impl Iterator<Item = &Field> {
        let first = self.field(header);
        let others: &[Field] = match first {
            Some(it) if it.more() => &self.fields,
            _ => &[],
        };
        let others = others.iter().filter(move |it| it.is(header)).skip(1);
        first.into_iter().chain(others)
    }

    /// Whether there is a field of that name.
    #[inline]
    pub(super) const fn has(&self, header: HeaderName) -> bool {
        self.present & header.bit() != 0
    }

    /// Where the first field of a name stands that occurs; from [`Self::LAST`] on it is this one or one behind it.
    #[inline]
    pub(super) fn place(&self, header: HeaderName) -> u8 {
        self.first.get(header as usize).copied().unwrap_or_default()
    }

    /// Writes the places of the first fields of the names that occur, by the order of [`HeaderName`].
    #[inline]
    pub(super) fn write_places(&self, places: &mut [u8]) {
        let mut left = self.present;
        for place in places {
            let name = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            *place = self.first.get(name as usize).copied().unwrap_or_default();
        }
    }
}
