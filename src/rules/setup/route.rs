//! Where a UA must send the requests of a dialog, and where it did: the route set of RFC 3261 §12.1 against the Request-URI
//! and the Route of §12.2.1.1.

use crate::dialog::Call;
use crate::flow::Flow;
use crate::limits::MAX_CALL_DIALOGS;
use crate::sip::value::{NameAddr, list, user_and_host};
use crate::sip::{HeaderName, Message, Method, StartLine};
use crate::time::Timestamp;
use crate::transaction::{Ack, Response, Transaction, Value};
use memchr::memchr2;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

/// A request inside a dialog, as the UA that made it sent it.
#[derive(Clone, Copy)]
pub(super) struct InDialog<'a> {
    pub(super) message: &'a Message,
    pub(super) method: &'a str,
    pub(super) flow: Flow,
    pub(super) sent: Timestamp,
    /// Its transaction; for an ACK that of its INVITE.
    pub(super) transaction: &'a Transaction,
    pub(super) outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The other side acted on it.
    Worked,
    /// It was refused, unanswered, or an ACK that changed nothing.
    Failed,
    /// The capture does not show it.
    Unknown,
}

/// What the dialog asks of the requests of one of its sides.
#[derive(Debug)]
pub(super) struct RouteSet {
    /// Every Contact that the other side gave: the remote target, and those that it was before.
    targets: Vec<Place>,
    /// The URIs of the route set, in the order in which this side has to put them into Route.
    pub(super) routes: Vec<Place>,
    /// The host from which or to which the INVITE went.
    pub(super) neighbour: IpAddr,
    /// What the caller dialled, where the neighbour is a proxy that passed the INVITE on.
    dialled: Option<Value>,
    /// From where its INVITE came on every link: inside and outside of a NAT.
    seen_at: Vec<IpAddr>,
}

/// Host and port of a URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    host: Host,
    port: u16,
    is_loose: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    /// In lower case.
    Name(String),
}

/// How a request departs from its route set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Deviation {
    /// The field's name as the RFC has it.
    pub(super) field: &'static str,
    pub(super) seen: String,
    pub(super) expected: String,
}

impl Place {
    /// `None` for what is no SIP URI, and for one whose host or port cannot be read.
    pub(super) fn of(uri: &[u8]) -> Option<Self> {
        let has_scheme = |scheme: &[u8]| {
            let start = uri.get(..scheme.len());
            start.is_some_and(|it| it.eq_ignore_ascii_case(scheme))
        };
        let is_secure = has_scheme(b"sips:");
        if !is_secure && !has_scheme(b"sip:") {
            return None;
        }
        let host = std::str::from_utf8(user_and_host(uri).1).ok()?;
        let port_at = match host.rfind(']') {
            Some(end) => host.get(end..)?.find(':').map(|at| end + at),
            None => host.find(':'),
        };
        let (name, port) = host.split_at_checked(port_at.unwrap_or(host.len()))?;
        // RFC 3261 §19.1.2: the default port.
        let port = match port.strip_prefix(':').unwrap_or_default().trim() {
            "" if is_secure => 5061,
            "" => 5060,
            port => port.parse().ok()?,
        };
        let host = name.trim().trim_matches(['[', ']']);
        if host.is_empty() {
            return None;
        }
        Some(Self {
            // Names begin with a letter, nearly all of them, and have no colon.
            host: match (host.starts_with(|it: char| it.is_ascii_digit()) || host.contains(':'))
                .then(|| host.parse())
            {
                Some(Ok(ip)) => Host::Address(ip),
                Some(Err(_)) | None => Host::Name(host.to_ascii_lowercase()),
            },
            port,
            is_loose: (uri.split(|&byte| byte == b';').skip(1))
                .filter_map(|param| param.split(|&byte| byte == b'=').next())
                .any(|name| name.eq_ignore_ascii_case(b"lr")),
        })
    }

    /// The address, when the host is one and no name.
    pub(super) const fn ip(&self) -> Option<IpAddr> {
        match self.host {
            Host::Address(ip) => Some(ip),
            Host::Name(_) => None,
        }
    }

    fn is_at(&self, other: &Self) -> bool {
        self.host == other.host && self.port == other.port
    }

    /// Whether two places can be compared: a name may stand for an address.
    fn is_comparable(&self, other: &Self) -> bool {
        self.ip().is_some() == other.ip().is_some()
    }

