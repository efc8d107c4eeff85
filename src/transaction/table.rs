//! The table of open transactions: places each message, and closes what the timers close.

mod acks;
mod deadlines;
mod open;
mod window;

use super::draft::{Part, begun_by};
use super::kept::Budget;
use super::notes::evidence;
use super::{
    Arrival, Draft, IcmpNote, Keys, Kind, Ladder, Packer, Placement, Response, Sighting, State,
    Transaction, TransactionId,
};
use crate::fetch::{STEP, fetch};
use crate::flow::Flow;
use crate::frame::IcmpError;
use crate::hash::{KeyMap, fingerprint};
use crate::limits::{
    MAX_LEGS, MAX_NOTES, MAX_OPEN_TRANSACTIONS, MAX_RESPONSES, MAX_RINGING_UNSEEN,
};
use crate::sip::{Carrier, Message, Method};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use deadlines::Deadlines;
use open::{Open, state_at_end};
use smallvec::SmallVec;
use std::sync::atomic::Ordering;
use std::time::Duration;
use window::Window;

/// A provisional that comes again after this was meant to: half of the minute of RFC 3261 §13.3.1.1.
const REMINDER: Duration = Duration::from_secs(30);

/// All open transactions.
#[derive(Debug, Default)]
pub struct Table {
    thresholds: Thresholds,
    open: Window<Open>,
    /// Transactions by the key of [`Identity::key`]: one a hop that shows the same message.
    by_key: KeyMap<SmallVec<[TransactionId; 1]>>,
    /// INVITEs by Call-ID, for the ACKs to their 2xx.
    invites: KeyMap<SmallVec<[TransactionId; 1]>>,
    /// The newest transaction of a direction, by its fingerprint, for ICMP errors that quote eight bytes only.
    by_flow: KeyMap<TransactionId>,
    deadlines: Deadlines,
    closed: Vec<Box<Transaction>>,
    now: Option<Timestamp>,
    budget: Budget,
    last_id: u64,
    given_up: u64,
    refused: u64,
    /// How many INVITEs are kept open because a telephone may ring unseen.
    ringing_unseen: usize,
    /// How many more of them were closed as all others.
    not_waited_for: u64,
}

impl Table {
    /// One that waits as long as the timers that are set.
    pub fn new(thresholds: &Thresholds) -> Self {
        Self {
            thresholds: *thresholds,
            ..Self::default()
        }
    }

