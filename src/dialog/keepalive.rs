//! OPTIONS pings between peers (RFC 3261 §11): who answers them.

use crate::capture::FrameNumber;
use crate::limits::{MAX_FRAMES_SHOWN, MAX_HOST_PAIRS};
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
    /// Unanswered pings in a row, the longest run.
    pub worst_run: Vec<(TransactionId, Timestamp)>,
    current_run: Vec<(TransactionId, Timestamp)>,
    frames: Vec<FrameNumber>,
}

impl Peer {
    /// The packets of the unanswered pings.
    pub fn frames(&self) -> Vec<FrameNumber> {
        self.frames.clone()
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
        if transaction.final_response().is_some() {
            peer.answered += 1;
            peer.current_run.clear();
        } else if unanswered {
            if peer.current_run.len() < MAX_FRAMES_SHOWN {
                peer.current_run.push((transaction.id, transaction.start()));
                peer.frames.extend(transaction.frames());
                peer.frames.truncate(MAX_FRAMES_SHOWN);
            }
            if peer.current_run.len() > peer.worst_run.len() {
                peer.worst_run.clone_from(&peer.current_run);
            }
        }
    }

    /// The peers with who asks them.
    pub fn peers(&self) -> impl Iterator<Item = (IpAddr, SocketAddr, &Peer)> {
        self.peers
            .iter()
            .map(|(&(src, dst), peer)| (src, dst, peer))
    }
}
