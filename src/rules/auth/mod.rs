//! Challenges and credentials (RFC 3261 §22).

pub(super) mod auth_loop;
pub(super) mod challenge_normal;
pub(super) mod no_credentials;
pub(super) mod rejected_403;

use crate::dialog::Call;
use crate::sip::digest::Challenge;
use crate::transaction::{Response, Transaction};
use std::time::Duration;

/// How long a nonce may have been offered before: later it has simply grown old, stale or not.
const FRESH: Duration = Duration::from_secs(32);

/// The 401 or 407 that ended a transaction.
fn challenged(transaction: &Transaction) -> Option<&Response> {
    transaction
        .final_response()
        .filter(|response| matches!(response.code, 401 | 407))
}

/// The challenge, if any, for a realm that the request had credentials for already, not because of a stale nonce: the
/// credentials were rejected. Several realms on one request are separate conversations (RFC 3261 §22.3).
fn rejects<'a>(transaction: &Transaction, response: &'a Response) -> Option<&'a Challenge> {
    response.challenges.iter().find(|challenge| {
        !challenge.stale
            && transaction
                .credentials
                .iter()
                .any(|credentials| credentials.realm == challenge.realm)
    })
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

fn realm(response: &Response) -> &str {
    response
        .challenges
        .first()
        .map_or("", |challenge| &challenge.realm)
}
