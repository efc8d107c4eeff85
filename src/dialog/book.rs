//! The book of Call-IDs: collects what belongs together and says when it can be judged.

use super::Call;
use crate::hash::{KeyMap, KeySet, fingerprint};
use crate::limits::{
    CROWD_OF_DIALOGS, MAX_CALL_DIALOGS, MAX_CALL_IDS, MAX_CALL_TRANSACTIONS,
    MAX_DIALOG_TRANSACTIONS, MAX_OPEN_DIALOGS, MAX_UNPACKED_CALLS, MAX_UNPACKED_OF_CROWD,
    MAX_WAITING_TRANSACTIONS,
};
use crate::sip::{Message, Method, StartLine};
use crate::transaction::{Keys, Packed, Packer, Transaction, TransactionId};
use crate::workers::Workers;
use smallvec::SmallVec;
use std::collections::VecDeque;

/// Calls that are packed together: as many threads as there are share them.
const PACKED_AT_ONCE: usize = 64;

/// All Call-IDs that have something open.
#[derive(Debug, Default)]
pub struct Book {
    /// By [`Keys::call`].
    entries: KeyMap<Box<Entry>>,
    call_ids: KeySet<u64>,
    /// Confirmed dialogs that were not ended.
    open_dialogs: usize,
    /// Finished transactions that wait for the end of their dialog.
    waiting: usize,
    /// Calls of which nothing is open but a dialog, those that are silent longest first, with the number of their silence.
    idle: VecDeque<(u64, u16)>,
    /// The last of them, whose transactions are not packed.
    unpacked: VecDeque<(u64, u16)>,
    packer: Packer,
    workers: Workers,
    judged_early: u64,
    calls: u64,
    mid_dialog: u64,
    refused: u64,
}

/// What belongs to a Call-ID; of the many that are silent most hold one [`Packed`] and one dialog.
#[derive(Debug, Default)]
struct Entry {
    open: u32,
    /// How often it fell silent, as far as 16 bits tell: enough to know this silence from those that a queue still holds.
    silences: u16,
    closed: Vec<Box<Transaction>>,
    /// Those that were closed before it fell silent.
    packed: SmallVec<[Packed; 1]>,
    starts_mid_dialog: bool,
    /// The confirmed dialogs by the fingerprint of their tags, and whether they go on.
    dialogs: SmallVec<[(u64, bool); 1]>,
}

impl Book {
    /// The same, where `workers` pack the transactions of calls that last, with `packer`.
    #[must_use]
    pub fn with_packer(mut self, packer: Packer, workers: &Workers) -> Self {
        self.packer = packer;
        self.workers = workers.clone();
        self
    }

    /// Notes a message that is no copy. `began` says that it began a transaction, `late` that it is a request whose
    /// response was read before it, as clocks of several capture points make it.
    pub fn message(&mut self, message: &Message, keys: Keys, began: bool, late: bool) {
        let key = keys.call;
        let known = self.entries.contains_key(key);
        if !known || self.call_ids.len() >= MAX_CALL_IDS {
            if message.call_id().is_none() {
                return;
            }
            let starts_mid_dialog = self.count(message, key);
            if began && !known {
                let entry = Entry {
                    starts_mid_dialog,
                    ..Entry::default()
                };
                self.entries.insert(key, Box::new(entry));
            }
        }
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.open = entry.open.saturating_add(began.into());
        if late && entry.starts_mid_dialog && message.to_tag().is_none() {
            entry.starts_mid_dialog = false;
            self.mid_dialog = self.mid_dialog.saturating_sub(1);
            self.calls += u64::from(message.method() == Some(Method::Invite));
        }
        if let Some(begins) = begins_dialog(message) {
            self.note_dialog(message, key, begins);
        }
    }

    /// Has the place brought into the cache where the call of a message stands.
    #[inline]
    pub fn fetch(&self, keys: &Keys) {
        self.entries.fetch(keys.call);
    }

    /// Counts a Call-ID when it is new; whether it is and begins in the middle of a dialog.
    fn count(&mut self, message: &Message, key: u64) -> bool {
        if self.call_ids.len() >= MAX_CALL_IDS && !self.call_ids.contains(&key) {
            self.refused += 1;
            return false;
        }
        if !self.call_ids.insert(key) {
            return false;
        }
        // Guard G-START: a response, an ACK or a request with a To tag has a history before this capture.
        // A cut message hides its tags (guard G-SNAP).
        let mid_dialog = !message.is_cut()
            && message
                .cseq()
                .is_some_and(|(_, method)| is_of_call(&method))
            && match message.start_line() {
                StartLine::Request { method, .. } => {
                    method == Method::Ack || message.to_tag().is_some()
                }
                StartLine::Response { .. } => true,
            };
        self.mid_dialog += u64::from(mid_dialog);
        self.calls += u64::from(!mid_dialog && message.method() == Some(Method::Invite));
        mid_dialog
    }

