//! Messages that depart from the format, gathered by what is wrong and who sent it, with what became of them. A message
//! without an oddity costs a look at its size and, when it is a request, at its Via and Max-Forwards.

mod kinds;
mod looks;
mod of_call;
mod outcome;

use crate::hash::{HashMap, NumberMap};
pub use kinds::{Defect, Detail};
pub use of_call::Found;
pub use outcome::Outcomes;

use super::{Call, Surroundings};
use crate::capture::{FrameNumber, Sighting};
use crate::flow::Flow;
use crate::limits::{MAX_DEFECT_GROUPS, MAX_DEFECT_TRANSACTIONS, MAX_FRAMES_SHOWN};
use crate::sip::{Message, Oddity};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::{Arrival, Kind, Placement, Transaction, TransactionId};
use outcome::{Outcome, Sent, Side};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// All that was found, by what is wrong and who sent it.
#[derive(Debug, Default)]
pub struct Defects {
    thresholds: Thresholds,
    groups: Vec<DefectGroup>,
    index: HashMap<(Defect, IpAddr), usize>,
    /// The groups by who received the first of their messages from a sender: a proxy passes on what it got.
    received: HashMap<(Defect, IpAddr), usize>,
    /// What is known of transactions that are not judged yet.
    open: NumberMap<TransactionId, Noted>,
    /// The groups to blame for transactions that were refused or ignored.
    harmed: NumberMap<TransactionId, usize>,
    refused: u64,
}

/// What is known of the messages of a transaction.
#[derive(Clone, Debug, Default)]
struct Noted {
    /// Groups that one of them is in, and when it was sent.
    groups: Vec<(usize, Sent)>,
    /// Defects of responses in what they copy from their request, with code and packet.
    copied: Vec<(Defect, u64, Sighting)>,
}

impl Noted {
    /// Whether the request has a defect of its own.
    fn request_has_one(&self) -> bool {
        self.groups
            .iter()
            .any(|(_, sent)| sent.side == Side::Request)
    }
}

/// Messages of one sender in which the same is wrong.
#[derive(Clone, Debug)]
pub struct DefectGroup {
    /// What is wrong.
    pub defect: Defect,
    /// Who sent them.
    pub src: IpAddr,
    /// To whom the first one went.
    pub dst: SocketAddr,
    /// How many there are, retransmissions too.
    pub count: u64,
    /// When the first one was seen.
    pub first: Timestamp,
    /// Their packets, as many as are shown.
    pub frames: Vec<FrameNumber>,
    /// Their transactions, as many as are shown.
    pub transactions: Vec<TransactionId>,
    /// Start line in short, and what to show of the first one.
    pub details: Vec<(&'static str, Detail)>,
    /// Bytes of the largest one.
    pub largest: usize,
    /// What became of them.
    pub outcomes: Outcomes,
    call_id: Option<Arc<[u8]>>,
    several_calls: bool,
}

impl DefectGroup {
    /// The Call-ID, when all have the same.
    pub fn call_id(&self) -> Option<&Arc<[u8]>> {
        self.call_id.as_ref().filter(|_| !self.several_calls)
    }

    /// Of messages that are too large, the largest is shown.
    fn outgrow(&mut self, at: At<'_>) {
        let len = at.message.raw().len();
        if len > self.largest {
            self.largest = len;
            if self.defect == Defect::Large {
                self.details.truncate(1);
                self.details
                    .extend(self.defect.details(at.message, at.flow));
            }
        }
    }
}

/// Where a defect was seen.
#[derive(Clone, Copy, Debug)]
struct At<'a> {
    flow: Flow,
    seen: Sighting,
    transaction: Option<TransactionId>,
    message: &'a Message,
}

impl Defects {
    /// None yet.
    pub fn new(thresholds: &Thresholds) -> Self {
        Self {
            thresholds: *thresholds,
            ..Self::default()
        }
    }

    /// Whether a message that went that way can have anything that [`Self::look`] would find.
    pub fn may_be_in(message: &Message, flow: Flow, thresholds: &Thresholds) -> bool {
        let mut found = false;
        let as_told = (true, false);
        looks::message(message, flow, as_told, thresholds, |_| found = true);
        found
    }

    /// Looks at a message that is no copy.
    pub fn look(&mut self, arrival: &Arrival<'_>, placement: Placement) {
        let message = arrival.message;
        // Guard G-SNAP.
        if message.is_cut() {
            return;
        }
        let at = At {
            flow: arrival.flow,
            seen: Sighting {
                frame: arrival.frame,
                time: arrival.time,
            },
            transaction: placement.transaction,
            message,
        };
        let thresholds = self.thresholds;
        let how = (placement.kind == Kind::New, arrival.mirrored);
        looks::message(message, arrival.flow, how, &thresholds, |defect| {
            self.note(defect, at, Side::of(message));
        });
    }

