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
    /// Its transaction; `None` when it lacks a CSeq, and for a response also when it lacks a Via.
    pub(super) transaction: Option<u64>,
    /// The INVITE that a CANCEL is for: it has the same branch (RFC 3261 §9.1). `None` for all others.
    pub(super) invite: Option<u64>,
    /// Its call: a fingerprint of the Call-ID, 0 when there is none. The INVITEs of an ACK are found under it too: one to a 2xx
    /// has a branch of its own (§13.2.2.4), and one with a wrong CSeq number still has the Call-ID.
    pub call: u64,
    /// Its branch, whether there is one or not.
    pub(super) branch: u64,
    /// The two ends, in the direction of requests.
    pub(super) flow: u64,
    /// The packet: its ends, its bytes, and its place in the stream.
    pub(super) packet: u64,
    is_response: bool,
}

impl Keys {
    /// Those of a message that went that way; `sequence` is that of TCP.
    pub fn of(message: &Message, flow: Flow, sequence: Option<u32>) -> Self {
        let is_response = message.status().is_some();
        let flow = fingerprint(if is_response { flow.reversed() } else { flow });
        let call = message.call_id().map_or(0, fingerprint);
        let identity = Identity::of(message, call);
        let cancels = identity.as_ref().filter(|it| it.method == Method::Cancel);
        Self {
            transaction: identity.as_ref().map(|it| it.key(it.method.name())),
            invite: cancels.map(|it| it.key(Method::Invite.name())),
            call,
            branch: fingerprint(message.branch()),
            flow,
            is_response,
            packet: fingerprint((flow, is_response, sequence, message.fingerprint())),
        }
    }

    /// Whether the message says which transaction it belongs to.
    pub const fn tell_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// The two ends, in the direction of the message.
    pub const fn way(self) -> u64 {
        if self.is_response {
            !self.flow
        } else {
            self.flow
        }
    }
}

/// What a message says of its transaction.
struct Identity<'a> {
    method: Method,
    cseq: u64,
    branch: Option<Cow<'a, [u8]>>,
    sent_by: Cow<'a, [u8]>,
    call: u64,
    from_tag: Option<&'a [u8]>,
}

impl<'a> Identity<'a> {
    /// `None` when the message lacks a CSeq, and for a response also when it lacks a Via.
    fn of(message: &'a Message, call: u64) -> Option<Self> {
        let (cseq, method) = method_and_cseq(message)?;
        let sent_by = message.sent_by();
        if sent_by.is_none() && message.status().is_some() {
            return None;
        }
        Some(Self {
            method,
            cseq,
            branch: message.branch(),
            sent_by: sent_by.map(normal_sent_by).unwrap_or_default(),
            call,
            from_tag: message.from_tag(),
        })
    }

    /// The key of the transaction the message belongs to (RFC 3261 §17.1.3, §17.2.3): branch, sent-by and method, an ACK
    /// counting as its INVITE. The CSeq number and the Call-ID are in it too, so that stacks that use a branch again
    /// for another request are told apart. Without the magic cookie the fields of §17.2.3's second list take its place;
    /// the To tag is left out of them because the ACK has one that the INVITE had not.
    fn key(&self, method: &str) -> u64 {
        let mut state = fingerprints();
        self.call.hash(&mut state);
        self.cseq.hash(&mut state);
        match self.method {
            Method::Ack => Method::Invite.name(),
            _ => method,
        }
        .hash(&mut state);
        self.sent_by.hash(&mut state);
        self.branch.hash(&mut state);
        if !self.has_cookie() {
            self.from_tag.hash(&mut state);
        }
        state.finish()
    }

    fn has_cookie(&self) -> bool {
        self.branch.as_deref().is_some_and(has_cookie)
    }
}

/// The number of the CSeq, and the method. The request line rules where it differs from the CSeq: it is what servers act on.
pub(super) fn method_and_cseq(message: &Message) -> Option<(u64, Method)> {
    let (cseq, method) = message.cseq()?;
    Some((cseq, message.method().unwrap_or(method)))
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