    pub(super) fn name(&self) -> String {
        match &self.host {
            Host::Address(ip) => SocketAddr::new(*ip, self.port).to_string(),
            Host::Name(name) => format!("{name}:{}", self.port),
        }
    }
}

/// The requests inside dialogs that their own UA sent (those of proxies have more than one Via), ACKs to a 2xx included.
fn requests(call: &Call, t1: Duration) -> Vec<InDialog<'_>> {
    let mut requests = Vec::new();
    for invite in call.of(&Method::Invite).filter(|it| it.via_count == 1) {
        for ack in &invite.acks {
            let Some((message, seen)) = ack.message().zip(ack.sends.first()) else {
                continue;
            };
            let answered = invite
                .responses
                .iter()
                .find(|it| it.is_success() && it.to_tag.is_some() && it.to_tag == ack.to_tag);
            let Some(response) = answered else {
                continue;
            };
            if ack.flow.src.ip() == invite.flow.src.ip() && message.via_count() == 1 {
                requests.push(InDialog {
                    message,
                    method: "ACK",
                    flow: ack.flow,
                    sent: seen.time,
                    transaction: invite,
                    outcome: of_ack(call, invite, (response, seen.time), t1),
                });
            }
        }
    }
    let others = call.transactions.iter().filter(|it| {
        it.in_dialog() && it.via_count == 1 && !matches!(it.method, Method::Cancel | Method::Prack)
    });
    for transaction in others {
        if let Some((message, seen)) = transaction.request().zip(transaction.requests.first()) {
            requests.push(InDialog {
                message,
                method: transaction.method.name(),
                flow: transaction.flow,
                sent: seen.time,
                transaction,
                outcome: match transaction.final_code() {
                    // What who does not know the dialog, or the way on, answers.
                    Some(404 | 408 | 416 | 481..=483 | 604) => Outcome::Failed,
                    Some(_) => Outcome::Worked,
                    None if transaction.requests.count() >= 3 => Outcome::Failed,
                    None => Outcome::Unknown,
                },
            });
        }
    }
    requests.retain(|it| !it.message.is_cut());
    requests.sort_by_key(|it| it.sent);
    requests
}

/// What became of an ACK that was sent to a response at that moment.
fn of_ack(
    call: &Call,
    invite: &Transaction,
    (response, sent): (&Response, Timestamp),
    t1: Duration,
) -> Outcome {
    let after = sent + super::crossing(call, invite);
    if super::sent_after(&response.sends, after) > 0 {
        Outcome::Failed
    } else if invite.closed.since(after) >= t1 * 2 {
        Outcome::Worked
    } else {
        Outcome::Unknown
    }
}

