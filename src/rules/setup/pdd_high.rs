//! `pdd-high`: a long time from the first INVITE to ringing or the answer, with where it went (RFC 6076 §4.3, ITU-T E.721).

use super::nearest_first;
use crate::rules::{CallView, Fact, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "pdd-high",
    code: "DLG017",
    severity: Severity::Warning,
    guards: &[Guard::Loss, Guard::Start, Guard::Vantage],
    judge: Judge::Call(judge),
    words: include_str!("pdd_high.toml"),
};

/// A later INVITE belongs to the same attempt when it follows the failure of the one before within this time.
const SAME_ATTEMPT: Duration = Duration::from_secs(5);

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut reached = nearest_first(view.call).into_iter().filter_map(|invite| {
        let progress = progress(invite).filter(|_| !invite.in_dialog())?;
        Some((invite, progress))
    });
    let Some((last, progress)) = reached.next() else {
        return;
    };
    let Some(sent) = last.requests.first() else {
        return;
    };
    let tries = earlier_tries(view, last);
    let start = tries.first().map_or(sent.time, |first| first.start());
    let pdd = progress.time().since(start);
    let limits = view.thresholds;
    if pdd <= limits.pdd_warning {
        return;
    }
    // What each failed try took, until the next one was sent.
    let (mut challenge, mut routes) = (Duration::ZERO, Duration::ZERO);
    let following = tries.iter().skip(1).map(|it| it.start());
    for (tried, next) in tries.iter().zip(following.chain([sent.time])) {
        let took = next.since(tried.start());
        if matches!(tried.final_code(), Some(401 | 407)) {
            challenge += took;
        } else {
            routes += took;
        }
    }
    let first_response = last
        .responses
        .first()
        .map_or(progress.time(), Response::time);
    // Where nothing rang, the ringing may only have been lost, and what took the time was a person.
    let rang = progress.code < 200;
    let severity = if rang && pdd > limits.pdd_error {
        Severity::Error
    } else {
        Severity::Warning
    };
    let confidence = if !rang {
        Confidence::Possible
    } else if is_reminder(progress.time().since(sent.time), limits.pdd_warning) {
        view.confidence().min(Confidence::Likely)
    } else {
        view.confidence()
    };
    let mut finding = Finding::of(&RULE, last)
        .severity(severity)
        .confidence(confidence)
        .fact("pdd", pdd)
        .fact("code", progress.code)
        .fact("challenge", challenge)
        .fact("routes", routes)
        .fact("first_response", first_response.since(sent.time))
        .fact("behind", progress.time().since(first_response))
        .fact("dead_routes", dead_routes(view, last, progress.time()))
        .fact("dst", last.flow.dst.to_string());
    for tried in &tries {
        finding = finding.also(tried);
    }
    for hop in view.call.attempt(last).filter(|it| it.cseq == last.cseq) {
        finding = finding.also(hop);
    }
    found.push(finding);
}

/// Whether a provisional response may be one that its sender repeats every minute (RFC 3261 §13.3.1.1), the first one being
/// lost.
fn is_reminder(after: Duration, soon: Duration) -> bool {
    let seconds = after.as_secs();
    seconds >= MINUTE && Duration::from_secs(seconds % MINUTE) < soon
}

/// In seconds.
const MINUTE: u64 = 60;

/// What ends the wait: ringing, progress, the answer, or a refusal by somebody who was reached.
fn progress(invite: &Transaction) -> Option<&Response> {
    invite
        .responses
        .iter()
        .find(|it| matches!(it.code, 101..300 | 486 | 600 | 603))
}

