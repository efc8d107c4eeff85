//! Clusters: a hundred calls with one cause are one headline with a count.

use super::{Fact, Finding, FindingId};
use crate::capture::FrameNumber;
use crate::hash::{HashMap, HashSet};
use crate::limits::{MAX_CLUSTER_PEERS, MAX_FRAMES_SHOWN};
use crate::severity::Severity;
use crate::time::Timestamp;

/// Findings that say the same of the same peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The earliest of the worst, which speaks for all.
    pub first: FindingId,
    /// How many there are.
    pub count: u64,
    /// When the first of them began.
    pub from: Timestamp,
    /// When the last of them began.
    pub until: Timestamp,
    /// Who else was concerned: the hosts that met the same, in the order in which they did.
    pub peers: Vec<String>,
    /// Whether there were more than are named.
    pub more_peers: bool,
    /// The last of them, an example from the other end of the time; the same as `first` when there is one only.
    pub last: FindingId,
    /// The packets of all, as many as are shown.
    pub frames: Vec<FrameNumber>,
}

/// Draws findings together in their order. Consequences are told with their cause, and notes of one kind are one.
pub(super) fn of(findings: &[Finding]) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut index: HashMap<_, usize> = HashMap::default();
    let kept: HashSet<FindingId> = findings.iter().map(|finding| finding.id).collect();
    for finding in findings {
        let has_cause = finding
            .consequence_of
            .is_some_and(|cause| kept.contains(&cause));
        if has_cause {
            continue;
        }
        let said = |name| match finding.get(name) {
            Some(Fact::Text(text)) if finding.severity > Severity::Info => {
                Some(host(text).to_owned())
            }
            _ => None,
        };
        // What is blamed must be the same: the peer that does not answer, the realm that refuses.
        let blamed = ["dst", "realm"].map(said);
        let peer = said("src");
        let told = (finding.name(), finding.variant);
        let key = (told, finding.severity, finding.so_far, blamed);
        let at = *index.entry(key).or_insert_with(|| {
            clusters.push(Cluster {
                first: finding.id,
                count: 0,
                from: finding.time,
                until: finding.time,
                peers: Vec::new(),
                more_peers: false,
                last: finding.id,
                frames: Vec::new(),
            });
            clusters.len() - 1
        });
        if let Some(cluster) = clusters.get_mut(at) {
            cluster.add(finding, peer);
        }
    }
    clusters
}

impl Cluster {
    fn add(&mut self, finding: &Finding, peer: Option<String>) {
        self.count += 1;
        if finding.time >= self.until {
            self.until = finding.time;
            self.last = finding.id;
        }
        self.from = self.from.min(finding.time);
        if self.frames.len() < MAX_FRAMES_SHOWN {
            self.frames.extend(&finding.frames);
            self.frames.sort_unstable();
            self.frames.dedup();
            self.frames.truncate(MAX_FRAMES_SHOWN);
        }
        if let Some(peer) = peer
            && !self.peers.contains(&peer)
        {
            if self.peers.len() < MAX_CLUSTER_PEERS {
                self.peers.push(peer);
            } else {
                self.more_peers = true;
            }
        }
    }
}

/// An address without its port: clients use another one for each call.
fn host(address: &str) -> &str {
    match address.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!host.contains(':') || host.ends_with(']')) =>
        {
            host
        }
        _ => address,
    }
}
