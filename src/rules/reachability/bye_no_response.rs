//! `bye-no-response`: a BYE without a final response (RFC 3261 §15.1.1).

use super::unanswered;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "bye-no-response",
    code: "TXN005",
    severity: Severity::Warning,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Tcp,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::BYE.and(Has::SILENCE), judge),
    words: include_str!("bye_no_response.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in view.call.of(&Method::Bye) {
        found.extend(unanswered(view, &RULE, transaction));
    }
}
