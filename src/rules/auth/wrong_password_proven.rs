//! `auth-wrong-password-proven`: with the password that the user gave the response would have been another one (RFC 7616
//! §3.4).

use super::{challenged, is_echo, short};
use crate::rules::{CallView, Finding, Judge, Rule};
use crate::severity::Severity;
use crate::sip::digest::Proof;
use crate::transaction::Transaction;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-wrong-password-proven",
    code: "SEC005",
    severity: Severity::Error,
    guards: &[],
    judge: Judge::Call(judge),
    words: include_str!("wrong_password_proven.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    if view.passwords.is_empty() {
        return;
    }
    for transaction in &view.call.transactions {
        let Some(request) = transaction.request() else {
            continue;
        };
        for (used, proof) in super::proofs(view, request) {
            if proof == Proof::Same {
                continue;
            }
            let accepted = is_accepted(transaction);
            let finding = Finding::of(&RULE, transaction)
                .variant(if accepted == Some(true) {
                    Some("accepted")
                } else {
                    (proof == Proof::Blank).then_some("blank")
                })
                .fact("method", transaction.method.name())
                .fact("user", short(&used.username))
                .fact("realm", short(&used.realm))
                .fact("src", transaction.flow.src.to_string())
                .fact("dst", view.call.answered_by(transaction).to_string())
                .fact("algorithm", short(&used.algorithm))
                .fact("uri", short(&used.uri))
                .fact("response", &*used.response_start)
                // What was accepted is right: the password that was given is another one, and nothing is wrong.
                .severity(match accepted {
                    Some(true) => Severity::Info,
                    Some(false) => Severity::Error,
                    None => Severity::Warning,
                });
            let told = found
                .iter_mut()
                .find(|other| is_echo(std::slice::from_ref(*other), &finding, &["realm", "user"]));
            match told {
                // A rejection says more than what came before it.
                Some(other) if other.severity >= finding.severity => {}
                Some(other) => *other = finding,
                None => found.push(finding),
            }
        }
    }
}

/// Whether the server took the credentials; `None` while it has said nothing that tells.
fn is_accepted(transaction: &Transaction) -> Option<bool> {
    let response = transaction.final_response()?;
    let refused = challenged(transaction).is_some() || response.code == 403;
    match response.code {
        200..300 => Some(true),
        _ if refused => Some(false),
        _ => None,
    }
}
