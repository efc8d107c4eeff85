//! What a response means here: the first 401 is a normal challenge, the one after credentials a rejection.

use super::Settings;
use crate::catalogue::{Catalogue, fill};
use crate::dialog::is_failed_ping;
use crate::rules::Finding;
use crate::severity::Severity;
use crate::sip::Method;
use crate::transaction::{Response, State, Transaction};

/// What a response to this request says, in a few words for a row.
pub(super) fn short(
    catalogue: Catalogue,
    transaction: &Transaction,
    response: &Response,
    findings: &[&Finding],
) -> String {
    if let Some(key) = key(transaction, response, findings) {
        return catalogue.word(key).to_owned();
    }
    let Some(code) = catalogue.code(response.code) else {
        return catalogue.word("no_such_code").to_owned();
    };
    if code.facts.is_some() {
        return code.words.short.clone();
    }
    let class = (response.code / 100).to_string();
    fill(catalogue.word("unknown_code"), |name| {
        (name == "class").then(|| class.clone())
    })
}

/// What to do about it; nothing where all is as it should be.
pub(super) fn advice(
    catalogue: Catalogue,
    transaction: &Transaction,
    response: &Response,
    findings: &[&Finding],
) -> Vec<String> {
    let Some(code) = catalogue.code(response.code) else {
        return Vec::new();
    };
    match key(transaction, response, findings) {
        Some("context_rejected" | "context_rejected_403" | "context_register_404") => {
            code.words.fix.clone()
        }
        Some("context_challenge" | "context_stale" | "context_no_retry") => {
            vec![code.words.next_step.clone()]
        }
        Some(_) => Vec::new(),
        None if response.code < 300 => Vec::new(),
        None => code.words.fix.clone(),
    }
}

/// How a transaction stands, in a few words: what its decisive response says, or what it lacks.
pub(super) fn verdict(
    settings: &Settings,
    transaction: &Transaction,
    findings: &[&Finding],
) -> String {
    let catalogue = settings.catalogue;
    if let Some(response) = transaction.final_response() {
        return short(catalogue, transaction, response, findings);
    }
    if let Some(note) = transaction.icmp.first() {
        return fill(catalogue.word("context_unreachable"), |name| match name {
            "kind" => Some(note.kind.name().to_owned()),
            "reporter" => Some(note.reporter.to_string()),
            _ => None,
        });
    }
    let stuck = transaction
        .alone_since_trying(transaction.closed)
        .is_some_and(|time| time >= settings.stuck_after);
    let word = match transaction.state {
        _ if has(findings, "capture-one-directional") || transaction.answer_implied => {
            "context_implied"
        }
        _ if stuck => "context_stuck",
        _ if !transaction.responses.is_empty() => "context_open",
        State::TimedOut => "context_no_response",
        _ => "context_no_response_yet",
    };
    catalogue.word(word).to_owned()
}

fn has(findings: &[&Finding], name: &str) -> bool {
    findings.iter().any(|finding| finding.rule.name == name)
}

fn key(
    transaction: &Transaction,
    response: &Response,
    findings: &[&Finding],
) -> Option<&'static str> {
    let answered = |realm: &str| {
        transaction
            .credentials
            .iter()
            .any(|credentials| &*credentials.realm == realm)
    };
    match response.code {
        401 | 407 => {
            let again = response
                .challenges
                .iter()
                .find(|challenge| answered(&challenge.realm));
            Some(match again {
                Some(challenge) if challenge.stale => "context_stale",
                Some(_) if has(findings, "auth-loop") => "context_rejected",
                Some(_) => "context_stale",
                None if has(findings, "auth-no-credentials") => "context_no_retry",
                None => "context_challenge",
            })
        }
        403 if !transaction.credentials.is_empty() => Some("context_rejected_403"),
        404 if transaction.method == Method::Register => Some("context_register_404"),
        // Whatever a peer answers to a ping, it is alive (RFC 3261 §11.2); only a few say that it takes no calls.
        300..=699 if transaction.method == Method::Options && !is_failed_ping(response.code) => {
            Some("context_alive")
        }
        481 if transaction.method == Method::Cancel => Some("context_race"),
        481 if findings.iter().any(|it| {
            matches!(it.rule.name, "status" | "bye-481" | "indialog-481")
                && it.severity == Severity::Info
        }) =>
        {
            Some("context_race")
        }
        487 if transaction.method == Method::Invite && transaction.cancelled.is_some() => {
            Some("context_cancelled")
        }
        200..=299 if transaction.method == Method::Invite && response.sends.count() >= 3 => {
            Some(if transaction.acks.is_empty() {
                "context_no_ack"
            } else {
                "context_answer_repeated"
            })
        }
        200..=299 => Some("context_ok"),
        _ => None,
    }
}
