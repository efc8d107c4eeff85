//! What one REGISTER did, read from the request and its final response (RFC 3261 §10.2, §10.3).

use crate::capture::FrameNumber;
use crate::dialog::Waited;
use crate::limits::{MAX_CONTACTS, MAX_TEXT};
use crate::sip::value::{NameAddr, Via, list, user_and_host};
use crate::sip::{HeaderName, Message};
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction, TransactionId};
use memchr::{memchr, memrchr};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// A contact address as far as it tells bindings apart. Registrars add and drop URI parameters, so those do not count
/// (RFC 3261 §19.1.4 is stricter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contact {
    /// User, host and port in one form.
    pub(super) key: Box<str>,
    /// As written.
    pub(super) uri: Box<str>,
    user: Box<str>,
    /// Host and port in one form; port 5060 is none.
    pub(super) place: Box<str>,
}

impl Contact {
    pub(super) fn of(uri: &[u8]) -> Self {
        let (user, host) = user_and_host(uri);
        let user = user.split(|&byte| byte == b':').next().unwrap_or_default();
        let (user, place) = (unescaped(user), place(host));
        Self {
            key: clip(&[&user, "@", &place].concat()),
            uri: clip(&String::from_utf8_lossy(uri)),
            user: clip(&user),
            place: clip(&place),
        }
    }
}

/// What became of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// 2xx: it is bound.
    Accepted {
        requested: Option<u64>,
        granted: Option<u64>,
        listing: Listing,
    },
    /// A 2xx to another REGISTER lists it with so many seconds left.
    Listed { left: u64 },
    /// 2xx to a lifetime of 0: it is not bound any more. Without a contact, none is.
    Removed,
    /// A final response that is no success. 401 and 407 only where the request had credentials.
    Rejected(u64),
    /// 401 or 407 to a request without credentials, or 423: the client is asked to try again.
    AskedAgain,
    /// No final response.
    Unanswered(Waited),
    /// 2xx to a REGISTER that the capture lacks, or that could not be read: any contact may have been refreshed.
    Unread,
}

/// What the 2xx says of the contact that the REGISTER asked for: it lists all bindings (RFC 3261 §10.3 step 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// It is there.
    Own,
    /// The response has no Contact at all.
    Nothing,
    /// In its place stands the address that the packets came from: help through a NAT.
    Rewritten(Box<str>),
    /// Only others are there.
    Others(Box<str>),
    /// The response could not be read.
    Unknown,
}

/// One REGISTER and one contact.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// When it was decided; for what was not answered, when it was sent.
    pub(super) time: Timestamp,
    pub(super) call_id: Arc<[u8]>,
    pub(super) cseq: u64,
    pub(super) id: TransactionId,
    pub(super) frames: Vec<FrameNumber>,
    pub(super) source: IpAddr,
    /// What names the device (RFC 5626 §4.1).
    pub(super) instance: Option<Box<[u8]>>,
    /// `None` for all of the address-of-record.
    pub(super) contact: Option<Contact>,
    pub(super) outcome: Outcome,
    /// Whether it asks for a lifetime of 0: the client goes, whatever it is answered.
    pub(super) leaves: bool,
    /// Host and port of the other contacts that the registrar says are bound as well.
    pub(super) beside: Arc<[Box<str>]>,
    /// Host and port of the contacts that the same REGISTER removes (RFC 3261 §10.2.2).
    pub(super) removes: Arc<[Box<str>]>,
}

