//! `auth-stale-nonce`: a nonce had grown old, and the next one was accepted (RFC 7616 §3.3).

use super::stale_loop::{called_stale, follows_stale};
use super::{challenged, challenged_again, same_hop, short};
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::transaction::Transaction;
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-stale-nonce",
    code: "SEC007",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::CallWith(Has::CHALLENGE.and(Has::CREDENTIALS), judge),
    words: include_str!("stale_nonce.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let solved: Vec<&Transaction> = view
        .call
        .transactions
        .iter()
        .filter(|it| is_solved(view, it))
        .collect();
    let Some(&first) = solved.first() else {
        return;
    };
    let Some(stale) = called_stale(view, first) else {
        return;
    };
    // A proxy passes them on: those of one hop count.
    let here = |it: &&&Transaction| same_hop(it, first);
    let count = solved.iter().filter(here).count();
    let requests = view
        .call
        .transactions
        .iter()
        .filter(|it| same_hop(it, first) && !it.credentials.is_empty())
        .count();
    let shortest = solved
        .iter()
        .filter(here)
        .filter_map(|it| age(view, it))
        .min();
    let share = count * 100 / requests.max(1);
    let often = count as u64 >= view.thresholds.stale_nonces
        && share > 30
        && shortest.is_some_and(|lifetime| lifetime < view.thresholds.nonce_lifetime);
    let mut finding = Finding::of(&RULE, first)
        .variant(often.then_some("often"))
        .severity(if often {
            Severity::Warning
        } else {
            Severity::Info
        })
        .fact("user", short(&stale.used.username))
        .fact("realm", short(&stale.used.realm))
        .fact("dst", view.call.answered_by(first).to_string())
        .fact("count", count)
        .fact("requests", requests)
        .fact_if("age", shortest);
    for other in solved.iter().filter(here).skip(1) {
        finding = finding.also(other);
    }
    found.push(finding);
}

/// Whether the next try after a stale nonce was not challenged again.
fn is_solved(view: &CallView<'_>, transaction: &Transaction) -> bool {
    let Some(stale) = called_stale(view, transaction) else {
        return false;
    };
    !follows_stale(view, &stale)
        && view
            .call
            .later_tries(transaction)
            .next()
            .is_some_and(|next| {
                next.final_response().is_some() && challenged_again(view.call, next).is_none()
            })
}

/// How long before the nonce that was called stale had been offered, where the capture has that.
fn age(view: &CallView<'_>, transaction: &Transaction) -> Option<Duration> {
    let stale = called_stale(view, transaction)?;
    let offered = view
        .call
        .transactions
        .iter()
        .filter(|it| it.id < transaction.id)
        .filter_map(challenged)
        .find(|response| {
            response
                .challenges
                .iter()
                .any(|challenge| challenge.nonce == stale.used.nonce)
        })?;
    Some(transaction.start().since(offered.time()))
}
