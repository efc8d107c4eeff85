//! What can be done with a packet alone, without knowing any other: its layers, and the message of a datagram. A thread that
//! reads ahead does it, so that [`super::Engine::prepared`] need not.

use crate::capture::Packet;
use crate::frame::{self, Content, Datagram, Decoded, Envelope};
use crate::sip::{Carrier, Message};
use std::ops::Range;
use std::sync::Arc;

/// A packet of which that was done; of most kinds there is nothing to do.
#[derive(Debug, Default)]
pub struct Prepared(Option<Ready>);

#[derive(Debug)]
struct Ready {
    envelope: Envelope,
    /// Its payload is left out.
    datagram: Datagram<'static>,
    /// Where the payload stands in the packet.
    payload: Range<usize>,
    message: Option<Arc<Message>>,
}

/// The message of a datagram (RFC 3261 §18.3: what follows the body is to be ignored); `None` when it is no SIP.
pub(super) fn message_of(datagram: &Datagram<'_>) -> Option<Arc<Message>> {
    let carrier = Carrier {
        cut: datagram.missing > 0,
        stream: false,
    };
    Message::parse(datagram.payload, carrier).map(Arc::new)
}

impl Prepared {
    /// Does what can be done.
    pub fn of(packet: &Packet<'_>) -> Self {
        let decoded = frame::decode(packet.link_type, packet.data, packet.original_len);
        let Ok(Decoded {
            envelope,
            content: Content::Datagram(datagram),
        }) = decoded
        else {
            return Self(None);
        };
        let begin = datagram.payload.as_ptr() as usize;
        let Some(start) = begin.checked_sub(packet.data.as_ptr() as usize) else {
            return Self(None);
        };
        Self(Some(Ready {
            envelope,
            datagram: Datagram {
                payload: &[],
                ..datagram
            },
            payload: start..start + datagram.payload.len(),
            message: message_of(&datagram),
        }))
    }

    /// The packet as it is decoded, and its message; `None` when nothing could be done, and when it is another packet.
    pub(super) fn decoded<'a>(
        self,
        packet: &Packet<'a>,
    ) -> Option<(Decoded<'a>, Option<Arc<Message>>)> {
        let ready = self.0?;
        let datagram = Datagram {
            payload: packet.data.get(ready.payload)?,
            ..ready.datagram
        };
        let decoded = Decoded {
            envelope: ready.envelope,
            content: Content::Datagram(datagram),
        };
        Some((decoded, ready.message))
    }
}
