//! How well requests get through between two hosts: how many of them were sent again because something was lost.

use crate::capture::FrameNumber;
use crate::hash::HashMap;
use crate::limits::{MAX_FRAMES_SHOWN, MAX_HOST_PAIRS};
use crate::time::Timestamp;
use crate::transaction::{Transaction, TransactionId};
use std::net::IpAddr;
use std::time::Duration;

/// What requests from one host to another over UDP met with, those that were answered at all.
#[derive(Clone, Debug, Default)]
pub struct Path {
    /// Different requests.
    pub requests: u64,
    /// Sends of them beyond the first that a loss explains, and not a slow answer.
    pub repeats: u64,
    /// Requests among them that were sent again for that reason.
    pub hit: u64,
    /// Repeats of final responses to INVITE.
    pub finals_repeated: u64,
    /// The first of the requests that were hit.
    pub first: Option<Timestamp>,
    /// Packets that prove it, the first ones.
    pub frames: Vec<FrameNumber>,
    /// The transactions that were hit, the first ones.
    pub transactions: Vec<TransactionId>,
    /// Requests that were answered without a repeat, and how long that took altogether.
    quick: u32,
    waited: Duration,
}

impl Path {
    fn closed(&mut self, transaction: &Transaction, answered: Timestamp) {
        self.requests += 1;
        self.finals_repeated += transaction
            .final_response()
            .map_or(0, |response| response.sends.repeats() as u64);
        if transaction.requests.repeats() == 0 {
            self.quick = self.quick.saturating_add(1);
            self.waited = self
                .waited
                .saturating_add(answered.since(transaction.start()));
            return;
        }
        let repeats = self.lost(transaction, answered);
        if repeats == 0 {
            return;
        }
        self.repeats += repeats;
        self.hit += 1;
        self.first.get_or_insert(transaction.start());
        if self.frames.len() < MAX_FRAMES_SHOWN {
            self.frames
                .extend(transaction.requests.iter().map(|seen| seen.frame));
            self.transactions.push(transaction.id);
        }
    }

    /// The repeats that a loss explains: those before an answer that came at once to the last of them, and those after it.
    /// An answer that took its time may be the one to the first send, on a path whose answers are slow anyway.
    fn lost(&self, transaction: &Transaction, answered: Timestamp) -> u64 {
        let sends: Vec<Timestamp> = transaction.requests.iter().map(|seen| seen.time).collect();
        let before = sends.partition_point(|time| *time <= answered);
        let delay = before
            .checked_sub(1)
            .and_then(|last| sends.get(last))
            .map_or(Duration::MAX, |last| answered.since(*last));
        let slow_path = self.quick > 0 && self.waited / self.quick > PROMPT;
        let unheard = sends
            .iter()
            .filter(|time| time.since(answered) >= CROSSING)
            .count();
        let unanswered = if delay <= PROMPT && !slow_path {
            before.saturating_sub(1)
        } else {
            0
        };
        (unheard + unanswered) as u64
    }
}

/// An answer within this time belongs to the send just before it.
const PROMPT: Duration = Duration::from_millis(100);
/// A repeat this soon after a response crossed with it.
const CROSSING: Duration = Duration::from_millis(50);

/// All paths, by who sends requests to whom.
#[derive(Debug, Default)]
pub struct Paths {
    paths: HashMap<(IpAddr, IpAddr), Path>,
    refused: u64,
}

impl Paths {
    /// Notes a finished transaction. A peer that answers nothing is another matter, and so are answers that go elsewhere.
    pub fn closed(&mut self, transaction: &Transaction) {
        let flow = transaction.flow;
        // Only the final response ends the repeats of other requests (RFC 3261 §17.1.2.2).
        let is_invite = transaction.method == crate::sip::Method::Invite;
        let answer = transaction
            .responses
            .iter()
            .find(|response| is_invite || response.is_final());
        let Some(answer) = answer else {
            return;
        };
        let straight = transaction
            .responses
            .iter()
            .all(|response| response.flow == flow.reversed());
        if flow.transport.is_reliable() || transaction.requests.count() == 0 || !straight {
            return;
        }
        let key = (flow.src.ip(), flow.dst.ip());
        if self.paths.len() >= MAX_HOST_PAIRS && !self.paths.contains_key(&key) {
            self.refused += 1;
            return;
        }
        let path = self.paths.entry(key).or_default();
        path.closed(transaction, answer.time());
    }

    /// The paths with their ends, in the order of these.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, IpAddr, &Path)> {
        let mut all: Vec<_> = (self.paths.iter())
            .map(|(&(src, dst), path)| (src, dst, path))
            .collect();
        all.sort_unstable_by_key(|(src, dst, _)| (*src, *dst));
        all.into_iter()
    }

    /// How many transactions were not counted for want of room.
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}
