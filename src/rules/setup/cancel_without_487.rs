//! `cancel-without-487`: a call was cancelled, and its INVITE never got a final response (RFC 3261 §9.1, §9.2).

use super::deepest_first;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::{Transaction, timers};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "cancel-without-487",
    code: "DLG007",
    severity: Severity::Warning,
    guards: &[Guard::End, Guard::OneWay, Guard::Loss, Guard::Hop],
    judge: Judge::CallWith(Has::CANCELLED, judge),
    words: include_str!("cancel_without_487.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    // The hop nearest to the callee: the others wait for it.
    for invite in deepest_first(view.call) {
        let Some(cancel) = invite.cancelled else {
            continue;
        };
        let waited = view.watched_since(cancel.time);
        let answered =
            invite.final_response().is_some() || invite.answer_implied || !invite.acks.is_empty();
        if answered
            || waited < timers::timeout(invite, view.thresholds.t1)
            || invite.requests.count() == 0
            || invite.responses.is_empty()
            || view.is_one_directional(invite)
        {
            continue;
        }
        if let Some(finding) = found.first_mut() {
            *finding = finding.clone().also(invite);
            continue;
        }
        let cancelled = cancel_of(view, invite);
        let code = cancelled.and_then(Transaction::final_code);
        let mut finding = Finding::of(&RULE, invite)
            .confidence(view.confidence())
            .fact("dst", invite.flow.dst.to_string())
            .fact("waited", waited)
            .fact(
                "cancel_answer",
                code.map_or_else(|| "-".to_owned(), |code| code.to_string()),
            );
        if let Some(cancel) = cancelled {
            finding = finding.also(cancel);
        }
        found.push(finding);
    }
}

/// The CANCEL of an INVITE on its hop.
fn cancel_of<'a>(view: &CallView<'a>, invite: &Transaction) -> Option<&'a Transaction> {
    view.call
        .of(&Method::Cancel)
        .find(|cancel| cancel.flow == invite.flow && cancel.branch == invite.branch)
}
