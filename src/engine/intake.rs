//! From what a packet holds to messages on their way into time order.

use super::journal;
use super::prepared::{self, Payload, Prepared, message_of};
use super::waiting::{Icmp, Sip, Waiting, What};
use super::{Engine, Mirror, Observer};
use crate::capture::{Packet, Sighting};
use crate::frame::{self, Content, Decoded, Envelope, Fragment, Mirrored, Segment, Undecoded};
use crate::limits::{HEP_CLOCK_TOLERANCE, MAX_CONNECTION_FACTS};
use crate::reassembly::fragments::{Fragments, Incomplete, LostDatagram};
use crate::reassembly::sctp::{Repeat, Sctp, UserMessage};
use crate::reassembly::tls::Secrets;
use crate::reassembly::{Connection, Connections, Outcome};
use crate::rules;
use crate::sip::{Carrier, Message};
use crate::time::Timestamp;
use crate::transaction::Arrival;

/// What is put together from several packets, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Intake {
    fragments: Fragments,
    sctp: Sctp,
    connections: Connections,
    /// Connections that findings may be about.
    notable: Vec<Connection>,
    refused: u64,
}

impl Intake {
    pub(super) const fn secrets_mut(&mut self) -> &mut Secrets {
        self.connections.secrets_mut()
    }

    /// What caps cost, by the name of the store.
    pub(super) fn given_up(&self) -> [(&'static str, u64); 5] {
        let sctp = self.sctp.counters();
        [
            ("connections", self.connections.given_up() + self.refused),
            ("fragments", self.fragments.given_up()),
            ("impossible-fragments", self.fragments.impossible()),
            ("sctp-chunks", sctp.forgotten_early),
            ("tls-secrets", self.connections.secrets_let_go()),
        ]
    }

    /// Whether nothing is to be given up as time passes.
    fn is_idle(&mut self, now: Timestamp) -> bool {
        self.fragments.is_idle(now) && self.sctp.is_idle() && !self.connections.is_due(now)
    }

    pub(super) fn notable(&self) -> &[Connection] {
        &self.notable
    }

    /// Fragments other than the first of their datagrams.
    pub(super) const fn later_fragments(&self) -> u64 {
        self.fragments.later()
    }
}

impl<O: Observer> Engine<O> {
    /// Takes a datagram.
    pub(super) fn take_datagram(&mut self, prepared: Prepared) {
        let Prepared { at, flow, payload } = prepared;
        let flow = self.hidden_flow(flow);
        match payload {
            Payload::Sip(mut sip, snapped) => {
                sip.flow = flow;
                self.sip(at, sip, snapped);
            }
            Payload::Other { dscp, like_rtp } => {
                self.summary.not_sip_packets += 1;
                self.note_ports(flow);
                self.surroundings.media_errors_mut().packet(flow, at.time);
                if like_rtp {
                    let markings = self.surroundings.markings_mut();
                    markings.rtp(flow, dscp, at);
                }
                self.surroundings.bindings_mut().packet(flow, at);
            }
        }
    }

    /// Takes a packet that is no datagram.
    pub(super) fn take(&mut self, packet: &Packet<'_>, decoded: &Decoded<'_>) {
        let at = Sighting {
            frame: packet.frame,
            time: packet.time,
        };
        let snapped = prepared::snapped(packet, &decoded.envelope);
        if self.content(at, decoded, snapped) {
            return;
        }
        self.summary.not_sip_packets += 1;
        match &decoded.content {
            Content::Datagram(datagram) => self.note_ports(datagram.flow),
            Content::Segment(segment) => self.note_ports(segment.flow),
            Content::Sctp(packet) => self.note_ports(packet.flow),
            Content::Fragment(_)
            | Content::Mirrored(_)
            | Content::IcmpError(_)
            | Content::Unrelated => {}
        }
    }

    /// Takes what a packet holds, or what several of them together hold; whether that is SIP.
    fn content(&mut self, at: Sighting, decoded: &Decoded<'_>, snapped: Option<u64>) -> bool {
        let envelope = decoded.envelope;
        let at = Sighting {
            time: time_of(at.time, &decoded.content),
            ..at
        };
        match &decoded.content {
            Content::Datagram(datagram) => {
                let Some(sip) = message_of(datagram, envelope, &self.asked) else {
                    return false;
                };
                self.sip(at, sip, snapped);
                true
            }
            Content::Segment(segment) => self.segment(at, segment, envelope, snapped),
            Content::Fragment(piece) => self.fragment(at, piece, envelope, snapped),
            Content::Mirrored(mirrored) => self.mirrored(at, mirrored, envelope, snapped),
            Content::Sctp(packet) => {
                let mut messages = Vec::new();
                self.intake.sctp.packet(packet, at, &mut messages);
                self.user_messages(messages, envelope, snapped)
            }
            Content::IcmpError(error) => {
                self.counts.without_ports += 1;
                let mut outcome = Outcome::default();
                self.intake.connections.icmp(error, at, &mut outcome);
                self.come_out(outcome, None);
                if let Some(icmp) = Icmp::of(error).map(|it| self.hidden_quote(it)) {
                    self.waiting.push(Waiting {
                        time: at.time,
                        frame: at.frame,
                        what: What::Icmp(Box::new(icmp)),
                    });
                }
                false
            }
            Content::Unrelated => {
                self.counts.without_ports += 1;
                false
            }
        }
    }

