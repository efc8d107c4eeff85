//! How long the calls with each host lasted: what ends them always after the same time is no person.

use super::Call;
use crate::capture::FrameNumber;
use crate::hash::HashMap;
use crate::limits::MAX_TALK_TIMES;
use crate::sip::{HeaderName, Method};
use crate::time::Timestamp;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// How an answered call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talk {
    /// From the answer to the BYE.
    pub time: Duration,
    /// When the BYE was sent.
    pub ended: Timestamp,
    /// The packet with the BYE.
    pub bye: FrameNumber,
    /// Whether the side that had called hung up.
    pub by_caller: bool,
    /// Who sent the BYE.
    pub from: IpAddr,
    /// The session interval that was agreed, when one was (RFC 4028).
    pub interval: Option<Duration>,
    /// The host on the other side.
    pub other: IpAddr,
}

/// The talk times of all hosts that had calls.
#[derive(Debug, Default)]
pub struct TalkTimes {
    hosts: Vec<IpAddr>,
    places: HashMap<IpAddr, u32>,
    ended: Vec<Ended>,
    refused: u64,
}

/// The same of both hosts of a call, which are a place in the list of them. There may be very many.
#[derive(Clone, Copy, Debug)]
struct Ended {
    time: Duration,
    at: Timestamp,
    bye: FrameNumber,
    near: u32,
    far: u32,
    from: u32,
    /// Seconds.
    interval: Option<u32>,
    by_caller: bool,
}

const _: () = assert!(size_of::<Ended>() <= 56);

impl TalkTimes {
    /// Notes the answered calls of a Call-ID that were ended, with the hosts of the hop nearest to the caller.
    pub fn note(&mut self, call: &Call) {
        if call.of(&Method::Bye).next().is_none() {
            return;
        }
        for dialog in call.dialogs() {
            let (Some(time), Some(bye), Some(invite)) =
                (dialog.talk_time(), dialog.bye(), dialog.invites.first())
            else {
                continue;
            };
            let Some(sent) = bye.requests.first() else {
                continue;
            };
            if self.ended.len() >= MAX_TALK_TIMES {
                self.refused += 1;
                continue;
            }
            let interval = dialog
                .answer()
                .and_then(|answer| answer.message())
                .and_then(|it| it.number(HeaderName::SessionExpires));
            let ended = Ended {
                time,
                at: sent.time,
                bye: sent.frame,
                near: self.place_of(invite.flow.src.ip()),
                far: self.place_of(invite.flow.dst.ip()),
                from: self.place_of(bye.flow.src.ip()),
                interval: interval.map(|it| it.try_into().unwrap_or(u32::MAX)),
                by_caller: dialog.is_by_caller(bye),
            };
            self.ended.push(ended);
        }
    }

    /// Looks at the talk times of each host by its address, in the order in which the calls were judged.
    pub fn each_host(&self, mut look: impl FnMut(IpAddr, &[Talk])) {
        let mut by_address: Vec<_> = (0..).zip(&self.hosts).collect();
        by_address.sort_unstable_by_key(|(_, host)| **host);
        let mut ranks = vec![0_u32; self.hosts.len()];
        for (rank, (place, _)) in (0..).zip(&by_address) {
            if let Some(it) = ranks.get_mut(*place) {
                *it = rank;
            }
        }
        // There may be very many: each in few bytes, and of the talks only those of one host at a time.
        let rank = |place: u32| ranks.get(place as usize).copied().unwrap_or(u32::MAX);
        let of_both = (0_u32..).zip(&self.ended).flat_map(|(at, it)| {
            let other_side = (it.far != it.near).then(|| (rank(it.far), at));
            std::iter::once((rank(it.near), at)).chain(other_side)
        });
        let mut all: Vec<(u32, u32)> = of_both.collect();
        all.sort_unstable();
        let mut talks = Vec::new();
        for own in all.chunk_by(|one, other| one.0 == other.0) {
            let rank = own.first().map(|it| it.0 as usize);
            let Some((_, host)) = rank.and_then(|it| by_address.get(it)) else {
                continue;
            };
            talks.clear();
            let ended = own.iter().filter_map(|it| self.ended.get(it.1 as usize));
            talks.extend(ended.map(|it| {
                let is_near = self.hosts.get(it.near as usize) == Some(*host);
                self.talk(it, if is_near { it.far } else { it.near })
            }));
            look(**host, &talks);
        }
    }

    /// How many calls were not noted.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn talk(&self, ended: &Ended, other: u32) -> Talk {
        Talk {
            time: ended.time,
            ended: ended.at,
            bye: ended.bye,
            by_caller: ended.by_caller,
            from: self.host(ended.from),
            interval: ended.interval.map(u64::from).map(Duration::from_secs),
            other: self.host(other),
        }
    }

    fn host(&self, place: u32) -> IpAddr {
        let host = self.hosts.get(place as usize).copied();
        host.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    fn place_of(&mut self, host: IpAddr) -> u32 {
        *self.places.entry(host).or_insert_with(|| {
            self.hosts.push(host);
            // Three at most for each call.
            u32::try_from(self.hosts.len() - 1).unwrap_or(u32::MAX)
        })
    }
}
