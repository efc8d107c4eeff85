//! What each host asked for and did not get: requests that were refused or that nobody answered, names tried, passwords
//! tried. Keyed by the address that sent the requests first; noted when a call is judged, in whatever order.

mod account;
mod number;
mod outcome;
mod rate;
mod source;
mod tool;

use crate::hash::HashMap;
pub use account::{Account, Try};
pub use number::{Dialled, Number};
pub use rate::{Rate, most_within};
pub use source::{Kind, Name, Seen, Source};

use super::{Call, Surroundings};
use crate::capture::FrameNumber;
use crate::flow::Flow;
use crate::limits::{MAX_LEAKS, MAX_SOURCE_FACTS, MAX_SOURCES};
use crate::sip::Method;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::{Transaction, TransactionId};
use std::net::IpAddr;
use std::sync::Arc;

/// All hosts that sent requests.
#[derive(Debug)]
pub struct Sources {
    hosts: HashMap<IpAddr, Source>,
    leaks: Vec<Leak>,
    room: Room,
}

/// How much more may be kept of all sources together, and from where on what is kept proves something.
#[derive(Debug)]
pub(super) struct Room {
    left: usize,
    refused: u64,
    thresholds: Thresholds,
}

impl Room {
    /// Whether there is room for one more fact; counted when there is none.
    fn take(&mut self) -> bool {
        if self.left == 0 {
            self.refused += 1;
            return false;
        }
        self.left -= 1;
        true
    }

    const fn give_back(&mut self, facts: usize) {
        self.left += facts;
    }
}

/// A request inside a dialog that the caller challenged.
#[derive(Clone, Debug)]
pub struct Leak {
    /// The Call-ID.
    pub call_id: Arc<[u8]>,
    /// The request, from the called side to the caller.
    pub flow: Flow,
    /// Its method.
    pub method: Method,
    /// The code of the challenge.
    pub code: u64,
    /// When it was sent.
    pub time: Timestamp,
    /// The INVITE that began the dialog, the challenged request, and the one with credentials if there is one.
    pub transactions: Vec<TransactionId>,
    /// Their packets.
    pub frames: Vec<FrameNumber>,
    /// Whether the called side answered the challenge with credentials.
    pub answered: bool,
    /// Whether the INVITE came from its sender without a proxy.
    pub direct: bool,
}

impl Sources {
    /// None yet.
    pub fn new(thresholds: &Thresholds) -> Self {
        Self {
            hosts: HashMap::default(),
            leaks: Vec::new(),
            room: Room {
                left: MAX_SOURCE_FACTS,
                refused: 0,
                thresholds: *thresholds,
            },
        }
    }

    /// Notes the requests of a call that is over, each where it was sent first: what a proxy passes on is not its own.
    pub fn note(&mut self, call: &Call, surroundings: &Surroundings) {
        for transaction in &call.transactions {
            if transaction.requests.count() == 0 || transaction.in_dialog() {
                continue;
            }
            let asks = !matches!(
                transaction.method,
                Method::Cancel | Method::Ack | Method::Bye | Method::Prack
            );
            if !asks || !call.is_first_hop(transaction) {
                continue;
            }
            let host = transaction.flow.src.ip();
            if !self.hosts.contains_key(&host) && self.hosts.len() >= MAX_SOURCES {
                self.room.refused += 1;
                continue;
            }
            let outcome = outcome::of(call, transaction, surroundings);
            let source = self.hosts.entry(host).or_default();
            source.note(call, transaction, outcome, &mut self.room);
        }
        self.note_leaks(call);
    }

    /// What is known of a host; `None` when it sent nothing.
    pub fn get(&self, host: IpAddr) -> Option<&Source> {
        self.hosts.get(&host)
    }

    /// All hosts in the order of their addresses.
    pub fn all(&self) -> Vec<(IpAddr, &Source)> {
        let mut all: Vec<_> = self.hosts.iter().map(|(host, it)| (*host, it)).collect();
        all.sort_unstable_by_key(|(host, _)| *host);
        all
    }

    /// Requests inside dialogs that the caller challenged, in the order in which they were sent.
    pub fn leaks(&self) -> Vec<&Leak> {
        let mut leaks: Vec<_> = self.leaks.iter().collect();
        leaks.sort_by_key(|leak| (leak.time, leak.transactions.first().copied()));
        leaks
    }

    /// How many facts and hosts could not be kept.
    pub const fn refused(&self) -> u64 {
        self.room.refused
    }

    /// Takes what was noted elsewhere of other calls of the same capture; the order of merging does not matter.
    pub fn merge(&mut self, other: Self) {
        self.room.refused += other.room.refused;
        for (host, source) in other.hosts {
            if self.hosts.contains_key(&host) || self.hosts.len() < MAX_SOURCES {
                self.hosts
                    .entry(host)
                    .or_default()
                    .merge(source, &mut self.room);
            } else {
                self.room.refused += 1;
            }
        }
        self.leaks.extend(other.leaks);
        self.leaks
            .sort_by_key(|leak| (leak.time, leak.transactions.first().copied()));
        self.leaks.truncate(MAX_LEAKS);
    }

