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
    let Some((transaction, by)) = all.find_map(|it| Some((it, refuser(view.call, it)?))) else {
        return;
    };
    let user = transaction.credentials.first().map(|it| &*it.username);
    let reason = transaction.final_response().map(|it| &*it.reason);
    let finding = Finding::of(&RULE, transaction)
        .fact("method", transaction.method.name())
        .fact("user", user.unwrap_or_default())
        .fact("dst", by.to_string())
        .fact("reason", reason.unwrap_or_default())
        .note_if(view.came_right(transaction));
    found.push(with_try(finding, view.call, transaction));
}

/// Who answered credentials with 403: the one who made it had some of them, and is no hop behind a proxy that took them for its
/// own. `None` when this is no such request.
pub(in crate::rules) fn refuser(call: &Call, transaction: &Transaction) -> Option<SocketAddr> {
    let response = transaction.final_response().filter(|it| it.code == 403)?;
    if transaction.credentials.is_empty() || is_of_contacts(transaction, response) {
        return None;
    }
    let Some((hop, made)) = call.behind(transaction, response) else {
        return Some(transaction.flow.dst);
    };
    let had = |it: &Credentials| hop.credentials.iter().any(|other| other.is_same(it));
    let had_some = transaction.credentials.iter().any(had);
    had_some.then_some(made.flow.src)
}

/// Whether this rule tells a 403: of this request, or of the hop behind it that made it.
pub(in crate::rules) fn tells(call: &Call, transaction: &Transaction, response: &Response) -> bool {
    let behind = || call.behind(transaction, response);
    refuser(call, transaction).is_some()
        || behind().is_some_and(|(hop, _)| refuser(call, hop).is_some())
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
