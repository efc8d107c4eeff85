//! Clients behind a NAT that registered: where their packets come from, and when the NAT may have forgotten them (RFC 5626
//! §4.4, RFC 4787 §4.3).

use crate::address::Reach;
use crate::flow::{Flow, Transport};
use crate::limits::{MAX_NAT_BINDINGS, MAX_WAKES};
use crate::sip::value::{self, NameAddr};
use crate::sip::{HeaderName, Message, Method};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::{Arrival, Sighting, TransactionId};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::time::Duration;

/// A request that was sent to a client behind a NAT after a long silence.
#[derive(Clone, Copy, Debug)]
pub struct Wake {
    /// How long there had been no packet either way.
    pub idle: Duration,
    /// The first packet of the client behind the request; `None` while there is none.
    pub spoke: Option<Sighting>,
    /// From where it came, when the NAT gave the client another port or address meanwhile.
    pub moved: Option<SocketAddr>,
}

#[derive(Debug)]
struct Client {
    contact: u64,
    last: Timestamp,
    /// The request that it was last sent after a silence.
    pending: Option<TransactionId>,
}

/// All clients behind a NAT that were seen to register over UDP.
#[derive(Debug, Default)]
pub struct Bindings {
    thresholds: Thresholds,
    hasher: RandomState,
    /// By the client's side of the NAT and the server.
    clients: HashMap<(SocketAddr, SocketAddr), Client>,
    /// Where the Contact with that fingerprint was last seen to come from, and at which server.
    contacts: HashMap<u64, (SocketAddr, SocketAddr)>,
    wakes: HashMap<TransactionId, Wake>,
    oldest: VecDeque<TransactionId>,
    refused: u64,
}

impl Bindings {
    /// None yet.
    pub(super) fn new(thresholds: &Thresholds) -> Self {
        Self {
            thresholds: *thresholds,
            ..Self::default()
        }
    }

    /// Notes a SIP message that is no copy. `began` says which transaction it began.
    pub fn message(&mut self, arrival: &Arrival<'_>, began: Option<TransactionId>) {
        let flow = arrival.flow;
        if flow.transport != Transport::Udp {
            return;
        }
        let seen = Sighting {
            frame: arrival.frame,
            time: arrival.time,
        };
        if arrival.message.method() == Some(Method::Register) {
            self.register(flow, arrival.message, seen);
        }
        let is_request = arrival.message.method().is_some();
        let (idle, pending) = match self.clients.get_mut(&(flow.dst, flow.src)) {
            Some(client) if is_request => {
                let idle = seen.time.since(client.last);
                client.last = client.last.max(seen.time);
                (idle, &mut client.pending)
            }
            _ => return self.packet(flow, seen),
        };
        if let Some(id) = began.filter(|_| idle > self.thresholds.nat_binding) {
            *pending = Some(id);
            let wake = Wake {
                idle,
                spoke: None,
                moved: None,
            };
            self.wakes.insert(id, wake);
            self.oldest.push_back(id);
            if self.oldest.len() > MAX_WAKES
                && let Some(id) = self.oldest.pop_front()
            {
                self.wakes.remove(&id);
            }
        }
    }

    /// Notes any packet over UDP: a keep-alive has no SIP in it.
    pub fn packet(&mut self, flow: Flow, seen: Sighting) {
        if self.clients.is_empty() {
            return;
        }
        if let Some(client) = self.clients.get_mut(&(flow.src, flow.dst)) {
            client.last = client.last.max(seen.time);
            let pending = client.pending.take();
            self.spoke(pending, seen, None);
        } else if let Some(client) = self.clients.get_mut(&(flow.dst, flow.src)) {
            client.last = client.last.max(seen.time);
        }
    }

    /// What is known of a request to a client behind a NAT that had been silent for long; `None` for any other.
    pub fn wake(&self, request: TransactionId) -> Option<Wake> {
        self.wakes.get(&request).copied()
    }

    /// From where the client with that Contact registered through a NAT; `None` when none is known.
    pub fn source_of(&self, uri: &[u8]) -> Option<SocketAddr> {
        let contact = self.fingerprint(uri)?;
        self.contacts.get(&contact).map(|(client, _)| *client)
    }

    /// How many clients could not be noted for want of room.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn register(&mut self, flow: Flow, message: &Message, seen: Sighting) {
        let Some(uri) = message.header(HeaderName::Contact).and_then(|value| {
            let first = value::list(&value).next()?;
            Some(NameAddr::of(first).uri.to_vec())
        }) else {
            return;
        };
        // A Contact that is reached from everywhere needs no binding in a NAT.
        let behind_nat = value::uri_endpoint(&uri).is_some_and(|(address, _)| {
            address.to_canonical() != flow.src.ip().to_canonical()
                && !Reach::of(address).is_public()
        });
        let Some(contact) = self.fingerprint(&uri).filter(|_| behind_nat) else {
            return;
        };
        let key = (flow.src, flow.dst);
        let before = self.contacts.get(&contact).copied();
        if let Some(old) = before.filter(|old| *old != key && old.1 == key.1) {
            let pending = self.clients.remove(&old).and_then(|it| it.pending);
            self.spoke(pending, seen, Some(flow.src));
        }
        if !self.clients.contains_key(&key) {
            if self.clients.len() >= MAX_NAT_BINDINGS || self.contacts.len() >= MAX_NAT_BINDINGS {
                self.refused += 1;
                return;
            }
            let client = Client {
                contact,
                last: seen.time,
                pending: None,
            };
            self.clients.insert(key, client);
        } else if let Some(client) = self.clients.get_mut(&key)
            && client.contact != contact
        {
            // Another client has the port now.
            self.contacts.remove(&client.contact);
            client.contact = contact;
        }
        self.contacts.insert(contact, key);
    }

    fn spoke(&mut self, request: Option<TransactionId>, seen: Sighting, moved: Option<SocketAddr>) {
        if let Some(wake) = request.and_then(|id| self.wakes.get_mut(&id)) {
            wake.spoke.get_or_insert(seen);
            wake.moved = wake.moved.or(moved);
        }
    }

    fn fingerprint(&self, uri: &[u8]) -> Option<u64> {
        let (address, port) = value::uri_endpoint(uri)?;
        let (user, _) = value::user_and_host(uri);
        Some(self.hasher.hash_one((user, address.to_canonical(), port)))
    }
}
