//! `auth-challenge-normal`: a challenge that was answered: the expected first step (RFC 3261 §22.2, §22.3).

use super::{challenged, challenged_again, nonce_was_fresh, realm, rejection};
use crate::rules::{CallView, Finding, Has, Judge, Rule};
use crate::severity::Severity;
use crate::sip::digest::Challenge;
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "auth-challenge-normal",
    code: "SEC001",
    severity: Severity::Info,
    guards: &[],
    judge: Judge::CallWith(Has::CHALLENGE.and(Has::CREDENTIALS), judge),
    words: include_str!("challenge_normal.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    for transaction in &view.call.transactions {
        let Some(response) = challenged(transaction) else {
            continue;
        };
        // Credentials for that realm: stale, or old without a word of it, or rejected.
        let again = challenged_again(view.call, transaction);
        let had_its_chance = again.is_some_and(|it| {
            it.challenge.stale || it.answered.is_some() || nonce_was_fresh(view.call, transaction)
        });
        if had_its_chance {
            continue;
        }
        let answer = view.call.later_tries(transaction).find(|retry| {
            !retry.credentials.is_empty()
                && retry.start().since(response.time()) <= view.thresholds.credentials_within
        });
        let accepted = answer.filter(|retry| {
            rejection(view.call, retry).is_none() && !is_asked_again(response, retry)
        });
        if let Some(retry) = accepted {
            found.push(
                Finding::of(&RULE, transaction)
                    .also(retry)
                    .fact("method", transaction.method.name())
                    .fact("code", response.code)
                    .fact("realm", realm(response)),
            );
        }
    }
}

/// Whether the retry was challenged for the same again, by whatever name: the credentials were for another realm, or their
/// nonce is called stale.
fn is_asked_again(response: &Response, retry: &Transaction) -> bool {
    challenged(retry).is_some_and(|again| {
        again.challenges.iter().any(|next| {
            let same = |it: &Challenge| it.side == next.side && it.realm == next.realm;
            response.challenges.iter().any(same)
        })
    })
}
