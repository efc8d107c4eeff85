//! Datagrams whose fragments did not all come, with what became of the messages in them.

use crate::capture::{FrameNumber, Sighting};
use crate::flow::Flow;
use crate::frame::{IcmpError, IcmpKind};
use crate::hash::HashMap;
use crate::limits::MAX_LOST_DATAGRAMS;
use crate::reassembly::fragments::{Fate, LostDatagram};
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{Response, Sends, State, Transaction};
use std::collections::VecDeque;
use std::time::Duration;

/// The datagrams with SIP that did not come whole.
#[derive(Debug, Default)]
pub struct LostDatagrams {
    all: Vec<LostDatagram>,
    /// Those whose fate is open, by the packet that their message is known by.
    open: HashMap<FrameNumber, usize>,
    /// Those that nobody reported yet, oldest first.
    unreported: HashMap<Flow, VecDeque<usize>>,
    refused: u64,
}

/// What is known of one send of a message.
#[derive(Clone, Copy, Debug)]
struct Copy {
    time: Timestamp,
    /// Where in the list, when it did not come whole.
    lost: Option<usize>,
}

impl LostDatagrams {
    /// Takes a datagram; one without SIP is none of our business.
    pub fn note(&mut self, lost: LostDatagram) {
        if !lost.is_sip() {
            return;
        }
        if self.all.len() >= MAX_LOST_DATAGRAMS {
            self.refused += 1;
            return;
        }
        let index = self.all.len();
        self.open.insert(lost.at.frame, index);
        if let Some(flow) = lost.flow.filter(|_| lost.reported.is_none()) {
            self.unreported.entry(flow).or_default().push_back(index);
        }
        self.all.push(lost);
    }

    /// Takes an ICMP error: the one that says that fragments did not come belongs to the oldest lost datagram between the
    /// same ports. Where the capture lacks none, the loss happened behind it; `of_sip` says that the quote is known as SIP
    /// although it may be too short to show it.
    pub fn icmp(&mut self, seen: Sighting, error: &IcmpError<'_>, of_sip: bool) {
        let Some(quote) = error
            .quote
            .filter(|_| error.kind == IcmpKind::ReassemblyTimeExceeded)
        else {
            return;
        };
        let waiting = self.unreported.get_mut(&quote.flow);
        if let Some(index) = waiting.and_then(VecDeque::pop_front) {
            if let Some(lost) = self.all.get_mut(index) {
                lost.reported = Some(seen);
            }
            return;
        }
        let mut lost = LostDatagram::reported(seen, &quote);
        if of_sip && !lost.is_sip() {
            lost.start_line = Some("".into());
        }
        self.note(lost);
    }

    /// Takes a finished transaction, and T2: it says whether its messages were received.
    pub fn closed(&mut self, transaction: &Transaction, t2: Duration) {
        if self.open.is_empty() {
            return;
        }
        self.request(transaction);
        for response in &transaction.responses {
            self.response(transaction, response, t2);
        }
        for ack in &transaction.acks {
            let copies = self.copies(&ack.sends);
            let last = copies.last().map(|copy| copy.time);
            // RFC 3261 §13.3.1.4, §17.2.1: a final response is sent again until its ACK comes.
            let again = transaction.responses.iter().any(|response| {
                response.is_final() && response.sends.last().map(|seen| seen.time) > last
            });
            let fate = if again {
                Fate::Unreceived
            } else {
                Fate::Unknown
            };
            self.settle(&copies, fate);
        }
        for note in &transaction.icmp {
            let fate = if note.of_response || note.of_ack {
                Fate::Unknown
            } else if transaction.responses.is_empty() && !transaction.answer_implied {
                Fate::Unreceived
            } else {
                Fate::Repaired
            };
            let lost = self.open.get(&note.seen.frame).copied();
            self.settle(
                &[Copy {
                    time: note.seen.time,
                    lost,
                }],
                fate,
            );
        }
    }

    /// All of them, as far as they are remembered.
    pub fn all(&self) -> &[LostDatagram] {
        &self.all
    }

    /// How many could not be remembered.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn request(&mut self, transaction: &Transaction) {
        let copies = self.copies(&transaction.requests);
        let answer = transaction.responses.iter().map(Response::time).min();
        let unanswered = transaction.requests.repeats() > 0 || transaction.state == State::TimedOut;
        let fate = match answer {
            Some(time) => received(&copies, Some(time)),
            None if transaction.answer_implied => received(&copies, None),
            None if unanswered => Fate::Unreceived,
            None => Fate::Unknown,
        };
        self.settle(&copies, fate);
    }

    fn response(&mut self, transaction: &Transaction, response: &Response, t2: Duration) {
        let copies = self.copies(&response.sends);
        let Some(last) = copies.last().map(|copy| copy.time) else {
            return;
        };
        let mut acks = transaction.acks.iter();
        let ack = acks.find(|ack| ack.to_tag == response.to_tag);
        let acked = ack.and_then(|ack| ack.sends.first());
        // RFC 3261 §17.1.2.2: a client without a final response sends its request again, every T2 at the latest.
        let content = transaction.acks.is_empty()
            && response.is_final()
            && transaction.method != Method::Invite
            && transaction.requests.last().map(|seen| seen.time) < Some(last)
            && transaction.closed.since(last) > t2;
        let fate = if let Some(ack) = acked.filter(|_| response.is_final()) {
            received(&copies, Some(ack.time))
        } else if content {
            received(&copies, None)
        } else if response.is_final() && response.sends.repeats() > 0 {
            Fate::Unreceived
        } else {
            Fate::Unknown
        };
        self.settle(&copies, fate);
    }

    fn copies(&self, sends: &Sends) -> Vec<Copy> {
        sends
            .iter()
            .map(|seen| Copy {
                time: seen.time,
                lost: self.open.get(&seen.frame).copied(),
            })
            .collect()
    }

    fn settle(&mut self, copies: &[Copy], fate: Fate) {
        for index in copies.iter().filter_map(|copy| copy.lost) {
            if let Some(lost) = self.all.get_mut(index) {
                lost.fate = fate;
                self.open.remove(&lost.at.frame);
            }
        }
    }
}

/// What a reaction to a message proves: that one of its copies arrived, which need not be one that was whole here.
fn received(copies: &[Copy], reaction: Option<Timestamp>) -> Fate {
    let mut before = copies
        .iter()
        .filter(|copy| reaction.is_none_or(|time| copy.time <= time));
    if before.any(|copy| copy.lost.is_none()) {
        Fate::Repaired
    } else {
        Fate::Received
    }
}
