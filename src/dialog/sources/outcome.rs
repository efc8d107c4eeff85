//! What came of a request, as far as it tells an attack from ordinary use.

use crate::dialog::{Call, Surroundings};
use crate::sip::Method;
use crate::transaction::Transaction;
use std::time::Duration;

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was granted, or reached the called side, which may be busy.
    Good,
    /// It had credentials, and they were rejected.
    Rejected(u64),
    /// It was refused, or challenged for good.
    Refused(u64),
    /// A host that answers others left it without an answer.
    Silent,
    /// Nothing was ever heard of the host that was asked.
    Unheard,
    /// No answer yet, and too early to say that there is none: of a host that was heard, or of one that was not.
    Pending {
        /// Whether anything was heard of the host that was asked.
        heard: bool,
    },
    /// Nothing that counts: a step on the way, or not captured.
    Open,
}

/// How long a request may be without an answer before it counts as unanswered: less than Timers B and F, because a flood
/// makes many of them.
const PATIENCE: Duration = Duration::from_secs(4);

/// What came of the request of a transaction.
pub(super) fn of(call: &Call, transaction: &Transaction, surroundings: &Surroundings) -> Outcome {
    let Some(response) = transaction.final_response() else {
        let asked = transaction.start();
        let waited = transaction.closed.since(asked);
        let heard = surroundings.was_heard(transaction.flow.dst.ip(), transaction.flow.src.ip());
        return if transaction.answer_implied || !transaction.responses.is_empty() {
            Outcome::Open
        } else if waited < PATIENCE {
            Outcome::Pending { heard }
        } else if heard {
            Outcome::Silent
        } else {
            Outcome::Unheard
        };
    };
    match response.code {
        ..=399 => Outcome::Good,
        // The called side was asked; that it did not want to talk is not the server's doing (RFC 3261 §21.4.18, §21.6).
        408 | 480 | 486 | 487 | 600 | 603 if transaction.method == Method::Invite => Outcome::Good,
        401 | 403 | 407 if !transaction.credentials.is_empty() => {
            let again = response.challenges.iter().find(|challenge| {
                let known =
                    |realm: &str| transaction.credentials.iter().any(|it| &*it.realm == realm);
                known(&challenge.realm)
            });
            match again {
                Some(challenge) if challenge.stale => Outcome::Open,
                None if response.code != 403 => Outcome::Open,
                _ => Outcome::Rejected(response.code),
            }
        }
        // A cut request hides its credentials (guard G-SNAP).
        401 | 407 if transaction.cut => Outcome::Open,
        401 | 407 => {
            let answered = call
                .later_tries(transaction)
                .any(|retry| !retry.credentials.is_empty())
                || surroundings.authenticated_after(transaction, response.time());
            if answered {
                Outcome::Open
            } else {
                Outcome::Refused(response.code)
            }
        }
        code => Outcome::Refused(code),
    }
}
