//! `contact-private-nat`: a Contact names an address that the other side cannot reach, so that what is sent to it, as RFC 3261
//! §12.2.1.1 asks, is lost: the ACK, the BYE, the next call. A note while nothing sent there failed.

use super::{Place as Target, endpoint};
use crate::address::{Reach, literal_with_port};
use crate::dialog::Call;
use crate::flow::Transport;
use crate::rules::{CallView, Finding, Guard, Judge, Rule, Silence};
use crate::severity::{Confidence, Severity};
use crate::sip::value::{self, NameAddr, Via};
use crate::sip::{HeaderName, Message, Method, StartLine};
use crate::transaction::{Ack, Response, Transaction};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "contact-private-nat",
    code: "NET020",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Snap,
        Guard::Outcome,
    ],
    judge: Judge::Call(judge),
    words: include_str!("contact_private_nat.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in view.call.of(&Method::Invite) {
        for answer in invite.responses.iter().filter(|it| it.is_success()) {
            add(found, unreached_by_ack(view, invite, answer));
        }
    }
    for request in &view.call.transactions {
        add(found, unreached(view, request));
    }
    // What else went there and was not answered belongs to it.
    for finding in found.iter_mut() {
        for request in &view.call.transactions {
            if request.responses.is_empty()
                && value::uri_endpoint(&request.request_uri)
                    .is_some_and(|to| finding.get("contact") == Some(&spell(to).into()))
            {
                *finding = finding.clone().also(request);
            }
        }
    }
    for transaction in &view.call.transactions {
        add(found, noted(transaction));
    }
}

fn spell(target: Target) -> String {
    endpoint(target.0, target.1)
}

/// One finding for each Contact, that of the first thing that failed.
fn add(found: &mut Vec<Finding>, finding: Option<Finding>) {
    let Some(finding) = finding else {
        return;
    };
    let known = found
        .iter_mut()
        .find(|other| other.get("contact") == finding.get("contact"));
    match known {
        Some(other) if finding.severity > Severity::Info => {
            let severity = other.severity.max(finding.severity);
            other.transactions.extend(
                finding
                    .transactions
                    .iter()
                    .filter(|id| !other.transactions.contains(id))
                    .copied()
                    .collect::<Vec<_>>(),
            );
            other.frames.extend(finding.frames);
            other.frames.sort_unstable();
            other.frames.dedup();
            other.severity = severity;
        }
        Some(_) => {}
        None => found.push(finding),
    }
}

/// Something that went, or should have gone, to a Contact.
struct Sent {
    target: Target,
    /// The side that has to reach it.
    by: SocketAddr,
    /// Where it was sent; `None` when it was not seen.
    to: Option<SocketAddr>,
    /// Where the owner of the Contact was seen, as far as the capture shows it.
    owner: Option<SocketAddr>,
    /// Whether the way leads through proxies, so that the Contact is for the last of them (RFC 3261 §16.12).
    routed: bool,
}

impl Sent {
    /// How sure it is that the Contact is the fault: that the address is one which the sender cannot reach.
    fn blames(&self, view: &CallView<'_>) -> Option<Confidence> {
        let target = self.target.0.to_canonical();
        let reach = Reach::of(target);
        let by = Reach::of(self.by.ip());
        let is_target = |end: SocketAddr| end.ip().to_canonical() == target;
        if reach.is_public() {
            return None;
        }
        if reach.is_own_host() {
            let same_host = by.is_own_host() || is_target(self.by);
            return (!same_host && !self.routed).then_some(Confidence::Certain);
        }
        // Who sends to the Contact is not its owner: it passed on what the owner said.
        let owner = (self.owner).filter(|it| it.ip() != self.by.ip());
        let owner_is_there = owner.is_some_and(is_target);
        match self.to {
            Some(to) if !is_target(to) || view.surroundings.speaks(to.ip()) => None,
            Some(_) if by.is_public() => Some(Confidence::Certain),
            // Private nets reach each other often enough; not where the owner is seen under another address.
            Some(_) => owner
                .filter(|_| !owner_is_there)
                .map(|_| Confidence::Likely),
            None if self.routed => None,
            None if by.is_public() => Some(Confidence::Likely),
            None => {
                let elsewhere = owner.is_some() && !owner_is_there;
                (elsewhere && !view.surroundings.speaks(target)).then_some(Confidence::Likely)
            }
        }
    }

    fn facts(&self, finding: Finding) -> Finding {
        finding
            .fact("contact", spell(self.target))
            .fact("reach", Reach::of(self.target.0).name())
            .fact("src", self.by.to_string())
            .fact_if("dst", self.to.map(|to| to.to_string()))
            .fact_if("seen_from", self.owner.map(|owner| owner.to_string()))
    }
}

