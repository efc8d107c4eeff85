//! The timers of RFC 3261 §17 as ladders that a capture shows.

use super::{Sends, Transaction};
use crate::sip::Method;
use crate::thresholds::Thresholds;
use std::time::Duration;

/// A shorter first gap is no T1 that anybody configures.
const SHORTEST_T1: Duration = Duration::from_millis(50);
/// Nor is a longer one: it is T2, the longest gap of the usual ladder.
const LONGEST_T1: Duration = Duration::from_secs(4);
/// Timers B, F, H and J are this many times T1 (RFC 3261 Appendix A).
pub const TIMEOUT_FACTOR: u32 = 64;

/// A complete ladder spans 63 times T1, less what clocks and schedulers take.
pub const LADDER_AT_LEAST: u32 = 56;

/// Less than the last gap of a non-INVITE ladder is missing then: no answer stopped it. The last gap of an INVITE ladder is half of
/// it, in which an answer may have come.
const MOST_OF_LADDER: u32 = 48;

/// Timer C (RFC 3261 §16.6 step 11): how long a telephone may ring.
pub const RINGS_AT_MOST: Duration = Duration::from_mins(3);

/// Sends after which a sender over UDP has certainly had no answer: two may cross with a slow one.
pub const UNANSWERED_SENDS: usize = 3;

/// Sends of a response that came to an end within seconds.
pub const FEW_SENDS: usize = 4;

/// Sends of a complete INVITE ladder: at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s (RFC 3261 §17.1.1.2).
pub const INVITE_SENDS: usize = 7;

/// T1 as the retransmissions show it: the first gap, when the next one is twice as long within 15 %. `None` when the
/// ladder is too short or of another shape.
pub fn estimate_t1(sends: &Sends) -> Option<Duration> {
    let times: Vec<_> = sends.iter().take(3).map(|seen| seen.time).collect();
    let [first, second, third] = *times.as_slice() else {
        return None;
    };
    let (gap, next) = (second.since(first), third.since(second));
    let ratio = next.as_secs_f64() / gap.as_secs_f64();
    // Copies that ARP held back together are microseconds apart, whatever their ratio.
    ((1.7..=2.3).contains(&ratio) && (SHORTEST_T1..=LONGEST_T1).contains(&gap)).then_some(gap)
}

/// Timer B or F of a transaction: 64 times its own T1 where the ladder shows one, else of `t1` (RFC 3261 §17.1.1.2).
pub fn timeout(transaction: &Transaction, t1: Duration) -> Duration {
    estimate_t1(&transaction.requests).unwrap_or(t1) * TIMEOUT_FACTOR
}

/// Whether the request was sent as often as its ladder asks, which proves the timeout even when the capture ends with it.
pub fn ladder_complete(transaction: &Transaction, thresholds: &Thresholds) -> bool {
    let t1 = estimate_t1(&transaction.requests).unwrap_or(thresholds.t1);
    let whole = if transaction.method == Method::Invite {
        INVITE_SENDS
    } else {
        non_invite_sends(t1, thresholds.t2)
    };
    // A ladder takes 63 of the 64 times T1; as many sends at once are something else.
    transaction.requests.count() >= whole && transaction.requests.span() >= t1 * LADDER_AT_LEAST
}

/// Whether the request was repeated for about as long as its sender waits for an answer, by its own T1.
pub fn ladder_ended(transaction: &Transaction, t1: Duration) -> bool {
    let sends = &transaction.requests;
    let t1 = estimate_t1(sends).unwrap_or(t1);
    sends.count() >= UNANSWERED_SENDS && sends.span() >= t1 * MOST_OF_LADDER
}

/// Whether the request was sent often enough to say that nobody answered for a while: four times, or three times over four
/// seconds.
pub fn insisted(transaction: &Transaction) -> bool {
    let sends = &transaction.requests;
    sends.count() > UNANSWERED_SENDS
        || (sends.count() == UNANSWERED_SENDS && sends.span() >= A_WHILE)
}

/// See [`insisted`].
const A_WHILE: Duration = Duration::from_secs(4);

/// Sends of a complete non-INVITE ladder: the gap doubles up to T2, and the last one comes before 64*T1 (RFC 3261 §17.1.2.2).
/// They are 11 with the usual T1 and T2.
fn non_invite_sends(t1: Duration, t2: Duration) -> usize {
    let (mut gap, mut at, mut sends) = (t1, Duration::ZERO, 1);
    while at + gap < t1 * TIMEOUT_FACTOR && sends < MOST_SENDS {
        at += gap;
        sends += 1;
        gap = (gap * 2).min(t2);
    }
    sends
}

/// A ladder with gaps of T1 alone has no more.
const MOST_SENDS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::FrameNumber;
    use crate::time::Timestamp;
    use crate::transaction::Sighting;

    fn sends(millis: &[i64]) -> Sends {
        let mut sends = Sends::default();
        for &at in millis {
            sends.push(Sighting {
                frame: FrameNumber(1),
                time: Timestamp::from_nanos(at * 1_000_000),
            });
        }
        sends
    }

    #[test]
    fn t1_is_the_first_gap_of_a_doubling_ladder() {
        assert_eq!(
            estimate_t1(&sends(&[0, 100, 300, 700])),
            Some(Duration::from_millis(100))
        );
        assert_eq!(
            estimate_t1(&sends(&[0, 505, 1501])),
            Some(Duration::from_millis(505))
        );
    }

    #[test]
    fn a_ladder_has_as_many_steps_as_its_timers_make() {
        let sends = |t1, t2| non_invite_sends(Duration::from_millis(t1), Duration::from_millis(t2));
        assert_eq!(sends(500, 4000), 11);
        // It is over before a gap is as long as T2.
        assert_eq!(sends(50, 4000), 7);
        assert_eq!(sends(500, 8000), 8);
        assert_eq!(sends(500, 500), 64);
        assert_eq!(sends(500, 1), MOST_SENDS);
    }

    #[test]
    fn gaps_that_do_not_double_give_no_estimate() {
        assert_eq!(estimate_t1(&sends(&[0, 500])), None);
        assert_eq!(estimate_t1(&sends(&[0, 500, 1000])), None);
        assert_eq!(estimate_t1(&sends(&[0, 0, 0])), None);
    }
}