    fn note_leaks(&mut self, call: &Call) {
        let challenged = |it: &&Transaction| {
            it.in_dialog()
                && it.credentials.is_empty()
                && matches!(it.final_code(), Some(401 | 407))
                && matches!(it.method, Method::Bye | Method::Invite | Method::Update)
        };
        for request in call.transactions.iter().filter(challenged) {
            // The request went back to where the INVITE had come from.
            let invite = call.initial_invites().find(|invite| {
                invite.from.tag.is_some()
                    && invite.from.tag == request.to.tag
                    && invite.flow.src.ip() == request.flow.dst.ip()
                    && invite.flow.dst.ip() == request.flow.src.ip()
            });
            let (Some(invite), Some(code)) = (invite, request.final_code()) else {
                continue;
            };
            if self.leaks.len() >= MAX_LEAKS {
                self.room.refused += 1;
                return;
            }
            let retry = call
                .later_tries(request)
                .find(|retry| !retry.credentials.is_empty());
            let told = [Some(invite), Some(request), retry].into_iter().flatten();
            self.leaks.push(Leak {
                call_id: call.call_id.clone(),
                flow: request.flow,
                method: request.method.clone(),
                code,
                time: request.start(),
                transactions: told.clone().map(|it| it.id).collect(),
                frames: told.flat_map(Transaction::frames).collect(),
                answered: retry.is_some(),
                direct: invite.via_count < 2,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Transport;
    use crate::sip::{Carrier, Message};
    use crate::transaction::{Arrival, Draft, Keys, Table};

    /// One REGISTER for each user, refused by turns with 404 and, under one nonce, with 401.
    fn calls() -> Vec<Call> {
        let mut table = Table::default();
        let flow = Flow {
            src: ([203, 0, 113, 66], 5060).into(),
            dst: ([192, 0, 2, 20], 5060).into(),
            transport: Transport::Udp,
        };
        for index in 0..40_u64 {
            let (user, code) = if index % 2 == 0 {
                (index, 404)
            } else {
                (7, 401)
            };
            let common = format!(
                "Via: SIP/2.0/UDP 203.0.113.66:5060;branch=z9hG4bK{index}\r\nFrom: <sip:{user}@example.com>;tag=a\r\nTo: <sip:{user}@example.com>\r\nCall-ID: {index}\r\nCSeq: 1 REGISTER\r\n"
            );
            let realm = "realm=\"example.com\", nonce=\"n\"";
            let request = format!(
                "REGISTER sip:example.com SIP/2.0\r\n{common}Authorization: Digest username=\"{user}\", {realm}, response=\"{index}\"\r\n\r\n"
            );
            let response =
                format!("SIP/2.0 {code} No\r\n{common}WWW-Authenticate: Digest {realm}\r\n\r\n");
            for (text, flow, after) in [(request, flow, 0), (response, flow.reversed(), 1)] {
                let message = Message::parse(text.as_bytes(), Carrier::default());
                let message = Arc::new(message.expect("a message"));
                let at = i64::try_from(index * 10 + after).expect("a small number");
                let keys = Keys::of(&message, flow, None);
                let draft = Draft::of(&message, keys, flow);
                let arrival = Arrival {
                    frame: FrameNumber(index * 2 + after + 1),
                    time: Timestamp::from_nanos(at * 1_000_000),
                    flow,
                    keys,
                    message: &message,
                    identification: None,
                    sequence: None,
                    mirrored: false,
                };
                table.place(&arrival, draft);
            }
        }
        table.finish(Timestamp::from_nanos(60_000_000_000));
        let closed = table.take_closed().into_iter();
        closed
            .map(|transaction| Call {
                call_id: transaction.call_id.clone(),
                transactions: vec![*transaction],
            })
            .collect()
    }

    fn noted<'a>(calls: impl IntoIterator<Item = &'a Call>) -> Sources {
        let (mut sources, surroundings) = (
            Sources::new(&Thresholds::default()),
            Surroundings::default(),
        );
        for call in calls {
            sources.note(call, &surroundings);
        }
        sources
    }

    #[test]
    fn neither_the_order_of_calls_nor_that_of_merging_matters() {
        let calls = calls();
        let whole = noted(&calls);
        let backwards = noted(calls.iter().rev());
        let (mut one, mut other) = (
            noted(calls.iter().step_by(3)),
            Sources::new(&Thresholds::default()),
        );
        for rest in [1, 2] {
            other.merge(noted(calls.iter().skip(rest).step_by(3)));
        }
        one.merge(noted(calls.iter().skip(1).step_by(3)));
        one.merge(noted(calls.iter().skip(2).step_by(3)));
        other.merge(noted(calls.iter().step_by(3)));
        let facts = |sources: &Sources| {
            let all = sources.all();
            let [(_, source)] = all.as_slice() else {
                panic!("{} hosts", all.len());
            };
            let guesses: Vec<_> = source
                .accounts()
                .map(|(_, it)| it.guesses(&Thresholds::default()).len())
                .collect();
            let names: Vec<_> = source
                .names()
                .map(|(_, user, it)| (user.to_owned(), it.seen))
                .collect();
            (
                source.refused,
                source.rate.peak(),
                source.span(),
                source.proof.clone(),
                guesses,
                names,
            )
        };
        for sources in [backwards, one, other] {
            assert_eq!(facts(&sources), facts(&whole));
        }
        assert_eq!(whole.refused(), 0);
    }
}