/// The requests of a call that can be compared with the route set of their side.
pub(super) fn routed(call: &Call, t1: Duration) -> Vec<(InDialog<'_>, Rc<RouteSet>)> {
    // Each side of a dialog is worked out once.
    let mut sides: Vec<(Side<'_>, Option<Rc<RouteSet>>)> = Vec::new();
    let mut found = Vec::new();
    for request in requests(call, t1) {
        let Some(side) = Side::of(&request) else {
            continue;
        };
        let known = sides.iter().find(|(it, _)| *it == side);
        let routes = match known {
            Some((_, routes)) => routes.clone(),
            None if sides.len() >= 2 * MAX_CALL_DIALOGS => None,
            None => {
                let routes = RouteSet::of(call, &request, &side).map(Rc::new);
                sides.push((side, routes.clone()));
                routes
            }
        };
        found.extend(routes.map(|routes| (request, routes)));
    }
    found
}

/// The messages of which [`requests`] takes some, and how they went.
fn candidates(call: &Call) -> impl Iterator<Item = (&Message, Flow)> {
    let own = call.transactions.iter().filter(|it| it.via_count == 1);
    own.flat_map(|it| {
        let of_dialog = it.in_dialog() && !matches!(it.method, Method::Cancel | Method::Prack);
        let answers_2xx = |ack: &&Ack| {
            let tag = ack.to_tag.as_deref();
            tag.is_some_and(|tag| answer(it, tag).is_some())
        };
        let acks = it.acks.iter().filter(answers_2xx);
        let acks = acks.filter_map(|ack| Some((ack.message()?, ack.flow)));
        let request = it.request().filter(|_| of_dialog);
        request.map(|own| (own, it.flow)).into_iter().chain(acks)
    })
}

/// Whether a request of a dialog goes without Route.
pub(super) fn lacks_route(call: &Call) -> bool {
    candidates(call).any(|(it, _)| !it.has(HeaderName::Route))
}

/// Whether all requests go to a Contact as it was given, with the Record-Route that their side has as it was given: then none
/// can depart from its route set, which is what most calls show without that anything is read but bytes.
pub(super) fn is_by_the_book(call: &Call) -> bool {
    candidates(call).all(|(message, flow)| {
        let StartLine::Request { uri, .. } = message.start_line() else {
            return false;
        };
        let (Some(own), Some(other)) = (message.from_tag(), message.to_tag()) else {
            return false;
        };
        is_contact(call, other, uri)
            && match (
                as_client(call, flow, own, other),
                as_server(call, flow, own, other),
            ) {
                (None, None) => true,
                (Some((_, source)), None) => copies(message, source, true),
                (None, Some((_, source))) => copies(message, source, false),
                (Some(_), Some(_)) => false,
            }
    })
}

/// Whether the Route of a request is the Record-Route of a message, byte by byte, and begins with a proxy that routes loosely.
fn copies(request: &Message, source: &Message, reversed: bool) -> bool {
    if !source.has(HeaderName::RecordRoute) {
        return true;
    }
    // One proxy is what most dialogs have.
    let one = only(request, HeaderName::Route).zip(only(source, HeaderName::RecordRoute));
    if one.is_some_and(|(seen, recorded)| seen == recorded && is_one_loose(seen)) {
        return true;
    }
    let found = uris(request, HeaderName::Route).zip(uris(source, HeaderName::RecordRoute));
    found.is_some_and(|(seen, mut recorded)| {
        if reversed {
            recorded.reverse();
        }
        seen == recorded && recorded.first().is_some_and(|it| it.ends_with(b";lr"))
    })
}

/// The value of the only field of that name; `None` where there are several, and for one that is folded.
fn only(message: &Message, header: HeaderName) -> Option<&[u8]> {
    let mut values = message.headers(header);
    match (values.next()?, values.next()) {
        (Cow::Borrowed(value), None) => Some(value),
        _ => None,
    }
}

/// Whether a Route is one URI in brackets that ends with `lr`, at first sight.
fn is_one_loose(value: &[u8]) -> bool {
    value.starts_with(b"<")
        && value.ends_with(b";lr>")
        && memchr2(b'>', b',', value) == value.len().checked_sub(1)
}

/// The URIs of a Route or Record-Route as written; `None` where one is folded.
fn uris(message: &Message, header: HeaderName) -> Option<SmallVec<[&[u8]; 4]>> {
    let mut found = SmallVec::new();
    for value in message.headers(header) {
        let Cow::Borrowed(value) = value else {
            return None;
        };
        found.extend(list(value).map(|item| NameAddr::of(item).uri));
    }
    Some(found)
}

/// The INVITE that a side sent to begin a dialog, and its 2xx.
fn as_client<'a>(
    call: &'a Call,
    flow: Flow,
    own: &[u8],
    other: &[u8],
) -> Option<(&'a Transaction, &'a Message)> {
    let mut answers = call.initial_invites().filter_map(|invite| {
        let here = invite.via_count == 1 && invite.flow.src.ip() == flow.src.ip();
        let mine = here && invite.from.tag.as_deref() == Some(own);
        let response = mine.then(|| answer(invite, other)).flatten()?;
        Some((invite, response.message()?))
    });
    answers.next().filter(|(_, it)| !it.is_cut())
}

/// The INVITEs that came to a side and that it answered.
fn arrived<'a>(
    call: &'a Call,
    flow: Flow,
    own: &[u8],
    other: &[u8],
) -> impl Iterator<Item = &'a Transaction> {
    call.initial_invites().filter(move |invite| {
        let here = if flow.transport.is_reliable() {
            invite.flow.dst.ip() == flow.src.ip()
        } else {
            invite.flow.dst == flow.src
        };
        here && invite.from.tag.as_deref() == Some(other) && answer(invite, own).is_some()
    })
}

