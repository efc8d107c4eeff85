//! Matches messages into transactions (RFC 3261 §17 with RFC 6026, seen from outside), tells new from retransmitted from
//! captured-twice, and says how and when each ended. Comes in: messages in time order with where they were seen. Goes
//! out: a [`Placement`] for each message and finished [`Transaction`]s. This room does not know dialogs.

mod draft;
mod duplicate;
mod kept;
mod key;
mod notes;
mod packed;
mod responses;
mod table;
pub mod timers;

pub use crate::capture::Sighting;
pub use draft::Draft;
pub use duplicate::{Duplicates, Key, Seen};
pub use key::Keys;
pub use packed::{Packed, Packer};
pub use responses::Responses;
pub use table::Table;

use crate::capture::FrameNumber;
use crate::fetch::fetch;
use crate::flow::Flow;
use crate::frame::IcmpKind;
use crate::sip::digest::{Challenge, Credentials};
use crate::sip::{HeaderName, Message, Method};
use crate::time::Timestamp;
use kept::Kept;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A message with where and when it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The packet, or the last packet that it needed.
    pub frame: FrameNumber,
    /// When that packet was captured.
    pub time: Timestamp,
    /// From where to where.
    pub flow: Flow,
    /// The message.
    pub message: &'a Arc<Message>,
    /// What it is found by.
    pub keys: Keys,
    /// IPv4 identification of its packet, when not zero.
    pub identification: Option<u16>,
    /// TCP sequence number of its first byte.
    pub sequence: Option<u32>,
    /// Whether a mirror copied it (HEP, exported PDUs), so that the same message may be on the wire as well.
    pub mirrored: bool,
}

/// The number of a transaction, from 1, in the order in which they began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub u64);

/// What a message is to its transaction. Three different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Seen for the first time.
    New,
    /// Sent again by its sender.
    Retransmission,
    /// The same packet captured again (guard G-DUP).
    Duplicate,
}

impl Kind {
    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Retransmission => "retransmission",
            Self::Duplicate => "duplicate",
        }
    }
}

/// The timer that sends a message again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ladder {
    /// An INVITE without a response (RFC 3261 §17.1.1.2).
    TimerA,
    /// Another request without a final response (RFC 3261 §17.1.2.2).
    TimerE,
    /// A 300–699 to INVITE without an ACK (RFC 3261 §17.2.1).
    TimerG,
    /// A 2xx to INVITE without an ACK, on every transport (RFC 3261 §13.3.1.4).
    Success,
    /// A reliable provisional response without a PRACK, on every transport (RFC 3262 §3).
    ReliableProvisional,
    /// None: the answer to a request that was sent again (RFC 3261 §17.2.2), a second ACK (§17.1.1.3).
    Answer,
}

impl Ladder {
    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TimerA => "timer-a",
            Self::TimerE => "timer-e",
            Self::TimerG => "timer-g",
            Self::Success => "2xx",
            Self::ReliableProvisional => "reliable-1xx",
            Self::Answer => "answer",
        }
    }

    /// What sends this message again, when it comes a second time. Over TCP only two ladders run (guard G-TCP).
    fn of(transaction: &Transaction, message: &Message) -> Self {
        let is_invite = transaction.method == Method::Invite;
        let reliable = transaction.flow.transport.is_reliable();
        match message.status() {
            None if message.method() == Some(Method::Ack) || reliable => Self::Answer,
            None if is_invite => Self::TimerA,
            None => Self::TimerE,
            Some(200..300) if is_invite => Self::Success,
            Some(300..) if is_invite && !reliable => Self::TimerG,
            Some(101..200) if message.header(HeaderName::RSeq).is_some() => {
                Self::ReliableProvisional
            }
            Some(_) => Self::Answer,
        }
    }
}

/// Where a message belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What it is there.
    pub kind: Kind,
    /// For a retransmission, the timer behind it.
    pub ladder: Option<Ladder>,
    /// Its transaction; an ACK has that of its INVITE. `None` when there is none, as for a message cut before its CSeq.
    pub transaction: Option<TransactionId>,
}

