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
    let ignored = transaction.method == Method::Invite
        && transaction.in_dialog()
        && answers_others(view, transaction);
    let variant = match silence {
        _ if ignored => Some("re-invite"),
        Silence::Unrepeated => Some("unrepeated"),
        _ => None,
    };
    Some(
        Finding::of(rule, transaction)
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
            .variant(variant)
            .silence(silence, view.lossy)
            .note_if(view.came_right(transaction)),
    )
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
