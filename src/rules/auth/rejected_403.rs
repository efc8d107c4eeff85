//! `auth-rejected-403`: 403 to a request with credentials (RFC 3261 §21.4.4).

use super::with_try;
use crate::dialog::Call;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::Transaction;
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

/// Who answered credentials with 403: the one who made it had them, and is no hop behind a proxy that took them for its own.
/// `None` when this is no such request.
pub(in crate::rules) fn refuser(call: &Call, transaction: &Transaction) -> Option<SocketAddr> {
    let credentials = transaction.credentials.first()?;
    let response = transaction.final_response().filter(|it| it.code == 403)?;
    // A registrar that says what it has too many of says nothing of credentials.
    if transaction.method == Method::Register && response.reason.to_lowercase().contains("contact")
    {
        return None;
    }
    match call.behind(transaction, response) {
        Some((hop, made)) => {
            let had_them = hop.credentials.iter().any(|it| it.is_same(credentials));
            had_them.then_some(made.flow.src)
        }
        None => Some(transaction.flow.dst),
    }
}
