//! `auth-nonce-reuse`: a client answers with a nonce that the server has replaced, or counts a nonce's uses wrongly (RFC 7616
//! §3.4, §5.5).

use super::{answered, challenged, in_realm, is_echo, list, same_hop, short};
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::digest::Credentials;
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-nonce-reuse",
    code: "SEC009",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::CallWith(Has::CREDENTIALS, judge),
    words: include_str!("nonce_reuse.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for (index, transaction) in view.call.transactions.iter().enumerate() {
        for used in &transaction.credentials {
            let before = view.call.transactions.get(..index).unwrap_or_default();
            let finding = old_nonce(view, transaction, used)
                .or_else(|| count_not_raised(view, before, transaction, used));
            let Some(finding) = finding else {
                continue;
            };
            let rejected = challenged(transaction)
                .is_some_and(|response| in_realm(response, &used.realm).next().is_some());
            let finding = finding
                .fact("user", short(&used.username))
                .fact("realm", short(&used.realm))
                .fact("dst", view.call.answered_by(transaction).to_string())
                .fact("method", transaction.method.name())
                .fact("nonce_used", short(&used.nonce))
                // A server that does not mind has no trouble with it.
                .severity(if rejected {
                    Severity::Warning
                } else {
                    Severity::Info
                })
                .confidence(if rejected {
                    Confidence::Likely
                } else {
                    Confidence::Certain
                });
            if !is_echo(found, &finding, &["realm", "user"]) {
                found.push(finding);
            }
        }
    }
}

/// The server had just offered a nonce, and the client used another one.
fn old_nonce(
    view: &CallView<'_>,
    transaction: &Transaction,
    used: &Credentials,
) -> Option<Finding> {
    let before = answered(view.call, transaction, &used.realm)?;
    let response = challenged(before)?;
    let offered = || in_realm(response, &used.realm);
    if offered().any(|challenge| challenge.nonce == used.nonce) || used.nonce.is_empty() {
        return None;
    }
    Some(Finding::of(&RULE, transaction).also(before).fact(
        "nonce_offered",
        short(&list(offered().map(|it| &*it.nonce))),
    ))
}

/// The same nonce and cnonce as in an earlier request, and the count is not higher.
fn count_not_raised(
    view: &CallView<'_>,
    before: &[Transaction],
    transaction: &Transaction,
    used: &Credentials,
) -> Option<Finding> {
    let count = count(used)?;
    let (earlier, last) = before
        .iter()
        .filter(|it| same_hop(it, transaction) && it.cseq != transaction.cseq)
        .filter(|it| it.from.tag == transaction.from.tag)
        .find_map(|it| {
            let same = it.credentials.iter().find(|other| {
                other.nonce == used.nonce
                    && other.cnonce == used.cnonce
                    && other.realm == used.realm
                    && other.username == used.username
            })?;
            (self::count(same)? >= count).then_some((it, same))
        })?;
    // A server that offers the nonce again begins anew.
    let offered_again = view
        .call
        .transactions
        .iter()
        .filter_map(challenged)
        .any(|response| {
            response.time() > earlier.start()
                && response.time() <= transaction.start()
                && in_realm(response, &used.realm).any(|it| it.nonce == used.nonce)
        });
    if offered_again {
        return None;
    }
    Some(
        Finding::of(&RULE, transaction)
            .variant(Some("count"))
            .also(earlier)
            .fact("nc", short(&used.nc))
            .fact("nc_before", short(&last.nc)),
    )
}

/// The nonce count; `None` without a quality of protection, where there is none to raise.
fn count(used: &Credentials) -> Option<u64> {
    let counted = !used.qop.is_empty() && !used.cnonce.is_empty();
    u64::from_str_radix(&used.nc, 16).ok().filter(|_| counted)
}