/// How far a transaction got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No response yet.
    Calling,
    /// A provisional response came.
    Proceeding,
    /// A final response came.
    Completed,
    /// A final response came and its timers ran out.
    Terminated,
    /// No final response within Timer B or F.
    TimedOut,
    /// The capture ended before anything could be said.
    PendingAtEnd,
}

impl State {
    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calling => "calling",
            Self::Proceeding => "proceeding",
            Self::Completed => "completed",
            Self::Terminated => "terminated",
            Self::TimedOut => "timed-out",
            Self::PendingAtEnd => "pending-at-end",
        }
    }
}

/// The same message sent one or more times.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Sends {
    seen: SmallVec<[Sighting; 1]>,
    count: usize,
}

/// Sightings kept of one message: a complete ladder is 11, and what a broken stack adds is only counted.
const SIGHTINGS_KEPT: usize = 32;

impl Sends {
    fn push(&mut self, sighting: Sighting) {
        self.count += 1;
        if self.seen.len() < SIGHTINGS_KEPT {
            self.seen.push(sighting);
        } else if let Some(last) = self.seen.last_mut() {
            *last = sighting;
        }
    }

    /// How often it was sent, copies of one packet not counted.
    pub const fn count(&self) -> usize {
        self.count
    }

    /// How often it was sent again.
    pub const fn repeats(&self) -> usize {
        self.count.saturating_sub(1)
    }

    /// The first time; `None` when it was not seen.
    pub fn first(&self) -> Option<Sighting> {
        self.seen.first().copied()
    }

    /// The last time; `None` when it was not seen.
    pub fn last(&self) -> Option<Sighting> {
        self.seen.last().copied()
    }

    /// All of them in order; of more than 32 the first 31 and the last.
    pub fn iter(&self) -> impl Iterator<Item = Sighting> + '_ {
        self.seen.iter().copied()
    }

    /// From the first to the last.
    pub fn span(&self) -> Duration {
        match (self.first(), self.last()) {
            (Some(first), Some(last)) => last.time.since(first.time),
            _ => Duration::ZERO,
        }
    }
}

/// A URI or a branch: nearly all are short enough to need no memory of their own.
pub type Value = SmallVec<[u8; 40]>;
/// A tag, likewise.
pub type Tag = SmallVec<[u8; 24]>;

/// One side of a request as From or To names it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Party {
    /// The URI as written; empty when the field is missing.
    pub uri: Value,
    /// The tag.
    pub tag: Option<Tag>,
}

/// An ACK that belongs to an INVITE transaction.
#[derive(Clone, Debug)]
pub struct Ack {
    /// From where to where.
    pub flow: Flow,
    /// Its To tag: which fork it acknowledges.
    pub to_tag: Option<Tag>,
    /// When it was sent.
    pub sends: Sends,
    branch: u64,
    kept: Option<Kept>,
}

impl Ack {
    /// The message as first captured; `None` when too many messages are kept.
    pub fn message(&self) -> Option<&Message> {
        self.kept.as_ref().map(Kept::message)
    }
}

/// An ICMP error that quotes a message of the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpNote {
    /// The packet with the error.
    pub seen: Sighting,
    /// Who reports it.
    pub reporter: IpAddr,
    /// Where the quoted packet was going.
    pub target: SocketAddr,
    /// What it says.
    pub kind: IcmpKind,
    /// Whether a response could not be delivered, and not the request.
    pub of_response: bool,
    /// Whether it was an ACK.
    pub of_ack: bool,
}

