//! `ringing-never-ends`: it rings, and nobody ends it: no final response, no CANCEL, and no provisional any more (RFC 3261
//! §16.6 step 11, §16.8: Timer C; §13.3.1.1: one each minute).

use super::deepest_first;
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "ringing-never-ends",
    code: "TXN017",
    severity: Severity::Warning,
    guards: &[Guard::End, Guard::OneWay, Guard::Loss],
    judge: Judge::CallWith(Has::OPEN_INVITE, judge),
    words: include_str!("ringing_never_ends.toml"),
};

/// Whether who forked the call got a 2xx from another target and did not cancel this one (RFC 3261 §16.7 step 10).
fn is_left_ringing(call: &Call, invite: &Transaction) -> bool {
    let tags = |of: &Transaction| -> Vec<_> {
        let tags = of.responses.iter().filter(|it| it.code > 100);
        tags.map(|it| it.to_tag.clone()).collect()
    };
    let own = tags(invite);
    call.initial_invites().any(|other| {
        other.succeeded()
            && other.flow.src == invite.flow.src
            && other.flow.dst != invite.flow.dst
            && other.via_count == invite.via_count
            && other.cseq == invite.cseq
            && !tags(other).iter().any(|tag| own.contains(tag))
    })
}

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in deepest_first(view.call) {
        let ringing = invite
            .responses
            .iter()
            .filter(|it| (101..200).contains(&it.code))
            .max_by_key(|it| it.sends.last().map(|seen| seen.time));
        let Some((ringing, last)) = ringing.and_then(|it| Some((it, it.sends.last()?))) else {
            continue;
        };
        let over = invite.final_response().is_some()
            || invite.cancelled.is_some()
            || invite.answer_implied
            || !invite.acks.is_empty()
            || view.call.answer_is_implied(invite)
            || (view.call.succeeded_elsewhere(invite) && !is_left_ringing(view.call, invite));
        let silent = view.watched_since(last.time);
        if over || silent <= view.thresholds.endless_ringing {
            continue;
        }
        if let Some(known) = found.first_mut() {
            *known = known.clone().also(invite);
            continue;
        }
        found.push(
            Finding::of(&RULE, invite)
                .confidence(if view.lossy {
                    Confidence::Possible
                } else {
                    Confidence::Likely
                })
                .fact("code", ringing.code)
                .fact("src", ringing.flow.src.to_string())
                .fact("silent", silent)
                .fact("ring", last.time.since(ringing.time()) + silent),
        );
    }
}
