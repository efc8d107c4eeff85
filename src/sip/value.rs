//! The values that correlation needs, read from bytes without allocation: Via, name-addr, CSeq and lists.

use super::Method;
use super::lexer::number;
use crate::address::literal_with_port;
use memchr::{memchr, memchr_iter, memchr2, memchr3, memrchr};
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
        let slash = memchr(b'/', value)?;
        let second = slash + 1 + memchr(b'/', value.get(slash + 1..)?)?;
        let rest = value.get(second + 1..)?.trim_ascii_start();
        let transport_len = rest.iter().position(u8::is_ascii_whitespace)?;
        let (transport, rest) = rest.split_at_checked(transport_len)?;
        let rest = rest.trim_ascii_start();
        let sent_by_len = memchr(b';', rest).unwrap_or(rest.len());
        let (sent_by, params) = rest.split_at_checked(sent_by_len)?;
        let sent_by = sent_by.trim_ascii();
        (!sent_by.is_empty()).then_some(Self {
            transport,
            sent_by,
            params,
        })
    }

    /// The branch; `None` when there is none or it is empty.
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.param(b"branch")
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
        let behind = self.sent_by.rsplit(|&byte| byte == b']').next()?;
        let mut parts = behind.split(|&byte| byte == b':').skip(1);
        let port = parts.next()?;
        // More than one colon is an IPv6 address that lacks its brackets.
        if parts.next().is_some() {
            return None;
        }
        std::str::from_utf8(port).ok()?.trim().parse().ok()
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
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// What RFC 3261 §8.1.1.7 makes every branch begin with.
pub const MAGIC_COOKIE: &[u8] = b"z9hG4bK";

/// Whether a branch begins with the magic cookie, in any case as tokens are compared.
pub fn has_cookie(branch: &[u8]) -> bool {
    branch
        .get(..MAGIC_COOKIE.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
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
    /// Reads one value. It never fails: what cannot be told apart is in `uri`.
    pub fn of(value: &'a [u8]) -> Self {
        let value = value.trim_ascii();
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
            memchr(b'<', rest)
        };
        if let Some(open) = open {
            let inner = rest.get(open + 1..).unwrap_or_default();
            let end = memchr(b'>', inner);
            let close = end.unwrap_or(inner.len());
            let between = inner.get(..close).unwrap_or_default();
            let uri = between.trim_ascii();
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
        let end = memchr(b';', rest).unwrap_or(rest.len());
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
        self.param(b"tag").filter(|tag| !tag.is_empty())
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
    let rest = memchr(b':', uri).map_or(uri, |colon| uri.get(colon + 1..).unwrap_or_default());
    let end = memrchr(b'@', rest).map_or(0, |at| at + 1);
    let user = rest.get(..end.saturating_sub(1)).unwrap_or_default();
    let host = rest.get(end..).unwrap_or_default();
    let host_len = memchr3(b';', b'?', b'>', host).unwrap_or(host.len());
    (user, host.get(..host_len).unwrap_or_default())
}

/// The address and the port of a URI's host; `None` when the host is a name.
pub fn uri_endpoint(uri: &[u8]) -> Option<(IpAddr, Option<u16>)> {
    literal_with_port(user_and_host(uri).1)
}

/// The address-of-record a URI stands for: scheme, user and host without port, password, parameters and headers, the
/// host in lower case (RFC 3261 §10.3 step 5). Text for people and keys; bytes that are not UTF-8 become U+FFFD.
pub fn address_of_record(uri: &[u8]) -> String {
    let scheme_len = memchr(b':', uri).map_or(0, |colon| colon + 1);
    let scheme = uri.get(..scheme_len).unwrap_or_default();
    let (user, host) = user_and_host(uri);
    let user = user.split(|&byte| byte == b':').next().unwrap_or_default();
    let host_end = match host {
        [b'[', ..] => memchr(b']', host).map_or(host.len(), |at| at + 1),
        _ => memchr(b':', host).unwrap_or(host.len()),
    };
    let mut text = String::with_capacity(uri.len());
    push_lower(&mut text, scheme);
    if !user.is_empty() {
        text.push_str(&String::from_utf8_lossy(user));
        text.push('@');
    }
    push_lower(&mut text, host.get(..host_end).unwrap_or_default());
    text
}

fn push_lower(text: &mut String, bytes: &[u8]) {
    let start = text.len();
    let new = String::from_utf8_lossy(bytes);
    if new.is_ascii() {
        text.push_str(&new);
        if let Some(new) = text.get_mut(start..) {
            new.make_ascii_lowercase();
        }
    } else {
        text.push_str(&new.to_lowercase());
    }
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
    is_sip(uri)
        && uri
            .rsplit(|&byte| byte == b'@')
            .next()
            .is_some_and(|behind_user| memchr(b'?', behind_user).is_some())
}

/// Whether bytes with URIs in them have `transport=tcp`, `transport=tls` or a scheme `sips` (RFC 3261 §19.1.1). Nearly no
/// message of a call over UDP does.
pub fn may_name_stream(bytes: &[u8]) -> bool {
    let transport = memchr_iter(b'=', bytes).any(|at| {
        let behind = bytes.get(at + 1..at + 4).unwrap_or_default();
        (behind.eq_ignore_ascii_case(b"tcp") || behind.eq_ignore_ascii_case(b"tls"))
            && ends_with(bytes.get(..at), b"transport")
    });
    transport || memchr_iter(b':', bytes).any(|at| ends_with(bytes.get(..at), b"sips"))
}

/// Whether bytes end so, in any case.
fn ends_with(bytes: Option<&[u8]>, end: &[u8]) -> bool {
    let start = bytes.and_then(|it| it.len().checked_sub(end.len()));
    let last = bytes
        .zip(start)
        .and_then(|(bytes, start)| bytes.get(start..));
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
        Some(current.get(..end).unwrap_or_default().trim_ascii())
    })
}