/// The ACK for a 2xx has to go to its Contact: the 2xx is repeated although it did, or it was not seen to go anywhere.
fn unreached_by_ack(
    view: &CallView<'_>,
    invite: &Transaction,
    answer: &Response,
) -> Option<Finding> {
    if answer.sends.count() < AGAIN {
        return None;
    }
    let contact = NameAddr::of(value::list(answer.evidence("Contact")?.as_bytes()).next()?).uri;
    let target = value::uri_endpoint(contact)?;
    let routed = answer.evidence("Record-Route").is_some();
    let acks = || {
        invite
            .acks
            .iter()
            .filter(|ack| ack.to_tag.is_none() || ack.to_tag == answer.to_tag)
    };
    let ack = acks()
        .filter(|ack| ack_target(ack).is_none_or(|to| to.0 == target.0))
        .min_by_key(|ack| ack.sends.first().map(|seen| seen.time));
    let sent = Sent {
        target,
        by: ack.map_or(answer.flow.dst, |ack| ack.flow.src),
        to: ack.map(|ack| ack.flow.dst),
        owner: Some(answerer(view.call, invite, answer)),
        routed,
    };
    let confidence = sent.blames(view)?.min(view.confidence());
    let finding = sent
        .facts(Finding::of(&RULE, invite))
        .fact("code", answer.code)
        .fact("method", "ACK")
        .fact("sends", answer.sends.count())
        .confidence(confidence);
    match ack {
        Some(ack) => {
            let first = ack.sends.first()?;
            let again = answer
                .sends
                .iter()
                .filter(|seen| seen.time.since(first.time) > CROSSING)
                .count();
            (again >= AGAIN).then_some(finding)
        }
        // Where the caller's side is not captured, its ACK is not either (guard G-1WAY).
        None if acks().next().is_none()
            && invite.requests.count() > 0
            && answer.sends.count() > AGAIN =>
        {
            Some(finding.variant(Some("no-ack")))
        }
        None => None,
    }
}

/// Who gave a 2xx: its sender on the hop farthest from the caller. The others are proxies, which pass it on.
fn answerer(call: &Call, invite: &Transaction, answer: &Response) -> SocketAddr {
    call.of(&Method::Invite)
        .filter(|it| it.cseq == invite.cseq && it.from.tag == invite.from.tag)
        .filter_map(|it| {
            let mut answers = it.responses.iter().filter(|other| other.is_success());
            let same = answers.find(|other| other.to_tag == answer.to_tag)?;
            Some((it.via_count, same.flow.src))
        })
        .max_by_key(|(via_count, _)| *via_count)
        .map_or(answer.flow.src, |(_, src)| src)
}

/// How often a 2xx has to come again before its ACK counts as lost.
const AGAIN: usize = 2;
/// A 2xx this soon behind an ACK crossed with it.
const CROSSING: Duration = Duration::from_millis(50);

fn ack_target(ack: &Ack) -> Option<Target> {
    match ack.message()?.start_line() {
        StartLine::Request { uri, .. } => value::uri_endpoint(uri),
        StartLine::Response { .. } => None,
    }
}

/// A request to a Contact that got no answer.
fn unreached(view: &CallView<'_>, request: &Transaction) -> Option<Finding> {
    if matches!(request.method, Method::Cancel | Method::Register) {
        return None;
    }
    let undelivered = request.responses.is_empty()
        && request
            .icmp
            .iter()
            .any(|note| !note.of_response && !note.of_ack);
    let silence = view
        .silence(request)
        .or_else(|| undelivered.then_some(Silence::Proven))?;
    let target = value::uri_endpoint(&request.request_uri)?;
    let owner = if request.in_dialog() {
        owner_of(view.call, request)
    } else {
        // A call to a registered Contact has it as its Request-URI (RFC 3261 §16.5).
        view.surroundings.bindings().source_of(&request.request_uri)
    };
    // Out of a dialog only a registration proves that the address is somebody's Contact.
    if !request.in_dialog() && owner.is_none() {
        return None;
    }
    let sent = Sent {
        target,
        by: request.flow.src,
        to: Some(request.flow.dst),
        owner,
        routed: false,
    };
    let confidence = sent.blames(view)?;
    let mut finding = sent
        .facts(Finding::of(&RULE, request))
        .fact("method", request.method.name())
        .fact("sends", request.requests.count())
        .silence(silence, view.lossy)
        .note_if(view.came_right(request));
    finding.confidence = finding.confidence.min(confidence);
    if undelivered {
        finding = finding.seen();
    }
    if request.method == Method::Bye {
        finding = finding.severity_at_most(Severity::Warning);
    }
    if finding.get("seen_from").is_none() {
        finding = finding.variant(Some("unseen-owner"));
    }
    Some(finding)
}

