//! One direction of a connection: what waits, which keys hold, and which sequence number the next record has.

use super::cipher::Plain;
use super::facts::Unreadable;
use super::handshake::Messages;
use super::negotiation::{Protection, Stage};
use super::record::{ContentType, Cutter, HEADER, Record};
use crate::capture::Sighting;
use crate::limits::MAX_TLS_SKIP;
use std::collections::VecDeque;
use std::mem;

/// How a direction is read.
#[derive(Default)]
pub(super) enum State {
    /// Nothing is protected yet.
    #[default]
    Clear,
    /// Protected, and the keys are not known yet.
    Waiting(Stage),
    /// Protected with these keys.
    Open(Box<Protection>),
    /// Given up.
    Shut,
}

/// Something that waits until keys are known.
pub(super) enum Held {
    Record(HeldRecord),
    /// Bytes are missing here.
    Gap,
}

/// A record that waits.
pub(super) struct HeldRecord {
    pub(super) kind: ContentType,
    pub(super) header: [u8; HEADER],
    pub(super) content: Vec<u8>,
    pub(super) at: Sighting,
    /// Whether what it shows unopened is in the facts.
    pub(super) observed: bool,
}

impl HeldRecord {
    pub(super) fn record(&self) -> Record<'_> {
        Record {
            kind: self.kind,
            header: self.header,
            content: &self.content,
        }
    }
}

/// What waits, with the numbers by which both directions come in order.
#[derive(Default)]
pub(super) struct Queue {
    items: VecDeque<(u64, Held)>,
    bytes: usize,
    /// How many of the first were handed out by [`Queue::unobserved`].
    observed: usize,
}

/// What an entry costs beside its content.
const ENTRY: usize = size_of::<(u64, Held)>();

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets all, and says how many records that were.
    pub(super) fn clear(&mut self) -> u64 {
        let records = self
            .items
            .iter()
            .filter(|(_, it)| matches!(it, Held::Record(_)));
        let count = records.count();
        *self = Self::default();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// The number of the first.
    pub(super) fn first(&self) -> Option<u64> {
        self.items.front().map(|(order, _)| *order)
    }

    pub(super) fn push(&mut self, order: u64, held: Held) {
        self.bytes += cost(&held);
        self.items.push_back((order, held));
    }

    pub(super) fn push_front(&mut self, order: u64, held: Held) {
        self.bytes += cost(&held);
        if let Held::Record(HeldRecord { observed: true, .. }) = held {
            self.observed += 1;
        }
        self.items.push_front((order, held));
    }

    pub(super) fn pop(&mut self) -> Option<(u64, Held)> {
        let (order, held) = self.items.pop_front()?;
        self.bytes = self.bytes.saturating_sub(cost(&held));
        self.observed = self.observed.saturating_sub(1);
        Some((order, held))
    }

    /// The next record whose outside was not looked at, and which from now on counts as looked at.
    pub(super) fn unobserved(&mut self) -> Option<&HeldRecord> {
        while let Some((_, held)) = self.items.get_mut(self.observed) {
            self.observed += 1;
            if let Held::Record(record) = held
                && !mem::replace(&mut record.observed, true)
            {
                // Borrowed anew: the borrow above would last beyond the loop.
                let (_, held) = self.items.get(self.observed - 1)?;
                return match held {
                    Held::Record(record) => Some(record),
                    Held::Gap => None,
                };
            }
        }
        None
    }
}

fn cost(held: &Held) -> usize {
    ENTRY
        + match held {
            Held::Record(record) => record.content.len(),
            Held::Gap => 0,
        }
}

/// See the top of the file.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is seen or not seen by itself"
)]
pub(super) struct Direction {
    pub(super) cutter: Cutter,
    pub(super) messages: Messages,
    pub(super) held: Queue,
    pub(super) state: State,
    /// The sequence number of the next record, or the lowest that it may have.
    seq: u64,
    /// How many records at least went by unread since `seq` was certain; `None` while it is.
    unsure: Option<u64>,
    /// The explicit part of the last nonce.
    nonce: Option<u64>,
    /// Records in a row that did not open.
    pub(super) failures: u32,
    /// Early data passed over because its secret is not known.
    pub(super) passed_over: u32,
    /// Whether anything was seen at all.
    pub(super) begun: bool,
    /// Whether its hello was read.
    pub(super) hello: bool,
    /// Why its hello cannot be expected any more.
    pub(super) fault: Option<Unreadable>,
    /// Why it cannot be read at the moment.
    pub(super) trouble: Option<Unreadable>,
    /// Whether a record was opened; `finished` then says exactly what the estimates below guess.
    pub(super) opened: bool,
    /// Whether the keys of the handshake were known, so that Finished is certain to be seen.
    pub(super) opened_handshake: bool,
    pub(super) finished: bool,
    pub(super) changed_cipher: bool,
    /// Whether a record stands where Finished should.
    pub(super) finished_seemingly: bool,
    /// Protected records of TLS 1.3.
    pub(super) protected: u64,
    /// Records of application data, as far as can be told without opening them.
    pub(super) application_seemingly: u64,
}

