//! Servers that asked for silence: 503 with Retry-After (RFC 3261 §21.5.4), and the requests that went there nevertheless.

use crate::capture::Sighting;
use crate::flow::Flow;
use crate::limits::{MAX_BACKOFFS, MAX_FRAMES_SHOWN};
use crate::sip::{HeaderName, Message, Method};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What one client was asked by one server.
#[derive(Clone, Debug)]
pub struct Backoff {
    /// The first 503 that asked.
    pub asked: Sighting,
    /// For how long that one asked.
    pub retry_after: Duration,
    /// New requests sent within the time, the first of them.
    pub sent: Vec<Sighting>,
    /// All of them.
    pub count: u64,
    /// The moment from which on, and the one until which, nothing should be sent.
    silence: (Timestamp, Timestamp),
}

/// All of them, by client and server.
#[derive(Debug, Default)]
pub struct Backoffs {
    peers: BTreeMap<(IpAddr, SocketAddr), Backoff>,
    refused: u64,
}

/// What is on its way when the 503 comes is no offence.
const ON_ITS_WAY: Duration = Duration::from_millis(200);

impl Backoffs {
    /// Notes a message that is neither a copy nor a retransmission.
    pub fn message(&mut self, message: &Message, flow: Flow, seen: Sighting) {
        match message.status() {
            Some(503) => self.asked(message, flow, seen),
            Some(_) => {}
            // Nobody asked anybody: nearly always.
            None if self.peers.is_empty() => {}
            None => self.sent(message, flow, seen),
        }
    }

    /// Clients with the servers that asked them for silence, and what they did.
    pub fn all(&self) -> impl Iterator<Item = (IpAddr, SocketAddr, &Backoff)> {
        self.peers
            .iter()
            .map(|((client, server), it)| (*client, *server, it))
    }

    /// How many could not be kept.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn asked(&mut self, message: &Message, flow: Flow, seen: Sighting) {
        let seconds = message.number(HeaderName::RetryAfter);
        let Some(seconds) = seconds.filter(|it| (1..=LONGEST).contains(it)) else {
            return;
        };
        let retry_after = Duration::from_secs(seconds);
        let silence = (seen.time + ON_ITS_WAY, seen.time + retry_after);
        let key = (flow.dst.ip(), flow.src);
        if let Some(known) = self.peers.get_mut(&key) {
            let (from, until) = known.silence;
            known.silence = if seen.time > until {
                silence
            } else {
                (from, until.max(silence.1))
            };
        } else if self.peers.len() < MAX_BACKOFFS {
            let backoff = Backoff {
                asked: seen,
                retry_after,
                sent: Vec::new(),
                count: 0,
                silence,
            };
            self.peers.insert(key, backoff);
        } else {
            self.refused += 1;
        }
    }

    /// Requests inside dialogs are owed, and a ping is how a client finds out that the server is back.
    fn sent(&mut self, message: &Message, flow: Flow, seen: Sighting) {
        let owed = matches!(
            message.method(),
            Some(Method::Ack | Method::Cancel | Method::Options)
        );
        let Some(backoff) = self.peers.get_mut(&(flow.src.ip(), flow.dst)) else {
            return;
        };
        let (from, until) = backoff.silence;
        if owed || message.to_tag().is_some() || seen.time < from || seen.time >= until {
            return;
        }
        backoff.count += 1;
        if backoff.sent.len() < MAX_FRAMES_SHOWN {
            backoff.sent.push(seen);
        }
    }
}

/// A day: nobody means more.
const LONGEST: u64 = 86_400;
