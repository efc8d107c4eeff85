//! What comes out of packets, on its way to those who follow the calls. It needs the packets' bytes no more, so that a thread that
//! reads ahead can make it: nearly all that a capture at an SBC holds is RTP, of which four facts are asked.

use crate::capture::Sighting;
use crate::flow::{Flow, Transport};
use crate::frame::Undecoded;
use crate::reassembly::Connection;
use crate::reassembly::fragments::Incomplete;
use crate::time::Timestamp;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

/// A packet, and all that is asked of it.
#[derive(Debug)]
pub struct Prepared {
    pub(super) at: Sighting,
    /// The time of the capture with it.
    pub(super) now: Timestamp,
    pub(super) opened: Opened,
    /// What is not as usual, what was given up before it as time passed, and what it gave.
    pub(super) events: Events,
}

/// What was found in a packet: little of what is no SIP, as there are millions of those. Messages come in the order of their
/// times, when nothing can overtake them any more.
#[derive(Debug)]
pub(super) enum Opened {
    /// A datagram with a message.
    Sip,
    /// Another datagram with its DSCP, which may look like RTP.
    Datagram {
        flow: Flow,
        dscp: Option<u8>,
        like_rtp: bool,
    },
    /// What gave something, alone or with others before it.
    Other {
        /// When what it holds was on the wire.
        time: Timestamp,
    },
    /// Nothing that can be read.
    Undecoded(Undecoded),
}

/// What packets gave, in order.
#[derive(Debug, Default)]
pub struct Events(pub(super) Vec<Event>);

/// One of these.
#[derive(Debug)]
pub(super) enum Event {
    /// A message lacks its end; how many bytes the snap length left of its packet, where those were too few.
    Cut(Option<u64>),
    /// The packet had no SIP; its ports, where it had some.
    NotSip(Option<Flow>),
    /// The packet was of no transport that has ports.
    WithoutPorts,
    /// So many pieces could not be read.
    Undecoded(Undecoded, u64),
    /// A datagram stayed incomplete: `had_time` says that the rest of it did not come, and not that the capture ended.
    Incomplete {
        datagram: Box<Incomplete>,
        had_time: bool,
    },
    /// A connection of which something is told before it is over.
    Noted(Box<Connection>),
    /// A connection that is over.
    Over(Box<Connection>),
    /// Nothing was captured between two moments.
    Gap(Timestamp, Timestamp),
    /// The packet is that much older than one before it.
    Back(Duration),
}

/// A packet with a datagram over UDP and IPv4 that is no SIP, and nothing else to tell: in few bytes, as nearly all packets are
/// such, and what one thread writes and another reads has its price.
#[derive(Clone, Copy, Debug)]
pub struct Passing {
    pub(super) at: Sighting,
    src: SocketAddrV4,
    dst: SocketAddrV4,
    pub(super) dscp: Option<u8>,
    pub(super) like_rtp: bool,
}

/// Packets one after the other that a filter refused: time passed.
#[derive(Debug)]
pub struct Refused {
    /// The time of the first of them.
    begin: Timestamp,
    pub(super) earliest: Timestamp,
    /// The time of the capture with the last.
    pub(super) now: Timestamp,
    /// What is not as usual, and what was given up as time passed.
    pub(super) events: Events,
}

impl Refused {
    pub(super) const fn new(time: Timestamp, now: Timestamp, events: Events) -> Self {
        Self {
            begin: time,
            earliest: time,
            now,
            events,
        }
    }

    /// When the first of them was captured.
    pub const fn begin(&self) -> Timestamp {
        self.begin
    }

    /// Takes those that come behind; gives them back where one of both has more to tell than time.
    pub fn join(&mut self, next: Self) -> Option<Self> {
        if !self.events.0.is_empty() || !next.events.0.is_empty() {
            return Some(next);
        }
        self.earliest = self.earliest.min(next.earliest);
        self.now = next.now;
        None
    }
}

impl Prepared {
    /// When it was captured.
    pub const fn time(&self) -> Timestamp {
        self.at.time
    }

    /// All of it, where it is such a packet.
    #[inline]
    pub fn passing(&self) -> Option<Passing> {
        let Opened::Datagram {
            flow,
            dscp,
            like_rtp,
        } = self.opened
        else {
            return None;
        };
        match (flow.src, flow.dst, flow.transport) {
            (SocketAddr::V4(src), SocketAddr::V4(dst), Transport::Udp)
                if self.events.0.is_empty() && self.now == self.at.time =>
            {
                Some(Passing {
                    at: self.at,
                    src,
                    dst,
                    dscp,
                    like_rtp,
                })
            }
            _ => None,
        }
    }
}

impl Passing {
    /// When it was captured.
    pub const fn time(&self) -> Timestamp {
        self.at.time
    }

    /// From where to where it went.
    #[inline]
    pub(super) const fn flow(&self) -> Flow {
        Flow {
            src: SocketAddr::V4(self.src),
            dst: SocketAddr::V4(self.dst),
            transport: Transport::Udp,
        }
    }
}
