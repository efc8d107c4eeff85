//! Capture time: the only clock below `cli`.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// A moment in capture time, in nanoseconds since 1970-01-01T00:00:00Z.
///
/// Signed, so that captures made with a clock before 1970 keep their order; it reaches the year 2262.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest moment that can be told.
    pub const MIN: Self = Self(i64::MIN);

    /// A moment from nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A moment from whole seconds and nanoseconds since the epoch; saturates outside the years 1678 to 2262.
    pub fn from_parts(seconds: i64, nanos: u32) -> Self {
        Self(
            seconds
                .saturating_mul(1_000_000_000)
                .saturating_add(i64::from(nanos)),
        )
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn second(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// The day since the epoch, in UTC.
    pub const fn day(self) -> i64 {
        self.second().div_euclid(86_400)
    }

    /// The time that passed since `earlier`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.checked_since(earlier).unwrap_or_default()
    }

    /// The same; `None` when `earlier` is later.
    pub fn checked_since(self, earlier: Self) -> Option<Duration> {
        (self >= earlier).then(|| self.distance(earlier))
    }

    /// The distance to `other`, whichever comes first.
    pub fn distance(self, other: Self) -> Duration {
        Duration::from_nanos(self.0.abs_diff(other.0))
    }

    /// The moment `duration` before this one; saturating.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(nanos))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

/// RFC 3339 in UTC with nine digits of the second: `2026-11-21T05:30:00.123456789Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(time) => write!(f, "{time:.9}"),
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_rfc_3339_with_nanoseconds() {
        let time = Timestamp::from_parts(1_700_000_000, 5);
        assert_eq!(time.to_string(), "2023-11-14T22:13:20.000000005Z");
    }

    #[test]
    fn since_never_goes_below_zero() {
        let (early, late) = (Timestamp::MIN, Timestamp::from_nanos(i64::MAX));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.checked_since(late), None);
        assert_eq!(early.checked_since(early), Some(Duration::ZERO));
        assert_eq!(late.since(early), Duration::from_nanos(u64::MAX));
    }
}
