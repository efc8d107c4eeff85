//! `bye-right-after-answer`: the caller hangs up as soon as the call is answered (RFC 3261 §13.2.2.4, §14.2).

use super::{look, may_hang_up_within};
use crate::dialog::Dialog;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::sdp::Sdp;
use crate::thresholds::Thresholds;
use crate::transaction::Response;
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "bye-right-after-answer",
    code: "DLG039",
    severity: Severity::Info,
    guards: &[Guard::Loss, Guard::Snap],
    judge: Judge::CallWith(Has::BYE.and(Has::ANSWER), judge),
    words: include_str!("bye_right_after_answer.toml"),
};

/// A program that did not even want the answer.
const AT_ONCE: Duration = Duration::from_millis(50);

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    if !may_hang_up_within(view.call, view.thresholds.hang_up_after_answer) {
        return;
    }
    let dialogs = view.call.dialogs();
    for dialog in &dialogs {
        let (Some(invite), Some(bye)) = (dialog.invites.first(), dialog.bye()) else {
            continue;
        };
        let Some(talk) = (dialog.talk_after_ack()).filter(|_| is_so(dialog, view.thresholds))
        else {
            continue;
        };
        let second = dialogs.iter().any(|other| {
            other.caller_tag == dialog.caller_tag
                && other.callee_tag != dialog.callee_tag
                && other.answered().is_some()
        });
        let cancelled = dialog.invites.iter().any(|hop| hop.cancelled.is_some());
        let late_offer = has_late_offer(dialog);
        let (severity, confidence, variant) = if cancelled {
            // RFC 3261 §9.1: a CANCEL that comes too late is followed by ACK and BYE.
            (Severity::Info, Confidence::Certain, Some("after-cancel"))
        } else if second {
            // RFC 3261 §13.2.2.4: what a fork answers too much is acknowledged and ended.
            (Severity::Info, Confidence::Certain, Some("second-answer"))
        } else if media_refused(dialog) {
            (Severity::Warning, Confidence::Likely, Some("media-refused"))
        } else if late_offer && !takes_offer(dialog) {
            (Severity::Warning, Confidence::Likely, Some("late-offer"))
        } else if talk < AT_ONCE && !is_acknowledged_late(dialog, view.thresholds) {
            (Severity::Warning, view.confidence(), None)
        } else {
            (Severity::Info, Confidence::Certain, None)
        };
        found.push(
            Finding::of(&RULE, bye)
                .fact("talk", talk)
                .fact("src", bye.flow.src.to_string())
                .fact("dst", bye.flow.dst.to_string())
                .fact("late_offer", u64::from(late_offer))
                .severity(severity)
                .confidence(confidence)
                .variant(variant)
                .also(invite),
        );
    }
}

/// Whether the call had been answered for a while: the ACK was held up, by TCP or on its way, and the BYE came with it.
fn is_acknowledged_late(dialog: &Dialog<'_>, thresholds: &Thresholds) -> bool {
    let answered_for = dialog.talk_time();
    answered_for.is_some_and(|it| it >= thresholds.hang_up_after_answer)
}

/// Whether the caller ended the dialog at once.
pub(super) fn is_so(dialog: &Dialog<'_>, thresholds: &Thresholds) -> bool {
    let talk = dialog.talk_after_ack();
    dialog.bye().is_some_and(|bye| dialog.is_by_caller(bye))
        && talk.is_some_and(|it| it < thresholds.hang_up_after_answer)
}

/// An INVITE without a description, whose 2xx made the offer.
fn has_late_offer(dialog: &Dialog<'_>) -> bool {
    let request = dialog.invites.first().and_then(|it| it.request());
    request.is_some_and(|it| !it.is_cut() && it.body().is_empty()) && answer(dialog).is_some()
}

/// The ACK took the offer of the 2xx, so that it is not why the caller hung up.
fn takes_offer(dialog: &Dialog<'_>) -> bool {
    let acks = dialog.invites.iter().flat_map(|invite| &invite.acks);
    acks.filter(|ack| ack.to_tag.as_deref() == Some(dialog.callee_tag))
        .filter_map(|ack| ack.message().and_then(Sdp::of))
        .any(|answer| !look::refuses_all(&answer))
}

/// The answer takes none of the media.
fn media_refused(dialog: &Dialog<'_>) -> bool {
    answer(dialog).is_some_and(|it| look::refuses_all(&it))
}

fn answer<'a>(dialog: &Dialog<'a>) -> Option<Sdp<'a>> {
    dialog
        .answer()
        .and_then(Response::message)
        .and_then(Sdp::of)
}
