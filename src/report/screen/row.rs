//! Rows of the transaction table.

use crate::catalogue::{Catalogue, duration, fill};
use crate::report::context;
use crate::severity::Severity;
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::Transaction;

/// A transaction as the table shows it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) time: Timestamp,
    pub(super) method: String,
    pub(super) route: [String; 2],
    pub(super) sequence: String,
    pub(super) verdict: String,
    /// How bad it is; `None` for one that nobody needs to look at.
    pub(super) severity: Option<Severity>,
}

impl Row {
    pub(super) fn of(catalogue: Catalogue, transaction: &Transaction) -> Self {
        Self {
            time: transaction.start(),
            method: method(transaction),
            route: [
                transaction.flow.src.to_string(),
                transaction.flow.dst.to_string(),
            ],
            sequence: sequence(catalogue, transaction),
            verdict: context::verdict(catalogue, transaction),
            severity: severity_of(transaction),
        }
    }
}

/// What makes a row worth showing: failed, stuck, unanswered, retransmitted.
pub(super) fn severity_of(transaction: &Transaction) -> Option<Severity> {
    match transaction.final_code() {
        Some(401 | 407) if transaction.credentials.is_empty() => {}
        Some(486 | 487 | 600 | 300..400) => return Some(Severity::Warning),
        Some(400..) | None => return Some(Severity::Error),
        Some(_) => {}
    }
    (transaction.retransmissions() > 0 || !transaction.icmp.is_empty()).then_some(Severity::Warning)
}

fn method(transaction: &Transaction) -> String {
    if transaction.in_dialog() && transaction.method == Method::Invite {
        format!("re-{}", transaction.method)
    } else {
        transaction.method.to_string()
    }
}

/// `100 → 180 → 200`, with repeats, and what is missing at the end.
fn sequence(catalogue: Catalogue, transaction: &Transaction) -> String {
    let mut steps: Vec<String> = Vec::new();
    let sends = transaction.requests.count();
    let mut codes: Vec<(u64, usize)> = Vec::new();
    for response in &transaction.responses {
        match codes.last_mut() {
            Some((code, count)) if *code == response.code => *count += response.sends.count(),
            _ => codes.push((response.code, response.sends.count())),
        }
    }
    for (code, count) in codes {
        steps.push(if count > 1 {
            format!("{code} ×{count}")
        } else {
            code.to_string()
        });
    }
    if transaction.responses.is_empty() {
        steps.push(catalogue.word("sequence_none").to_owned());
    } else if let Some(stuck) = transaction.alone_since_trying(transaction.closed) {
        steps.push(fill(catalogue.word("sequence_stuck"), |_| {
            Some(duration(stuck))
        }));
    } else if transaction.final_response().is_none() {
        steps.push(catalogue.word("sequence_open").to_owned());
    }
    let mut text = steps.join(" → ");
    if sends > 1 {
        let again = fill(catalogue.word("sent_again"), |_| Some(sends.to_string()));
        text = format!("{again}: {text}");
    }
    text
}
