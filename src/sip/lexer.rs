//! The tolerant scan of one message: start line, header fields, body. It never fails on bytes whose start line can be
//! found; each departure from RFC 3261 §7 is an [`Oddity`].

use super::header::{COUNT, HeaderName};
use super::oddity::{Oddities, Oddity};
use memchr::{memchr, memchr_iter, memchr2};
use smallvec::SmallVec;
use std::ops::Range;

/// A stretch of the message's bytes.
pub(super) type Span = Range<u32>;

/// The start line, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Request { method: Span, uri: Span },
    Response { status: u64, reason: Span },
}

/// One header field as it stands in the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) header: HeaderName,
    /// Whether the value goes on over several lines.
    pub(super) folded: bool,
    pub(super) name: Span,
    /// Without the white space around it; folds are still inside.
    pub(super) value: Span,
}

/// Which header fields there are, and where the first of each name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Index {
    first: [u8; COUNT],
    /// A bit for each name that occurs again.
    repeated: u64,
}

const _: () = assert!(COUNT <= u64::BITS as usize);

impl Index {
    /// No field of that name.
    const ABSENT: u8 = u8::MAX;
    /// Fields from here on are searched for one by one.
    const LAST: u8 = u8::MAX - 1;

    fn note(&mut self, header: HeaderName, at: usize) {
        let Some(first) = self.first.get_mut(header as usize) else {
            return;
        };
        if *first == Self::ABSENT {
            *first = u8::try_from(at).map_or(Self::LAST, |at| at.min(Self::LAST));
        } else {
            self.repeated |= 1 << header as u64;
        }
    }
}

/// What a scan found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) start: Start,
    pub(super) fields: Box<[Field]>,
    index: Index,
    /// Where the bytes after the empty line begin.
    pub(super) body_start: usize,
    pub(super) oddities: Oddities,
}

impl Scan {
    /// The fields of a name in their order.
    pub(super) fn of(&self, header: HeaderName) -> impl Iterator<Item = &Field> {
        let first = self.index.first.get(header as usize).copied();
        let place = first.filter(|&at| at != Index::ABSENT);
        let rest = place.and_then(|at| self.fields.get(usize::from(at)..));
        // After the only one of its name, there is nothing to look for.
        let only_one = place != Some(Index::LAST) && !self.is_repeated(header);
        let most = if only_one { 1 } else { usize::MAX };
        rest.unwrap_or_default()
            .iter()
            .filter(move |field| field.header == header)
            .take(most)
    }

    /// Whether there is a field of that name.
    pub(super) fn has(&self, header: HeaderName) -> bool {
        (self.index.first.get(header as usize)).is_some_and(|&at| at != Index::ABSENT)
    }

    /// Whether there are several fields of that name.
    pub(super) const fn is_repeated(&self, header: HeaderName) -> bool {
        self.index.repeated & (1 << header as u64) != 0
    }

    /// The memory of the index, in bytes.
    pub(super) fn footprint(&self) -> usize {
        self.fields.len() * size_of::<Field>()
    }
}

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
pub(super) fn scan(bytes: &[u8], cut: bool) -> Option<Scan> {
    let mut oddities = Oddities::default();
    let skipped = leading_empty_lines(bytes);
    if skipped > 0 {
        oddities.insert(Oddity::LeadingCrlf);
    }
    let message = bytes.get(skipped..)?;
    let (start, line_len) = start_line(message, cut, &mut oddities)?;
    let mut head = Head {
        fields: SmallVec::new(),
        index: Index {
            first: [Index::ABSENT; COUNT],
            repeated: 0,
        },
        body_start: bytes.len(),
        oddities,
    };
    header_fields(bytes, skipped + line_len, cut, &mut head);
    let mut scan = Scan {
        start: start.shifted(skipped),
        // As many as there are, and no more: messages are kept.
        fields: head.fields.as_slice().into(),
        index: head.index,
        body_start: head.body_start,
        oddities: head.oddities,
    };
    if cut {
        scan.oddities.insert(Oddity::Incomplete);
    }
    let head = bytes.get(skipped..scan.body_start).unwrap_or_default();
    if is_plain(head) {
        return Some(scan);
    }
    if has_control_bytes(head) {
        scan.oddities.insert(Oddity::ControlBytes);
    }
    if !head.is_ascii()
        && std::str::from_utf8(head).is_err_and(|error| !cut || error.error_len().is_some())
    {
        scan.oddities.insert(Oddity::NotUtf8);
    }
    Some(scan)
}

/// Whether all bytes are printable ASCII or end lines: in pieces of one length and without branches, so that the compiler
/// takes many at once.
fn is_plain(head: &[u8]) -> bool {
    let (pieces, rest) = head.as_chunks::<64>();
    pieces.iter().all(|piece| oddness(piece) == 0) && oddness(rest) == 0
}

