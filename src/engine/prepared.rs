//! What comes out of packets, on its way to those who follow the calls. It needs the packets' bytes no more, so that a thread that
//! reads ahead can make it: nearly all that a capture at an SBC holds is RTP, of which four facts are asked.

use super::waiting::{Icmp, Sip};
use crate::capture::Sighting;
use crate::flow::Flow;
use crate::frame::Undecoded;
use crate::reassembly::Connection;
use crate::reassembly::fragments::Incomplete;
use crate::time::Timestamp;

/// A packet, and all that is asked of it.
#[derive(Debug)]
pub struct Prepared {
    pub(super) at: Sighting,
    pub(super) opened: Opened,
    /// What was given up before it, as time passed.
    pub(super) given_up: Events,
}

/// What was found in a packet: little of what is no SIP, as there are millions of those.
#[derive(Debug)]
pub(super) enum Opened {
    /// A datagram with a message, and how many bytes the snap length left of its packet, where those were too few.
    Sip(Box<Sip>, Option<u64>),
    /// Another datagram with its DSCP, which may look like RTP.
    Datagram {
        flow: Flow,
        dscp: Option<u8>,
        like_rtp: bool,
    },
    /// What the packet gave, alone or with others before it.
    Other {
        /// When what it holds was on the wire.
        time: Timestamp,
        /// Whether packets should come in the order of their times, as mirrors' do not.
        in_order: bool,
        events: Events,
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
    /// A message, and how many bytes the snap length left of its packet, where those were too few.
    Sip {
        at: Sighting,
        sip: Box<Sip>,
        snapped: Option<u64>,
    },
    /// An ICMP error.
    Icmp(Sighting, Box<Icmp>),
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
}

impl Prepared {
    /// Whether messages came out of it, or were given up before it.
    pub fn has_messages(&self) -> bool {
        let own = match &self.opened {
            Opened::Sip(..) => true,
            Opened::Other { events, .. } => events.has_messages(),
            Opened::Datagram { .. } | Opened::Undecoded(_) => false,
        };
        own || self.given_up.has_messages()
    }

    /// When it was captured.
    pub const fn time(&self) -> Timestamp {
        self.at.time
    }
}

impl Events {
    /// Whether messages are among them.
    pub fn has_messages(&self) -> bool {
        let mut events = self.0.iter();
        events.any(|event| matches!(event, Event::Sip { .. }))
    }
}
