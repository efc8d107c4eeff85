//! `auth-loop`: credentials were challenged again: they were rejected (RFC 3261 §22.1). Where the packets show which value
//! is wrong, that is the variant.

use super::{Rejection, came_right, is_echo, list, nonce_was_fresh, rejection, short, with_try};
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::sip::digest::{Proof, Side};
use crate::sip::value::user_and_host;
use crate::transaction::{Response, Transaction, timers};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-loop",
    code: "SEC002",
    severity: Severity::Error,
    guards: &[Guard::Snap, Guard::Outcome],
    judge: Judge::CallWith(Has::CHALLENGE.and(Has::CREDENTIALS), judge),
    words: include_str!("auth_loop.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut told = Vec::new();
    for transaction in &view.call.transactions {
        let Some(rejection) = rejection(view.call, transaction) else {
            continue;
        };
        let retried: Vec<_> = view.call.later_tries(transaction).collect();
        // A client that had a challenge and answers another nonce is rejected for good reason.
        let fresh = nonce_was_fresh(view.call, transaction) || rejection.answered.is_some();
        if told.contains(&transaction.id) || (!retried.is_empty() && !fresh) {
            continue;
        }
        // All tries of one client at one server are one conversation.
        let rejected: Vec<_> = retried
            .iter()
            .copied()
            .filter(|it| super::rejection(view.call, it).is_some())
            .collect();
        told.extend(rejected.iter().map(|it| it.id));
        let proof = proof(view, transaction, &rejection);
        let mut finding = Finding::of(&RULE, transaction)
            .variant(variant(transaction, &rejection, proof))
            .fact("user", &*rejection.used.username)
            .fact("realm", &*rejection.used.realm)
            .fact("tries", 1 + rejected.len())
            .fact("dst", view.call.answered_by(transaction).to_string())
            .fact("method", transaction.method.name());
        finding = with_values(finding, transaction, &rejection);
        if proof.is_some() {
            finding = finding.fact(
                "password",
                if proof == Some(Proof::Same) {
                    "as given"
                } else {
                    "not as given"
                },
            );
        }
        let tries = std::iter::once(transaction).chain(rejected.iter().copied());
        for (name, it) in TRIES.iter().zip(tries) {
            finding = finding.fact_if(name, line(view, it));
        }
        let tries = std::iter::once(transaction).chain(rejected);
        for rejected in tries.take(MAX_FRAMES_SHOWN) {
            finding = with_try(finding, view.call, rejected);
        }
        // The last word, but to a nonce that may only have grown old.
        if !fresh {
            let waited = view.watched_since(rejection.response.time());
            finding.so_far = waited < timers::timeout(transaction, view.thresholds.t1);
            finding.confidence = Confidence::Possible;
        }
        if came_right(view, transaction, rejection.response) {
            finding = finding.severity(Severity::Warning);
        }
        if !is_echo(found, &finding, &["realm", "user"]) {
            found.push(finding);
        }
    }
}

/// Tries that are told value by value: what differs from one to the next shows in the first ones.
const TRIES: [&str; 4] = ["try_1", "try_2", "try_3", "try_4"];

/// The values of a try that decide, as facts.
fn with_values(finding: Finding, transaction: &Transaction, rejection: &Rejection<'_>) -> Finding {
    let (used, challenge) = (rejection.used, rejection.challenge);
    let some = |text: &str| (!text.is_empty()).then(|| short(text));
    let before = rejection.answered.and_then(super::challenged);
    let (account, target) = (
        user(&transaction.from.uri),
        String::from_utf8_lossy(&transaction.request_uri),
    );
    let mut finding = finding
        .fact("algorithm", &*used.algorithm)
        .fact("nonce_used", or_none(&used.nonce))
        .fact_if(
            "nonce_offered",
            rejection
                .answered
                .map(|_| or_none(&list(rejection.offered().map(|it| &*it.nonce)))),
        )
        .fact_if("nonce_now", some(&challenge.nonce))
        .fact("uri", or_none(&used.uri))
        .fact_if("target", some(&target))
        .fact_if("account", some(&account))
        .fact("qop_offered", or_none(&challenge.qop))
        .fact_if("qop", some(&used.qop))
        .fact_if("nc", some(&used.nc))
        .fact_if("response", some(&used.response_start));
    let field = match used.side {
        Side::Server => "Authorization",
        Side::Proxy => "Proxy-Authorization",
    };
    finding = finding
        .fact("field", field)
        .fact("code", rejection.response.code);
    if let Some(before) = before {
        finding = finding
            .fact("node", node(before))
            .fact("other_node", node(rejection.response));
    }
    finding
}

/// A word for a list without entries.
fn or_none(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        short(text)
    }
}

