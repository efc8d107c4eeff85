//! `short-call`: hung up within seconds of the answer. Often meant so; with a complaint, a hint at the media.

use super::{bye_right_after_answer, may_hang_up_within};
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "short-call",
    code: "DLG038",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::CallWith(Has::BYE.and(Has::ANSWER), judge),
    words: include_str!("short_call.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    if !may_hang_up_within(view.call, view.thresholds.short_call) {
        return;
    }
    for dialog in view.call.dialogs() {
        let (Some(invite), Some(bye)) = (dialog.invites.first(), dialog.bye()) else {
            continue;
        };
        let Some(talk) = dialog.talk_after_ack() else {
            continue;
        };
        let by_program = bye_right_after_answer::is_so(&dialog, view.thresholds);
        if talk >= view.thresholds.short_call || by_program {
            continue;
        }
        let finding = Finding::of(&RULE, bye)
            .fact("talk", talk)
            .fact("src", bye.flow.src.to_string())
            .fact("by_caller", u64::from(dialog.is_by_caller(bye)))
            .also(invite);
        found.push(finding);
    }
}
