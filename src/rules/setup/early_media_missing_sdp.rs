//! `early-media-missing-sdp`: 183 without a session description and no 180: the caller hears nothing until the answer (RFC
//! 3960 §3).

use super::{has_session, nearest_first};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::{Response, Transaction};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "early-media-missing-sdp",
    code: "DLG015",
    severity: Severity::Warning,
    guards: &[Guard::OneWay, Guard::Loss, Guard::Snap],
    judge: Judge::CallWith(Has::PROGRESS, judge),
    words: include_str!("early_media_missing_sdp.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    // What the caller gets is what counts.
    let silent = nearest_first(view.call)
        .into_iter()
        .filter(|invite| !invite.in_dialog())
        .find_map(|invite| Some((invite, silence(view, invite)?)));
    let Some((invite, (silence, is_over))) = silent else {
        return;
    };
    // The same call on a hop nearer to the caller may have got its ringing from a middle element.
    let rung = view.call.initial_invites().any(|other| {
        other.via_count < invite.via_count && other.responses.iter().any(|it| it.code == 180)
    });
    if rung {
        return;
    }
    let severity = if is_over && silence >= view.thresholds.early_silence_error {
        Severity::Warning
    } else {
        Severity::Info
    };
    let mut finding = Finding::of(&RULE, invite)
        .severity(severity)
        .confidence(if view.lossy {
            Confidence::Possible
        } else {
            Confidence::Likely
        })
        .fact("src", invite.flow.dst.to_string())
        .fact("silence", silence);
    for hop in view
        .call
        .attempt(invite)
        .filter(|it| it.cseq == invite.cseq)
    {
        finding = finding.also(hop);
    }
    found.push(finding);
}

/// How long the caller heard nothing: from a 183 without a session to the end of the ringing phase. `None` when something
/// else could be heard, or when the capture does not show all. With it, whether that phase is over.
fn silence(view: &CallView<'_>, invite: &Transaction) -> Option<(Duration, bool)> {
    let provisional = || {
        invite
            .responses
            .iter()
            .filter(|it| (101..200).contains(&it.code))
    };
    let first = provisional().find(|it| it.code == 183)?;
    for response in provisional() {
        let audible = response.code == 180 || has_session(response.message()?)?;
        if audible {
            return None;
        }
    }
    let ended = invite.final_response().map(Response::time);
    let cancelled = invite.cancelled.map(|cancel| cancel.time);
    let end = ended.into_iter().chain(cancelled).min();
    let silence = match end {
        Some(end) => end.since(first.time()),
        None => view.watched_since(first.time()),
    };
    (silence > view.thresholds.early_silence_warning).then_some((silence, end.is_some()))
}