/// The tries before this one that belong to the same attempt, in their order: challenged, redirected or refused shortly before
/// the next one.
fn earlier_tries<'a>(view: &CallView<'a>, last: &Transaction) -> Vec<&'a Transaction> {
    let call = view.call;
    let mut tries: Vec<&Transaction> = Vec::new();
    let mut next = last;
    // Ids fall, so that this ends.
    loop {
        let before = call
            .initial_invites()
            .filter(|it| {
                it.id < next.id
                    && it.flow.src.ip() == last.flow.src.ip()
                    && it.via_count == last.via_count
                    && it.from.uri == last.from.uri
                    && it.requests.count() > 0
            })
            .max_by_key(|it| it.id);
        let Some(before) = before.filter(|it| gave_up(it, next.start())) else {
            break;
        };
        tries.push(before);
        next = before;
    }
    tries.reverse();
    tries
}

/// Whether a try was over shortly before that moment, or left unanswered.
fn gave_up(tried: &Transaction, next: Timestamp) -> bool {
    match tried.final_response() {
        Some(last) => {
            last.code >= 300 && last.time() <= next && next.since(last.time()) <= SAME_ATTEMPT
        }
        None => tried
            .requests
            .last()
            .is_some_and(|seen| next.since(seen.time) <= SAME_ATTEMPT * 4),
    }
}

/// Whether most of the time of a finding went by on routes that led nowhere.
pub(in crate::rules) fn is_of_dead_routes(finding: &Finding) -> bool {
    match (finding.get("dead_routes"), finding.get("pdd")) {
        (Some(Fact::Time(dead)), Some(Fact::Time(pdd))) => *dead * 2 > *pdd,
        _ => false,
    }
}

/// A try by the next host.
struct Try {
    began: Timestamp,
    /// When it was given up at the earliest.
    tried_until: Timestamp,
    /// When it was over, of one that led to somebody.
    led_on_until: Option<Timestamp>,
}

/// How long the next host waited for targets that did not lead anywhere, and for no other.
fn dead_routes(view: &CallView<'_>, invite: &Transaction, progress: Timestamp) -> Duration {
    let mut tries: Vec<Try> = view
        .call
        .initial_invites()
        .filter(|it| {
            it.via_count > invite.via_count
                && it.flow.src.ip() == invite.flow.dst.ip()
                && it.cseq == invite.cseq
        })
        .map(|it| {
            let over = it.final_response().map(Response::time);
            let last = it.requests.last().map_or(it.start(), |seen| seen.time);
            Try {
                began: it.start(),
                tried_until: over.unwrap_or(last),
                led_on_until: self::progress(it).map(|_| over.unwrap_or(progress)),
            }
        })
        .collect();
    if tries.is_empty() {
        // A B2BUA tries under Call-IDs of its own.
        let legs = view.legs.tried_behind(&view.call.call_id);
        tries.extend(legs.map(|(began, progressed)| Try {
            began,
            // Legs that begin together ring together.
            tried_until: began + view.thresholds.t1,
            led_on_until: progressed.map(|_| progress),
        }));
    }
    tries.retain(|it| it.began <= progress);
    let given_up = |tried: &Try| {
        let next = tries.iter().map(|it| it.began);
        let next = next.filter(|it| *it > tried.tried_until);
        next.min().unwrap_or(progress).min(progress)
    };
    let mut dead = Duration::ZERO;
    // Between two of these moments nothing changes.
    let mut moments: Vec<Timestamp> = (tries.iter())
        .flat_map(|it| [it.began, it.led_on_until.unwrap_or_else(|| given_up(it))])
        .map(|it| it.min(progress))
        .collect();
    moments.sort_unstable();
    for (from, until) in moments.iter().zip(moments.iter().skip(1)) {
        let waits = |it: &Try, end: Timestamp| it.began <= *from && end >= *until;
        let lives = tries
            .iter()
            .any(|it| it.led_on_until.is_some_and(|end| waits(it, end)));
        let waits_for_dead = tries
            .iter()
            .any(|it| it.led_on_until.is_none() && waits(it, given_up(it)));
        if waits_for_dead && !lives {
            dead += until.since(*from);
        }
    }
    dead
}