    /// Opens what waited for secrets that are known now.
    pub fn retry_secrets(&mut self) {
        let mut outcome = Outcome::default();
        self.intake.connections.retry(&mut outcome);
        self.come_out(outcome, None);
    }

    /// Gives up, as time passes, on what nothing completes any more.
    pub(super) fn look_at_unfinished(&mut self, now: Timestamp) {
        // So it is at nearly every packet.
        if self.intake.is_idle(now) {
            return;
        }
        for incomplete in self.intake.fragments.expire(now) {
            self.tell_incomplete(&incomplete);
            let lost = self.hidden_lost(LostDatagram::of(&incomplete));
            self.lost.note(lost);
            self.head(&incomplete);
        }
        let mut messages = Vec::new();
        self.intake.sctp.expire(now, &mut messages);
        if !messages.is_empty() {
            self.user_messages(messages, Envelope::default(), None);
        }
        if self.intake.connections.is_due(now) {
            let mut outcome = Outcome::default();
            self.intake.connections.look(now, &mut outcome);
            self.come_out(outcome, None);
        }
    }

    fn tell_incomplete(&self, incomplete: &Incomplete) {
        let ends = [incomplete.datagram.src, incomplete.datagram.dst];
        journal::incomplete(incomplete, ends.map(|it| self.hidden_address(it)));
    }

    /// Hands on all that waits, as it is.
    pub(super) fn finish_unfinished(&mut self) {
        self.look_at_unfinished(self.now.unwrap_or(Timestamp::MIN));
        // The rest of these may have come after the end.
        for incomplete in self.intake.fragments.finish() {
            self.tell_incomplete(&incomplete);
            self.head(&incomplete);
        }
        let mut messages = Vec::new();
        self.intake.sctp.finish(&mut messages);
        self.user_messages(messages, Envelope::default(), None);
        let mut outcome = Outcome::default();
        self.intake.connections.finish(&mut outcome);
        self.come_out(outcome, None);
    }

    /// Goes on with the datagram that a fragment completes.
    fn fragment(
        &mut self,
        at: Sighting,
        piece: &Fragment<'_>,
        envelope: Envelope,
        snapped: Option<u64>,
    ) -> bool {
        let Some(whole) = self.intake.fragments.fragment(piece, envelope, at) else {
            return false;
        };
        match frame::resume(&whole.datagram, whole.ttl, &whole.bytes, whole.envelope) {
            Ok(decoded) => self.content(whole.at, &self.hidden(decoded), snapped),
            Err(undecoded) => {
                self.undecoded(undecoded);
                false
            }
        }
    }

    /// What there is of a datagram that will not become whole is taken as a packet that was cut.
    fn head(&mut self, incomplete: &Incomplete) {
        let Some(head) = &incomplete.head else {
            // Without the first one there are no ports: what it was, nobody knows.
            let pieces = incomplete.pieces.into();
            self.undecoded_times(Undecoded("ip-fragment".into()), pieces);
            return;
        };
        let mut envelope = incomplete.envelope;
        envelope.cut = true;
        if let Ok(decoded) = frame::resume(&incomplete.datagram, incomplete.ttl, head, envelope) {
            self.content(incomplete.at, &self.hidden(decoded), None);
        }
    }

    fn mirrored(
        &mut self,
        at: Sighting,
        mirrored: &Mirrored<'_>,
        envelope: Envelope,
        snapped: Option<u64>,
    ) -> bool {
        let carrier = Carrier {
            cut: mirrored.cut,
            stream: mirrored.flow.transport.is_reliable(),
        };
        let Some(message) = Message::parse(&mirrored.payload, carrier) else {
            return false;
        };
        let sip = Box::new(Sip {
            mirror: Some(Mirror {
                node: mirrored.node,
                correlation: mirrored.correlation.map(Into::into),
            }),
            ..Sip::of(message, mirrored.flow, None, envelope, &self.asked)
        });
        self.sip(at, sip, snapped);
        true
    }