/// One response, with its repeats. Forks (other To tags) are separate.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub code: u64,
    /// The reason phrase as written.
    pub reason: Cow<'static, str>,
    /// The To tag.
    pub to_tag: Option<Tag>,
    /// From where to where.
    pub flow: Flow,
    /// When it was seen.
    pub sends: Sends,
    /// Its challenges, for 401 and 407.
    pub challenges: Box<[Challenge]>,
    /// RSeq of a reliable provisional response (RFC 3262).
    pub rseq: Option<u64>,
    /// Header fields that explain it: name and value as written; of a kept message, read when somebody asks.
    evidence: OnceLock<Vec<(&'static str, Box<str>)>>,
    fingerprint: u64,
    kept: Option<Kept>,
}

impl Response {
    /// The message as first captured; `None` for 100 Trying, and when too many messages are kept.
    pub fn message(&self) -> Option<&Message> {
        self.kept.as_ref().map(Kept::message)
    }

    /// Whether it ends the transaction.
    pub const fn is_final(&self) -> bool {
        self.code >= 200
    }

    /// Whether it is a success.
    pub const fn is_success(&self) -> bool {
        self.code >= 200 && self.code < 300
    }

    /// When it first came.
    pub fn time(&self) -> Timestamp {
        self.sends.first().map_or(Timestamp::MIN, |seen| seen.time)
    }

    /// A header field that explains it; `None` when it was not there.
    pub fn evidence(&self, name: &str) -> Option<&str> {
        self.evidence
            .get_or_init(|| self.message().map(notes::evidence).unwrap_or_default())
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| &**value)
    }
}

// The sizes in which the allocator gives memory: one byte more would take a quarter or a fifth more.
const _: () = assert!(size_of::<Response>() <= 256);
const _: () = assert!(size_of::<Transaction>() <= 640);

/// A request with its responses on one hop.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Its number.
    pub id: TransactionId,
    /// The Call-ID; empty when the request has none.
    pub call_id: Arc<[u8]>,
    /// See [`Keys::call`].
    pub call_key: u64,
    /// The method.
    pub method: Method,
    /// The CSeq number.
    pub cseq: u64,
    /// The top Via's branch; `None` when it has none.
    pub branch: Option<Value>,
    /// From the client to the server.
    pub flow: Flow,
    /// How many Vias the request had: the hops it has come, this one included. 0 when only responses were seen.
    pub via_count: u16,
    /// The From.
    pub from: Party,
    /// The To; a tag here means that the request is in a dialog.
    pub to: Party,
    /// The Request-URI as written; empty when only responses were seen.
    pub request_uri: Value,
    /// The credentials the request carries.
    pub credentials: Box<[Credentials]>,
    /// The lifetime asked for, in seconds: of the Contact or the Expires (RFC 3261 §10.2.1.1).
    pub expires: Option<u64>,
    /// Whether the snap length cut the request, so that header fields may be missing (guard G-SNAP).
    pub cut: bool,
    /// When the request was sent. Empty when only responses were seen.
    pub requests: Sends,
    /// The responses in order of first appearance.
    pub responses: Responses,
    /// The ACKs, for INVITE.
    pub acks: Vec<Ack>,
    /// ACKs that must be meant for this INVITE and do not fit it: another CSeq number, To tag or branch.
    pub stray_acks: Vec<Ack>,
    /// The first CANCEL for this INVITE.
    pub cancelled: Option<Sighting>,
    /// ICMP errors about its messages.
    pub icmp: Vec<IcmpNote>,
    /// How far it got.
    pub state: State,
    /// The last time anything of it was seen.
    pub last: Timestamp,
    /// Whether the rest of the call proves that it was answered although the capture has no final response (guard G-1WAY).
    pub answer_implied: bool,
    /// The moment until which it was watched: when its timers ran out, or the end of the capture.
    pub closed: Timestamp,
    /// A fingerprint of who asks for what, the same for all tries under whatever Call-ID.
    pub client: u64,
    kept: Option<Kept>,
}

impl Transaction {
    /// The request as first captured; `None` when only responses were seen, and when too many messages are kept.
    pub fn request(&self) -> Option<&Message> {
        self.kept.as_ref().map(Kept::message)
    }

