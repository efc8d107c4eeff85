//! `answered-despite-cancel`: CANCEL and 2xx crossed: the call was answered while it was cancelled (RFC 3261 §9.1, RFC 5407
//! §3.1).

use super::nearest_first;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::transaction::timers;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "answered-despite-cancel",
    code: "DLG010",
    severity: Severity::Warning,
    guards: &[Guard::End, Guard::OneWay, Guard::Loss],
    judge: Judge::CallWith(Has::CANCELLED, judge),
    words: include_str!("answered_despite_cancel.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in nearest_first(view.call) {
        let Some((cancel, answer)) = invite
            .cancelled
            .zip(invite.final_response().filter(|it| it.is_success()))
        else {
            continue;
        };
        if let Some(finding) = found.first_mut() {
            *finding = finding.clone().also(invite);
            continue;
        }
        let hung_up = view
            .call
            .of(&Method::Bye)
            .any(|bye| bye.start() >= cancel.time.min(answer.time()));
        let waited = view.watched_since(answer.time());
        // Only the caller that cancelled itself has to hang up; a proxy may have cancelled a branch that is wanted after all, and
        // then it is acknowledged.
        let ghost = !hung_up
            && (invite.via_count == 1 || (invite.acks.is_empty() && answer.sends.repeats() > 0))
            && waited >= timers::timeout(invite, view.thresholds.t1)
            && !view.is_one_directional(invite);
        let mut finding = Finding::of(&RULE, invite)
            .variant(ghost.then_some("no-bye"))
            .fact("dst", invite.flow.dst.to_string())
            .fact("gap", cancel.time.distance(answer.time()))
            .fact("waited", waited);
        if ghost {
            finding = finding.confidence(if view.lossy {
                Confidence::Possible
            } else {
                Confidence::Likely
            });
        } else {
            finding = finding.severity(Severity::Info);
        }
        found.push(finding);
    }
}