/// Not zero when a byte is neither printable ASCII nor part of a line's end.
#[expect(clippy::needless_bitwise_bool, reason = "a lazy operator is a branch")]
fn oddness(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |odd, &byte| {
        let control = (byte < b' ') & (byte != b'\r') & (byte != b'\n') & (byte != b'\t');
        odd | u8::from(control | (byte >= 0x7f))
    })
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
        }
    }
}

/// Messages are far below 4 GiB: a UDP datagram, or a stream message within `limits`.
fn span(range: Range<usize>) -> Span {
    let end = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    end(range.start)..end(range.end)
}

/// The line that begins at the start of `bytes`: its content without CRLF, its length with it, and whether CR was there.
/// `None` when no LF follows.
fn line(bytes: &[u8]) -> Option<(&[u8], usize, bool)> {
    let end = memchr(b'\n', bytes)?;
    let content = bytes.get(..end)?;
    Some(match content.strip_suffix(b"\r") {
        Some(stripped) => (stripped, end + 1, true),
        None => (content, end + 1, false),
    })
}

fn start_line(bytes: &[u8], cut: bool, oddities: &mut Oddities) -> Option<(Start, usize)> {
    if !bytes.first().copied().is_some_and(is_token_byte) {
        return None;
    }
    if let Some((content, len, carriage_return)) = line(bytes) {
        let start =
            status_line(content, true, oddities).or_else(|| request_line(content, oddities))?;
        if !carriage_return {
            oddities.insert(Oddity::BareLf);
        }
        return Some((start, len));
    }
    let content = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let start = status_line(content, !cut, oddities)
        .or_else(|| request_line(content, oddities))
        .or_else(|| cut.then(|| cut_request_line(content)).flatten())?;
    Some((start, bytes.len()))
}

/// RFC 3261 §7.2: `SIP-Version SP Status-Code SP Reason-Phrase`. `whole` is false when the snap length may have cut the
/// line; then digits may be missing, and fewer than three say nothing.
fn status_line(content: &[u8], whole: bool, oddities: &mut Oddities) -> Option<Start> {
    let version_len = memchr(b' ', content)?;
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
    let method_end = memchr2(b' ', b'\t', trimmed)?;
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
    if memchr2(b' ', b'\t', uri).is_some() {
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
    let method_end = memchr(b' ', content)?;
    let uri = content.get(method_end + 1..)?;
    let known = super::Method::of(content.get(..method_end)?).is_registered();
    let scheme = [&b"sip:"[..], b"sips:", b"tel:", b"urn:"]
        .iter()
        .any(|scheme| uri.len() >= scheme.len() && uri.starts_with(scheme));
    let uri_len = memchr(b' ', uri).unwrap_or(uri.len());
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
pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~'
        )
}

/// The header fields while they are read. Nearly all messages have fewer than this many.
struct Head {
    fields: SmallVec<[Field; 24]>,
    index: Index,
    body_start: usize,
    oddities: Oddities,
}

fn header_fields(bytes: &[u8], start: usize, cut: bool, head: &mut Head) {
    let mut at = start;
    for end in memchr_iter(b'\n', bytes.get(start..).unwrap_or_default()) {
        let end = start + end;
        let content = bytes.get(at..end).unwrap_or_default();
        let content = content.strip_suffix(b"\r").unwrap_or_else(|| {
            head.oddities.insert(Oddity::BareLf);
            content
        });
        if content.is_empty() {
            head.body_start = end + 1;
            return;
        }
        header_line(content, at, head);
        at = end + 1;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    // Part of a value, such as half a Call-ID, would be taken for another value.
    if !cut {
        if !rest.is_empty() {
            header_line(rest, at, head);
        }
        head.oddities.insert(Oddity::HeadersUnfinished);
    }
    head.body_start = bytes.len();
}

fn header_line(content: &[u8], at: usize, head: &mut Head) {
    if let [b' ' | b'\t', ..] = content {
        fold(content, at, head);
    } else {
        field(content, at, head);
    }
}

/// RFC 3261 §7.3.1: a line that begins with white space continues the field before it.
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

fn field(content: &[u8], at: usize, head: &mut Head) {
    // Names are short: a search by vectors would not pay.
    let Some(colon) = content.iter().position(|&byte| byte == b':') else {
        head.oddities.insert(Oddity::JunkLine);
        return;
    };
    let name = content.get(..colon).unwrap_or_default().trim_ascii_end();
    let header = HeaderName::of(name);
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
    head.index.note(header, head.fields.len());
    head.fields.push(Field {
        header,
        folded: false,
        name: span(at..at + name.len()),
        value,
    });
}
