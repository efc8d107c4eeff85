//! Calls that end badly or without acknowledgement.

pub(super) mod ack_missing_2xx;
pub(super) mod ack_missing_non2xx;
pub(super) mod no_answer;
pub(super) mod status;

use crate::rules::{CallView, Finding, Rule};
use crate::severity::Confidence;
use crate::transaction::{Response, Transaction, timers};

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
        .confidence(
            if is_caller_unheard(view, invite) || is_given_up(view, response) {
                view.confidence_of_repeats(response, false)
                    .min(Confidence::Likely)
            } else if response.is_success() {
                view.confidence_of_repeated_2xx(response)
            } else {
                view.confidence_of_repeats(response, false)
            },
        )
}

/// Whether a response was soon not sent again and nobody hung up: its sender had the ACK, or went away.
fn is_given_up(view: &CallView<'_>, response: &Response) -> bool {
    response.sends.count() <= timers::FEW_SENDS && !view.is_hung_up_after(response)
}

/// Whether the capture has nothing at all of the side that sent an INVITE: its ACK would not be there either (guard G-1WAY).
fn is_caller_unheard(view: &CallView<'_>, invite: &Transaction) -> bool {
    let (src, dst) = (invite.flow.src.ip(), invite.flow.dst.ip());
    invite.requests.count() == 0 && !view.surroundings.was_heard(src, dst)
}

/// Whether a response was sent again for as long as its sender waits for the ACK: none came to it, whatever the capture lacks (RFC
/// 3261 §13.3.1.4, §17.2.1).
fn is_repeated_to_the_end(view: &CallView<'_>, response: &Response) -> bool {
    let t1 = timers::estimate_t1(&response.sends).unwrap_or(view.thresholds.t1);
    response.sends.span() >= t1 * timers::LADDER_AT_LEAST
}
