//! Opens WebSocket connections (RFC 6455, RFC 7118, RFC 7692). Comes in: the bytes of both sides in their order, in any
//! pieces. Goes out: whole messages, of which each holds one SIP message (RFC 7118 §5), and [`WebSocketFacts`].
//!
//! The handshake is read for what it says; frames are read whether or not it was captured, or was answered yet, as long
//! as the answer is not another than 101. Empty messages and messages of line ends are keep-alives and not handed on.

mod frame;
mod http;
mod inflate;
mod search;
mod stream;
#[cfg(test)]
mod tests;

use super::{Opened, Side};
use crate::capture::Sighting;
use http::{Gathered, Gathering, Head, Kind};
use stream::{Compression, Event, Stream};

/// Whether a connection may become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// It asks for it.
    Yes,
    /// It does not.
    No,
    /// It depends on the bytes that follow.
    NotYet,
}

/// One connection.
#[derive(Debug)]
pub struct WebSocket {
    opener: Half,
    acceptor: Half,
    agreed: Agreed,
    refused: bool,
    facts: WebSocketFacts,
}

/// One side of it.
#[derive(Debug, Default)]
struct Half {
    /// `None` behind the handshake.
    head: Option<Gathering>,
    /// What the handshake showed it to be; `None` when that was not seen.
    role: Option<Role>,
    stream: Stream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

/// What the answer said about compression, for the messages of the client and of the server.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    client: Compression,
    server: Compression,
}

/// What is known of a connection beside its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSocketFacts {
    /// The request that asked for a WebSocket; `None` when it was not captured.
    pub request: Option<UpgradeRequest>,
    /// The answer to it; `None` when it was not captured.
    pub answer: Option<UpgradeAnswer>,
    /// Messages handed on.
    pub messages: u64,
    /// Messages of nothing but line ends (RFC 5626 §4.4.1).
    pub keep_alives: u64,
    /// Pings of both sides.
    pub pings: u64,
    /// Pongs of both sides.
    pub pongs: u64,
    /// How the side that opened the connection closed; `None` when it did not.
    pub opener_close: Option<Close>,
    /// How the other side closed.
    pub acceptor_close: Option<Close>,
    /// Places where the capture lacks bytes.
    pub gaps: u64,
    /// Places with bytes that are no frame.
    pub desyncs: u64,
    /// Messages lost at such places, and inside which the connection closed.
    pub dropped: u64,
    /// What departs from the protocol or goes beyond a limit.
    pub oddities: WebSocketOddities,
}

/// The client's part of the handshake (RFC 6455 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeRequest {
    /// The packet that completed it.
    pub at: Sighting,
    /// The path without its query.
    pub path: Box<str>,
    /// The host that was asked for; `None` when it does not say.
    pub host: Option<Box<str>>,
    /// The sub-protocols that the client offers; for SIP `sip` must be among them (RFC 7118 §4.1).
    pub protocols: Vec<Box<str>>,
}

/// The server's part of it (RFC 6455 §4.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeAnswer {
    /// The packet that completed it.
    pub at: Sighting,
    /// The status code: 101 when the server agrees; 0 when it is unreadable.
    pub status: u16,
    /// The sub-protocol that the server chose; `None` when it chose none.
    pub protocol: Option<Box<str>>,
    /// The extensions that it agreed to, as written.
    pub extensions: Option<Box<str>>,
}

/// How a side closed (RFC 6455 §5.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The packet that said so.
    pub at: Sighting,
    /// The status code (§7.4); `None` when it gave none.
    pub code: Option<u16>,
    /// The reason; empty when it gave none.
    pub reason: Box<str>,
}

/// How often something odd was seen; see each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WebSocketOddities {
    /// Frames that a client did not mask, or a server did (RFC 6455 §5.1).
    pub masking: u64,
    /// Lengths in more bytes than they need (§5.2).
    pub length: u64,
    /// Continuations of nothing, and messages inside others (§5.4).
    pub fragmentation: u64,
    /// Messages longer than any SIP message, passed over.
    pub too_long: u64,
    /// Messages that cannot be decompressed, most often because an earlier one was not captured.
    pub not_inflated: u64,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self::new()
    }
}

