//! `reason-sip`: a CANCEL, a BYE or a response says with a status code why a call ended (RFC 3326 §2).

use super::{Reason, Said, reasons, said, tell};
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "reason-sip",
    code: "DLG044",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::CallWith(Has::REASON, judge),
    words: include_str!("reason_sip.toml"),
};

/// Q.850 26: the call was given to another device.
const NOT_SELECTED: u64 = 26;

/// FreeSWITCH, for causes that Q.850 does not have.
const PROGRAM: &str = "freeswitch";
/// What it writes when a timer of its own ended the call; its other causes are ways in which calls go on or end.
const TIMED_OUT: &[&str] = &["ALLOTTED_TIMEOUT", "MEDIA_TIMEOUT"];

/// What a BYE says that nobody hung up for is a fault: somebody waited in vain, or could not go on.
fn severity(reason: &Reason, said: &Said<'_>) -> Severity {
    let cut = match reason.protocol.as_str() {
        "sip" => matches!(reason.cause, 408 | 500..=599),
        PROGRAM => true,
        _ => false,
    };
    if cut && said.transaction.method == Method::Bye {
        Severity::Warning
    } else {
        Severity::Info
    }
}

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for said in said(view.call) {
        let not_selected = reasons(said.message, "q.850")
            .into_iter()
            .filter(|reason| reason.cause == NOT_SELECTED);
        let of_program = reasons(said.message, PROGRAM).into_iter();
        let of_program = of_program.filter(|it| TIMED_OUT.contains(&it.text.as_str()));
        let of_protocol = reasons(said.message, "sip").into_iter().chain(not_selected);
        for reason in of_protocol.chain(of_program) {
            let finding = Finding::of(&RULE, said.transaction)
                .severity(severity(&reason, &said))
                .fact("cause", reason.cause)
                .fact("src", said.src())
                .fact("place", said.place())
                .variant(match reason.protocol.as_str() {
                    PROGRAM => Some("own"),
                    _ => is_elsewhere(&reason, &said).then_some("elsewhere"),
                })
                .fact("text", reason.text);
            tell(found, finding, said.transaction);
        }
    }
}

/// Whether a CANCEL of the call says that another device took it: nobody missed it here.
pub(in crate::rules) fn was_taken_elsewhere(call: &Call) -> bool {
    said(call).any(|said| {
        ["sip", "q.850"].into_iter().any(|protocol| {
            reasons(said.message, protocol)
                .iter()
                .any(|reason| is_elsewhere(reason, &said))
        })
    })
}

/// Whether it says that another device took the call: this one missed nothing. In a BYE, 200 is only the way in which some
/// say that all is well.
fn is_elsewhere(reason: &Reason, said: &Said<'_>) -> bool {
    match reason.protocol.as_str() {
        "sip" => {
            reason.cause == 200
                && matches!(said.transaction.method, Method::Cancel | Method::Invite)
        }
        _ => reason.cause == NOT_SELECTED,
    }
}
