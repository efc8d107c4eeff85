//! `auth-wrong-realm`: a challenge is answered with credentials for another realm (RFC 3261 §22.1).

use super::{challenged, challenged_before, is_echo, list, short};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-wrong-realm",
    code: "SEC006",
    severity: Severity::Error,
    guards: &[Guard::Snap, Guard::Outcome],
    judge: Judge::CallWith(Has::CREDENTIALS, judge),
    words: include_str!("wrong_realm.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some((before, asked)) = asked_for_another(view, transaction) else {
            continue;
        };
        let first = transaction.credentials.first();
        let mut finding = Finding::of(&RULE, transaction)
            .also(before)
            .fact("method", transaction.method.name())
            .fact("user", short(first.map_or("", |it| &it.username)))
            .fact(
                "realm",
                short(&list(asked.challenges.iter().map(|it| &*it.realm))),
            )
            .fact(
                "used",
                short(&list(transaction.credentials.iter().map(|it| &*it.realm))),
            )
            .fact("dst", view.call.answered_by(before).to_string());
        if is_echo(found, &finding, &["realm", "used"]) {
            continue;
        }
        for later in view.call.later_tries(transaction) {
            if asked_for_another(view, later).is_some() {
                finding = finding.also(later);
            }
        }
        found.push(finding.note_if(super::came_right(view, transaction, asked)));
    }
}

/// The challenge that was answered for another realm, when that did not do: it came again, or a 403.
pub(super) fn asked_for_another<'a>(
    view: &CallView<'a>,
    transaction: &'a Transaction,
) -> Option<(&'a Transaction, &'a Response)> {
    let ended = transaction.final_response()?;
    if transaction.cut || transaction.credentials.is_empty() {
        return None;
    }
    let before = challenged_before(view.call, transaction).pop()?;
    let asked = challenged(before)?;
    let digests = || asked.challenges.iter().filter(|it| it.is_digest());
    let has = |realm: &str| {
        transaction
            .credentials
            .iter()
            .any(|used| *used.realm == *realm)
    };
    let again =
        |realm: &str| ended.code == 403 || ended.challenges.iter().any(|it| *it.realm == *realm);
    let not_answered =
        digests().next().is_some() && digests().all(|it| !has(&it.realm) && again(&it.realm));
    not_answered.then_some((before, asked))
}
