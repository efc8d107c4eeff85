//! What the charts of the page are drawn from, counted while messages and calls come, in a few KiB.

use crate::dialog::Call;
use crate::engine::SeenMessage;
use crate::limits::MAX_PAGE_PEERS;
use crate::time::Timestamp;
use crate::transaction::{Kind, Placement, Transaction};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Classes of responses: 1xx to 6xx.
pub(super) const CLASSES: usize = 6;
/// Bars of the chart over time; when time goes on, two become one.
pub(super) const BARS: usize = 80;
/// The upper ends of the bars of post-dial delays; one bar more has what is longer.
pub(super) const DELAYS: [Duration; 9] = [
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(32),
];
/// The bars of retransmissions of a transaction: 1 to 9, and more.
pub(super) const REPEATS: usize = 10;

/// How many responses of each class.
pub(super) type ByClass = [u64; CLASSES];

#[derive(Debug)]
pub(super) struct Counts {
    /// The first response.
    pub(super) start: Option<Timestamp>,
    /// How long a bar is.
    pub(super) step: Duration,
    pub(super) over_time: [ByClass; BARS],
    pub(super) delays: [u64; DELAYS.len() + 1],
    pub(super) repeats: [u64; REPEATS],
    pub(super) peers: BTreeMap<IpAddr, Peer>,
    /// Responses of peers beyond the cap.
    pub(super) of_others: u64,
}

/// What one host answered.
#[derive(Debug, Default)]
pub(super) struct Peer {
    pub(super) classes: ByClass,
    pub(super) codes: BTreeMap<u64, u64>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            start: None,
            step: Duration::from_millis(100),
            over_time: [[0; CLASSES]; BARS],
            delays: [0; DELAYS.len() + 1],
            repeats: [0; REPEATS],
            peers: BTreeMap::new(),
            of_others: 0,
        }
    }
}

impl Counts {
    pub(super) fn message(&mut self, message: &SeenMessage<'_>, placement: Placement) {
        let arrival = &message.arrival;
        let Some(code) = arrival.message.status() else {
            return;
        };
        let Some(class) = class(code).filter(|_| placement.kind != Kind::Duplicate) else {
            return;
        };
        self.at(arrival.time, class);
        let peer = arrival.flow.src.ip();
        let room = self.peers.len() < MAX_PAGE_PEERS;
        if room || self.peers.contains_key(&peer) {
            let peer = self.peers.entry(peer).or_default();
            if let Some(count) = peer.classes.get_mut(class) {
                *count += 1;
            }
            *peer.codes.entry(code).or_default() += 1;
        } else {
            self.of_others += 1;
        }
    }

    pub(super) fn transaction(&mut self, transaction: &Transaction) {
        let repeats = transaction.retransmissions();
        if let Some(bar) = repeats.min(REPEATS).checked_sub(1)
            && let Some(count) = self.repeats.get_mut(bar)
        {
            *count += 1;
        }
    }

    pub(super) fn call(&mut self, call: &Call) {
        for attempt in call.attempts().iter().filter(|it| !it.is_leg) {
            if let Some(delay) = attempt.progress_after() {
                let bar = DELAYS.partition_point(|end| *end < delay);
                if let Some(count) = self.delays.get_mut(bar) {
                    *count += 1;
                }
            }
        }
    }

    /// Counts a response of a class at a moment; the bars become longer until it fits.
    fn at(&mut self, time: Timestamp, class: usize) {
        let start = *self.start.get_or_insert(time);
        let since = time.since(start).as_nanos();
        while since / self.step.as_nanos().max(1) >= BARS as u128 {
            self.step = self.step.saturating_mul(2);
            let mut halved = [[0; CLASSES]; BARS];
            for (index, bar) in self.over_time.iter().enumerate() {
                if let Some(sum) = halved.get_mut(index / 2) {
                    for (sum, count) in sum.iter_mut().zip(bar) {
                        *sum += count;
                    }
                }
            }
            self.over_time = halved;
        }
        let bar = usize::try_from(since / self.step.as_nanos().max(1)).unwrap_or(BARS);
        let count = self
            .over_time
            .get_mut(bar)
            .and_then(|bar| bar.get_mut(class));
        if let Some(count) = count {
            *count += 1;
        }
    }
}

/// The class of a code from 0; `None` for one that no RFC allows.
fn class(code: u64) -> Option<usize> {
    usize::try_from(code / 100)
        .ok()?
        .checked_sub(1)
        .filter(|class| *class < CLASSES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_goes_on_makes_bars_longer_and_loses_nothing() {
        let mut counts = Counts::default();
        for second in 0..1000 {
            counts.at(Timestamp::from_parts(second, 0), 1);
        }
        // A clock that was set ahead by centuries ends, too.
        counts.at(Timestamp::from_parts(9_000_000_000, 0), 3);
        let all: u64 = counts.over_time.iter().flatten().sum();
        assert_eq!(all, 1001);
        assert_eq!(counts.over_time[0][1], 1000);
    }

    #[test]
    fn classes_are_those_of_rfc_3261() {
        assert_eq!(class(100), Some(0));
        assert_eq!(class(699), Some(5));
        assert_eq!(class(99), None);
        assert_eq!(class(700), None);
    }
}
