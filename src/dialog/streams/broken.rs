//! Connections that ended while a request on them had no final response.

use crate::capture::{FrameNumber, Sighting};
use crate::dialog::{Call, Surroundings};
use crate::flow::Flow;
use crate::hash::{HashMap, NumberMap};
use crate::limits::{MAX_ENDED_CONNECTIONS, MAX_FRAMES_SHOWN, MAX_TLS_SERVERS};
use crate::reassembly::{Connection, Pause, Side};
use crate::sip::Method;
use crate::transaction::{Transaction, TransactionId, timers};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Connections with SIP that ended, and what was open on them.
#[derive(Debug, Default)]
pub struct Broken {
    /// By both ends in the order of their addresses; of those between the same ports the newest.
    ended: HashMap<(SocketAddr, SocketAddr), VecDeque<Ending>>,
    order: VecDeque<(SocketAddr, SocketAddr)>,
    /// The last one of a client and server.
    last: HashMap<(IpAddr, SocketAddr), Ending>,
    /// Endings under requests whose call is not judged yet.
    pinned: NumberMap<TransactionId, Ending>,
    breaks: BTreeMap<Kind, Break>,
    refused: u64,
}

/// How a connection with SIP ended.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// From the end that opened it to the other.
    pub flow: Flow,
    /// Its first packet.
    pub first: Sighting,
    /// The FIN or RST.
    pub at: Sighting,
    /// Who sent that.
    pub by: Side,
    /// Whether it was a RST.
    pub reset: bool,
    /// The last long silence on it.
    pub pause: Option<Pause>,
    /// Whether both ends were reset at the same moment, as when a test ends.
    mutual: bool,
    /// Whether the capture shows what each side sends.
    shown: [bool; 2],
    /// Whether the capture lacks bytes of it.
    pub lossy: bool,
}

/// What endings have in common that are told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    server: SocketAddr,
    /// Whether the server closed.
    by_server: bool,
    reset: bool,
    /// Whether those closed who waited for an answer.
    own: bool,
}

/// Connections to one server that ended in the same way under open requests.
#[derive(Debug)]
pub struct Break {
    /// How the first one ended.
    pub first: Ending,
    /// The request that was open on it.
    pub request: Sighting,
    /// That request's method.
    pub method: Method,
    /// Whether those closed who waited for an answer.
    pub own: bool,
    /// The clients.
    pub clients: BTreeSet<IpAddr>,
    /// How many requests were open.
    pub requests: u64,
    /// How many of them succeeded in another try.
    pub recovered: u64,
    /// Whether all of them came after a long silence.
    pub after_pause: bool,
    /// Whether the capture lacks bytes of one of them.
    pub lossy: bool,
    /// How many connections.
    pub connections: u64,
    /// Requests and endings.
    pub frames: Vec<FrameNumber>,
    /// The Call-ID, when all have the same.
    pub call_id: Option<Arc<[u8]>>,
    ends: BTreeSet<FrameNumber>,
}

/// Connections between the same ports that are told apart.
const OF_SAME_PORTS: usize = 4;
/// The first bytes after a silence come this soon before its request is whole.
const SAME_MOMENT: Duration = Duration::from_secs(1);

impl Broken {
    /// Takes a connection that one end has closed.
    pub(super) fn ended(&mut self, connection: &Connection) {
        let Some(ending) = Ending::of(connection) else {
            return;
        };
        let Flow { src, dst, .. } = connection.flow;
        let key = (src.min(dst), src.max(dst));
        let same = self.ended.entry(key).or_default();
        if let Some(known) = same.iter_mut().find(|it| it.at == ending.at) {
            *known = ending;
            return;
        }
        if same.len() >= OF_SAME_PORTS {
            same.pop_front();
        } else {
            self.order.push_back(key);
        }
        same.push_back(ending);
        self.last.insert((src.ip(), dst), ending);
        if self.order.len() > MAX_ENDED_CONNECTIONS
            && let Some(oldest) = self.order.pop_front()
            && let Some(those) = self.ended.get_mut(&oldest)
        {
            let gone = those.pop_front();
            if those.is_empty() {
                self.ended.remove(&oldest);
            }
            let server = gone.map(|it| ((it.flow.src.ip(), it.flow.dst), it.at));
            if let Some((pair, at)) = server
                && self.last.get(&pair).is_some_and(|it| it.at == at)
            {
                self.last.remove(&pair);
            }
        }
    }

    /// Takes a transaction that is closed; its call may go on for hours.
    pub(super) fn closed(&mut self, transaction: &Transaction, t1: Duration) {
        let Some(ending) = self.under(transaction, t1).copied() else {
            return;
        };
        if self.pinned.len() < MAX_ENDED_CONNECTIONS {
            self.pinned.insert(transaction.id, ending);
        } else {
            self.refused += 1;
        }
    }

