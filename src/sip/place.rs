//! Where in a message an oddity stands, for people who look at the bytes.

use super::check::SINGLE;
use super::head::Field;
use super::lexer::is_token;
use super::typed::{is_name_addr, is_via};
use super::value::split;
use super::{HeaderName, Message, Oddity};
use memchr::memchr;
use std::fmt::Write;

/// A place in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What stands there: `Request-Line`, `Status-Line`, or the name of a header field as written.
    pub part: Box<str>,
    /// The line, without its end; folds are still inside. Bytes that are not UTF-8 are replaced by U+FFFD.
    pub line: Box<str>,
    /// The byte of the message that is odd, or where the odd part begins, from 0.
    pub offset: usize,
    /// That byte in hexadecimal with eight before and seven behind it; `-` where credentials stand.
    pub hex: String,
}

/// Bytes shown before the odd one, and all of them.
const BEFORE: usize = 8;
const SHOWN: usize = 16;

/// Header fields with numbers.
const NUMBERS: [HeaderName; 4] = [
    HeaderName::MaxForwards,
    HeaderName::Expires,
    HeaderName::MinExpires,
    HeaderName::RetryAfter,
];

impl Message {
    /// What came behind the body that Content-Length gives.
    pub fn bytes_after_body(&self) -> &[u8] {
        let end = self.body_end as usize;
        self.raw().get(end..).unwrap_or_default()
    }

    /// Where an oddity of this message stands; the start line for what is missing.
    pub fn place_of(&self, oddity: Oddity) -> Place {
        let raw = self.raw();
        let field = |header: HeaderName| self.field(|it| it.is(header));
        match oddity {
            Oddity::FromUnreadable | Oddity::FromTagMissing => {
                self.field_place(field(HeaderName::From))
            }
            Oddity::ToUnreadable | Oddity::ToTagMissing => self.field_place(field(HeaderName::To)),
            Oddity::QuoteUnbalanced | Oddity::BracketUnclosed => {
                self.field_place(self.field(|it| {
                    matches!(it.header(), HeaderName::From | HeaderName::To)
                        && !is_name_addr(&self.value(&it.value, it.folded()))
                }))
            }
            Oddity::ContactUnreadable => self.field_place(self.field(|it| {
                it.is(HeaderName::Contact)
                    && !split(&self.value(&it.value, it.folded()), b',').all(is_name_addr)
            })),
            Oddity::ViaUnreadable => self.field_place(self.field(|it| {
                it.is(HeaderName::Via)
                    && !split(&self.value(&it.value, it.folded()), b',').all(is_via)
            })),
            Oddity::BranchWithoutId | Oddity::BranchWithoutCookie => {
                self.field_place(field(HeaderName::Via))
            }
            Oddity::CseqUnreadable | Oddity::CseqMethod => {
                self.field_place(field(HeaderName::CSeq))
            }
            Oddity::ContentLengthUnreadable
            | Oddity::ContentLengthTooLarge
            | Oddity::BytesAfterBody => self.field_place(field(HeaderName::ContentLength)),
            Oddity::DateZone => self.field_place(field(HeaderName::Date)),
            Oddity::NumberOutOfRange => self.field_place(self.field(|it| {
                (NUMBERS.contains(&it.header())
                    && !is_small_number(&self.value(&it.value, it.folded())))
                    || it.is(HeaderName::Contact)
            })),
            Oddity::RepeatedSingle => {
                let repeated = SINGLE.into_iter().find_map(|header| {
                    let mut same = self.packed.of_name(header);
                    same.nth(1)
                });
                self.field_place(repeated)
            }
            Oddity::HeaderName => {
                self.field_place(self.field(|it| !is_token(self.bytes(&it.name))))
            }
            Oddity::BareLf => {
                let bare = memchr::memchr_iter(b'\n', raw)
                    .find(|at| !raw.get(..*at).unwrap_or_default().ends_with(b"\r"));
                self.line_place(bare.unwrap_or_default())
            }
            Oddity::ControlBytes => {
                let head = raw.get(..self.body_start()).unwrap_or_default();
                let control = head.iter().position(|&byte| {
                    byte.is_ascii_control() && !matches!(byte, b'\r' | b'\n' | b'\t')
                });
                self.line_place(control.unwrap_or_default())
            }
            Oddity::NotUtf8 => {
                let valid = std::str::from_utf8(raw).map_or_else(|it| it.valid_up_to(), str::len);
                self.line_place(valid)
            }
            Oddity::JunkLine => self.line_place(self.junk_line()),
            Oddity::HeadersUnfinished | Oddity::Incomplete => {
                self.line_place(raw.len().saturating_sub(1))
            }
            _ => self.line_place(super::leading_empty_lines(raw)),
        }
    }