    /// Takes a finished transaction. Returns the call when nothing of its Call-ID is open and none of its dialogs goes on, or
    /// when enough has gathered.
    pub fn closed(&mut self, transaction: Box<Transaction>) -> Option<Call> {
        let key = transaction.call_key;
        let Some(entry) = self.entries.get_mut(key) else {
            return Some(Call {
                call_id: transaction.call_id.clone(),
                transactions: vec![*transaction],
            });
        };
        entry.open = entry.open.saturating_sub(1);
        entry.closed.push(transaction);
        self.waiting += 1;
        let (full, waits) = if entry.dialogs.is_empty() {
            (MAX_CALL_TRANSACTIONS, entry.open > 0)
        } else {
            (MAX_DIALOG_TRANSACTIONS, entry.open > 0 || entry.goes_on())
        };
        let crowded = entry.open == 0 && self.waiting > MAX_WAITING_TRANSACTIONS;
        if waits && !crowded && entry.len() < full {
            if entry.open == 0 {
                entry.silences = entry.silences.wrapping_add(1);
                self.idle.push_back((key, entry.silences));
                self.unpacked.push_back((key, entry.silences));
                self.forget_ended();
                self.pack();
            }
            return None;
        }
        self.judged_early += u64::from(waits && crowded);
        let call = entry.take(key, &mut self.packer);
        self.waiting = self.waiting.saturating_sub(call.transactions.len());
        if entry.open == 0 && !entry.goes_on() {
            self.entries.remove(key);
        }
        Some(call)
    }

    /// The call that is silent longest, before its end; `None` when something is open of every call. What belongs to it and
    /// comes later is judged without it.
    pub fn take_idle(&mut self) -> Option<Call> {
        while let Some((key, silence)) = self.idle.pop_front() {
            let entry = self.entries.get_mut(key);
            if let Some(entry) = entry.filter(|it| it.is_silent(silence)) {
                let call = entry.take(key, &mut self.packer);
                self.waiting = self.waiting.saturating_sub(call.transactions.len());
                self.judged_early += 1;
                return Some(call);
            }
        }
        None
    }

    /// Packs the calls that are silent longest, of those that are not packed.
    fn pack(&mut self) {
        let at_hand = if self.open_dialogs > CROWD_OF_DIALOGS {
            MAX_UNPACKED_OF_CROWD
        } else {
            MAX_UNPACKED_CALLS
        };
        if self.unpacked.len() < at_hand + PACKED_AT_ONCE {
            return;
        }
        let mut keys = Vec::with_capacity(PACKED_AT_ONCE);
        let mut calls = Vec::with_capacity(PACKED_AT_ONCE);
        for (key, silence) in self.unpacked.drain(..self.unpacked.len() - at_hand) {
            let entry = self.entries.get_mut(key);
            if let Some(entry) = entry.filter(|it| it.is_silent(silence)) {
                keys.push(key);
                calls.push(std::mem::take(&mut entry.closed));
            }
        }
        let packed = self.packer.pack(&calls, &self.workers);
        for ((key, closed), packed) in keys.iter().zip(calls).zip(packed) {
            let Some(entry) = self.entries.get_mut(*key) else {
                continue;
            };
            match packed {
                Some(packed) => entry.packed.push(packed),
                None => entry.closed = closed,
            }
        }
    }

    /// Keeps the queue of silent calls about as long as there are any.
    fn forget_ended(&mut self) {
        if self.idle.len() > 2 * self.entries.len() + 64 {
            let entries = &self.entries;
            self.idle.retain(|(key, silence)| {
                let entry = entries.get(*key);
                entry.is_some_and(|it| it.is_silent(*silence))
            });
        }
    }

    /// Ends the capture: the keys of the Call-IDs whose dialogs go on, in the order in which they began, for [`Self::take`].
    pub fn finish(&self) -> Vec<u64> {
        let mut calls: Vec<_> = (self.entries.iter())
            .filter_map(|(key, entry)| Some((entry.first()?, key)))
            .collect();
        calls.sort_unstable_by_key(|(first, _)| *first);
        calls.into_iter().map(|(_, key)| key).collect()
    }

