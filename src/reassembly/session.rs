//! What is spoken on a connection: SIP as it is, or inside of what has to be opened first.

use super::framing::{Desync, Framed, Framer};
use super::{Delivery, Side};
use crate::capture::Sighting;
use crate::flow::{Flow, Transport};
use crate::frame::Envelope;
use crate::sip::{Carrier, Message};

/// One connection's two directions, from the transport's bytes to messages.
#[derive(Debug)]
pub(super) struct Session {
    /// From the opener to the acceptor.
    flow: Flow,
    spoken: Spoken,
}

#[derive(Debug)]
enum Spoken {
    /// SIP, or nothing that is known.
    Text(Box<[Framer; 2]>),
}

impl Session {
    /// A connection of which nothing is known yet but its ends.
    pub(super) fn new(flow: Flow, from_beginning: bool) -> Self {
        let framers = if from_beginning {
            [Framer::from_beginning(), Framer::from_beginning()]
        } else {
            Default::default()
        };
        Self {
            flow,
            spoken: Spoken::Text(framers.into()),
        }
    }

    /// The transport as far as it was opened.
    pub(super) const fn transport(&self) -> Transport {
        self.flow.transport
    }

    /// Takes bytes in the order of the stream.
    pub(super) fn bytes(
        &mut self,
        side: Side,
        at: Sighting,
        position: u64,
        bytes: &[u8],
        envelope: Envelope,
        out: &mut Vec<Delivery>,
    ) {
        let flow = side.of_flow(self.flow);
        match &mut self.spoken {
            Spoken::Text(framers) => {
                side.of_mut(framers)
                    .bytes(at, position, bytes, &mut |framed| {
                        out.extend(delivery(flow, envelope, &framed));
                    });
            }
        }
    }

    /// The messages of a packet that was captured before, for as far as they can be told: those in the transport's own
    /// bytes.
    pub(super) fn copy(
        &self,
        side: Side,
        at: Sighting,
        position: u64,
        bytes: &[u8],
        envelope: Envelope,
    ) -> Vec<Delivery> {
        let flow = side.of_flow(self.flow);
        let Spoken::Text(framers) = &self.spoken;
        let known = side.of(framers);
        let mut found = Vec::new();
        Framer::from_beginning().bytes(at, position, bytes, &mut |framed| {
            found.extend(
                delivery(flow, envelope, &framed).filter(|it| known.has_message_at(it.sequence)),
            );
        });
        found
    }

    /// So many bytes are missing.
    pub(super) fn gap(
        &mut self,
        side: Side,
        len: u64,
        envelope: Envelope,
        out: &mut Vec<Delivery>,
    ) {
        let flow = side.of_flow(self.flow);
        match &mut self.spoken {
            Spoken::Text(framers) => side.of_mut(framers).gap(len, &mut |framed| {
                out.extend(delivery(flow, envelope, &framed));
            }),
        }
    }

    /// Nothing more comes from that side.
    pub(super) fn finish(&mut self, side: Side, envelope: Envelope, out: &mut Vec<Delivery>) {
        let flow = side.of_flow(self.flow);
        match &mut self.spoken {
            Spoken::Text(framers) => side.of_mut(framers).finish(&mut |framed| {
                out.extend(delivery(flow, envelope, &framed));
            }),
        }
    }

    /// Bytes that wait for others.
    pub(super) fn waiting_bytes(&self) -> usize {
        match &self.spoken {
            Spoken::Text(framers) => framers.iter().map(Framer::waiting_bytes).sum(),
        }
    }

    /// How many messages there were.
    pub(super) fn messages(&self) -> u64 {
        match &self.spoken {
            Spoken::Text(framers) => framers.iter().map(Framer::messages).sum(),
        }
    }

    /// The places where framing lost its way, with who sent the bytes.
    pub(super) fn desyncs(&self) -> Vec<(Side, Desync)> {
        match &self.spoken {
            Spoken::Text(framers) => Side::BOTH
                .into_iter()
                .flat_map(|side| {
                    let desyncs = side.of(framers).desyncs().iter();
                    desyncs.map(move |desync| (side, desync.clone()))
                })
                .collect(),
        }
    }
}

/// A message to hand on; `None` when the bytes turn out to be none.
fn delivery(flow: Flow, envelope: Envelope, framed: &Framed<'_>) -> Option<Delivery> {
    let carrier = Carrier {
        cut: framed.cut,
        stream: true,
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "positions are sequence numbers in their low 32 bits"
    )]
    let sequence = framed.position as u32;
    Some(Delivery {
        flow,
        at: framed.at,
        sequence,
        envelope,
        message: Message::parse(framed.bytes, carrier)?,
    })
}
