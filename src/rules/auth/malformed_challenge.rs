//! `auth-malformed-challenge`: a challenge that no client can answer (RFC 3261 §22.1–§22.4).

use super::{challenged, is_echo};
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::Method;
use crate::sip::digest::Side;
use crate::transaction::Response;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-malformed-challenge",
    code: "SEC011",
    severity: Severity::Error,
    guards: &[Guard::Snap, Guard::Outcome],
    judge: Judge::CallWith(Has::CHALLENGE, judge),
    words: include_str!("malformed_challenge.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(response) = challenged(transaction) else {
            continue;
        };
        // CANCEL has a finding of its own, and a ping has found its peer alive.
        let ping = transaction.method == Method::Options && !transaction.in_dialog();
        if ping || transaction.method == Method::Cancel {
            continue;
        }
        let Some(fault) = fault(response) else {
            continue;
        };
        let behind = view.call.behind(transaction, response);
        let made = behind.map_or(response, |(_, made)| made);
        let schemes = super::list(response.challenges.iter().map(|it| &*it.scheme));
        let finding = Finding::of(&RULE, transaction)
            .variant(fault.variant())
            .fact("method", transaction.method.name())
            .fact("code", response.code)
            .fact("dst", made.flow.src.to_string())
            .fact("field", field(response.code))
            .fact_if(
                "scheme",
                (!schemes.is_empty()).then_some(super::short(&schemes)),
            )
            .fact_if("server", response.evidence("Server"))
            .note_if(super::came_right(view, transaction, response));
        if !is_echo(found, &finding, &["method", "code"]) {
            found.push(finding);
        }
    }
}

const fn field(code: u64) -> &'static str {
    match code {
        407 => "Proxy-Authenticate",
        _ => "WWW-Authenticate",
    }
}

/// What is wrong with a challenge.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Missing,
    Basic,
    NoNonce,
    NoRealm,
}

impl Fault {
    const fn variant(self) -> Option<&'static str> {
        match self {
            Self::Missing => None,
            Self::Basic => Some("basic"),
            Self::NoNonce => Some("no-nonce"),
            Self::NoRealm => Some("no-realm"),
        }
    }
}

/// What is wrong with the challenges of a response; `None` when one of them will do, or when the capture does not have all of
/// the response (guard G-SNAP).
pub(super) fn fault(response: &Response) -> Option<Fault> {
    response.message().filter(|message| !message.is_cut())?;
    let side = match response.code {
        407 => Side::Proxy,
        _ => Side::Server,
    };
    let mut first = None;
    for challenge in response.challenges.iter().filter(|it| it.side == side) {
        let fault = if challenge.scheme.eq_ignore_ascii_case("Basic") {
            Fault::Basic
        } else if !challenge.is_digest() {
            // Bearer (RFC 8898), NTLM and others have parameters of their own.
            return None;
        } else if !challenge.has_realm {
            Fault::NoRealm
        } else if challenge.nonce.is_empty() {
            Fault::NoNonce
        } else {
            return None;
        };
        first.get_or_insert(fault);
    }
    Some(first.unwrap_or(Fault::Missing))
}
