//! How packets are marked for the network (DSCP, RFC 2474, RFC 4594): messages that lose their mark between two places where
//! they are seen, and hosts that mark their speech and not their SIP.

use crate::capture::FrameNumber;
use crate::flow::Flow;
use crate::hash::{HashMap, KeyMap, fingerprint};
use crate::limits::{MAX_MARKED_HOSTS, MAX_MARKED_MESSAGES, MAX_TRAIT_FRAMES};
use crate::time::Timestamp;
use crate::transaction::{Arrival, Sighting};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

/// What became of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unmarked {
    /// The first host got messages with it and sent them on to the second without.
    PassedOn,
    /// Between the first host and the second, packets were seen with it and then without.
    OnTheWay,
    /// The first host marks its RTP, and not what it sends the second of SIP.
    BesideRtp,
}

/// Messages without the mark.
#[derive(Clone, Debug)]
pub struct Loss {
    /// The DSCP before, or that of RTP.
    pub before: u8,
    /// The DSCP that is left.
    pub after: u8,
    /// How many messages.
    pub count: u64,
    /// When it was first seen.
    pub time: Timestamp,
    /// The first packets that show it.
    pub frames: Vec<FrameNumber>,
}

/// A message with a mark, where it was last seen so.
#[derive(Clone, Copy, Debug)]
struct Marked {
    src: IpAddr,
    dst: IpAddr,
    dscp: u8,
    frame: FrameNumber,
}

/// What a host sends.
#[derive(Clone, Copy, Debug, Default)]
struct Host {
    /// Its first message without a mark: to whom, the DSCP, and the packet.
    plain: Option<(IpAddr, u8, Sighting)>,
    plain_count: u64,
    /// Whether any message of it was marked.
    marks_sip: bool,
    /// Its first packet of RTP with EF, and how many.
    rtp: Option<Sighting>,
    rtp_count: u64,
}

/// All of that, capped.
#[derive(Debug, Default)]
pub struct Markings {
    messages: KeyMap<Marked>,
    oldest: VecDeque<u64>,
    hosts: HashMap<IpAddr, Host>,
    losses: BTreeMap<(Unmarked, IpAddr, IpAddr), Loss>,
    refused: u64,
}

/// RFC 2474 §4.2.2: the first class. Below are what is not marked and the TOS of RFC 1349, which some servers still set.
const FIRST_CLASS: u8 = 8;
/// RFC 3246: speech.
const EF: u8 = 46;
/// A second of speech: packets that only look like RTP are fewer.
const SPEECH: u64 = 50;

impl Markings {
    /// Notes a message with its DSCP. `copy` says that this packet was captured before, somewhere else.
    pub fn message(&mut self, arrival: &Arrival<'_>, dscp: Option<u8>, copy: bool) {
        let Some(dscp) = dscp else {
            return;
        };
        let (src, dst) = (arrival.flow.src.ip(), arrival.flow.dst.ip());
        let is_marked = dscp >= FIRST_CLASS;
        if !copy && let Some(host) = self.host(src) {
            host.marks_sip |= is_marked;
            if !is_marked {
                let seen = Sighting {
                    frame: arrival.frame,
                    time: arrival.time,
                };
                host.plain.get_or_insert((dst, dscp, seen));
                host.plain_count += 1;
            }
        }
        if !is_marked && self.messages.is_empty() {
            return;
        }
        let message = arrival.message;
        let key = fingerprint((
            message.call_id(),
            message.cseq(),
            message.method(),
            message.status(),
            message.from_tag(),
            message.to_tag(),
        ));
        if is_marked {
            let marked = Marked {
                src,
                dst,
                dscp,
                frame: arrival.frame,
            };
            self.remember(key, marked);
            return;
        }
        let Some(before) = self.messages.get(key).copied() else {
            return;
        };
        let what = if copy && (before.src, before.dst) == (src, dst) {
            Unmarked::OnTheWay
        } else if !copy && before.dst == src && before.src != src {
            Unmarked::PassedOn
        } else {
            return;
        };
        self.lost(what, before, arrival, dscp);
    }

    /// Notes a packet of RTP with its DSCP.
    pub fn rtp(&mut self, flow: Flow, dscp: Option<u8>, seen: Sighting) {
        if dscp == Some(EF)
            && let Some(host) = self.host(flow.src.ip())
        {
            host.rtp.get_or_insert(seen);
            host.rtp_count += 1;
        }
    }

    /// The pairs of hosts between which messages have no mark, with what shows it, in their order.
    pub fn losses(&self) -> Vec<(Unmarked, IpAddr, IpAddr, Loss)> {
        let known = self.losses.iter();
        let mut all: Vec<_> = known
            .map(|(&(what, one, other), loss)| (what, one, other, loss.clone()))
            .collect();
        let mut hosts: Vec<_> = self.hosts.iter().collect();
        hosts.sort_unstable_by_key(|(src, _)| **src);
        for (src, host) in hosts {
            let (Some((dst, dscp, seen)), Some(rtp)) = (host.plain, host.rtp) else {
                continue;
            };
            if !host.marks_sip && host.rtp_count >= SPEECH {
                let loss = Loss {
                    before: EF,
                    after: dscp,
                    count: host.plain_count,
                    time: seen.time,
                    frames: vec![seen.frame, rtp.frame],
                };
                all.push((Unmarked::BesideRtp, *src, dst, loss));
            }
        }
        all
    }

    /// How many hosts or pairs of them could not be noted for want of room.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn host(&mut self, host: IpAddr) -> Option<&mut Host> {
        if self.hosts.len() >= MAX_MARKED_HOSTS && !self.hosts.contains_key(&host) {
            self.refused += 1;
            return None;
        }
        Some(self.hosts.entry(host).or_default())
    }

    fn remember(&mut self, key: u64, marked: Marked) {
        if self.messages.insert(key, marked).is_none() {
            self.oldest.push_back(key);
            if self.oldest.len() > MAX_MARKED_MESSAGES
                && let Some(oldest) = self.oldest.pop_front()
            {
                self.messages.remove(oldest);
            }
        }
    }

    fn lost(&mut self, what: Unmarked, before: Marked, arrival: &Arrival<'_>, after: u8) {
        let key = (what, arrival.flow.src.ip(), arrival.flow.dst.ip());
        if self.losses.len() >= MAX_MARKED_HOSTS && !self.losses.contains_key(&key) {
            self.refused += 1;
            return;
        }
        let loss = self.losses.entry(key).or_insert_with(|| Loss {
            before: before.dscp,
            after,
            count: 0,
            time: arrival.time,
            frames: Vec::new(),
        });
        loss.count += 1;
        if loss.frames.len() < MAX_TRAIT_FRAMES {
            loss.frames.extend([before.frame, arrival.frame]);
        }
    }
}
