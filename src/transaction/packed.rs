//! Finished transactions in a few bytes, for calls that last: all that is known of them, compressed with what is alike in
//! the calls around them. Nothing is lost on the way.

mod bytes;

use super::{Transaction, TransactionId};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use zstd::bulk::{Compressor, Decompressor};

/// Compression that costs a call about as much as reading one message.
const LEVEL: i32 = 1;
/// Bytes that calls share with each other: those of a few calls of a busy trunk.
const SAMPLE: usize = 24 * 1024;
/// Calls after which a new sample is taken, as those who call change.
const SAMPLED: usize = 16_384;

/// Packs transactions.
#[derive(Default)]
pub struct Packer {
    used: Arc<AtomicUsize>,
    /// What the next sample will be.
    gathered: Vec<u8>,
    sample: Arc<Box<[u8]>>,
    compressor: Option<Compressor<'static>>,
    /// For what was packed with that sample.
    decompressor: Option<(Arc<Box<[u8]>>, Decompressor<'static>)>,
    packed: usize,
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

/// Transactions that were packed.
#[derive(Debug)]
pub struct Packed {
    /// The number of the first.
    pub first: TransactionId,
    count: u32,
    /// How long the bytes are when they are not compressed.
    len: u32,
    bytes: Box<[u8]>,
    sample: Arc<Box<[u8]>>,
    used: Arc<AtomicUsize>,
}

impl Packer {
    /// One whose bytes count against the room for messages of a [`super::Table`].
    pub(super) fn new(used: &Arc<AtomicUsize>) -> Self {
        Self {
            used: Arc::clone(used),
            ..Self::default()
        }
    }

    /// Packs them.
    ///
    /// # Errors
    /// Gives them back when there are none, and should the library refuse them.
    pub fn pack(
        &mut self,
        transactions: Vec<Box<Transaction>>,
    ) -> Result<Packed, Vec<Box<Transaction>>> {
        let Some(first) = transactions.iter().map(|it| it.id).min() else {
            return Err(transactions);
        };
        let mut plain = Vec::with_capacity(8 * 1024);
        for transaction in &transactions {
            transaction.put(&mut plain);
        }
        self.look_at(&plain);
        let compressor = match &mut self.compressor {
            Some(compressor) => compressor,
            none => match Compressor::with_dictionary(LEVEL, &self.sample) {
                Ok(compressor) => none.insert(compressor),
                Err(_) => return Err(transactions),
            },
        };
        let (Ok(bytes), Ok(len), Ok(count)) = (
            compressor.compress(&plain),
            u32::try_from(plain.len()),
            u32::try_from(transactions.len()),
        ) else {
            return Err(transactions);
        };
        let packed = Packed {
            first,
            count,
            len,
            bytes: bytes.into(),
            sample: Arc::clone(&self.sample),
            used: Arc::clone(&self.used),
        };
        self.used.fetch_add(packed.footprint(), Ordering::Relaxed);
        Ok(packed)
    }

    /// The transactions as they were, with the Call-ID that they share.
    pub fn unpack(&mut self, packed: &Packed, call_id: &Arc<[u8]>) -> Vec<Transaction> {
        let plain = self.plain(packed).unwrap_or_default();
        let mut rest = plain.as_slice();
        (0..packed.count)
            .map_while(|_| Transaction::take(&mut rest))
            .map(|transaction| Transaction {
                call_id: Arc::clone(call_id),
                ..transaction
            })
            .collect()
    }

    fn plain(&mut self, packed: &Packed) -> Option<Vec<u8>> {
        let known = |(sample, _): &(Arc<_>, _)| Arc::ptr_eq(sample, &packed.sample);
        if !self.decompressor.as_ref().is_some_and(known) {
            let new = Decompressor::with_dictionary(&packed.sample).ok()?;
            self.decompressor = Some((Arc::clone(&packed.sample), new));
        }
        let (_, decompressor) = self.decompressor.as_mut()?;
        decompressor
            .decompress(&packed.bytes, packed.len as usize)
            .ok()
    }

    /// Gathers what the next calls will share with this one, and begins anew with it now and then.
    fn look_at(&mut self, plain: &[u8]) {
        self.packed += 1;
        if !self.sample.is_empty() && self.packed < SAMPLED {
            return;
        }
        let room = SAMPLE.saturating_sub(self.gathered.len());
        let some = plain.get(..room.min(plain.len())).unwrap_or_default();
        self.gathered.extend_from_slice(some);
        if self.gathered.len() >= SAMPLE {
            self.sample = Arc::new(std::mem::take(&mut self.gathered).into());
            self.compressor = None;
            self.packed = 0;
        }
    }
}

impl Packed {
    /// How many they are.
    pub const fn count(&self) -> usize {
        self.count as usize
    }

    fn footprint(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }
}

impl Drop for Packed {
    fn drop(&mut self) {
        self.used.fetch_sub(self.footprint(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
