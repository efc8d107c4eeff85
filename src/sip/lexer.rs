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

/// Scans a message into an empty head. `None` when the bytes do not begin with a SIP start line.
pub(super) fn scan(bytes: &[u8], cut: bool, head: &mut Head) -> Option<()> {
    let skipped = leading_empty_lines(bytes);
    let message = bytes.get(skipped..)?;
    if !message.first().copied().is_some_and(is_token_byte) {
        return None;
    }
    if skipped > 0 {
        head.oddities.insert(Oddity::LeadingCrlf);
    }
    let mut lines = Lines::of(bytes, skipped);
    head.body_start = loop {
        let Line { line, end } = lines.next_line();
        let begun = bytes.get(line.start..)?;
        let content = begun.get(..line.len())?;
        if head.start == Start::Unread {
            head.start = start_line_of(content, &end, cut, &mut head.oddities)?.shifted(skipped);
            continue;
        }
        match end {
            End::CrLf => {}
            End::Lf => head.oddities.insert(Oddity::BareLf),
            // Part of a value, such as half a Call-ID, would be taken for another value.
            End::Nothing if cut => break bytes.len(),
            End::Nothing => head.oddities.insert(Oddity::HeadersUnfinished),
        }
        match content {
            [] => break lines.start,
            [b' ' | b'\t', ..] => fold(content, line.start, head),
            _ => field(begun, content, line.start, head),
        }
    };
    if cut {
        head.oddities.insert(Oddity::Incomplete);
    }
    if lines.odd {
        let read = bytes.get(skipped..head.body_start).unwrap_or_default();
        check_bytes(read, cut, &mut head.oddities);
    }
    Some(())
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

/// The lines of a head. Their ends are looked for among the bytes that are not printable, so that one pass finds them and
/// whether there are others.
struct Lines<'a> {
    bytes: &'a [u8],
    /// Where the line begins that comes next.
    start: usize,
    /// Where the piece begins that is looked at, and where the next one does.
    piece: usize,
    next: usize,
    /// The bytes of the piece that are not printable ASCII and have not been seen.
    marks: u64,
    /// Whether a byte was seen that is neither printable ASCII nor a tab nor part of a line's end.
    odd: bool,
}

/// A line without its end.
struct Line {
    line: Range<usize>,
    end: End,
}

/// What a line ends in.
enum End {
    CrLf,
    Lf,
    /// The bytes end before it does.
    Nothing,
}

impl<'a> Lines<'a> {
    const fn of(bytes: &'a [u8], start: usize) -> Self {
        Self {
            bytes,
            start,
            piece: start,
            next: start,
            marks: 0,
            odd: false,
        }
    }

    /// The next line; behind the last one, an empty one without an end.
    #[inline]
    fn next_line(&mut self) -> Line {
        loop {
            while self.marks == 0 {
                if self.take_piece().is_none() {
                    return self.ended(self.bytes.len(), self.bytes.len(), End::Nothing);
                }
            }
            let bit = self.marks.trailing_zeros();
            self.marks &= self.marks - 1;
            let at = self.piece + bit as usize;
            match self.bytes.get(at..) {
                // An LF that is the first of the next piece is left to it.
                Some([b'\r', b'\n', ..]) if self.marks >> bit & 2 != 0 => {
                    self.marks &= self.marks - 1;
                    return self.ended(at, at + 2, End::CrLf);
                }
                Some([b'\n', ..]) => {
                    let before = at.checked_sub(1).filter(|&it| it >= self.start);
                    return match before.filter(|&it| self.bytes.get(it) == Some(&b'\r')) {
                        Some(end) => self.ended(end, at + 1, End::CrLf),
                        None => self.ended(at, at + 1, End::Lf),
                    };
                }
                Some([b'\r' | b'\t', ..]) => {}
                _ => self.odd = true,
            }
        }
    }

    #[inline]
    const fn ended(&mut self, last: usize, next: usize, end: End) -> Line {
        let line = self.start..last;
        self.start = next;
        Line { line, end }
    }

