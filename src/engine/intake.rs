//! From packets to what they hold, each by itself and several together. It knows no calls, so that a thread that reads ahead
//! can do it.

use super::Mirror;
use super::prepared::{Event, Events, Opened, Prepared};
use super::redacting::hide;
use super::waiting::{Asked, Icmp, Sip};
use crate::capture::{Packet, Sighting};
use crate::flow::Flow;
use crate::frame::{
    self, Content, Datagram, Decoded, Envelope, Fragment, Mirrored, Segment, Undecoded,
};
use crate::limits::HEP_CLOCK_TOLERANCE;
use crate::reassembly::fragments::{Fragments, Incomplete};
use crate::reassembly::sctp::{Repeat, Sctp, UserMessage};
use crate::reassembly::tls::Secrets;
use crate::reassembly::{Connections, Outcome};
use crate::redact::Redactor;
use crate::sip::{Carrier, Message};
use crate::time::Timestamp;

/// Opens packets, and puts together what several of them hold.
#[derive(Debug)]
pub struct Intake {
    asked: Asked,
    redactor: Option<Redactor>,
    fragments: Fragments,
    sctp: Sctp,
    connections: Connections,
    /// The time of the packet before.
    previous: Option<Timestamp>,
}

/// Where and in what something was found.
#[derive(Clone, Copy)]
struct Place {
    at: Sighting,
    envelope: Envelope,
    /// The bytes that the snap length left of its packet, when it left too few.
    snapped: Option<u64>,
}

impl Intake {
    /// One that looks for what is asked of messages, and puts what stands for them in the place of addresses.
    pub(super) fn new(asked: Asked, redactor: Option<Redactor>) -> Self {
        Self {
            asked,
            redactor,
            fragments: Fragments::default(),
            sctp: Sctp::default(),
            connections: Connections::default(),
            previous: None,
        }
    }

    /// Opens a packet.
    pub fn packet(&mut self, packet: &Packet<'_>) -> Prepared {
        let at = Sighting {
            frame: packet.frame,
            time: packet.time,
        };
        let mut decoded = frame::decode(packet.link_type, packet.data, packet.original_len);
        // It is large, and stays where it is.
        let decoded = match &mut decoded {
            Ok(decoded) => decoded,
            Err(undecoded) => {
                return Prepared {
                    at,
                    opened: Opened::Undecoded(undecoded.clone()),
                    given_up: Events::default(),
                };
            }
        };
        self.hide(&mut decoded.content);
        let envelope = decoded.envelope;
        let snapped = envelope.cut.then_some(packet.data.len() as u64);
        let time = time_of(packet.time, &decoded.content);
        let given_up = self.pass_to(time);
        let place = Place {
            at,
            envelope,
            snapped,
        };
        Prepared {
            at,
            opened: self.open(place, time, &decoded.content),
            given_up,
        }
    }

    /// The same for a key log that the capture holds: what waited for its secrets.
    pub fn keylog(&mut self, text: &[u8]) -> Events {
        self.secrets_mut().add_keylog(text);
        self.retry()
    }

    pub(super) const fn secrets_mut(&mut self) -> &mut Secrets {
        self.connections.secrets_mut()
    }

    /// Opens what waited for secrets that are known now.
    pub(super) fn retry(&mut self) -> Events {
        let mut events = Events::default();
        let mut outcome = Outcome::default();
        self.connections.retry(&mut outcome);
        self.come_out(outcome, None, &mut events);
        events
    }

    /// Connections that were forgotten as there were too many.
    pub(super) const fn connections_given_up(&self) -> u64 {
        self.connections.given_up()
    }

