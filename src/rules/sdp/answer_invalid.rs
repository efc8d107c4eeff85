//! `answer-invalid`: an answer does not fit its offer in number, order or direction of the media (RFC 3264 §6, §6.1).

use super::{clip, finding_of, pairs, tell};
use crate::dialog::negotiation::Exchange;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::sdp::Sdp;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "answer-invalid",
    code: "SDP004",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Snap],
    judge: Judge::Call(judge),
    words: include_str!("answer_invalid.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for exchange in view.negotiation.exchanges() {
        let Some(fault) = fault(exchange) else {
            continue;
        };
        let finding = finding_of(view, &RULE, exchange)
            .variant(fault.variant)
            .severity(fault.severity)
            .confidence(if view.lossy {
                Confidence::Possible
            } else {
                Confidence::Certain
            })
            .fact("wanted", fault.wanted)
            .fact("answered", fault.answered);
        tell(
            found,
            finding,
            exchange.transaction,
            &["wanted", "answered"],
        );
    }
}

struct Fault {
    variant: Option<&'static str>,
    severity: Severity,
    wanted: String,
    answered: String,
}

fn fault(exchange: &Exchange<'_>) -> Option<Fault> {
    let offer = &exchange.offer.sdp;
    let answer = &exchange.answer()?.sdp;
    if offer.damaged || answer.damaged {
        return None;
    }
    let told = |variant, severity, wanted: String, answered: String| {
        Some(Fault {
            variant,
            severity,
            wanted,
            answered,
        })
    };
    if offer.media.len() != answer.media.len() {
        let (wanted, answered) = (lines(offer), lines(answer));
        return told(None, Severity::Warning, wanted, answered);
    }
    if pairs(offer, answer).any(|(one, other)| !one.is(other.kind)) {
        let (wanted, answered) = (lines(offer), lines(answer));
        return told(Some("order"), Severity::Warning, wanted, answered);
    }
    for (one, other) in pairs(offer, answer).filter(|(one, other)| one.port != 0 && other.port != 0)
    {
        let Some(wanted) = offer.written_direction_of(one) else {
            continue;
        };
        let written = answer.written_direction_of(other);
        let direction = written.unwrap_or_default();
        if !direction.may_answer(wanted) {
            // Who says nothing often does the right thing nevertheless.
            let severity = match written {
                Some(_) => Severity::Warning,
                None => Severity::Info,
            };
            let names = (wanted.name().to_owned(), direction.name().to_owned());
            return told(Some("direction"), severity, names.0, names.1);
        }
    }
    None
}

/// Lines written in one finding.
const SHOWN: usize = 8;

/// The kinds of media in order: `audio, video`.
fn lines(sdp: &Sdp<'_>) -> String {
    let mut kinds: Vec<_> = sdp
        .media
        .iter()
        .take(SHOWN)
        .map(|it| clip(it.kind))
        .collect();
    match sdp.media.len() {
        0 => kinds.push("–".to_owned()),
        count if count > SHOWN => kinds.push("…".to_owned()),
        _ => {}
    }
    kinds.join(", ")
}
