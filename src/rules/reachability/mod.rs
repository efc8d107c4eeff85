//! Requests that nobody answers.

pub(super) mod bye_no_response;
pub(super) mod cancel_no_response;
pub(super) mod icmp_unreachable;
pub(super) mod invite_no_response;
pub(super) mod invite_stuck_trying;
pub(super) mod noninvite_no_response;
pub(super) mod options_flapping;
pub(super) mod options_no_response;
pub(super) mod register_no_response;
pub(super) mod udp_fragments_lost;

use crate::rules::{CallView, Finding, Rule, Silence};
use crate::sip::Method;
use crate::transaction::{Response, Transaction};

/// The finding that a request of this kind was not answered, if it can be said.
fn unanswered(
    view: &CallView<'_>,
    rule: &'static Rule,
    transaction: &Transaction,
) -> Option<Finding> {
    let silence = view.silence(transaction)?;
    let waited = view.watched_since(transaction.start());
    let is_re_invite = transaction.method == Method::Invite && transaction.in_dialog();
    let stray = stray_response(view, transaction);
    let variant = match silence {
        _ if stray.is_some() => Some("other-branch"),
        _ if is_re_invite && answers_others(view, transaction) => Some("re-invite"),
        Silence::Unrepeated => Some("unrepeated"),
        Silence::Proven if is_re_invite => Some("in-dialog"),
        _ => None,
    };
    let finding = Finding::of(rule, transaction);
    let finding = match stray {
        Some((other, _)) => finding.also(other),
        None => finding,
    };
    Some(
        finding
            .fact("method", transaction.method.name())
            .fact("src", transaction.flow.src.to_string())
            .fact("dst", transaction.flow.dst.to_string())
            .fact("sends", transaction.requests.count())
            .fact(
                "span",
                if transaction.requests.repeats() > 0 {
                    transaction.requests.span()
                } else {
                    waited
                },
            )
            .fact("waited", waited)
            .fact_if("answered", stray.map(|(_, response)| response.code))
            .variant(variant)
            .silence(silence, view.lossy)
            .note_if(stray.is_none() && view.came_right(transaction)),
    )
}

/// The response that came back to a request that is sent again and again, with the branch of another one.
fn stray_response<'a>(
    view: &CallView<'a>,
    unanswered: &Transaction,
) -> Option<(&'a Transaction, &'a Response)> {
    let mut others = view.call.transactions.iter();
    others.find_map(|it| Some((it, it.responses.last()?)).filter(|_| is_stray(it, unanswered)))
}

/// Whether a transaction of responses alone is what came back to a request that is sent again and again: only their branch is
/// another, so they match no transaction of the sender (RFC 3261 §17.1.3), which drops them.
pub(super) fn is_stray(answers: &Transaction, asked: &Transaction) -> bool {
    asked.requests.count() >= 3
        && answers.requests.count() == 0
        && answers.method == asked.method
        && answers.cseq == asked.cseq
        && answers.flow == asked.flow
        && answers.from.tag == asked.from.tag
        && answers.branch != asked.branch
}

/// Whether the peer of a request answered another one of the call, sent by the same host after the first send of this one:
/// it is there, and the way to it and back is open.
fn answers_others(view: &CallView<'_>, unanswered: &Transaction) -> bool {
    view.call.transactions.iter().any(|other| {
        other.id != unanswered.id
            && other.flow.src.ip() == unanswered.flow.src.ip()
            && other.flow.dst.ip() == unanswered.flow.dst.ip()
            && other.start() >= unanswered.start()
            && other
                .responses
                .first()
                .map(Response::time)
                .is_some_and(|answered| answered >= unanswered.start())
    })
}