    /// What other caps cost, by the name of the store.
    pub(super) fn given_up(&self) -> [(&'static str, u64); 4] {
        let sctp = self.sctp.counters();
        [
            ("fragments", self.fragments.given_up()),
            ("impossible-fragments", self.fragments.impossible()),
            ("sctp-chunks", sctp.forgotten_early),
            ("tls-secrets", self.connections.secrets_let_go()),
        ]
    }

    /// Fragments other than the first of their datagrams.
    pub(super) const fn later_fragments(&self) -> u64 {
        self.fragments.later()
    }

    fn hide(&self, content: &mut Content<'_>) {
        if let Some(redactor) = &self.redactor {
            hide(content, redactor);
        }
    }

    /// Moves the clock to a packet.
    fn pass_to(&mut self, time: Timestamp) -> Events {
        // One packet that is stamped ahead must not use up the patience for all others.
        let before = self.previous.replace(time);
        self.pass(before.map_or(time, |before| before.min(time)))
    }

    /// Gives up, as time passes, on what nothing completes any more.
    #[inline]
    pub(super) fn pass(&mut self, now: Timestamp) -> Events {
        let due = self.connections.is_due(now);
        // So it is at nearly every packet.
        if self.fragments.is_idle(now) && self.sctp.is_idle() && !due {
            return Events::default();
        }
        self.give_up(now, due)
    }

    /// The same when there may be something; `due` says that it is time to look at connections.
    fn give_up(&mut self, now: Timestamp, due: bool) -> Events {
        let mut events = Events::default();
        for incomplete in self.fragments.expire(now) {
            self.incomplete(incomplete, true, &mut events);
        }
        let mut messages = Vec::new();
        self.sctp.expire(now, &mut messages);
        self.user_messages(messages, Envelope::default(), None, &mut events);
        if due {
            let mut outcome = Outcome::default();
            self.connections.look(now, &mut outcome);
            self.come_out(outcome, None, &mut events);
        }
        events
    }

    /// Hands on all that waits, as it is.
    pub(super) fn finish(&mut self) -> Events {
        let mut events = Events::default();
        // The rest of these may have come after the end.
        for incomplete in self.fragments.finish() {
            self.incomplete(incomplete, false, &mut events);
        }
        let mut messages = Vec::new();
        self.sctp.finish(&mut messages);
        self.user_messages(messages, Envelope::default(), None, &mut events);
        let mut outcome = Outcome::default();
        self.connections.finish(&mut outcome);
        self.come_out(outcome, None, &mut events);
        events
    }

    #[inline]
    fn open(&mut self, place: Place, time: Timestamp, content: &Content<'_>) -> Opened {
        let Content::Datagram(datagram) = content else {
            return self.put_together(place, time, content);
        };
        match self.message_of(datagram, place.envelope) {
            Some(sip) => Opened::Sip(sip, place.snapped),
            None => Opened::Datagram {
                flow: datagram.flow,
                dscp: place.envelope.dscp,
                like_rtp: is_like_rtp(datagram.payload),
            },
        }
    }

    /// What is no datagram, with what came before it.
    fn put_together(&mut self, place: Place, time: Timestamp, content: &Content<'_>) -> Opened {
        let mut events = Events::default();
        if !self.content(place, content, &mut events) {
            events.0.push(Event::NotSip(flow_of(content)));
        }
        Opened::Other {
            time,
            in_order: !matches!(content, Content::Mirrored(_)),
            events,
        }
    }

    /// The message of a datagram (RFC 3261 §18.3: what follows the body is to be ignored); `None` when it is no SIP.
    fn message_of(&self, datagram: &Datagram<'_>, envelope: Envelope) -> Option<Box<Sip>> {
        let carrier = Carrier {
            cut: datagram.missing > 0,
            stream: false,
        };
        let message = Message::parse(datagram.payload, carrier)?;
        Some(Box::new(Sip {
            identification: datagram.identification,
            ..Sip::of(message, datagram.flow, None, envelope, &self.asked)
        }))
    }

    /// Takes what a packet holds, or what several of them together hold; whether that is SIP.
    fn content(&mut self, mut place: Place, content: &Content<'_>, out: &mut Events) -> bool {
        place.at.time = time_of(place.at.time, content);
        let Place {
            at,
            envelope,
            snapped,
        } = place;
        match content {
            Content::Datagram(datagram) => {
                let message = self.message_of(datagram, envelope);
                out.add(at, message, snapped)
            }
            Content::Segment(segment) => self.segment(place, segment, out),
            Content::Fragment(piece) => self.fragment(place, piece, out),
            Content::Mirrored(mirrored) => {
                let message = self.mirrored(mirrored, envelope);
                out.add(at, message, snapped)
            }
            Content::Sctp(packet) => {
                let mut messages = Vec::new();
                self.sctp.packet(packet, at, &mut messages);
                self.user_messages(messages, envelope, snapped, out)
            }
            Content::IcmpError(error) => {
                out.0.push(Event::WithoutPorts);
                let mut outcome = Outcome::default();
                self.connections.icmp(error, at, &mut outcome);
                self.come_out(outcome, None, out);
                let icmp = Icmp::of(error).map(|it| Event::Icmp(at, Box::new(it)));
                out.0.extend(icmp);
                false
            }
            Content::Unrelated => {
                out.0.push(Event::WithoutPorts);
                false
            }
        }
    }

    /// Goes on with the datagram that a fragment completes.
    fn fragment(&mut self, place: Place, piece: &Fragment<'_>, out: &mut Events) -> bool {
        let Place {
            at,
            envelope,
            snapped,
        } = place;
        let Some(whole) = self.fragments.fragment(piece, envelope, at) else {
            return false;
        };
        let decoded = frame::resume(&whole.datagram, whole.ttl, &whole.bytes, whole.envelope);
        self.resumed(decoded, whole.at, snapped, out)
    }

    /// Goes on with a packet that others held.
    fn resumed(
        &mut self,
        decoded: Result<Decoded<'_>, Undecoded>,
        at: Sighting,
        snapped: Option<u64>,
        out: &mut Events,
    ) -> bool {
        match decoded {
            Ok(mut decoded) => {
                self.hide(&mut decoded.content);
                let place = Place {
                    at,
                    envelope: decoded.envelope,
                    snapped,
                };
                self.content(place, &decoded.content, out)
            }
            Err(undecoded) => {
                out.0.push(Event::Undecoded(undecoded, 1));
                false
            }
        }
    }

    /// What there is of a datagram that will not become whole is taken as a packet that was cut.
    fn incomplete(&mut self, incomplete: Incomplete, had_time: bool, out: &mut Events) {
        let mut found = Events::default();
        match &incomplete.head {
            Some(head) => {
                let mut envelope = incomplete.envelope;
                envelope.cut = true;
                let decoded = frame::resume(&incomplete.datagram, incomplete.ttl, head, envelope);
                if decoded.is_ok() {
                    self.resumed(decoded, incomplete.at, None, &mut found);
                }
            }
            // Without the first one there are no ports: what it was, nobody knows.
            None => {
                let pieces = incomplete.pieces.into();
                let undecoded = Undecoded("ip-fragment".into());
                found.0.push(Event::Undecoded(undecoded, pieces));
            }
        }
        out.0.push(Event::Incomplete {
            datagram: Box::new(incomplete),
            had_time,
        });
        out.0.append(&mut found.0);
    }

    fn mirrored(&self, mirrored: &Mirrored<'_>, envelope: Envelope) -> Option<Box<Sip>> {
        let carrier = Carrier {
            cut: mirrored.cut,
            stream: mirrored.flow.transport.is_reliable(),
        };
        let message = Message::parse(&mirrored.payload, carrier)?;
        Some(Box::new(Sip {
            mirror: Some(Mirror {
                node: mirrored.node,
                correlation: mirrored.correlation.map(Into::into),
            }),
            ..Sip::of(message, mirrored.flow, None, envelope, &self.asked)
        }))
    }

    fn segment(&mut self, place: Place, segment: &Segment<'_>, out: &mut Events) -> bool {
        let mut outcome = Outcome::default();
        let connections = &mut self.connections;
        let speaks = connections.segment(segment, place.envelope, place.at, &mut outcome);
        let found = !outcome.messages.is_empty() || (speaks && !segment.payload.is_empty());
        self.come_out(outcome, place.snapped, out);
        found
    }

    /// The messages that SCTP carried; whether there is SIP among them. What SCTP sent again is no repeat of SIP's.
    fn user_messages(
        &self,
        messages: Vec<UserMessage>,
        envelope: Envelope,
        snapped: Option<u64>,
        out: &mut Events,
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
            let sip = Sip::of(message, it.flow, Some(it.tsn), envelope, &self.asked);
            out.add(it.at, Some(Box::new(sip)), snapped);
        }
        found
    }

