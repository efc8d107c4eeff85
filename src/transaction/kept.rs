//! Messages that are kept until their call is judged, within one cap for all of them.

use crate::limits::MAX_KEPT_BYTES;
use crate::sip::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A message of a transaction. It counts against its budget until [`Budget::let_go`] is told of the transaction; copies of it
/// count for nothing. Who counts is told, and not the message, as there are very many of them.
#[derive(Clone, Debug)]
pub(super) struct Kept(Arc<Message>);

impl Kept {
    /// One that was packed.
    pub(super) fn unpacked(message: Message) -> Self {
        Self(Arc::new(message))
    }

    pub(super) fn message(&self) -> &Message {
        &self.0
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
        Some(Kept(Arc::clone(message)))
    }

    /// Has these messages count for nothing from now on: nobody asks for them any more.
    pub(super) fn let_go<'a>(&self, messages: impl Iterator<Item = &'a Message>) {
        let bytes = messages.map(Message::footprint).sum();
        let used = self.used.fetch_sub(bytes, Ordering::Relaxed);
        debug_assert!(used >= bytes, "{bytes} bytes of {used} were let go");
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
    fn beyond_the_cap_nothing_is_kept_and_what_is_let_go_makes_room_again() {
        let message = message();
        let mut budget = Budget::of(message.footprint());
        let kept = budget.keep(&message).unwrap();
        assert_eq!(kept.message(), &*message);
        assert!(budget.is_nearly_spent());
        assert!(budget.keep(&message).is_none());
        assert_eq!(budget.refused(), 1);
        budget.let_go(std::iter::once(kept.message()));
        assert!(!budget.is_nearly_spent());
        assert_eq!(budget.used().load(Ordering::Relaxed), 0);
        assert!(budget.keep(&message).is_some());
    }
}