    /// Takes a call when it is judged: what became of its odd messages, and what only shows beside the others. `since` is
    /// when the capture began.
    pub fn call(
        &mut self,
        call: &Call,
        found: Vec<Found<'_>>,
        surroundings: &Surroundings,
        since: Timestamp,
    ) {
        for transaction in &call.transactions {
            let Some(noted) = self.open.remove(&transaction.id) else {
                continue;
            };
            // A response copies what its request has; where that was not seen, nobody knows who is to blame.
            if transaction.requests.count() > 0 && !noted.request_has_one() {
                for (defect, code, seen) in &noted.copied {
                    self.own_defect(*defect, *code, *seen, transaction, surroundings);
                }
            }
            for (index, sent) in noted.groups {
                self.settle(index, sent, transaction, surroundings);
            }
        }
        for it in found {
            let Some(index) = self.enter(&it.defect, it.at, it.details) else {
                continue;
            };
            let sent = Sent {
                side: it.side,
                first: it.at.seen.time,
                last: it.transaction.last,
            };
            self.settle(index, sent, it.transaction, surroundings);
        }
        for (answer, request) in of_call::strays(call) {
            self.stray(answer, request, surroundings, since);
        }
    }

    /// All groups, in the order in which they began.
    pub fn groups(&self) -> &[DefectGroup] {
        &self.groups
    }

    /// What is to blame that a transaction was refused or ignored; `None` when nothing of its messages is.
    pub fn cause_of(&self, transaction: TransactionId) -> Option<&DefectGroup> {
        self.groups.get(*self.harmed.get(&transaction)?)
    }

    /// How many messages could not be remembered.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Responses without a request: those to a request whose CSeq the answering side read, others with a number of their
    /// own, and those whose request was not seen.
    fn stray(
        &mut self,
        answer: &Transaction,
        request: Option<&Transaction>,
        surroundings: &Surroundings,
        since: Timestamp,
    ) {
        let Some(response) = answer.responses.first() else {
            return;
        };
        let (Some(message), Some(seen)) = (response.message(), response.sends.first()) else {
            return;
        };
        let at = At {
            flow: response.flow,
            seen,
            transaction: Some(answer.id),
            message,
        };
        let sent = |side| Sent {
            side,
            first: seen.time,
            last: answer.last,
        };
        if let Some(request) = request {
            let wrong_method = request
                .request()
                .is_some_and(|it| it.oddities().contains(Oddity::CseqMethod));
            if wrong_method {
                // It answers the method that the CSeq of the request named.
                let key = (Defect::CseqMethod, answer.flow.src.ip());
                if let Some(index) = self.index.get(&key).copied() {
                    self.settle(index, sent(Side::Request), answer, surroundings);
                }
                return;
            }
            let details = of_call::cseq_details(message, request);
            if let Some(index) = self.enter(&Defect::CseqOfResponse, at, details) {
                // What its request waits for then.
                let of_request = Sent {
                    first: request.start(),
                    ..sent(Side::Request)
                };
                self.settle(index, of_request, request, surroundings);
            }
            return;
        }
        let began = answer.start();
        let both_ways = surroundings.was_heard(answer.flow.src.ip(), answer.flow.dst.ip());
        // A late one: its call was judged and forgotten.
        let late = surroundings.knows_invite(answer);
        // The one that it answers may be there, without what tells so (guard G-SNAP).
        let cut = surroundings.has_cut_requests(answer.flow.src.ip(), answer.flow.dst.ip());
        if both_ways && !late && !cut && began.since(since) > of_call::BEFORE_CAPTURE {
            self.enter(&Defect::Orphan, at, Vec::new());
        }
    }

    /// What is known of a transaction; `None` without one, and when too many are open.
    fn noted(&mut self, transaction: Option<TransactionId>) -> Option<&mut Noted> {
        let id = transaction?;
        if self.open.len() >= MAX_DEFECT_TRANSACTIONS && !self.open.contains_key(&id) {
            self.refused += 1;
            return None;
        }
        Some(self.open.entry(id).or_default())
    }

    /// A response is wrong where its request is right.
    fn own_defect(
        &mut self,
        defect: Defect,
        code: u64,
        seen: Sighting,
        transaction: &Transaction,
        surroundings: &Surroundings,
    ) {
        let response = transaction.responses.iter().find(|it| it.code == code);
        let Some((response, message)) = response.and_then(|it| Some((it, it.message()?))) else {
            return;
        };
        let defect = match (defect, transaction.request()) {
            // What the strict reading alone finds in the request was not noted when that came.
            (Defect::Malformed(_), Some(request)) => match looks::own(message, request) {
                Some(oddity) => Defect::Malformed(oddity),
                None => return,
            },
            _ => defect,
        };
        let at = At {
            flow: response.flow,
            seen,
            transaction: Some(transaction.id),
            message,
        };
        let details = defect.details(message, response.flow);
        if let Some(index) = self.enter(&defect, at, details) {
            let sent = Sent {
                side: Side::Response(code),
                first: seen.time,
                last: seen.time,
            };
            self.settle(index, sent, transaction, surroundings);
        }
    }

