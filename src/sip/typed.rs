//! The strict second reading of the values that route a call: Request-URI, From, To, Contact and Via by the grammar of
//! RFC 3261 §25.1. What it refuses is an [`Oddity`] of the message, never a lost message.
//!
//! This is also the one file that knows rsip. rsip 0.4 reads host names and ports; asked for more, it refuses legal input
//! (IPv6 references, white space around semicolons, escapes in parameters, quoted parameter values) and overlooks what
//! follows the part it understood. So the values are taken apart here, and rsip is shown only what it reads as the RFC does.

use super::lexer::{is_token, is_token_byte};
use super::value::{Brackets, NameAddr, Via, delta_seconds, is_sip, quoted_len, split};
use super::{HeaderName, Message, Oddities, Oddity, StartLine};
use std::net::Ipv6Addr;
use std::str::from_utf8;

/// What the grammar refuses in the Request-URI, From, To, Contacts and Vias of a message. Nothing for a cut message.
///
/// It costs microseconds, so it is asked for the messages that are shown and not for each that passes.
pub fn oddities(message: &Message) -> Oddities {
    let mut found = Oddities::default();
    if message.is_cut() {
        return found;
    }
    if let StartLine::Request { uri, .. } = message.start_line()
        && is_sip(uri)
        && !is_sip_uri(uri)
    {
        found.insert(Oddity::RequestUriUnreadable);
    }
    let mut refuse = |header, oddity, accepts: fn(&[u8]) -> bool| {
        if !message.headers(header).all(|value| accepts(&value)) {
            found.insert(oddity);
        }
    };
    refuse(HeaderName::From, Oddity::FromUnreadable, is_name_addr);
    refuse(HeaderName::To, Oddity::ToUnreadable, is_name_addr);
    refuse(HeaderName::Contact, Oddity::ContactUnreadable, |value| {
        value == b"*" || split(value, b',').all(is_name_addr)
    });
    refuse(HeaderName::Contact, Oddity::NumberOutOfRange, |value| {
        split(value, b',').all(expires_in_range)
    });
    refuse(HeaderName::Via, Oddity::ViaUnreadable, |value| {
        split(value, b',').all(is_via)
    });
    found
}

/// `( name-addr / addr-spec ) *( SEMI generic-param )`.
pub(super) fn is_name_addr(value: &[u8]) -> bool {
    let it = NameAddr::of(value);
    // RFC 3261 §20.10: without brackets, a URI must have no comma, question mark or semicolon.
    let delimited =
        it.brackets != Brackets::None || !it.uri.iter().any(|byte| matches!(byte, b',' | b'?'));
    it.balanced
        && it.brackets != Brackets::Unclosed
        && delimited
        && !it.padded
        && is_display_name(it.display)
        && is_uri(it.uri)
        && is_params(it.params())
}

/// RFC 3261 §20.10: `expires` of a Contact, in seconds.
fn expires_in_range(value: &[u8]) -> bool {
    NameAddr::of(value)
        .param(b"expires")
        .is_none_or(|seconds| delta_seconds(seconds).is_some_and(|it| u32::try_from(it).is_ok()))
}

/// `display-name = *(token LWS) / quoted-string`; white space before the bracket may be missing (RFC 4475 §3.1.1.6).
fn is_display_name(display: &[u8]) -> bool {
    match display {
        [b'"', ..] => quoted_len(display) == Some(display.len()),
        _ => display
            .iter()
            .all(|&byte| is_token_byte(byte) || byte.is_ascii_whitespace()),
    }
}

/// A SIP URI by its grammar; any other by having a scheme and something behind it.
fn is_uri(uri: &[u8]) -> bool {
    if is_sip(uri) {
        return is_sip_uri(uri);
    }
    let mut parts = uri.splitn(2, |&byte| byte == b':');
    let scheme = parts.next().unwrap_or_default();
    scheme.first().is_some_and(u8::is_ascii_alphabetic)
        && scheme
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        && parts
            .next()
            .is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_graphic))
}

