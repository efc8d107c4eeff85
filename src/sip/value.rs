//! The values that correlation needs, read from bytes without allocation: Via, name-addr, CSeq and lists.

mod dialled;
mod record;

pub use dialled::{is_dialled, normal_user};
pub use record::{Brief, address_of_record, brief_record};

use super::Method;
use super::find;
use super::lexer::number;
use crate::address::literal_with_port;
use memchr::{memchr_iter, memchr2};
use std::borrow::Cow;
use std::net::IpAddr;

/// A Via value (RFC 3261 §20.42).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, … as written.
    pub transport: &'a [u8],
    /// Host and port as written, without white space around the colon being joined.
    pub sent_by: &'a [u8],
    /// The parameters behind the sent-by, from the first semicolon.
    params: &'a [u8],
}

impl<'a> Via<'a> {
    /// Reads one Via value; `None` without protocol and sent-by.
    pub fn of(value: &'a [u8]) -> Option<Self> {
        // `SIP / 2.0 / UDP first.example.com: 4000;ttl=16` is legal (RFC 3261 §20.42): the transport follows the second slash.
        let (transport, rest) = match value {
            // As nearly all have it.
            [b'S', b'I', b'P', b'/', b'2', b'.', b'0', b'/', rest @ ..] if matches!(rest, [b'A'..=b'Z', b'A'..=b'Z', b'A'..=b'Z', b' ', next, ..] if *next > b' ') => {
                (rest.get(..3)?, rest.get(4..)?)
            }
            _ => {
                let slash = find::byte(b'/', value)?;
                let second = slash + 1 + find::byte(b'/', value.get(slash + 1..)?)?;
                let rest = value.get(second + 1..)?.trim_ascii_start();
                let transport_len = rest.iter().position(u8::is_ascii_whitespace)?;
                let (transport, rest) = rest.split_at_checked(transport_len)?;
                (transport, rest.trim_ascii_start())
            }
        };
        let sent_by_len = find::byte(b';', rest).unwrap_or(rest.len());
        let (sent_by, params) = rest.split_at_checked(sent_by_len)?;
        let sent_by = trimmed(sent_by);
        (!sent_by.is_empty()).then_some(Self {
            transport,
            sent_by,
            params,
        })
    }

    /// The branch; `None` when there is none or it is empty.
    pub fn branch(&self) -> Option<&'a [u8]> {
        let branch = match self.params {
            // As nearly all have it.
            [b';', b'b', b'r', b'a', b'n', b'c', b'h', b'=', value @ ..] => first_value(value),
            _ => None,
        };
        (branch.or_else(|| param(self.params, b"branch"))).filter(|branch| !branch.is_empty())
    }

    /// A parameter's value by its name in any case; `None` when it is not there or has no value.
    pub fn param(&self, name: &[u8]) -> Option<&'a [u8]> {
        param(self.params, name).filter(|value| !value.is_empty())
    }

    /// Whether a parameter is there, with or without a value, such as `rport` (RFC 3581).
    pub fn has_param(&self, name: &[u8]) -> bool {
        param(self.params, name).is_some()
    }

    /// The address of the sent-by; `None` when it is a name.
    pub fn address(&self) -> Option<IpAddr> {
        literal_with_port(self.sent_by).map(|(address, _)| address)
    }

    /// The port of the sent-by; `None` where none stands, which means the transport's own.
    pub fn port(&self) -> Option<u16> {
        let reference = find::last(b']', self.sent_by).map_or(0, |it| it + 1);
        let behind = self.sent_by.get(reference..)?;
        let port = behind.get(find::byte(b':', behind)? + 1..)?;
        // More than one colon is an IPv6 address that lacks its brackets.
        if find::byte(b':', port).is_some() {
            return None;
        }
        port_number(port.trim_ascii())
    }

    /// Where the server saw the request come from (RFC 3261 §18.2.1); `None` when it did not say.
    pub fn received(&self) -> Option<IpAddr> {
        received(self.param(b"received")?)
    }

    /// The port from which the server saw the request come (RFC 3581 §4); `None` when it did not say.
    pub fn rport(&self) -> Option<u16> {
        rport(self.param(b"rport")?)
    }

    /// `received` and `rport` as written, in one look at the parameters; `None` for one that has no value.
    pub fn seen_as(&self) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
        // Nearly no Via has quotes or angle brackets.
        if memchr2(b'"', b'<', self.params).is_some() {
            return (self.param(b"received"), self.param(b"rport"));
        }
        let (mut received, mut rport) = (None, None);
        let behind = self.params.get(1..).unwrap_or_default();
        let mut start = 0;
        for end in memchr_iter(b';', behind).chain([behind.len()]) {
            let item = behind.get(start..end).unwrap_or_default();
            start = end + 1;
            let may_be = |it: &u8| matches!(it, b'r' | b'R') || it.is_ascii_whitespace();
            if item.first().is_some_and(may_be) {
                received = received.or_else(|| value_of(item, b"received"));
                rport = rport.or_else(|| value_of(item, b"rport"));
            }
        }
        let has_value = |it: &&[u8]| !it.is_empty();
        (received.filter(has_value), rport.filter(has_value))
    }

    /// The parameters as written, from the first semicolon; empty when there are none.
    pub(super) const fn params(&self) -> &'a [u8] {
        self.params
    }
}

