//! Key performance indicators over attempts and registrations: RFC 6076, and the figures of telephony (ASR, NER, ACD, PDD)
//! that ITU-T E.411 and E.425 define. Two of these values merge into one in any order.

use super::Call;
use super::attempt::{Attempt, AttemptState};
use crate::sip::Method;
use crate::transaction::Transaction;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// What was counted of attempts and registrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kpi {
    /// Attempts that came to an end.
    pub attempts: u64,
    /// Attempts that were still open.
    pub open: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Those that reached the called user, who was busy, absent or unwilling, or whose caller gave up.
    pub user_outcomes: u64,
    /// Those that ended with 480, 486, 600 or 603 (RFC 6076 §4.7).
    pub effective_refusals: u64,
    /// Those that were redirected (RFC 6076 §4.6 leaves them out).
    pub redirected: u64,
    /// Those that ended with 408, 500, 503 or 504 or without any response (RFC 6076 §4.8).
    pub ineffective: u64,
    /// Answered and ended by a BYE that was answered with a 2xx or needed no answer (RFC 6076 §4.9).
    pub completed: u64,
    /// INVITE to the first 1xx above 100 or 2xx, of attempts that had one (RFC 6076 §4.3.1; post-dial delay).
    pub post_dial_delay: Spread,
    /// The 2xx to the BYE (RFC 6076 §4.5).
    pub talk_time: Spread,
    /// BYE to its final response (RFC 6076 §4.4).
    pub disconnect_delay: Spread,
    /// Registrations that came to an end.
    pub registrations: u64,
    /// Those that failed for another reason than a challenge (RFC 6076 §4.2).
    pub ineffective_registrations: u64,
    /// The first REGISTER to its 2xx (RFC 6076 §4.1).
    pub registration_delay: Spread,
    /// Where it was measured: who sent the INVITEs to whom, on the hop nearest to the caller.
    measured: BTreeMap<(IpAddr, IpAddr), u64>,
}

/// Pairs of hosts that are told as the place of measurement.
const PLACES: usize = 64;

/// RFC 3261 gives no time for the next REGISTER after a challenge: clients send it at once.
const NEXT_STEP: Duration = Duration::from_secs(5);

impl Kpi {
    /// Counts the attempts of a judged call, but for those that are legs of another one, and its registrations.
    pub fn note(&mut self, call: &Call, is_leg: bool) {
        if !is_leg {
            for attempt in call.attempts().iter().filter(|it| !it.is_leg) {
                self.attempt(attempt);
            }
        }
        for bye in call.of(&Method::Bye) {
            if let Some(response) = bye.final_response()
                && bye.requests.count() > 0
            {
                self.disconnect_delay
                    .note(response.time().since(bye.start()));
            }
        }
        let registers: SmallVec<[&Transaction; 8]> = call
            .of(&Method::Register)
            .filter(|it| it.requests.count() > 0)
            .collect();
        for (index, register) in registers.iter().enumerate() {
            self.registration(register, registers.get(..index).unwrap_or_default());
        }
    }

    fn attempt(&mut self, attempt: &Attempt<'_>) {
        let state = attempt.state();
        if state == AttemptState::Pending {
            self.open += 1;
            return;
        }
        self.attempts += 1;
        if let Some(first) = attempt.tries.first() {
            let place = (first.flow.src.ip(), first.flow.dst.ip());
            if self.measured.len() < PLACES || self.measured.contains_key(&place) {
                *self.measured.entry(place).or_default() += 1;
            }
        }
        if let Some(delay) = attempt.progress_after() {
            self.post_dial_delay.note(delay);
        }
        if let Some(time) = attempt.talk_time() {
            self.talk_time.note(time);
        }
        self.completed += u64::from(state == AttemptState::Completed);
        if matches!(state, AttemptState::Answered | AttemptState::Completed) {
            self.answered += 1;
            return;
        }
        let code = attempt.outcome().map(|response| response.code);
        let rang = attempt.ringing_after().is_some();
        let by_user = match code {
            Some(486 | 487 | 600 | 603) => true,
            Some(408 | 480) => rang,
            None => state == AttemptState::Cancelled,
            Some(_) => false,
        };
        self.user_outcomes += u64::from(by_user);
        self.effective_refusals += u64::from(matches!(code, Some(480 | 486 | 600 | 603)));
        self.redirected += u64::from(matches!(code, Some(300..400)));
        self.ineffective += u64::from(
            matches!(code, Some(408 | 500 | 503 | 504)) || state == AttemptState::NoResponse,
        );
    }

