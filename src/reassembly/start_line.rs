//! Where messages begin in bytes: what a start line looks like, and what may stand before one.

use super::head::Head;
use crate::limits::MAX_START_LINE;
use crate::sip::{self, Method};
use memchr::memmem::Finder;

/// Lines like the beginning of a message that are looked at in one body.
const MAX_LINES_TRIED: usize = 16;
/// Bytes of a line that are looked at to tell text from other things.
const LOOKED_AT: usize = 60;

/// What bytes look like where a message should begin.
pub(super) enum Beginning {
    Message,
    /// Too few bytes to tell.
    Unclear,
    Other,
}

impl Beginning {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let is_whole_line = || memchr::memchr(b'\n', bytes).is_some();
        if sip::looks_like_sip(bytes, false) {
            Self::Message
        } else if bytes.len() < MAX_START_LINE && !is_whole_line() && is_text(bytes) {
            Self::Unclear
        } else {
            Self::Other
        }
    }
}

/// Whether the first bytes could be those of a start line.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .take(LOOKED_AT)
        .all(|&byte| byte >= b' ' && byte != 0x7f || byte == b'\t')
}

/// Whether bytes begin with a whole start line of a known method or of a response: the test where a message may begin
/// anywhere, as the end of any word is a method too.
pub(super) fn begins_message(bytes: &[u8]) -> bool {
    sip::looks_like_sip(bytes, false) && is_known(bytes)
}

/// Whether bytes may be the beginning of such a line.
pub(super) fn could_begin_message(bytes: &[u8]) -> bool {
    is_known(bytes)
        || Method::REGISTERED
            .iter()
            .map(|method| method.name().as_bytes())
            .chain([&b"SIP/2.0"[..]])
            .any(|word| word.starts_with(bytes))
}

/// Whether the first word is a known method or the version of a response.
pub(super) fn is_known(line: &[u8]) -> bool {
    let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    word.eq_ignore_ascii_case(b"SIP/2.0") || Method::of(word).is_registered()
}

/// Whether a line that is a start line is that of a response, however much of its reason phrase is there.
pub(super) fn is_response(line: &[u8]) -> bool {
    line.get(..4)
        .is_some_and(|version| version.eq_ignore_ascii_case(b"SIP/"))
}

/// The length of a message without a usable Content-Length: up to the next message, or all there is.
pub(super) fn unframed_len(bytes: &[u8], head: usize) -> usize {
    let body = bytes.get(head..).unwrap_or_default();
    let starts = begins_message(body) || body.starts_with(b"\r\n");
    if starts {
        return head;
    }
    next_start_line(body).map_or(bytes.len(), |at| head + at)
}

/// Where the next line that begins a message is; 0 is none, as something else stands there.
pub(super) fn next_start_line(bytes: &[u8]) -> Option<usize> {
    let version = Finder::new(b"SIP/2.0");
    let mut from = 0;
    while let Some(found) = version.find(bytes.get(from..)?) {
        let at = from + found;
        let line = memchr::memrchr(b'\n', bytes.get(..at)?).map_or(0, |at| at + 1);
        if line > 0 && begins_message(bytes.get(line..)?) {
            return Some(line);
        }
        // Further on in the same line it is no start line either.
        from = at + memchr::memchr(b'\n', bytes.get(at..)?)?;
    }
    None
}

/// Where a message begins inside what was taken for a body: with a line, or with a packet. Its head has a CSeq, which
/// tells it from text about messages.
pub(super) fn next_message(bytes: &[u8], packets: &[usize]) -> Option<usize> {
    let begins = |&at: &usize| {
        bytes
            .get(at..)
            .is_some_and(|it| begins_message(it) && has_cseq(it))
    };
    let at_packet = packets.iter().copied().find(begins);
    let mut lines = 0;
    let at_line = std::iter::from_fn(|| {
        lines += next_start_line(bytes.get(lines..)?)?;
        Some(lines)
    })
    .take(MAX_LINES_TRIED)
    .find(begins);
    let at_front = Some(0).filter(begins);
    [at_front, at_packet, at_line].into_iter().flatten().min()
}

fn has_cseq(message: &[u8]) -> bool {
    let head = Head::of(message).len().unwrap_or(message.len());
    message
        .split(|&byte| byte == b'\n')
        .scan(0, |before, line| {
            let start = std::mem::replace(before, *before + line.len() + 1);
            (start < head).then_some(line)
        })
        .any(|line| {
            let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
            sip::HeaderName::of(name.trim_ascii()) == sip::HeaderName::CSeq
        })
}

/// The length of what stands before a message and is none: the header with which a load balancer names the client
/// (PROXY protocol, version 2), and keep-alives: empty lines (RFC 5626 §4.4.1), STUN (§4.4.2), and the NUL bytes that some
/// stacks send instead. More than there are when the rest of it is still to come.
pub(super) fn idle_len(bytes: &[u8]) -> usize {
    const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    const PROXY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
    match bytes {
        // Signature, version and command, family, length.
        _ if bytes.starts_with(PROXY) => {
            let len = bytes.get(14..16).and_then(|len| len.try_into().ok());
            16 + usize::from(len.map_or(0, u16::from_be_bytes))
        }
        // RFC 8489 §5: type, length, cookie, transaction id (12).
        [0..=0x3f, _, high, low, cookie @ ..] if cookie.starts_with(&MAGIC_COOKIE) => {
            20 + usize::from(u16::from_be_bytes([*high, *low]))
        }
        _ => bytes
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n' | 0))
            .count(),
    }
}