/// The address that a `received` names; `None` for a name.
pub fn received(value: &[u8]) -> Option<IpAddr> {
    literal_with_port(value).map(|(address, _)| address)
}

/// The port that an `rport` names; `None` for what is none.
pub fn rport(value: &[u8]) -> Option<u16> {
    port_number(value)
}

/// What RFC 3261 §8.1.1.7 makes every branch begin with.
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// Whether a branch begins with the magic cookie, in any case as tokens are compared.
pub fn has_cookie(branch: &[u8]) -> bool {
    branch
        .get(..MAGIC_COOKIE.len())
        .is_some_and(|start| start == MAGIC_COOKIE || start.eq_ignore_ascii_case(MAGIC_COOKIE))
}

/// A From, To or Contact value: name-addr or addr-spec with parameters (RFC 3261 §20.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The display name as written, quotes included; empty when there is none.
    pub display: &'a [u8],
    /// The URI without angle brackets.
    pub uri: &'a [u8],
    /// The header parameters, from the first semicolon.
    params: &'a [u8],
    /// Whether a quoted display name ends.
    pub balanced: bool,
    /// Whether the URI stands in angle brackets.
    pub brackets: Brackets,
    /// Whether white space stands between the brackets and the URI, where none is allowed (RFC 4475 §3.1.2.14).
    pub padded: bool,
}

/// The angle brackets of a name-addr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brackets {
    /// There are none: an addr-spec.
    None,
    /// Both are there.
    Closed,
    /// The second one is missing.
    Unclosed,
}

impl<'a> NameAddr<'a> {
    /// Reads a value without white space around it, as nearly all are: a quoted name without escapes or none at all, a URI in
    /// brackets, and parameters or none. `None` for any other.
    pub(super) fn plain(value: &'a [u8]) -> Option<Self> {
        let display_len = match value {
            [b'"', rest @ ..] => {
                let end = find::any([b'"', b'\\'], rest)?;
                (rest.get(end) == Some(&b'"')).then_some(end + 2)?
            }
            _ => 0,
        };
        let (display, rest) = value.split_at_checked(display_len)?;
        let ([b'<', inner @ ..] | [b' ', b'<', inner @ ..]) = rest else {
            return None;
        };
        let end = find::byte(b'>', inner)?;
        let (uri, behind) = inner.split_at_checked(end)?;
        let ([first, .., last], [b'>', params @ ..]) = (uri, behind) else {
            return None;
        };
        (*first > b' ' && *last > b' ').then_some(Self {
            display,
            uri,
            params,
            balanced: true,
            brackets: Brackets::Closed,
            padded: false,
        })
    }