    /// The same, with room for that many bytes of messages.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.budget = Budget::of(bytes);
        self
    }

    /// What packs transactions that were closed; they go on counting against the room for messages.
    pub fn packer(&self) -> Packer {
        Packer::new(self.budget.used())
    }

    /// Whether so little room for messages is left that calls should be judged before their end.
    pub fn is_crowded(&self) -> bool {
        self.budget.is_nearly_spent()
    }

    /// Has the messages of these transactions, which were closed, count for nothing from now on.
    pub fn let_go(&self, transactions: &[Transaction]) {
        let messages = transactions.iter().flat_map(Transaction::messages);
        self.budget.let_go(messages);
    }

    /// The bytes of the messages that are kept, and of packed transactions.
    pub fn kept(&self) -> usize {
        self.budget.used().load(Ordering::Relaxed)
    }

    /// Places a message that is no copy: finds or begins its transaction, and gives it what is in the draft.
    pub fn place(&mut self, arrival: &Arrival<'_>, draft: Draft) -> Placement {
        let (kind, transaction) = self.find_place(arrival, draft);
        let ladder = transaction
            .filter(|_| kind == Kind::Retransmission)
            .and_then(|id| self.get(id))
            .map(|transaction| Ladder::of(transaction, arrival.message));
        Placement {
            kind,
            ladder,
            transaction,
        }
    }

    fn find_place(
        &mut self,
        arrival: &Arrival<'_>,
        Draft(part): Draft,
    ) -> (Kind, Option<TransactionId>) {
        let Some(key) = arrival.keys.transaction else {
            return (Kind::New, None);
        };
        match part {
            Part::Request(transaction) => self.request(arrival, key, transaction),
            Part::Response(response) => self.response(arrival, key, response),
            Part::Nothing => self.ack(arrival, key),
        }
    }

    /// Notes an ICMP error that quotes a message of an open transaction. `None` when it quotes none.
    pub fn icmp(&mut self, seen: Sighting, error: &IcmpError<'_>) -> Option<TransactionId> {
        let quote = error.quote?;
        let carrier = Carrier {
            cut: true,
            ..Carrier::default()
        };
        let quoted = Message::parse(quote.payload, carrier);
        let of_response = quoted.as_ref().is_some_and(|it| it.status().is_some());
        let of_ack = quoted
            .as_ref()
            .is_some_and(|it| it.method() == Some(Method::Ack));
        let to_tag = quoted.as_ref().and_then(Message::to_tag);
        let by_message = quoted.as_ref().and_then(|message| {
            let keys = Keys::of(message, quote.flow, None);
            let own = self.by_key.get(keys.transaction?);
            own.and_then(|ids| self.best_leg(ids, quote.flow, of_response))
                .or_else(|| {
                    let answered = match message.cseq() {
                        Some((cseq, _)) if of_ack => {
                            self.answered_invites(keys.call, cseq, to_tag, quote.flow)
                        }
                        _ => Vec::new(),
                    };
                    self.best_leg(&answered, quote.flow, false)
                })
        });
        let id = by_message.or_else(|| {
            // Without bytes of SIP in the quote only the ports tell; other bytes mean that it was something else.
            let blind = could_be_sip(quote.payload);
            let flow = if of_response {
                quote.flow.reversed()
            } else {
                quote.flow
            };
            blind
                .then(|| self.by_flow.get(fingerprint(flow)).copied())
                .flatten()
        })?;
        let transaction = &mut self.open.get_mut(id)?.transaction;
        if transaction.icmp.len() < MAX_NOTES {
            transaction.icmp.push(IcmpNote {
                seen,
                reporter: error.reporter,
                target: quote.flow.dst,
                kind: error.kind,
                of_response,
                of_ack,
            });
        }
        Some(id)
    }

    /// Closes what the timers close until `now`.
    pub fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(Some(now));
        while let Some(id) = self.deadlines.pop_until(now) {
            self.fetch_due();
            let Some(open) = self.open.get_mut(id) else {
                continue;
            };
            if !open.rings_unseen && open.may_ring_unseen() {
                let room = self.ringing_unseen < MAX_RINGING_UNSEEN;
                open.rings_unseen = room;
                self.ringing_unseen += usize::from(room);
                self.not_waited_for += u64::from(!room);
            }
            let true_deadline = open.deadline(&self.thresholds);
            if true_deadline > now {
                self.deadlines.push(true_deadline, id);
            } else {
                self.close(id);
            }
        }
    }

    /// Has what is due soon brought into the cache, in three steps: each says where the next is.
    fn fetch_due(&self) {
        let ahead = |many| self.deadlines.ahead(many);
        if let Some(id) = ahead(3 * STEP) {
            self.open.fetch(id);
        }
        if let Some(open) = ahead(2 * STEP).and_then(|id| self.open.get(id)) {
            fetch(&*open.transaction);
            self.by_key.fetch(open.key);
            self.by_flow.fetch(open.flow_key);
            if let Some(key) = open.invite_key {
                self.invites.fetch(key);
            }
        }
        if let Some(open) = ahead(STEP).and_then(|id| self.open.get(id)) {
            open.transaction.fetch();
        }
    }

    /// Has the places brought into the cache where what belongs to these keys is found.
    #[inline]
    pub fn fetch(&self, keys: &Keys) {
        self.by_flow.fetch(keys.flow);
        if let Some(key) = keys.transaction {
            self.by_key.fetch(key);
        }
    }

    /// Does the same of what is found there, once they are in it.
    #[inline]
    pub fn fetch_slots(&self, keys: &Keys) {
        self.of_key(keys).for_each(|id| self.open.fetch(id));
    }

    /// Does the same of the transactions, once that is in it.
    #[inline]
    pub fn fetch_transactions(&self, keys: &Keys) {
        for open in self.of_key(keys).filter_map(|id| self.open.get(id)) {
            fetch(&*open.transaction);
        }
    }

    fn of_key(&self, keys: &Keys) -> impl Iterator<Item = TransactionId> {
        let ids = keys.transaction.and_then(|key| self.by_key.get(key));
        ids.into_iter().flatten().copied()
    }

    /// Closes everything at the end of the capture.
    pub fn finish(&mut self, end: Timestamp) {
        self.advance(end);
        for id in self.open.ids() {
            if let Some(mut transaction) = self.remove(id) {
                transaction.state = state_at_end(&transaction, end, &self.thresholds);
                self.closed.push(transaction);
            }
        }
    }

    /// What was closed since the last time, in the order of closing. Its messages go on counting until [`Self::let_go`], or until
    /// they are packed.
    pub fn take_closed(&mut self) -> Vec<Box<Transaction>> {
        std::mem::take(&mut self.closed)
    }

    /// An open transaction; `None` when it is closed already.
    pub fn get(&self, id: TransactionId) -> Option<&Transaction> {
        self.open.get(id).map(|open| &*open.transaction)
    }

    /// How many messages were not kept for judgement because too many were.
    pub const fn not_kept(&self) -> u64 {
        self.budget.refused()
    }

    /// How many INVITEs without a response were not kept open for their ACK because too many were.
    pub const fn not_waited_for(&self) -> u64 {
        self.not_waited_for
    }

    /// How many could not be found again because too many share their key.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn clock(&self, arrival: &Arrival<'_>) -> Timestamp {
        self.now.map_or(arrival.time, |now| now.max(arrival.time))
    }

    /// How many transactions began.
    pub const fn begun(&self) -> u64 {
        self.last_id
    }

    /// How many were given up because too many were open.
    pub const fn given_up(&self) -> u64 {
        self.given_up
    }

    fn request(
        &mut self,
        arrival: &Arrival<'_>,
        key: u64,
        draft: Box<Transaction>,
    ) -> (Kind, Option<TransactionId>) {
        let clock = self.clock(arrival);
        let sighting = Sighting {
            frame: arrival.frame,
            time: arrival.time,
        };
        let known = self.by_key.get(key).and_then(|ids| {
            ids.iter().copied().find(|id| {
                self.get(*id).is_some_and(|it| {
                    it.flow == arrival.flow
                        && (it.request_uri.is_empty() || it.request_uri == draft.request_uri)
                })
            })
        });
        let (id, late) = match known {
            // Its response may have been read before it.
            Some(id) => (id, Some(draft)),
            None => (self.begin(arrival, key, draft), None),
        };
        if let Some(open) = self.open.get_mut(id) {
            open.touch(arrival, clock);
            let transaction = &mut open.transaction;
            let first = transaction.requests.count() == 0;
            if first {
                if let Some(draft) = late {
                    transaction.described_as(*draft);
                }
                transaction.kept = self.budget.keep(arrival.message);
            }
            transaction.requests.push(sighting);
            if !first {
                return (Kind::Retransmission, Some(id));
            }
        }
        // RFC 3261 §9.1: the CANCEL has the branch of the INVITE it cancels.
        if let Some(invite_key) = arrival.keys.invite {
            let ids = self.by_key.get(invite_key).cloned().unwrap_or_default();
            if let Some(invite) = self.best_leg(&ids, arrival.flow, false)
                && let Some(open) = self.open.get_mut(invite)
            {
                open.transaction.cancelled.get_or_insert(sighting);
                open.touch(arrival, clock);
            }
        }
        (Kind::New, Some(id))
    }

    fn response(
        &mut self,
        arrival: &Arrival<'_>,
        key: u64,
        response: Box<Response>,
    ) -> (Kind, Option<TransactionId>) {
        let found = self
            .by_key
            .get(key)
            .and_then(|ids| self.best_leg(ids, arrival.flow, true));
        let id = found.unwrap_or_else(|| {
            let client_to_server = arrival.flow.reversed();
            let transaction = begun_by(arrival.message, arrival.keys, client_to_server);
            self.begin(arrival, key, transaction)
        });
        let kind = self.add_response(id, arrival, response);
        (kind, Some(id))
    }

    fn add_response(
        &mut self,
        id: TransactionId,
        arrival: &Arrival<'_>,
        mut new: Box<Response>,
    ) -> Kind {
        let status = new.code;
        let clock = self.clock(arrival);
        let Some(open) = self.open.get_mut(id) else {
            return Kind::New;
        };
        open.touch(arrival, clock);
        let transaction = &mut open.transaction;
        let sighting = Sighting {
            frame: arrival.frame,
            time: arrival.time,
        };
        transaction.state = match transaction.state {
            _ if status >= 200 => State::Completed,
            State::Calling => State::Proceeding,
            other => other,
        };
        // The same response again: same code, fork and RSeq. A provisional may repeat with other content (RFC 3261
        // §13.3.1.1 asks for one a minute): then it is new, but still the same step of the sequence.
        let same = transaction.responses.iter_mut().find(|response| {
            response.code == status
                && response.to_tag == new.to_tag
                && response.rseq == new.rseq
                && (response.is_final() || response.fingerprint == new.fingerprint)
        });
        if let Some(response) = same {
            let earlier = response.sends.last();
            response.sends.push(sighting);
            // RFC 3261 §13.3.1.1: a UAS says once a minute that it is still there. That is no retransmission.
            let pause = earlier.map_or(Duration::ZERO, |seen| arrival.time.since(seen.time));
            let anew = status < 200 && new.rseq.is_none() && pause >= REMINDER;
            return if anew {
                Kind::New
            } else {
                Kind::Retransmission
            };
        }
        // A final response is never the one too many: it takes the place of the last provisional.
        if status >= 200 && transaction.responses.len() >= MAX_RESPONSES {
            let provisional = transaction.responses.iter().rposition(|it| !it.is_final());
            if let Some(at) = provisional {
                let gone = transaction.responses.remove(at);
                self.budget.let_go(gone.message().into_iter());
            }
        }
        if transaction.responses.len() < MAX_RESPONSES {
            // A 100 is hop-by-hop and says nothing of its own.
            new.kept = (status > 100)
                .then(|| self.budget.keep(arrival.message))
                .flatten();
            if new.kept.is_none() {
                (new.evidence).get_or_init(|| evidence(arrival.message));
            }
            new.sends.push(sighting);
            transaction.responses.push(new);
        }
        Kind::New
    }

    /// Of several hops that show the same transaction, the one a message on `flow` belongs to: exactly that hop, else one
    /// between the same hosts, else one that shares an end, else the newest.
    fn best_leg(
        &self,
        ids: &[TransactionId],
        flow: Flow,
        is_response: bool,
    ) -> Option<TransactionId> {
        let forward = if is_response { flow.reversed() } else { flow };
        ids.iter()
            .filter_map(|id| {
                let leg = self.get(*id)?.flow;
                let same_src = leg.src.ip() == forward.src.ip();
                let same_dst = leg.dst.ip() == forward.dst.ip();
                let rank = match () {
                    () if leg == forward => 4,
                    () if same_src && same_dst => 3,
                    () if same_src => 2,
                    () if same_dst => 1,
                    () => 0,
                };
                Some((rank, *id))
            })
            .max()
            .map(|(_, id)| id)
    }

    fn begin(
        &mut self,
        arrival: &Arrival<'_>,
        key: u64,
        mut transaction: Box<Transaction>,
    ) -> TransactionId {
        while self.open.len() >= MAX_OPEN_TRANSACTIONS {
            let Some((_, id)) = self.deadlines.pop() else {
                break;
            };
            if self.open.get(id).is_some() {
                self.given_up += 1;
                self.close(id);
            }
        }
        self.last_id += 1;
        let id = TransactionId(self.last_id);
        transaction.id = id;
        transaction.last = arrival.time;
        transaction.closed = arrival.time;
        let is_invite = transaction.method == Method::Invite;
        let invite_key = is_invite.then_some(arrival.keys.call);
        self.refused += u64::from(!index(&mut self.by_key, key, id));
        if let Some(invite_key) = invite_key {
            self.refused += u64::from(!index(&mut self.invites, invite_key, id));
        }
        let flow_key = arrival.keys.flow;
        self.by_flow.insert(flow_key, id);
        let open = Open {
            touched: self.clock(arrival),
            transaction,
            key,
            flow_key,
            invite_key,
            rings_unseen: false,
        };
        self.deadlines.push(open.deadline(&self.thresholds), id);
        self.open.insert(id, open);
        id
    }

    fn close(&mut self, id: TransactionId) {
        if let Some(mut transaction) = self.remove(id) {
            transaction.state = if transaction.state == State::Completed {
                State::Terminated
            } else {
                State::TimedOut
            };
            self.closed.push(transaction);
        }
    }

    fn remove(&mut self, id: TransactionId) -> Option<Box<Transaction>> {
        let open = self.open.remove(id)?;
        self.ringing_unseen -= usize::from(open.rings_unseen);
        forget(&mut self.by_key, open.key, id);
        if let Some(invite_key) = open.invite_key {
            forget(&mut self.invites, invite_key, id);
        }
        if self.by_flow.get(open.flow_key) == Some(&id) {
            self.by_flow.remove(open.flow_key);
        }
        let mut transaction = open.transaction;
        transaction.closed = self.now.unwrap_or(transaction.last).max(transaction.last);
        Some(transaction)
    }
}

/// Enters a transaction under a key; false when too many are there already, which no real network makes.
fn index(index: &mut KeyMap<SmallVec<[TransactionId; 1]>>, key: u64, id: TransactionId) -> bool {
    let Some(ids) = index.get_or_insert_with(key, SmallVec::new) else {
        return false;
    };
    let room = ids.len() < MAX_LEGS;
    if room {
        ids.push(id);
    }
    room
}

fn forget(index: &mut KeyMap<SmallVec<[TransactionId; 1]>>, key: u64, id: TransactionId) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// Whether quoted bytes can be the start of SIP although too few for a start line.
fn could_be_sip(payload: &[u8]) -> bool {
    let is_short_text =
        payload.len() < SHORT_QUOTE && payload.iter().all(|&byte| (b' '..0x7f).contains(&byte));
    is_short_text || crate::sip::looks_like_sip(payload, true)
}

/// Bytes of SIP of which a quote shows too few to tell more than that they are text.
const SHORT_QUOTE: usize = 24;