    fn field(&self, wanted: impl Fn(&Field) -> bool) -> Option<Field> {
        self.packed.fields().find(|it| wanted(it))
    }

    /// A header field; the start line when there is none.
    fn field_place(&self, field: Option<Field>) -> Place {
        let Some(field) = field else {
            return self.line_place(super::leading_empty_lines(self.raw()));
        };
        let line = field.name.start..field.value.end;
        let place = Place {
            part: text(self.bytes(&field.name)),
            line: text(self.bytes(&line)),
            offset: field.value.start as usize,
            hex: String::new(),
        };
        self.with_hex(place)
    }

    /// The line that a byte stands in.
    fn line_place(&self, offset: usize) -> Place {
        let raw = self.raw();
        let before = raw.get(..offset).unwrap_or_default();
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let behind = raw.get(start..).unwrap_or_default();
        let line = behind.get(..memchr(b'\n', behind).unwrap_or(behind.len()));
        let line = line.unwrap_or_default().trim_ascii_end();
        let part = if start <= super::leading_empty_lines(raw) {
            match self.status() {
                Some(_) => "Status-Line".into(),
                None => "Request-Line".into(),
            }
        } else {
            let name = memchr(b':', line).and_then(|colon| line.get(..colon));
            text(name.unwrap_or_default().trim_ascii_end())
        };
        let place = Place {
            part,
            line: text(line),
            offset,
            hex: String::new(),
        };
        self.with_hex(place)
    }

    fn with_hex(&self, mut place: Place) -> Place {
        let header = HeaderName::of(place.part.as_bytes());
        if matches!(
            header,
            HeaderName::Authorization | HeaderName::ProxyAuthorization
        ) {
            place.line = place.part.clone();
            "-".clone_into(&mut place.hex);
            return place;
        }
        let from = place.offset.saturating_sub(BEFORE);
        for byte in self.raw().iter().skip(from).take(SHOWN) {
            let space = if place.hex.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _ = write!(place.hex, "{space}{byte:02x}");
        }
        place
    }

    /// Where the first line among the header fields begins that has no colon.
    fn junk_line(&self) -> usize {
        let head = self.raw().get(..self.body_start()).unwrap_or_default();
        let mut at = 0;
        for (number, line) in head.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let folded = matches!(line, [b' ' | b'\t', ..]);
            let empty = line.trim_ascii().is_empty();
            if number > 0 && !folded && !empty && memchr(b':', line).is_none() {
                return at;
            }
            at += line.len();
        }
        0
    }
}

fn is_small_number(value: &[u8]) -> bool {
    super::value::delta_seconds(value).is_some_and(|it| u32::try_from(it).is_ok())
}

fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Carrier;

    fn place(text: &[u8], oddity: Oddity) -> Place {
        let message = Message::parse(text, Carrier::default()).expect("a message");
        message.place_of(oddity)
    }

    #[test]
    fn the_line_and_the_bytes_around_an_oddity_are_shown() {
        let text = b"OPTIONS sip:b@example.com SIP/2.0\r\nFrom: <sip:a\xff@example.com>\r\n\r\n";
        let found = place(text, Oddity::NotUtf8);
        assert_eq!((&*found.part, found.offset), ("From", 47));
        assert_eq!(&*found.line, "From: <sip:a\u{fffd}@example.com>");
        assert_eq!(found.hex, "3a 20 3c 73 69 70 3a 61 ff 40 65 78 61 6d 70 6c");
        let found = place(
            b"BYE  sip:b@example.com SIP/2.0\r\n\r\n",
            Oddity::StartLineSpacing,
        );
        assert_eq!((&*found.part, found.offset), ("Request-Line", 0));
        let found = place(
            b"BYE sip:b@h SIP/2.0\r\nTo: x\nFrom: y\r\n\r\n",
            Oddity::BareLf,
        );
        assert_eq!((&*found.part, found.offset), ("To", 26));
        let found = place(
            b"BYE sip:b@h SIP/2.0\r\nTo: x\r\nwhat\r\n\r\n",
            Oddity::JunkLine,
        );
        assert_eq!((&*found.line, found.offset), ("what", 28));
    }

    #[test]
    fn credentials_are_not_shown() {
        let text = b"BYE sip:b@h SIP/2.0\r\nAuthorization: Digest response=\"a\x01b\"\r\n\r\n";
        let found = place(text, Oddity::ControlBytes);
        assert_eq!((&*found.line, &*found.hex), ("Authorization", "-"));
    }
}
