//! Connections that could not be opened: who tried to reach which server, what came back, and whether it came right.

use super::SipPorts;
use crate::capture::{FrameNumber, Sighting};
use crate::dialog::Call;
use crate::flow::Flow;
use crate::frame::IcmpKind;
use crate::hash::HashMap;
use crate::limits::{MAX_CONNECT_ATTEMPTS, MAX_FRAMES_SHOWN};
use crate::reassembly::Connection;
use crate::sip::Method;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// All of them, by the server's address.
#[derive(Debug, Default)]
pub struct Connects {
    targets: BTreeMap<SocketAddr, Target>,
    /// The same by client and time.
    by_client: HashMap<IpAddr, BTreeMap<(Timestamp, FrameNumber), SocketAddr>>,
    /// How many attempts are kept.
    kept: usize,
    /// How many of them nothing says to be for SIP when they came.
    unproven: usize,
    refused: u64,
}

/// A server that could not be reached.
#[derive(Debug, Default)]
pub struct Target {
    /// The attempts that failed, by the packet of their first SYN.
    pub attempts: BTreeMap<FrameNumber, Attempt>,
    /// When a client last opened a connection that came to be.
    succeeded: BTreeMap<IpAddr, Timestamp>,
}

/// An attempt that failed.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Who tried.
    pub client: SocketAddr,
    /// The first SYN.
    pub first: Sighting,
    /// The last SYN, or what answered it.
    pub last: Sighting,
    /// What came of it.
    pub failure: ConnectFailure,
    /// The packets.
    pub frames: Vec<FrameNumber>,
    /// How many SYNs.
    pub syns: usize,
    /// Whether a request of the client came through elsewhere right after it.
    pub rescued: bool,
}

/// Why a connection did not come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectFailure {
    /// A RST answered the SYN.
    Refused,
    /// An ICMP error answered it.
    Unreachable {
        /// What it says.
        kind: IcmpKind,
        /// Who says it.
        reporter: IpAddr,
    },
    /// The server accepts, and the client does not hear of it.
    Unacknowledged,
    /// Nothing answered.
    Silent,
}

/// What one element sends within this moment belongs together.
const AT_ONCE: Duration = Duration::from_secs(1);
/// How soon a client that was refused turns to another server or transport.
const TURNS: Duration = Duration::from_secs(3);

impl Connects {
    /// Takes what is known of a connection. `is_over` says that nothing more comes.
    pub(super) fn note(&mut self, connection: &Connection, is_over: bool, ports: &SipPorts) {
        let Flow { src, dst, .. } = connection.flow;
        let Some(first) = connection.syns.first().copied() else {
            return;
        };
        let Some(attempt) = Attempt::of(connection, first, is_over) else {
            if connection.established
                && let Some(target) = self.targets.get_mut(&dst)
            {
                self.kept -= usize::from(target.attempts.remove(&first.frame).is_some());
                if target.succeeded.len() < MAX_FRAMES_SHOWN
                    || target.succeeded.contains_key(&src.ip())
                {
                    let last = target.succeeded.entry(src.ip()).or_insert(first.time);
                    *last = first.time.max(*last);
                }
            }
            return;
        };
        let attempts = self.targets.get_mut(&dst).map(|it| &mut it.attempts);
        if let Some(known) = attempts.and_then(|it| it.get_mut(&first.frame)) {
            let rescued = known.rescued;
            *known = Attempt { rescued, ..attempt };
            return;
        }
        // Most connections in the world are none of SIP's; they must leave room for those that are.
        let unproven = ports.evidence(dst, true).is_none();
        if self.kept >= MAX_CONNECT_ATTEMPTS
            || (unproven && self.unproven >= MAX_CONNECT_ATTEMPTS / 2)
        {
            self.refused += 1;
            return;
        }
        self.kept += 1;
        self.unproven += usize::from(unproven);
        let of_client = self.by_client.entry(src.ip()).or_default();
        of_client.insert((first.time, first.frame), dst);
        let target = self.targets.entry(dst).or_default();
        target.attempts.insert(first.frame, attempt);
    }

