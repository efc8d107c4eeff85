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
    worst_run: Vec<Ping>,
    current_run: Vec<Ping>,
    /// Failed pings of the current run beyond those kept.
    beyond: u64,
    worst_beyond: u64,
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
    pub fn worst_run(&self) -> &[Ping] {
        let failed = |run: &[Ping]| run.iter().take_while(|ping| ping.failed).count();
        let run = if failed(&self.current_run) > failed(&self.worst_run) {
            &self.current_run
        } else {
            &self.worst_run
        };
        run.get(..failed(run)).unwrap_or_default()
    }

    /// How many pings failed in a row at worst, those that are not kept too.
    pub fn failures(&self) -> u64 {
        self.worst_run().len() as u64 + self.beyond.max(self.worst_beyond)
    }

    fn give_up(&mut self) {
        for ping in &mut self.current_run {
            ping.failed = true;
        }
        if self.current_run.len() > self.worst_run.len() {
            self.worst_run.clone_from(&self.current_run);
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
        // Another ping, answered or not, means that its sender waits for the ones before no longer.
        peer.give_up();
        if transaction.final_response().is_some() {
            peer.answered += 1;
            peer.current_run.clear();
            peer.worst_beyond = peer.worst_beyond.max(peer.beyond);
            peer.beyond = 0;
        } else if peer.current_run.len() >= MAX_PINGS {
            peer.beyond += u64::from(unanswered);
        } else if transaction.requests.count() > 0 {
            peer.current_run.push(Ping {
                id: transaction.id,
                time: transaction.start(),
                frames: transaction.frames(),
                repeated: transaction.requests.count() > 1
                    || !transaction.icmp.is_empty()
                    || transaction.flow.transport.is_reliable(),
                failed: unanswered,
            });
        }
    }

    /// The peers with who asks them.
    pub fn peers(&self) -> impl Iterator<Item = (IpAddr, SocketAddr, &Peer)> {
        self.peers
            .iter()
            .map(|(&(src, dst), peer)| (src, dst, peer))
    }
}
