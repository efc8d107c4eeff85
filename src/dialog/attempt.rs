//! An attempt: everything one caller did to reach one callee, seen as one (RFC 3261 §13, §22.2; RFC 6076 §4 counts these).

use super::Call;
use crate::limits::MAX_CALL_DIALOGS;
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{Response, Transaction};
use smallvec::{SmallVec, smallvec};
use std::net::SocketAddr;
use std::time::Duration;

/// The initial INVITEs of one From tag: a challenge, a redirection, a 422 or a failover and what followed are one attempt.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// All of them, on every hop, in the order in which they began.
    pub invites: SmallVec<[&'a Transaction; 4]>,
    /// The INVITEs as the caller sent them: on the hop nearest to it.
    pub tries: SmallVec<[&'a Transaction; 4]>,
    /// Whether it is the next leg of an attempt before it, sent by a B2BUA that keeps the Call-ID (guard G-B2BUA).
    pub is_leg: bool,
    ended: Option<Hangup>,
}

/// How a call was hung up after its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hangup {
    time: Timestamp,
    by_caller: bool,
    answered: Timestamp,
}

/// How far an attempt got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptState {
    /// Answered and hung up.
    Completed,
    /// Answered; no BYE was seen.
    Answered,
    /// The caller gave it up.
    Cancelled,
    /// A final response refused it.
    Failed,
    /// Nobody answered in the time that the protocol gives.
    NoResponse,
    /// Not over when it was last seen.
    Pending,
}

impl AttemptState {
    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Answered => "answered",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::NoResponse => "no-response",
            Self::Pending => "pending",
        }
    }
}

/// Who ended a call or an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The side that sent the INVITE, by CANCEL or BYE.
    Caller,
    /// The side that answered, by BYE.
    Callee,
    /// Whoever sent the final response, as far from the caller as the capture shows.
    Server(SocketAddr),
}

impl<'a> Attempt<'a> {
    /// When the caller began.
    pub fn start(&self) -> Timestamp {
        self.tries
            .first()
            .map_or(Timestamp::MIN, |first| first.start())
    }

    /// From the first INVITE to the first response that tells the caller that it goes on, 101–199 or a 2xx: the post-dial delay, and
    /// the successful session request delay of RFC 6076 §4.3.1. `None` when there is none.
    pub fn progress_after(&self) -> Option<Duration> {
        let responses = self.tries.iter().flat_map(|invite| &invite.responses);
        let telling = responses.filter(|it| (101..300).contains(&it.code));
        let first = telling.map(Response::time).min()?;
        Some(first.since(self.start()))
    }

    /// From the first INVITE to the first 180–189; `None` when it did not ring.
    pub fn ringing_after(&self) -> Option<Duration> {
        let ringing = self
            .tries
            .iter()
            .flat_map(|invite| &invite.responses)
            .filter(|it| (180..190).contains(&it.code))
            .map(Response::time)
            .min()?;
        Some(ringing.since(self.start()))
    }

    /// From the first INVITE to the first 2xx; `None` when it was not answered.
    pub fn answered_after(&self) -> Option<Duration> {
        Some(self.answer()?.time().since(self.start()))
    }

    /// From the 2xx to the first BYE; `None` when one of them was not seen.
    pub fn talk_time(&self) -> Option<Duration> {
        self.ended.map(|it| it.time.since(it.answered))
    }

