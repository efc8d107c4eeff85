//! Whether a response reached the client it was meant for, as far as the capture shows.

use super::SIP_PORT;
use crate::flow::Transport;
use crate::frame::IcmpKind;
use crate::rules::CallView;
use crate::sip::Method;
use crate::sip::value::Via;
use crate::time::Timestamp;
use crate::transaction::{Response, Sighting, Transaction};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A repeat this soon after a response crossed with it on the way, where the call does not show how long that is.
const CROSSING: Duration = Duration::from_millis(50);
/// A way that is longer nobody takes: a satellite hop and a busy client.
const CROSSING_AT_MOST: Duration = Duration::from_secs(2);
/// The longest gap of the ladder of an INVITE (16 s) and of other requests (T2, 4 s) with room: what comes later is not
/// sent by a timer of this transaction (RFC 3261 §17.1.1.2, §17.1.2.2).
const LONGEST_GAP_INVITE: Duration = Duration::from_secs(18);
const LONGEST_GAP: Duration = Duration::from_secs(5);
/// After a first send the next would come after T1.
const NEXT_SEND: Duration = Duration::from_secs(1);
/// Sends of a final response after which its sender has certainly had no ACK.
const INSISTED: usize = 3;

/// What the capture says about a response's arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    /// The client acted on it, or stopped repeating its request.
    Yes,
    /// The client went on repeating, or ICMP says so.
    No,
    /// The capture ends too soon.
    Unknown,
}

/// The response after which a request must not be repeated: any to INVITE, a final one to others (RFC 3261 §17.1.1.2,
/// §17.1.2.2).
pub(super) fn stops_repeats(transaction: &Transaction) -> Option<&Response> {
    let is_invite = transaction.method == Method::Invite;
    transaction
        .responses
        .iter()
        .filter(|response| is_invite || response.is_final())
        .min_by_key(|response| response.time())
}

/// The sends of a request behind the response that should have stopped them. Nothing over other transports than UDP, where
/// requests are not repeated, and nothing that was sent before the response could reach the client.
pub(super) fn repeats_after_response(
    view: &CallView<'_>,
    transaction: &Transaction,
) -> Vec<Sighting> {
    let Some(response) = stops_repeats(transaction) else {
        return Vec::new();
    };
    let finals = || transaction.responses.iter().filter(|it| it.is_final());
    // A stack that uses one branch for several requests gets an answer to each: other codes to other requests.
    let reused = transaction.method != Method::Invite
        && finals().any(|other| finals().any(|it| it.code != other.code));
    if transaction.flow.transport != Transport::Udp || transaction.requests.repeats() == 0 || reused
    {
        return Vec::new();
    }
    let longest = if transaction.method == Method::Invite {
        LONGEST_GAP_INVITE
    } else {
        LONGEST_GAP
    };
    let round_trip = (view.call.round_trip(transaction.flow.src.ip())).unwrap_or_default();
    // No two are under way equally long.
    let crossing = (round_trip + round_trip / 4).clamp(CROSSING, CROSSING_AT_MOST);
    let mut previous: Option<Timestamp> = None;
    let mut found = Vec::new();
    for seen in transaction.requests.iter() {
        let gap = previous
            .replace(seen.time)
            .map(|before| seen.time.since(before));
        let by_timer = gap.is_some_and(|gap| (CROSSING..=longest).contains(&gap));
        if by_timer && seen.time.since(response.time()) >= crossing {
            found.push(seen);
        }
    }
    found
}

/// Whether the client did what it can only do with that response, or with one behind it, in hand.
pub(super) fn was_heard(view: &CallView<'_>, transaction: &Transaction, from: &Response) -> bool {
    let after = |moment: Timestamp| moment >= from.time();
    let acknowledged = transaction.acks.iter().any(|ack| {
        ack.to_tag.is_some()
            && ack.flow.src.ip() == transaction.flow.src.ip()
            && ack.sends.first().is_some_and(|seen| after(seen.time))
    });
    let answers_challenge = || {
        matches!(from.code, 401 | 407)
            && view
                .call
                .later_tries(transaction)
                .any(|other| !other.credentials.is_empty())
    };
    let in_dialog = || {
        transaction.method == Method::Invite
            && from.to_tag.is_some()
            && view.call.transactions.iter().any(|other| {
                other.to.tag == from.to_tag
                    && other.from.tag == transaction.from.tag
                    && after(other.start())
            })
    };
    acknowledged || answers_challenge() || in_dialog()
}

/// Whether a response, or those that followed it the same way, reached the client.
pub(super) fn arrived(
    view: &CallView<'_>,
    transaction: &Transaction,
    response: &Response,
) -> Arrived {
    if was_heard(view, transaction, response) {
        return Arrived::Yes;
    }
    let repeats = repeats_after_response(view, transaction);
    let insisted = transaction.method == Method::Invite
        && transaction
            .responses
            .iter()
            .any(|it| it.is_final() && it.sends.count() >= INSISTED);
    if !repeats.is_empty() || refused(transaction) || insisted {
        return Arrived::No;
    }
    let watched = transaction
        .requests
        .last()
        .map_or(Duration::ZERO, |last| view.watched_since(last.time));
    let next = match transaction.requests.count() {
        0 | 1 => NEXT_SEND,
        _ if transaction.method == Method::Invite => LONGEST_GAP_INVITE,
        _ => LONGEST_GAP,
    };
    // A client that repeats would have done so by now.
    let stopped = stops_repeats(transaction).is_some() && watched >= next;
    if stopped {
        Arrived::Yes
    } else {
        Arrived::Unknown
    }
}

/// Whether ICMP says that a response of the transaction could not be delivered.
fn refused(transaction: &Transaction) -> bool {
    transaction.icmp.iter().any(|note| {
        note.of_response
            && !matches!(
                note.kind,
                IcmpKind::TimeExceeded | IcmpKind::ReassemblyTimeExceeded | IcmpKind::PacketTooBig
            )
    })
}

/// Where the top Via of a request asks responses to be sent (RFC 3261 §18.2.2, RFC 3581 §4).
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The sent-by as written.
    pub(super) sent_by: String,
    /// Its address; `None` for a name.
    pub(super) address: Option<IpAddr>,
    /// Its port.
    pub(super) port: u16,
    /// Whether responses shall go to where the request came from.
    pub(super) rport: bool,
    /// Whether they shall go to a group or another host.
    pub(super) maddr: bool,
}

impl Asked {
    /// `None` for a request over another transport than UDP, for one that was not seen whole, and without a Via.
    pub(super) fn of(transaction: &Transaction) -> Option<Self> {
        let request = transaction.request()?;
        if transaction.flow.transport != Transport::Udp || transaction.cut {
            return None;
        }
        let value = request.top_via()?;
        let via = Via::of(&value)?;
        Some(Self {
            sent_by: String::from_utf8_lossy(via.sent_by).into_owned(),
            address: via.address().map(|it| it.to_canonical()),
            port: via.port().unwrap_or(SIP_PORT),
            rport: via.has_param(b"rport"),
            maddr: via.has_param(b"maddr"),
        })
    }
}

/// Whether another hop of the same request, captured as well, begins or ends at that address: a load balancer or a NAT
/// between two capture points shows both of its sides.
pub(super) fn is_end_of_other_hop(
    view: &CallView<'_>,
    transaction: &Transaction,
    end: SocketAddr,
) -> bool {
    view.call.transactions.iter().any(|other| {
        other.id != transaction.id
            && other.method == transaction.method
            && other.cseq == transaction.cseq
            && other.branch == transaction.branch
            && (other.flow.src == end || other.flow.dst == end)
    })
}