/// The value of a parameter of a field's value by its name in any case; `None` when it is not there.
pub(super) fn param_of<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    param(value.get(top_level(value, b';')?..)?, name)
}

/// The value of a parameter in `;name=value;name` by its name in any case; empty without `=`.
fn param<'a>(params: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    // Nearly always the wanted one is the first.
    if let Some((key, value)) = params
        .strip_prefix(b";")
        .and_then(|first| first.split_at_checked(name.len()))
        && key.eq_ignore_ascii_case(name)
        && let Some(value) = value.strip_prefix(b"=")
    {
        let end = memchr3(b';', b'"', b'<', value).unwrap_or(value.len());
        if matches!(value.get(end), None | Some(b';')) {
            return Some(value.get(..end).unwrap_or_default().trim_ascii());
        }
    }
    if memchr2(b'"', b'<', params).is_none() {
        // Of the others, every semicolon separates.
        let first = memchr(b';', params)?;
        let items = params.get(first + 1..).unwrap_or_default();
        let mut start = 0;
        let mut ends = memchr_iter(b';', items).chain([items.len()]);
        return ends.find_map(|end| {
            let item = items.get(start..end).unwrap_or_default();
            start = end + 1;
            value_of(item, name)
        });
    }
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

/// The value in `name=value` or `name`, when it has that name in any case.
fn value_of<'a>(item: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let item = item.trim_ascii_start();
    let (key, behind) = item.split_at_checked(name.len())?;
    if !key.eq_ignore_ascii_case(name) {
        return None;
    }
    match behind.trim_ascii_start() {
        [] => Some(&[]),
        [b'=', value @ ..] => Some(value.trim_ascii()),
        _ => None,
    }
}

