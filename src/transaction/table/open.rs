//! An open transaction: until when it stays open, and how it stands at the end of the capture.

use super::super::{Arrival, State, Transaction, timers};
use crate::sip::Method;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use std::time::Duration;

/// Timer D over UDP is at least that long (RFC 3261 §17.1.1.2), and whoever has a longer T1 than was set is not cut short.
const LINGER_AT_LEAST: Duration = Duration::from_secs(32);
/// For an answer that is late.
const LATE: Duration = Duration::from_secs(2);
/// After the last message of an INVITE with a provisional: nothing in RFC 3261 ends it, Timer C (over 3 minutes) usually does.
const PROCEEDING: Duration = Duration::from_mins(15);

#[derive(Debug)]
pub(super) struct Open {
    pub(super) transaction: Box<Transaction>,
    /// The table's clock when the transaction was last seen. In a capture whose times jump backwards it runs ahead of
    /// the message's own time, so that a late older part is not closed before it is read.
    pub(super) touched: Timestamp,
    pub(super) key: u64,
    pub(super) flow_key: u64,
    pub(super) invite_key: Option<u64>,
    /// Whether it is kept open because a telephone may ring unseen.
    pub(super) rings_unseen: bool,
}

impl Open {
    /// Until when it stays open when nothing more comes. Timers I and K of one side, T4, end before those of the other.
    pub(super) fn deadline(&self, thresholds: &Thresholds) -> Timestamp {
        let is_invite = self.transaction.method == Method::Invite;
        // Timers D, H, J, L and M (RFC 3261 Table 4, RFC 6026).
        let linger = LINGER_AT_LEAST.max(thresholds.t1 * timers::TIMEOUT_FACTOR);
        let patience = match self.transaction.state {
            // The side that answered hangs up after 64*T1 (RFC 3261 §13.3.1.4), behind its last repeat by T2 at the
            // most, and its BYE belongs to the picture.
            State::Completed if is_invite && self.transaction.acks.is_empty() => {
                linger + thresholds.t2
            }
            State::Completed | State::Terminated => linger,
            // What may be told of it is told when that long is over.
            State::Proceeding if is_invite => {
                let told = thresholds.stuck_after.max(thresholds.endless_ringing) + LATE;
                PROCEEDING.max(told)
            }
            // The ACK comes when the telephone was answered, which rings as long as one whose 180 was captured.
            _ if self.rings_unseen && self.transaction.acks.is_empty() => {
                PROCEEDING.max(linger) + LATE
            }
            // Timers B and F, of whichever T1 is longer.
            _ => timers::timeout(&self.transaction, thresholds.t1).max(linger) + LATE,
        };
        self.touched + patience
    }

    /// Whether it is an INVITE that UDP would have had repeated if nobody had answered: its provisional responses may not be
    /// captured (RFC 3261 §17.1.1.2, guard G-1WAY).
    pub(super) fn may_ring_unseen(&self) -> bool {
        let invite = &self.transaction;
        invite.method == Method::Invite
            && invite.responses.is_empty()
            && invite.to.tag.is_none()
            && invite.cancelled.is_none()
            && (1..timers::UNANSWERED_SENDS).contains(&invite.requests.count())
            && invite.icmp.is_empty()
            && !invite.flow.transport.is_reliable()
    }

    pub(super) fn touch(&mut self, arrival: &Arrival<'_>, clock: Timestamp) {
        self.transaction.last = self.transaction.last.max(arrival.time);
        self.touched = self.touched.max(clock);
    }
}

/// Timers B and F may have run out before the capture ended, although nothing was closed yet.
pub(super) fn state_at_end(
    transaction: &Transaction,
    end: Timestamp,
    thresholds: &Thresholds,
) -> State {
    let over = end.since(transaction.start()) >= timers::timeout(transaction, thresholds.t1)
        || (!transaction.flow.transport.is_reliable()
            && timers::ladder_complete(transaction, thresholds));
    match transaction.state {
        State::Completed => State::Completed,
        State::Proceeding if transaction.method == Method::Invite => State::PendingAtEnd,
        _ if over && transaction.requests.count() > 0 => State::TimedOut,
        _ => State::PendingAtEnd,
    }
}
