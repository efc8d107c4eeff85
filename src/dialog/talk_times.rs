//! How long the calls with each host lasted: what ends them always after the same time is no person.

use super::Call;
use crate::capture::FrameNumber;
use crate::hash::HashMap;
use crate::limits::MAX_TALK_TIMES;
use crate::sip::{HeaderName, Method};
use crate::time::Timestamp;
use std::net::IpAddr;
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
    hosts: HashMap<IpAddr, Vec<Talk>>,
    kept: usize,
    refused: u64,
}

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
            let interval = dialog
                .answer()
                .and_then(|answer| answer.message())
                .and_then(|it| it.number(HeaderName::SessionExpires));
            let (near, far) = (invite.flow.src.ip(), invite.flow.dst.ip());
            for (host, other) in [(near, far), (far, near)] {
                let talk = Talk {
                    time,
                    ended: sent.time,
                    bye: sent.frame,
                    by_caller: dialog.is_by_caller(bye),
                    from: bye.flow.src.ip(),
                    interval: interval.map(Duration::from_secs),
                    other,
                };
                self.keep(host, talk);
                if near == far {
                    break;
                }
            }
        }
    }

    /// The talk times of each host by its address, in the order in which the calls were judged.
    pub fn hosts(&self) -> impl Iterator<Item = (IpAddr, &[Talk])> {
        let talks = self.hosts.iter();
        let mut hosts: Vec<_> = talks.map(|(host, it)| (*host, it.as_slice())).collect();
        hosts.sort_unstable_by_key(|(host, _)| *host);
        hosts.into_iter()
    }

    /// How many talk times were not kept.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn keep(&mut self, host: IpAddr, talk: Talk) {
        if self.kept < MAX_TALK_TIMES {
            self.kept += 1;
            self.hosts.entry(host).or_default().push(talk);
        } else {
            self.refused += 1;
        }
    }
}
