//! `offer-answer-missing`: the message that had to bring the answer has none (RFC 3261 §13.2.1, RFC 6337 §2).

use super::{finding_of, tell};
use crate::dialog::negotiation::{Exchange, Outcome};
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::HeaderName;
use crate::sip::value;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "offer-answer-missing",
    code: "SDP003",
    severity: Severity::Error,
    guards: &[Guard::Loss, Guard::Snap, Guard::Outcome],
    judge: Judge::Call(judge),
    words: include_str!("offer_answer_missing.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for exchange in view.negotiation.exchanges() {
        let (variant, severity) = match &exchange.outcome {
            Outcome::Missing { .. } if exchange.is_late() => (Some("late-offer"), Severity::Error),
            Outcome::Missing { .. } => (None, Severity::Error),
            // Most callers take what was announced for the answer (RFC 3261 §13.2.1), and the call works.
            Outcome::Announced {
                then_missing: true, ..
            } => (Some("announced"), Severity::Warning),
            _ => continue,
        };
        let confidence = if view.lossy {
            Confidence::Possible
        } else if knows_prack(exchange) {
            Confidence::Likely
        } else {
            Confidence::Certain
        };
        let finding = finding_of(view, &RULE, exchange)
            .variant(variant)
            .severity(severity)
            .confidence(confidence)
            .note_if(super::came_right(view, exchange, |later| {
                later.answer().is_some()
            }));
        tell(found, finding, exchange.transaction, &["method"]);
    }
}

/// Whether a reliable provisional response may have brought the answer, and its PRACK, without being captured.
fn knows_prack(exchange: &Exchange<'_>) -> bool {
    let request = exchange.transaction.request();
    request.is_none_or(|request| {
        [HeaderName::Supported, HeaderName::Require]
            .into_iter()
            .flat_map(|name| request.headers(name))
            .any(|it| value::list(&it).any(|tag| tag.eq_ignore_ascii_case(b"100rel")))
    })
}
