//! The one file that knows rsip: a second, strict reading of the values that route a call. What rsip refuses is an
//! [`Oddity`] of the message, never a lost message.

use super::value::{NameAddr, list};
use super::{HeaderName, Message, Oddities, Oddity, StartLine};
use rsip::headers::ToTypedHeader;
use std::str::from_utf8;

/// What the typed parser refuses in the Request-URI, From, To and Contacts of a message. Nothing for a cut message.
///
/// It costs microseconds, so it is asked for the messages that are shown and not for each that passes.
pub fn oddities(message: &Message) -> Oddities {
    let mut found = Oddities::default();
    if message.is_cut() {
        return found;
    }
    if let StartLine::Request { uri, .. } = message.start_line()
        && is_sip(uri)
        && !is_uri(uri)
    {
        found.insert(Oddity::RequestUriUnreadable);
    }
    if refused(message, HeaderName::From, |text| {
        rsip::headers::From::from(text).typed().is_ok()
    }) {
        found.insert(Oddity::FromUnreadable);
    }
    if refused(message, HeaderName::To, |text| {
        rsip::headers::To::from(text).typed().is_ok()
    }) {
        found.insert(Oddity::ToUnreadable);
    }
    let contacts = message.headers(HeaderName::Contact);
    if contacts
        .into_iter()
        .any(|value| list(&value).any(|item| item != b"*" && !is_contact(item)))
    {
        found.insert(Oddity::ContactUnreadable);
    }
    found
}

fn refused(message: &Message, header: HeaderName, accepts: impl Fn(&str) -> bool) -> bool {
    message.header(header).is_some_and(|value| {
        is_sip(NameAddr::of(&value).uri) && !from_utf8(&value).is_ok_and(&accepts)
    })
}

fn is_contact(item: &[u8]) -> bool {
    !is_sip(NameAddr::of(item).uri)
        || from_utf8(item).is_ok_and(|text| rsip::headers::Contact::from(text).typed().is_ok())
}

/// rsip types `sip:` and `sips:`; other schemes are nobody's fault.
fn is_sip(uri: &[u8]) -> bool {
    let scheme = |name: &[u8]| {
        uri.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    scheme(b"sip:") || scheme(b"sips:")
}

fn is_uri(uri: &[u8]) -> bool {
    from_utf8(uri).is_ok_and(|text| rsip::Uri::try_from(text).is_ok())
}
