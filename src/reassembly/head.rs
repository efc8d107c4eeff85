//! The head of a message on a stream: where it ends, and how long its Content-Length says that the body is. Each byte is
//! looked at once, however many segments bring it.

use crate::sip;
use memchr::memchr;

/// What is known of a head as far as its bytes are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// Where the first line begins whose end was not found.
    line: usize,
    /// How far it was looked for.
    searched: usize,
    /// Its length with the empty line that ends it; 0 as long as that is not there.
    len: usize,
    length: Length,
}

/// What the Content-Length says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Length {
    /// There was no such field so far.
    #[default]
    Unseen,
    /// There was, and the number may stand on a line that continues the field (RFC 3261 §7.3.1).
    Awaited,
    /// That number; `usize::MAX` for one that is too large.
    Known(usize),
    /// No number.
    Unusable,
}

impl Head {
    /// Of a message that is there as a whole, or as far as it will be.
    pub(super) fn of(message: &[u8]) -> Self {
        let mut head = Self::default();
        head.look(message);
        head
    }

    /// Goes on where the last look at the message ended; returns the length of start line and header fields with the empty
    /// line that ends them, `None` when that is not there. Lines may end in LF alone, as everywhere else in the reading of
    /// a message.
    pub(super) fn look(&mut self, message: &[u8]) -> Option<usize> {
        while self.len == 0 {
            let rest = message.get(self.searched..)?;
            let Some(end) = memchr(b'\n', rest) else {
                self.searched = message.len();
                return None;
            };
            let end = self.searched + end;
            let line = message.get(self.line..end).unwrap_or_default();
            if self.line > 0 {
                if matches!(line, [] | [b'\r']) {
                    self.len = end + 1;
                    break;
                }
                self.field_line(line);
            }
            self.line = end + 1;
            self.searched = end + 1;
        }
        Some(self.len)
    }

    /// Whether the end of the start line was seen.
    pub(super) const fn has_start_line(&self) -> bool {
        self.line > 0
    }

    /// How long the whole head is; `None` when its end was not seen.
    pub(super) fn len(&self) -> Option<usize> {
        Some(self.len).filter(|&len| len > 0)
    }

    /// The Content-Length, in its long or compact form; `None` when there is none or it is no number. Of several the first
    /// counts, as in [`sip::Message::body`].
    pub(super) const fn content_length(&self) -> Option<usize> {
        match self.length {
            Length::Known(length) => Some(length),
            _ => None,
        }
    }

    fn field_line(&mut self, line: &[u8]) {
        match (self.length, line) {
            // Its names, long and short, begin with one of these: most lines need no closer look.
            (Length::Unseen, [b'C' | b'c' | b'L' | b'l', ..]) => {
                let Some((name, value)) =
                    memchr(b':', line).and_then(|colon| line.split_at_checked(colon))
                else {
                    return;
                };
                if sip::HeaderName::of(name.trim_ascii_end()) == sip::HeaderName::ContentLength {
                    self.length = Length::of(value.get(1..).unwrap_or_default());
                }
            }
            (Length::Awaited, [b' ' | b'\t', ..]) => self.length = Length::of(line),
            (Length::Awaited, _) => self.length = Length::Unusable,
            _ => {}
        }
    }
}

impl Length {
    fn of(value: &[u8]) -> Self {
        let value = value.trim_ascii();
        if value.is_empty() {
            return Self::Awaited;
        }
        let digit = |length: usize, byte: &u8| {
            let digit = byte.is_ascii_digit().then(|| usize::from(byte - b'0'))?;
            // Too large for a number is too large for any segment.
            Some(length.saturating_mul(10).saturating_add(digit))
        };
        value
            .iter()
            .try_fold(0, digit)
            .map_or(Self::Unusable, Self::Known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_content_length_frames_the_message_even_when_it_is_folded() {
        let of = |head: &[u8]| {
            let head = Head::of(head);
            (head.len(), head.content_length())
        };
        let folded = b"A b SIP/2.0\r\nContent-Length :\r\n  12\r\nl: 7\r\n\r\n12";
        assert_eq!(of(folded), (Some(folded.len() - 2), Some(12)));
        assert_eq!(of(b"A b SIP/2.0\r\nl: -1\r\nl: 7\r\n\r\n").1, None);
        assert_eq!(of(b"A b SIP/2.0\r\nl:\r\nVia: 7\r\n 8\r\n\r\n").1, None);
        assert_eq!(of(b"A b SIP/2.0\r\nl:\r\n \r\n 8\r\n\r\n").1, Some(8));
        assert_eq!(of(b"A b SIP/2.0\nL: 5\n\nabc"), (Some(18), Some(5)));
        assert_eq!(of(b"A b SIP/2.0\r\nl: 5\r\n"), (None, Some(5)));
        assert_eq!(
            of(b"A b SIP/2.0\r\nl: 99999999999999999999999\r\n\r\n").1,
            Some(usize::MAX)
        );
    }

    #[test]
    fn a_head_in_pieces_is_the_same_head_and_no_byte_is_looked_at_twice() {
        let message = b"A b SIP/2.0\r\nFrom: c\r\nl:\r\n 3\r\n\r\n123";
        let whole = Head::of(message);
        let found = (Some(message.len() - 3), Some(3));
        assert_eq!((whole.len(), whole.content_length()), found);
        let mut head = Head::default();
        for end in 0..message.len() {
            let before = head.searched;
            head.look(&message[..end]);
            assert!(head.len > 0 || head.searched == end && before <= end);
        }
        assert_eq!((head.len(), head.content_length()), found);
    }
}