    /// Takes a call before it is judged.
    pub(super) fn call(&mut self, call: &Call, surroundings: &Surroundings) {
        for transaction in &call.transactions {
            let Some(ending) = self.of(call, transaction).copied() else {
                continue;
            };
            let came_right = call.succeeded_elsewhere(transaction)
                || surroundings.succeeded_after(transaction, ending.at.time);
            self.add(transaction, &ending, came_right);
        }
    }

    /// Forgets a call that was judged.
    pub(super) fn judged(&mut self, call: &Call) {
        for transaction in &call.transactions {
            self.pinned.remove(&transaction.id);
        }
    }

    /// The end of the connection under a request of a call; `None` when the request had its answer, or had lost it before.
    pub fn of(&self, call: &Call, transaction: &Transaction) -> Option<&Ending> {
        let ending = self.pinned.get(&transaction.id)?;
        let implied = transaction.answer_implied || call.response_is_implied(transaction);
        (!implied).then_some(ending)
    }

    fn under(&self, transaction: &Transaction, t1: Duration) -> Option<&Ending> {
        let Flow { src, dst, .. } = transaction.flow;
        let request = transaction.requests.first()?;
        if !transaction.flow.transport.is_reliable() || transaction.final_response().is_some() {
            return None;
        }
        let ending = self
            .ended
            .get(&(src.min(dst), src.max(dst)))?
            .iter()
            .find(|it| it.first.time <= request.time && it.at.time >= request.time)?;
        let server_side = if ending.flow.src == src {
            Side::Acceptor
        } else {
            Side::Opener
        };
        // RFC 3261 §17.1.1.2, §17.1.2.2: after 64*T1 without any answer the request had failed already.
        let waited = ending.at.time.since(request.time);
        let alive = waited < timers::timeout(transaction, t1)
            || (transaction.method == Method::Invite && !transaction.responses.is_empty());
        (alive && *server_side.of(&ending.shown) && !ending.mutual).then_some(ending)
    }

    /// The last connection with SIP from a client to a server that ended before a moment.
    pub fn before(&self, client: IpAddr, server: SocketAddr, attempt: Sighting) -> Option<&Ending> {
        let last = self.last.get(&(client, server))?;
        (last.at.frame < attempt.frame).then_some(last)
    }

    /// All of them, in the order of the servers' addresses.
    pub fn all(&self) -> impl Iterator<Item = &Break> {
        self.breaks.values()
    }

    /// How many could not be kept in mind.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn add(&mut self, transaction: &Transaction, ending: &Ending, came_right: bool) {
        let Some(request) = transaction.requests.first() else {
            return;
        };
        let own = ending.closer() == transaction.flow.src;
        let kind = Kind {
            server: ending.flow.dst,
            by_server: ending.by == Side::Acceptor,
            reset: ending.reset,
            own,
        };
        if self.breaks.len() >= MAX_TLS_SERVERS && !self.breaks.contains_key(&kind) {
            self.refused += 1;
            return;
        }
        let of_kind = self.breaks.entry(kind).or_insert_with(|| Break {
            first: *ending,
            request,
            method: transaction.method.clone(),
            own,
            clients: BTreeSet::new(),
            requests: 0,
            recovered: 0,
            after_pause: true,
            lossy: false,
            connections: 0,
            frames: Vec::new(),
            call_id: Some(transaction.call_id.clone()),
            ends: BTreeSet::new(),
        });
        of_kind.requests += 1;
        of_kind.recovered += u64::from(came_right);
        of_kind.after_pause &= ending.pause.is_some_and(|pause| {
            pause.until.time <= request.time && request.time.since(pause.until.time) <= SAME_MOMENT
        });
        of_kind.lossy |= ending.lossy;
        if of_kind.call_id.as_ref() != Some(&transaction.call_id) {
            of_kind.call_id = None;
        }
        if of_kind.clients.len() < MAX_FRAMES_SHOWN {
            of_kind.clients.insert(ending.flow.src.ip());
        }
        if of_kind.ends.len() < MAX_FRAMES_SHOWN {
            of_kind.connections += u64::from(of_kind.ends.insert(ending.at.frame));
        }
        if of_kind.frames.len() + 2 <= MAX_FRAMES_SHOWN {
            of_kind.frames.extend([request.frame, ending.at.frame]);
        }
    }
}

impl Ending {
    /// `None` when it has not ended, or no SIP was spoken on it.
    fn of(connection: &Connection) -> Option<Self> {
        let ended = connection.ended.filter(|_| connection.messages > 0)?;
        let [opener, acceptor] = connection.sent;
        Some(Self {
            flow: connection.flow,
            first: connection.first,
            at: ended.at,
            by: ended.by,
            reset: ended.reset,
            pause: connection.pause,
            mutual: ended.mutual,
            shown: [
                opener > 0 || !connection.syns.is_empty() || ended.by == Side::Opener,
                acceptor > 0 || connection.accepted.is_some() || ended.by == Side::Acceptor,
            ],
            lossy: connection.lost > 0,
        })
    }

    /// The address of who ended it.
    pub const fn closer(&self) -> SocketAddr {
        self.by.of_flow(self.flow).src
    }
}