/// The INVITE that came to a side on the last hop, with its transaction.
fn as_server<'a>(
    call: &'a Call,
    flow: Flow,
    own: &[u8],
    other: &[u8],
) -> Option<(&'a Transaction, &'a Message)> {
    let invite = arrived(call, flow, own, other).max_by_key(|invite| invite.via_count)?;
    Some((invite, invite.request().filter(|it| !it.is_cut())?))
}

/// Whether the side with that tag gave this very URI as its Contact.
fn is_contact(call: &Call, tag: &[u8], uri: &[u8]) -> bool {
    messages_of(call, tag)
        .any(|message| (message.uri(HeaderName::Contact)).is_some_and(|contact| *contact == *uri))
}

/// The requests of the side with that tag and its responses that may form a dialog.
fn messages_of<'a>(call: &'a Call, tag: &'a [u8]) -> impl Iterator<Item = &'a Message> {
    call.transactions.iter().flat_map(move |transaction| {
        let responses = transaction
            .responses
            .iter()
            .filter(move |it| it.code > 100 && it.code < 300 && it.to_tag.as_deref() == Some(tag))
            .filter_map(Response::message);
        let request = transaction
            .request()
            .filter(|_| transaction.from.tag.as_deref() == Some(tag));
        request.into_iter().chain(responses)
    })
}

/// One side of a dialog on one host.
#[derive(Debug, PartialEq, Eq)]
struct Side<'a> {
    own: &'a [u8],
    other: &'a [u8],
    src: SocketAddr,
}

impl<'a> Side<'a> {
    fn of(request: &InDialog<'a>) -> Option<Self> {
        Some(Self {
            own: request.message.from_tag()?,
            other: request.message.to_tag()?,
            src: request.flow.src,
        })
    }
}

impl RouteSet {
    /// The route set of the side that sent a request; `None` when the capture does not show how the dialog began on that
    /// side (guards G-START, G-SNAP), or shows it twice.
    fn of(call: &Call, request: &InDialog<'_>, side: &Side<'_>) -> Option<Self> {
        Self::of_client(call, request, side.own, side.other)
            .or_else(|| Self::of_server(call, request, side.own, side.other))
    }

    /// RFC 3261 §12.1.2: the Record-Route of the response, in reverse order.
    fn of_client(call: &Call, request: &InDialog<'_>, own: &[u8], other: &[u8]) -> Option<Self> {
        let (invite, response) = as_client(call, request.flow, own, other)?;
        let mut routes = record_routes(response)?;
        routes.reverse();
        let is_relayed = call.initial_invites().any(|hop| {
            hop.via_count > 1
                && hop.cseq == invite.cseq
                && hop.flow.src.ip() == invite.flow.dst.ip()
                && answer(hop, other).is_some()
        });
        Some(Self {
            targets: targets(call, other),
            routes,
            neighbour: invite.flow.dst.ip(),
            dialled: is_relayed.then(|| invite.request_uri.clone()),
            seen_at: Vec::new(),
        })
    }

    /// RFC 3261 §12.1.1: the Record-Route of the request, in its order.
    fn of_server(call: &Call, request: &InDialog<'_>, own: &[u8], other: &[u8]) -> Option<Self> {
        let (invite, message) = as_server(call, request.flow, own, other)?;
        let arrived = arrived(call, request.flow, own, other);
        Some(Self {
            targets: targets(call, other),
            routes: record_routes(message)?,
            neighbour: invite.flow.src.ip(),
            dialled: None,
            seen_at: arrived.map(|invite| invite.flow.src.ip()).collect(),
        })
    }

