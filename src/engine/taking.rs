//! What came out of packets, on its way into time order.

use super::journal;
use super::prepared::{Event, Events, Opened, Prepared};
use super::waiting::{Sip, Waiting, What};
use super::{Engine, Observer};
use crate::capture::Sighting;
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
            opened,
            given_up,
        } = prepared;
        self.counts.packets += 1;
        let (time, in_order) = match &opened {
            Opened::Other { time, in_order, .. } => (*time, *in_order),
            _ => (at.time, true),
        };
        self.note_time(time, in_order);
        if !given_up.0.is_empty() {
            self.events(given_up);
        }
        match opened {
            Opened::Sip(sip, snapped) => self.sip(at, sip, snapped),
            Opened::Datagram {
                flow,
                dscp,
                like_rtp,
            } => {
                self.summary.not_sip_packets += 1;
                self.note_ports(flow);
                self.surroundings.media_errors_mut().packet(flow, at.time);
                if like_rtp {
                    let markings = self.surroundings.markings_mut();
                    markings.rtp(flow, dscp, at);
                }
                self.surroundings.bindings_mut().packet(flow, at);
            }
            Opened::Other { events, .. } => self.events(events),
            Opened::Undecoded(undecoded) => self.undecoded(undecoded),
        }
        self.release(false);
    }

    /// Takes what came out of packets.
    pub fn events(&mut self, Events(events): Events) {
        for event in events {
            match event {
                Event::Sip { at, sip, snapped } => self.sip(at, sip, snapped),
                Event::Icmp(at, icmp) => {
                    let icmp = self.hidden_quote(*icmp);
                    self.wait(at, What::Icmp(Box::new(icmp)));
                }
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
            }
        }
    }

    fn incomplete(&mut self, incomplete: &Incomplete, had_time: bool) {
        let ends = [incomplete.datagram.src, incomplete.datagram.dst];
        journal::incomplete(incomplete, ends.map(|it| self.hidden_address(it)));
        if had_time {
            let lost = self.hidden_lost(LostDatagram::of(incomplete));
            self.lost.note(lost);
        }
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
        self.wait(at, What::Sip(sip));
    }

    fn wait(&mut self, at: Sighting, what: What) {
        self.waiting.push(Waiting {
            time: at.time,
            frame: at.frame,
            what,
        });
    }
}