    /// Takes a call: what came through right after an attempt had failed was sent elsewhere instead (RFC 3261 §18.1.1 and
    /// §18.4, RFC 3263 §4.3). A ping proves nothing of the kind.
    pub(super) fn call(&mut self, call: &Call) {
        if self.by_client.is_empty() {
            return;
        }
        for transaction in &call.transactions {
            let Some(of_client) = self.by_client.get(&transaction.flow.src.ip()) else {
                continue;
            };
            if !transaction.succeeded() || transaction.method == Method::Options {
                continue;
            }
            let start = transaction.start();
            // The branches of a fork begin together.
            let before = ..(start + AT_ONCE, FrameNumber(0));
            for ((_, frame), target) in of_client.range(before).rev().take(LOOKED_BACK) {
                let attempt = self
                    .targets
                    .get_mut(target)
                    .and_then(|it| it.attempts.get_mut(frame));
                if let Some(attempt) = attempt {
                    let patience = 2 * attempt.last.time.since(attempt.first.time) + TURNS;
                    attempt.rescued |= start.since(attempt.last.time) <= patience;
                }
            }
        }
    }

    /// All of them, in the order of their addresses.
    pub fn all(&self) -> impl Iterator<Item = (SocketAddr, &Target)> {
        self.targets
            .iter()
            .map(|(address, target)| (*address, target))
            .filter(|(_, target)| !target.attempts.is_empty())
    }

    /// The servers that a host tried in vain to reach between two moments, the latest first.
    pub fn failed_between(
        &self,
        client: IpAddr,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = (SocketAddr, &Attempt)> {
        let range = (from, FrameNumber(0))..=(until.max(from), FrameNumber(u64::MAX));
        let of_client = self.by_client.get(&client);
        of_client
            .into_iter()
            .flat_map(move |it| it.range(range.clone()).rev().take(LOOKED_BACK))
            .filter_map(|((_, frame), target)| {
                let attempt = self.targets.get(target)?.attempts.get(frame)?;
                Some((*target, attempt))
            })
    }

    /// How many attempts could not be kept in mind.
    pub const fn refused(&self) -> u64 {
        self.refused
    }
}

/// Attempts of one client that are looked at for one request: under a flood the latest tell enough.
const LOOKED_BACK: usize = 16;

impl Target {
    /// Whether each client that failed opened a connection later, or came through elsewhere at once (guard G-OUTCOME).
    pub fn came_right<'a>(&self, mut attempts: impl Iterator<Item = &'a Attempt>) -> bool {
        attempts.all(|attempt| {
            let later = self.succeeded.get(&attempt.client.ip());
            attempt.rescued || later.is_some_and(|at| *at > attempt.first.time)
        })
    }
}

impl Attempt {
    /// `None` when the connection came to be, or still may.
    fn of(connection: &Connection, first: Sighting, is_over: bool) -> Option<Self> {
        let ended = connection.ended.map(|it| it.at);
        let unreachable = connection.unreachable.filter(|_| connection.is_awaited());
        let (failure, answer) = if connection.is_refused() {
            (ConnectFailure::Refused, ended)
        } else if let Some(unreachable) = unreachable {
            let failure = ConnectFailure::Unreachable {
                kind: unreachable.kind,
                reporter: unreachable.reporter,
            };
            (failure, Some(unreachable.at))
        } else if connection.is_in_vain() {
            if let Some(accepted) = connection.accepted {
                // A slow way is no broken one.
                let last = connection.syns.last()?;
                if last.frame < accepted.frame {
                    return None;
                }
                (ConnectFailure::Unacknowledged, connection.accepted)
            } else {
                (ConnectFailure::Silent, None)
            }
        } else if is_over && connection.is_awaited() && ended.is_none() {
            (ConnectFailure::Silent, None)
        } else {
            return None;
        };
        let seen = || connection.syns.iter().copied().chain(answer);
        Some(Self {
            client: connection.flow.src,
            first,
            last: seen().max_by_key(|it| it.frame).unwrap_or(first),
            failure,
            frames: seen().map(|it| it.frame).collect(),
            syns: connection.syns.len(),
            rescued: false,
        })
    }
}
