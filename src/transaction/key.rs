//! What makes two messages parts of one transaction.

use crate::sip::value::{Via, has_cookie};
use crate::sip::{Message, Method};
use std::hash::{BuildHasher, Hash, Hasher};

/// What a message says of its transaction.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) method: Method,
    pub(super) cseq: u64,
    pub(super) branch: Option<Box<[u8]>>,
    sent_by: Box<[u8]>,
    call_id: Box<[u8]>,
    from_tag: Option<Box<[u8]>>,
}

impl Identity {
    /// `None` when the message lacks a CSeq, and for a response also when it lacks a Via.
    pub(super) fn of(message: &Message) -> Option<Self> {
        let (cseq, cseq_method) = message.cseq()?;
        // The request line rules where it differs from the CSeq: it is what servers act on.
        let method = message.method().unwrap_or(cseq_method);
        let via = message.top_via();
        let via = via.as_deref().and_then(Via::of);
        if via.is_none() && message.status().is_some() {
            return None;
        }
        Some(Self {
            method,
            cseq,
            branch: via.and_then(|via| via.branch().map(Into::into)),
            sent_by: via.map_or_else(Box::default, |via| normal_sent_by(via.sent_by)),
            call_id: message
                .call_id()
                .map_or_else(Box::default, |id| id.as_ref().into()),
            from_tag: message.from_tag(),
        })
    }

    /// The key of the transaction the message belongs to (RFC 3261 §17.1.3, §17.2.3): branch, sent-by and method, an ACK
    /// counting as its INVITE. The CSeq number and the Call-ID are in it too, so that stacks that use a branch again
    /// for another request are told apart. Without the magic cookie the fields of §17.2.3's second list take its place;
    /// the To tag is left out of them because the ACK has one that the INVITE had not.
    pub(super) fn key(&self, hasher: &impl BuildHasher) -> u64 {
        let mut state = hasher.build_hasher();
        self.call_id.hash(&mut state);
        self.cseq.hash(&mut state);
        match self.method {
            Method::Ack => Method::Invite.name(),
            ref method => method.name(),
        }
        .hash(&mut state);
        self.sent_by.hash(&mut state);
        self.branch.hash(&mut state);
        if !self.has_cookie() {
            self.from_tag.hash(&mut state);
        }
        state.finish()
    }

    /// The key under which the INVITEs of an ACK are found: one to a 2xx has a branch of its own (§13.2.2.4), and one with a
    /// wrong CSeq number still has the Call-ID.
    pub(super) fn invite_key(&self, hasher: &impl BuildHasher) -> u64 {
        hasher.hash_one(&self.call_id)
    }

    pub(super) fn branch_fingerprint(&self, hasher: &impl BuildHasher) -> u64 {
        hasher.hash_one(&self.branch)
    }

    fn has_cookie(&self) -> bool {
        self.branch.as_deref().is_some_and(has_cookie)
    }
}

/// Host names are compared without case, and white space around the port's colon means nothing.
fn normal_sent_by(sent_by: &[u8]) -> Box<[u8]> {
    // RFC 3261 §18.1.1: 5060 is meant where no port stands.
    let sent_by = sent_by.strip_suffix(b":5060").unwrap_or(sent_by);
    sent_by
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(u8::to_ascii_lowercase)
        .collect()
}