    fn registration(&mut self, register: &Transaction, earlier: &[&Transaction]) {
        let Some(response) = register.final_response() else {
            if register.state == crate::transaction::State::TimedOut {
                self.registrations += 1;
                self.ineffective_registrations += 1;
            }
            return;
        };
        // A challenge is a step on the way (RFC 6076 §4.1).
        if matches!(response.code, 401 | 407) {
            return;
        }
        self.registrations += 1;
        if !response.is_success() {
            self.ineffective_registrations += 1;
            return;
        }
        let step = earlier.iter().rev().find(|it| {
            it.flow.src == register.flow.src
                && matches!(it.final_code(), Some(401 | 407 | 423))
                && register.start().since(it.last) <= NEXT_STEP
        });
        let start = step.map_or_else(|| register.start(), |it| it.start());
        self.registration_delay.note(response.time().since(start));
    }

    /// Takes the counts of another part of the capture.
    pub fn merge(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.open += other.open;
        self.answered += other.answered;
        self.user_outcomes += other.user_outcomes;
        self.effective_refusals += other.effective_refusals;
        self.redirected += other.redirected;
        self.ineffective += other.ineffective;
        self.completed += other.completed;
        self.post_dial_delay.merge(&other.post_dial_delay);
        self.talk_time.merge(&other.talk_time);
        self.disconnect_delay.merge(&other.disconnect_delay);
        self.registrations += other.registrations;
        self.ineffective_registrations += other.ineffective_registrations;
        self.registration_delay.merge(&other.registration_delay);
        for (place, count) in &other.measured {
            *self.measured.entry(*place).or_default() += count;
        }
    }

    /// Answer-seizure ratio, in percent; `None` without attempts.
    pub fn answer_seizure_ratio(&self) -> Option<f64> {
        percent(self.answered, self.attempts)
    }

    /// Network effectiveness ratio (ITU-T E.425), in percent: what reached the called user, whatever the user did.
    pub fn network_effectiveness_ratio(&self) -> Option<f64> {
        percent(self.answered + self.user_outcomes, self.attempts)
    }

    /// Session establishment ratio (RFC 6076 §4.6), in percent.
    pub fn session_establishment_ratio(&self) -> Option<f64> {
        percent(self.answered, self.attempts - self.redirected)
    }

    /// Session establishment effectiveness ratio (RFC 6076 §4.7), in percent.
    pub fn session_establishment_effectiveness(&self) -> Option<f64> {
        percent(
            self.answered + self.effective_refusals,
            self.attempts - self.redirected,
        )
    }

    /// Ineffective session attempts (RFC 6076 §4.8), in percent.
    pub fn ineffective_attempts(&self) -> Option<f64> {
        percent(self.ineffective, self.attempts)
    }

    /// Session completion ratio (RFC 6076 §4.9), in percent.
    pub fn session_completion_ratio(&self) -> Option<f64> {
        percent(self.completed, self.attempts)
    }

    /// Ineffective registration attempts (RFC 6076 §4.2), in percent.
    pub fn ineffective_registration_attempts(&self) -> Option<f64> {
        percent(self.ineffective_registrations, self.registrations)
    }