/// Where the other side of a dialog was seen: the sender of its 2xx, or of its INVITE on the first hop.
fn owner_of(call: &Call, request: &Transaction) -> Option<SocketAddr> {
    let tag = request.to.tag.as_deref()?;
    let mut invites: Vec<_> = call.of(&Method::Invite).collect();
    invites.sort_by_key(|invite| (std::cmp::Reverse(invite.via_count), invite.id));
    invites.iter().find_map(|invite| {
        let asked = invite.via_count == 1 && invite.from.tag.as_deref() == Some(tag);
        let answer = || {
            invite
                .responses
                .iter()
                .find(|it| it.is_success() && it.to_tag.as_deref() == Some(tag))
        };
        if asked {
            Some(invite.flow.src)
        } else {
            answer().map(|answer| answer.flow.src)
        }
    })
}

/// A Contact that others cannot reach, while nothing sent to it is seen to fail.
fn noted(transaction: &Transaction) -> Option<Finding> {
    let (target, seen_from) = match transaction.method {
        Method::Invite | Method::Subscribe | Method::Register => {
            of_client(transaction).or_else(|| of_server(transaction))?
        }
        _ => return None,
    };
    Some(
        Finding::of(&RULE, transaction)
            .severity(Severity::Info)
            .variant(Some("harmless"))
            .fact("contact", spell(target))
            .fact("reach", Reach::of(target.0).name())
            .fact("method", transaction.method.name())
            .fact("seen_from", seen_from.to_string()),
    )
}

/// The Contact of a request on its first hop: its sender is seen under another address than the Contact and the Via name.
fn of_client(transaction: &Transaction) -> Option<(Target, SocketAddr)> {
    let request = transaction.request()?;
    let src = transaction.flow.src;
    if transaction.via_count != 1 || transaction.cut || !is_datagram_or_stream(transaction) {
        return None;
    }
    let sent_by = request.sent_by()?;
    let via = literal_with_port(&sent_by);
    let target = super::contact_beside(request, &sent_by, via)?;
    let own = |address: IpAddr| address.to_canonical() == src.ip().to_canonical();
    let hidden =
        !Reach::of(target.0).is_public() && !own(target.0) && same_family(target.0, src.ip());
    if !hidden {
        return None;
    }
    let translated =
        Reach::of(src.ip()).is_public() || via.is_some_and(|(address, _)| !own(address));
    // A registrar that is given a way back uses it (RFC 3581, RFC 3327, RFC 5626).
    let helped = transaction.method == Method::Register && has_way_back(request);
    (translated && !helped).then_some((target, src))
}

fn has_way_back(request: &Message) -> bool {
    let outbound = request.headers(HeaderName::Contact).any(|value| {
        value::list(&value).any(|contact| {
            let contact = NameAddr::of(contact);
            contact.param(b"reg-id").is_some() || contact.uri.ends_with(b";ob")
        })
    });
    let via = request.top_via();
    let via = via.as_deref().and_then(Via::of);
    via.is_some_and(|via| via.has_param(b"rport"))
        || request.header(HeaderName::Path).is_some()
        || outbound
}

/// The Contact of a 2xx that no proxy stays in front of: its sender is public, and the Contact is not.
fn of_server(transaction: &Transaction) -> Option<(Target, SocketAddr)> {
    if transaction.method == Method::Register {
        return None;
    }
    let answer = transaction.responses.iter().find(|it| it.is_success())?;
    let src = answer.flow.src;
    if !Reach::of(src.ip()).is_public() {
        return None;
    }
    // Evidence is put together when somebody asks for it, and nearly every call has a proxy.
    let recorded = match answer.message() {
        Some(message) => message.has(HeaderName::RecordRoute),
        None => answer.evidence("Record-Route").is_some(),
    };
    if recorded {
        return None;
    }
    let contact = NameAddr::of(value::list(answer.evidence("Contact")?.as_bytes()).next()?).uri;
    let target = value::uri_endpoint(contact)?;
    let hidden = !Reach::of(target.0).is_public() && same_family(target.0, src.ip());
    hidden.then_some((target, src))
}

/// A host that has both families is seen under another address without any NAT.
fn same_family(one: IpAddr, other: IpAddr) -> bool {
    one.to_canonical().is_ipv4() == other.to_canonical().is_ipv4()
}

/// Over WebSocket a Contact is reached by its connection alone (RFC 7118 §5).
const fn is_datagram_or_stream(transaction: &Transaction) -> bool {
    !matches!(transaction.flow.transport, Transport::Ws | Transport::Wss)
}
