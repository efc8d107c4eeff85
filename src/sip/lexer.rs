//! The tolerant scan of one message: start line, header fields, body. It never fails on bytes whose start line can be
//! found; each departure from RFC 3261 §7 is an [`Oddity`].

use super::find;
use super::head::{Field, Head, Span, Start};
use super::header::HeaderName;
use super::oddity::{Oddities, Oddity};
use std::ops::Range;

/// Whether bytes begin like a SIP message, so that a scan would find a start line: the test for any port.
///
/// `cut` says that the capture lacks the end; then a start line that breaks off is enough when it cannot be anything else.
pub fn looks_like_sip(bytes: &[u8], cut: bool) -> bool {
    start_line(skip_empty_lines(bytes), cut, &mut Oddities::default()).is_some()
}

/// Whether the first byte is one that a message, or the empty lines before it, can begin with.
#[inline]
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    (bytes.first()).is_some_and(|&byte| is_token_byte(byte) || matches!(byte, b'\r' | b'\n'))
}

/// How many bytes of empty lines stand before the message (RFC 3261 §7.5; keep-alives of RFC 5626 §4.4.1).
pub fn leading_empty_lines(bytes: &[u8]) -> usize {
    bytes.len() - skip_empty_lines(bytes).len()
}

fn skip_empty_lines(mut bytes: &[u8]) -> &[u8] {
    while let [b'\n' | b'\r', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Scans a message. `None` when the bytes do not begin with a SIP start line.
#[inline]
pub(super) fn scan(bytes: &[u8], cut: bool) -> Option<Head> {
    let skipped = leading_empty_lines(bytes);
    let message = bytes.get(skipped..)?;
    if !message.first().copied().is_some_and(is_token_byte) {
        return None;
    }
    let mut head = Head::new(Oddities::default(), bytes.len());
    let mut lines = Lines::of(bytes, skipped);
    let line_end = lines.next_end();
    let first = message.get(..line_end.map_or(message.len(), |end| end - skipped))?;
    let ended = line_end.is_some();
    head.start = start_line_of(first, ended, cut, &mut head.oddities)?;
    if skipped > 0 {
        head.oddities.insert(Oddity::LeadingCrlf);
        head.start = head.start.shifted(skipped);
    }
    header_fields(
        &mut lines,
        line_end.map_or(bytes.len(), |end| end + 1),
        cut,
        &mut head,
    );
    if cut {
        head.oddities.insert(Oddity::Incomplete);
    }
    if lines.odd {
        let read = bytes.get(skipped..head.body_start).unwrap_or_default();
        check_bytes(read, cut, &mut head.oddities);
    }
    Some(head)
}

/// What is odd about a head that has more than printable ASCII.
#[cold]
fn check_bytes(head: &[u8], cut: bool, oddities: &mut Oddities) {
    if has_control_bytes(head) {
        oddities.insert(Oddity::ControlBytes);
    }
    if !head.is_ascii()
        && std::str::from_utf8(head).is_err_and(|error| !cut || error.error_len().is_some())
    {
        oddities.insert(Oddity::NotUtf8);
    }
}

/// The ends of lines. They are looked for among the bytes that are not printable, so that one pass over the head finds them
/// and whether there are others.
struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the piece begins that is looked at, and where the next one does.
    piece: usize,
    next: usize,
    /// The bytes of the piece that are not printable ASCII and have not been seen.
    marks: u64,
    /// Whether a byte was seen that is neither printable ASCII nor a tab nor part of a line's end.
    odd: bool,
}

impl<'a> Lines<'a> {
    const fn of(bytes: &'a [u8], start: usize) -> Self {
        Self {
            bytes,
            piece: start,
            next: start,
            marks: 0,
            odd: false,
        }
    }

    /// Where the next LF stands; `None` when there is no other.
    #[inline]
    fn next_end(&mut self) -> Option<usize> {
        loop {
            while self.marks == 0 {
                self.piece = self.next;
                let rest = self.bytes.get(self.piece..)?;
                self.next = self.piece + find::PIECE;
                self.marks = match rest.first_chunk() {
                    Some(piece) => find::unusual(piece),
                    None if rest.is_empty() => return None,
                    None => {
                        let mut piece = [b' '; find::PIECE];
                        if let Some(start) = piece.get_mut(..rest.len()) {
                            start.copy_from_slice(rest);
                        }
                        find::unusual(&piece)
                    }
                };
            }
            let at = self.piece + self.marks.trailing_zeros() as usize;
            self.marks &= self.marks - 1;
            match self.bytes.get(at) {
                Some(b'\n') => return Some(at),
                Some(b'\r' | b'\t') => {}
                _ => self.odd = true,
            }
        }
    }
}

/// Control characters are legal only behind a backslash: `quoted-pair` of RFC 3261 §25.1.
fn has_control_bytes(head: &[u8]) -> bool {
    head.iter().enumerate().any(|(at, &byte)| {
        let control = (byte < b' ' && !matches!(byte, b'\r' | b'\n' | b'\t')) || byte == 0x7f;
        control && {
            let before = head.get(..at).unwrap_or_default();
            before
                .iter()
                .rev()
                .take_while(|&&byte| byte == b'\\')
                .count()
                % 2
                == 0
        }
    })
}

impl Start {
    fn shifted(self, by: usize) -> Self {
        let shift = |range: Span| span(range.start as usize + by..range.end as usize + by);
        match self {
            Self::Request { method, uri } => Self::Request {
                method: shift(method),
                uri: shift(uri),
            },
            Self::Response { status, reason } => Self::Response {
                status,
                reason: shift(reason),
            },
            Self::Unread => Self::Unread,
        }
    }
}

/// Messages are far below 4 GiB: a UDP datagram, or a stream message within `limits`.
fn span(range: Range<usize>) -> Span {
    let end = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    end(range.start)..end(range.end)
}

/// The start line at the beginning of the bytes.
pub(super) fn start_line(bytes: &[u8], cut: bool, oddities: &mut Oddities) -> Option<Start> {
    if !bytes.first().copied().is_some_and(is_token_byte) {
        return None;
    }
    let end = find::byte(b'\n', bytes);
    let line = bytes.get(..end.unwrap_or(bytes.len()))?;
    start_line_of(line, end.is_some(), cut, oddities)
}

/// The start line in all that stands before the first LF, or before the end of the bytes where none follows.
fn start_line_of(line: &[u8], ended: bool, cut: bool, oddities: &mut Oddities) -> Option<Start> {
    let content = line.strip_suffix(b"\r");
    if let Some(start) = content.filter(|_| ended).and_then(plain_start_line) {
        return Some(start);
    }
    if ended {
        let start = status_line(content.unwrap_or(line), true, oddities)
            .or_else(|| request_line(content.unwrap_or(line), oddities))?;
        if content.is_none() {
            oddities.insert(Oddity::BareLf);
        }
        return Some(start);
    }
    let content = content.unwrap_or(line);
    status_line(content, !cut, oddities)
        .or_else(|| request_line(content, oddities))
        .or_else(|| cut.then(|| cut_request_line(content)).flatten())
}

/// A start line that nothing is odd about, as nearly all are; `None` for any other.
#[inline]
fn plain_start_line(content: &[u8]) -> Option<Start> {
    if let Some(behind) = content.strip_prefix(b"SIP/2.0 ") {
        let (&[hundreds @ b'1'..=b'6', tens, ones, b' '], _) = behind.split_first_chunk::<4>()?
        else {
            return None;
        };
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
        return Some(Start::Response {
            status: digit(hundreds)? * 100 + digit(tens)? * 10 + digit(ones)?,
            reason: span(b"SIP/2.0 200 ".len()..content.len()),
        });
    }
    let line = content.strip_suffix(b" SIP/2.0")?;
    let method_end = find::any([b' ', b'\t'], line)?;
    let uri = line.get(method_end + 1..)?;
    let method = line.get(..method_end)?;
    let plain = line.get(method_end) == Some(&b' ')
        && !matches!(uri, [] | [b'<', ..])
        && find::any([b' ', b'\t', b'\r', b'\x0c'], uri).is_none()
        && is_token(method);
    plain.then(|| Start::Request {
        method: span(0..method_end),
        uri: span(method_end + 1..line.len()),
    })
}

/// RFC 3261 §7.2: `SIP-Version SP Status-Code SP Reason-Phrase`. `whole` is false when the snap length may have cut the
/// line; then digits may be missing, and fewer than three say nothing.
fn status_line(content: &[u8], whole: bool, oddities: &mut Oddities) -> Option<Start> {
    let version_len = find::byte(b' ', content)?;
    if !is_version(content.get(..version_len)?) {
        return None;
    }
    let after_version = content.get(version_len..)?;
    let spaces = after_version
        .iter()
        .take_while(|&&byte| byte == b' ')
        .count();
    let code = after_version.get(spaces..)?;
    let digits = code.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || (!whole && digits < 3 && spaces + digits == after_version.len()) {
        return None;
    }
    let status = number(code.get(..digits)?);
    if spaces > 1 {
        oddities.insert(Oddity::StartLineSpacing);
    }
    if !(100..700).contains(&status) || digits != 3 {
        oddities.insert(Oddity::StatusCode);
    }
    check_version(content.get(..version_len)?, oddities);
    let code_end = version_len + spaces + digits;
    let reason_start = match content.get(code_end) {
        Some(b' ') => code_end + 1,
        None if !whole => code_end,
        _ => {
            oddities.insert(Oddity::ReasonPhraseMissing);
            code_end
        }
    };
    Some(Start::Response {
        status,
        reason: span(reason_start..content.len()),
    })
}

/// RFC 3261 §7.1: `Method SP Request-URI SP SIP-Version`, with the slips that RFC 4475 §3.1.2 shows.
fn request_line(content: &[u8], oddities: &mut Oddities) -> Option<Start> {
    let trimmed = content.trim_ascii_end();
    let version_start = trimmed
        .iter()
        .rposition(|byte| matches!(byte, b' ' | b'\t'))?
        + 1;
    let version = trimmed.get(version_start..)?;
    let method_end = find::any([b' ', b'\t'], trimmed)?;
    if !is_version(version) || !is_token(trimmed.get(..method_end)?) {
        return None;
    }
    let between = trimmed.get(method_end..version_start)?;
    let uri = between.trim_ascii();
    if uri.is_empty() {
        return None;
    }
    let lead = between.len() - between.trim_ascii_start().len();
    if lead != 1 || between.len() - lead - uri.len() != 1 || trimmed.len() != content.len() {
        oddities.insert(Oddity::StartLineSpacing);
    }
    if find::any([b' ', b'\t'], uri).is_some() {
        oddities.insert(Oddity::RequestUriSpace);
    }
    if uri.starts_with(b"<") {
        oddities.insert(Oddity::RequestUriBrackets);
    }
    check_version(version, oddities);
    let uri_start = method_end + lead;
    Some(Start::Request {
        method: span(0..method_end),
        uri: span(uri_start..uri_start + uri.len()),
    })
}

/// A request line that the snap length cut: a method of the registry and a URI that begins as one.
fn cut_request_line(content: &[u8]) -> Option<Start> {
    let method_end = find::byte(b' ', content)?;
    let uri = content.get(method_end + 1..)?;
    let known = super::Method::of(content.get(..method_end)?).is_registered();
    let scheme = [&b"sip:"[..], b"sips:", b"tel:", b"urn:"]
        .iter()
        .any(|scheme| uri.len() >= scheme.len() && uri.starts_with(scheme));
    let uri_len = find::byte(b' ', uri).unwrap_or(uri.len());
    (known && scheme).then(|| Start::Request {
        method: span(0..method_end),
        uri: span(method_end + 1..method_end + 1 + uri_len),
    })
}

/// `SIP/` and two numbers, in any case as §7.1 asks receivers to accept.
fn is_version(bytes: &[u8]) -> bool {
    if bytes == b"SIP/2.0" {
        return true;
    }
    let Some((name, number)) = bytes.split_first_chunk::<4>() else {
        return false;
    };
    let mut parts = number.split(|&byte| byte == b'.');
    let is_number = |part: Option<&[u8]>| {
        part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit))
    };
    name.eq_ignore_ascii_case(b"SIP/")
        && is_number(parts.next())
        && is_number(parts.next())
        && parts.next().is_none()
}

