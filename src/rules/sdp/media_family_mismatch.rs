//! `media-family-mismatch`: one side wants its media at an IPv4 address, the other at an IPv6 one (RFC 6157, RFC 6947).

use super::refusal::{self, Reason};
use super::{clip, finding_of, pairs, tell};
use crate::dialog::negotiation::Exchange;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;
use crate::sip::sdp::{Connection, Media, Sdp};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "media-family-mismatch",
    code: "SDP007",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Snap, Guard::Outcome],
    judge: Judge::Call(judge),
    words: include_str!("media_family_mismatch.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for refused in refusal::all(view).filter(|it| it.reason == Reason::Addresses) {
        let offer = &refused.exchange.offer.sdp;
        let mut addresses = offer.media.iter().filter_map(|it| offer.connection_of(it));
        let finding = refusal::finding(view, &RULE, &refused);
        let severity = if finding.came_right {
            Severity::Info
        } else {
            Severity::Error
        };
        let finding = finding.severity(severity).variant(Some("refused")).fact(
            "address",
            clip(addresses.next().map_or("", |it| it.address)),
        );
        tell(
            found,
            finding,
            refused.exchange.transaction,
            &["code", "dst"],
        );
    }
    for exchange in view.negotiation.exchanges() {
        let Some((wanted, answered)) = fault(exchange) else {
            continue;
        };
        let finding = finding_of(view, &RULE, exchange)
            .confidence(view.confidence())
            .fact("address", wanted)
            .fact("answered", answered)
            .note_if(super::came_right(view, exchange, |later| {
                later.answer().is_some() && fault(later).is_none()
            }));
        tell(
            found,
            finding,
            exchange.transaction,
            &["address", "answered"],
        );
    }
}

fn fault(exchange: &Exchange<'_>) -> Option<(String, String)> {
    let (offer, answer) = (&exchange.offer.sdp, &exchange.answer()?.sdp);
    if offer.damaged || answer.damaged || chooses(offer) || chooses(answer) {
        return None;
    }
    pairs(offer, answer)
        .filter(|(one, other)| one.port != 0 && other.port != 0)
        .filter(|(one, other)| !has_others(offer, one) && !has_others(answer, other))
        .find_map(|(one, other)| {
            let (one, other) = (offer.connection_of(one)?, answer.connection_of(other)?);
            let differ = is_v6(one)? != is_v6(other)?;
            // A held medium is wanted nowhere.
            let held = || one.is_unspecified() || other.is_unspecified();
            (differ && !held()).then(|| (clip(one.address), clip(other.address)))
        })
}

/// Whether one of several lines is to be chosen by its family (RFC 4091).
fn chooses(sdp: &Sdp<'_>) -> bool {
    let mut groups = sdp.attributes.iter().filter(|(name, _)| *name == "group");
    groups.any(|(_, value)| value.starts_with("ANAT"))
}

/// Whether the line has more addresses than its `c=`: by ICE, or by ALTC (RFC 6947).
fn has_others(sdp: &Sdp<'_>, medium: &Media<'_>) -> bool {
    sdp.uses_ice(medium) || medium.attribute("altc").is_some()
}

/// By the address itself, and for a name by what the line says; `None` when neither tells.
fn is_v6(connection: Connection<'_>) -> Option<bool> {
    match connection.ip() {
        Some(ip) => Some(ip.is_ipv6()),
        None if connection.family.eq_ignore_ascii_case("IP6") => Some(true),
        None if connection.family.eq_ignore_ascii_case("IP4") => Some(false),
        None => None,
    }
}