    /// The first 2xx that reached the caller.
    pub fn answer(&self) -> Option<&'a Response> {
        self.tries
            .iter()
            .flat_map(|invite| &invite.responses)
            .filter(|it| it.is_success())
            .min_by_key(|it| it.time())
    }

    /// The response that the attempt ended with: its 2xx, or the final response to the caller's last try.
    pub fn outcome(&self) -> Option<&'a Response> {
        self.answer()
            .or_else(|| self.tries.last()?.final_response())
    }

    /// Whether a host that took this attempt's INVITE began the other one while this one was open.
    fn is_carried_on_by(&self, other: &Attempt<'_>) -> bool {
        let Some(next) = other.invites.first() else {
            return false;
        };
        self.invites.iter().any(|invite| {
            let over = invite.final_response().map(Response::time);
            invite.flow.dst.ip() == next.flow.src.ip()
                && invite.start() <= next.start()
                && over.is_none_or(|over| over >= next.start())
        })
    }

    /// How far it got.
    pub fn state(&self) -> AttemptState {
        if self.ended.is_some() {
            AttemptState::Completed
        } else if self.answer().is_some() || self.invites.iter().any(|it| it.answer_implied) {
            AttemptState::Answered
        } else if self.tries.iter().any(|it| it.cancelled.is_some()) {
            AttemptState::Cancelled
        } else if self.outcome().is_some() {
            AttemptState::Failed
        } else if self
            .tries
            .last()
            .is_some_and(|it| it.state == crate::transaction::State::TimedOut)
        {
            AttemptState::NoResponse
        } else {
            AttemptState::Pending
        }
    }

    /// Who ended it; `None` while nobody did.
    pub fn ended_by(&self) -> Option<EndedBy> {
        match (self.state(), self.ended) {
            (_, Some(hangup)) if hangup.by_caller => Some(EndedBy::Caller),
            (_, Some(_)) => Some(EndedBy::Callee),
            (AttemptState::Cancelled, None) => Some(EndedBy::Caller),
            (AttemptState::Failed, None) => {
                let code = self.outcome()?.code;
                let deepest = self
                    .invites
                    .iter()
                    .filter(|hop| hop.final_code() == Some(code))
                    .max_by_key(|hop| hop.via_count)?;
                Some(EndedBy::Server(deepest.final_response()?.flow.src))
            }
            _ => None,
        }
    }
}

impl Call {
    /// The attempts of this Call-ID of which the capture has an INVITE, in the order in which they began: one, but for
    /// clients that use a Call-ID again.
    pub fn attempts(&self) -> Vec<Attempt<'_>> {
        let mut attempts: Vec<Attempt<'_>> = Vec::new();
        for invite in self.initial_invites() {
            if invite.requests.count() == 0 {
                continue;
            }
            let same = |it: &&mut Attempt<'_>| {
                it.invites
                    .first()
                    .is_some_and(|first| first.from.tag == invite.from.tag)
            };
            let room = attempts.len() < MAX_CALL_DIALOGS;
            match attempts.iter_mut().find(same) {
                Some(attempt) => attempt.invites.push(invite),
                None if !room => {}
                None => attempts.push(Attempt {
                    invites: smallvec![invite],
                    tries: SmallVec::new(),
                    is_leg: false,
                    ended: None,
                }),
            }
        }
        for attempt in &mut attempts {
            let nearest = attempt.invites.iter().map(|it| it.via_count).min();
            attempt.tries = attempt
                .invites
                .iter()
                .filter(|it| Some(it.via_count) == nearest)
                .copied()
                .collect();
            attempt.ended = self.hangup(attempt);
        }
        if attempts.len() < 2 {
            return attempts;
        }
        let legs: Vec<bool> = attempts
            .iter()
            .enumerate()
            .map(|(index, attempt)| {
                let earlier = attempts.get(..index).unwrap_or_default();
                earlier.iter().any(|it| it.is_carried_on_by(attempt))
            })
            .collect();
        for (attempt, is_leg) in attempts.iter_mut().zip(legs) {
            attempt.is_leg = is_leg;
        }
        attempts
    }

    fn hangup(&self, attempt: &Attempt<'_>) -> Option<Hangup> {
        let answered = attempt.answer()?.time();
        let caller = attempt.invites.first()?.from.tag.as_deref();
        let bye = self
            .of(&Method::Bye)
            .filter(|bye| {
                bye.start() >= answered
                    && (bye.from.tag.as_deref() == caller || bye.to.tag.as_deref() == caller)
            })
            .min_by_key(|bye| bye.start())?;
        Some(Hangup {
            time: bye.start(),
            by_caller: bye.from.tag.as_deref() == caller,
            answered,
        })
    }
}
