//! `bye-481`: the peer does not know the dialog that is to be ended (RFC 3261 §15.1.2).

use super::{StrangeTag, crosses_bye, finding_of_refusal, is_echo, is_same_dialog, refusal};
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "bye-481",
    code: "DLG036",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::CallWith(Has::BYE.and(Has::REFUSAL), judge),
    words: include_str!("bye_481.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for bye in view.call.of(&Method::Bye) {
        let Some(response) = refusal(bye).filter(|it| it.code == 481) else {
            continue;
        };
        if is_echo(view.call, bye) {
            continue;
        }
        // RFC 5407 §3.1: two BYEs that cross, or a BYE to a dialog that a BYE has ended, are no fault.
        let crossed = crosses_bye(view.call, bye, response);
        let variant = if is_repeated(view.call, bye) {
            "hung-up-twice"
        } else {
            "after-other-bye"
        };
        let finding = finding_of_refusal(view.call, &RULE, bye, response);
        found.push(if crossed {
            finding.severity(Severity::Info).variant(Some(variant))
        } else {
            match StrangeTag::of(view.call, bye) {
                Some(tag) => tag.told(finding),
                None => finding,
            }
        });
    }
}

/// Whether the dialog was ended by the same side alone, with a BYE before this one.
fn is_repeated(call: &Call, bye: &Transaction) -> bool {
    let mut others = call
        .of(&Method::Bye)
        .filter(|other| is_same_dialog(other, bye) && other.cseq != bye.cseq)
        .peekable();
    others.peek().is_some()
        && others.all(|other| other.from.tag == bye.from.tag && other.cseq < bye.cseq)
        && !call
            .of(&Method::Bye)
            .any(|other| is_same_dialog(other, bye) && other.from.tag != bye.from.tag)
}
