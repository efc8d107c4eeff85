//! What offers and answers say of the media: whether both sides agree, and on what they can agree.

pub(super) mod answer_invalid;
pub(super) mod codec_mismatch;
pub(super) mod dtmf_not_negotiated;
pub(super) mod media_family_mismatch;
pub(super) mod media_port_unreachable;
pub(super) mod offer_answer_missing;
pub(super) mod private_address;
mod refusal;
pub(super) mod srtp_profile_mismatch;
pub(super) mod t38_reinvite_rejected;
pub(super) mod version_not_incremented;

use super::{CallView, Finding, Rule};
use crate::dialog::negotiation::Exchange;
use crate::sip::sdp::{Media, Sdp};
use crate::transaction::{Response, Transaction};

/// Whether a finding of this family tells of a refusal, so that `status` need not.
pub(super) fn tells(view: &CallView<'_>, request: &Transaction, response: &Response) -> bool {
    let mut own = view
        .negotiation
        .exchanges()
        .iter()
        .filter(|it| it.transaction.id == request.id);
    dtmf_not_negotiated::tells(view, request)
        || own.any(|exchange| {
            refusal::of(exchange).is_some_and(|it| it.response.code == response.code)
                || t38_reinvite_rejected::refusal(exchange)
                    .is_some_and(|it| it.code == Some(response.code))
        })
}

/// Encodings written in one finding: nobody reads more.
const SHOWN: usize = 12;

/// The encodings of the media that are wanted, as people write them: `PCMU, opus/48000`; other formats as they stand.
fn formats(sdp: &Sdp<'_>) -> String {
    let mut names: Vec<String> = Vec::new();
    for medium in sdp.media.iter().filter(|it| it.port != 0) {
        let codecs = medium.codecs();
        if codecs.is_empty() {
            names.extend(medium.formats.iter().map(|it| (*it).to_owned()));
        }
        for codec in codecs.iter().filter(|it| it.is_medium()) {
            names.push(match (codec.name, codec.clock) {
                ("", _) => codec.payload_type.to_string(),
                (name, 0 | 8000 | 90000) => name.to_owned(),
                (name, clock) => format!("{name}/{clock}"),
            });
        }
        if names.len() > SHOWN {
            names.truncate(SHOWN);
            names.push("…".to_owned());
            break;
        }
    }
    let names: Vec<String> = names.iter().map(|name| clip(name)).collect();
    names.join(", ")
}

/// Characters of a word of a description that are shown.
const MAX_WORD: usize = 48;

fn clip(word: &str) -> String {
    word.chars().take(MAX_WORD).collect()
}

/// The offered and the answered media that stand at the same place.
fn pairs<'s, 'a>(
    offer: &'s Sdp<'a>,
    answer: &'s Sdp<'a>,
) -> impl Iterator<Item = (&'s Media<'a>, &'s Media<'a>)> {
    offer.media.iter().zip(&answer.media)
}

/// A finding about an offer and its answer. The same on another hop, or in another fork, is added to the one that is
/// there: it is the same where `same` facts are.
fn tell(found: &mut Vec<Finding>, finding: Finding, about: &Transaction, same: &[&str]) {
    let known = found.iter_mut().find(|other| {
        other.rule.name == finding.rule.name
            && other.variant == finding.variant
            && same.iter().all(|name| other.get(name) == finding.get(name))
    });
    match known {
        Some(other) => {
            let mut both = other.clone().also(about);
            both.severity = other.severity.max(finding.severity);
            both.came_right &= finding.came_right;
            *other = both;
        }
        None => found.push(finding),
    }
}

/// A finding about an offer and what became of it: who made both, and not who passes them on.
fn finding_of(view: &CallView<'_>, rule: &'static Rule, exchange: &Exchange<'_>) -> Finding {
    let answerer = view.negotiation.answerer(exchange);
    finding_of_offer(view, rule, exchange).fact_if("dst", answerer.map(|it| it.to_string()))
}

/// A finding about an offer.
fn finding_of_offer(view: &CallView<'_>, rule: &'static Rule, exchange: &Exchange<'_>) -> Finding {
    Finding::of(rule, exchange.transaction)
        .fact("method", method(exchange.transaction))
        .fact("offered", formats(&exchange.offer.sdp))
        .fact("src", view.negotiation.offerer(exchange).to_string())
}

/// As people say it.
fn method(transaction: &Transaction) -> &str {
    if transaction.method == crate::sip::Method::Invite && transaction.in_dialog() {
        "re-INVITE"
    } else {
        transaction.method.name()
    }
}

/// Later offers that are looked at, so that a flood of changes costs no more than itself.
const LOOKED_AT: usize = 4;

/// Whether a later offer on the same hop and in the same dialog was answered with what `is_good` asks for.
fn came_right(
    view: &CallView<'_>,
    exchange: &Exchange<'_>,
    is_good: impl Fn(&Exchange<'_>) -> bool,
) -> bool {
    let all = view.negotiation.exchanges().iter();
    all.filter(|later| later.offer.seen.frame > exchange.offer.seen.frame)
        .filter(|later| later.is_in_dialog_of(exchange))
        .take(LOOKED_AT)
        .any(is_good)
}
