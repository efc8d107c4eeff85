//! Challenges and credentials (RFC 3261 §22).

pub(super) mod algorithm_mismatch;
pub(super) mod auth_loop;
pub(super) mod challenge_normal;
pub(super) mod challenged_ack_or_cancel;
pub(super) mod cseq_not_incremented;
pub(super) mod malformed_challenge;
pub(super) mod no_credentials;
pub(super) mod nonce_reuse;
pub(super) mod rejected_403;
pub(super) mod stale_loop;
pub(super) mod stale_nonce;
pub(super) mod wrong_password_proven;
pub(super) mod wrong_realm;

use crate::dialog::Call;
use crate::rules::{CallView, Finding};
use crate::sip::digest::{Challenge, Credentials, Proof, Side, credentials};
use crate::sip::{Carrier, HeaderName, Message, Method};
use crate::transaction::{Response, Transaction};
use std::time::Duration;

/// How long a nonce may have been offered before: later it has simply grown old, stale or not.
const FRESH: Duration = Duration::from_secs(32);

/// The 401 or 407 that ended a transaction.
pub(super) fn challenged(transaction: &Transaction) -> Option<&Response> {
    transaction
        .final_response()
        .filter(|response| matches!(response.code, 401 | 407))
}

/// Credentials that were challenged again in their realm.
#[derive(Clone, Copy)]
struct Rejection<'a> {
    response: &'a Response,
    /// What was used.
    used: &'a Credentials,
    /// The new challenge.
    challenge: &'a Challenge,
    /// The transaction with the challenge that was answered, where the capture has it.
    answered: Option<&'a Transaction>,
}

impl<'a> Rejection<'a> {
    /// The challenges in this realm that the client had before it.
    fn offered(&self) -> impl Iterator<Item = &'a Challenge> + use<'a> {
        let realm = &*self.used.realm;
        self.answered
            .and_then(challenged)
            .into_iter()
            .flat_map(move |response| in_realm(response, realm))
    }
}

/// The Digest challenges of a response in a realm.
fn in_realm<'a>(response: &'a Response, realm: &'a str) -> impl Iterator<Item = &'a Challenge> {
    response
        .challenges
        .iter()
        .filter(move |challenge| challenge.is_digest() && *challenge.realm == *realm)
}

/// The credentials of a request that a response challenges again, not because of a stale nonce: they were rejected. `None`
/// when they may only have been too old. Several realms on one request are separate conversations (RFC 3261 §22.3).
fn rejection<'a>(call: &'a Call, transaction: &'a Transaction) -> Option<Rejection<'a>> {
    let found = challenged_again(call, transaction)?;
    let no_fault = found.challenge.stale
        || was_accepted(call, transaction, found.used)
        || resynchronises(transaction, found.used);
    (!no_fault).then_some(found)
}

/// Whether the same nonce brought a success before, and is counted on: then it has only grown old, whatever the challenge says
/// of it.
fn was_accepted(call: &Call, transaction: &Transaction, used: &Credentials) -> bool {
    let count = |it: &Credentials| u32::from_str_radix(&it.nc, 16).ok();
    let is_same = |it: &Credentials| {
        it.nonce == used.nonce
            && it.realm == used.realm
            && it.username == used.username
            && (count(it).is_none() || count(it) < count(used))
    };
    call.transactions.iter().any(|earlier| {
        earlier.id < transaction.id
            && earlier.succeeded()
            && same_hop(earlier, transaction)
            && earlier.credentials.iter().any(is_same)
    })
}

/// Whether a SIM says that its sequence number is another one: the challenge that follows is made for it (RFC 3310 §3.4).
fn resynchronises(transaction: &Transaction, used: &Credentials) -> bool {
    let is_aka = (used.algorithm.get(..3)).is_some_and(|it| it.eq_ignore_ascii_case("aka"));
    let has_auts = |request: &Message| {
        let fields = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
        let mut values = fields.into_iter().flat_map(|it| request.headers(it));
        values.any(|it| memchr::memmem::find(&it.to_ascii_lowercase(), b"auts=").is_some())
    };
    is_aka && transaction.request().is_some_and(has_auts)
}

/// The same whether the nonce was stale or not.
fn challenged_again<'a>(call: &'a Call, transaction: &'a Transaction) -> Option<Rejection<'a>> {
    let response = challenged(transaction)?;
    let (used, challenge) = response.challenges.iter().find_map(|challenge| {
        let used = with_realm(transaction, &challenge.realm, challenge)?;
        Some((used, challenge))
    })?;
    Some(Rejection {
        response,
        used,
        challenge,
        answered: answered(call, transaction, &used.realm),
    })
}

/// The credentials for a realm; of two, the ones in the field that belongs to the challenge.
fn with_realm<'a>(
    transaction: &'a Transaction,
    realm: &str,
    challenge: &Challenge,
) -> Option<&'a Credentials> {
    let of_realm = || {
        transaction
            .credentials
            .iter()
            .filter(|credentials| *credentials.realm == *realm)
    };
    of_realm()
        .find(|credentials| credentials.side == challenge.side)
        .or_else(|| of_realm().next())
}

/// The transactions before this one, of the same client with the same server, that were challenged and wait for an answer:
/// the client had the time to give one, nothing has grown old meanwhile, and no try in between was let pass.
fn challenged_before<'a>(call: &'a Call, transaction: &'a Transaction) -> Vec<&'a Transaction> {
    let mut waiting = Vec::new();
    let before = call
        .attempt(transaction)
        .filter(|earlier| earlier.id < transaction.id && same_hop(earlier, transaction));
    for earlier in before {
        match challenged(earlier) {
            Some(response)
                if response.time() <= transaction.start()
                    && transaction.start().since(response.time()) <= FRESH =>
            {
                waiting.push(earlier);
            }
            None if earlier.final_response().is_some() => waiting.clear(),
            _ => {}
        }
    }
    waiting
}

