//! What a response means here: the first 401 is a normal challenge, the one after credentials a rejection.

use crate::catalogue::{Catalogue, fill};
use crate::sip::Method;
use crate::transaction::{Response, State, Transaction};

/// What a response to this request says, in a few words for a row.
pub(super) fn short(
    catalogue: Catalogue,
    transaction: &Transaction,
    response: &Response,
) -> String {
    if let Some(key) = key(transaction, response) {
        return catalogue.word(key).to_owned();
    }
    catalogue
        .code(response.code)
        .map(|code| {
            if code.facts.is_some() {
                code.words.short.clone()
            } else {
                let class = (response.code / 100).to_string();
                fill(catalogue.word("unknown_code"), |name| {
                    (name == "class").then(|| class.clone())
                })
            }
        })
        .unwrap_or_default()
}

/// What to do about it: nothing special where the context makes it normal.
pub(super) fn advice(
    catalogue: Catalogue,
    transaction: &Transaction,
    response: &Response,
) -> Vec<String> {
    if let Some(key) = key(transaction, response) {
        return vec![catalogue.word(key).to_owned()];
    }
    let Some(code) = catalogue.code(response.code) else {
        return Vec::new();
    };
    if response.code < 300 {
        vec![code.words.next_step.clone()]
    } else {
        code.words.fix.clone()
    }
}

/// How a transaction stands, in a few words: what its decisive response says, or what it lacks.
pub(super) fn verdict(catalogue: Catalogue, transaction: &Transaction) -> String {
    if let Some(response) = transaction.final_response() {
        return short(catalogue, transaction, response);
    }
    if let Some(note) = transaction.icmp.first() {
        return fill(catalogue.word("context_unreachable"), |name| match name {
            "kind" => Some(note.kind.name().to_owned()),
            "reporter" => Some(note.reporter.to_string()),
            _ => None,
        });
    }
    let word = match transaction.state {
        _ if transaction.alone_since_trying(transaction.closed).is_some() => "context_stuck",
        State::PendingAtEnd | State::Calling | State::Proceeding
            if !transaction.responses.is_empty() =>
        {
            "context_open"
        }
        State::TimedOut => "context_no_response",
        _ => "context_no_response_yet",
    };
    catalogue.word(word).to_owned()
}

fn key(transaction: &Transaction, response: &Response) -> Option<&'static str> {
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
                Some(_) => "context_rejected",
                None => "context_challenge",
            })
        }
        403 if !transaction.credentials.is_empty() => Some("context_rejected_403"),
        487 if transaction.method == Method::Invite && transaction.cancelled.is_some() => {
            Some("context_cancelled")
        }
        200..300 => Some("context_ok"),
        _ => None,
    }
}