    /// How a request departs from RFC 3261 §12.2.1.1; `None` when it does not, or when names and addresses cannot be
    /// compared.
    pub(super) fn deviation(&self, request: &InDialog<'_>) -> Option<Deviation> {
        let StartLine::Request { uri: written, .. } = request.message.start_line() else {
            return None;
        };
        let uri = Place::of(written)?;
        let seen = routes(request.message, HeaderName::Route)?;
        let is_target = |place: &Place| {
            self.targets
                .iter()
                .any(|it| place.is_at(it) || !place.is_comparable(it))
        };
        if let Some((first, rest)) = self.routes.split_first()
            && !first.is_loose
            && uri.is_at(first)
        {
            // A strict router wants itself in the Request-URI and the target last.
            let (last, before) = seen.split_last()?;
            let fits = ends_with(before, rest) && is_target(last);
            return (!fits).then(|| self.wrong_route(&seen));
        }
        // Behind NAT, servers send on purpose to where the other side's packets come from, and not to its Contact.
        let to = request.flow.dst.ip();
        // Captured on both sides of the NAT the client has two addresses, and the request goes to one after the other.
        let same_client = uri.ip().is_some_and(|ip| {
            (ip == to && to == self.neighbour)
                || (self.seen_at.contains(&ip) && self.seen_at.contains(&to))
        });
        let symmetric = self.routes.is_empty() && same_client;
        // Dialled again, it is a new request to the proxy, whatever name stands in it.
        let dialled_again = request.outcome == Outcome::Failed
            && self.is_stuck_at_neighbour(request)
            && self.dialled.as_deref() == Some(written)
            && !self.targets.iter().any(|it| uri.is_at(it));
        let departs = dialled_again || (!symmetric && !is_target(&uri));
        if !self.targets.is_empty() && departs {
            return Some(Deviation {
                field: "Request-URI",
                seen: uri.name(),
                expected: self.targets.last().map_or_else(String::new, Place::name),
            });
        }
        // Clients may put the proxy of their account before the set.
        (!ends_with(&seen, &self.routes)).then(|| self.wrong_route(&seen))
    }

    /// Whether the neighbour did not know where to send a request, and did not pass it on.
    fn is_stuck_at_neighbour(&self, request: &InDialog<'_>) -> bool {
        if request.method != "ACK" {
            let code = request.transaction.final_code();
            return matches!(code, Some(404 | 416 | 481..=483 | 604));
        }
        let mut acks = request.transaction.acks.iter();
        acks.all(|ack| ack.flow.src.ip() != self.neighbour)
    }

    /// Whether a request went straight to the other side, although the route set begins with another host.
    pub(super) fn is_bypassed(&self, request: &InDialog<'_>) -> bool {
        let to = request.flow.dst.ip();
        let Some(first) = self.routes.first() else {
            return false;
        };
        let has_route = request.message.header(HeaderName::Route).is_some();
        let on_route = self.routes.iter().any(|route| route.ip() == Some(to));
        !has_route
            && !on_route
            && to != self.neighbour
            && first.ip().is_none_or(|ip| ip != to)
            && self.targets.iter().any(|target| target.ip() == Some(to))
    }

    fn wrong_route(&self, seen: &[Place]) -> Deviation {
        Deviation {
            field: "Route",
            seen: names(seen),
            expected: names(&self.routes),
        }
    }
}

fn names(places: &[Place]) -> String {
    let names: Vec<_> = places.iter().map(Place::name).collect();
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(", ")
    }
}

fn ends_with(places: &[Place], end: &[Place]) -> bool {
    let skipped = places.len().checked_sub(end.len());
    skipped.is_some_and(|skipped| {
        let last = places.iter().skip(skipped);
        last.zip(end).all(|(one, other)| one.is_at(other))
    })
}

fn answer<'a>(invite: &'a Transaction, tag: &[u8]) -> Option<&'a Response> {
    invite
        .responses
        .iter()
        .find(|it| it.is_success() && it.to_tag.as_deref() == Some(tag))
}

/// The Contacts of all messages that the side with that tag sent: each target refresh may change the target.
fn targets(call: &Call, tag: &[u8]) -> Vec<Place> {
    let mut found: Vec<Place> = Vec::new();
    let mut last = None;
    for uri in messages_of(call, tag).filter_map(|message| message.uri(HeaderName::Contact)) {
        // Nearly always it is that of the message before.
        if last.as_ref() == Some(&uri) {
            continue;
        }
        if let Some(place) = Place::of(&uri).filter(|place| !found.contains(place)) {
            found.push(place);
        }
        last = Some(uri);
    }
    found
}

/// The first Record-Route of a message that can be read: the proxy that was passed last.
pub(super) fn nearest_proxy(message: &Message) -> Option<String> {
    record_routes(message)?.first().map(Place::name)
}

fn record_routes(message: &Message) -> Option<Vec<Place>> {
    routes(message, HeaderName::RecordRoute)
}

/// The URIs of a Route or Record-Route; `None` when one of them is no SIP URI.
fn routes(message: &Message, header: HeaderName) -> Option<Vec<Place>> {
    let mut found = Vec::new();
    for value in message.headers(header) {
        for item in list(&value) {
            found.push(Place::of(NameAddr::of(item).uri)?);
        }
    }
    Some(found)
}
