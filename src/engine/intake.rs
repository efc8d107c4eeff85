//! From what a packet holds to messages on their way into time order.

use super::waiting::{Sip, Waiting, What};
use super::{CLOCK_JUMP, Engine, Mirror, Observer};
use crate::capture::{Packet, Sighting};
use crate::frame::{Content, Datagram, Decoded, Envelope, Mirrored, Segment, Undecoded};
use crate::limits::MAX_CONNECTION_FACTS;
use crate::reassembly::{self, Connection, Connections, Outcome};
use crate::sip::{Carrier, Message};
use crate::time::Timestamp;

/// What is put together from several packets, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Intake {
    connections: Connections,
    /// Connections that findings may be about.
    notable: Vec<Connection>,
    refused: u64,
}

impl Intake {
    pub(super) const fn connections_given_up(&self) -> u64 {
        self.connections.given_up() + self.refused
    }
}

impl<O: Observer> Engine<O> {
    /// Takes what a packet holds.
    pub(super) fn take(&mut self, packet: &Packet<'_>, decoded: &Decoded<'_>) {
        let at = Sighting {
            frame: packet.frame,
            time: time_of(packet, &decoded.content),
        };
        let found = match &decoded.content {
            Content::Datagram(datagram) => self.datagram(packet, at, datagram, decoded.envelope),
            Content::Segment(segment) => self.segment(at, segment, decoded.envelope),
            Content::Fragment(_) => {
                self.undecoded(Undecoded("ip-fragment".into()));
                true
            }
            Content::Sctp(_) => {
                self.undecoded(Undecoded("sctp".into()));
                true
            }
            Content::IcmpError(error) => {
                if error.quote.is_some() {
                    self.waiting.push(Waiting {
                        time: packet.time,
                        frame: packet.frame,
                        what: What::Icmp(packet.data.into(), packet.link_type),
                    });
                }
                false
            }
            Content::Mirrored(mirrored) => self.mirrored(at, mirrored, decoded.envelope),
            Content::Unrelated => false,
        };
        if !found {
            self.summary.not_sip_packets += 1;
            self.note_ports(&decoded.content);
        }
    }

    /// Gives up, as time passes, on what nothing completes any more.
    pub(super) fn look_at_streams(&mut self) {
        if let Some(now) = self.now {
            let mut outcome = Outcome::default();
            self.intake.connections.look(now, &mut outcome);
            self.come_out(outcome);
        }
    }

    /// Hands on all that waits, as it is.
    pub(super) fn finish_streams(&mut self) {
        let mut outcome = Outcome::default();
        self.intake.connections.finish(&mut outcome);
        self.come_out(outcome);
    }

    fn datagram(
        &mut self,
        packet: &Packet<'_>,
        at: Sighting,
        datagram: &Datagram<'_>,
        envelope: Envelope,
    ) -> bool {
        let cut = datagram.missing > 0;
        let carrier = Carrier { cut, stream: false };
        let message = reassembly::datagram(datagram.payload, cut)
            .and_then(|bytes| Message::parse(bytes, carrier));
        let Some(message) = message else {
            return false;
        };
        if cut {
            self.counts.snap_length = self.counts.snap_length.max(packet.data.len() as u64);
        }
        self.sip(
            at,
            Sip {
                message,
                flow: datagram.flow,
                identification: datagram.identification,
                sequence: None,
                envelope,
                mirror: None,
            },
            cut,
        );
        true
    }

    fn mirrored(&mut self, at: Sighting, mirrored: &Mirrored<'_>, envelope: Envelope) -> bool {
        let carrier = Carrier {
            cut: mirrored.cut,
            stream: mirrored.flow.transport.is_reliable(),
        };
        let Some(message) = Message::parse(mirrored.payload, carrier) else {
            return false;
        };
        let sip = Sip {
            message,
            flow: mirrored.flow,
            identification: None,
            sequence: None,
            envelope,
            mirror: Some(Mirror {
                node: mirrored.node,
                correlation: mirrored.correlation.map(Into::into),
            }),
        };
        self.sip(at, sip, envelope.cut);
        true
    }

    fn segment(&mut self, at: Sighting, segment: &Segment<'_>, envelope: Envelope) -> bool {
        let mut outcome = Outcome::default();
        let speaks = self
            .intake
            .connections
            .segment(segment, envelope, at, &mut outcome);
        let found = !outcome.messages.is_empty() || (speaks && !segment.payload.is_empty());
        self.come_out(outcome);
        found
    }

    fn come_out(&mut self, outcome: Outcome) {
        for delivery in outcome.messages {
            let cut = delivery.envelope.cut;
            self.sip(
                delivery.at,
                Sip {
                    message: delivery.message,
                    flow: delivery.flow,
                    identification: None,
                    sequence: Some(delivery.sequence),
                    envelope: delivery.envelope,
                    mirror: None,
                },
                cut,
            );
        }
        for connection in outcome.over {
            // The receiver had what the capture lacks (guard G-LOSS).
            self.lossy |= connection.lost > 0 && connection.messages > 0;
            if connection.desyncs.is_empty() {
                continue;
            }
            if self.intake.notable.len() < MAX_CONNECTION_FACTS {
                self.intake.notable.push(connection);
            } else {
                self.intake.refused += 1;
            }
        }
    }

    /// Puts a message on its way. `snapped` says that it is cut because the snap length cut its packet.
    fn sip(&mut self, at: Sighting, sip: Sip, snapped: bool) {
        if sip.message.is_cut() {
            self.lossy = true;
            self.counts.cut_messages += u64::from(snapped);
        }
        self.waiting.push(Waiting {
            time: at.time,
            frame: at.frame,
            what: What::Sip(Box::new(sip)),
        });
    }
}

/// When a packet's content was on the wire: a mirror's packets come later than what they copy. Where the mirror's clock is
/// far from the capture's, it is not believed.
pub(super) fn time_of(packet: &Packet<'_>, content: &Content<'_>) -> Timestamp {
    match content {
        Content::Mirrored(mirrored) => mirrored
            .time
            .filter(|time| time.distance(packet.time) <= CLOCK_JUMP)
            .unwrap_or(packet.time),
        _ => packet.time,
    }
}
