//! How many bytes of HEP packets wait to be read, in all and of each sender.

use crate::hash::HashMap;
use crate::limits::{HEP_PACKET_OVERHEAD, HEP_QUEUED_BYTES, HEP_QUEUED_BYTES_OF_ONE};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What waits, over all listeners.
#[derive(Debug, Default)]
pub(super) struct Queued(Mutex<Amounts>);

#[derive(Debug, Default)]
struct Amounts {
    total: usize,
    by_source: HashMap<IpAddr, usize>,
}

impl Queued {
    /// Counts a packet in; false when there is no room for it.
    fn add(&self, source: IpAddr, bytes: usize) -> bool {
        let mut amounts = self.amounts();
        let Amounts { total, by_source } = &mut *amounts;
        let of_one = by_source.get(&source).copied().unwrap_or(0) + bytes;
        if *total + bytes > HEP_QUEUED_BYTES || of_one > HEP_QUEUED_BYTES_OF_ONE {
            return false;
        }
        *total += bytes;
        by_source.insert(source, of_one);
        true
    }

    fn remove(&self, loads: &[(IpAddr, usize)]) {
        let mut amounts = self.amounts();
        for &(source, bytes) in loads {
            amounts.total = amounts.total.saturating_sub(bytes);
            if let Some(amount) = amounts.by_source.get_mut(&source) {
                *amount = amount.saturating_sub(bytes);
                if *amount == 0 {
                    amounts.by_source.remove(&source);
                }
            }
        }
    }

    fn amounts(&self) -> MutexGuard<'_, Amounts> {
        // Numbers are whole whoever panicked meanwhile.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a batch of packets holds of the room; gives it back when the batch is gone.
#[derive(Debug)]
pub(in crate::capture) struct Load {
    queued: Arc<Queued>,
    of: Vec<(IpAddr, usize)>,
}

impl Load {
    pub(super) fn new(queued: &Arc<Queued>) -> Self {
        Self {
            queued: Arc::clone(queued),
            of: Vec::new(),
        }
    }

    /// Counts a packet in; false when there is no room for it.
    pub(super) fn add(&mut self, source: IpAddr, len: usize) -> bool {
        let bytes = len + HEP_PACKET_OVERHEAD;
        if !self.queued.add(source, bytes) {
            return false;
        }
        match self.of.last_mut() {
            Some((last, amount)) if *last == source => *amount += bytes,
            _ => self.of.push((source, bytes)),
        }
        true
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.queued.remove(&self.of);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const LEN: usize = 60_000;

    fn host(number: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, number).into()
    }

    /// How many packets of one sender find room.
    fn fill(load: &mut Load, source: IpAddr) -> usize {
        (0..10_000).take_while(|_| load.add(source, LEN)).count()
    }

    #[test]
    fn one_sender_leaves_room_for_others_and_all_together_have_an_end() {
        let queued = Arc::default();
        let mut load = Load::new(&queued);
        let of_one = HEP_QUEUED_BYTES_OF_ONE / (LEN + HEP_PACKET_OVERHEAD);
        let of_all = HEP_QUEUED_BYTES / (LEN + HEP_PACKET_OVERHEAD);
        assert_eq!(fill(&mut load, host(1)), of_one);
        let others: usize = (2..20).map(|number| fill(&mut load, host(number))).sum();
        assert_eq!(of_one + others, of_all);
    }

    #[test]
    fn what_was_read_makes_room_again() {
        let queued = Arc::default();
        let mut first = Load::new(&queued);
        let mut second = Load::new(&queued);
        assert!(first.add(host(1), LEN) && second.add(host(1), LEN));
        let before = fill(&mut second, host(1));
        drop(first);
        assert_eq!(fill(&mut second, host(1)), 1);
        drop(second);
        assert!(before > 1);
        let amounts = queued.amounts();
        assert_eq!((amounts.total, amounts.by_source.len()), (0, 0));
    }
}
