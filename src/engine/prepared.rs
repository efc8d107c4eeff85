//! What can be done with a packet alone, without knowing any other: its layers, and the message of a datagram. A thread that
//! reads ahead does it, so that [`super::Engine::datagram`] need not. What comes out needs the packet's bytes no more: nearly all
//! that a capture at an SBC holds is RTP, of which four facts are asked.

use super::waiting::{Asked, Sip};
use crate::capture::{Packet, Sighting};
use crate::flow::Flow;
use crate::frame::{self, Content, Datagram, Decoded, Envelope, Undecoded};
use crate::sip::{Carrier, Message};
use crate::time::Timestamp;

/// A datagram, and all that is asked of it.
#[derive(Debug)]
pub struct Prepared {
    pub(super) at: Sighting,
    pub(super) flow: Flow,
    pub(super) payload: Payload,
}

/// What a datagram holds: little of what is no SIP, as there are millions of those.
#[derive(Debug)]
pub(super) enum Payload {
    /// A message, and what [`snapped`] says of its packet.
    Sip(Box<Sip>, Option<u64>),
    /// Something else, with its DSCP, which may look like RTP.
    Other { dscp: Option<u8>, like_rtp: bool },
}

/// A packet, opened.
pub(super) enum Opened<'a> {
    Datagram(Prepared),
    Other(Result<Decoded<'a>, Undecoded>),
}

/// The message of a datagram (RFC 3261 §18.3: what follows the body is to be ignored); `None` when it is no SIP.
pub(super) fn message_of(
    datagram: &Datagram<'_>,
    envelope: Envelope,
    asked: &Asked,
) -> Option<Box<Sip>> {
    let carrier = Carrier {
        cut: datagram.missing > 0,
        stream: false,
    };
    let message = Message::parse(datagram.payload, carrier)?;
    Some(Box::new(Sip {
        identification: datagram.identification,
        ..Sip::of(message, datagram.flow, None, envelope, asked)
    }))
}

/// The bytes that the snap length left of a packet, when it left too few.
pub(super) fn snapped(packet: &Packet<'_>, envelope: &Envelope) -> Option<u64> {
    envelope.cut.then_some(packet.data.len() as u64)
}

/// RFC 3550 §5.1, but for RTCP.
const fn is_like_rtp(payload: &[u8]) -> bool {
    matches!(payload, [128..=191, 0..192 | 224.., ..]) && payload.len() > 12
}

impl Prepared {
    /// Does what can be done; `None` when the packet is no datagram.
    pub fn of(packet: &Packet<'_>, asked: &Asked) -> Option<Self> {
        match Opened::of(packet, asked) {
            Opened::Datagram(prepared) => Some(prepared),
            Opened::Other(_) => None,
        }
    }

    /// Whether it holds a message.
    pub const fn is_message(&self) -> bool {
        matches!(self.payload, Payload::Sip(..))
    }

    /// When it was captured.
    pub const fn time(&self) -> Timestamp {
        self.at.time
    }
}

impl<'a> Opened<'a> {
    pub(super) fn of(packet: &Packet<'a>, asked: &Asked) -> Self {
        let decoded = frame::decode(packet.link_type, packet.data, packet.original_len);
        let Ok(Decoded {
            envelope,
            content: Content::Datagram(datagram),
        }) = &decoded
        else {
            return Self::Other(decoded);
        };
        let payload = match message_of(datagram, *envelope, asked) {
            Some(sip) => Payload::Sip(sip, snapped(packet, envelope)),
            None => Payload::Other {
                dscp: envelope.dscp,
                like_rtp: is_like_rtp(datagram.payload),
            },
        };
        Self::Datagram(Prepared {
            at: Sighting {
                frame: packet.frame,
                time: packet.time,
            },
            flow: datagram.flow,
            payload,
        })
    }
}
