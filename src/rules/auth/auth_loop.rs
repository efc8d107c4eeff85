//! `auth-loop`: credentials were challenged again: they were rejected (RFC 3261 §22.1).

use super::{challenged, nonce_was_fresh, rejects};
use crate::rules::{CallView, Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::transaction::timers;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-loop",
    code: "SEC002",
    severity: Severity::Error,
    judge: Judge::Call(judge),
    words: include_str!("auth_loop.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut told = Vec::new();
    for transaction in &view.call.transactions {
        let Some(response) = challenged(transaction) else {
            continue;
        };
        let Some(challenge) = rejects(transaction, response) else {
            continue;
        };
        let retried: Vec<_> = view.call.later_tries(transaction).collect();
        let fresh = nonce_was_fresh(view.call, transaction);
        if told.contains(&transaction.id) || (!retried.is_empty() && !fresh) {
            continue;
        }
        // All tries of one client at one server are one conversation.
        let rejected: Vec<_> = retried
            .iter()
            .copied()
            .filter(|it| challenged(it).is_some_and(|answer| rejects(it, answer).is_some()))
            .collect();
        told.extend(rejected.iter().map(|it| it.id));
        let came_right = view.call.succeeded_elsewhere(transaction)
            || view
                .surroundings
                .succeeded_after(transaction, response.time());
        let user = transaction
            .credentials
            .iter()
            .find(|credentials| credentials.realm == challenge.realm)
            .map_or("", |credentials| &credentials.username);
        let mut finding = Finding::of(&RULE, transaction)
            .fact("user", user)
            .fact("realm", &*challenge.realm)
            .fact("tries", 1 + rejected.len())
            .fact("dst", transaction.flow.dst.to_string())
            .fact("method", transaction.method.name())
            .fact("algorithm", &*challenge.algorithm);
        for try_again in rejected {
            finding = finding.also(try_again);
        }
        // The last word, but to a nonce that may only have grown old.
        if !fresh {
            let waited = view.watched_since(response.time());
            finding.so_far = waited < timers::timeout(transaction, view.thresholds.t1);
            finding.confidence = Confidence::Possible;
        }
        if came_right {
            finding = finding.severity(Severity::Warning);
        }
        // A proxy passes the rejection on: the same finding on the next hop is its echo.
        let echo = found.iter().any(|other| {
            other.rule.name == RULE.name
                && other.get("realm") == finding.get("realm")
                && other.get("user") == finding.get("user")
        });
        if !echo {
            found.push(finding);
        }
    }
}