fn check_version(version: &[u8], oddities: &mut Oddities) {
    if version != b"SIP/2.0" {
        oddities.insert(Oddity::Version);
    }
}

/// The value of decimal digits; `u64::MAX` where it is larger.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0_u64, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// `token` of RFC 3261 §25.1.
#[inline]
pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN.get(usize::from(byte)).is_some_and(|it| *it)
}

static TOKEN: [bool; 256] = token_bytes();

#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it: what is out of range does not compile"
)]
const fn token_bytes() -> [bool; 256] {
    let mut token = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        token[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
            );
        byte += 1;
    }
    token
}

fn header_fields(lines: &mut Lines<'_>, start: usize, cut: bool, head: &mut Head) {
    let bytes = lines.bytes;
    let mut at = start;
    while let Some(end) = lines.next_end() {
        let content = bytes.get(at..end).unwrap_or_default();
        let content = content.strip_suffix(b"\r").unwrap_or_else(|| {
            head.oddities.insert(Oddity::BareLf);
            content
        });
        if content.is_empty() {
            head.body_start = end + 1;
            return;
        }
        header_line(bytes, content, at, head);
        at = end + 1;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    // Part of a value, such as half a Call-ID, would be taken for another value.
    if !cut {
        if !rest.is_empty() {
            header_line(bytes, rest, at, head);
        }
        head.oddities.insert(Oddity::HeadersUnfinished);
    }
    head.body_start = bytes.len();
}

#[inline]
fn header_line(bytes: &[u8], content: &[u8], at: usize, head: &mut Head) {
    if let [b' ' | b'\t', ..] = content {
        fold(content, at, head);
    } else {
        field(bytes, content, at, head);
    }
}

/// RFC 3261 §7.3.1: a line that begins with white space continues the field before it.
#[cold]
fn fold(content: &[u8], at: usize, head: &mut Head) {
    let trimmed = content.trim_ascii_end();
    if trimmed.is_empty() {
        return;
    }
    match head.fields.last_mut() {
        Some(field) => {
            field.folded = true;
            let end = span(at..at + trimmed.len());
            if field.value.is_empty() {
                let lead = trimmed.len() - trimmed.trim_ascii_start().len();
                field.value = span(at + lead..at + trimmed.len());
            } else {
                field.value.end = end.end;
            }
        }
        None => head.oddities.insert(Oddity::JunkLine),
    }
}

#[inline]
fn field(bytes: &[u8], content: &[u8], at: usize, head: &mut Head) {
    let Some(colon) = find::byte(b':', content) else {
        head.oddities.insert(Oddity::JunkLine);
        return;
    };
    let name = content.get(..colon).unwrap_or_default().trim_ascii_end();
    let header = HeaderName::at_start(bytes.get(at..).unwrap_or_default(), name.len());
    if header == HeaderName::Other && !is_token(name) {
        head.oddities.insert(Oddity::HeaderName);
    }
    let after = content.get(colon + 1..).unwrap_or_default();
    let begun = after.trim_ascii_start();
    let value_start = at + colon + 1 + (after.len() - begun.len());
    let value = match begun.trim_ascii_end() {
        [] => span(at + colon + 1..at + colon + 1),
        value => span(value_start..value_start + value.len()),
    };
    head.push(Field {
        header,
        folded: false,
        repeated: false,
        name: span(at..at + name.len()),
        value,
    });
}
