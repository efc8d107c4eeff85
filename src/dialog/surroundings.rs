//! What the rest of the capture says about a call.

use crate::limits::{MAX_HOST_PAIRS, MAX_SUCCESSES};
use crate::sip::value::address_of_record;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

/// Which hosts were heard, and who succeeded lately: facts that cross Call-IDs.
#[derive(Debug, Default)]
pub struct Surroundings {
    heard: HashMap<(IpAddr, IpAddr), u64>,
    unseen_answers: HashSet<(IpAddr, IpAddr)>,
    hasher: RandomState,
    successes: HashMap<u64, Timestamp>,
    success_order: VecDeque<u64>,
    pairs_refused: u64,
}

impl Surroundings {
    /// Notes that a SIP message went from one host to another.
    pub fn heard_message(&mut self, src: IpAddr, dst: IpAddr) {
        if let Some(count) = self.heard.get_mut(&(src, dst)) {
            *count += 1;
        } else if self.heard.len() < MAX_HOST_PAIRS {
            self.heard.insert((src, dst), 1);
        } else {
            self.pairs_refused += 1;
        }
    }

    /// Whether any SIP message went from one host to another so far.
    pub fn was_heard(&self, src: IpAddr, dst: IpAddr) -> bool {
        self.heard.contains_key(&(src, dst))
    }

    /// Notes that requests from one host to another are known to have had answers that the capture lacks.
    pub fn note_unseen_answer(&mut self, src: IpAddr, dst: IpAddr) {
        if self.unseen_answers.len() < MAX_HOST_PAIRS {
            self.unseen_answers.insert((src, dst));
        } else if !self.unseen_answers.contains(&(src, dst)) {
            self.pairs_refused += 1;
        }
    }

    /// Whether the capture has nothing of what the second host sent to the first, although a call that was judged before
    /// proves that there was something (guard G-1WAY).
    pub fn is_one_directional(&self, src: IpAddr, dst: IpAddr) -> bool {
        self.unseen_answers.contains(&(src, dst)) && !self.was_heard(dst, src)
    }

    /// How many SIP messages went from one host to another.
    pub fn messages(&self, src: IpAddr, dst: IpAddr) -> u64 {
        self.heard.get(&(src, dst)).copied().unwrap_or(0)
    }

    /// Notes that a request was answered with a 2xx at that moment.
    pub fn note_success(&mut self, transaction: &Transaction, at: Timestamp) {
        let key = self.key(transaction);
        if self.successes.insert(key, at).is_none() {
            self.success_order.push_back(key);
            if self.success_order.len() > MAX_SUCCESSES
                && let Some(oldest) = self.success_order.pop_front()
            {
                self.successes.remove(&oldest);
            }
        }
    }

    /// Whether a request of the same method between the same addresses-of-record succeeded after that moment, under
    /// whatever Call-ID.
    pub fn succeeded_after(&self, transaction: &Transaction, moment: Timestamp) -> bool {
        self.successes
            .get(&self.key(transaction))
            .is_some_and(|at| *at > moment)
    }

    /// How many host pairs could not be remembered.
    pub const fn pairs_refused(&self) -> u64 {
        self.pairs_refused
    }

    fn key(&self, transaction: &Transaction) -> u64 {
        self.hasher.hash_one((
            &transaction.method,
            transaction.flow.src.ip(),
            address_of_record(&transaction.from.uri),
            address_of_record(&transaction.to.uri),
        ))
    }
}