impl WebSocket {
    /// Whether bytes that a side began a connection with ask for a WebSocket: an HTTP/1 GET with `Upgrade: websocket`. The
    /// answer 101 counts as well, for where the capture began between the two.
    pub fn looks_like_upgrade(bytes: &[u8]) -> Looks {
        http::looks_like_upgrade(bytes)
    }

    /// A connection that is at its very beginning: the handshake comes first.
    pub fn new() -> Self {
        let handshaking = || Half {
            head: Some(Gathering::default()),
            ..Half::default()
        };
        Self {
            opener: handshaking(),
            acceptor: handshaking(),
            agreed: Agreed {
                client: Compression::UNKNOWN,
                server: Compression::UNKNOWN,
            },
            refused: false,
            facts: WebSocketFacts::default(),
        }
    }

    /// A connection that is open already, when these bytes of `side` begin with a frame whose message begins like SIP;
    /// pings and keep-alives may stand before it. Give it the same bytes again with [`Self::bytes`]. `None` for everything
    /// else, and when too little is there to tell.
    pub fn midstream(side: Side, bytes: &[u8]) -> Option<Self> {
        if !search::begins_with_sip(bytes) {
            return None;
        }
        let mut socket = Self::new();
        socket.opener.head = None;
        socket.acceptor.head = None;
        // Where the frames of the other side begin, nobody knows.
        socket.half(side.other()).stream.gap(&mut |_| {});
        Some(socket)
    }

    /// Takes the next bytes of a side, which came with the packet `at`; adds the messages that are whole now to `out`.
    pub fn bytes(&mut self, side: Side, mut data: &[u8], at: Sighting, out: &mut Vec<Opened>) {
        while !data.is_empty() && !self.refused {
            let Some(head) = &mut self.half(side).head else {
                return self.frames(side, data, at, out);
            };
            match head.take(&mut data) {
                Gathered::Partly => {}
                Gathered::Head(bytes) => match Head::of(&bytes) {
                    Some(head) => self.head(side, &head, at),
                    None => self.no_head(side, &bytes, at, out),
                },
                Gathered::Nothing(bytes) => self.no_head(side, &bytes, at, out),
            }
        }
    }

    /// Says that bytes of a side are missing here. Its open message is dropped, and the next frame that begins like SIP is
    /// searched for.
    pub fn gap(&mut self, side: Side) {
        self.facts.gaps += 1;
        self.half(side).head = None;
        let mut dropped = 0;
        self.half(side).stream.gap(&mut |event| {
            dropped += u64::from(event == Event::Dropped);
        });
        self.facts.dropped += dropped;
    }

    /// What is known beside the messages.
    pub const fn facts(&self) -> &WebSocketFacts {
        &self.facts
    }

    /// Whether both sides have closed: whatever follows is not read.
    pub const fn is_over(&self) -> bool {
        self.opener.stream.is_closed() && self.acceptor.stream.is_closed()
    }

    /// Whether this is no WebSocket: the server refused, or there are no frames where they should be.
    pub const fn not_websocket(&self) -> bool {
        let (one, other) = (self.opener.stream.is_lost(), self.acceptor.stream.is_lost());
        self.refused || one && other || (one || other) && self.facts.messages == 0
    }

    /// About how many bytes it holds: an unfinished message of each side at most, and where messages are compressed a
    /// window for each.
    pub fn held(&self) -> usize {
        [&self.opener, &self.acceptor]
            .into_iter()
            .map(|half| half.stream.held() + half.head.as_ref().map_or(0, Gathering::len))
            .sum()
    }

