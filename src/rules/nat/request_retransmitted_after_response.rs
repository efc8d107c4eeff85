//! `request-retransmitted-after-response`: a client repeats a request although its response was captured: it did not get the
//! response, or does not take it for one (RFC 3261 §17.1.1.2, §17.1.2.2).

use super::delivery::{repeats_after_response, stops_repeats, was_heard};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;

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
        let repeats = repeats_after_response(transaction);
        let Some(first) = repeats.first() else {
            continue;
        };
        // One repeat is a lost packet or a long way, and the protocol repaired it.
        let repaired = repeats.len() < INSISTED
            && (was_heard(view, transaction, response) || repeats.len() < 2);
        found.push(
            Finding::of(&RULE, transaction)
                .severity(if repaired {
                    Severity::Info
                } else {
                    Severity::Warning
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

/// Repeats that no lost packet or two explain, even if the client heard a later response.
const INSISTED: usize = 3;
