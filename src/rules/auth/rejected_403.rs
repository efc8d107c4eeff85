//! `auth-rejected-403`: 403 to a request with credentials (RFC 3261 §21.4.4).

use super::with_try;
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::sip::digest::Credentials;
use crate::transaction::{Response, Transaction};
use std::net::SocketAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-rejected-403",
    code: "SEC004",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::REFUSAL.and(Has::CREDENTIALS), judge),
    words: include_str!("rejected_403.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut all = view.call.transactions.iter();
    let refusal = all.find_map(|it| Some((it, refused(view.call, it)?)));
    let Some((transaction, (credentials, by))) = refusal else {
        return;
    };
    let reason = transaction.final_response().map(|it| &*it.reason);
    let finding = Finding::of(&RULE, transaction)
        .fact("method", transaction.method.name())
        .fact("user", &*credentials.username)
        .fact("dst", by.to_string())
        .fact("code", 403_u64)
        .fact("reason", reason.unwrap_or_default())
        .note_if(view.came_right(transaction));
    found.push(with_try(finding, view.call, transaction));
}

/// The credentials that were answered with 403, and who made it: he had them, and is no hop behind a proxy that took them for its
/// own. `None` when this is no such request.
fn refused<'a>(call: &Call, transaction: &'a Transaction) -> Option<(&'a Credentials, SocketAddr)> {
    let response = transaction.final_response().filter(|it| it.code == 403)?;
    if is_of_contacts(transaction, response) {
        return None;
    }
    let mut own = transaction.credentials.iter();
    let Some((hop, made)) = call.behind(transaction, response) else {
        return Some((own.next()?, transaction.flow.dst));
    };
    let had = |it: &&Credentials| hop.credentials.iter().any(|other| other.is_same(it));
    Some((own.find(had)?, made.flow.src))
}

/// Whether this rule tells a 403: of this request, or of the hop behind it that made it.
pub(in crate::rules) fn tells(call: &Call, transaction: &Transaction, response: &Response) -> bool {
    let behind = || call.behind(transaction, response);
    response.code == 403
        && (refused(call, transaction).is_some()
            || behind().is_some_and(|(hop, _)| refused(call, hop).is_some()))
}

/// Whether a registrar says that it has too many contacts already: that says nothing of credentials.
fn is_of_contacts(register: &Transaction, response: &Response) -> bool {
    let phrase = response.reason.to_lowercase();
    register.method == Method::Register
        && phrase.contains("contact")
        && ["max", "many", "exceed", "limit"]
            .iter()
            .any(|it| phrase.contains(it))
}
