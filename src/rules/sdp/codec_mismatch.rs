//! `codec-mismatch`: the two sides have no codec in common, or an offer was refused and nothing else is known to be the
//! reason (RFC 3264 §6, RFC 3261 §21.4.26).

use super::refusal::{self, Reason, in_common};
use super::{clip, finding_of, pairs, tell};
use crate::dialog::negotiation::Exchange;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::sdp::{Codec, Media};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "codec-mismatch",
    code: "SDP001",
    severity: Severity::Error,
    guards: &[Guard::Loss, Guard::Snap, Guard::Outcome],
    judge: Judge::Call(judge),
    words: include_str!("codec_mismatch.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for refused in refusal::all(view).filter(|it| it.reason == Reason::Codecs) {
        let unsaid = refused.confidence != Confidence::Certain;
        let variant = if refused.response.code == 415 {
            "type-accepted"
        } else {
            "unsaid"
        };
        let finding = refusal::finding(view, &RULE, &refused).variant(unsaid.then_some(variant));
        tell(
            found,
            finding,
            refused.exchange.transaction,
            &["code", "dst"],
        );
    }
    for exchange in view.negotiation.exchanges() {
        let Some((variant, answered)) = fault(exchange) else {
            continue;
        };
        let finding = finding_of(view, &RULE, exchange)
            .variant(Some(variant))
            .confidence(view.confidence())
            .fact("answered", answered)
            .note_if(super::came_right(view, exchange, has_speech));
        tell(
            found,
            finding,
            exchange.transaction,
            &["offered", "answered"],
        );
    }
}

/// What is wrong with an answered offer, and what the answer says.
fn fault(exchange: &Exchange<'_>) -> Option<(&'static str, String)> {
    let offer = &exchange.offer.sdp;
    let answer = &exchange.answer()?.sdp;
    if offer.damaged || answer.damaged || offer.media.len() != answer.media.len() {
        return None;
    }
    let taken = |kind: &str| answer.wanted(kind).next().is_some();
    let offered = || offer.wanted("audio").any(Media::is_rtp);
    let refused = pairs(offer, answer)
        .filter(|(one, _)| one.is("audio") && one.port != 0)
        .all(|(_, other)| other.port == 0);
    // Fax, text and messages are calls of their own kind (RFC 3362, RFC 4103, RFC 4975).
    let other_call = || taken("image") || taken("text") || taken("message");
    if refused
        && exchange.is_initial()
        && offered()
        && !other_call()
        && !refusal::asks_for_encryption(offer)
    {
        return Some(("refused-audio", "m=audio 0".to_owned()));
    }
    // A line for the digits alone goes along with another one.
    let takes_speech = || answer.wanted("audio").any(has_medium);
    let disjoint = pairs(offer, answer).find(|(one, other)| {
        one.is("audio")
            && other.is("audio")
            && one.port != 0
            && other.port != 0
            && !share_plainly(one, other)
            && has_medium(one)
            && names_all(one)
            && names_all(other)
            && !in_common(one, other)
            && (has_medium(other) || !takes_speech())
    });
    let (_, other) = disjoint?;
    let codecs = other.codecs();
    let speaks = has_medium(other);
    // Digits and comfort noise are no speech: an answer of these alone leaves none (RFC 4733 §2.1, RFC 3389 §4).
    let shown = |it: &&Codec<'_>| it.is_medium() || !speaks;
    let names: Vec<_> = codecs
        .iter()
        .filter(shown)
        .map(|it| clip(it.name))
        .collect();
    Some(("disjoint", names.join(", ")))
}

/// Whether both have a payload type of speech that RFC 3551 fixes, and do not say that it is something else: what nearly all
/// offers and answers have, and cheaper to see than all encodings.
fn share_plainly(one: &Media<'_>, other: &Media<'_>) -> bool {
    let is_renamed = |medium: &Media<'_>, format: &str| {
        let mut maps = medium.attributes.iter().filter(|(it, _)| *it == "rtpmap");
        maps.any(|(_, map)| {
            let mut words = map.split_ascii_whitespace();
            let number = words.next().and_then(|it| it.parse::<usize>().ok());
            let name = words.next().unwrap_or_default();
            let is_meant = number == format.parse().ok();
            is_meant && !PLAIN.iter().any(|(_, names)| name.starts_with(names))
        })
    };
    one.formats.iter().any(|format| {
        PLAIN.iter().any(|(plain, _)| plain == format)
            && other.formats.contains(format)
            && !is_renamed(one, format)
    })
}

/// Payload types that RFC 3551 §6 fixes, with how their rtpmap begins.
const PLAIN: [(&str, &str); 4] = [
    ("0", "PCMU/"),
    ("8", "PCMA/"),
    ("9", "G722/"),
    ("18", "G729/"),
];

/// Whether it has speech, and not only digits or comfort noise.
fn has_medium(medium: &Media<'_>) -> bool {
    medium.codecs().iter().any(Codec::is_medium)
}

/// Whether it is RTP of which every encoding has a name: what has none cannot be compared.
fn names_all(medium: &Media<'_>) -> bool {
    let codecs = medium.codecs();
    !codecs.is_empty() && codecs.iter().all(|it| !it.name.is_empty())
}

fn has_speech(exchange: &Exchange<'_>) -> bool {
    exchange
        .answer()
        .is_some_and(|it| it.sdp.wanted("audio").next().is_some())
        && fault(exchange).is_none()
}
