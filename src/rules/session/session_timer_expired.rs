//! `session-timer-expired`: the session timer ran out without a refresh, and a side ended the call (RFC 4028 §10).

use super::change::SessionExpires;
use super::finding_of;
use crate::dialog::Dialog;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::{HeaderName, Method};
use crate::time::Timestamp;
use crate::transaction::{Tag, Transaction};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "session-timer-expired",
    code: "DLG031",
    severity: Severity::Error,
    guards: &[Guard::OneWay, Guard::Loss, Guard::Snap],
    judge: Judge::CallWith(Has::BYE.and(Has::SESSION_TIMER), judge),
    words: include_str!("session_timer_expired.toml"),
};

/// RFC 4028 §10: who waits for a refresh hangs up that long before the end, or a third of the interval.
const MARGIN: Duration = Duration::from_secs(32);

/// The session timer as it was last started.
struct Timer {
    started: Timestamp,
    interval: Duration,
    /// The tag of the side that refreshes; `None` when nobody said who.
    refresher: Option<Tag>,
}

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for dialog in view.call.dialogs() {
        let Some(bye) = dialog.bye() else {
            continue;
        };
        let Some(timer) = timer(&dialog, bye.start()) else {
            continue;
        };
        let after = bye.start().since(timer.started);
        if !ran_out(&timer, bye, after, view.thresholds.session_timer_tolerance)
            || view.is_one_directional(bye)
        {
            continue;
        }
        let refresh = dialog
            .requests
            .iter()
            .filter(|it| is_refresh(it) && it.start() > timer.started)
            .find(|it| !it.succeeded());
        // An end, and never a proxy between the two (RFC 4028 §7.2).
        let refresher = refresh.map(|it| view.call.origin(it)).or_else(|| {
            let own = timer.refresher.as_deref() == bye.from.tag.as_deref();
            timer.refresher.as_ref()?;
            Some(if own {
                view.call.origin(bye)
            } else {
                view.call.destination(bye)
            })
        });
        let mut finding = finding_of(view.call, &RULE, bye)
            .fact("interval", timer.interval)
            .fact("after", after)
            .fact(
                "refresher",
                refresher.map_or_else(|| "?".to_owned(), |it| it.to_string()),
            );
        if let Some(refresh) = refresh {
            finding = finding
                .also(refresh)
                .fact("refresh", super::method_name(refresh))
                .fact("sends", refresh.requests.count());
            finding.variant = match refresh.final_response() {
                Some(response) => {
                    finding = finding
                        .fact("code", response.code)
                        .fact("reason", &*response.reason);
                    Some("refresh-refused")
                }
                None => Some("refresh-unanswered"),
            };
        } else {
            // A user may have hung up at that moment, where the BYE does not say why.
            finding.confidence = if says_so(bye) {
                view.confidence()
            } else {
                view.confidence().min(Confidence::Likely)
            };
        }
        found.push(finding);
    }
}

fn is_refresh(request: &Transaction) -> bool {
    matches!(request.method, Method::Invite | Method::Update)
}

/// The last 2xx that started the timer; `None` when there is none, or when it cannot be read.
fn timer(dialog: &Dialog<'_>, before: Timestamp) -> Option<Timer> {
    let refreshes = dialog.requests.iter().filter(|it| is_refresh(it));
    let (request, response) = dialog
        .invites
        .iter()
        .filter_map(|it| Some((*it, dialog.answer_on(it)?)))
        .chain(refreshes.filter_map(|it| {
            let success = it.final_response().filter(|it| it.is_success())?;
            Some((*it, success))
        }))
        .filter(|(_, response)| response.time() < before)
        .max_by_key(|(_, response)| response.time())?;
    let agreed = SessionExpires::of(response.message()?)?;
    let who = match agreed.by_requester {
        Some(true) => request.from.tag.clone(),
        Some(false) => response.to_tag.clone(),
        None => None,
    };
    Some(Timer {
        started: response.time(),
        interval: Duration::from_secs(agreed.seconds),
        refresher: who,
    })
}

/// The side that waits hangs up a little before the end, either side at the end.
fn ran_out(timer: &Timer, bye: &Transaction, after: Duration, tolerance: Duration) -> bool {
    let tolerance = tolerance.min(timer.interval / 10);
    let near = |moment: Duration| after.abs_diff(moment) <= tolerance;
    let waits = timer.refresher.is_none() || timer.refresher != bye.from.tag;
    let early = timer
        .interval
        .saturating_sub(MARGIN.min(timer.interval / 3));
    !timer.interval.is_zero() && ((waits && near(early)) || near(timer.interval))
}

/// Whether the BYE names the timer: in words, or with Q.850 102.
fn says_so(bye: &Transaction) -> bool {
    let reason = bye.request().and_then(|it| it.text(HeaderName::Reason));
    reason.is_some_and(|it| {
        let it = it.to_lowercase();
        it.contains("session") || it.contains("timer") || it.contains("cause=102")
    })
}
