//! `auth-rejected-403`: 403 to a request with credentials (RFC 3261 §21.4.4).

use super::with_try;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-rejected-403",
    code: "SEC004",
    severity: Severity::Error,
    guards: &[Guard::Outcome],
    judge: Judge::CallWith(Has::REFUSAL.and(Has::CREDENTIALS), judge),
    words: include_str!("rejected_403.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(credentials) = transaction.credentials.first() else {
            continue;
        };
        if transaction.final_code() != Some(403)
            || found.iter().any(|other| other.rule.name == RULE.name)
        {
            continue;
        }
        let reason = transaction
            .final_response()
            .map_or("", |response| &response.reason);
        // Who never got the credentials did not refuse them.
        let got = |hop: &Transaction| hop.credentials.iter().any(|it| it.is_same(credentials));
        let refuser = transaction
            .final_response()
            .and_then(|response| view.call.behind(transaction, response))
            .filter(|(hop, _)| got(hop))
            .map_or(transaction.flow.dst, |(_, made)| made.flow.src);
        let finding = Finding::of(&RULE, transaction)
            .fact("method", transaction.method.name())
            .fact("user", &*credentials.username)
            .fact("dst", refuser.to_string())
            .fact("reason", reason)
            .note_if(view.came_right(transaction));
        found.push(with_try(finding, view.call, transaction));
    }
}
