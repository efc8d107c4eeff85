//! What a message gives to its transaction: all that it tells by itself, so that the thread that reads ahead can find it out.

use super::key::method_and_cseq;
use super::notes::{challenges, clip_uri, contact_expires, credentials, evidence, phrase};
use super::{
    Keys, Party, Response, Responses, Sends, State, Tag, Transaction, TransactionId, Value,
};
use crate::fetch::fetch;
use crate::flow::Flow;
use crate::hash::fingerprint;
use crate::sip::value::{brief_record, is_dialled, normal_user, user_and_host};
use crate::sip::{HeaderName, Message, Method, StartLine};
use crate::time::Timestamp;
use std::sync::{Arc, OnceLock};

/// What a message gives to its transaction.
#[derive(Debug, Default)]
pub struct Draft(pub(super) Part);

#[derive(Debug, Default)]
pub(super) enum Part {
    /// What a request begins; it has no number and no time yet.
    Request(Box<Transaction>),
    /// A response, not seen yet.
    Response(Box<Response>),
    /// An ACK, or what belongs to no transaction.
    #[default]
    Nothing,
}

impl Draft {
    /// What it begins; `None` when it is no request.
    pub fn request(&self) -> Option<&Transaction> {
        match &self.0 {
            Part::Request(transaction) => Some(transaction),
            Part::Response(_) | Part::Nothing => None,
        }
    }

    /// Has all of it brought into the cache.
    #[inline]
    pub fn fetch(&self) {
        match &self.0 {
            Part::Request(transaction) => fetch(&**transaction),
            Part::Response(response) => fetch(&**response),
            Part::Nothing => {}
        }
    }

    /// That of a message that went that way.
    pub fn of(message: &Message, keys: Keys, flow: Flow) -> Self {
        if keys.transaction.is_none() {
            return Self(Part::Nothing);
        }
        Self(match message.start_line() {
            StartLine::Request {
                method: Method::Ack,
                ..
            } => Part::Nothing,
            StartLine::Request { uri, .. } => {
                let mut transaction = begun_by(message, keys, flow);
                describe(&mut transaction, message, uri);
                Part::Request(transaction)
            }
            StartLine::Response { status, reason } => Part::Response(Box::new(Response {
                code: status,
                reason: phrase(reason),
                to_tag: message.to_tag().map(Tag::from_slice),
                flow,
                sends: Sends::default(),
                challenges: challenges(message, status),
                rseq: message.number(HeaderName::RSeq),
                // A 100 is hop-by-hop and says nothing of its own, so it is not kept.
                evidence: match status {
                    ..=100 => OnceLock::from(evidence(message)),
                    _ => OnceLock::new(),
                },
                fingerprint: message.fingerprint(),
                kept: None,
            })),
        })
    }
}

/// The transaction that a message begins, on a flow from the client to the server.
pub(super) fn begun_by(message: &Message, keys: Keys, flow: Flow) -> Box<Transaction> {
    let (cseq, method) = method_and_cseq(message).unwrap_or((0, Method::Ack));
    let party = |header, tag: Option<&[u8]>| Party {
        uri: Value::from_slice(clip_uri(&message.uri(header).unwrap_or_default())),
        tag: tag.map(Tag::from_slice),
    };
    let is_request = message.method().is_some();
    let mut transaction = Box::new(Transaction {
        id: TransactionId(0),
        call_id: message
            .call_id()
            .map_or_else(|| Arc::from(&[][..]), |call_id| Arc::from(call_id.as_ref())),
        call_key: keys.call,
        method,
        cseq,
        branch: message.branch().map(|it| Value::from_slice(&it)),
        flow,
        via_count: 0,
        from: party(HeaderName::From, message.from_tag()),
        // A response's To tag is the responder's, not the request's.
        to: party(HeaderName::To, message.to_tag().filter(|_| is_request)),
        request_uri: Value::new(),
        credentials: Box::default(),
        expires: None,
        cut: false,
        requests: Sends::default(),
        responses: Responses::default(),
        acks: Vec::new(),
        stray_acks: Vec::new(),
        cancelled: None,
        icmp: Vec::new(),
        state: State::Calling,
        last: Timestamp::MIN,
        closed: Timestamp::MIN,
        answer_implied: false,
        client: 0,
        kept: None,
    });
    if !is_request {
        transaction.client = client(&transaction, None);
    }
    transaction
}

/// Takes from the request what responses do not have.
fn describe(transaction: &mut Transaction, message: &Message, uri: &[u8]) {
    transaction.request_uri = Value::from_slice(clip_uri(uri));
    transaction.cut = message.is_cut();
    transaction.via_count = message.via_count();
    let of_contact = (transaction.method == Method::Register).then(|| contact_expires(message));
    transaction.expires = (of_contact.flatten()).or_else(|| message.number(HeaderName::Expires));
    transaction.credentials = credentials(message);
    transaction.client = client(transaction, message.header(HeaderName::Event).as_deref());
}

/// A fingerprint of who asks for what, whatever the Call-ID: the method, the event package where one is named, who sends it,
/// and the addresses-of-record.
fn client(of: &Transaction, event: Option<&[u8]>) -> u64 {
    let package = event.map(|it| {
        let name = it.split(|&byte| byte == b';').next();
        name.unwrap_or_default().trim_ascii().to_ascii_lowercase()
    });
    // Who tries one gateway after the other writes each one's address behind both numbers.
    let (user, _) = user_and_host(&of.to.uri);
    let number = (of.method == Method::Invite && is_dialled(user)).then(|| normal_user(user));
    let (from, to) = match number {
        Some(number) => (normal_user(user_and_host(&of.from.uri).0), number),
        None => (brief_record(&of.from.uri), brief_record(&of.to.uri)),
    };
    fingerprint((&of.method, package, of.flow.src.ip(), from, to))
}

impl Transaction {
    /// Takes the same from the request that comes behind its response.
    pub(super) fn described_as(&mut self, draft: Self) {
        self.request_uri = draft.request_uri;
        self.cut = draft.cut;
        self.via_count = draft.via_count;
        self.to.tag = draft.to.tag;
        self.expires = draft.expires;
        self.credentials = draft.credentials;
        self.client = draft.client;
    }
}