impl Direction {
    /// Takes keys into use.
    pub(super) fn protect(&mut self, mut protection: Protection) {
        if self.is_unsure() {
            protection.opener.lost();
        }
        self.state = State::Open(Box::new(protection));
    }

    /// Waits for keys, with which the count of records begins anew.
    pub(super) fn wait_for(&mut self, stage: Stage) {
        self.state = State::Waiting(stage);
        self.trouble = None;
        self.seq = 0;
        self.nonce = None;
        self.messages.reset();
    }

    /// Notes that `count` records, or an unknown number of them, went by unread.
    pub(super) fn lose(&mut self, count: u64) {
        self.unsure = Some(self.unsure.unwrap_or(0).saturating_add(count));
        if let State::Open(protection) = &mut self.state {
            protection.opener.lost();
        }
        self.messages.reset();
    }

    /// The next record is the first under its keys, whatever was lost before.
    pub(super) const fn count_from_here(&mut self) {
        self.unsure = None;
    }

    pub(super) const fn is_unsure(&self) -> bool {
        self.unsure.is_some()
    }

    pub(super) const fn is_first(&self) -> bool {
        self.seq == 0
    }

    /// Opens a record with the keys in use. Where records are missing, tries the sequence numbers that it may have.
    pub(super) fn open(&mut self, record: &Record<'_>) -> Option<Plain> {
        let State::Open(protection) = &self.state else {
            return None;
        };
        let nonce = protection.opener.explicit_nonce(record);
        let mut tried = self.candidates(nonce);
        let State::Open(protection) = &mut self.state else {
            return None;
        };
        let opener = &mut protection.opener;
        let (seq, plain) = tried.find_map(|seq| Some((seq, opener.open(record, seq)?)))?;
        self.opened_as(seq, nonce);
        Some(plain)
    }

    /// Tries other keys on a record that those in use do not open, and keeps them if they do.
    pub(super) fn open_with(
        &mut self,
        record: &Record<'_>,
        mut other: Protection,
    ) -> Option<Plain> {
        let around = self.unsure.unwrap_or(0);
        let last = if self.is_unsure() {
            around.saturating_add(MAX_TLS_SKIP)
        } else {
            0
        };
        let mut tried = around.saturating_sub(MAX_TLS_SKIP)..=last;
        let (seq, plain) = tried.find_map(|seq| Some((seq, other.opener.open(record, seq)?)))?;
        let nonce = other.opener.explicit_nonce(record);
        self.protect(other);
        self.messages.reset();
        self.opened_as(seq, nonce);
        Some(plain)
    }

    fn opened_as(&mut self, seq: u64, nonce: Option<u64>) {
        self.seq = seq.saturating_add(1);
        self.unsure = None;
        self.nonce = nonce;
        self.failures = 0;
        self.trouble = None;
        self.opened = true;
        if let State::Open(protection) = &self.state
            && protection.stage == Stage::Handshake
        {
            self.opened_handshake = true;
        }
    }

    /// The sequence numbers that the next record may have, likeliest first.
    fn candidates(&self, nonce: Option<u64>) -> impl Iterator<Item = u64> + use<> {
        let (seq, unsure) = (self.seq, self.unsure);
        let exact = seq.saturating_add(unsure.unwrap_or(0));
        // RFC 5288 §3: senders may count up the explicit part of the nonce, and all do; so it tells how many are missing.
        let by_nonce = match (nonce, self.nonce) {
            (Some(now), Some(before)) if unsure.is_some() => {
                let passed = now.wrapping_sub(before).wrapping_sub(1);
                Some(seq.saturating_add(passed)).filter(|_| u32::try_from(passed).is_ok())
            }
            _ => None,
        };
        let around = if unsure.is_some() { MAX_TLS_SKIP } else { 0 };
        let above = exact..=exact.saturating_add(around);
        let below = (seq.max(exact.saturating_sub(around))..exact).rev();
        by_nonce.into_iter().chain(above).chain(below)
    }

    /// Notes a record that did not open. Behind missing bytes it may belong to keys that are not in use any more, so that it
    /// says little of the number of the next.
    pub(super) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        match &mut self.unsure {
            Some(count) => *count = count.saturating_add(1),
            None => self.seq = self.seq.saturating_add(1),
        }
    }

    /// Notes that a record has gone by, opened or not.
    pub(super) fn passed(&mut self, record: &Record<'_>) {
        if let State::Open(protection) = &mut self.state {
            protection.opener.passed(record);
        }
    }
}
