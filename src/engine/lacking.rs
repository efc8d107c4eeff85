//! What the capture must lack because of what it has: one direction between two hosts (guard G-1WAY), or packets here and
//! there (guard G-LOSS).

use super::{Engine, Observer};
use crate::dialog::{Call, UnseenRequests};
use crate::sip::Method;
use crate::transaction::{Response, Transaction, timers};

/// Requests that were lost from which on it is no chance.
const SOME: u64 = 3;
/// One in so many transactions.
const OFTEN: u64 = 20;

impl<O: Observer> Engine<O> {
    /// Notes what the capture must lack of a call that was judged.
    pub(super) fn note_unseen(&mut self, call: &Call) {
        // A Call-ID is one call, however often its INVITE was tried.
        let first = call.transactions.first();
        let mut begins_unseen = first.is_some_and(|it| it.requests.count() == 0);
        for transaction in &call.transactions {
            if transaction.requests.count() == 0
                && let Some(response) = transaction.responses.first()
                && let Some(seen) = response.sends.first()
            {
                let flow = response.flow;
                let proven = call.client_is_implied(transaction);
                let set_up = proven && begins_unseen && transaction.method == Method::Invite;
                begins_unseen &= !set_up;
                let pair = (flow.src.ip(), flow.dst.ip());
                let passed = UnseenRequests {
                    first: seen,
                    count: 1,
                    calls: u64::from(set_up),
                    proven,
                    late: self.was_asked_meanwhile(transaction),
                };
                self.surroundings.note_unseen_request(pair, passed);
                self.lost_requests += u64::from(self.is_lost(call, transaction));
            }
            if call.may_be_answered_unseen(transaction) {
                self.surroundings.note_unanswered(transaction);
            }
            if call.response_is_implied(transaction)
                && let Some(request) = transaction.requests.first()
            {
                let flow = transaction.flow;
                self.surroundings
                    .note_unseen_answer(flow.src.ip(), flow.dst.ip(), request);
            }
        }
    }

    /// Whether the request that a response answers was sent while the capture went on: nobody waits longer than Timer F for the
    /// answer (RFC 3261 §17.1.2.2), but for one to an INVITE.
    fn was_asked_meanwhile(&self, answered: &Transaction) -> bool {
        let response = answered.responses.first().map(Response::time);
        let since_begin = (response.zip(self.first_time)).map(|(it, first)| it.since(first));
        let wait = self.options.thresholds.t1 * timers::TIMEOUT_FACTOR;
        answered.method != Method::Invite && since_begin.is_some_and(|it| it > wait)
    }

    /// Whether the capture lost the request that a response answers: in a direction that is captured, and while it went on.
    fn is_lost(&self, call: &Call, answered: &Transaction) -> bool {
        let flow = answered.flow;
        // The responses may only have another branch than their request.
        let asked = |other: &Transaction| {
            other.method == answered.method
                && other.cseq == answered.cseq
                && other.responses.is_empty()
        };
        self.was_asked_meanwhile(answered)
            && self.surroundings.was_heard(flow.src.ip(), flow.dst.ip())
            && !call.transactions.iter().any(asked)
    }

    /// Whether so many requests were lost that what is missing elsewhere may be lost as well.
    pub(super) fn has_lost_requests(&self) -> bool {
        self.lost_requests >= SOME && self.lost_requests * OFTEN >= self.table.begun()
    }
}
