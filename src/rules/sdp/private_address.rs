//! `sdp-private-address`: a side wants its media at an address that the other side can hardly reach (RFC 4787, RFC 8445).

use super::{finding_of_offer, tell};
use crate::address::{self, Reach};
use crate::dialog::negotiation::Description;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::sdp::{Direction, Media};
use crate::sip::value::{NameAddr, Via, user_and_host};
use crate::sip::{HeaderName, Message};
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "sdp-private-address",
    code: "SDP006",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Snap],
    judge: Judge::Call(judge),
    words: include_str!("private_address.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for exchange in view
        .negotiation
        .exchanges()
        .iter()
        .filter(|it| it.is_initial())
    {
        let Some(answer) = exchange.answer() else {
            continue;
        };
        if is_nowhere(view, answer, &exchange.offer) {
            let finding = finding_of_offer(view, &RULE, exchange)
                .confidence(if view.lossy {
                    Confidence::Likely
                } else {
                    Confidence::Certain
                })
                .variant(Some("unspecified"))
                .fact("reach", Reach::Unspecified.name())
                .fact("side", answer.flow.src.to_string())
                .fact("dst", answer.flow.dst.to_string());
            tell(found, finding, exchange.transaction, &["reach"]);
        }
        for (side, other) in [(&*exchange.offer, answer), (answer, &*exchange.offer)] {
            let Some(doubt) =
                doubt(view, side, other).filter(|it| !is_changed(view, side, it.address))
            else {
                continue;
            };
            let finding = finding_of_offer(view, &RULE, exchange)
                .severity(doubt.severity)
                .confidence(if view.lossy {
                    Confidence::Possible
                } else {
                    doubt.confidence
                })
                .variant(doubt.variant)
                .fact("address", doubt.address.to_string())
                .fact("reach", doubt.reach.name())
                .fact("side", side.flow.src.to_string())
                .fact("dst", side.flow.dst.to_string());
            tell(found, finding, exchange.transaction, &["address"]);
        }
    }
}

/// Whether an answer wants media and says nowhere where to, at 0.0.0.0 or ::, although the offer said where and no message of the
/// same side names an address.
fn is_nowhere(view: &CallView<'_>, answer: &Description<'_>, offer: &Description<'_>) -> bool {
    let wants = |it: &&Media<'_>| {
        let written = answer.sdp.written_direction_of(it).unwrap_or_default();
        let heard = matches!(written, Direction::SendRecv | Direction::RecvOnly);
        it.port != 0 && heard && !answer.sdp.uses_ice(it)
    };
    let mut wanted = answer.sdp.media.iter().filter(wants).peekable();
    let is_unspecified = |it: &Media<'_>| {
        let address = answer.sdp.connection_of(it).and_then(|it| it.ip());
        address.is_some_and(|it| it.is_unspecified())
    };
    let mut own = (view.negotiation.descriptions()).filter(|it| it.writer == answer.writer);
    wanted.peek().is_some()
        && wanted.all(is_unspecified)
        && addresses(offer).next().is_some()
        && !own.any(|it| addresses(it).next().is_some())
}

struct Doubt {
    address: IpAddr,
    reach: Reach,
    severity: Severity,
    confidence: Confidence,
    variant: Option<&'static str>,
}

/// Whether and why the receiver of a description can hardly send to the address in it.
fn doubt(view: &CallView<'_>, side: &Description<'_>, other: &Description<'_>) -> Option<Doubt> {
    // Whether a line has ICE is asked only where that matters.
    let may_be = |it: &Media<'_>| {
        let address = side.sdp.connection_of(it).and_then(|it| it.ip());
        address.is_some_and(|it| !Reach::of(it).is_public())
    };
    if !side.sdp.media.iter().any(may_be) {
        return None;
    }
    let (src, dst) = (side.flow.src.ip(), side.flow.dst.ip());
    let address = addresses(side).find(|it| !Reach::of(*it).is_public())?;
    let reach = Reach::of(address);
    let (from, to) = (Reach::of(src), Reach::of(dst));
    let doubt = |severity, confidence, variant| {
        Some(Doubt {
            address,
            reach,
            severity,
            confidence,
            variant,
        })
    };
    match reach {
        Reach::Loopback if src == dst || from == Reach::Loopback => None,
        Reach::Loopback => doubt(Severity::Warning, Confidence::Certain, Some("loopback")),
        Reach::LinkLocal if from == reach || to == reach => None,
        Reach::LinkLocal => doubt(Severity::Warning, Confidence::Likely, None),
        // What two families have to do with each other nobody can tell.
        _ if address.is_ipv4() != src.is_ipv4() => None,
        _ => {
            let across = from.is_public() || to.is_public();
            if !across
                && (address == src
                    // All of one network: nothing stands between them.
                    || (is_near(address, src) && is_near(address, dst))
                    || is_relayed(view, side)
                    || !calls_itself(side.message, address))
            {
                return None;
            }
            // Who wants media where it has its signalling may send to where media come from (RFC 4961), as session border
            // controllers do.
            let mut theirs = addresses(other).peekable();
            theirs.peek()?;
            let latches = theirs.any(|it| is_near(it, dst));
            let both = addresses(other).any(|it| !Reach::of(it).is_public());
            match (latches, both && across) {
                (true, _) => doubt(Severity::Info, Confidence::Possible, None),
                (false, true) => doubt(Severity::Warning, Confidence::Likely, None),
                (false, false) => doubt(Severity::Warning, Confidence::Possible, None),
            }
        }
    }
}