/// The transaction whose challenge in this realm a request answers, or should.
fn answered<'a>(
    call: &'a Call,
    transaction: &'a Transaction,
    realm: &'a str,
) -> Option<&'a Transaction> {
    challenged_before(call, transaction)
        .into_iter()
        .rfind(|earlier| {
            challenged(earlier).is_some_and(|response| in_realm(response, realm).next().is_some())
        })
}

fn same_hop(one: &Transaction, other: &Transaction) -> bool {
    one.flow.src.ip() == other.flow.src.ip() && one.flow.dst.ip() == other.flow.dst.ip()
}

/// Whether the credentials answer a nonce that this capture shows being offered shortly before. Others may be rejected
/// for their age alone, by servers that do not say stale.
fn nonce_was_fresh(call: &Call, transaction: &Transaction) -> bool {
    call.attempt(transaction).any(|earlier| {
        earlier.id < transaction.id
            && transaction.start().since(earlier.last) <= FRESH
            && challenged(earlier).is_some_and(|response| {
                response.challenges.iter().any(|challenge| {
                    transaction
                        .credentials
                        .iter()
                        .any(|credentials| credentials.nonce == challenge.nonce)
                })
            })
    })
}

/// Whether a challenge is the last word of an attempt and no finding here says why: the request is cut, or the client does
/// not go on after a stale nonce (guards G-END, G-SNAP; FINDINGS section 12).
pub(super) fn is_unexplained(
    view: &CallView<'_>,
    transaction: &Transaction,
    response: &Response,
) -> bool {
    let ping = transaction.method == Method::Options && !transaction.in_dialog();
    let goes_on = || {
        view.call.attempt(transaction).any(|other| {
            other.id > transaction.id && other.flow.src.ip() == transaction.flow.src.ip()
        }) || view
            .surroundings
            .authenticated_after(transaction, response.time())
    };
    let told = || {
        no_credentials::unanswered(view, transaction).is_some()
            || rejection(view.call, transaction).is_some()
            || wrong_realm::asked_for_another(view, transaction).is_some()
            || malformed_challenge::fault(response).is_some()
            || stale_loop::called_stale(view, transaction)
                .is_some_and(|stale| stale_loop::follows_stale(view, &stale))
    };
    let without_answer = ping || matches!(transaction.method, Method::Cancel | Method::Ack);
    !without_answer
        && !goes_on()
        && !told()
        && !no_credentials::is_unheard(transaction, response)
        && !came_right(view, transaction, response)
}

/// Whether the attempt came to a success after a challenge, under this Call-ID or another.
fn came_right(view: &CallView<'_>, transaction: &Transaction, response: &Response) -> bool {
    view.call.succeeded_elsewhere(transaction)
        || view
            .surroundings
            .succeeded_after(transaction, response.time())
}

/// Adds a try, and the hop on which it was decided: a proxy passes challenges and refusals on.
fn with_try(finding: Finding, call: &Call, transaction: &Transaction) -> Finding {
    let finding = finding.also(transaction);
    let response = transaction.final_response();
    match response.and_then(|it| call.behind(transaction, it)) {
        Some((hop, _)) => finding.also(hop),
        None => finding,
    }
}

/// Whether the same was found on another hop: a proxy passes challenges and credentials on.
fn is_echo(found: &[Finding], finding: &Finding, by: &[&str]) -> bool {
    found.iter().any(|other| {
        other.rule.name == finding.rule.name
            && by.iter().all(|name| other.get(name) == finding.get(name))
    })
}

fn realm(response: &Response) -> &str {
    response
        .challenges
        .first()
        .map_or("", |challenge| &challenge.realm)
}

/// A value of a stranger as a fact: the beginning is enough to compare by.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(SHORT).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Characters of a nonce that tell two apart, also where servers begin it with the time.
const SHORT: usize = 40;

/// Texts each once, in their order.
fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for text in texts {
        if !text.is_empty() && !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen.join(", ")
}

/// What the passwords that the user gave say of the credentials of a request. Where others stand for what was captured, it is
/// tested on what was captured.
fn proofs(view: &CallView<'_>, request: &Message) -> Vec<(Credentials, Proof)> {
    let Some(redactor) = view.redactor.filter(|_| !view.passwords.is_empty()) else {
        return view.passwords.proofs(request);
    };
    let bytes = redactor.captured_message(request.raw());
    let Some(captured) = Message::parse(&bytes, Carrier::default()).filter(|_| !request.is_cut())
    else {
        return Vec::new();
    };
    let shown = all_credentials(request);
    let captured_ones = all_credentials(&captured);
    let proofs = view.passwords.proofs(&captured).into_iter();
    proofs
        // Of bodies not all comes back, and this digest is made of one.
        .filter(|(used, _)| !used.qop.eq_ignore_ascii_case("auth-int"))
        .filter_map(|(used, proof)| {
            let at = captured_ones.iter().position(|it| *it == used)?;
            Some((shown.get(at)?.clone(), proof))
        })
        .collect()
}

fn all_credentials(request: &Message) -> Vec<Credentials> {
    [
        (HeaderName::Authorization, Side::Server),
        (HeaderName::ProxyAuthorization, Side::Proxy),
    ]
    .into_iter()
    .flat_map(|(header, side)| {
        (request.headers(header)).filter_map(move |value| credentials(&value, side))
    })
    .collect()
}
