//! From packets to what they hold, each by itself and several together, in the order of time. It knows no calls, so that a
//! thread that reads ahead can do it.

use super::Mirror;
use super::clock::Clock;
use super::prepared::{Event, Events, Opened, Prepared, Refused};
use super::redacting::hide;
use super::waiting::{Asked, Heard, Icmp, InOrder, Queue, Ready, Sip};
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
use std::sync::Arc;

/// Opens packets, and puts together what several of them hold.
#[derive(Debug)]
pub struct Intake {
    asked: Asked,
    /// Whether what messages tell is left to who follows the calls.
    only_reads: bool,
    redactor: Option<Redactor>,
    fragments: Fragments,
    sctp: Sctp,
    connections: Connections,
    /// The time of the packet before.
    previous: Option<Timestamp>,
    clock: Clock,
    waiting: Queue,
    /// Whether nothing comes any more.
    ended: bool,
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
            only_reads: false,
            redactor,
            fragments: Fragments::default(),
            sctp: Sctp::default(),
            connections: Connections::default(),
            previous: None,
            clock: Clock::default(),
            waiting: Queue::default(),
            ended: false,
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
                let opened = Opened::Undecoded(undecoded.clone());
                let mut events = Events::default();
                self.pass_time(packet.time, true, &mut events);
                return self.prepared(at, opened, events);
            }
        };
        self.hide(&mut decoded.content);
        let envelope = decoded.envelope;
        let snapped = envelope.cut.then_some(packet.data.len() as u64);
        let time = time_of(packet.time, &decoded.content);
        let in_order = !matches!(decoded.content, Content::Mirrored(_));
        let mut events = Events::default();
        self.pass_time(time, in_order, &mut events);
        self.pass_to(time, &mut events);
        let place = Place {
            at,
            envelope,
            snapped,
        };
        let opened = self.open(place, time, &decoded.content, &mut events);
        self.prepared(at, opened, events)
    }

    /// Lets time pass with a packet that a filter refused.
    pub fn refused(&mut self, time: Timestamp) -> Refused {
        let mut events = Events::default();
        self.pass_time(time, true, &mut events);
        self.pass_to(time, &mut events);
        Refused::new(time, self.now().unwrap_or(time), events)
    }

    fn prepared(&self, at: Sighting, opened: Opened, events: Events) -> Prepared {
        Prepared {
            at,
            now: self.now().unwrap_or(at.time),
            opened,
            events,
        }
    }

    /// Says whether it is left to who follows the calls to find out what messages tell, from now on: to whom else has to wait.
    pub const fn only_read(&mut self, only: bool) {
        self.only_reads = only;
    }

    /// What nothing can overtake any more; `None` until more packets have come.
    #[inline]
    pub fn next_in_order(&mut self) -> Option<InOrder> {
        self.waiting.pop(self.now()?, self.ended)
    }

    /// What comes that many behind the next in that order, when nothing overtakes it.
    #[inline]
    pub(super) fn ahead(&self, behind: usize) -> Option<&InOrder> {
        self.waiting.get(behind)
    }

    /// The time of the last packet; `None` before the first.
    pub(super) const fn now(&self) -> Option<Timestamp> {
        self.clock.now()
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

    /// Moves the clock to the time of a packet.
    #[inline]
    fn pass_time(&mut self, time: Timestamp, in_order: bool, out: &mut Events) {
        if let Some(irregular) = self.clock.packet(time, in_order) {
            out.0.push(irregular);
        }
    }

    /// Gives up what nothing completes any more at the time of a packet.
    #[inline]
    fn pass_to(&mut self, time: Timestamp, out: &mut Events) {
        // One packet that is stamped ahead must not use up the patience for all others.
        let before = self.previous.replace(time);
        self.pass(before.map_or(time, |before| before.min(time)), out);
    }

    /// Says that time has passed without packets; what was given up.
    pub(super) fn advance(&mut self, now: Timestamp) -> Events {
        let mut events = Events::default();
        self.clock.advance(now);
        self.pass(now, &mut events);
        events
    }

    /// Gives up, as time passes, on what nothing completes any more.
    #[inline]
    fn pass(&mut self, now: Timestamp, out: &mut Events) {
        let due = self.connections.is_due(now);
        // So it is at nearly every packet.
        if self.fragments.is_idle(now) && self.sctp.is_idle() && !due {
            return;
        }
        self.give_up(now, due, out);
    }

    /// The same when there may be something; `due` says that it is time to look at connections.
    fn give_up(&mut self, now: Timestamp, due: bool, out: &mut Events) {
        for incomplete in self.fragments.expire(now) {
            self.incomplete(incomplete, true, out);
        }
        let mut messages = Vec::new();
        self.sctp.expire(now, &mut messages);
        self.user_messages(messages, Envelope::default(), None, out);
        if due {
            let mut outcome = Outcome::default();
            self.connections.look(now, &mut outcome);
            self.come_out(outcome, None, out);
        }
    }

    /// Hands on all that waits, as it is.
    pub(super) fn finish(&mut self) -> Events {
        let mut events = Events::default();
        self.pass(self.now().unwrap_or(Timestamp::MIN), &mut events);
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
        events.0.extend(self.clock.finish());
        self.ended = true;
        events
    }

    #[inline]
    fn open(
        &mut self,
        place: Place,
        time: Timestamp,
        content: &Content<'_>,
        out: &mut Events,
    ) -> Opened {
        let Content::Datagram(datagram) = content else {
            if !self.content(place, content, out) {
                out.0.push(Event::NotSip(flow_of(content)));
            }
            return Opened::Other { time };
        };
        if self.datagram(place, datagram, out) {
            return Opened::Sip;
        }
        Opened::Datagram {
            flow: datagram.flow,
            dscp: place.envelope.dscp,
            like_rtp: is_like_rtp(datagram.payload),
        }
    }

    /// Takes the message of a datagram (RFC 3261 §18.3: what follows the body is to be ignored); whether it is SIP.
    #[inline]
    fn datagram(&mut self, place: Place, datagram: &Datagram<'_>, out: &mut Events) -> bool {
        let carrier = Carrier {
            cut: datagram.missing > 0,
            stream: false,
        };
        let Some(message) = Message::parse(datagram.payload, carrier) else {
            return false;
        };
        let heard = Heard {
            identification: datagram.identification,
            ..Heard::of(message, datagram.flow, place.envelope)
        };
        self.wait(place, heard, out);
        true
    }

    /// Puts a message on its way into time order.
    fn wait(&mut self, place: Place, heard: Heard, out: &mut Events) {
        let heard = match &self.redactor {
            None => heard,
            Some(redactor) => {
                let Some(hidden) = heard.hidden(redactor) else {
                    let undecoded = Undecoded("not-redacted".into());
                    out.0.push(Event::Undecoded(undecoded, 1));
                    return;
                };
                hidden
            }
        };
        if heard.message.is_cut() {
            out.0.push(Event::Cut(place.snapped));
        }
        let ready = if self.only_reads {
            Ready::Heard(heard)
        } else {
            Ready::Sip(Sip::of(heard, &self.asked))
        };
        self.waiting.push(place.at, ready);
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
            Content::Datagram(datagram) => self.datagram(place, datagram, out),
            Content::Segment(segment) => self.segment(place, segment, out),
            Content::Fragment(piece) => self.fragment(place, piece, out),
            Content::Mirrored(mirrored) => self.mirrored(place, mirrored, out),
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
                if let Some(icmp) = Icmp::of(error) {
                    let icmp = match &self.redactor {
                        Some(redactor) => icmp.hidden(redactor),
                        None => icmp,
                    };
                    self.waiting.push(at, Ready::Icmp(Box::new(icmp)));
                }
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

    fn mirrored(&mut self, place: Place, mirrored: &Mirrored<'_>, out: &mut Events) -> bool {
        let carrier = Carrier {
            cut: mirrored.cut,
            stream: mirrored.flow.transport.is_reliable(),
        };
        let Some(message) = Message::parse(&mirrored.payload, carrier) else {
            return false;
        };
        let heard = Heard {
            mirror: Some(Mirror {
                node: mirrored.node,
                correlation: mirrored.correlation.map(Into::into),
            }),
            ..Heard::of(message, mirrored.flow, place.envelope)
        };
        self.wait(place, heard, out);
        true
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
        &mut self,
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
            let heard = Heard {
                sequence: Some(it.tsn),
                ..Heard::of(message, it.flow, envelope)
            };
            let place = Place {
                at: it.at,
                envelope,
                snapped,
            };
            self.wait(place, heard, out);
        }
        found
    }

    fn come_out(&mut self, outcome: Outcome, snapped: Option<u64>, out: &mut Events) {
        for it in outcome.messages {
            let heard = Heard {
                sequence: Some(it.sequence),
                ..Heard::of(it.message, it.flow, it.envelope)
            };
            let place = Place {
                at: it.at,
                envelope: it.envelope,
                snapped,
            };
            self.wait(place, heard, out);
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

impl Heard {
    /// A message that went that way.
    fn of(message: Message, flow: Flow, envelope: Envelope) -> Self {
        Self {
            message: Arc::new(message),
            flow,
            envelope,
            identification: None,
            sequence: None,
            mirror: None,
        }
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
