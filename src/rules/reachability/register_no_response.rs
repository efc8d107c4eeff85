//! `register-no-response`: a REGISTER without a final response (RFC 3261 §17.1.2.2, Timer F).

use super::unanswered;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "register-no-response",
    code: "TXN002",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Tcp,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::REGISTER.and(Has::SILENCE), judge),
    words: include_str!("register_no_response.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in view.call.of(&Method::Register) {
        found.extend(unanswered(view, &RULE, transaction));
    }
}
