//! Puts together what several packets hold and opens what is around SIP: IP fragments, TCP streams, SCTP chunks, TLS,
//! WebSocket, HEP. Comes in: datagrams, segments, pieces and the secrets that were given. Goes out: the bytes of each message
//! and what is known of each connection. This room knows start lines and Content-Length, and nothing else of SIP.

pub mod carriers;
mod connection;
mod connections;
mod desync;
pub mod fragments;
mod framing;
mod head;
mod mirror_stream;
pub mod sctp;
mod sequencer;
mod session;
mod start_line;
pub mod tls;
pub mod websocket;

pub use connection::{Beginning, Connection, Ended, Pause, Pings, Unreachable};
pub use connections::{Connections, MirroredPacket, Outcome};
pub use desync::{Desync, Unfinished};

use crate::capture::Sighting;
use crate::flow::Flow;
use crate::frame::Envelope;
use crate::sip::Message;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The end that opened it; where the capture began later, the end with the higher port.
    Opener,
    /// The other end.
    Acceptor,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Opener => Self::Acceptor,
            Self::Acceptor => Self::Opener,
        }
    }

    /// Both, in the order in which pairs have them.
    pub const BOTH: [Self; 2] = [Self::Opener, Self::Acceptor];

    /// Its half of a pair.
    pub const fn of<T>(self, [opener, acceptor]: &[T; 2]) -> &T {
        match self {
            Self::Opener => opener,
            Self::Acceptor => acceptor,
        }
    }

    /// Its half of a pair.
    pub const fn of_mut<T>(self, [opener, acceptor]: &mut [T; 2]) -> &mut T {
        match self {
            Self::Opener => opener,
            Self::Acceptor => acceptor,
        }
    }

    /// The direction in which it sends, of a connection that the opener's direction names.
    #[must_use]
    pub const fn of_flow(self, flow: Flow) -> Flow {
        match self {
            Self::Opener => flow,
            Self::Acceptor => flow.reversed(),
        }
    }
}

/// A message that a stream held.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// From where to where, and over what.
    pub flow: Flow,
    /// The last packet that it needed.
    pub at: Sighting,
    /// Where it begins in its stream: TCP's sequence number, or a count of the bytes that were opened.
    pub sequence: u32,
    /// What was around that packet.
    pub envelope: Envelope,
    /// The message.
    pub message: Message,
}

/// Bytes that a layer above the transport gave up: decrypted, unmasked or inflated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Who sent them.
    pub side: Side,
    /// The packet that completed them.
    pub at: Sighting,
    /// The bytes, in the order of the stream.
    pub bytes: Vec<u8>,
}
