//! Clients behind a NAT that registered: where their packets come from, and when the NAT may have forgotten them (RFC 5626
//! §4.4, RFC 4787 §4.3).

use crate::address::Reach;
use crate::capture::FrameNumber;
use crate::flow::{Flow, Transport};
use crate::hash::{HashMap, KeyMap, NumberMap, fingerprint};
use crate::limits::{MAX_FRAMES_SHOWN, MAX_NAT_BINDINGS, MAX_WAKES, MAX_WAKES_OF_ONE};
use crate::sip::value::{self, NameAddr};
use crate::sip::{HeaderName, Message, Method};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::{Arrival, Sighting, Transaction, TransactionId};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A request that was sent to a client behind a NAT after a long silence.
#[derive(Clone, Debug)]
pub struct Wake {
    /// How long there had been no packet either way.
    pub idle: Duration,
    /// The first packet of the client behind the request; `None` while there is none.
    pub spoke: Option<Sighting>,
    /// From where it came, when the NAT gave the client another port or address meanwhile.
    pub moved: Option<SocketAddr>,
    /// Requests that followed while the client had not spoken yet, the first of them.
    pub more: Vec<TransactionId>,
    /// The request, once its sender has given it up without an answer; `None` before that.
    pub asked: Option<Asked>,
}

/// A request that came to nothing, as much of it as tells which it was: its client may come back long after it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// From where to where.
    pub flow: Flow,
    /// When it was sent first.
    pub time: Timestamp,
    /// How often it was sent.
    pub sends: usize,
    /// Its Call-ID.
    pub call_id: Arc<[u8]>,
    /// Whom it was for: the URI of To.
    pub to: Box<[u8]>,
    /// Its packets.
    pub frames: Vec<FrameNumber>,
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
    /// By the client's side of the NAT and the server.
    clients: HashMap<(SocketAddr, SocketAddr), Client>,
    /// Where the Contact with that fingerprint was last seen to come from, and at which server.
    contacts: KeyMap<(SocketAddr, SocketAddr)>,
    wakes: NumberMap<TransactionId, Wake>,
    /// The order of `wakes`, with some that are done with.
    order: VecDeque<TransactionId>,
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
        let Some(id) = began else {
            return;
        };
        if let Some(first) = pending.and_then(|first| self.wakes.get_mut(&first)) {
            if first.more.len() < MAX_WAKES_OF_ONE {
                first.more.push(id);
            }
        } else if idle > self.thresholds.nat_binding {
            *pending = Some(id);
            let wake = Wake {
                idle,
                spoke: None,
                moved: None,
                more: Vec::new(),
                asked: None,
            };
            self.wakes.insert(id, wake);
            self.order.push_back(id);
            self.make_room();
        }
    }

    /// Notes a transaction that is over: one that was answered before anything else was heard of the client is done with.
    pub fn closed(&mut self, transaction: &Transaction) {
        let Some(wake) = self.wakes.get_mut(&transaction.id) else {
            return;
        };
        let answered = transaction
            .responses
            .first()
            .is_some_and(|response| wake.spoke.is_none_or(|spoke| response.time() <= spoke.time));
        if answered {
            self.wakes.remove(&transaction.id);
            return;
        }
        let mut frames = transaction.frames();
        frames.truncate(MAX_FRAMES_SHOWN);
        wake.asked = Some(Asked {
            method: transaction.method.clone(),
            flow: transaction.flow,
            time: transaction.start(),
            sends: transaction.requests.count(),
            call_id: transaction.call_id.clone(),
            to: transaction.to.uri.as_ref().into(),
            frames,
        });
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

    /// Requests to clients behind NATs that had been silent for long, which nobody answered at once, in their order.
    pub fn wakes(&self) -> Vec<(TransactionId, &Wake)> {
        let mut all: Vec<_> = self.wakes.iter().map(|(id, wake)| (*id, wake)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// From where the client with that Contact registered through a NAT; `None` when none is known.
    pub fn source_of(&self, uri: &[u8]) -> Option<SocketAddr> {
        let contact = Self::fingerprint(uri)?;
        self.contacts.get(contact).map(|(client, _)| *client)
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
        let Some(contact) = Self::fingerprint(&uri).filter(|_| behind_nat) else {
            return;
        };
        let key = (flow.src, flow.dst);
        let before = self.contacts.get(contact).copied();
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
            self.contacts.remove(client.contact);
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

    fn make_room(&mut self) {
        while self.wakes.len() > MAX_WAKES
            && let Some(oldest) = self.order.pop_front()
        {
            self.wakes.remove(&oldest);
        }
        if self.order.len() > 2 * MAX_WAKES {
            self.order.retain(|id| self.wakes.contains_key(id));
        }
    }

    fn fingerprint(uri: &[u8]) -> Option<u64> {
        let (address, port) = value::uri_endpoint(uri)?;
        let (user, _) = value::user_and_host(uri);
        Some(fingerprint((user, address.to_canonical(), port)))
    }
}
