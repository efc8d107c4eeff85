//! OPTIONS pings between peers (RFC 3261 §11): who answers them.

use crate::capture::FrameNumber;
use crate::limits::{MAX_HOST_PAIRS, MAX_PINGS};
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{Transaction, TransactionId};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// The OPTIONS that one host sends to another.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// Pings that were answered, by whatever final response.
    pub answered: u64,
    /// Pings in order of closing, which is not that of sending: an unanswered one is watched longer.
    recent: Vec<(Timestamp, Option<Ping>)>,
    run: Run,
    worst: Run,
}

/// Failed pings in a row.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The first of them.
    pub pings: Vec<Ping>,
    /// How many there are, those that are not kept too.
    pub failures: u64,
}

/// A ping without an answer.
#[derive(Clone, Debug)]
pub struct Ping {
    /// Its transaction.
    pub id: TransactionId,
    /// When it was sent.
    pub time: Timestamp,
    /// Its packets.
    pub frames: Vec<FrameNumber>,
    /// Whether it was sent again as UDP asks, or needs not be: then its sender had no answer.
    pub repeated: bool,
    /// Whether its silence is proven, or its sender gave it up and sent another ping.
    failed: bool,
}

impl Peer {
    /// The longest run of failed pings in a row.
    pub fn worst_run(&self) -> Run {
        let mut whole = self.clone();
        whole.fold(0);
        whole.worst
    }

    /// Takes the oldest pings into the runs, all but `keep`.
    fn fold(&mut self, keep: usize) {
        self.recent.sort_by_key(|(time, _)| *time);
        let rest = self
            .recent
            .split_off(self.recent.len().saturating_sub(keep));
        let last = self.recent.len().saturating_sub(1);
        for (index, (_, ping)) in std::mem::replace(&mut self.recent, rest)
            .into_iter()
            .enumerate()
        {
            // Another ping behind it, answered or not, means that its sender waits for it no longer.
            let given_up = index < last || keep > 0;
            match ping {
                None => self.run = Run::default(),
                Some(ping) if ping.failed || given_up => {
                    self.run.failures += 1;
                    if self.run.pings.len() < MAX_PINGS {
                        self.run.pings.push(ping);
                    }
                    if self.run.failures > self.worst.failures {
                        self.worst = self.run.clone();
                    }
                }
                Some(_) => {}
            }
        }
    }
}

/// All peers, by who asks whom.
#[derive(Debug, Default)]
pub struct Keepalives {
    peers: BTreeMap<(IpAddr, SocketAddr), Peer>,
}

impl Keepalives {
    /// Notes a finished OPTIONS; `unanswered` when the silence is proven. Others are not looked at.
    pub fn note(&mut self, transaction: &Transaction, unanswered: bool) {
        let key = (transaction.flow.src.ip(), transaction.flow.dst);
        if transaction.method != Method::Options
            || transaction.in_dialog()
            || (self.peers.len() >= MAX_HOST_PAIRS && !self.peers.contains_key(&key))
        {
            return;
        }
        let peer = self.peers.entry(key).or_default();
        let outcome = if transaction.final_response().is_some() {
            peer.answered += 1;
            None
        } else if transaction.requests.count() > 0 {
            Some(Ping {
                id: transaction.id,
                time: transaction.start(),
                frames: transaction.frames(),
                repeated: transaction.requests.count() > 1
                    || !transaction.icmp.is_empty()
                    || transaction.flow.transport.is_reliable(),
                failed: unanswered,
            })
        } else {
            return;
        };
        peer.recent.push((transaction.start(), outcome));
        if peer.recent.len() > 4 * MAX_PINGS {
            peer.fold(2 * MAX_PINGS);
        }
    }

    /// The peers with who asks them.
    pub fn peers(&self) -> impl Iterator<Item = (IpAddr, SocketAddr, &Peer)> {
        self.peers
            .iter()
            .map(|(&(src, dst), peer)| (src, dst, peer))
    }
}
