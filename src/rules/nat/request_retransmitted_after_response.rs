//! `request-retransmitted-after-response`: a client repeats a request although its response was captured: it did not get the
//! response, or does not take it for one (RFC 3261 §17.1.1.2, §17.1.2.2).

use super::delivery::{repeats_after_response, stops_repeats, was_heard};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::{Sighting, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "request-retransmitted-after-response",
    code: "TXN010",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Vantage, Guard::Duplicate],
    judge: Judge::CallWith(Has::REPEAT, judge),
    words: include_str!("request_retransmitted_after_response.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(response) = stops_repeats(transaction) else {
            continue;
        };
        let repeats = repeats_after_response(view, transaction);
        let Some(first) = repeats.first() else {
            continue;
        };
        // One repeat is a lost packet or a long way, and the protocol repaired it.
        let repaired = repeats.len() < INSISTED
            && (was_heard(view, transaction, response) || repeats.len() < 2);
        found.push(
            Finding::of(&RULE, transaction)
                .severity(match () {
                    () if repaired => Severity::Info,
                    () if is_never_heard(view, transaction, &repeats) => Severity::Error,
                    () => Severity::Warning,
                })
                .confidence(view.confidence())
                .fact("method", transaction.method.name())
                .fact("src", transaction.flow.src.to_string())
                .fact("dst", transaction.flow.dst.to_string())
                .fact("code", response.code)
                .fact("answered_to", response.flow.dst.to_string())
                .fact("count", repeats.len())
                .fact("after", first.time.since(response.time())),
        );
    }
}

/// Whether the answer to an INVITE came again and again to a caller that never acknowledged it, and that went on with its
/// INVITE meanwhile: the call fails for that.
fn is_never_heard(view: &CallView<'_>, invite: &Transaction, repeats: &[Sighting]) -> bool {
    let insisted = invite
        .responses
        .iter()
        .find(|it| it.is_final() && it.sends.count() >= INSISTED);
    invite.method == Method::Invite
        && invite.acks.is_empty()
        && insisted.is_some_and(|answer| {
            let next = answer.time() + view.thresholds.t1;
            repeats.iter().any(|seen| seen.time > next)
        })
}

/// Repeats that no lost packet or two explain, even if the client heard a later response.
const INSISTED: usize = 3;