    /// Reads one value. It never fails: what cannot be told apart is in `uri`.
    pub fn of(value: &'a [u8]) -> Self {
        let value = trimmed(value);
        let (display_len, balanced) = match value {
            [b'"', ..] => match quoted_len(value) {
                Some(len) => (len, true),
                None => (0, false),
            },
            _ => (0, true),
        };
        let rest = value.get(display_len..).unwrap_or_default();
        let open = if balanced {
            open_bracket(rest)
        } else {
            find::byte(b'<', rest)
        };
        if let Some(open) = open {
            let inner = rest.get(open + 1..).unwrap_or_default();
            let end = find::byte(b'>', inner);
            let close = end.unwrap_or(inner.len());
            let between = inner.get(..close).unwrap_or_default();
            let uri = trimmed(between);
            return Self {
                display: value
                    .get(..display_len + open)
                    .unwrap_or_default()
                    .trim_ascii(),
                uri,
                params: inner.get(close + 1..).unwrap_or_default(),
                balanced,
                brackets: match end {
                    Some(_) => Brackets::Closed,
                    None => Brackets::Unclosed,
                },
                padded: uri.len() < between.len(),
            };
        }
        // Without brackets, parameters belong to the header field (RFC 3261 §20.10).
        let end = find::byte(b';', rest).unwrap_or(rest.len());
        Self {
            display: value.get(..display_len).unwrap_or_default(),
            uri: rest.get(..end).unwrap_or_default().trim_ascii(),
            params: rest.get(end..).unwrap_or_default(),
            balanced,
            brackets: Brackets::None,
            padded: false,
        }
    }

    /// The tag; `None` when there is none or it is empty.
    pub fn tag(&self) -> Option<&'a [u8]> {
        let tag = match self.params {
            // As nearly all have it.
            [b';', b't', b'a', b'g', b'=', value @ ..] => first_value(value),
            _ => None,
        };
        (tag.or_else(|| self.param(b"tag"))).filter(|tag| !tag.is_empty())
    }

    /// A header parameter's value by its name in any case, empty for one without a value; `None` when it is not there.
    pub fn param(&self, name: &[u8]) -> Option<&'a [u8]> {
        param(self.params, name)
    }

    /// The header parameters as written, from the first semicolon; empty when there are none.
    pub(super) const fn params(&self) -> &'a [u8] {
        self.params
    }
}

/// The user part of a URI with its scheme, and the host with port, as written. Empty where there is none.
pub fn user_and_host(uri: &[u8]) -> (&[u8], &[u8]) {
    let rest = find::byte(b':', uri).map_or(uri, |colon| uri.get(colon + 1..).unwrap_or_default());
    let end = find::last(b'@', rest).map_or(0, |at| at + 1);
    let user = rest.get(..end.saturating_sub(1)).unwrap_or_default();
    let host = rest.get(end..).unwrap_or_default();
    let host_len = find::any([b';', b'?', b'>'], host).unwrap_or(host.len());
    (user, host.get(..host_len).unwrap_or_default())
}

/// The address and the port of a URI's host; `None` when the host is a name.
pub fn uri_endpoint(uri: &[u8]) -> Option<(IpAddr, Option<u16>)> {
    literal_with_port(user_and_host(uri).1)
}

/// Text for people; bytes that are not UTF-8 become U+FFFD.
#[inline]
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// A port, as [`str::parse`] reads it.
fn port_number(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"+").unwrap_or(bytes);
    let mut port = 0_u16;
    for &digit in digits {
        let value = digit.wrapping_sub(b'0');
        port = port
            .checked_mul(10)?
            .checked_add((value <= 9).then(|| value.into())?)?;
    }
    (!digits.is_empty()).then_some(port)
}