/// The events of a finished REGISTER. Empty for a query without contacts.
pub(super) fn events(transaction: &Transaction, waited: Waited) -> Vec<Event> {
    let response = transaction.final_response();
    let time = response.map_or_else(|| transaction.start(), Response::time);
    let seen = [
        transaction.requests.last(),
        response.and_then(|it| it.sends.first()),
    ];
    let answer = response
        .and_then(Response::message)
        .filter(|it| !it.is_cut());
    let listed = answer.map(contacts).unwrap_or_default();
    let beside: Arc<[Box<str>]> = listed
        .iter()
        .filter(|it| it.expires != Some(0))
        .filter_map(|it| Some(it.contact.as_ref()?.place.clone()))
        .collect();
    let request = transaction.request().filter(|it| !it.is_cut());
    let asked = request.map(contacts).unwrap_or_default();
    let default = request.and_then(|it| it.number(HeaderName::Expires));
    let requested = |own: &Entry| own.expires.or(default);
    let removes: Arc<[Box<str>]> = asked
        .iter()
        .filter(|it| requested(it) == Some(0))
        .filter_map(|it| Some(it.contact.as_ref()?.place.clone()))
        .collect();
    let event = |contact: Option<Contact>, instance, outcome| Event {
        time,
        call_id: transaction.call_id.clone(),
        cseq: transaction.cseq,
        id: transaction.id,
        frames: seen.iter().flatten().map(|it| it.frame).collect(),
        source: transaction.flow.src.ip(),
        instance,
        contact,
        outcome,
        leaves: false,
        beside: beside.clone(),
        removes: removes.clone(),
    };
    let succeeded = response.is_some_and(Response::is_success);
    let mut events = Vec::new();
    if request.is_some() {
        for own in &asked {
            let requested = requested(own);
            let outcome = match response {
                None => Outcome::Unanswered(waited),
                Some(_) if succeeded && requested == Some(0) => Outcome::Removed,
                Some(_) if succeeded => accepted(transaction, own, requested, answer, &listed),
                Some(response) => refused(transaction, response.code),
            };
            if own.contact.is_some() || outcome == Outcome::Removed {
                events.push(Event {
                    leaves: requested == Some(0),
                    ..event(own.contact.clone(), own.instance.clone(), outcome)
                });
            }
        }
        if asked.is_empty() {
            return events;
        }
    } else if succeeded {
        events.push(event(None, None, Outcome::Unread));
    }
    // What the registrar says of the others is its word, whoever refreshed them and on whatever way.
    for other in &listed {
        let own = |it: &Entry| it.contact == other.contact;
        if let (Some(contact), Some(left)) = (&other.contact, other.expires)
            && succeeded
            && !asked.iter().any(own)
        {
            let outcome = Outcome::Listed { left };
            events.push(event(
                Some(contact.clone()),
                other.instance.clone(),
                outcome,
            ));
        }
    }
    events
}

fn refused(transaction: &Transaction, code: u64) -> Outcome {
    // A nonce that has grown old is no reason to refuse anybody (RFC 7616 §3.3).
    let stale = || {
        let last = transaction.final_response();
        last.is_some_and(|it| it.challenges.iter().any(|challenge| challenge.stale))
    };
    match code {
        401 | 407 if transaction.credentials.is_empty() || stale() => Outcome::AskedAgain,
        423 => Outcome::AskedAgain,
        code => Outcome::Rejected(code),
    }
}

fn accepted(
    transaction: &Transaction,
    own: &Entry,
    requested: Option<u64>,
    answer: Option<&Message>,
    listed: &[Entry],
) -> Outcome {
    let Some(answer) = answer else {
        return Outcome::Accepted {
            requested,
            granted: None,
            listing: Listing::Unknown,
        };
    };
    let (listing, entry) = find(transaction, own, answer, listed);
    // RFC 3261 §10.2.4: the parameter of its own Contact tells the lifetime, then Expires.
    let granted = entry
        .and_then(|it| it.expires)
        .or_else(|| answer.number(HeaderName::Expires));
    Outcome::Accepted {
        requested,
        granted,
        listing,
    }
}

/// Which of the listed contacts is the one asked for.
fn find<'a>(
    transaction: &Transaction,
    own: &Entry,
    answer: &Message,
    listed: &'a [Entry],
) -> (Listing, Option<&'a Entry>) {
    let Some(wanted) = &own.contact else {
        return (Listing::Unknown, None);
    };
    let known = |it: &&Entry| it.contact.as_ref().is_some_and(|it| it.key == wanted.key);
    let same_device = |it: &&Entry| it.instance.is_some() && it.instance == own.instance;
    if let Some(entry) = listed.iter().find(known) {
        return (Listing::Own, Some(entry));
    }
    let with = |place: &str| {
        listed.iter().find(|it| {
            it.contact
                .as_ref()
                .is_some_and(|it| &*it.place == place && it.user == wanted.user)
        })
    };
    let source = place(transaction.flow.src.to_string().as_bytes());
    let rewritten = with(&source).or_else(|| with(&received(answer)?));
    if let Some(entry) = rewritten
        && let Some(contact) = &entry.contact
    {
        return (Listing::Rewritten(contact.uri.clone()), Some(entry));
    }
    let first = listed.iter().find_map(|it| it.contact.as_ref());
    let Some(first) = first else {
        return (Listing::Nothing, None);
    };
    let entry = listed.iter().find(same_device);
    let shown = entry.and_then(|it| it.contact.as_ref()).unwrap_or(first);
    (Listing::Others(shown.uri.clone()), entry)
}