    fn segment(
        &mut self,
        at: Sighting,
        segment: &Segment<'_>,
        envelope: Envelope,
        snapped: Option<u64>,
    ) -> bool {
        let mut outcome = Outcome::default();
        let connections = &mut self.intake.connections;
        let speaks = connections.segment(segment, envelope, at, &mut outcome);
        let found = !outcome.messages.is_empty() || (speaks && !segment.payload.is_empty());
        self.come_out(outcome, snapped);
        found
    }

    /// The messages that SCTP carried; whether there is SIP among them. What SCTP sent again is no repeat of SIP's.
    fn user_messages(
        &mut self,
        messages: Vec<UserMessage>,
        envelope: Envelope,
        snapped: Option<u64>,
    ) -> bool {
        let mut found = false;
        for it in messages {
            let carrier = Carrier {
                cut: it.cut,
                // RFC 4168 §5.1: a message is one user message.
                stream: false,
            };
            let Some(message) = Message::parse(&it.bytes, carrier) else {
                continue;
            };
            found = true;
            if it.repeat == Repeat::Retransmission {
                continue;
            }
            let sip = Box::new(Sip::of(
                message,
                it.flow,
                Some(it.tsn),
                envelope,
                &self.asked,
            ));
            self.sip(it.at, sip, snapped);
        }
        found
    }

    fn come_out(&mut self, outcome: Outcome, snapped: Option<u64>) {
        for delivery in outcome.messages {
            let sequence = Some(delivery.sequence);
            let sip = Sip::of(
                delivery.message,
                delivery.flow,
                sequence,
                delivery.envelope,
                &self.asked,
            );
            let sip = Box::new(sip);
            self.sip(delivery.at, sip, snapped);
        }
        for packet in outcome.mirrored {
            match frame::mirrored(&packet.bytes, packet.envelope) {
                Ok(decoded) => {
                    self.content(packet.at, &self.hidden(decoded), snapped);
                }
                Err(undecoded) => self.undecoded(undecoded),
            }
        }
        for connection in &outcome.noted {
            self.streams.note(connection);
        }
        for mut connection in outcome.over {
            self.hide_names(&mut connection);
            journal::connection(&connection);
            self.streams.over(&connection);
            let (gaps, now) = (&self.gaps, self.now.unwrap_or(Timestamp::MIN));
            self.tls_servers.note(&connection, |moment| {
                rules::watched_since(moment, now, gaps)
            });
            if let Some(socket) = &connection.web_socket {
                let odd = socket.oddities;
                let unread = socket.dropped + socket.desyncs + odd.too_long + odd.not_inflated;
                self.undecoded_times(Undecoded("websocket-message".into()), unread);
            }
            if connection.messages > 0 {
                self.counts.stream_holes += connection.holes;
            }
            // The receiver had what the capture lacks (guard G-LOSS).
            self.lossy |= connection.lost > 0 && connection.messages > 0;
            let waits = connection.pings.iter().any(|it| it.waiting.is_some());
            if connection.desyncs.is_empty() && !waits {
                continue;
            }
            if self.intake.notable.len() < MAX_CONNECTION_FACTS {
                self.intake.notable.push(connection);
            } else {
                self.intake.refused += 1;
            }
        }
    }

    /// Notes how a message is marked; `copy` says that its packet was captured before. Mirrors do not tell how what they
    /// copied was marked.
    pub(super) fn note_marking(&mut self, arrival: &Arrival<'_>, sip: &Sip, copy: bool) {
        let dscp = sip.envelope.dscp.filter(|_| sip.mirror.is_none());
        let markings = self.surroundings.markings_mut();
        markings.message(arrival, dscp, copy);
    }

    /// Puts a message on its way. `snapped` is how many bytes the snap length left of its packet.
    fn sip(&mut self, at: Sighting, sip: Box<Sip>, snapped: Option<u64>) {
        let Some(sip) = self.hidden_sip(sip) else {
            return;
        };
        if sip.message.is_cut() {
            self.lossy = true;
            if let Some(left) = snapped {
                self.counts.cut_messages += 1;
                self.counts.snap_length = self.counts.snap_length.max(left);
            }
        }
        self.waiting.push(Waiting {
            time: at.time,
            frame: at.frame,
            what: What::Sip(sip),
        });
    }
}

/// When a packet's content was on the wire: a mirror's packets come later than what they copy. Where the mirror's clock is
/// far from the capture's, it is not believed.
pub(super) fn time_of(captured: Timestamp, content: &Content<'_>) -> Timestamp {
    match content {
        Content::Mirrored(mirrored) => mirrored
            .time
            .filter(|time| time.distance(captured) <= HEP_CLOCK_TOLERANCE)
            .unwrap_or(captured),
        _ => captured,
    }
}
