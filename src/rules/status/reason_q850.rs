//! `reason-q850`: a network or an exchange says with a cause of ITU-T Q.850 why a call ended (RFC 3326, RFC 6432).

use super::{cause, reasons, said, tell};
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "reason-q850",
    code: "DLG043",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::CallWith(Has::REASON, judge),
    words: include_str!("reason_q850.toml"),
};

/// Normal call clearing: what a BYE says anyway.
const NORMAL: u64 = 16;
/// Non-selected user clearing: another branch of a fork was answered.
const NOT_SELECTED: u64 = 26;

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for said in said(view.call) {
        let hangs_up = said.transaction.method == Method::Bye;
        for reason in reasons(said.message, "q.850") {
            if (hangs_up && reason.cause == NORMAL) || reason.cause == NOT_SELECTED {
                continue;
            }
            let finding = Finding::of(&RULE, said.transaction)
                .severity(if hangs_up && cause::ends_calls(reason.cause) {
                    Severity::Warning
                } else {
                    Severity::Info
                })
                .fact("cause", reason.cause)
                .fact("text", reason.text)
                .fact("src", said.src())
                .fact("place", said.place());
            tell(found, finding, said.transaction);
        }
    }
}