/// `sip: [ userinfo ] hostport uri-parameters [ headers ]` (RFC 3261 §19.1.1).
fn is_sip_uri(uri: &[u8]) -> bool {
    let Some(rest) = from_utf8(uri).ok().and_then(|uri| uri.split_once(':')) else {
        return false;
    };
    // Neither parameters nor header fields may hold an `@` that is not escaped.
    let (user, rest) = match rest.1.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest.1),
    };
    let host_len = rest.find([';', '?']).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(host_len);
    let (params, headers) = match rest.split_once('?') {
        Some((params, headers)) => (params, Some(headers)),
        None => (rest, None),
    };
    user.is_none_or(is_user_info)
        && is_host_with_port(host)
        && params.split(';').skip(1).all(is_uri_param)
        && headers.is_none_or(|headers| headers.split('&').all(is_uri_header))
}

/// `( user / telephone-subscriber ) [ ":" password ]`.
fn is_user_info(text: &str) -> bool {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    !user.is_empty() && is_made_of(user, "&=+$,;?/") && is_made_of(password, "&=+$,")
}

/// `pname [ "=" pvalue ]`; the backquote comes with the tokens that some parameters have as values.
fn is_uri_param(text: &str) -> bool {
    let paramchar = |part: &str| !part.is_empty() && is_made_of(part, "[]/:&+$`");
    match text.split_once('=') {
        Some((name, value)) => paramchar(name) && paramchar(value),
        None => paramchar(text),
    }
}

/// `hname "=" hvalue`.
fn is_uri_header(text: &str) -> bool {
    let allowed = |part: &str| is_made_of(part, "[]/?:+$");
    text.split_once('=')
        .is_some_and(|(name, value)| !name.is_empty() && allowed(name) && allowed(value))
}

/// `unreserved`, `escaped`, and the characters of `more`.
fn is_made_of(text: &str, more: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                let mut hex = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                hex() && hex()
            }
            _ => {
                byte.is_ascii_alphanumeric()
                    || b"-_.!~*'()".contains(&byte)
                    || more.as_bytes().contains(&byte)
            }
        };
        if !fits {
            return false;
        }
    }
    true
}

/// `host [ ":" port ]`. Host names may have underscores: no grammar allows them, and every resolver reads them.
fn is_host_with_port(text: &str) -> bool {
    if let Some(reference) = text.strip_prefix('[') {
        return reference
            .split_once(']')
            .is_some_and(|(address, rest)| is_ipv6(address) && (rest.is_empty() || is_port(rest)));
    }
    let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
    let labels = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    labels.split('.').all(is_label) && (port.is_empty() || is_port(port)) && rsip_reads(text)
}

/// `":" port`; the number is for rsip where it sees the host, too.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
    })
}

/// RFC 5118 §4.10: the grammar of RFC 3261 lets three colons stand before an IPv4 address, so receivers bear with them.
fn is_ipv6(text: &str) -> bool {
    text.replacen(":::", "::", 1).parse::<Ipv6Addr>().is_ok()
}

fn rsip_reads(host_with_port: &str) -> bool {
    rsip::Uri::try_from(format!("sip:{host_with_port}")).is_ok()
}

/// `*( SEMI generic-param )` with nothing else before, between and behind.
fn is_params(params: &[u8]) -> bool {
    let mut parts = split(params, b';');
    parts.next().is_none_or(<[u8]>::is_empty) && parts.all(is_generic_param)
}

/// `token [ EQUAL gen-value ]`, `gen-value = token / host / quoted-string`. An IPv6 address may stand in brackets or not
/// (RFC 5118 §4.5).
fn is_generic_param(param: &[u8]) -> bool {
    let mut parts = param.splitn(2, |&byte| byte == b'=');
    let name = parts.next().unwrap_or_default().trim_ascii();
    let is_value = |value: &[u8]| {
        let value = value.trim_ascii();
        let address = value
            .strip_prefix(b"[")
            .map_or(Some(value), |rest| rest.strip_suffix(b"]"));
        is_token(value)
            || quoted_len(value).is_some_and(|len| value.starts_with(b"\"") && len == value.len())
            || address.is_some_and(|address| from_utf8(address).is_ok_and(is_ipv6))
    };
    is_token(name) && parts.next().is_none_or(is_value)
}

/// `sent-protocol LWS sent-by *( SEMI via-params )`.
pub(super) fn is_via(value: &[u8]) -> bool {
    Via::of(value).is_some_and(|via| {
        let sent_by: Vec<u8> = via
            .sent_by
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect();
        is_token(via.transport)
            && from_utf8(&sent_by).is_ok_and(is_host_with_port)
            && is_params(via.params())
    })
}
