//! `failed-after-next-hop-timeout`: a 408, 500, 503 or 504 that comes when Timer B of the next hop's own INVITE has run out
//! (RFC 3261 §16.8, §16.9).

use super::nearest_first;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::{Response, Transaction, timers};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "failed-after-next-hop-timeout",
    code: "TXN016",
    severity: Severity::Error,
    guards: &[Guard::OneWay, Guard::Loss, Guard::Outcome, Guard::Hop],
    judge: Judge::CallWith(Has::REFUSAL, judge),
    words: include_str!("failed_after_next_hop_timeout.toml"),
};

/// The shortest timeout that anybody configures for a next hop.
const SHORTEST: Duration = Duration::from_secs(2);

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in nearest_first(view.call)
        .into_iter()
        .filter(|it| !it.in_dialog())
    {
        let Some((response, delay, is_timer_b)) = timed_out(view, invite) else {
            continue;
        };
        let mut finding = Finding::of(&RULE, invite)
            .fact("code", response.code)
            .fact("src", response.flow.src.to_string())
            .fact("delay", delay)
            .fact("server", response.evidence("Server").unwrap_or("-"));
        // Another constant is a timer that somebody set; the code says that it is one.
        finding = if is_timer_b {
            finding.note_if(view.came_right(invite))
        } else {
            finding
                .severity(Severity::Info)
                .confidence(Confidence::Likely)
        };
        match found.first_mut() {
            Some(known) => *known = known.clone().also(invite),
            None => found.push(finding),
        }
    }
}

/// The refusal, how long after the INVITE it came, and whether that is 64*T1.
fn timed_out<'a>(
    view: &CallView<'_>,
    invite: &'a Transaction,
) -> Option<(&'a Response, Duration, bool)> {
    let response = invite.final_response()?;
    let progressed = invite
        .responses
        .iter()
        .any(|it| (101..200).contains(&it.code));
    let tried = invite.responses.iter().any(|it| it.code == 100);
    if progressed
        || !tried
        || invite.cancelled.is_some()
        || !matches!(response.code, 408 | 500 | 503 | 504)
    {
        return None;
    }
    let delay = response.time().since(invite.requests.first()?.time);
    let timeout = timers::timeout(invite, view.thresholds.t1);
    let is_timer_b = delay.abs_diff(timeout) <= view.thresholds.next_hop_tolerance;
    // The others are said for much else, and late for this alone.
    let shortest = match response.code {
        408 | 504 => SHORTEST,
        _ => view.thresholds.stuck_after,
    };
    let is_timer = delay >= shortest && !is_next_hop_heard(view, invite);
    (is_timer_b || is_timer).then_some((response, delay, is_timer_b))
}

/// Whether the capture shows that the hop behind answered anything.
fn is_next_hop_heard(view: &CallView<'_>, invite: &Transaction) -> bool {
    view.call.attempt(invite).any(|next| {
        next.via_count > invite.via_count
            && next.flow.src.ip() == invite.flow.dst.ip()
            && !next.responses.is_empty()
    })
}
