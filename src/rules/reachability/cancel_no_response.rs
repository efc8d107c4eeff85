//! `cancel-no-response`: a CANCEL that the next hop does not answer although it must at once (RFC 3261 §9.2).

use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::Method;
use crate::transaction::Transaction;
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "cancel-no-response",
    code: "TXN007",
    severity: Severity::Warning,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Tcp,
        Guard::Hop,
    ],
    judge: Judge::CallWith(Has::CANCEL, judge),
    words: include_str!("cancel_no_response.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for cancel in view.call.of(&Method::Cancel) {
        let sends = &cancel.requests;
        if cancel.responses.is_empty()
            && sends.count() >= 3
            && sends.span() >= Duration::from_secs(3)
            && !view.is_one_directional(cancel)
            && !is_of_unanswered(view, cancel)
        {
            found.push(
                Finding::of(&RULE, cancel)
                    .fact("dst", cancel.flow.dst.to_string())
                    .fact("sends", sends.count())
                    .fact("span", sends.span())
                    .confidence(if view.lossy {
                        Confidence::Possible
                    } else {
                        Confidence::Likely
                    }),
            );
        }
    }
}

/// Whether its INVITE had no response either: that nobody answers is told of the INVITE, and before a provisional response there is
/// nothing to cancel (RFC 3261 §9.1).
fn is_of_unanswered(view: &CallView<'_>, cancel: &Transaction) -> bool {
    view.call.of(&Method::Invite).any(|invite| {
        invite.cseq == cancel.cseq
            && invite.branch == cancel.branch
            && invite.flow == cancel.flow
            && invite.requests.count() > 0
            && invite.responses.is_empty()
            && !view.call.response_is_implied(invite)
    })
}
