//! `hold-resume-failed`: a call that was on hold does not come back (RFC 3264 §6.1, §8.4).

use super::change::{Change, Purpose, changes};
use super::look;
use super::{crosses_bye, finding_of, finding_of_refusal, refusal, session_refresh_failed};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::sdp::{Direction, Sdp};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "hold-resume-failed",
    code: "DLG042",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::CHANGE, judge),
    words: include_str!("hold_resume_failed.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for dialog in view.call.dialogs() {
        let changes = changes(&dialog);
        for (index, change) in changes.iter().enumerate() {
            if change.purpose != Purpose::Resume {
                continue;
            }
            let later = changes.get(index + 1..).unwrap_or_default();
            let resumed = later.iter().any(flows_both_ways);
            let request = change.request;
            if let Some(response) = refusal(request) {
                let told = matches!(response.code, 481 | 491)
                    || (response.code == 487 && request.cancelled.is_some())
                    || session_refresh_failed::failed(view, request).is_some();
                if !told {
                    found.push(
                        finding_of_refusal(view.call, &RULE, request, response)
                            .note_if(resumed || crosses_bye(view.call, request, response)),
                    );
                }
            } else if let Some(direction) = stays_held(change) {
                found.push(
                    finding_of(view.call, &RULE, request)
                        .fact("direction", direction.name())
                        .confidence(Confidence::Likely)
                        .variant(Some("answered-one-way"))
                        .note_if(resumed),
                );
            }
        }
    }
}

/// The answer to an offer of both ways lets the media flow one way at most, although the other side had not put this one
/// on hold.
fn stays_held(change: &Change<'_>) -> Option<Direction> {
    let offered = change.offer.as_ref().and_then(look::direction)?;
    let answered = change.answer.as_ref().and_then(look::direction)?;
    let one_way = matches!(answered, Direction::RecvOnly | Direction::Inactive);
    (offered == Direction::SendRecv && one_way && !change.held_by_other).then_some(answered)
}

fn flows_both_ways(change: &Change<'_>) -> bool {
    let both = |sdp: Option<&Sdp<'_>>| {
        sdp.is_some_and(|it| look::direction(it) == Some(Direction::SendRecv))
    };
    change.request.succeeded() && both(change.offer.as_ref()) && both(change.answer.as_ref())
}
