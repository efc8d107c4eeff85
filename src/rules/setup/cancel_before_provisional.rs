//! `cancel-before-provisional`: a CANCEL was sent before any response to its INVITE (RFC 3261 §9.1).

use super::nearest_first;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::transaction::Response;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "cancel-before-provisional",
    code: "DLG009",
    severity: Severity::Info,
    guards: &[Guard::OneWay, Guard::Loss, Guard::Hop],
    judge: Judge::CallWith(Has::CANCELLED, judge),
    words: include_str!("cancel_before_provisional.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in nearest_first(view.call) {
        let Some((cancel, sent)) = invite.cancelled.zip(invite.requests.first()) else {
            continue;
        };
        let early = match invite.responses.first() {
            Some(first) => Response::time(first) > cancel.time,
            // The response may only not have been captured (guard G-1WAY).
            None => !view.call.response_is_implied(invite) && !view.is_one_directional(invite),
        };
        if early && cancel.time >= sent.time {
            found.push(
                Finding::of(&RULE, invite)
                    .confidence(view.confidence())
                    .fact("dst", invite.flow.dst.to_string())
                    .fact("after", cancel.time.since(sent.time)),
            );
        }
    }
}