    /// What there is of a call at the end of the capture.
    pub fn take(&mut self, key: u64) -> Option<Call> {
        let mut entry = self.entries.remove(key)?;
        let call = entry.take(key, &mut self.packer);
        self.waiting = self.waiting.saturating_sub(call.transactions.len());
        Some(call)
    }

    /// How many calls were judged before their end because too many were under way.
    pub const fn judged_early(&self) -> u64 {
        self.judged_early
    }

    /// How many different Call-IDs were seen.
    pub fn call_ids(&self) -> u64 {
        self.call_ids.len() as u64
    }

    /// How many Call-IDs began with an INVITE.
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// How many Call-IDs began in the middle of a dialog.
    pub const fn mid_dialog(&self) -> u64 {
        self.mid_dialog
    }

    /// How many messages had a Call-ID that could not be counted any more.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// How many dialogs are confirmed and not ended.
    pub const fn open_dialogs(&self) -> u64 {
        self.open_dialogs as u64
    }

    /// Notes that a message confirms its dialog, or ends it.
    fn note_dialog(&mut self, message: &Message, key: u64, begins: bool) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        // Either side may send the BYE, so the order of the tags means nothing.
        let (one, other) = (message.from_tag(), message.to_tag());
        let dialog = fingerprint((&one, &other)) ^ fingerprint((&other, &one));
        match entry.dialogs.iter_mut().find(|(known, _)| *known == dialog) {
            // A 2xx that comes again after the BYE begins nothing.
            Some((_, goes_on)) if !begins => {
                self.open_dialogs -= usize::from(*goes_on);
                *goes_on = false;
            }
            Some(_) => {}
            None if !begins => {}
            None => {
                let room = entry.dialogs.len() < MAX_CALL_DIALOGS;
                if room && self.open_dialogs < MAX_OPEN_DIALOGS {
                    entry.dialogs.push((dialog, true));
                    self.open_dialogs += 1;
                } else {
                    self.refused += 1;
                }
            }
        }
    }
}

// There may be a million of them.
const _: () = assert!(size_of::<Entry>() <= 80);

impl Entry {
    /// Whether this silence still lasts, with something to judge.
    fn is_silent(&self, silence: u16) -> bool {
        self.silences == silence && self.open == 0 && self.len() > 0
    }

    /// How many finished transactions wait.
    fn len(&self) -> usize {
        self.closed.len() + self.packed.iter().map(Packed::count).sum::<usize>()
    }

    /// The first of them.
    fn first(&self) -> Option<TransactionId> {
        let packed = self.packed.iter().filter_map(Packed::first);
        self.closed.iter().map(|it| it.id).chain(packed).min()
    }

    /// Whether a confirmed dialog was not ended.
    fn goes_on(&self) -> bool {
        self.dialogs.iter().any(|(_, goes_on)| *goes_on)
    }

    /// All that waits of the call with that [`Keys::call`].
    fn take(&mut self, key: u64, packer: &mut Packer) -> Call {
        let mut transactions = Vec::with_capacity(self.len());
        transactions.extend(self.closed.drain(..).map(|it| *it));
        for packed in self.packed.drain(..) {
            transactions.extend(packer.unpack(packed, key));
        }
        transactions.sort_by_key(|transaction| transaction.id);
        let first = transactions.first();
        Call {
            call_id: first.map(|it| it.call_id.clone()).unwrap_or_default(),
            transactions,
        }
    }
}

/// What a message does to a dialog (RFC 3261 §12.1, §15): a 2xx to INVITE confirms it, a BYE ends it, which its 2xx proves where
/// the capture lacks the request. `None` when it does neither.
fn begins_dialog(message: &Message) -> Option<bool> {
    match message.status() {
        None => (message.method() == Some(Method::Bye)).then_some(false),
        Some(200..300) => match message.cseq()? {
            (_, Method::Invite) => Some(true),
            (_, Method::Bye) => Some(false),
            _ => None,
        },
        Some(_) => None,
    }
}

/// Whether requests of that method belong to calls, and not to registrations, subscriptions, pings or messages.
const fn is_of_call(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite
            | Method::Ack
            | Method::Bye
            | Method::Cancel
            | Method::Prack
            | Method::Update
            | Method::Info
            | Method::Refer
    )
}
