//! `auth-stale-loop`: a nonce that was just offered is called stale, again and again (RFC 7616 §3.3).

use super::{FRESH, Rejection, came_right, challenged_again, is_echo, list, short, with_try};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-stale-loop",
    code: "SEC008",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::CHALLENGE.and(Has::CREDENTIALS), judge),
    words: include_str!("stale_loop.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(stale) = called_stale(view, transaction) else {
            continue;
        };
        // A chain is told at its beginning, and begins at the first stale that follows no other.
        if follows_stale(view, &stale) {
            continue;
        }
        let mut chain = vec![(transaction, stale)];
        for later in view.call.later_tries(transaction) {
            let Some((last, _)) = chain.last() else {
                break;
            };
            match called_stale(view, later) {
                Some(next) if next.answered.is_some_and(|it| it.id == last.id) => {
                    chain.push((later, next));
                }
                _ if later.start().since(last.last) > FRESH => break,
                _ => {}
            }
        }
        let Some((last, last_stale)) = chain.last().filter(|_| chain.len() >= 2) else {
            continue;
        };
        // Of the client that goes on with the old nonce, and not of servers that do not know each other's.
        let ignored = chain
            .iter()
            .skip(1)
            .all(|(_, it)| !it.offered().any(|offer| offer.nonce == it.used.nonce));
        let servers = list(
            chain
                .iter()
                .filter_map(|(_, it)| it.response.evidence("Server")),
        );
        let mut finding = Finding::of(&RULE, transaction)
            .variant(ignored.then_some("nonce-ignored"))
            .fact("user", short(&stale.used.username))
            .fact("realm", short(&stale.used.realm))
            .fact("dst", view.call.answered_by(transaction).to_string())
            .fact("count", chain.len())
            .fact("nonce_used", short(&last_stale.used.nonce))
            .fact(
                "nonce_offered",
                short(&list(last_stale.offered().map(|it| &*it.nonce))),
            )
            .fact_if("server", (!servers.is_empty()).then_some(servers));
        for (stale, _) in chain.iter().take(MAX_FRAMES_SHOWN) {
            finding = with_try(finding, view.call, stale);
        }
        if came_right(view, last, last_stale.response) {
            finding = finding.severity(Severity::Warning);
            finding.came_right = true;
        }
        if !is_echo(found, &finding, &["realm", "user"]) {
            found.push(finding);
        }
    }
}

/// A request with credentials whose nonce the server calls stale.
pub(super) fn called_stale<'a>(
    view: &CallView<'a>,
    transaction: &'a Transaction,
) -> Option<Rejection<'a>> {
    challenged_again(view.call, transaction).filter(|it| it.challenge.stale)
}

/// Whether the challenge that was answered had said stale as well.
pub(super) fn follows_stale(view: &CallView<'_>, stale: &Rejection<'_>) -> bool {
    stale
        .answered
        .is_some_and(|earlier| called_stale(view, earlier).is_some())
}
