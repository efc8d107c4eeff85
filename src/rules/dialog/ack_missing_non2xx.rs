//! `ack-missing-non2xx`: a 300–699 to INVITE is sent again because no ACK comes on that hop (RFC 3261 §17.2.1, Timers G
//! and H).

use super::{is_caller_unheard, is_repeated_to_the_end, unacknowledged};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "ack-missing-non2xx",
    code: "DLG002",
    severity: Severity::Warning,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Tcp,
        Guard::Hop,
    ],
    judge: Judge::CallWith(Has::INSISTENCE, judge),
    words: include_str!("ack_missing_non2xx.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in view.call.of(&Method::Invite) {
        let refused = invite
            .responses
            .iter()
            .find(|it| it.code >= 300 && it.sends.count() >= 3);
        if let Some(response) = refused
            && invite.acks.is_empty()
            && !invite.flow.transport.is_reliable()
            && (!is_caller_unheard(view, invite) || is_repeated_to_the_end(view, response))
        {
            found.push(unacknowledged(view, &RULE, invite, response));
        }
    }
}
