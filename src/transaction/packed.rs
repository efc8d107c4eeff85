//! Finished transactions in a few bytes, for calls that last: all that is known of them, compressed with what is alike in
//! the calls around them. Nothing is lost on the way that anybody asks for.

mod bytes;

use super::{Transaction, TransactionId};
use crate::sip::Message;
use crate::workers::Workers;
use bytes::{Bytes, In, Out};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

/// Compression that costs a call about as much as reading two messages.
const LEVEL: i32 = 3;
/// Bytes that calls share with each other.
const SAMPLE: usize = 16 * 1024;
/// Calls of which they are learnt.
const LEARNT_FROM: usize = 64;
/// Bytes of one call that are looked at for it: a long one is like itself.
const LOOKED_AT: usize = 8 * 1024;
/// Calls after which a new sample is taken, as those who call change.
const SAMPLED: usize = 16_384;
/// Bytes of room that are used again.
const KEPT_ROOM: usize = 64 * 1024;
/// Calls that are worth the time of another thread.
const PIECE: usize = 8;

/// Packs transactions.
#[derive(Default)]
pub struct Packer {
    used: Arc<AtomicUsize>,
    /// What the next sample will be made of, and how long each piece is.
    gathered: Vec<u8>,
    lengths: Vec<usize>,
    sample: Arc<Sample>,
    /// How many calls are packed with it before the next one is made.
    good_for: usize,
    benches: Benches,
    /// Those before it that calls are still packed with, in the order of their numbers.
    older: VecDeque<Arc<Sample>>,
    /// For what was packed with that sample.
    decompressor: Option<(Arc<Sample>, Decompressor<'static>)>,
}

/// What calls share with each other.
#[derive(Debug, Default)]
struct Sample {
    number: u64,
    bytes: Box<[u8]>,
    /// How many calls are packed with it.
    users: AtomicUsize,
}

/// Where calls are packed at the same time: as many as were ever used at once.
#[derive(Default)]
struct Benches(Mutex<Vec<Bench>>);

/// What packs one call after the other.
#[derive(Default)]
struct Bench {
    /// For that sample.
    compressor: Option<(Arc<Sample>, Compressor<'static>)>,
    /// Memory that is used again.
    plain: Out,
    compressed: Vec<u8>,
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

/// Transactions of one call that were packed; they count against the room for messages until they are unpacked. There may be a
/// million of these, so that what is known of them stands with the bytes.
#[derive(Debug)]
pub struct Packed {
    /// A [`Label`], and behind it what it is about.
    bytes: Box<[u8]>,
}

/// What is known of packed transactions without unpacking them.
struct Label {
    /// The number of the sample that they are packed with.
    sample: u64,
    first: TransactionId,
    count: usize,
    /// How long the bytes are when they are not compressed.
    len: usize,
}

impl Packer {
    /// One whose bytes count against the room for messages of a [`super::Table`].
    pub(super) fn new(used: &Arc<AtomicUsize>) -> Self {
        Self {
            used: Arc::clone(used),
            ..Self::default()
        }
    }

    /// Packs the transactions of some calls, which share a Call-ID each. `None` for one that has none, and should the library
    /// refuse it.
    pub fn pack(
        &mut self,
        calls: &[Vec<Box<Transaction>>],
        workers: &Workers,
    ) -> Vec<Option<Packed>> {
        let mut packed = Vec::with_capacity(calls.len());
        let mut rest = calls;
        while let Some((first, others)) = rest.split_first() {
            if self.good_for == 0 {
                self.look_at(first);
                packed.push(self.pack_one(first));
                rest = others;
                continue;
            }
            let (alike, others) = rest.split_at(rest.len().min(self.good_for));
            self.good_for -= alike.len();
            packed.extend(workers.map(alike, PIECE, |call| self.pack_one(call)));
            rest = others;
        }
        packed
    }

    fn pack_one(&self, transactions: &[Box<Transaction>]) -> Option<Packed> {
        let mut bench = self.benches.take();
        let bytes = bench.pack(transactions, &self.sample);
        self.benches.put(bench);
        let packed = Packed { bytes: bytes? };
        self.sample.users.fetch_add(1, Ordering::Relaxed);
        self.used.fetch_add(packed.footprint(), Ordering::Relaxed);
        let messages = transactions.iter().flat_map(|it| it.messages());
        let bytes = messages.map(Message::footprint).sum();
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        Some(packed)
    }

    /// The transactions as they were, of the call with that [`Transaction::call_key`]. Their messages count against the room from
    /// now on, until [`super::Table::let_go`].
    pub fn unpack(&mut self, packed: Packed, call_key: u64) -> Vec<Transaction> {
        self.used.fetch_sub(packed.footprint(), Ordering::Relaxed);
        let plain = self.plain(&packed).unwrap_or_default();
        self.let_go(&packed);
        drop(packed);
        let mut rest = In::of(&plain);
        let call_id: Arc<[u8]> = rest.part().unwrap_or_default().into();
        let transactions: Vec<_> = std::iter::from_fn(|| Transaction::take(&mut rest))
            .map(|transaction| Transaction {
                call_id: Arc::clone(&call_id),
                call_key,
                ..transaction
            })
            .collect();
        let messages = transactions.iter().flat_map(Transaction::messages);
        let bytes = messages.map(Message::footprint).sum();
        self.used.fetch_add(bytes, Ordering::Relaxed);
        transactions
    }

    fn plain(&mut self, packed: &Packed) -> Option<Vec<u8>> {
        let (label, bytes) = packed.parts()?;
        let known = |(sample, _): &(Arc<Sample>, _)| sample.number == label.sample;
        if !self.decompressor.as_ref().is_some_and(known) {
            let sample = Arc::clone(self.sample_of(label.sample)?);
            let new = Decompressor::with_dictionary(&sample.bytes).ok()?;
            self.decompressor = Some((sample, new));
        }
        let (_, decompressor) = self.decompressor.as_mut()?;
        decompressor.decompress(bytes, label.len).ok()
    }

    fn sample_of(&self, number: u64) -> Option<&Arc<Sample>> {
        if self.sample.number == number {
            return Some(&self.sample);
        }
        let at = self.older.binary_search_by_key(&number, |it| it.number);
        self.older.get(at.ok()?)
    }

    /// Forgets an older sample with the last call that is packed with it.
    fn let_go(&mut self, packed: &Packed) {
        let Some((label, _)) = packed.parts() else {
            return;
        };
        let users = self.sample_of(label.sample).map(|it| &it.users);
        let was_last = users.is_some_and(|it| it.fetch_sub(1, Ordering::Relaxed) == 1);
        if was_last && label.sample != self.sample.number {
            self.older.retain(|it| it.number != label.sample);
        }
    }

    /// Gathers what the next calls will share with this one, and begins anew with it now and then.
    fn look_at(&mut self, transactions: &[Box<Transaction>]) {
        let mut plain = Out::default();
        write(transactions, &mut plain);
        plain.bytes.truncate(LOOKED_AT);
        self.lengths.push(plain.bytes.len());
        self.gathered.append(&mut plain.bytes);
        if self.lengths.len() == LEARNT_FROM {
            let gathered = std::mem::take(&mut self.gathered);
            let lengths = std::mem::take(&mut self.lengths);
            self.good_for = SAMPLED;
            // Of what is too short nothing can be learnt: then the one before is as good.
            if let Ok(learnt) = zstd::dict::from_continuous(&gathered, &lengths, SAMPLE) {
                let next = Arc::new(Sample {
                    number: self.sample.number + 1,
                    bytes: learnt.into(),
                    users: AtomicUsize::new(0),
                });
                let before = std::mem::replace(&mut self.sample, next);
                if before.users.load(Ordering::Relaxed) > 0 {
                    self.older.push_back(before);
                }
            }
        }
    }
}

impl Benches {
    fn take(&self) -> Bench {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.pop().unwrap_or_default()
    }

    fn put(&self, bench: Bench) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push(bench);
    }
}

impl Bench {
    /// The label of transactions, and behind it what they are, compressed.
    fn pack(
        &mut self,
        transactions: &[Box<Transaction>],
        sample: &Arc<Sample>,
    ) -> Option<Box<[u8]>> {
        let one = transactions.first()?;
        let known = |(other, _): &(Arc<Sample>, _)| other.number == sample.number;
        if !self.compressor.as_ref().is_some_and(known) {
            let mut new = Compressor::with_dictionary(LEVEL, &sample.bytes).ok()?;
            // It is known which sample and how long.
            new.set_parameter(CParameter::DictIdFlag(false)).ok()?;
            new.set_parameter(CParameter::ContentSizeFlag(false)).ok()?;
            self.compressor = Some((Arc::clone(sample), new));
        }
        let (_, compressor) = self.compressor.as_mut()?;
        write(transactions, &mut self.plain);
        let plain = &self.plain.bytes;
        self.compressed.clear();
        self.compressed
            .reserve(zstd::zstd_safe::compress_bound(plain.len()));
        compressor
            .compress_to_buffer(plain, &mut self.compressed)
            .ok()?;
        let label = Label {
            sample: sample.number,
            first: transactions.iter().fold(one.id, |id, it| id.min(it.id)),
            count: transactions.len(),
            len: plain.len(),
        };
        let mut front = Out::default();
        label.put(&mut front);
        let parts = [front.bytes.as_slice(), self.compressed.as_slice()];
        let bytes = parts.concat().into();
        // A long call is seldom.
        self.plain.bytes.shrink_to(KEPT_ROOM);
        self.compressed.shrink_to(KEPT_ROOM);
        Some(bytes)
    }
}

/// Writes transactions that share a Call-ID.
fn write(transactions: &[Box<Transaction>], plain: &mut Out) {
    plain.clear();
    if let Some(one) = transactions.first() {
        plain.part(&one.call_id);
    }
    for transaction in transactions {
        transaction.put(plain);
    }
}

impl Packed {
    /// How many they are.
    pub fn count(&self) -> usize {
        self.parts().map_or(0, |(label, _)| label.count)
    }

    /// The number of the first.
    pub fn first(&self) -> Option<TransactionId> {
        self.parts().map(|(label, _)| label.first)
    }

    fn parts(&self) -> Option<(Label, &[u8])> {
        let mut bytes = In::of(&self.bytes);
        Some((Label::take(&mut bytes)?, bytes.rest()))
    }

    fn footprint(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }
}

#[cfg(test)]
mod tests;
