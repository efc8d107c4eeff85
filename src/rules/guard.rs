//! Guards: the reasons for which a capture proves less than it seems to (FINDINGS section 0), and how sure one can be under
//! them that something was not there. Each rule says in [`super::Rule::guards`] under which of them its findings stand; the
//! words about them are in the catalogue.

use super::CallView;
use crate::severity::Confidence;
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{Response, State, Transaction, timers};
use std::time::Duration;

/// A reason for which what one sees, or does not see, is not what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// Absence needs time: nothing is missing before the capture went on for as long as the protocol waits.
    End,
    /// Where only one direction between two hosts was captured, nothing is missing from the other one.
    OneWay,
    /// Once packets are known to be lost by the capture, what is missing may be among them.
    Loss,
    /// Of a message that was cut, nothing is missing.
    Snap,
    /// Over TCP and its like nothing is sent again, so that repeats and their absence say nothing.
    Tcp,
    /// A call that began before the capture has had a setup that nobody can judge.
    Start,
    /// A later success of the same attempt makes a note of a failure.
    Outcome,
    /// What one hop owes the next is judged on that hop alone.
    Hop,
    /// Legs with different Call-IDs are one call only where something links them.
    Legs,
    /// Times are those of the capture point.
    Vantage,
    /// The same packet captured twice is no retransmission.
    Duplicate,
}

impl Guard {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::End,
        Self::OneWay,
        Self::Loss,
        Self::Snap,
        Self::Tcp,
        Self::Start,
        Self::Outcome,
        Self::Hop,
        Self::Legs,
        Self::Vantage,
        Self::Duplicate,
    ];

    /// The name in FINDINGS and in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::End => "G-END",
            Self::OneWay => "G-1WAY",
            Self::Loss => "G-LOSS",
            Self::Snap => "G-SNAP",
            Self::Tcp => "G-TCP",
            Self::Start => "G-START",
            Self::Outcome => "G-OUTCOME",
            Self::Hop => "G-HOP",
            Self::Legs => "G-B2BUA",
            Self::Vantage => "G-VANTAGE",
            Self::Duplicate => "G-DUP",
        }
    }

    /// The key of the sentence about it in the words of the interface.
    pub const fn key(self) -> &'static str {
        match self {
            Self::End => "guard_end",
            Self::OneWay => "guard_one_way",
            Self::Loss => "guard_loss",
            Self::Snap => "guard_snap",
            Self::Tcp => "guard_tcp",
            Self::Start => "guard_start",
            Self::Outcome => "guard_outcome",
            Self::Hop => "guard_hop",
            Self::Legs => "guard_legs",
            Self::Vantage => "guard_vantage",
            Self::Duplicate => "guard_duplicate",
        }
    }

    /// Whether it stands against saying that something was not there.
    pub const fn is_of_absence(self) -> bool {
        matches!(self, Self::End | Self::OneWay | Self::Loss)
    }
}

/// How sure one can be that something that was not seen was not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// As long as the protocol waits, or with the complete ladder of retransmissions.
    Proven,
    /// As long as the protocol waits, but its sender stopped repeating it before that (RFC 3261 §17.1.1.2, §17.1.2.2): it
    /// gave up, or had an answer that the capture lacks.
    Stopped,
    /// The same of one that was sent so seldom that an answer outside of the capture is as likely.
    Unrepeated,
    /// Long enough to be told, not long enough to be certain.
    SoFar,
}

