//! Cuts SIP messages out of what datagrams and segments carry. Comes in: payloads. Goes out: the bytes of each message.
//! This room knows start lines and Content-Length, and nothing else of SIP.

mod connections;
pub mod fragments;
mod framing;
pub mod sctp;
mod sequencer;
mod session;
pub mod tls;
pub mod websocket;

pub use connections::{Connection, Connections, Ended, Outcome};
pub use framing::Desync;

use crate::capture::Sighting;
use crate::flow::Flow;
use crate::frame::Envelope;
use crate::sip::{self, Message};
use memchr::{memchr, memchr_iter};

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

/// The one message of a datagram (RFC 3261 §18.3: what follows the body is to be ignored); `None` when it holds no SIP.
pub fn datagram(payload: &[u8], cut: bool) -> Option<&[u8]> {
    sip::looks_like_sip(payload, cut).then_some(payload)
}

/// The length of start line and header fields with the empty line that ends them; `None` when that is not there. Lines may
/// end in LF alone, as everywhere else in the reading of a message.
fn head_len(bytes: &[u8]) -> Option<usize> {
    memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..)? {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

/// The Content-Length of a message head, in its long or compact form; `None` when there is none or it is no number. Of
/// several the first counts, as in [`sip::Message::body`].
fn content_length(head: &[u8]) -> Option<usize> {
    let mut lines = head.split(|&byte| byte == b'\n').skip(1);
    let first = lines.by_ref().find_map(|line| {
        let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
        let found = sip::HeaderName::of(name.trim_ascii_end()) == sip::HeaderName::ContentLength;
        found.then(|| value.get(1..).unwrap_or_default())
    })?;
    // RFC 3261 §7.3.1: the number may stand on a line that continues the field.
    let value = std::iter::once(first)
        .chain(lines.take_while(|line| matches!(line, [b' ' | b'\t', ..])))
        .map(<[u8]>::trim_ascii)
        .find(|part| !part.is_empty())?;
    let is_number = value.iter().all(u8::is_ascii_digit);
    is_number.then(|| {
        // Too large for a number is too large for any segment.
        std::str::from_utf8(value).map_or(usize::MAX, |digits| digits.parse().unwrap_or(usize::MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_content_length_frames_the_message_even_when_it_is_folded() {
        let head = b"A b SIP/2.0\r\nContent-Length :\r\n  12\r\nl: 7\r\n\r\n";
        assert_eq!(content_length(head), Some(12));
        assert_eq!(
            content_length(b"A b SIP/2.0\r\nl: -1\r\nl: 7\r\n\r\n"),
            None
        );
        assert_eq!(
            content_length(b"A b SIP/2.0\r\nl: 99999999999999999999999\r\n\r\n"),
            Some(usize::MAX)
        );
    }
}
