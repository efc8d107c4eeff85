//! `reinvite-rejected`: a change of an answered call was refused; the call goes on as it was (RFC 3261 §14.1).

use super::change::{Purpose, changes};
use super::{
    crosses_bye, finding_of_refusal, invite_overlap_500, is_echo, refusal, session_refresh_failed,
};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "reinvite-rejected",
    code: "DLG033",
    severity: Severity::Warning,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::CHANGE.and(Has::REFUSAL), judge),
    words: include_str!("reinvite_rejected.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let dialogs = view.call.dialogs();
    let changes: Vec<_> = dialogs.iter().flat_map(changes).collect();
    for request in view.call.of(&Method::Invite).filter(|it| it.in_dialog()) {
        let Some(response) = refusal(request) else {
            continue;
        };
        let taken_back = response.code == 487 && request.cancelled.is_some();
        let told = taken_back
            || matches!(response.code, 481 | 491)
            || is_echo(view.call, request)
            || invite_overlap_500::overlaps(view.call, request).is_some()
            || session_refresh_failed::failed(view, request).is_some();
        let purpose = changes
            .iter()
            .find(|it| it.request.id == request.id)
            .map_or(Purpose::Unknown, |it| it.purpose);
        if told || purpose == Purpose::Resume {
            continue;
        }
        // RFC 3261 §14.1: after a 408 the dialog is over.
        let severity = if response.code == 408 {
            Severity::Error
        } else {
            Severity::Warning
        };
        let finding = finding_of_refusal(view.call, &RULE, request, response)
            .severity(severity)
            .variant(purpose.variant())
            .note_if(view.came_right(request) || crosses_bye(view.call, request, response));
        // The same refusal on the other side of a B2BUA, or of another try, is the same finding.
        let known = found.iter_mut().find(|other| {
            other.variant == finding.variant && other.get("code") == finding.get("code")
        });
        match known {
            Some(other) => {
                let severity = other.severity.max(finding.severity);
                *other = other.clone().also(request).severity(severity);
            }
            None => found.push(finding),
        }
    }
}