    /// Takes the next piece; `None` when there is none.
    #[inline]
    fn take_piece(&mut self) -> Option<()> {
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
        Some(())
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

/// Messages are far below 4 GiB: a UDP datagram, or a stream message within `limits`; no longer one is read.
#[expect(clippy::cast_possible_truncation, reason = "see above")]
const fn span(range: Range<usize>) -> Span {
    range.start as u32..range.end as u32
}

/// The start line at the beginning of the bytes.
pub(super) fn start_line(bytes: &[u8], cut: bool, oddities: &mut Oddities) -> Option<Start> {
    if !bytes.first().copied().is_some_and(is_token_byte) {
        return None;
    }
    let end = find::byte(b'\n', bytes);
    let line = bytes.get(..end.unwrap_or(bytes.len()))?;
    match (end, line.strip_suffix(b"\r")) {
        (None, _) => start_line_of(line, &End::Nothing, cut, oddities),
        (Some(_), Some(content)) => start_line_of(content, &End::CrLf, cut, oddities),
        (Some(_), None) => start_line_of(line, &End::Lf, cut, oddities),
    }
}

/// The start line in a line.
fn start_line_of(content: &[u8], end: &End, cut: bool, oddities: &mut Oddities) -> Option<Start> {
    if matches!(end, End::Nothing) {
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        return status_line(content, !cut, oddities)
            .or_else(|| request_line(content, oddities))
            .or_else(|| cut.then(|| cut_request_line(content)).flatten());
    }
    let start = plain_start_line(content)
        .or_else(|| status_line(content, true, oddities))
        .or_else(|| request_line(content, oddities))?;
    if matches!(end, End::Lf) {
        oddities.insert(Oddity::BareLf);
    }
    Some(start)
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

/// Whether it is a `token` of RFC 3261 §25.1, as methods and the names of header fields are.
pub fn is_token(bytes: &[u8]) -> bool {
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

/// RFC 3261 §7.3.1: a line that begins with white space continues the field before it.
#[cold]
fn fold(content: &[u8], at: usize, head: &mut Head) {
    let trimmed = content.trim_ascii_end();
    if trimmed.is_empty() {
        return;
    }
    match head.fields.last_mut() {
        Some(field) => {
            field.fold();
            head.folded = true;
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

/// A field in a line, and what goes on behind that.
#[inline]
fn field(begun: &[u8], content: &[u8], at: usize, head: &mut Head) {
    let Some((name, after)) = colon(begun, content).and_then(|it| {
        let (name, after) = content.split_at_checked(it)?;
        Some((name, after.get(1..)?))
    }) else {
        head.oddities.insert(Oddity::JunkLine);
        return;
    };
    let value_start = at + name.len() + 1;
    let name = match name {
        [.., b' ' | b'\t' | b'\r' | b'\x0c'] => name.trim_ascii_end(),
        _ => name,
    };
    let header = HeaderName::at_start(begun, name);
    let name_span = span(at..at + name.len());
    if header == HeaderName::Other {
        head.longest = head.longest.max(name_span.end - name_span.start);
        if !find::is_word(name) && !is_token(name) {
            head.oddities.insert(Oddity::HeaderName);
        }
    }
    let (lead, value) = trimmed(after);
    let start = value_start + lead;
    let value = span(start..start + value.len());
    head.push(header, Field::of(header, name_span, value));
}

/// The first colon of a line. Nearly all names are short enough for one look.
#[inline]
fn colon(begun: &[u8], content: &[u8]) -> Option<usize> {
    match begun.first_chunk().and_then(|it| find::in_block(b':', it)) {
        Some(at) => (at < content.len()).then_some(at),
        None => find::byte(b':', content),
    }
}

/// A value without the white space around it, of which nearly always there is one space before, and how much stands before.
/// What is nothing else is no value, and has nothing before it.
#[inline]
fn trimmed(value: &[u8]) -> (usize, &[u8]) {
    let (lead, begun) = match value {
        [b' ', begun @ ..] => (1, begun),
        _ => (0, value),
    };
    match begun {
        [first, .., last] if *first > b' ' && *last > b' ' => (lead, begun),
        _ => {
            let begun = value.trim_ascii_start();
            match begun.trim_ascii_end() {
                [] => (0, &[]),
                inner => (value.len() - begun.len(), inner),
            }
        }
    }
}
