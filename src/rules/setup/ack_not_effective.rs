//! `ack-not-effective`: an ACK was captured, and the 2xx that it acknowledges goes on being sent (RFC 3261 §13.2.2.4,
//! §13.3.1.4): it did not reach the side that answered.

use super::route::Place;
use super::{crossing, deepest_first, sent_after};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::{HeaderName, Method, StartLine};
use crate::time::Timestamp;
use crate::transaction::{Ack, Response, Transaction, timers};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "ack-not-effective",
    code: "DLG004",
    severity: Severity::Error,
    guards: &[Guard::End],
    judge: Judge::CallWith(Has::ANSWER, judge),
    words: include_str!("ack_not_effective.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    // A fork is told once, of the hop next to the callee.
    let mut told: Vec<(Finding, &Response)> = Vec::new();
    for invite in deepest_first(view.call) {
        for response in invite.responses.iter().filter(|it| it.is_success()) {
            if (response.sends.count() as u64) < view.thresholds.repeats_after_ack {
                continue;
            }
            let Some((ack, at)) = acknowledgement(invite, response) else {
                continue;
            };
            let repeats = sent_after(&response.sends, at + crossing(view.call, invite));
            if (repeats as u64) < view.thresholds.repeats_after_ack {
                continue;
            }
            let same = |other: &Response| other.to_tag == response.to_tag;
            if let Some((finding, _)) = told.iter_mut().find(|(_, other)| same(other)) {
                *finding = finding.clone().also(invite);
                continue;
            }
            let (severity, variant) = if is_not_forwarded(invite, response) {
                (Severity::Error, Some("not-forwarded"))
            } else if went_on(view, invite, response, at) {
                (Severity::Warning, Some("lost-on-the-way"))
            } else {
                (Severity::Error, None)
            };
            let uri = ack.message().map_or_else(String::new, request_uri);
            told.push((
                Finding::of(&RULE, invite)
                    .severity(severity)
                    .confidence(view.confidence_of_repeated_2xx(response))
                    .variant(variant)
                    .fact("code", response.code)
                    .fact("src", response.flow.src.to_string())
                    .fact("repeats", repeats)
                    .fact("span", response.sends.span())
                    .fact("ack_dst", ack.flow.dst.to_string())
                    .fact("ack_uri", uri)
                    .fact("contact", response.evidence("Contact").unwrap_or_default())
                    .fact(
                        "record_route",
                        response.evidence("Record-Route").unwrap_or_default(),
                    ),
                response,
            ));
        }
    }
    found.extend(told.into_iter().map(|(finding, _)| finding));
}

/// The ACK to a 2xx, as near to its target as the capture has it, and when the first copy of it was sent.
fn acknowledgement<'a>(
    invite: &'a Transaction,
    response: &Response,
) -> Option<(&'a Ack, Timestamp)> {
    let fits = |ack: &&Ack| ack.to_tag.is_some() && ack.to_tag == response.to_tag;
    let sent = |ack: &Ack| ack.sends.first().map(|seen| seen.time);
    let acks = || invite.acks.iter().filter(fits);
    let first = acks().filter_map(sent).min()?;
    let here = acks().find(|ack| ack.flow.src.ip() == invite.flow.src.ip());
    let ack = here.or_else(|| acks().min_by_key(|ack| sent(ack)))?;
    Some((ack, first))
}

/// Whether all ACKs came to the proxy that is in the way of the dialog and had sent the INVITE on, and it sent none on to
/// where the INVITE went, which the capture shows.
fn is_not_forwarded(invite: &Transaction, response: &Response) -> bool {
    let proxy = invite.flow.src.ip();
    let mut acks = invite
        .acks
        .iter()
        .filter(|ack| ack.to_tag == response.to_tag);
    let contact = response
        .message()
        .and_then(|message| message.uri(HeaderName::Contact))
        .and_then(|uri| Place::of(&uri)?.ip());
    invite.via_count > 1
        && invite.requests.count() > 0
        && contact == Some(invite.flow.dst.ip())
        && response.evidence("Record-Route").is_some()
        && acks.all(|ack| ack.flow.dst.ip() == proxy && ack.flow.src.ip() != proxy)
}

fn request_uri(message: &crate::sip::Message) -> String {
    match message.start_line() {
        StartLine::Request { uri, .. } => super::text(uri),
        StartLine::Response { .. } => String::new(),
    }
}

/// Whether the dialog worked all the same: the caller's next request in it was accepted, or the 2xx stopped long before its
/// sender gives up.
fn went_on(
    view: &CallView<'_>,
    invite: &Transaction,
    response: &Response,
    acknowledged: Timestamp,
) -> bool {
    let hung_up = view
        .call
        .of(&Method::Bye)
        .any(|bye| bye.from.tag == response.to_tag && bye.start() > acknowledged);
    let accepted = view.call.transactions.iter().any(|other| {
        other.in_dialog()
            && other.start() > acknowledged
            && other.from.tag == invite.from.tag
            && other.to.tag == response.to_tag
            && other.succeeded()
    });
    let stopped = response.sends.last().is_some_and(|last| {
        view.watched_since(last.time) > view.thresholds.t2 * 2
            && response.sends.span() + LAST_REPEAT < timers::timeout(invite, view.thresholds.t1)
    });
    accepted || (stopped && !hung_up)
}

/// The ladder of a 2xx may end this long before its sender gives up.
const LAST_REPEAT: Duration = Duration::from_secs(5);