    const fn half(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Opener => &mut self.opener,
            Side::Acceptor => &mut self.acceptor,
        }
    }

    fn head(&mut self, side: Side, head: &Head<'_>, at: Sighting) {
        let role = match head.kind {
            Kind::Request => {
                self.facts.request = Some(UpgradeRequest {
                    at,
                    path: head.path(),
                    host: head.value(b"Host"),
                    protocols: head.texts(b"Sec-WebSocket-Protocol"),
                });
                self.refused |= !head.is_upgrade();
                Role::Client
            }
            Kind::Response => {
                let status = head.status().unwrap_or(0);
                // RFC 9110 §15.2: other answers may come before the final one.
                if (100..200).contains(&status) && status != 101 {
                    return;
                }
                self.facts.answer = Some(UpgradeAnswer {
                    at,
                    status,
                    protocol: head.value(b"Sec-WebSocket-Protocol"),
                    extensions: head.value(b"Sec-WebSocket-Extensions"),
                });
                self.refused |= status != 101;
                self.agreed = Agreed::of(head);
                Role::Server
            }
        };
        let half = self.half(side);
        half.head = None;
        half.role = Some(role);
    }

    /// What should be a head is none: perhaps its beginning was not captured.
    fn no_head(&mut self, side: Side, bytes: &[u8], at: Sighting, out: &mut Vec<Opened>) {
        let half = self.half(side);
        half.head = None;
        half.stream.gap(&mut |_| {});
        self.frames(side, bytes, at, out);
    }

    fn frames(&mut self, side: Side, data: &[u8], at: Sighting, out: &mut Vec<Opened>) {
        let Self {
            opener,
            acceptor,
            agreed,
            facts,
            ..
        } = self;
        let (half, other) = match side {
            Side::Opener => (opener, acceptor),
            Side::Acceptor => (acceptor, opener),
        };
        let role = half.role.or_else(|| other.role.map(Role::other));
        let compression = match role {
            Some(Role::Client) => agreed.client,
            Some(Role::Server) => agreed.server,
            None => Compression::UNKNOWN,
        };
        half.stream
            .bytes(data, compression, &mut |event| match event {
                Event::Message(bytes) => {
                    facts.messages += 1;
                    out.push(Opened { side, at, bytes });
                }
                Event::Close(code, reason) => {
                    let close = match side {
                        Side::Opener => &mut facts.opener_close,
                        Side::Acceptor => &mut facts.acceptor_close,
                    };
                    *close = Some(Close { at, code, reason });
                }
                Event::Masked(masked) => {
                    let odd = role.is_some_and(|role| masked != (role == Role::Client));
                    facts.oddities.masking += u64::from(odd);
                }
                event => facts.count(&event),
            });
    }
}

impl WebSocketFacts {
    const fn count(&mut self, event: &Event) {
        let counter = match event {
            Event::KeepAlive => &mut self.keep_alives,
            Event::Ping => &mut self.pings,
            Event::Pong => &mut self.pongs,
            Event::Dropped => &mut self.dropped,
            Event::Desync => &mut self.desyncs,
            Event::OddLength => &mut self.oddities.length,
            Event::OddFragment => &mut self.oddities.fragmentation,
            Event::TooLong => &mut self.oddities.too_long,
            Event::NotInflated => &mut self.oddities.not_inflated,
            Event::Message(_) | Event::Close(..) | Event::Masked(_) => return,
        };
        *counter += 1;
    }
}

impl Role {
    const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl Agreed {
    /// RFC 7692 §7.1: each side may promise not to refer to earlier messages.
    fn of(answer: &Head<'_>) -> Self {
        let (mut client, mut server) = (Compression::UNKNOWN, Compression::UNKNOWN);
        match answer.deflate() {
            Some(parameters) => {
                for parameter in parameters {
                    if parameter.eq_ignore_ascii_case(b"client_no_context_takeover") {
                        client.takeover = false;
                    } else if parameter.eq_ignore_ascii_case(b"server_no_context_takeover") {
                        server.takeover = false;
                    }
                }
            }
            None => {
                client.allowed = false;
                server.allowed = false;
            }
        }
        Self { client, server }
    }
}