impl CallView<'_> {
    /// How long the request of a transaction has been without the answer it waits for: any response for INVITE, a final
    /// one for others. `None` while it is too early to say, when responses are implied, or for a side that the capture
    /// does not show (guards G-END, G-1WAY; FINDINGS section 12).
    pub fn silence(&self, transaction: &Transaction) -> Option<Silence> {
        let is_invite = transaction.method == Method::Invite;
        let answered = if is_invite {
            !transaction.responses.is_empty()
        } else {
            transaction.final_response().is_some()
        };
        let first = transaction.requests.first()?;
        if answered
            || self.call.response_is_implied(transaction)
            || self.is_one_directional(transaction)
        {
            return None;
        }
        let waited = self.watched_since(first.time);
        let timeout = timers::timeout(transaction, self.thresholds.t1);
        let ladder = !transaction.flow.transport.is_reliable()
            && timers::ladder_complete(transaction, self.thresholds);
        let told_so = ladder || self.gave_up(transaction);
        if waited < timeout && !told_so {
            let long = timers::insisted(transaction);
            return (long || self.went_elsewhere(transaction)).then_some(Silence::SoFar);
        }
        let proven = told_so
            || transaction.flow.transport.is_reliable()
            || !transaction.icmp.is_empty()
            || timers::ladder_ended(transaction, self.thresholds.t1)
            || self.is_given_up(transaction);
        if proven {
            return Some(Silence::Proven);
        }
        if timers::insisted(transaction) {
            return Some(Silence::Stopped);
        }
        // While it is open its ACK is waited for, unless nobody rings that long, or of who is heard more than an answer is missing.
        let (src, dst) = (transaction.flow.src.ip(), transaction.flow.dst.ip());
        let rings = is_invite
            && transaction.state == State::Calling
            && waited < timers::RINGS_AT_MOST
            && !self.surroundings.was_heard(dst, src);
        (!rings).then_some(Silence::Unrepeated)
    }

    /// Whether it is seen that the sender of a request stopped because it gave up, and not because it was answered: it went on
    /// to another target. A CANCEL does not show that, for it follows a provisional response (RFC 3261 §9.1).
    fn is_given_up(&self, transaction: &Transaction) -> bool {
        transaction.requests.count() >= timers::UNANSWERED_SENDS && self.went_elsewhere(transaction)
    }

    /// Whether the sender of a request that has no answer has told whoever it works for that there will be none: it waits
    /// for one no longer, however short its timer is.
    fn gave_up(&self, transaction: &Transaction) -> bool {
        let Some(last) = transaction.requests.last() else {
            return false;
        };
        let sender = transaction.flow.src.ip();
        let told = self.call.transactions.iter().find_map(|before| {
            let response = before.final_response()?;
            (before.method == transaction.method
                && before.id < transaction.id
                && before.via_count < transaction.via_count
                && before.flow.dst.ip() == sender
                && before.from.tag == transaction.from.tag
                && matches!(response.code, 408 | 480 | 500..=599)
                && response.time() > last.time)
                .then_some(response.code)
        });
        // What another route behind it answered is only passed on.
        told.is_some_and(|code| {
            transaction.requests.count() >= 2
                && !self
                    .call
                    .transactions
                    .iter()
                    .any(|other| other.flow.src.ip() == sender && other.final_code() == Some(code))
        })
    }

    /// How long the capture went on after a moment, without a gap (guard G-END).
    pub fn watched_since(&self, moment: Timestamp) -> Duration {
        watched_since(moment, self.now, self.gaps)
    }

    /// Whether the capture shows only one direction between the two hosts although responses must have existed
    /// (guard G-1WAY): then nothing that was not seen can be said of them.
    pub fn is_one_directional(&self, transaction: &Transaction) -> bool {
        let (src, dst) = (transaction.flow.src.ip(), transaction.flow.dst.ip());
        let proven_here = || {
            self.call.transactions.iter().any(|other| {
                let same_way = other.flow.src.ip() == src && other.flow.dst.ip() == dst;
                // Answers to requests that were not captured prove it as well, for the other way.
                let answers_only = other.requests.count() == 0
                    && other.flow.src.ip() == dst
                    && other.flow.dst.ip() == src;
                (same_way && self.call.response_is_implied(other)) || answers_only
            })
        };
        self.surroundings.is_one_directional(src, dst)
            || self.streams.is_one_directional(transaction.flow)
            || (!self.surroundings.was_heard(dst, src) && proven_here())
    }

    /// How sure one can be that a response that is sent again and again goes without what acknowledges it: that may come as
    /// long as its sender waits, 64*T1 (RFC 3261 §13.3.1.4, §17.2.1, RFC 3262 §3), unless the call went on to something else
    /// (guard G-END).
    pub(super) fn confidence_of_repeats(&self, response: &Response, over: bool) -> Confidence {
        let t1 = timers::estimate_t1(&response.sends).unwrap_or(self.thresholds.t1);
        let whole = response.sends.span() >= t1 * timers::LADDER_AT_LEAST
            || self.watched_since(response.time()) >= t1 * timers::TIMEOUT_FACTOR;
        if whole || over {
            Confidence::Certain
        } else {
            Confidence::Likely
        }
    }

    /// The same of a 2xx: who hangs up, on either side, waits no more.
    pub(super) fn confidence_of_repeated_2xx(&self, response: &Response) -> Confidence {
        self.confidence_of_repeats(response, self.is_hung_up_after(response))
    }

    /// Whether either side ended the dialog of a response after it.
    pub(super) fn is_hung_up_after(&self, response: &Response) -> bool {
        let tag = &response.to_tag;
        (self.call.of(&Method::Bye)).any(|bye| {
            bye.start() > response.time() && (bye.from.tag == *tag || bye.to.tag == *tag)
        })
    }

    /// Whether the sender gave up on this target and tried another one.
    fn went_elsewhere(&self, transaction: &Transaction) -> bool {
        let Some(last) = transaction.requests.last() else {
            return false;
        };
        transaction.requests.count() >= 2
            && self.call.attempt(transaction).any(|other| {
                other.flow.src.ip() == transaction.flow.src.ip()
                    && other.flow.dst != transaction.flow.dst
                    && other.start() > last.time
            })
    }

    /// How sure one can be of what the packets at hand prove, unless packets are known to be missing (guard G-LOSS).
    pub const fn confidence(&self) -> Confidence {
        if self.lossy {
            Confidence::Possible
        } else {
            Confidence::Certain
        }
    }

    /// Whether the attempt came to a success after this failure (guard G-OUTCOME), here or under another Call-ID.
    pub fn came_right(&self, transaction: &Transaction) -> bool {
        // Who loses the connection under a request makes a new one and a new call.
        let broken = self.streams.broken.of(self.call, transaction);
        self.call.succeeded_elsewhere(transaction)
            || broken.is_some_and(|it| self.surroundings.succeeded_after(transaction, it.at.time))
    }
}

/// How long a capture that has come to `now` went on after a moment, without one of its gaps (guard G-END).
pub fn watched_since(
    moment: Timestamp,
    now: Timestamp,
    gaps: &[(Timestamp, Timestamp)],
) -> Duration {
    let gap = gaps.iter().find(|(from, _)| *from >= moment);
    gap.map_or(now, |(from, _)| *from).since(moment)
}
