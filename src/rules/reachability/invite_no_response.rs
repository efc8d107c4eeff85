//! `invite-no-response`: an INVITE without any response, not even 100 (RFC 3261 §17.1.1.2, Timer B).

use super::unanswered;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "invite-no-response",
    code: "TXN001",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Tcp,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::SILENCE, judge),
    words: include_str!("invite_no_response.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in view.call.of(&Method::Invite) {
        found.extend(unanswered(view, &RULE, transaction));
    }
}