/// A CSeq value: the number, saturating at `u64::MAX`, and the method; `None` when one of them is not there.
pub fn cseq(value: &[u8]) -> Option<(u64, Method)> {
    let digits = value
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (sequence, rest) = value.split_at_checked(digits)?;
    let name = rest.trim_ascii();
    let separated = rest.first().is_some_and(u8::is_ascii_whitespace);
    (digits > 0 && separated && !name.is_empty()).then(|| (number(sequence), Method::of(name)))
}

/// A number alone, or before a comment or parameters as in Retry-After (RFC 3261 §20.33); saturating. `None` for anything else.
pub(super) fn delta_seconds(value: &[u8]) -> Option<u64> {
    let digits = value
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (number_part, rest) = value.split_at_checked(digits)?;
    let ends = matches!(rest.trim_ascii_start(), [] | [b';' | b'(', ..]);
    (digits > 0 && ends).then(|| number(number_part))
}

/// Whether a SIP URI has header fields, which begin at the first `?` behind the user part (RFC 3261 §19.1.1).
pub(super) fn has_headers(uri: &[u8]) -> bool {
    find::byte(b'?', uri).is_some()
        && is_sip(uri)
        && uri
            .rsplit(|&byte| byte == b'@')
            .next()
            .is_some_and(|behind_user| find::byte(b'?', behind_user).is_some())
}

/// Whether bytes with URIs in them have `transport=tcp`, `transport=tls` or a scheme `sips` (RFC 3261 §19.1.1). Nearly no
/// message of a call over UDP does.
pub fn may_name_stream(bytes: &[u8]) -> bool {
    find::all([b'=', b':'], bytes).any(|at| match bytes.get(at..) {
        Some([b':', ..]) => ends_with(bytes, at, b"sips"),
        Some([_, b't' | b'T', rest @ ..]) => {
            let kind = rest.first_chunk::<2>();
            let kind = kind.map(|it| it.map(|it| it.to_ascii_lowercase()));
            matches!(kind.as_ref(), Some(b"cp" | b"ls")) && ends_with(bytes, at, b"transport")
        }
        _ => false,
    })
}

/// Whether what stands before that place ends so, in any case.
#[inline]
fn ends_with(bytes: &[u8], at: usize, end: &[u8]) -> bool {
    let last = at.checked_sub(end.len()).and_then(|it| bytes.get(it..at));
    last.is_some_and(|it| it.eq_ignore_ascii_case(end))
}

/// Whether the scheme is `sip` or `sips`.
pub(super) fn is_sip(uri: &[u8]) -> bool {
    let scheme = |name: &[u8]| {
        uri.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    scheme(b"sip:") || scheme(b"sips:")
}

/// The values of a comma-separated list, quotes and angle brackets respected (RFC 3261 §7.3.1).
pub fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    split(value, b',').filter(|item| !item.is_empty())
}

/// What stands between the separators, without the white space around it; also where nothing does.
pub(super) fn split(value: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let current = rest.take()?;
        let end = top_level(current, separator).unwrap_or(current.len());
        rest = current.get(end + 1..);
        Some(trimmed(current.get(..end).unwrap_or_default()))
    })
}

/// The value of a parameter of a field's value by its name in any case; `None` when it is not there.
pub(super) fn param_of<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    param(value.get(top_level(value, b';')?..)?, name)
}

/// The value of a parameter in `;name=value;name` by its name in any case; empty without `=`.
#[inline]
fn param<'a>(params: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    // Nearly always the wanted one is the first.
    if let [b';', first @ ..] = params
        && let Some((key, [b'=', value @ ..])) = first.split_at_checked(name.len())
        && is_name(key, name)
    {
        return first_value(value).or_else(|| other_param(params, name));
    }
    other_param(params, name)
}

