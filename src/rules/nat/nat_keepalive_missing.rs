//! `nat-keepalive-missing`: a client behind a NAT is silent for longer than NATs remember it, and what is sent to it then gets
//! no answer until it speaks itself (RFC 5626 §4.4, RFC 4787 §4.3).

use crate::rules::{CallView, Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "nat-keepalive-missing",
    code: "NET026",
    severity: Severity::Warning,
    guards: &[Guard::OneWay, Guard::Loss],
    judge: Judge::Call(judge),
    words: include_str!("nat_keepalive_missing.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(wake) = view.surroundings.bindings().wake(transaction.id) else {
            continue;
        };
        let Some(spoke) = wake.spoke else {
            continue;
        };
        let deaf = spoke.time.since(transaction.start());
        // Its answer would have been its first packet.
        let unanswered = transaction
            .responses
            .first()
            .is_none_or(|response| response.time() > spoke.time);
        if !unanswered || deaf < DEAF || transaction.requests.count() < SENDS {
            continue;
        }
        let mut finding = Finding::of(&RULE, transaction)
            .confidence(Confidence::Likely.min(view.confidence()))
            .fact("method", transaction.method.name())
            .fact("src", transaction.flow.src.to_string())
            .fact("dst", transaction.flow.dst.to_string())
            .fact("idle", wake.idle)
            .fact("deaf", deaf)
            .fact("sends", transaction.requests.count())
            .fact_if("moved", wake.moved.map(|to| to.to_string()))
            .variant(wake.moved.map(|_| "moved"));
        finding.frames.push(spoke.frame);
        finding.frames.sort_unstable();
        finding.frames.dedup();
        found.push(finding);
    }
}

/// For less, the way is only long.
const DEAF: Duration = Duration::from_secs(1);
/// One lost packet is no NAT.
const SENDS: usize = 2;
