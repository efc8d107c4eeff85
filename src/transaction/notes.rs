//! What a transaction keeps of its messages: who sent the request, what a response explains itself with.

use super::kept::Budget;
use super::{Ack, Arrival, Sends, Sighting, Tag, Transaction};
use crate::limits::{MAX_CHALLENGES, MAX_NOTES, MAX_TEXT, MAX_URI};
use crate::sip::digest::{self, Side};
use crate::sip::value::{self, NameAddr};
use crate::sip::{HeaderName, Message};
use std::borrow::Cow;

/// The header fields of a response that explain it, kept as evidence.
pub(super) const EVIDENCE: &[(HeaderName, &str)] = &[
    (HeaderName::Warning, "Warning"),
    (HeaderName::Reason, "Reason"),
    (HeaderName::RetryAfter, "Retry-After"),
    (HeaderName::MinExpires, "Min-Expires"),
    (HeaderName::MinSe, "Min-SE"),
    (HeaderName::Allow, "Allow"),
    (HeaderName::Unsupported, "Unsupported"),
    (HeaderName::Require, "Require"),
    (HeaderName::Contact, "Contact"),
    (HeaderName::RecordRoute, "Record-Route"),
    (HeaderName::Server, "Server"),
    (HeaderName::UserAgent, "User-Agent"),
];

/// The credentials of a request.
pub(super) fn credentials(message: &Message) -> Box<[digest::Credentials]> {
    message
        .headers(HeaderName::Authorization)
        .map(|value| (value, Side::Server))
        .chain(
            message
                .headers(HeaderName::ProxyAuthorization)
                .map(|value| (value, Side::Proxy)),
        )
        .filter_map(|(value, side)| digest::credentials(&value, side))
        .take(MAX_CHALLENGES)
        .collect()
}

/// As much of a URI as is kept.
pub(super) fn clip_uri(uri: &[u8]) -> &[u8] {
    uri.get(..MAX_URI).unwrap_or(uri)
}

/// The lifetime that the first Contact asks for, in seconds.
pub(super) fn contact_expires(message: &Message) -> Option<u64> {
    let contact = message.header(HeaderName::Contact)?;
    let value = NameAddr::of(value::list(&contact).next()?).param(b"expires")?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

pub(super) fn challenges(message: &Message, status: u64) -> Box<[digest::Challenge]> {
    if !matches!(status, 401 | 407) {
        return Box::default();
    }
    message
        .headers(HeaderName::WwwAuthenticate)
        .map(|value| (value, Side::Server))
        .chain(
            message
                .headers(HeaderName::ProxyAuthenticate)
                .map(|value| (value, Side::Proxy)),
        )
        .flat_map(|(value, side)| digest::challenges(&value, side))
        .take(MAX_CHALLENGES)
        .collect()
}

pub(super) fn evidence(message: &Message) -> Vec<(&'static str, Box<str>)> {
    EVIDENCE
        .iter()
        .filter(|(header, _)| message.has(*header))
        .filter_map(|(header, name)| Some((*name, clip(&message.text(*header)?))))
        .collect()
}

/// Reason phrases that most responses have: they take no memory of their own.
const PHRASES: [&str; 12] = [
    "OK",
    "Trying",
    "Ringing",
    "Session Progress",
    "Unauthorized",
    "Proxy Authentication Required",
    "Request Terminated",
    "Busy Here",
    "Not Found",
    "Forbidden",
    "Service Unavailable",
    "Temporarily Unavailable",
];

/// A reason phrase.
pub(super) fn phrase(bytes: &[u8]) -> Cow<'static, str> {
    match PHRASES.iter().find(|it| it.as_bytes() == bytes) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(clip(&String::from_utf8_lossy(bytes)).into()),
    }
}

fn clip(text: &str) -> Box<str> {
    if text.len() <= MAX_TEXT {
        return text.into();
    }
    let end = text.char_indices().nth(MAX_TEXT).map(|(end, _)| end);
    end.and_then(|end| text.get(..end)).unwrap_or(text).into()
}

/// Whether an ACK with this To tag answers a 2xx of the transaction. Without a tag any 2xx will do.
pub(super) fn acknowledges(transaction: &Transaction, to_tag: Option<&[u8]>) -> bool {
    transaction.responses.iter().any(|response| {
        response.is_success() && (to_tag.is_none() || response.to_tag.as_deref() == to_tag)
    })
}

/// Notes an ACK among those of a transaction; true when it is a retransmission.
pub(super) fn note_ack(
    acks: &mut Vec<Ack>,
    arrival: &Arrival<'_>,
    to_tag: Option<&[u8]>,
    branch: u64,
    budget: &mut Budget,
) -> bool {
    let sighting = Sighting {
        frame: arrival.frame,
        time: arrival.time,
    };
    let known = acks
        .iter_mut()
        .find(|ack| ack.branch == branch && ack.flow == arrival.flow);
    if let Some(ack) = known {
        ack.sends.push(sighting);
        return true;
    }
    if acks.len() < MAX_NOTES {
        let mut sends = Sends::default();
        sends.push(sighting);
        if acks.is_empty() {
            // Nearly always there is no other.
            acks.reserve_exact(1);
        }
        acks.push(Ack {
            flow: arrival.flow,
            to_tag: to_tag.map(Tag::from_slice),
            sends,
            branch,
            kept: budget.keep(arrival.message),
        });
    }
    false
}
