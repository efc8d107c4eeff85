//! How many things happened within a second at most, without keeping each of them.

use crate::limits::MAX_SOURCE_WINDOWS;
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// Counts by windows of one second that begin every half second, so that whatever happens within half a second is in one
/// of them as a whole. The order in which things are noted does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    counts: BTreeMap<i64, u32>,
}

/// How far apart windows begin.
const STEP: i64 = 500_000_000;

impl Rate {
    /// Notes that something happened.
    pub(super) fn note(&mut self, at: Timestamp) {
        let latest = at.as_nanos().div_euclid(STEP);
        for window in [latest, latest - 1] {
            self.add(window, 1);
        }
    }

    /// The fullest window, the earliest of several: when it begins, and how much happened in it.
    pub fn peak(&self) -> Option<(Timestamp, u64)> {
        self.counts
            .iter()
            .max_by_key(|(window, count)| (**count, std::cmp::Reverse(**window)))
            .map(|(window, count)| (Timestamp::from_nanos(window * STEP), u64::from(*count)))
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (window, count) in &other.counts {
            self.add(*window, *count);
        }
    }

    fn add(&mut self, window: i64, count: u32) {
        let kept = self.counts.entry(window).or_default();
        *kept = kept.saturating_add(count);
        if self.counts.len() > MAX_SOURCE_WINDOWS {
            self.keep_fullest();
        }
    }

    /// Only the peak is asked for, so that of too many windows the emptier half may go.
    fn keep_fullest(&mut self) {
        let mut counts: Vec<u32> = self.counts.values().copied().collect();
        let middle = counts.len() / 2;
        let (_, median, _) = counts.select_nth_unstable(middle);
        let (median, mut spare) = (*median, MAX_SOURCE_WINDOWS / 2);
        self.counts.retain(|_, count| {
            let keep = *count > median || (*count == median && spare > 0);
            spare -= usize::from(keep && *count == median);
            keep
        });
    }
}

/// The most of these moments that lie within `span` of each other, and the first of them. They need no order.
pub fn most_within(moments: &mut [Timestamp], span: Duration) -> (usize, Option<Timestamp>) {
    moments.sort_unstable();
    let (mut most, mut begin) = (0, None);
    for (index, first) in moments.iter().enumerate() {
        let behind = moments.get(index..).unwrap_or_default();
        let count = behind.partition_point(|it| it.since(*first) <= span);
        if count > most {
            (most, begin) = (count, Some(*first));
        }
    }
    (most, begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_burst_within_half_a_second_is_counted_whole_wherever_it_begins() {
        for begin in [0, 170, 490, 730] {
            let mut rate = Rate::default();
            for index in 0..60 {
                rate.note(at(begin + index * 8));
            }
            assert_eq!(rate.peak().map(|(_, count)| count), Some(60), "{begin}");
        }
    }

    #[test]
    fn the_order_of_notes_does_not_matter() {
        let (mut one, mut other, mut late) = (Rate::default(), Rate::default(), Rate::default());
        for index in 0..100 {
            one.note(at(index * 37));
            if index % 2 == 0 {
                other.note(at(index * 37));
            } else {
                late.note(at(index * 37));
            }
        }
        late.merge(&other);
        assert_eq!(one, late);
    }

    #[test]
    fn of_too_many_windows_the_fullest_stay() {
        let mut rate = Rate::default();
        for second in 0..10_000 {
            rate.note(at(second * 1000));
            if second == 17 {
                (0..30).for_each(|_| rate.note(at(second * 1000)));
            }
        }
        assert_eq!(rate.peak().map(|(_, count)| count), Some(31));
        assert!(rate.counts.len() <= MAX_SOURCE_WINDOWS);
    }

    #[test]
    fn the_most_moments_within_a_span_are_found() {
        let mut moments = [5000, 0, 1000, 5100, 5200].map(at);
        let (most, begin) = most_within(&mut moments, Duration::from_secs(1));
        assert_eq!((most, begin), (3, Some(at(5000))));
    }
}
