//! What goes wrong with connections: those that nobody accepts, those that end under open requests, plain SIP where TLS is
//! spoken; and which ports are those of SIP, so that one without a message counts. Told per server, however many clients.

mod broken;
mod connects;
mod ports;
mod strays;

use crate::hash::HashSet;
pub use broken::{Break, Broken, Ending};
pub use connects::{Attempt, ConnectFailure, Connects, Target};
pub use ports::SipPorts;
pub use strays::{Answer, PlainOnTls, Stray};

use super::{Call, Surroundings};
use crate::flow::Flow;
use crate::limits::MAX_SIP_PORTS;
use crate::reassembly::Connection;
use crate::transaction::Transaction;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// All of it.
#[derive(Debug, Default)]
pub struct Streams {
    /// Connections that could not be opened.
    pub connects: Connects,
    /// Connections that ended under open requests.
    pub broken: Broken,
    /// Connections with plain SIP to a server that speaks TLS.
    pub plain_on_tls: PlainOnTls,
    /// The ports of SIP.
    pub ports: SipPorts,
    /// Connections that came to be although the capture shows their opener alone.
    unheard: HashSet<(SocketAddr, SocketAddr)>,
}

impl Streams {
    /// Takes a connection of which more may come.
    pub fn note(&mut self, connection: &Connection) {
        let Flow { src, dst, .. } = connection.flow;
        if connection.heard {
            self.unheard.remove(&(src, dst));
        } else if connection.established && self.unheard.len() < MAX_SIP_PORTS {
            self.unheard.insert((src, dst));
        }
        self.connects.note(connection, false, &self.ports);
        self.broken.ended(connection);
    }

    /// Takes a connection that is over.
    pub fn over(&mut self, connection: &Connection) {
        self.connects.note(connection, true, &self.ports);
        self.broken.ended(connection);
        self.plain_on_tls.note(connection);
    }

    /// Whether the capture lacks all that is sent against the direction of a flow, although the connection came to be (guard
    /// G-1WAY).
    pub fn is_one_directional(&self, flow: Flow) -> bool {
        self.unheard.contains(&(flow.src, flow.dst))
    }

    /// Whether the capture lacks all that a server sent to a host on some connection of theirs.
    pub fn is_unheard(&self, client: IpAddr, server: SocketAddr) -> bool {
        let mut unheard = self.unheard.iter();
        unheard.any(|(src, dst)| src.ip() == client && *dst == server)
    }

    /// Takes a transaction that is closed, and T1.
    pub fn closed(&mut self, transaction: &Transaction, t1: Duration) {
        self.broken.closed(transaction, t1);
    }

    /// Takes a call before it is judged: which of its requests were open when their connection ended, and which ones came
    /// through after a connection had failed.
    pub fn call(&mut self, call: &Call, surroundings: &Surroundings) {
        self.broken.call(call, surroundings);
        self.connects.call(call);
    }

    /// Takes a call that was judged.
    pub fn judged(&mut self, call: &Call) {
        self.broken.judged(call);
    }

    /// What could not be kept, by the name of the store.
    pub const fn refused(&self) -> [(&'static str, u64); 4] {
        [
            ("connection-attempts", self.connects.refused()),
            ("ended-connections", self.broken.refused()),
            ("plain-on-tls", self.plain_on_tls.refused()),
            ("sip-ports", self.ports.refused()),
        ]
    }
}