    /// Has its responses and ACKs brought into the cache, but for their messages.
    pub fn fetch(&self) {
        self.responses.iter().for_each(fetch);
        fetch(&*self.acks);
    }

    /// The messages that it keeps.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        let responses = self.responses.iter().filter_map(|it| it.kept.as_ref());
        let acks = self.acks.iter().chain(&self.stray_acks);
        let acks = acks.filter_map(|it| it.kept.as_ref());
        let all = self.kept.as_ref().into_iter().chain(responses).chain(acks);
        all.map(Kept::message)
    }

    /// The same without its messages, for somebody who holds it longer than the engine does: they count against one cap.
    #[must_use]
    pub fn without_messages(&self) -> Self {
        let mut copy = self.clone();
        copy.kept = None;
        copy.responses.iter_mut().for_each(|it| it.kept = None);
        let acks = copy.acks.iter_mut().chain(&mut copy.stray_acks);
        acks.for_each(|it| it.kept = None);
        copy
    }

    /// When it began: the request, or the first response where no request was seen.
    pub fn start(&self) -> Timestamp {
        self.requests.first().map_or_else(
            || self.responses.first().map_or(self.last, Response::time),
            |seen| seen.time,
        )
    }

    /// The final response that decided it: the first one, or for INVITE the first 2xx (RFC 6026 lets forks answer later).
    pub fn final_response(&self) -> Option<&Response> {
        self.responses
            .iter()
            .find(|response| response.is_success())
            .filter(|_| self.method == Method::Invite)
            .or_else(|| self.responses.iter().find(|response| response.is_final()))
    }

    /// Whether any 2xx came.
    pub fn succeeded(&self) -> bool {
        self.final_response().is_some_and(Response::is_success)
    }

    /// The final response's code.
    pub fn final_code(&self) -> Option<u64> {
        self.final_response().map(|response| response.code)
    }

    /// Whether the request is part of an existing dialog: it has a To tag (RFC 3261 §12.2).
    pub const fn in_dialog(&self) -> bool {
        self.to.tag.is_some()
    }

    /// How long 100 Trying stood alone: until the CANCEL, or until `now`. `None` when something else came.
    pub fn alone_since_trying(&self, now: Timestamp) -> Option<Duration> {
        let trying = self.responses.first()?;
        let alone = self.responses.iter().all(|response| response.code == 100);
        let until = self.cancelled.map_or(now, |cancel| cancel.time.min(now));
        alone.then(|| until.since(trying.time()))
    }

    /// Codes in order of arrival, equal neighbours once: `100 180 200`.
    pub fn sequence(&self) -> Vec<u64> {
        let mut codes: Vec<u64> = self
            .responses
            .iter()
            .map(|response| response.code)
            .collect();
        codes.dedup();
        codes
    }

    /// All its packets in order: requests, responses, ACKs and ICMP errors.
    pub fn frames(&self) -> Vec<FrameNumber> {
        // Most messages are sent once.
        let messages = self.requests.seen.len() + self.responses.len() + self.acks.len();
        let mut frames = Vec::with_capacity(messages + self.icmp.len());
        let answers = self.responses.iter().map(|response| &response.sends);
        let acks = self.acks.iter().map(|ack| &ack.sends);
        for sends in std::iter::once(&self.requests).chain(answers).chain(acks) {
            frames.extend(sends.iter().map(|seen| seen.frame));
        }
        frames.extend(self.icmp.iter().map(|note| note.seen.frame));
        frames.sort_unstable();
        frames.dedup();
        frames
    }

    /// Retransmissions of any of its messages.
    pub fn retransmissions(&self) -> usize {
        self.requests.repeats()
            + self
                .responses
                .iter()
                // A provisional comes again for the asking, or once a minute (§13.3.1.1).
                .filter(|response| response.is_final() || response.rseq.is_some())
                .map(|response| response.sends.repeats())
                .sum::<usize>()
            + self
                .acks
                .iter()
                .map(|ack| ack.sends.repeats())
                .sum::<usize>()
    }
}
