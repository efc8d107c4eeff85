//! The heads of the HTTP messages that open a WebSocket (RFC 6455 §4, RFC 9112 §2).

use super::Looks;
use crate::limits::{MAX_HTTP_HEAD, MAX_SUBPROTOCOLS, MAX_TEXT};

/// Gathers the bytes of a head.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    bytes: Vec<u8>,
}

/// What came of gathering.
#[derive(Debug)]
pub(super) enum Gathered {
    /// The end is not there yet.
    Partly,
    /// A head with the empty line that ends it.
    Head(Vec<u8>),
    /// These bytes begin no head, or one that is too long: all of them.
    Nothing(Vec<u8>),
}

impl Gathering {
    /// Takes what belongs to the head off the front of `data`.
    pub(super) fn take(&mut self, data: &mut &[u8]) -> Gathered {
        if self.bytes.is_empty() {
            // RFC 9112 §2.2: empty lines before a start line are to be ignored.
            while let [b'\r' | b'\n', rest @ ..] = *data {
                *data = rest;
            }
        }
        let before = self.bytes.len();
        let room = MAX_HTTP_HEAD - before;
        let piece = data.get(..room).unwrap_or(data);
        self.bytes.extend_from_slice(piece);
        // The line end before the empty line may be in what came earlier.
        let from = before.saturating_sub(3);
        if let Some(len) = end_of_head(self.bytes.get(from..).unwrap_or_default()) {
            let len = from + len;
            *data = data.get(len - before..).unwrap_or_default();
            self.bytes.truncate(len);
            return Gathered::Head(std::mem::take(&mut self.bytes));
        }
        *data = data.get(piece.len()..).unwrap_or_default();
        if begins_as(&self.bytes).is_none() || self.bytes.len() == MAX_HTTP_HEAD {
            return Gathered::Nothing(std::mem::take(&mut self.bytes));
        }
        Gathered::Partly
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// A kind of head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
}

/// How a head that begins with these bytes, or whose beginning they are, begins.
fn begins_as(bytes: &[u8]) -> Option<Kind> {
    [(&b"GET "[..], Kind::Request), (b"HTTP/1.", Kind::Response)]
        .into_iter()
        .find(|(prefix, _)| prefix.iter().zip(bytes).all(|(one, other)| one == other))
        .map(|(_, kind)| kind)
}

/// The length of a head with the empty line that ends it.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// A head, or the whole lines of one so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub(super) kind: Kind,
    start_line: &'a [u8],
    fields: &'a [u8],
}

impl<'a> Head<'a> {
    /// `None` when the start line is no GET of HTTP/1 and no answer in HTTP/1.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let end = memchr::memchr(b'\n', bytes)?;
        let (start_line, fields) = bytes.split_at_checked(end + 1)?;
        let start_line = start_line.trim_ascii_end();
        let kind = begins_as(start_line)?;
        let is_whole = match kind {
            Kind::Request => last_word(start_line).starts_with(b"HTTP/1."),
            Kind::Response => start_line.len() > b"HTTP/1.".len(),
        };
        is_whole.then_some(Self {
            kind,
            start_line,
            fields,
        })
    }

    /// The request target, without its query: that may hold a password.
    pub(super) fn path(&self) -> Box<str> {
        let target = self.word(1);
        let end = memchr::memchr(b'?', target).unwrap_or(target.len());
        text(target.get(..end).unwrap_or_default())
    }

    /// The status code of a response.
    pub(super) fn status(&self) -> Option<u16> {
        let code = self.word(1);
        (code.len() == 3).then(|| std::str::from_utf8(code).ok()?.parse().ok())?
    }

    /// The first value of a field.
    pub(super) fn value(&self, name: &[u8]) -> Option<Box<str>> {
        self.values(name).next().map(text)
    }

    /// The elements of a field whose value is a list, over all fields of that name (RFC 9110 §5.6.1).
    pub(super) fn list(&self, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        self.values(name)
            .flat_map(|value| value.split(|&byte| byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|element| !element.is_empty())
    }

    /// Elements as text, as many as are kept.
    pub(super) fn texts(&self, name: &[u8]) -> Vec<Box<str>> {
        self.list(name).take(MAX_SUBPROTOCOLS).map(text).collect()
    }

    /// Whether it asks or agrees to go on as a WebSocket.
    pub(super) fn is_upgrade(&self) -> bool {
        self.list(b"Upgrade")
            .any(|element| element.eq_ignore_ascii_case(b"websocket"))
    }

    /// The parameters of permessage-deflate when the head has that extension; what is first was preferred.
    pub(super) fn deflate(&self) -> Option<impl Iterator<Item = &'a [u8]>> {
        self.list(b"Sec-WebSocket-Extensions").find_map(|element| {
            let mut parts = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
            let name = parts.next()?;
            name.eq_ignore_ascii_case(b"permessage-deflate")
                .then_some(parts)
        })
    }

    fn values(&self, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .split_inclusive(|&byte| byte == b'\n')
            // The last line of a head that goes on may be a part of one.
            .filter(|line| line.ends_with(b"\n"))
            .filter_map(move |line| {
                let (found, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
                found
                    .trim_ascii()
                    .eq_ignore_ascii_case(name)
                    .then(|| value.get(1..).unwrap_or_default().trim_ascii())
            })
    }

    fn word(&self, index: usize) -> &'a [u8] {
        self.start_line
            .split(|&byte| byte == b' ')
            .filter(|word| !word.is_empty())
            .nth(index)
            .unwrap_or_default()
    }
}

fn last_word(line: &[u8]) -> &[u8] {
    line.rsplit(|&byte| byte == b' ').next().unwrap_or_default()
}

fn text(bytes: &[u8]) -> Box<str> {
    String::from_utf8_lossy(bytes.get(..MAX_TEXT).unwrap_or(bytes)).into()
}

/// See [`super::WebSocket::looks_like_upgrade`].
pub(super) fn looks_like_upgrade(bytes: &[u8]) -> Looks {
    let window = bytes.get(..MAX_HTTP_HEAD).unwrap_or(bytes);
    let end = end_of_head(window);
    let head = window.get(..end.unwrap_or(window.len())).unwrap_or(window);
    let Some(kind) = begins_as(head) else {
        return Looks::No;
    };
    if memchr::memchr(b'\n', head).is_some() {
        let Some(head) = Head::of(head) else {
            return Looks::No;
        };
        if kind == Kind::Response && head.status() != Some(101) {
            return Looks::No;
        }
        if head.is_upgrade() {
            return Looks::Yes;
        }
    }
    if end.is_some() || window.len() == MAX_HTTP_HEAD {
        Looks::No
    } else {
        Looks::NotYet
    }
}
