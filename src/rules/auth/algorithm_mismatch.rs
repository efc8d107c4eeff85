//! `auth-algorithm-mismatch`: server and client have no digest algorithm in common (RFC 8760 §2.3, §2.4).

use super::{answered, challenged, challenged_again, in_realm, is_echo, list, no_credentials};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule, Silence};
use crate::severity::{Confidence, Severity};
use crate::sip::digest::Challenge;
use crate::transaction::{Transaction, timers};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-algorithm-mismatch",
    code: "SEC010",
    severity: Severity::Warning,
    guards: &[Guard::End, Guard::OneWay, Guard::Loss, Guard::Outcome],
    judge: Judge::CallWith(Has::CHALLENGE, judge),
    words: include_str!("algorithm_mismatch.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let finding = not_offered(view, transaction).or_else(|| not_answered(view, transaction));
        if let Some(finding) = finding
            && !is_echo(found, &finding, &["realm", "offered"])
        {
            found.push(finding);
        }
    }
}

/// The client answers with an algorithm that the challenge does not name.
fn not_offered(view: &CallView<'_>, transaction: &Transaction) -> Option<Finding> {
    transaction.credentials.iter().find_map(|used| {
        let before = answered(view.call, transaction, &used.realm)?;
        let response = challenged(before)?;
        let offered = || in_realm(response, &used.realm);
        if offered().any(|it| it.algorithm.eq_ignore_ascii_case(&used.algorithm)) {
            return None;
        }
        let finding = with_facts(view, transaction, before, offered());
        let finding = super::with_try(finding, view.call, before)
            .fact("used", super::short(&used.algorithm))
            .fact("user", super::short(&used.username))
            .seen();
        // A server that takes it has no trouble with it.
        let accepted = challenged_again(view.call, transaction).is_none()
            && transaction.final_code() != Some(403);
        Some(finding.note_if(accepted || super::came_right(view, transaction, response)))
    })
}

/// The challenge names only algorithms that older clients do not know, and nobody answers it.
fn not_answered(view: &CallView<'_>, transaction: &Transaction) -> Option<Finding> {
    let response = no_credentials::unanswered(view, transaction)?;
    let digests = || response.challenges.iter().filter(|it| it.is_digest());
    // MD5 is known to all (RFC 8760 §2.4), and who is asked for AKA has it.
    let is_new = |it: &Challenge| {
        let name = it.algorithm.to_ascii_uppercase();
        name.starts_with("SHA-")
    };
    if digests().next().is_none() || !digests().all(is_new) {
        return None;
    }
    let waited = view.watched_since(response.time());
    let silence = if waited >= timers::timeout(transaction, view.thresholds.t1) {
        Silence::Proven
    } else {
        Silence::SoFar
    };
    let mut finding = with_facts(view, transaction, transaction, digests())
        .variant(Some("unanswered"))
        .silence(silence, view.lossy);
    // It may have no credentials at all.
    finding.confidence = finding.confidence.min(Confidence::Likely);
    Some(finding.note_if(super::came_right(view, transaction, response)))
}

fn with_facts<'a>(
    view: &CallView<'_>,
    transaction: &Transaction,
    asked: &Transaction,
    offered: impl Iterator<Item = &'a Challenge>,
) -> Finding {
    let response = challenged(asked);
    Finding::of(&RULE, transaction)
        .fact("method", transaction.method.name())
        .fact_if("code", response.map(|it| it.code))
        .fact("realm", super::short(response.map_or("", super::realm)))
        .fact("src", transaction.flow.src.to_string())
        .fact("dst", view.call.answered_by(asked).to_string())
        .fact(
            "offered",
            super::short(&list(offered.map(|it| &*it.algorithm))),
        )
}
