//! What became of a message that something is wrong with: read, refused, ignored, or nobody knows.

use super::Defect;
use crate::dialog::Surroundings;
use crate::sip::{Message, Method};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::{Response, State, Transaction};
use memchr::memmem;

/// What became of the messages of a group, counted by transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Their receivers went on as with any other message.
    pub understood: u64,
    /// They were refused with a code that the defect explains.
    pub refused: u64,
    /// Nobody reacted, for as long as was to be waited.
    pub silent: u64,
    /// The capture does not say.
    pub unknown: u64,
    /// Code and reason of the first refusal.
    pub refusal: Option<(u64, Box<str>)>,
}

impl Outcomes {
    pub(super) fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Understood => self.understood += 1,
            Outcome::Refused((code, reason)) => {
                self.refused += 1;
                self.refusal.get_or_insert_with(|| (*code, reason.clone()));
            }
            Outcome::Silent => self.silent += 1,
            Outcome::Unknown => self.unknown += 1,
        }
    }
}

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Understood,
    Refused((u64, Box<str>)),
    Silent,
    Unknown,
}

/// Which message of its transaction it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response(u64),
    Ack,
}

impl Side {
    pub(super) fn of(message: &Message) -> Self {
        match message.status() {
            Some(code) => Self::Response(code),
            None if message.method() == Some(Method::Ack) => Self::Ack,
            None => Self::Request,
        }
    }
}

/// A message of a transaction with a defect, from its first send to its last: a stack may send something else under the
/// same branch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) side: Side,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

pub(super) fn of(
    defect: Defect,
    sent: Sent,
    transaction: &Transaction,
    surroundings: &Surroundings,
    thresholds: &Thresholds,
) -> Outcome {
    match sent.side {
        Side::Request => of_request(defect, sent, transaction, surroundings, thresholds),
        Side::Response(code) => of_response(code, transaction, thresholds),
        Side::Ack => of_ack(transaction, thresholds),
    }
}

fn of_request(
    defect: Defect,
    sent: Sent,
    transaction: &Transaction,
    surroundings: &Surroundings,
    thresholds: &Thresholds,
) -> Outcome {
    // An answer behind the next request under the same branch is that one's.
    let next = transaction.requests.iter().map(|it| it.time);
    let next = next.filter(|time| *time > sent.last).min();
    let answers = |it: &&Response| {
        it.sends
            .iter()
            .any(|seen| seen.time >= sent.first && next.is_none_or(|next| seen.time < next))
    };
    let answered = || transaction.responses.iter().filter(answers);
    // The description ends before its media, which are there.
    let lacks_media = || {
        let names_media = |bytes| memmem::find(bytes, b"\nm=").is_some();
        let request = transaction.request();
        defect == Defect::LengthTooSmall
            && request.is_some_and(|it| names_media(it.raw()) && !names_media(it.body()))
    };
    let is_explained =
        |it: &&Response| defect.explains(it.code) || (it.code == 488 && lacks_media());
    if let Some(refusal) = answered().find(is_explained) {
        return Outcome::Refused((refusal.code, refusal.reason.as_ref().into()));
    }
    if answered().next().is_some() || transaction.answer_implied {
        return Outcome::Understood;
    }
    if !transaction.responses.is_empty() {
        return Outcome::Unknown;
    }
    let flow = transaction.flow;
    let unheard = surroundings.is_one_directional(flow.src.ip(), flow.dst.ip());
    let sends = transaction.requests.count();
    let insisted = sends >= 4 || (sends == 3 && transaction.requests.span() >= thresholds.t2);
    let over = transaction.state == State::TimedOut;
    if sends > 0 && !unheard && (insisted || over) {
        Outcome::Silent
    } else {
        Outcome::Unknown
    }
}

/// A final response is read when its ACK comes, or when the request is not sent again (RFC 3261 §17.1).
fn of_response(code: u64, transaction: &Transaction, thresholds: &Thresholds) -> Outcome {
    let Some(response) = transaction.responses.iter().find(|it| it.code == code) else {
        return Outcome::Unknown;
    };
    if !response.is_final() {
        return if transaction.final_response().is_some() {
            Outcome::Understood
        } else {
            Outcome::Unknown
        };
    }
    if transaction.method == Method::Invite {
        return match response.sends.count() {
            _ if !transaction.acks.is_empty() => Outcome::Understood,
            3.. => Outcome::Silent,
            _ => Outcome::Unknown,
        };
    }
    let asked_again = transaction.requests.last().map(|it| it.time) > Some(response.time());
    if asked_again && transaction.requests.repeats() > 1 {
        Outcome::Silent
    } else if !asked_again && transaction.closed.since(response.time()) > thresholds.t2 {
        Outcome::Understood
    } else {
        Outcome::Unknown
    }
}

/// An ACK is read when the final response does not come again (RFC 3261 §13.3.1.4, §17.2.1).
fn of_ack(transaction: &Transaction, thresholds: &Thresholds) -> Outcome {
    let Some(first) = transaction.acks.first().and_then(|it| it.sends.first()) else {
        return Outcome::Unknown;
    };
    let answers = || transaction.responses.iter().filter(|it| it.is_final());
    let last = answers().filter_map(|it| it.sends.last()).map(|it| it.time);
    // A response and its ACK may cross on their way for that long: T1 (RFC 3261 §17.1.1.1).
    let again = last
        .max()
        .is_some_and(|last| last.since(first.time) > thresholds.t1);
    let often = answers().map(|it| it.sends.repeats()).max() >= Some(2);
    match again {
        true if often => Outcome::Silent,
        true => Outcome::Unknown,
        false => Outcome::Understood,
    }
}
