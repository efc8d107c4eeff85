//! `auth-no-credentials`: a challenge that the client did not answer (RFC 3261 §22.2, §22.3).

use super::{came_right, challenged, list, realm, wrong_realm};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule, Silence};
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::{Response, Transaction, timers};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-no-credentials",
    code: "SEC003",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::OneWay,
        Guard::Loss,
        Guard::Snap,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::CHALLENGE, judge),
    words: include_str!("no_credentials.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(response) = unanswered(view, transaction) else {
            continue;
        };
        if told(found, transaction) || wrong_realm::asked_for_another(view, transaction).is_some() {
            continue;
        }
        let waited = view.watched_since(response.time());
        let silence = if waited >= timers::timeout(transaction, view.thresholds.t1) {
            Silence::Proven
        } else {
            Silence::SoFar
        };
        let came_right = came_right(view, transaction, response);
        let others = list(transaction.credentials.iter().map(|it| &*it.realm));
        found.push(
            Finding::of(&RULE, transaction)
                .fact("method", transaction.method.name())
                .fact("code", response.code)
                .fact("realm", realm(response))
                .fact("dst", view.call.answered_by(transaction).to_string())
                .fact("src", transaction.flow.src.to_string())
                .fact_if("other_realms", (!others.is_empty()).then_some(others))
                .silence(silence, view.lossy)
                .note_if(came_right)
                .severity_at_most(if waited < view.thresholds.credentials_within {
                    Severity::Info
                } else if transaction.in_dialog() {
                    Severity::Warning
                } else {
                    Severity::Error
                }),
        );
    }
}

/// The challenge of a request that nobody answered, of those that one can blame a client for.
pub(super) fn unanswered<'a>(
    view: &CallView<'_>,
    transaction: &'a Transaction,
) -> Option<&'a Response> {
    let response = challenged(transaction)?;
    let retried = || {
        view.call.later_tries(transaction).next().is_some()
            || view.call.attempt(transaction).any(|other| {
                other.id > transaction.id
                    && other.flow.src.ip() == transaction.flow.src.ip()
                    && !other.credentials.is_empty()
            })
            || view
                .surroundings
                .authenticated_after(transaction, response.time())
    };
    // Any answer to a ping means that the peer is alive (RFC 3261 §11.2), and nobody can answer for a CANCEL (§22.1); a
    // cut request hides its credentials (G-SNAP).
    let ping = transaction.method == Method::Options && !transaction.in_dialog();
    let has_credentials = transaction.credentials.iter().any(|used| {
        response.challenges.is_empty()
            || response.challenges.iter().any(|it| it.realm == used.realm)
    });
    let nobody_to_blame = ping
        || transaction.method == Method::Cancel
        || transaction.cut
        || transaction.requests.count() == 0
        || has_credentials
        || is_unheard(transaction, response)
        || retried();
    (!nobody_to_blame).then_some(response)
}

/// Whether the client repeats its request although the challenge was captured: the challenge does not reach it.
pub(in crate::rules) fn is_unheard(transaction: &Transaction, response: &Response) -> bool {
    transaction
        .requests
        .last()
        .is_some_and(|last| last.time > response.time())
        || transaction.icmp.iter().any(|note| note.of_response)
}

/// A proxy passes the challenge on: the same challenge on the next hop is its echo.
fn told(found: &[Finding], transaction: &Transaction) -> bool {
    found.iter().any(|other| {
        other.rule.name == RULE.name
            && other.get("method") == Some(&transaction.method.name().into())
    })
}
