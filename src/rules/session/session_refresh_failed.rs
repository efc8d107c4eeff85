//! `session-refresh-failed`: the request that was to keep the call alive failed, and the call ends (RFC 4028 §7.4, §10).

use super::change::{Purpose, SessionExpires, changes};
use super::{crosses_bye, finding_of, finding_of_refusal, is_echo, is_same_dialog, refusal};
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule, Silence};
use crate::severity::{Confidence, Severity};
use crate::sip::{HeaderName, Method};
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction, timers};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "session-refresh-failed",
    code: "DLG032",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Snap,
        Guard::Tcp,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::CHANGE, judge),
    words: include_str!("session_refresh_failed.toml"),
};

/// A sender's own timer may fire that late.
const LATE: Duration = Duration::from_secs(1);

/// A refresh that failed.
#[derive(Clone, Copy, Debug)]
pub(in crate::rules) struct Failure {
    /// The session interval that it carried.
    interval: Duration,
    /// `None` when it was refused.
    silence: Option<Silence>,
    /// How long after it the call was ended, when that was soon.
    ended: Option<Duration>,
}

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for request in &view.call.transactions {
        if is_echo(view.call, request) {
            continue;
        }
        let Some(failure) = failed(view, request) else {
            continue;
        };
        let finding = match refusal(request) {
            Some(response) => finding_of_refusal(view.call, &RULE, request, response),
            None => finding_of(view.call, &RULE, request).variant(Some("unanswered")),
        };
        let finding = finding
            .fact("interval", failure.interval)
            .fact("sends", request.requests.count())
            .fact_if("ended_after", failure.ended)
            .note_if(refreshed_after(view, request));
        // Without its end in the capture, the call may have been kept alive some other way (guard G-END).
        let finding = match refusal(request) {
            Some(_) if failure.ended.is_some() => finding.seen(),
            Some(response) if waits(view, request, response) => {
                finding.confidence(Confidence::Likely)
            }
            _ => finding,
        };
        found.push(match failure.silence {
            Some(silence) => finding.silence(silence, view.lossy),
            None => finding,
        });
    }
}

/// Whether this request was a refresh that failed: sent when one was due, or followed by the end of the call.
pub(in crate::rules) fn failed(view: &CallView<'_>, request: &Transaction) -> Option<Failure> {
    let refreshes = matches!(request.method, Method::Invite | Method::Update);
    if !refreshes || !request.in_dialog() {
        return None;
    }
    let carried = SessionExpires::of(request.request()?)?;
    let interval = Duration::from_secs(carried.seconds);
    // What crosses a BYE is refused because the call is over, and not the other way round.
    let refused = refusal(request)
        .filter(|it| !matches!(it.code, 422 | 491) && !crosses_bye(view.call, request, it));
    let silence = if request.final_response().is_none() {
        view.silence(request)
    } else {
        None
    };
    if refused.is_none() && silence.is_none() {
        return None;
    }
    if request.cancelled.is_some() {
        return None;
    }
    let due = is_due(view.call, request, interval);
    let ended = end_soon_after(view, request, refused.map(Response::time));
    // A dialog that the peer has lost is told as that, unless the refresh is what found it out.
    let lost = refused.is_some_and(|it| it.code == 481);
    let fails = due || (ended.is_some() && !lost && only_refreshes(view.call, request));
    fails.then_some(Failure {
        interval,
        silence,
        ended,
    })
}

/// Whether the capture ends before the refresher has had the time for another try.
fn waits(view: &CallView<'_>, request: &Transaction, response: &Response) -> bool {
    view.watched_since(response.time()) < timers::timeout(request, view.thresholds.t1)
}

/// RFC 4028 §7.2: a refresh is sent when half of the interval has passed.
fn is_due(call: &Call, request: &Transaction, interval: Duration) -> bool {
    let Some(last) = last_refresh(call, request) else {
        return false;
    };
    let half = interval / 2;
    let waited = request.start().since(last);
    !half.is_zero() && waited.abs_diff(half) <= half / 10
}

/// When the session timer was last started before a request.
fn last_refresh(call: &Call, request: &Transaction) -> Option<Timestamp> {
    call.transactions
        .iter()
        .filter(|it| {
            matches!(it.method, Method::Invite | Method::Update)
                && (is_same_dialog(it, request) || is_its_invite(it, request))
        })
        .filter_map(Transaction::final_response)
        .filter(|it| it.is_success() && it.time() < request.start())
        .map(Response::time)
        .max()
}

fn is_its_invite(invite: &Transaction, request: &Transaction) -> bool {
    !invite.in_dialog()
        && (invite.from.tag == request.from.tag || invite.from.tag == request.to.tag)
}

/// Whether it changes nothing else, as far as one can see.
fn only_refreshes(call: &Call, request: &Transaction) -> bool {
    let dialogs = call.dialogs();
    let dialog = dialogs
        .iter()
        .find(|it| it.requests.iter().any(|other| other.id == request.id));
    let purpose = dialog.and_then(|dialog| {
        let change = changes(dialog)
            .into_iter()
            .find(|it| it.request.id == request.id)?;
        Some(change.purpose)
    });
    matches!(purpose, Some(Purpose::Refresh | Purpose::Unknown))
}

/// How long after the failure of the last request of its kind the dialog was ended.
fn end_soon_after(
    view: &CallView<'_>,
    request: &Transaction,
    refused: Option<Timestamp>,
) -> Option<Duration> {
    let bye = view
        .call
        .of(&Method::Bye)
        .find(|it| is_same_dialog(it, request))?;
    let is_last = view
        .call
        .attempt(request)
        .all(|other| other.cseq <= request.cseq || other.start() > bye.start());
    if !is_last {
        return None;
    }
    let failed = refused.or_else(|| request.requests.last().map(|seen| seen.time))?;
    let after = bye.start().since(failed);
    let says_so = || {
        let reason = bye.request().and_then(|it| it.text(HeaderName::Reason));
        reason.is_some_and(|it| {
            let it = it.to_lowercase();
            it.contains("session") || it.contains("refresh") || it.contains("timer")
        })
    };
    // Where nobody answers, the sender waits for its timer (RFC 3261 §17.1.2.2) before it hangs up.
    let own = bye.from.tag == request.from.tag;
    let timeout = timers::timeout(request, view.thresholds.t1);
    let timer = own && refused.is_none() && after < timeout + LATE;
    let soon = after <= view.thresholds.refresh_bye_within;
    (bye.start() >= failed && (soon || timer || says_so())).then_some(after)
}

/// Whether either side started the session timer again afterwards (guard G-OUTCOME).
fn refreshed_after(view: &CallView<'_>, request: &Transaction) -> bool {
    view.call.transactions.iter().any(|other| {
        matches!(other.method, Method::Invite | Method::Update)
            && other.in_dialog()
            && other.start() > request.start()
            && (other.from.tag == request.from.tag || other.from.tag == request.to.tag)
            && (other.from.tag != request.from.tag || other.cseq != request.cseq)
            && other.succeeded()
    })
}