    /// Where the attempts were measured, the busiest pair first: who sent the INVITEs, who took them, how many.
    pub fn measured_at(&self) -> Vec<(IpAddr, IpAddr, u64)> {
        let mut places: Vec<_> = self
            .measured
            .iter()
            .map(|(&(src, dst), &count)| (src, dst, count))
            .collect();
        places.sort_by_key(|(src, dst, count)| (std::cmp::Reverse(*count), *src, *dst));
        places
    }
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a percentage of two counts needs no more than 52 bits of either"
    )]
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

/// How a duration is spread over many measurements, within an eighth of the value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    count: u64,
    sum: Duration,
    largest: Duration,
    /// Measurements by the number of microseconds, three bits after the highest.
    buckets: BTreeMap<u16, u64>,
}

impl Spread {
    /// Adds a measurement.
    pub fn note(&mut self, time: Duration) {
        self.count += 1;
        self.sum = self.sum.saturating_add(time);
        self.largest = self.largest.max(time);
        *self.buckets.entry(bucket(time)).or_default() += 1;
    }

    /// How many measurements there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The average; `None` without measurements.
    pub fn average(&self) -> Option<Duration> {
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        self.sum.checked_div(count)
    }

    /// The largest; `None` without measurements.
    pub fn largest(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.largest)
    }

    /// The value that so many percent of the measurements do not exceed, as the upper end of its bucket; `None` without
    /// measurements.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let (bucket, _) = self.buckets.iter().find(|(_, count)| {
            seen += **count;
            seen >= wanted
        })?;
        Some(upper_end(*bucket).min(self.largest))
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        self.largest = self.largest.max(other.largest);
        for (bucket, count) in &other.buckets {
            *self.buckets.entry(*bucket).or_default() += count;
        }
    }
}

/// Bits of a value that its bucket tells beside the highest.
const BITS: u32 = 3;

fn bucket(time: Duration) -> u16 {
    let value = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let exponent = (u64::BITS - value.leading_zeros()).saturating_sub(BITS + 1);
    let mantissa = value >> exponent;
    u16::try_from((u64::from(exponent) << (BITS + 1)) | mantissa).unwrap_or(u16::MAX)
}

fn upper_end(bucket: u16) -> Duration {
    let exponent = u32::from(bucket >> (BITS + 1));
    let mantissa = u64::from(bucket) & ((1 << (BITS + 1)) - 1);
    Duration::from_micros(((mantissa + 1) << exponent) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_within_an_eighth_of_the_value() {
        let mut spread = Spread::default();
        assert_eq!(
            (spread.percentile(50), spread.average(), spread.largest()),
            (None, None, None)
        );
        for millis in 1..=1000 {
            spread.note(Duration::from_millis(millis));
        }
        for percent in [1, 10, 50, 95, 100] {
            let exact = Duration::from_millis(percent * 10);
            let told = spread.percentile(percent).unwrap();
            assert!(
                told >= exact && told <= exact + exact / 8,
                "{percent}: {told:?}"
            );
        }
        assert_eq!(spread.average(), Some(Duration::from_micros(500_500)));
    }

    #[test]
    fn any_duration_has_a_bucket_that_ends_behind_it() {
        let mut before = 0;
        for value in (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]) {
            let time = Duration::from_micros(value);
            let bucket = bucket(time);
            assert!(upper_end(bucket) >= time, "{value}");
            assert!(bucket >= before || value < 2, "{value}");
            before = bucket;
        }
    }

    #[test]
    fn two_parts_merge_in_any_order() {
        let part = |attempts, millis| {
            let mut kpi = Kpi {
                attempts,
                answered: 1,
                ..Kpi::default()
            };
            kpi.talk_time.note(Duration::from_millis(millis));
            kpi
        };
        let (one, other) = (part(2, 7), part(3, 9000));
        let (mut forth, mut back) = (one.clone(), other.clone());
        forth.merge(&other);
        back.merge(&one);
        assert_eq!(forth, back);
        assert_eq!(forth.answer_seizure_ratio(), Some(40.0));
        assert_eq!(Kpi::default().answer_seizure_ratio(), None);
    }
}
