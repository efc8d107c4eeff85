//! Calls that end badly or without acknowledgement.

pub(super) mod ack_missing_2xx;
pub(super) mod ack_missing_non2xx;
pub(super) mod no_answer;
pub(super) mod status;

use crate::rules::{CallView, Finding, Rule};
use crate::transaction::{Response, Transaction};

/// The finding that a final response of an INVITE was sent again and again and no ACK was seen.
fn unacknowledged(
    view: &CallView<'_>,
    rule: &'static Rule,
    invite: &Transaction,
    response: &Response,
) -> Finding {
    Finding::of(rule, invite)
        .fact("code", response.code)
        .fact("src", response.flow.src.to_string())
        .fact("dst", response.flow.dst.to_string())
        .fact("sends", response.sends.count())
        .fact("span", response.sends.span())
        .fact("contact", response.evidence("Contact").unwrap_or_default())
        .fact(
            "record_route",
            response.evidence("Record-Route").unwrap_or_default(),
        )
        .confidence(if response.is_success() {
            view.confidence_of_repeated_2xx(response)
        } else {
            view.confidence_of_repeats(response, false)
        })
}
