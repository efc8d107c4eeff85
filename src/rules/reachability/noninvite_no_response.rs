//! `noninvite-no-response`: another request without a final response (RFC 3261 §17.1.2.2, Timer F).

use super::unanswered;
use crate::rules::session::asks_after_call;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "noninvite-no-response",
    code: "TXN004",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Tcp,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::SILENCE, judge),
    words: include_str!("noninvite_no_response.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in view
        .call
        .transactions
        .iter()
        .filter(|it| !has_own_rule(&it.method) || asks_after_call(view.call, it))
    {
        found.extend(unanswered(view, &RULE, transaction));
    }
}

/// Methods whose silence is another finding, or none.
const fn has_own_rule(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite
            | Method::Ack
            | Method::Bye
            | Method::Cancel
            | Method::Options
            | Method::Register
    )
}
