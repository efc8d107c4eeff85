//! What came out of packets, on its way into time order.

use super::journal;
use super::prepared::{Event, Events, Opened, Passing, Prepared, Refused};
use super::waiting::{Heard, InOrder, Ready, Sip};
use super::{Engine, Observer};
use crate::capture::Sighting;
use crate::flow::Flow;
use crate::frame::Undecoded;
use crate::limits::MAX_CONNECTION_FACTS;
use crate::reassembly::Connection;
use crate::reassembly::fragments::{Incomplete, LostDatagram};
use crate::rules;
use crate::time::Timestamp;
use crate::transaction::Arrival;

/// Connections that findings may be about.
#[derive(Debug, Default)]
pub(super) struct Notable {
    pub(super) connections: Vec<Connection>,
    /// How many more there were.
    pub(super) refused: u64,
}

impl<O: Observer> Engine<O> {
    /// Takes what a packet holds, in the order of the packets.
    pub fn prepared(&mut self, prepared: Prepared) {
        let Prepared {
            at,
            now,
            opened,
            events,
        } = prepared;
        self.counts.packets += 1;
        let time = match &opened {
            Opened::Other { time } => *time,
            _ => at.time,
        };
        self.pass(time, now);
        if !events.0.is_empty() {
            self.events(events);
        }
        match opened {
            Opened::Sip | Opened::Other { .. } => {}
            Opened::Datagram {
                flow,
                dscp,
                like_rtp,
            } => self.without_sip(at, flow, dscp, like_rtp),
            Opened::Undecoded(undecoded) => self.undecoded(undecoded),
        }
    }

    /// The same of packets that come one after the other.
    pub fn passing(&mut self, packets: &[Passing]) {
        self.counts.packets += packets.len() as u64;
        for packet in packets {
            self.pass(packet.time(), packet.time());
            self.without_sip(packet.at, packet.flow(), packet.dscp, packet.like_rtp);
        }
    }

    /// The same of packets that a filter refused, of which nothing but their time is known.
    pub fn passed_over(&mut self, refused: Refused) {
        self.pass(refused.earliest, refused.now);
        if !refused.events.0.is_empty() {
            self.events(refused.events);
        }
    }

    /// Moves to the time of the capture with a packet of that time.
    #[inline]
    fn pass(&mut self, time: Timestamp, now: Timestamp) {
        self.first_time = Some(self.first_time.map_or(time, |first| first.min(time)));
        self.now = Some(now);
    }

    /// Notes a datagram that is no SIP.
    #[inline]
    fn without_sip(&mut self, at: Sighting, flow: Flow, dscp: Option<u8>, like_rtp: bool) {
        self.summary.not_sip_packets += 1;
        self.note_ports(flow);
        self.surroundings.media_errors_mut().packet(flow, at.time);
        if like_rtp {
            let markings = self.surroundings.markings_mut();
            markings.rtp(flow, dscp, at);
        }
        self.surroundings.bindings_mut().packet(flow, at);
    }

    /// Takes what came out of packets.
    pub fn events(&mut self, Events(events): Events) {
        for event in events {
            match event {
                Event::Cut(snapped) => self.cut(snapped),
                Event::NotSip(flow) => {
                    self.summary.not_sip_packets += 1;
                    if let Some(flow) = flow {
                        self.note_ports(flow);
                    }
                }
                Event::WithoutPorts => self.counts.without_ports += 1,
                Event::Undecoded(undecoded, times) => self.undecoded_times(undecoded, times),
                Event::Incomplete { datagram, had_time } => self.incomplete(&datagram, had_time),
                Event::Noted(connection) => self.streams.note(&connection),
                Event::Over(connection) => self.over(*connection),
                Event::Gap(from, until) => self.gap(from, until),
                Event::Back(back) => {
                    self.counts.disordered += 1;
                    self.counts.largest_step_back = self.counts.largest_step_back.max(back);
                }
            }
        }
    }

    /// Takes what comes next in the order of time.
    pub fn in_order(&mut self, InOrder { at, what }: InOrder) {
        self.released = self.released.max(Some(at.time));
        let clock = self.released.unwrap_or(at.time);
        self.table.advance(clock);
        self.settle();
        match what {
            Ready::Sip(sip) => self.place(at, sip),
            Ready::Heard(heard) => self.place(at, Sip::of(heard, &self.asked)),
            Ready::Icmp(icmp) => self.icmp(at, &icmp.error()),
        }
    }

    /// Notes that a message lacks its end. `snapped` is how many bytes the snap length left of its packet.
    fn cut(&mut self, snapped: Option<u64>) {
        self.lossy = true;
        if let Some(left) = snapped {
            self.counts.cut_messages += 1;
            self.counts.snap_length = self.counts.snap_length.max(left);
        }
    }

    fn incomplete(&mut self, incomplete: &Incomplete, had_time: bool) {
        let ends = [incomplete.datagram.src, incomplete.datagram.dst];
        journal::incomplete(incomplete, ends.map(|it| self.hidden_address(it)));
        let lost = self.hidden_lost(LostDatagram::of(incomplete, had_time));
        self.lost.note(lost);
    }

    fn over(&mut self, mut connection: Connection) {
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
            return;
        }
        if self.notable.connections.len() < MAX_CONNECTION_FACTS {
            self.notable.connections.push(connection);
        } else {
            self.notable.refused += 1;
        }
    }

    /// Notes how a message is marked; `copy` says that its packet was captured before. Mirrors do not tell how what they
    /// copied was marked.
    pub(super) fn note_marking(&mut self, arrival: &Arrival<'_>, heard: &Heard, copy: bool) {
        let dscp = heard.envelope.dscp.filter(|_| heard.mirror.is_none());
        let markings = self.surroundings.markings_mut();
        markings.message(arrival, dscp, copy);
    }
}