/// A try in one line: what it used and what it got.
fn line(view: &CallView<'_>, transaction: &Transaction) -> Option<String> {
    let rejection = rejection(view.call, transaction)?;
    let used = rejection.used;
    let frame = transaction.requests.first()?.frame;
    let values = [
        ("username", &*used.username, ""),
        ("nonce", &used.nonce, ""),
        ("uri", &used.uri, ""),
        ("algorithm", &used.algorithm, ""),
        ("qop", &used.qop, ""),
        ("nc", &used.nc, ""),
        ("response", &used.response_start, "…"),
    ];
    let mut parts = vec![format!("{}: CSeq {}", frame.0, transaction.cseq)];
    parts.extend(
        values
            .iter()
            .filter(|(_, value, _)| !value.is_empty())
            .map(|(name, value, more)| format!("{name}={}{more}", short(value))),
    );
    Some(format!(
        "{} → {}, nonce={}",
        parts.join(", "),
        rejection.response.code,
        short(&rejection.challenge.nonce)
    ))
}

/// Which value the packets show to be wrong; `None` when none is.
fn variant(
    transaction: &Transaction,
    rejection: &Rejection<'_>,
    proof: Option<Proof>,
) -> Option<&'static str> {
    let used = rejection.used;
    let answered = rejection.answered.is_some();
    let mut offered: Vec<_> = rejection.offered().collect();
    if answered && !offered.iter().any(|it| it.side == used.side) {
        return Some("wrong-field");
    }
    if answered && !offered.iter().any(|it| it.nonce == used.nonce) {
        return Some("nonce-not-offered");
    }
    if offered.is_empty() {
        offered.push(rejection.challenge);
    }
    let has_algorithm = |name: &str| {
        offered
            .iter()
            .any(|it| it.algorithm.eq_ignore_ascii_case(name))
    };
    if !has_algorithm(&used.algorithm) {
        return Some("algorithm");
    }
    let incomplete = !used.qop.is_empty() && (used.nc.is_empty() || used.cnonce.is_empty());
    let not_offered = !used.qop.is_empty() && !offered.iter().any(|it| it.offers_qop(&used.qop));
    if incomplete || not_offered {
        return Some("qop");
    }
    // On later hops the Request-URI is another one for good reason.
    if transaction.via_count == 1 && !same_target(&used.uri, &transaction.request_uri) {
        return Some("uri");
    }
    let other_node = rejection
        .answered
        .and_then(super::challenged)
        .is_some_and(|before| differ(before, rejection.response));
    if other_node {
        return Some("other-node");
    }
    if proof == Some(Proof::Same) {
        return Some("password-right");
    }
    let account = user(&transaction.from.uri);
    let name = used.username.split('@').next().unwrap_or_default();
    (transaction.via_count == 1 && !account.is_empty() && name != account).then_some("user")
}

/// What a password that the user gave says of the try.
fn proof(
    view: &CallView<'_>,
    transaction: &Transaction,
    rejection: &Rejection<'_>,
) -> Option<Proof> {
    let proofs = super::proofs(view, transaction.request()?);
    proofs
        .into_iter()
        .find(|(credentials, _)| credentials == rejection.used)
        .map(|(_, proof)| proof)
}

/// Whether two answers of one server come from different nodes behind it.
fn differ(one: &Response, other: &Response) -> bool {
    let software = |response: &Response| response.evidence("Server").map(str::to_owned);
    let named =
        matches!((software(one), software(other)), (Some(one), Some(other)) if one != other);
    named || one.flow.src.ip() != other.flow.src.ip()
}

/// How a node shows itself.
fn node(response: &Response) -> String {
    let address = response.flow.src.ip().to_string();
    match response.evidence("Server") {
        Some(server) => format!("{} ({address})", short(server)),
        None => address,
    }
}

/// The user part of a URI.
fn user(uri: &[u8]) -> String {
    let (user, _) = user_and_host(uri);
    let user = user.split(|&byte| byte == b':').next().unwrap_or_default();
    String::from_utf8_lossy(user).into_owned()
}

/// Whether a digest-uri names what the Request-URI does. Parameters and a port that only one of them has are no fault that
/// servers mind (RFC 7616 §3.4.6 asks for more).
fn same_target(uri: &str, request_uri: &[u8]) -> bool {
    let parts = |uri: &[u8]| {
        let (user, host) = user_and_host(uri);
        let host = String::from_utf8_lossy(host).to_lowercase();
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                (name.to_owned(), Some(port.to_owned()))
            }
            _ => (host.clone(), None),
        };
        (user.to_vec(), name, port)
    };
    let (user, name, port) = parts(uri.as_bytes());
    let (other_user, other_name, other_port) = parts(request_uri);
    let ports_agree = port.is_none() || other_port.is_none() || port == other_port;
    user == other_user && name == other_name && ports_agree
}
