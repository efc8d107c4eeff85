//! Clusters: a hundred calls with one cause are one headline with a count.

use super::{Fact, Finding, FindingId};
use crate::capture::FrameNumber;
use crate::hash::{HashMap, HashSet};
use crate::limits::{MAX_CLUSTER_PEERS, MAX_FRAMES_SHOWN, MAX_TALLIES};
use crate::severity::Severity;
use crate::time::Timestamp;
use std::borrow::Cow;

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

/// What makes findings say the same of the same peer, but for how bad they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Told {
    name: Cow<'static, str>,
    variant: Option<&'static str>,
    so_far: bool,
    /// The peer that does not answer, the realm that refuses.
    blamed: [Option<String>; 2],
}

impl Told {
    fn of(finding: &Finding) -> Self {
        Self {
            name: finding.name(),
            variant: finding.variant,
            so_far: finding.so_far,
            blamed: ["dst", "realm"].map(|fact| said(finding, fact).map(str::to_owned)),
        }
    }

    /// The same of the same peer in the plainest words: what becomes of other calls may say more of a finding later.
    fn plain(&self) -> Self {
        Self {
            variant: None,
            so_far: false,
            ..self.clone()
        }
    }
}

/// The host or realm that a finding names. Notes of one kind are one, whatever they name.
fn said<'a>(finding: &'a Finding, fact: &str) -> Option<&'a str> {
    match finding.get(fact) {
        Some(Fact::Text(text)) if finding.severity > Severity::Info => Some(host(text)),
        _ => None,
    }
}

/// The findings for which there was no room: how many say the same, until when.
#[derive(Debug, Default)]
pub struct Tallies(HashMap<Told, (u64, Timestamp)>);

impl Tallies {
    /// Counts a finding that is not kept. Consequences are told with their cause, and a kind beyond [`MAX_TALLIES`] is not counted.
    pub fn note(&mut self, finding: &Finding) {
        if finding.consequence_of.is_some() {
            return;
        }
        let told = Told::of(finding);
        if self.0.len() < MAX_TALLIES || self.0.contains_key(&told) {
            let (count, until) = self.0.entry(told).or_insert((0, finding.time));
            *count += 1;
            *until = finding.time.max(*until);
        }
    }
}

/// Draws findings together in their order, with those that are counted only. Consequences are told with their cause, and notes of
/// one kind are one.
pub(super) fn of(findings: &[Finding], beyond: &Tallies) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut index: HashMap<_, usize> = HashMap::default();
    let mut firsts: HashMap<Told, usize> = HashMap::default();
    let mut akin: HashMap<Told, usize> = HashMap::default();
    let kept: HashSet<FindingId> = findings.iter().map(|finding| finding.id).collect();
    for finding in findings {
        let has_cause = finding
            .consequence_of
            .is_some_and(|cause| kept.contains(&cause));
        if has_cause {
            continue;
        }
        let told = Told::of(finding);
        let at = *index
            .entry((told, finding.severity))
            .or_insert_with_key(|(told, _)| {
                let at = clusters.len();
                firsts.entry(told.clone()).or_insert(at);
                akin.entry(told.plain()).or_insert(at);
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
                at
            });
        if let Some(cluster) = clusters.get_mut(at) {
            cluster.add(finding, said(finding, "src").map(str::to_owned));
        }
    }
    for (told, &(count, until)) in &beyond.0 {
        let at = firsts.get(told).or_else(|| akin.get(&told.plain()));
        if let Some(cluster) = at.and_then(|at| clusters.get_mut(*at)) {
            cluster.count += count;
            cluster.until = cluster.until.max(until);
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use crate::rules::RULES;

    fn finding(id: u64, second: i64, dst: &str) -> Finding {
        let rule = RULES.iter().find(|it| it.name == "invite-no-response");
        let time = Timestamp::from_parts(second, 0);
        let mut finding = Finding::of_capture(rule.unwrap(), time).fact("dst", dst);
        finding.id = FindingId(id);
        finding
    }

    #[test]
    fn what_is_not_kept_counts_with_the_headline_that_says_the_same() {
        let kept = [
            finding(1, 0, "192.0.2.20:5060"),
            finding(2, 1, "192.0.2.30:5060"),
        ];
        let mut beyond = Tallies::default();
        for second in 2..10 {
            beyond.note(&finding(3, second, "192.0.2.20:5062"));
        }
        let mut caused = finding(4, 20, "192.0.2.20:5060");
        caused.consequence_of = Some(FindingId(1));
        beyond.note(&caused);
        // The headline may have come to say more than was known when the others were found.
        let mut so_far = finding(5, 12, "192.0.2.30:5060");
        so_far.so_far = true;
        beyond.note(&so_far);
        let clusters = of(&kept, &beyond);
        let told: Vec<_> = clusters.iter().map(|it| (it.count, it.until)).collect();
        assert_eq!(
            told,
            [
                (9, Timestamp::from_parts(9, 0)),
                (2, Timestamp::from_parts(12, 0))
            ]
        );
        assert_eq!(clusters[0].last, FindingId(1));
    }

    #[test]
    fn kinds_beyond_the_limit_are_not_counted() {
        let mut beyond = Tallies::default();
        for number in 0..=MAX_TALLIES {
            beyond.note(&finding(1, 0, &format!("host-{number}.example.com")));
        }
        assert_eq!(beyond.0.len(), MAX_TALLIES);
    }
}
