//! `reason-sip`: a CANCEL, a BYE or a response says with a status code why a call ended (RFC 3326 §2).

use super::{Reason, reasons, said};
use crate::rules::{CallView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "reason-sip",
    code: "DLG044",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::Call(judge),
    words: include_str!("reason_sip.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for said in said(view.call) {
        let not_selected = reasons(said.message, "q.850")
            .into_iter()
            .filter(|reason| reason.cause == 26);
        for reason in reasons(said.message, "sip").into_iter().chain(not_selected) {
            let known = found
                .iter_mut()
                .find(|it| it.get("cause") == Some(&reason.cause.into()));
            match known {
                Some(finding) => *finding = finding.clone().also(said.transaction),
                None => found.push(
                    Finding::of(&RULE, said.transaction)
                        .fact("cause", reason.cause)
                        .fact("src", said.src())
                        .fact("place", said.place())
                        .variant(is_elsewhere(&reason).then_some("elsewhere"))
                        .fact("text", reason.text),
                ),
            }
        }
    }
}

/// Whether it says that another device took the call: this one missed nothing.
fn is_elsewhere(reason: &Reason) -> bool {
    match reason.protocol.as_str() {
        "sip" => reason.cause == 200,
        _ => reason.cause == 26,
    }
}