/// The addresses at which media are wanted, but for those that ICE is to find, and for held ones.
fn addresses<'s>(side: &'s Description<'_>) -> impl Iterator<Item = IpAddr> + 's {
    let sdp = &side.sdp;
    let wanted = |it: &&Media<'_>| it.port != 0 && !sdp.uses_ice(it);
    sdp.media
        .iter()
        .filter(wanted)
        .filter_map(|it| sdp.connection_of(it)?.ip())
        .filter(|it| !it.is_unspecified() && !it.is_multicast())
}

/// Whether the same side's media are wanted elsewhere on another hop: somebody on the way stands in for it.
fn is_changed(view: &CallView<'_>, side: &Description<'_>, address: IpAddr) -> bool {
    view.negotiation.descriptions().any(|hop| {
        hop.writer == side.writer
            && hop.transaction.method == side.transaction.method
            && hop.transaction.cseq == side.transaction.cseq
            && hop.message.status() == side.message.status()
            && !hop.is_on_hop_of(side)
            && addresses(hop).next().is_some()
            && !addresses(hop).any(|it| it == address)
    })
}

/// Whether the sender of a response has it from a hop behind it: a proxy that adds no Record-Route, which it is free to do
/// (RFC 3261 §16.6 step 4). Where that hop was not captured, an ACK that goes past the sender of the 2xx shows it.
fn is_relayed(view: &CallView<'_>, side: &Description<'_>) -> bool {
    let Some(code) = side.message.status() else {
        return false;
    };
    let hop = side.transaction;
    let src = side.flow.src.ip();
    let behind = view.call.attempt(hop).any(|other| {
        other.cseq == hop.cseq
            && other.via_count > hop.via_count
            && other.flow.src.ip() == src
            && (other.responses.iter())
                .any(|it| it.code == code && it.to_tag.as_deref() == Some(side.writer))
    });
    // One that is not lost there, and the 2xx would be repeated then.
    let effective = || {
        (hop.responses.iter())
            .filter(|it| it.is_success() && it.to_tag.as_deref() == Some(side.writer))
            .all(|it| it.sends.repeats() < 2)
    };
    let past = || {
        effective()
            && hop.acks.iter().any(|ack| {
                ack.flow.src.ip() == hop.flow.src.ip()
                    && ack.flow.dst.ip() != src
                    && ack.to_tag.as_deref() == Some(side.writer)
            })
    };
    behind || past()
}

/// Whether the sender of a message gives this address for its own signalling as well, although its packets come from
/// another one: then there is a NAT between.
fn calls_itself(message: &Message, address: IpAddr) -> bool {
    let of_contact = message.header(HeaderName::Contact).and_then(|value| {
        let (_, host) = user_and_host(NameAddr::of(&value).uri);
        address::literal_with_port(host)
    });
    let of_via = message.top_via().and_then(|value| {
        let sent_by = Via::of(&value)?.sent_by;
        address::literal_with_port(sent_by)
    });
    // The Via of a response is that of the other side, and with more than one a proxy stands between.
    let own = match message.status() {
        Some(_) => of_contact.filter(|_| message.header(HeaderName::RecordRoute).is_none()),
        None => of_via.or(of_contact).filter(|_| message.via_count() == 1),
    };
    own.is_some_and(|(ip, _)| ip == address)
}

/// Whether two addresses are of one site: media servers stand beside the signalling.
fn is_near(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.octets().get(..3) == other.octets().get(..3),
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            one.segments().get(..4) == other.segments().get(..4)
        }
        _ => false,
    }
}
