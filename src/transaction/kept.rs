//! Messages that are kept until their call is judged, within one cap for all of them.

use crate::limits::MAX_KEPT_BYTES;
use crate::sip::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A message that counts against its budget as long as it is held. Copies count for nothing: they are looked at and let go.
#[derive(Debug)]
pub(super) struct Kept {
    message: Arc<Message>,
    counted: Option<Counted>,
}

/// What a message takes of its budget.
#[derive(Debug)]
struct Counted {
    bytes: usize,
    used: Arc<AtomicUsize>,
}

impl Kept {
    /// One that counts for nothing, as it is looked at and let go at once.
    pub(super) fn unpacked(message: Message) -> Self {
        Self {
            message: Arc::new(message),
            counted: None,
        }
    }

    pub(super) fn message(&self) -> &Message {
        &self.message
    }

    /// Counts for nothing from now on.
    pub(super) fn let_go(&mut self) {
        if let Some(counted) = self.counted.take() {
            counted.used.fetch_sub(counted.bytes, Ordering::Relaxed);
        }
    }
}

impl Clone for Kept {
    fn clone(&self) -> Self {
        Self {
            message: Arc::clone(&self.message),
            counted: None,
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// How much may be kept.
#[derive(Debug)]
pub(super) struct Budget {
    used: Arc<AtomicUsize>,
    limit: usize,
    refused: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(MAX_KEPT_BYTES)
    }
}

impl Budget {
    /// That many bytes.
    pub(super) fn of(limit: usize) -> Self {
        Self {
            used: Arc::default(),
            limit,
            refused: 0,
        }
    }

    /// Whether so little is left that what waits longest should go.
    pub(super) fn is_nearly_spent(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.limit - self.limit / 16
    }

    /// The bytes that are used, for whoever uses some of them otherwise.
    pub(super) const fn used(&self) -> &Arc<AtomicUsize> {
        &self.used
    }

    /// Keeps a message; `None` when too many are kept already.
    pub(super) fn keep(&mut self, message: &Arc<Message>) -> Option<Kept> {
        let bytes = message.footprint();
        if self.used.load(Ordering::Relaxed) + bytes > self.limit {
            self.refused += 1;
            return None;
        }
        self.used.fetch_add(bytes, Ordering::Relaxed);
        let used = Arc::clone(&self.used);
        Some(Kept {
            message: Arc::clone(message),
            counted: Some(Counted { bytes, used }),
        })
    }

    /// How many messages were not kept.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Carrier;

    fn message() -> Arc<Message> {
        let text = b"OPTIONS sip:bob@example.com SIP/2.0\r\n\r\n";
        Arc::new(Message::parse(text, Carrier::default()).unwrap())
    }

    #[test]
    fn what_is_let_go_makes_room_again() {
        let message = message();
        let mut budget = Budget::default();
        let kept = budget.keep(&message).unwrap();
        let copy = kept.clone();
        assert_eq!(copy.message(), &*message);
        let bytes = kept.message().footprint();
        assert_eq!(budget.used.load(Ordering::Relaxed), bytes);
        drop(copy);
        assert_eq!(budget.used.load(Ordering::Relaxed), bytes);
        drop(kept);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn beyond_the_cap_nothing_is_kept_and_that_is_counted() {
        let message = message();
        let mut budget = Budget::of(message.footprint());
        let kept = budget.keep(&message).unwrap();
        assert!(budget.is_nearly_spent());
        assert!(budget.keep(&message).is_none());
        assert_eq!(budget.refused(), 1);
        drop(kept);
        assert!(!budget.is_nearly_spent());
    }
}
