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

use crate::rules::{CallView, Finding, Rule};
use crate::transaction::Transaction;

/// The finding that a request of this kind was not answered, if it can be said.
fn unanswered(
    view: &CallView<'_>,
    rule: &'static Rule,
    transaction: &Transaction,
) -> Option<Finding> {
    let silence = view.silence(transaction)?;
    let waited = view.watched_since(transaction.start());
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
            .silence(silence, view.lossy)
            .note_if(view.came_right(transaction)),
    )
}