    fn note(&mut self, defect: Defect, at: At<'_>, side: Side) {
        if let Side::Response(code) = side
            && defect.is_copied()
            && at.transaction.is_some()
        {
            if let Some(noted) = self.noted(at.transaction)
                && noted.copied.len() < MAX_OF_TRANSACTION
            {
                noted.copied.push((defect, code, at.seen));
            }
            return;
        }
        let key = (defect, at.flow.src.ip());
        let known = self.index.get(&key).and_then(|it| self.groups.get_mut(*it));
        let details = match known {
            Some(group) => {
                group.outgrow(at);
                Vec::new()
            }
            None => defect.details(at.message, at.flow),
        };
        let Some(index) = self.enter(&defect, at, details) else {
            return;
        };
        let Some(noted) = self.noted(at.transaction) else {
            return;
        };
        let groups = &mut noted.groups;
        let more = groups.len() < MAX_OF_TRANSACTION;
        match groups.iter_mut().find(|(it, _)| *it == index) {
            Some((_, sent)) => sent.last = sent.last.max(at.seen.time),
            // As many as one message can have, on either side.
            None if more => {
                let sent = Sent {
                    side,
                    first: at.seen.time,
                    last: at.seen.time,
                };
                groups.push((index, sent));
            }
            None => {}
        }
    }

    /// Counts a message to its group; `None` when there are too many groups.
    fn enter(
        &mut self,
        defect: &Defect,
        at: At<'_>,
        details: Vec<(&'static str, Detail)>,
    ) -> Option<usize> {
        let key = (*defect, at.flow.src.ip());
        // Who sent it first is to blame, on every hop.
        let passed_on =
            defect.is_end_to_end() && (at.message.status().is_some() || at.message.via_count() > 1);
        let origin = self.received.get(&key).copied().filter(|_| passed_on);
        let index = if let Some(index) = origin.or_else(|| self.index.get(&key).copied()) {
            index
        } else {
            if self.groups.len() >= MAX_DEFECT_GROUPS {
                self.refused += 1;
                return None;
            }
            let mut shown = vec![("message", Detail::Text(kinds::title(at.message)))];
            shown.extend(details);
            self.groups.push(DefectGroup {
                defect: *defect,
                src: at.flow.src.ip(),
                dst: at.flow.dst,
                count: 0,
                first: at.seen.time,
                frames: Vec::new(),
                transactions: Vec::new(),
                details: shown,
                largest: at.message.raw().len(),
                outcomes: Outcomes::default(),
                call_id: at.message.call_id().map(|it| Arc::from(&*it)),
                several_calls: false,
            });
            self.index.insert(key, self.groups.len() - 1);
            self.groups.len() - 1
        };
        if self.received.len() < MAX_DEFECT_GROUPS {
            self.received
                .entry((*defect, at.flow.dst.ip()))
                .or_insert(index);
        }
        let group = self.groups.get_mut(index)?;
        group.count += u64::from(origin.is_none());
        group.several_calls =
            group.several_calls || group.call_id.as_deref() != at.message.call_id().as_deref();
        if group.frames.len() < MAX_FRAMES_SHOWN {
            group.frames.push(at.seen.frame);
        }
        let id = at.transaction.filter(|id| !group.transactions.contains(id));
        if let Some(id) = id.filter(|_| group.transactions.len() < MAX_FRAMES_SHOWN) {
            group.transactions.push(id);
        }
        Some(index)
    }

    /// Notes what became of a message.
    fn settle(
        &mut self,
        index: usize,
        sent: Sent,
        transaction: &Transaction,
        surroundings: &Surroundings,
    ) {
        let Some(group) = self.groups.get_mut(index) else {
            return;
        };
        let outcome = outcome::of(
            group.defect,
            sent,
            transaction,
            surroundings,
            &self.thresholds,
        );
        group.outcomes.count(&outcome);
        let blamed = match outcome {
            Outcome::Refused(_) => true,
            Outcome::Silent => group.defect.explains_silence(),
            Outcome::Understood | Outcome::Unknown => false,
        };
        if !blamed {
            return;
        }
        let defect = group.defect;
        let better = |other: &usize| self.groups.get(*other).is_some_and(|it| defect < it.defect);
        match self.harmed.get(&transaction.id) {
            Some(other) if !better(other) => {}
            Some(_) => {
                self.harmed.insert(transaction.id, index);
            }
            None if self.harmed.len() < MAX_DEFECT_TRANSACTIONS => {
                self.harmed.insert(transaction.id, index);
            }
            None => self.refused += 1,
        }
    }
}

/// Defects kept of one transaction.
const MAX_OF_TRANSACTION: usize = 16;
