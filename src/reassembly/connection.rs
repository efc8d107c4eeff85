//! What is known of one TCP connection: how it was opened, what was sent on it, how it ended.

use super::Side;
use super::desync::Desync;
use super::tls::TlsFacts;
use super::websocket::WebSocketFacts;
use crate::capture::Sighting;
use crate::flow::Flow;
use crate::frame::IcmpKind;
use std::net::IpAddr;
use std::time::Duration;

/// What is known of a connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// From the end that opened it, as far as known, to the other; with the transport that was found inside.
    pub flow: Flow,
    /// Its first packet.
    pub first: Sighting,
    /// Its last packet.
    pub last: Sighting,
    /// The SYNs, repeated ones too, at most eight; empty when the capture began later.
    pub syns: Vec<Sighting>,
    /// The SYN with ACK.
    pub accepted: Option<Sighting>,
    /// Whether its opener knows it to be open: it went on after the SYN, or the capture began later.
    pub established: bool,
    /// Whether the capture shows anything of what its other end sends.
    pub heard: bool,
    /// The ICMP error that answered its SYN.
    pub unreachable: Option<Unreachable>,
    /// The first FIN or RST.
    pub ended: Option<Ended>,
    /// Bytes that each side sent, [`Side::Opener`] first.
    pub sent: [u64; 2],
    /// The first bytes of each side.
    pub begins: [Beginning; 2],
    /// When bytes were last sent.
    pub last_bytes: Option<Sighting>,
    /// The last long silence between bytes.
    pub pause: Option<Pause>,
    /// Bytes that the capture lacks.
    pub lost: u64,
    /// Places where it lacks bytes that the receiver has acknowledged.
    pub holes: u64,
    /// SIP messages.
    pub messages: u64,
    /// Where the framing of messages lost its way, with who sent the bytes.
    pub desyncs: Vec<(Side, Desync)>,
    /// What each side sent to keep the connection open (RFC 5626 §4.4.1).
    pub pings: [Pings; 2],
    /// What its TLS shows.
    pub tls: Option<Box<TlsFacts>>,
    /// What its WebSocket shows, opened TLS or not.
    pub web_socket: Option<Box<WebSocketFacts>>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Who ended it.
    pub by: Side,
    /// Whether by RST.
    pub reset: bool,
    /// The packet.
    pub at: Sighting,
    /// Whether the other end sent a RST of its own at the same moment.
    pub mutual: bool,
}

/// An ICMP error that quotes a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// What it says.
    pub kind: IcmpKind,
    /// Who says it.
    pub reporter: IpAddr,
    /// The packet.
    pub at: Sighting,
}

/// A silence of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// How long.
    pub len: Duration,
    /// The packet that ended it.
    pub until: Sighting,
}

/// The first bytes of a direction, as many as tell what is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    bytes: [u8; 8],
    len: usize,
}

/// Double line ends that one side sent to keep a connection open, and the single ones with which the other answered them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pings {
    /// How many.
    pub sent: u64,
    /// How many were answered.
    pub answered: u64,
    /// The first one since the other side was last heard.
    pub waiting: Option<Sighting>,
    /// How many since then.
    pub unanswered: u64,
    /// How often the side that waits sent something else since then.
    pub followed: u64,
}

/// SYNs without an answer from which on nobody listens, or nothing arrives: those that TCP sends in three seconds.
const IN_VAIN: usize = 3;
/// Silences shorter than this end no mapping of a firewall or NAT (RFC 5382 REQ-5 asks for two hours).
const LONG_PAUSE: Duration = Duration::from_secs(10);

impl Connection {
    /// One of which nothing is known yet but its ends and its first packet.
    pub const fn new(flow: Flow, first: Sighting) -> Self {
        Self {
            flow,
            first,
            last: first,
            syns: Vec::new(),
            accepted: None,
            established: false,
            heard: false,
            unreachable: None,
            ended: None,
            sent: [0; 2],
            begins: [Beginning::EMPTY; 2],
            last_bytes: None,
            pause: None,
            lost: 0,
            holes: 0,
            messages: 0,
            desyncs: Vec::new(),
            pings: [Pings::NONE; 2],
            tls: None,
            web_socket: None,
        }
    }

    /// Whether a SYN was sent and nothing shows that the other end took it.
    pub const fn is_awaited(&self) -> bool {
        self.accepted.is_none() && !self.established
    }

    /// Whether its SYN was answered with a RST: nobody listens, or a filter says so.
    pub fn is_refused(&self) -> bool {
        let reset = |ended: &Ended| ended.reset && ended.by == Side::Acceptor;
        self.is_awaited() && self.ended.as_ref().is_some_and(reset)
    }

    /// Whether its opener sent SYN after SYN, so that it had no answer.
    pub fn is_in_vain(&self) -> bool {
        !self.established && self.syns.len() >= IN_VAIN
    }

    /// Notes that bytes were sent.
    pub(super) fn note_bytes(&mut self, at: Sighting) {
        let before = self.last_bytes.replace(at);
        let len = before.map_or(Duration::ZERO, |before| at.time.since(before.time));
        if len >= LONG_PAUSE {
            self.pause = Some(Pause { len, until: at });
        }
    }
}

impl Beginning {
    const EMPTY: Self = Self {
        bytes: [0; 8],
        len: 0,
    };

    /// Up to eight bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Whether they begin a TLS record: its content type and its major version (RFC 8446 §5.1).
    pub const fn is_tls(&self) -> bool {
        matches!(self.bytes, [0x14..=0x17, 3, ..]) && self.len >= 2
    }

    /// Whether they begin a TLS alert.
    pub const fn is_alert(&self) -> bool {
        matches!(self.bytes, [0x15, 3, ..]) && self.len >= 2
    }

    /// Whether they begin a SIP response.
    pub fn is_response(&self) -> bool {
        self.bytes().starts_with(b"SIP/2.0 ")
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for (place, byte) in self.bytes.iter_mut().skip(self.len).zip(bytes) {
            *place = *byte;
            self.len += 1;
        }
    }
}

impl Pings {
    const NONE: Self = Self {
        sent: 0,
        answered: 0,
        waiting: None,
        unanswered: 0,
        followed: 0,
    };

    pub(super) fn send(&mut self, at: Sighting) {
        self.sent += 1;
        self.unanswered += 1;
        self.waiting.get_or_insert(at);
    }

    /// The side that waits sent something else.
    pub(super) const fn follow(&mut self) {
        self.followed += self.waiting.is_some() as u64;
    }

    /// The other side sent something.
    pub(super) const fn hear(&mut self, is_pong: bool) {
        if is_pong && self.waiting.is_some() {
            self.answered += 1;
        }
        self.waiting = None;
        self.unanswered = 0;
        self.followed = 0;
    }
}
