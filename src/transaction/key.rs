//! What makes two messages parts of one transaction.

use crate::flow::Flow;
use crate::hash::{fingerprint, fingerprints};
use crate::sip::value::has_cookie;
use crate::sip::{Message, Method};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// What a message is found by, made once and wherever there is time for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Its transaction; `None` when it does not say which.
    pub(super) transaction: Option<u64>,
    /// The two ends, in the direction of requests.
    pub(super) flow: u64,
    /// The packet: its ends, its bytes, and its place in the stream.
    pub(super) packet: u64,
}

impl Keys {
    /// Those of a message that went that way; `sequence` is that of TCP.
    pub fn of(message: &Message, flow: Flow, sequence: Option<u32>) -> Self {
        let is_response = message.status().is_some();
        let flow = fingerprint(if is_response { flow.reversed() } else { flow });
        Self {
            transaction: Identity::of(message).map(|it| it.key()),
            flow,
            packet: fingerprint((flow, is_response, sequence, message.fingerprint())),
        }
    }
}

/// What a message says of its transaction.
#[derive(Clone, Debug)]
pub(super) struct Identity<'a> {
    pub(super) method: Method,
    pub(super) cseq: u64,
    pub(super) branch: Option<Cow<'a, [u8]>>,
    sent_by: Cow<'a, [u8]>,
    /// The key under which the INVITEs of an ACK are found: one to a 2xx has a branch of its own (§13.2.2.4), and one with a wrong
    /// CSeq number still has the Call-ID.
    pub(super) call_key: u64,
    from_tag: Option<&'a [u8]>,
}

impl<'a> Identity<'a> {
    /// `None` when the message lacks a CSeq, and for a response also when it lacks a Via.
    pub(super) fn of(message: &'a Message) -> Option<Self> {
        let (cseq, cseq_method) = message.cseq()?;
        // The request line rules where it differs from the CSeq: it is what servers act on.
        let method = message.method().unwrap_or(cseq_method);
        let sent_by = message.sent_by();
        if sent_by.is_none() && message.status().is_some() {
            return None;
        }
        Some(Self {
            method,
            cseq,
            branch: message.branch(),
            sent_by: sent_by.map(normal_sent_by).unwrap_or_default(),
            call_key: message.call_key(),
            from_tag: message.from_tag(),
        })
    }

    /// The key of the transaction the message belongs to (RFC 3261 §17.1.3, §17.2.3): branch, sent-by and method, an ACK
    /// counting as its INVITE. The CSeq number and the Call-ID are in it too, so that stacks that use a branch again
    /// for another request are told apart. Without the magic cookie the fields of §17.2.3's second list take its place;
    /// the To tag is left out of them because the ACK has one that the INVITE had not.
    pub(super) fn key(&self) -> u64 {
        let mut state = fingerprints();
        self.call_key.hash(&mut state);
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

    pub(super) fn branch_fingerprint(&self) -> u64 {
        fingerprint(&self.branch)
    }

    fn has_cookie(&self) -> bool {
        self.branch.as_deref().is_some_and(has_cookie)
    }
}

/// Host names are compared without case, and white space around the port's colon means nothing.
fn normal_sent_by(mut sent_by: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    // RFC 3261 §18.1.1: 5060 is meant where no port stands.
    if sent_by.ends_with(b":5060") {
        let len = sent_by.len() - b":5060".len();
        match &mut sent_by {
            Cow::Borrowed(it) => *it = it.get(..len).unwrap_or_default(),
            Cow::Owned(it) => it.truncate(len),
        }
    }
    let is_odd = |byte: &u8| byte.is_ascii_whitespace() || byte.is_ascii_uppercase();
    if !sent_by.iter().any(is_odd) {
        return sent_by;
    }
    sent_by
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(u8::to_ascii_lowercase)
        .collect()
}
