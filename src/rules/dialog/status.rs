//! `status-NNN`: a final response above 299 decided a request (RFC 3261 §21), told once a call and code.

use super::no_answer::rang_in_vain;
use crate::dialog::Call;
use crate::rules::setup::redirect_not_followed;
use crate::rules::status::{DECLINED, cause, deepest, evidence, explain};
use crate::rules::{CallView, Fact, Finding, Guard, Has, Judge, Rule, Silence, auth, sdp, session};
use crate::severity::{Confidence, Severity};
use crate::sip::{HeaderName, Method};
use crate::transaction::{Response, Transaction, timers};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "status",
    code: "DLG",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::Loss,
        Guard::Snap,
        Guard::Start,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::REFUSAL, judge),
    words: include_str!("status.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    // The hop nearest to the caller first: its code is what the caller got.
    let mut transactions: Vec<_> = view.call.transactions.iter().collect();
    transactions.sort_by_key(|transaction| (transaction.via_count, transaction.id));
    let mut told: Vec<Finding> = Vec::new();
    for transaction in transactions {
        let Some(response) = failure(transaction) else {
            continue;
        };
        if is_seen_in_part(view.call, transaction) {
            continue;
        }
        if is_told_elsewhere(view, transaction, response) {
            continue;
        }
        let severity = severity(view, transaction, response);
        // The same answer on another hop, or to another try, is the same failure.
        let method = Fact::from(
            if transaction.method == Method::Invite && transaction.in_dialog() {
                "re-INVITE"
            } else {
                transaction.method.name()
            },
        );
        let known = told.iter_mut().find(|finding| {
            finding.status == Some(response.code) && finding.get("method") == Some(&method)
        });
        if let Some(finding) = known {
            if severity > finding.severity {
                finding.severity = severity;
                finding.confidence = confidence(view, transaction, response);
            }
            *finding = finding.clone().also(transaction);
            continue;
        }
        // A challenge may be answered yet (guard G-END).
        let so_far = matches!(response.code, 401 | 407)
            && view.watched_since(response.time())
                < timers::timeout(transaction, view.thresholds.t1);
        let mut finding = Finding::of(&RULE, transaction)
            .severity(severity)
            .confidence(if severity == Severity::Info {
                Confidence::Certain
            } else {
                confidence(view, transaction, response)
            })
            .fact("method", method)
            .fact("code", response.code)
            .fact("reason", &*response.reason)
            .fact(
                "dst",
                deepest(view, transaction, response).1.flow.src.to_string(),
            );
        finding = evidence::shown(finding, response);
        finding.status = Some(response.code);
        let explained = explain(view, transaction, response);
        finding.variant = explained.variant;
        finding.facts.extend(explained.facts);
        if severity == Severity::Info || !awaits_another_try(response) {
            finding = finding.seen();
        }
        if so_far {
            finding = finding.silence(Silence::SoFar, view.lossy);
        }
        let is_note = came_right(view, transaction, response)
            || is_outvoted(view, transaction, response.code);
        told.push(finding.note_if(is_note));
    }
    found.append(&mut told);
}

fn failure(transaction: &Transaction) -> Option<&Response> {
    transaction.final_response().filter(|it| it.code >= 300)
}

/// Whether the capture lacks what says which dialog a request belongs to, and has it on another hop (guard G-SNAP).
fn is_seen_in_part(call: &Call, transaction: &Transaction) -> bool {
    transaction.cut
        && transaction.to.uri.is_empty()
        && (call.of(&transaction.method)).any(|other| {
            other.cseq == transaction.cseq
                && other.final_code() == transaction.final_code()
                && (transaction.from.tag.is_none() || other.from.tag == transaction.from.tag)
                && !other.to.uri.is_empty()
        })
}

fn is_told_elsewhere(view: &CallView<'_>, transaction: &Transaction, response: &Response) -> bool {
    if matches!(response.code, 401 | 407) {
        return !auth::is_unexplained(view, transaction, response);
    }
    // Sections 1 and 4 of FINDINGS have these; a CANCEL says nothing that its INVITE does not.
    if matches!(
        transaction.method,
        Method::Options | Method::Register | Method::Cancel | Method::Ack
    ) {
        return true;
    }
    if is_keep_alive(transaction) {
        return true;
    }
    if session::tells(view, transaction, response) || sdp::tells(view, transaction, response) {
        return true;
    }
    match response.code {
        // Loops, forks that meet themselves, redirections and PRACKs have their own findings.
        482 | 483 => true,
        _ if transaction.method == Method::Prack => true,
        300..=399 => redirect_not_followed::is_unfollowed(view, transaction, response),
        403 => auth::rejected_403::tells(view.call, transaction, response),
        // It rang and nobody answered: no-answer says so.
        408 | 480 | 487 => {
            transaction.method == Method::Invite
                && !transaction.in_dialog()
                && rang_in_vain(view, transaction).is_some()
        }
        _ => false,
    }
}

/// Whether a NOTIFY only keeps a binding of a NAT open, as some telephones do with an event package that nobody has: whatever
/// answers it shows that the server is there, as with OPTIONS.
fn is_keep_alive(transaction: &Transaction) -> bool {
    transaction.method == Method::Notify
        && !transaction.in_dialog()
        && (transaction.request())
            .and_then(|it| it.header(HeaderName::Event))
            .is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(b"keep-alive"))
}

