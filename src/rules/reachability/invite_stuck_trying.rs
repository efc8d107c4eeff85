//! `invite-stuck-trying`: an INVITE got 100 Trying and then nothing (RFC 3261 §17.2.1; §16.6 step 11, Timer C).

use crate::dialog::Call;
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::{Transaction, timers};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "invite-stuck-trying",
    code: "TXN003",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Outcome,
        Guard::Hop,
    ],
    judge: Judge::Call(judge),
    words: include_str!("invite_stuck_trying.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in view.call.of(&Method::Invite) {
        found.extend(stuck(view, invite));
    }
}

fn stuck(view: &CallView<'_>, invite: &Transaction) -> Option<Finding> {
    let trying = invite
        .responses
        .iter()
        .find(|response| response.code == 100)?;
    let progress = Call::first_progress(invite);
    let cancelled = invite.cancelled.map(|cancel| cancel.time);
    // What ends the wait: the caller's CANCEL, the refusal that follows it, or the capture. Any other answer ended the
    // wait properly, and its own finding says what came.
    let until = match (cancelled, progress) {
        (Some(cancel), Some(answer)) => cancel.min(answer.time()),
        (Some(cancel), None) => cancel,
        (None, Some(answer)) if answer.code == 487 => answer.time(),
        (None, Some(_)) => return None,
        (None, None) => trying.time() + view.watched_since(trying.time()),
    };
    let elapsed = until.since(trying.time());
    if elapsed < view.thresholds.stuck_after
        || progress.is_some_and(|answer| answer.code < 300)
        || invite.succeeded()
        || view.call.progress_is_implied(invite)
    {
        return None;
    }
    let severity = if elapsed >= view.thresholds.t1 * timers::TIMEOUT_FACTOR {
        Severity::Error
    } else {
        Severity::Warning
    };
    Some(
        Finding::of(&RULE, invite)
            .severity(severity)
            .confidence(view.confidence())
            .fact("src", trying.flow.dst.to_string())
            .fact("dst", trying.flow.src.to_string())
            .fact("elapsed", elapsed)
            .fact("cancelled", u64::from(cancelled.is_some()))
            .fact("server", trying.evidence("Server").unwrap_or_default())
            .note_if(view.came_right(invite)),
    )
}