/// Where a byte first stands outside quotes and angle brackets.
fn top_level(bytes: &[u8], wanted: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr3(wanted, b'"', b'<', bytes.get(at..)?)?;
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
        at += memchr2(b'>', b'"', bytes.get(at..)?)?;
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
        let next = at + memchr2(b'<', b'"', bytes.get(at..)?)?;
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
        at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        // What is escaped means nothing.
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn via_with_white_space_around_everything_is_read() {
        let via = Via::of(b"SIP  / 2.0  / UDP  192.0.2.2 : 5060 ;  branch = z9hG4bK390 ;rport")
            .expect("a Via");
        assert_eq!(via.transport, b"UDP");
        assert_eq!(via.sent_by, b"192.0.2.2 : 5060");
        assert_eq!(via.branch(), Some(&b"z9hG4bK390"[..]));
        assert!(via.has_param(b"RPORT"));
        assert_eq!(via.param(b"rport"), None);
    }

    #[test]
    fn a_via_says_where_its_sender_is_and_where_it_was_seen() {
        let via =
            Via::of(b"SIP/2.0/UDP 192.168.1.2:5062;rport=40000;received=192.0.2.9").expect("a Via");
        assert_eq!(via.address(), "192.168.1.2".parse().ok());
        assert_eq!(via.port(), Some(5062));
        assert_eq!(via.received(), "192.0.2.9".parse().ok());
        assert_eq!(via.rport(), Some(40000));
        for params in [
            "",
            ";rport",
            ";Rport = 5;x=<;>; received = [2001:db8::1]",
            ";rport;rport=5;received=;received=192.0.2.1;branch=z9hG4bK1",
            ";branch=z9hG4bKr;RPORT=70000 ;received=a.example.com",
        ] {
            let value = format!("SIP/2.0/UDP 192.0.2.2{params}");
            let via = Via::of(value.as_bytes()).expect("a Via");
            let expected = (via.param(b"received"), via.param(b"rport"));
            assert_eq!(via.seen_as(), expected, "{params}");
        }
        let named = Via::of(b"SIP/2.0/UDP a.example.com : 5070;rport").expect("a Via");
        assert_eq!(
            (named.address(), named.port(), named.rport()),
            (None, Some(5070), None)
        );
        let v6 = Via::of(b"SIP/2.0/UDP [2001:db8::1];received=2001:db8::2").expect("a Via");
        assert_eq!(
            (v6.port(), v6.received()),
            (None, "2001:db8::2".parse().ok())
        );
    }

    #[test]
    fn parameters_inside_the_brackets_belong_to_the_uri() {
        let value = NameAddr::of(br#""A; \"B\" <x>" <sip:a@example.com;tag=no>;TAG=yes"#);
        assert_eq!(value.display, br#""A; \"B\" <x>""#);
        assert_eq!(value.uri, b"sip:a@example.com;tag=no");
        assert_eq!(value.tag(), Some(&b"yes"[..]));
        assert_eq!(value.brackets, Brackets::Closed);
        assert!(!value.padded);
        let quoted = NameAddr::of(br#"sip:a@example.com;x="<y>";tag=12"#);
        assert_eq!(quoted.uri, b"sip:a@example.com");
        assert_eq!(quoted.tag(), Some(&b"12"[..]));
        assert!(NameAddr::of(b"< sip:a@example.com >").padded);
        let bare = NameAddr::of(b"sip:a@example.com;tag=12");
        assert_eq!(bare.uri, b"sip:a@example.com");
        assert_eq!(bare.tag(), Some(&b"12"[..]));
    }

    #[test]
    fn an_unterminated_display_name_keeps_the_uri() {
        let value = NameAddr::of(b"\"Mr. J. User <sip:j.user@example.com>;tag=1");
        assert!(!value.balanced);
        assert_eq!(value.uri, b"sip:j.user@example.com");
    }

    #[test]
    fn lists_are_split_outside_quotes_and_brackets() {
        let items: Vec<_> = list(br#""a, b" <sip:x,y@h>, <sip:z@h>;p="1,2" ,"#).collect();
        assert_eq!(
            items,
            [&br#""a, b" <sip:x,y@h>"#[..], br#"<sip:z@h>;p="1,2""#]
        );
    }

    #[test]
    fn an_address_of_record_has_no_port_and_no_parameters() {
        assert_eq!(
            address_of_record(b"sip:Bob:pw@Example.COM:5070;x=y?h=1"),
            "sip:Bob@example.com"
        );
        assert_eq!(
            address_of_record(b"sip:[2001:db8::1]:5060"),
            "sip:[2001:db8::1]"
        );
        assert_eq!(address_of_record(b"tel:+1555"), "tel:+1555");
    }
}