fn severity(view: &CallView<'_>, transaction: &Transaction, response: &Response) -> Severity {
    let redirected = (300..400).contains(&response.code);
    let is_bye = transaction.method == Method::Bye;
    // Only a dialog can have a request pending (RFC 3261 §21.4.27), also where the capture has the answer alone.
    let glare = response.code == 491;
    // Somebody is busy, or the caller hung up: that is how telephones work.
    let ordinary = matches!(response.code, 486 | 487 | 600) && cause::differing(response).is_none();
    if came_right(view, transaction, response)
        || ordinary
        || cause::is_ordinary(response)
        || is_declined(view, transaction, response)
        || is_outvoted(view, transaction, response.code)
        || is_tried_again(view, transaction, response)
        || (!is_bye && session::crosses_bye(view.call, transaction, response))
        || (redirected && redirect_not_followed::is_pursued(view, transaction, response))
    {
        Severity::Info
    } else if redirected || is_bye || glare || is_unasked_challenge(transaction, response) {
        Severity::Warning
    } else {
        Severity::Error
    }
}

/// Whether somebody who was called said no: that is how telephones work, too (RFC 3261 §21.6.2).
fn is_declined(view: &CallView<'_>, transaction: &Transaction, response: &Response) -> bool {
    response.code == 603 && explain(view, transaction, response).variant == Some(DECLINED)
}

/// Whether the proxy that forked the request sent on what another branch answered: the caller never got this one (RFC 3261
/// §16.7 step 6).
fn is_outvoted(view: &CallView<'_>, transaction: &Transaction, code: u64) -> bool {
    if transaction.method != Method::Invite || transaction.in_dialog() {
        return false;
    }
    let same = |it: &&Transaction| {
        it.method == transaction.method
            && it.cseq == transaction.cseq
            && it.from.tag == transaction.from.tag
    };
    let mut hop = transaction;
    loop {
        let proxy = hop.flow.src.ip();
        let before = view.call.transactions.iter().filter(same);
        let before = before
            .filter(|it| it.flow.dst.ip() == proxy && it.via_count < hop.via_count)
            .max_by_key(|it| it.via_count);
        let Some((before, chosen)) = before.and_then(|it| Some((it, it.final_code()?))) else {
            return false;
        };
        if chosen != code {
            return chosen >= 300
                && view.call.transactions.iter().filter(same).any(|other| {
                    other.flow.src.ip() == proxy
                        && other.via_count == hop.via_count
                        && other.branch != hop.branch
                        && other.final_code() == Some(chosen)
                });
        }
        // Passed on as it is: the fork may be nearer to the caller.
        hop = before;
    }
}

/// By another try of the same call, an UPDATE also by a re-INVITE; or, for codes that ask for one, by one that the client made under a new Call-ID.
fn came_right(view: &CallView<'_>, transaction: &Transaction, response: &Response) -> bool {
    view.came_right(transaction)
        || session::is_done_by_invite(view.call, transaction)
        || (asks_for_another_try(response)
            && view
                .surroundings
                .succeeded_after(transaction, response.time()))
}

/// Whether the same client made another try after this answer that has no final response in the capture, or after an
/// answer that asks for one was decided by somebody else in another way: the attempt's last word is not this one.
fn is_tried_again(view: &CallView<'_>, transaction: &Transaction, response: &Response) -> bool {
    let decided = |last: &Response| {
        asks_for_another_try(response) && last.code != response.code && !awaits_another_try(last)
    };
    view.call.attempt(transaction).any(|other| {
        other.final_response().is_none_or(decided)
            && other.start() > response.time()
            && other.flow.src.ip() == transaction.flow.src.ip()
    })
}

/// The caller may get another answer than this: as long as its own hop or another fork has no final response, and where
/// the client is asked to try elsewhere, which the capture need not show.
fn confidence(view: &CallView<'_>, transaction: &Transaction, response: &Response) -> Confidence {
    let open = view
        .call
        .attempt(transaction)
        .any(|other| other.via_count <= transaction.via_count && other.final_response().is_none());
    // Nobody knows what was asked for when the answer alone was captured (guard G-START).
    let unasked = transaction.requests.count() == 0;
    let may_correct =
        is_corrected(response) && view.watched_since(response.time()) < CORRECTS_WITHIN;
    if is_unasked_challenge(transaction, response) {
        Confidence::Possible
    } else if open || unasked || may_correct || awaits_another_try(response) {
        Confidence::Likely
    } else {
        Confidence::Certain
    }
}

/// Whether a challenge was captured alone: what answered it may not have been captured either (guard G-1WAY).
const fn is_unasked_challenge(transaction: &Transaction, response: &Response) -> bool {
    matches!(response.code, 401 | 407) && transaction.requests.count() == 0
}

/// Whether it is a failure only as long as nothing follows (guard G-END).
const fn awaits_another_try(response: &Response) -> bool {
    matches!(response.code, 401 | 407) || asks_for_another_try(response)
}

/// RFC 3261 §8.1.3.4, RFC 3903 §4, RFC 4028 §7.3, RFC 3263 §4.3.
const fn asks_for_another_try(response: &Response) -> bool {
    matches!(response.code, 300..400 | 412 | 422 | 423 | 503)
}

/// What clients send again at once with what was wanted, or with more digits (RFC 3261 §8.1.3.5, RFC 3578 §2).
const fn is_corrected(response: &Response) -> bool {
    matches!(response.code, 413 | 415 | 416 | 420 | 421 | 484)
}

/// As long as exchanges wait for the next digit (ITU-T Q.931 T302, Q.764 T35: 15 s at least).
const CORRECTS_WITHIN: Duration = Duration::from_secs(15);
