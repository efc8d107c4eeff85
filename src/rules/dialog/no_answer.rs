//! `no-answer`: it rang and nobody answered (RFC 3261 §13.3.1.1, §16.8).

use crate::rules::status::{cause, deepest, reason_sip};
use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Message;
use crate::sip::sdp::Content;
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "no-answer",
    code: "DLG003",
    severity: Severity::Info,
    guards: &[Guard::Start],
    judge: Judge::Call(judge),
    words: include_str!("no_answer.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    // One call is one finding, told of the hop nearest to the caller.
    let unanswered = view
        .call
        .initial_invites()
        .filter(|invite| !was_declined_elsewhere(view, invite))
        .filter_map(|invite| Some((invite, rang_in_vain(view, invite)?)))
        .min_by_key(|(invite, _)| invite.via_count);
    let Some((invite, ring)) = unanswered else {
        return;
    };
    // A ring group, or a pickup: the caller was answered, and `reason-sip` says so.
    if reason_sip::was_taken_elsewhere(view.call) {
        return;
    }
    let severity = if ring >= view.thresholds.long_ringing {
        Severity::Warning
    } else {
        Severity::Info
    };
    let last = invite.final_response();
    let code = last.map_or_else(String::new, |it| it.code.to_string());
    let mut finding = Finding::of(&RULE, invite)
        .severity(severity)
        // Who ended it: a CANCEL of this hop, or else whoever answered.
        .variant(Some(match (last, invite.cancelled) {
            (None, _) => "cancelled",
            (Some(last), Some(cancel)) if last.code == 487 || cancel.time <= last.time() => {
                "by-caller"
            }
            (Some(_), _) => "by-called-side",
        }))
        .fact("ring", ring)
        .fact("code", code)
        .fact("cancelled", u64::from(invite.cancelled.is_some()))
        .fact("src", invite.flow.src.to_string());
    if let Some(last) = last {
        let (_, made) = deepest(view, invite, last);
        finding = finding
            .fact("dst", made.flow.src.to_string())
            .fact("reason", &*last.reason);
    }
    for hop in view.call.attempt(invite) {
        finding = finding.also(hop);
    }
    found.push(finding);
}

/// How long it rang before the caller, or a middle element, gave up; `None` when this is no such call.
pub(super) fn rang_in_vain(view: &CallView<'_>, invite: &Transaction) -> Option<Duration> {
    if invite.succeeded() || view.call.succeeded_elsewhere(invite) {
        return None;
    }
    let last = invite.final_response();
    let causes = last.map(cause::of).unwrap_or_default();
    let says = |what: &[u64]| causes.iter().any(|it| what.contains(it));
    let is_said = says(&NO_ANSWER);
    let mut provisional = invite.responses.iter();
    let ringing = provisional.find(|it| rings(it) || (is_said && it.code == 183))?;
    let rung_until = |end: Timestamp| end.since(ringing.time());
    if let Some(cancel) = invite.cancelled
        && last.is_none_or(|it| it.code == 487)
    {
        return Some(rung_until(cancel.time));
    }
    let last = last?;
    let ring = rung_until(last.time());
    // Nobody was asked whom the network did not reach, or who is absent.
    let reached = || cause::differing(last).is_none() && !says(&[ABSENT]);
    let is_no_answer = match last.code {
        408 | 480 | 487 if is_said => true,
        408 => ring >= SHORTEST_RING && reached(),
        480 => ring >= view.thresholds.ring_timeout && reached(),
        _ => false,
    };
    is_no_answer.then_some(ring)
}

/// Whether it lets the caller wait for somebody to answer: 180, or 183 with media. Who is forwarded or queued (181, 182) hears
/// nobody's telephone yet.
pub(in crate::rules) fn rings(response: &Response) -> bool {
    // What cannot be read may be a description.
    let has_body = |it: &Message| !matches!(Content::of(it), Content::Nothing);
    response.code == 180 || (response.code == 183 && response.message().is_none_or(has_body))
}

/// Whether a branch stopped ringing because another one was declined, for all of them (RFC 3261 §16.7 step 5): `status` has that.
fn was_declined_elsewhere(view: &CallView<'_>, invite: &Transaction) -> bool {
    let Some(cancel) = invite.cancelled else {
        return false;
    };
    view.call.attempt(invite).any(|other| {
        let last = other.final_response().filter(|it| it.code >= 600);
        other.cseq == invite.cseq && last.is_some_and(|it| it.time() <= cancel.time)
    })
}

/// No user responding; no answer from user, who was alerted.
const NO_ANSWER: [u64; 2] = [18, cause::NO_ANSWER];
/// Subscriber absent.
const ABSENT: u64 = 20;
/// Nobody waits less long for somebody to answer.
const SHORTEST_RING: Duration = Duration::from_secs(2);
