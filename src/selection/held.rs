//! What is held back of calls that are not selected, or not yet: within one cap, the longest untouched goes first.

use crate::capture::FrameNumber;
use crate::dialog::Call;
use crate::engine::{Mirror, SeenMessage};
use crate::flow::Flow;
use crate::frame::{Direction, Encapsulation};
use crate::hash::HashMap;
use crate::rules::Finding;
use crate::sip::Message;
use crate::time::Timestamp;
use crate::transaction::{Arrival, Keys, Placement, Response, Transaction};
use std::collections::VecDeque;
use std::sync::Arc;

/// A message that waits.
#[derive(Debug)]
pub(super) struct HeldMessage {
    frame: FrameNumber,
    time: Timestamp,
    flow: Flow,
    message: Arc<Message>,
    keys: Keys,
    identification: Option<u16>,
    sequence: Option<u32>,
    mirrored: bool,
    encapsulation: Encapsulation,
    direction: Option<Direction>,
    mirror: Option<Mirror>,
    pub(super) placement: Placement,
}

impl HeldMessage {
    pub(super) fn of(seen: &SeenMessage<'_>, placement: Placement) -> Self {
        let arrival = &seen.arrival;
        Self {
            frame: arrival.frame,
            time: arrival.time,
            flow: arrival.flow,
            message: Arc::clone(arrival.message),
            keys: arrival.keys,
            identification: arrival.identification,
            sequence: arrival.sequence,
            mirrored: arrival.mirrored,
            encapsulation: seen.encapsulation,
            direction: seen.direction,
            mirror: seen.mirror.cloned(),
            placement,
        }
    }

    pub(super) fn seen(&self) -> SeenMessage<'_> {
        SeenMessage {
            arrival: Arrival {
                frame: self.frame,
                time: self.time,
                flow: self.flow,
                message: &self.message,
                keys: self.keys,
                identification: self.identification,
                sequence: self.sequence,
                mirrored: self.mirrored,
            },
            encapsulation: self.encapsulation,
            direction: self.direction,
            mirror: self.mirror.as_ref(),
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.message.footprint()
    }
}

/// A call as it was judged.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) call: Call,
    pub(super) findings: Vec<Finding>,
}

impl Judged {
    /// With its messages only for who shows them, as they count against what the engine may keep.
    pub(super) fn of(call: &Call, findings: &[Finding], with_texts: bool) -> Self {
        let copy = |transaction: &Transaction| {
            if with_texts {
                transaction.clone()
            } else {
                transaction.without_messages()
            }
        };
        Self {
            call: Call {
                call_id: call.call_id.clone(),
                transactions: call.transactions.iter().map(copy).collect(),
            },
            findings: findings.to_vec(),
        }
    }

    /// About how much memory it takes.
    fn bytes(&self) -> usize {
        let transactions: usize = self.call.transactions.iter().map(footprint).sum();
        let findings = self.findings.iter().map(|it| {
            size_of::<Finding>() + it.facts.len() * FACT + it.frames.len() * size_of::<u64>()
        });
        transactions + findings.sum::<usize>()
    }
}

/// About as much as a fact of a finding takes with its text.
const FACT: usize = 96;

fn footprint(transaction: &Transaction) -> usize {
    let texts = transaction.from.uri.len()
        + transaction.to.uri.len()
        + transaction.request_uri.len()
        + transaction.call_id.len();
    let responses = transaction.responses.len() * size_of::<Response>();
    let acks = size_of_val(transaction.acks.as_slice());
    let request = transaction.request().into_iter();
    let messages = request.chain(transaction.responses.iter().filter_map(|it| it.message()));
    let messages: usize = messages.map(Message::footprint).sum();
    size_of::<Transaction>() + texts + responses + acks + messages
}

/// What waits of one call.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) messages: Vec<HeldMessage>,
    pub(super) judged: Vec<Judged>,
    bytes: usize,
    stamp: u64,
}

/// All that waits.
#[derive(Debug)]
pub(super) struct Store {
    calls: HashMap<u64, Held>,
    /// Calls in the order in which they were touched; only the last place of each counts.
    order: VecDeque<(u64, u64)>,
    bytes: usize,
    stamps: u64,
    room: usize,
}

impl Store {
    pub(super) fn new(room: usize) -> Self {
        Self {
            calls: HashMap::default(),
            order: VecDeque::new(),
            bytes: 0,
            stamps: 0,
            room,
        }
    }

    /// Holds a message of a call. Returns the calls that had to go for it.
    pub(super) fn message(&mut self, call: u64, message: HeldMessage) -> Vec<u64> {
        let bytes = message.bytes();
        self.touch(call, bytes).messages.push(message);
        self.make_room()
    }

    /// Holds a call that was judged. Returns the calls that had to go for it.
    pub(super) fn judged(&mut self, call: u64, judged: Judged) -> Vec<u64> {
        let bytes = judged.bytes();
        self.touch(call, bytes).judged.push(judged);
        self.make_room()
    }

    /// Takes what waits of a call.
    pub(super) fn take(&mut self, call: u64) -> Held {
        let held = self.calls.remove(&call).unwrap_or_default();
        self.bytes = self.bytes.saturating_sub(held.bytes);
        held
    }

    /// What waits of `other` waits with `call` from now on.
    pub(super) fn join(&mut self, call: u64, other: u64) {
        let Some(mut more) = self.calls.remove(&other) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(more.bytes);
        let bytes = more.bytes;
        let held = self.touch(call, bytes);
        held.messages.append(&mut more.messages);
        held.messages.sort_by_key(|it| (it.time, it.frame));
        held.judged.append(&mut more.judged);
    }

    /// Each call of which something waits that was judged.
    pub(super) fn all_judged(&self) -> impl Iterator<Item = (u64, &[Judged])> {
        self.calls
            .iter()
            .filter(|(_, held)| !held.judged.is_empty())
            .map(|(call, held)| (*call, held.judged.as_slice()))
    }

    fn touch(&mut self, call: u64, bytes: usize) -> &mut Held {
        self.stamps += 1;
        self.bytes += bytes;
        self.order.push_back((call, self.stamps));
        if self.order.len() > 2 * self.calls.len() + SLACK {
            let calls = &self.calls;
            let stamps = self.stamps;
            self.order.retain(|(call, stamp)| {
                *stamp == stamps || calls.get(call).is_some_and(|held| held.stamp == *stamp)
            });
        }
        let held = self.calls.entry(call).or_default();
        held.stamp = self.stamps;
        held.bytes += bytes;
        held
    }

    fn make_room(&mut self) -> Vec<u64> {
        let mut gone = Vec::new();
        while self.bytes > self.room {
            let Some((call, stamp)) = self.order.pop_front() else {
                break;
            };
            if self.calls.get(&call).is_some_and(|it| it.stamp == stamp) {
                self.take(call);
                gone.push(call);
            }
        }
        gone
    }
}

/// Places in the order that may be out of date before they are cleared away.
const SLACK: usize = 1024;