/// The address that the registrar saw, as the topmost Via tells it (RFC 3261 §18.2.1, RFC 3581 §4).
fn received(answer: &Message) -> Option<String> {
    let value = answer.top_via()?;
    let via = Via::of(&value)?;
    let host = String::from_utf8_lossy(via.param(b"received")?).into_owned();
    let port = via.param(b"rport").map(String::from_utf8_lossy);
    let bracketed = host.contains(':') && !host.starts_with('[');
    let host = if bracketed { format!("[{host}]") } else { host };
    Some(place(
        port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
            .as_bytes(),
    ))
}

/// A value of Contact; `*` has no contact.
#[derive(Clone, Debug, Default)]
struct Entry {
    contact: Option<Contact>,
    expires: Option<u64>,
    instance: Option<Box<[u8]>>,
}

fn contacts(message: &Message) -> Vec<Entry> {
    let mut entries = Vec::new();
    for value in message.headers(HeaderName::Contact) {
        for item in list(&value) {
            if entries.len() >= MAX_CONTACTS {
                return entries;
            }
            if item == b"*" {
                entries.push(Entry::default());
                continue;
            }
            let address = NameAddr::of(item);
            let expires = address
                .param(b"expires")
                .and_then(|it| std::str::from_utf8(it).ok()?.trim_matches('"').parse().ok());
            entries.push(Entry {
                contact: Some(Contact::of(address.uri)),
                expires,
                instance: address
                    .param(b"+sip.instance")
                    .map(|it| it.get(..MAX_TEXT).unwrap_or(it).into()),
            });
        }
    }
    entries
}

/// An address in the form of [`Contact::place`].
pub(super) fn place_of(address: SocketAddr) -> Box<str> {
    clip(&place(address.to_string().as_bytes()))
}

/// Host and port in one form: lower case, IPv6 as RFC 5952 writes it, without port 5060.
fn place(host: &[u8]) -> String {
    let text = String::from_utf8_lossy(host);
    if text.is_ascii() && !text.starts_with('[') {
        let mut text = text.into_owned();
        text.make_ascii_lowercase();
        if let Some(colon) = memrchr(b':', text.as_bytes())
            && matches!(text.get(colon + 1..), Some("" | "5060"))
        {
            text.truncate(colon);
        }
        return text;
    }
    let text = text.to_lowercase();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => (host, port),
        _ => (text.as_str(), ""),
    };
    let v6 = host
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'))
        .and_then(|it| it.parse::<Ipv6Addr>().ok());
    let host = v6.map_or_else(|| host.to_owned(), |it| format!("[{it}]"));
    match port {
        "" | "5060" => host,
        port => format!("{host}:{port}"),
    }
}

/// The user without `%` escapes, which either side may use or not (RFC 3261 §19.1.4).
fn unescaped(user: &[u8]) -> String {
    if memchr(b'%', user).is_none() {
        return String::from_utf8_lossy(user).into_owned();
    }
    let mut bytes = Vec::with_capacity(user.len());
    let mut rest = user;
    while let [first, behind @ ..] = rest {
        let escaped = match behind {
            [high, low, after @ ..] if *first == b'%' => hex(*high)
                .zip(hex(*low))
                .map(|(high, low)| (high * 16 + low, after)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, behind));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|it| u8::try_from(it).ok())
}

fn clip(text: &str) -> Box<str> {
    if text.len() <= MAX_TEXT {
        return text.into();
    }
    text.chars().take(MAX_TEXT).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_compared_without_what_registrars_change() {
        let same = |one: &str, other: &str| {
            Contact::of(one.as_bytes()).key == Contact::of(other.as_bytes()).key
        };
        assert!(same(
            "sip:%2b33@192.0.2.1;ob",
            "sip:+33@192.0.2.1:5060;transport=udp"
        ));
        assert!(same(
            "sip:a@[2001:DB8:0::1]:5062",
            "sip:a@[2001:db8::1]:5062"
        ));
        assert!(same("sip:a@Host.Example.COM", "sips:a@host.example.com"));
        assert!(!same("sip:a@192.0.2.1:5062", "sip:a@192.0.2.1"));
        assert!(!same("sip:a@192.0.2.1", "sip:b@192.0.2.1"));
    }
}
