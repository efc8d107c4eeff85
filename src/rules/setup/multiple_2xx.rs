//! `multiple-2xx`: several targets of one INVITE answered it: each 2xx is a call of its own that needs an ACK, and all but one
//! a BYE (RFC 3261 §13.2.2.4).

use super::nearest_first;
use crate::limits::MAX_CALL_DIALOGS;
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "multiple-2xx",
    code: "DLG019",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::CallWith(Has::ANSWER.and(Has::FORKS), judge),
    words: include_str!("multiple_2xx.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for invite in nearest_first(view.call)
        .into_iter()
        .filter(|it| !it.in_dialog())
    {
        // On one hop, or on the branches that one host sent on. Elements on the way may change the tag.
        let hops: Vec<&Transaction> = view
            .call
            .initial_invites()
            .filter(|it| {
                it.cseq == invite.cseq
                    && it.from.tag == invite.from.tag
                    && it.via_count == invite.via_count
                    && it.flow.src == invite.flow.src
            })
            .collect();
        let mut answers: Vec<&Response> = Vec::new();
        for answer in hops.iter().flat_map(|it| &it.responses) {
            if answers.len() >= MAX_CALL_DIALOGS {
                break;
            }
            let is_new = || answers.iter().all(|it| it.to_tag != answer.to_tag);
            if answer.is_success() && answer.to_tag.is_some() && is_new() {
                answers.push(answer);
            }
        }
        if answers.len() < 2 {
            continue;
        }
        let acknowledged = answers.iter().filter(|answer| {
            let mut acks = hops.iter().flat_map(|it| &it.acks);
            acks.any(|ack| ack.to_tag == answer.to_tag)
        });
        let ended = answers.iter().filter(|answer| {
            view.call.transactions.iter().any(|it| {
                it.method == crate::sip::Method::Bye
                    && (it.to.tag == answer.to_tag || it.from.tag == answer.to_tag)
            })
        });
        let who: Vec<_> = answers
            .iter()
            .map(|it| it.evidence("Contact").unwrap_or("-"))
            .collect();
        let mut finding = Finding::of(&RULE, invite)
            .fact("answers", answers.len())
            .fact("acknowledged", acknowledged.count())
            .fact("ended", ended.count())
            .fact(
                "contacts",
                who.join(", ").chars().take(256).collect::<String>(),
            );
        for hop in hops {
            finding = finding.also(hop);
        }
        found.push(finding);
        return;
    }
}