/// The value that ends before the next parameter, or with the parameters; `None` where quotes or brackets are met before.
#[inline]
fn first_value(value: &[u8]) -> Option<&[u8]> {
    let end = find::any([b';', b'"', b'<'], value).unwrap_or(value.len());
    matches!(value.get(end), None | Some(b';'))
        .then(|| trimmed(value.get(..end).unwrap_or_default()))
}

/// See [`param`].
fn other_param<'a>(params: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut start = None;
    for at in find::all([b';', b'"', b'<'], params).chain([params.len()]) {
        if !matches!(params.get(at), None | Some(b';')) {
            return quoted_param(params, name);
        }
        let item = start.and_then(|start| params.get(start..at));
        if let Some(value) = item.and_then(|item| value_of(item, name)) {
            return Some(value);
        }
        start = Some(at + 1);
    }
    None
}

/// See [`param`]: where a semicolon may stand inside quotes or brackets.
fn quoted_param<'a>(params: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = params;
    while let Some(start) = top_level(rest, b';') {
        let item = rest.get(start + 1..).unwrap_or_default();
        let end = top_level(item, b';').unwrap_or(item.len());
        if let Some(value) = value_of(item.get(..end).unwrap_or_default(), name) {
            return Some(value);
        }
        rest = item.get(end..).unwrap_or_default();
    }
    None
}

/// Whether a name of that length is this one, in any case.
#[inline]
fn is_name(key: &[u8], name: &[u8]) -> bool {
    match (key, name) {
        ([one, ..], [other, ..]) if (one ^ other) & !0x20 != 0 => false,
        _ => key == name || key.eq_ignore_ascii_case(name),
    }
}

/// Without the white space around it, which nearly nothing has.
#[inline]
const fn trimmed(bytes: &[u8]) -> &[u8] {
    match bytes {
        [] => bytes,
        [first, .., last] if *first > b' ' && *last > b' ' => bytes,
        _ => bytes.trim_ascii(),
    }
}

/// The value in `name=value` or `name`, when it has that name in any case.
fn value_of<'a>(item: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let item = match item {
        [first, ..] if *first > b' ' => item,
        _ => item.trim_ascii_start(),
    };
    let (key, behind) = item.split_at_checked(name.len())?;
    if !is_name(key, name) {
        return None;
    }
    match behind.trim_ascii_start() {
        [] => Some(&[]),
        [b'=', value @ ..] => Some(trimmed(value)),
        _ => None,
    }
}

/// Where a byte first stands outside quotes and angle brackets.
fn top_level(bytes: &[u8], wanted: u8) -> Option<usize> {
    if bytes.first() == Some(&wanted) {
        return Some(0);
    }
    let mut at = 0;
    loop {
        at += find::any([wanted, b'"', b'<'], bytes.get(at..)?)?;
        let rest = bytes.get(at..)?;
        at += match rest {
            [b'"', ..] => quoted_len(rest)?,
            [b'<', ..] => bracketed_len(rest)?,
            _ => return Some(at),
        };
    }
}

/// The length of what angle brackets enclose at the start, both included; `None` when they do not close. Quotes within hide
/// what stands between them.
fn bracketed_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += find::any([b'>', b'"'], bytes.get(at..)?)?;
        let rest = bytes.get(at..)?;
        if rest.first() == Some(&b'>') {
            return Some(at + 1);
        }
        at += quoted_len(rest)?;
    }
}

/// Where the first angle bracket opens outside quotes.
fn open_bracket(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let next = at + find::any([b'<', b'"'], bytes.get(at..)?)?;
        match bytes.get(next..)? {
            quoted @ [b'"', ..] => at = next + quoted_len(quoted)?,
            _ => return Some(next),
        }
    }
}

/// The length of the quoted string at the start, quotes included; `None` when it does not end.
pub(super) fn quoted_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += find::any([b'"', b'\\'], bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        // What is escaped means nothing.
        at += 2;
    }
}

#[cfg(test)]
mod tests;