    fn come_out(&mut self, outcome: Outcome, snapped: Option<u64>, out: &mut Events) {
        for it in outcome.messages {
            let sequence = Some(it.sequence);
            let sip = Sip::of(it.message, it.flow, sequence, it.envelope, &self.asked);
            out.add(it.at, Some(Box::new(sip)), snapped);
        }
        for packet in outcome.mirrored {
            let decoded = frame::mirrored(&packet.bytes, packet.envelope);
            self.resumed(decoded, packet.at, snapped, out);
        }
        let noted = outcome.noted.into_iter().map(Box::new).map(Event::Noted);
        let over = outcome.over.into_iter().map(Box::new).map(Event::Over);
        out.0.extend(noted.chain(over));
    }
}

impl Events {
    /// Adds a message; whether there is one.
    fn add(&mut self, at: Sighting, sip: Option<Box<Sip>>, snapped: Option<u64>) -> bool {
        let event = sip.map(|sip| Event::Sip { at, sip, snapped });
        let found = event.is_some();
        self.0.extend(event);
        found
    }
}

/// From where to where a packet goes that has ports of its own.
const fn flow_of(content: &Content<'_>) -> Option<Flow> {
    match content {
        Content::Datagram(datagram) => Some(datagram.flow),
        Content::Segment(segment) => Some(segment.flow),
        Content::Sctp(packet) => Some(packet.flow),
        Content::Fragment(_)
        | Content::Mirrored(_)
        | Content::IcmpError(_)
        | Content::Unrelated => None,
    }
}

/// RFC 3550 §5.1, but for RTCP.
const fn is_like_rtp(payload: &[u8]) -> bool {
    matches!(payload, [128..=191, 0..192 | 224.., ..]) && payload.len() > 12
}

/// When a packet's content was on the wire: a mirror's packets come later than what they copy. Where the mirror's clock is
/// far from the capture's, it is not believed.
fn time_of(captured: Timestamp, content: &Content<'_>) -> Timestamp {
    match content {
        Content::Mirrored(mirrored) => mirrored
            .time
            .filter(|time| time.distance(captured) <= HEP_CLOCK_TOLERANCE)
            .unwrap_or(captured),
        _ => captured,
    }
}
