//! What one host tried with the credentials of one user.

use super::Room;
use super::source::Seen;
use crate::limits::MAX_TRIES;
use crate::sip::Method;
use crate::sip::digest::Credentials;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// The credentials of one user, as one host used them.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Rejected tries, the latest of them, or those that prove that passwords were guessed.
    tries: Vec<Try>,
    /// How many tries were rejected.
    pub rejected: u64,
    /// The first time that the credentials were accepted.
    pub first_success: Option<Seen>,
    /// The last time.
    pub last_success: Option<Seen>,
    /// Whom the first of the rejected tries asked.
    pub asked: Option<SocketAddr>,
    proven: bool,
}

/// A try that was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Try {
    /// When and where.
    pub seen: Seen,
    /// A fingerprint of all that goes into the response but the password.
    inputs: u64,
    /// A fingerprint of the response.
    response: u64,
}

impl Account {
    pub(super) fn accept(&mut self, seen: Seen) {
        if self.first_success.is_none_or(|first| seen < first) {
            self.first_success = Some(seen);
        }
        self.last_success = self.last_success.max(Some(seen));
    }

    pub(super) fn reject(
        &mut self,
        transaction: &Transaction,
        with: &Credentials,
        room: &mut Room,
    ) {
        self.rejected += 1;
        self.asked.get_or_insert(transaction.flow.dst);
        // The method goes into the response too (RFC 7616 §3.4.3).
        let of_method = match transaction.method {
            Method::Register => 1,
            Method::Invite => 2,
            _ => 3,
        };
        self.keep(
            Try {
                seen: Seen::of(transaction),
                inputs: with.inputs.wrapping_add(of_method),
                response: with.response,
            },
            room,
        );
    }

    /// The rejected tries that are kept, in order of time.
    pub fn tries(&self) -> Vec<Try> {
        let mut tries = self.tries.clone();
        tries.sort_unstable();
        tries
    }

    /// The tries that prove guessing, in order of time: with the same input to the digest and different responses, so that only the password
    /// can differ. A telephone with a stale password repeats its response, or computes another one from another nonce, nonce
    /// count or cnonce (RFC 7616 §3.4.1). Empty when nothing proves it.
    pub fn guesses(&self, thresholds: &Thresholds) -> Vec<Try> {
        let mut groups: BTreeMap<u64, Vec<Try>> = BTreeMap::new();
        for it in self.tries() {
            let group = groups.entry(it.inputs).or_default();
            if !group.iter().any(|other| other.response == it.response) {
                group.push(it);
            }
        }
        // Several nonces may each have had a few passwords: what counts is how many of them changed under the same input.
        let guessed: BTreeSet<Try> = groups
            .into_values()
            .filter(|group| group.len() > 1)
            .flatten()
            .collect();
        let mut times: Vec<Timestamp> = guessed.iter().map(|it| it.seen.time).collect();
        let (most, _) = super::most_within(&mut times, thresholds.bruteforce_within);
        if most as u64 >= thresholds.bruteforce_tries {
            guessed.into_iter().collect()
        } else {
            Vec::new()
        }
    }

    pub(super) fn merge(&mut self, other: Self, room: &mut Room) {
        self.rejected += other.rejected;
        self.asked = match (self.asked, other.asked) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        for seen in [other.first_success, other.last_success]
            .into_iter()
            .flatten()
        {
            self.accept(seen);
        }
        for it in other.tries {
            self.keep(it, room);
        }
    }

    fn keep(&mut self, it: Try, room: &mut Room) {
        if self.tries.len() >= MAX_TRIES {
            self.proven = self.proven || !self.guesses(&room.thresholds).is_empty();
            if self.proven {
                return;
            }
            // The older half goes: guessing may begin at any time.
            self.tries.sort_unstable();
            self.tries.drain(..MAX_TRIES / 2);
            room.give_back(MAX_TRIES / 2);
        }
        if room.take() {
            self.tries.push(it);
        }
    }
}
