//! Moments as people write them: a date with a time, a time of the capture's day, a time since its start.

use crate::thresholds;
use crate::time::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A moment of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    written: Box<str>,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    At(Timestamp),
    /// A day, UTC, by its beginning.
    Day(Timestamp),
    /// A time of day, UTC.
    OfDay(Duration),
    /// So long after the start of the capture.
    After(Duration),
}

const DAY: Duration = Duration::from_hours(24);
/// A time of day is rather one that is gone for less than this than the next one.
const HALF_A_DAY: Duration = Duration::from_hours(12);

impl Moment {
    /// When it is in a capture that began at `start`. A time of day is the first one behind the start, or the one before it where
    /// that is not half a day away.
    pub fn in_capture_from(&self, start: Timestamp) -> Timestamp {
        match self.what {
            What::At(time) | What::Day(time) => time,
            What::After(time) => start + time,
            What::OfDay(time) => {
                let today = midnight(start) + time;
                if today + HALF_A_DAY < start {
                    today + DAY
                } else {
                    today
                }
            }
        }
    }

    /// When it is as the end of a stretch that begins with `since`: the end of a day; of a time of day, the first one behind `since`,
    /// where that is not half a day away.
    pub fn behind(&self, since: Option<&Self>, start: Timestamp) -> Timestamp {
        match (self.what, since) {
            (What::Day(time), _) => time + LAST_OF_DAY,
            (What::OfDay(time), Some(since)) => {
                let since = since.in_capture_from(start);
                let same_day = midnight(since) + time;
                if same_day < since && same_day + HALF_A_DAY <= since {
                    same_day + DAY
                } else {
                    same_day
                }
            }
            _ => self.in_capture_from(start),
        }
    }

    /// Whether it lies before `since` in every capture.
    pub fn is_before(&self, since: &Self) -> bool {
        match (self.what, since.what) {
            (What::At(until), What::At(since) | What::Day(since)) => until < since,
            (What::Day(until), What::At(since) | What::Day(since)) => until + LAST_OF_DAY < since,
            (What::After(until), What::After(since)) => until < since,
            // Over midnight, as far as that can be meant.
            (What::OfDay(until), What::OfDay(since)) => until < since && until + HALF_A_DAY > since,
            _ => false,
        }
    }
}

/// From the beginning of a day to its end.
const LAST_OF_DAY: Duration = DAY.saturating_sub(Duration::from_nanos(1));

fn midnight(of: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanos(of.as_nanos() - of.as_nanos().rem_euclid(day))
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let what = stamp(text)
            .map(What::At)
            .or_else(|| day(text).map(What::Day))
            .or_else(|| of_day(text).map(What::OfDay))
            .or_else(|| thresholds::stretch(text).ok().map(What::After))
            .ok_or_else(|| {
                "a moment is a date, with a time or without, such as 2026-11-21T14:05:00Z or with +01:00, a time of day in UTC such as 14:05, \
                 or a time since the start of the capture such as 90s or 1h30m"
                    .to_owned()
            })?;
        Ok(Self {
            written: text.into(),
            what,
        })
    }
}

/// A date with a time: RFC 3339, or without a zone in UTC, as sipdiag shows its times.
fn stamp(text: &str) -> Option<Timestamp> {
    let zoned = text.parse::<jiff::Timestamp>().ok();
    let found = zoned.or_else(|| {
        if !text.contains(':') {
            return None;
        }
        let civil: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()
    })?;
    let nanos = i64::try_from(found.as_nanosecond()).ok()?;
    Some(Timestamp::from_nanos(nanos))
}

/// A day without a time.
fn day(text: &str) -> Option<Timestamp> {
    // Nothing but digits is a number of seconds.
    if !text.contains('-') || text.contains(':') {
        return None;
    }
    let day: Date = text.parse().ok()?;
    let midnight = TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight()));
    let nanos = i64::try_from(midnight.ok()?.as_nanosecond()).ok()?;
    Some(Timestamp::from_nanos(nanos))
}

/// `14:05`, `14:05:30` or `14:05:30.250` after midnight.
fn of_day(text: &str) -> Option<Duration> {
    // Nothing but digits is a number of seconds.
    if !text.contains(':') {
        return None;
    }
    let time: Time = text.trim_end_matches(['Z', 'z']).parse().ok()?;
    let seconds =
        i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    let nanos = u32::try_from(time.subsec_nanosecond()).ok()?;
    Some(Duration::new(u64::try_from(seconds).ok()?, nanos))
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, start: &str) -> String {
        let start = stamp(start).unwrap();
        let moment: Moment = text.parse().unwrap();
        moment.in_capture_from(start).to_string()
    }

    #[test]
    fn dates_times_of_day_and_durations_are_told_apart() {
        let start = "2026-11-21T22:15:30.5Z";
        for (text, expected) in [
            (
                "2026-11-21T23:05:00+01:00",
                "2026-11-21T22:05:00.000000000Z",
            ),
            ("2026-11-21T22:05:00.25Z", "2026-11-21T22:05:00.250000000Z"),
            ("2026-11-21 22:05", "2026-11-21T22:05:00.000000000Z"),
            ("22:20", "2026-11-21T22:20:00.000000000Z"),
            ("22:20:05.5", "2026-11-21T22:20:05.500000000Z"),
            ("90s", "2026-11-21T22:17:00.500000000Z"),
            ("2m", "2026-11-21T22:17:30.500000000Z"),
            ("0s", "2026-11-21T22:15:30.500000000Z"),
            ("1h30m", "2026-11-21T23:45:30.500000000Z"),
            ("3d", "2026-11-24T22:15:30.500000000Z"),
            ("2026-11-22", "2026-11-22T00:00:00.000000000Z"),
            // Just gone, and rather tomorrow's.
            ("14:00", "2026-11-21T14:00:00.000000000Z"),
            ("00:01", "2026-11-22T00:01:00.000000000Z"),
        ] {
            assert_eq!(at(text, start), expected, "{text}");
        }
    }

    #[test]
    fn an_end_that_is_earlier_in_the_day_is_the_next_days() {
        let start = stamp("2026-11-21T22:00:00Z").unwrap();
        let end = |since: Option<&str>, until: &str| {
            let since: Option<Moment> = since.map(|it| it.parse().unwrap());
            let until: Moment = until.parse().unwrap();
            until.behind(since.as_ref(), start).to_string()
        };
        let next = "2026-11-22T00:05:00.000000000Z";
        for since in [
            Some("23:55"),
            Some("2026-11-21T23:00:00Z"),
            Some("10m"),
            None,
        ] {
            assert_eq!(end(since, "00:05"), next, "{since:?}");
        }
        let later = end(Some("2026-11-23T10:00:00Z"), "11:00");
        assert_eq!(later, "2026-11-23T11:00:00.000000000Z");
        assert_eq!(end(None, "2026-11-21"), "2026-11-21T23:59:59.999999999Z");
    }

    #[test]
    fn an_end_before_the_beginning_is_seen() {
        for (since, until, is_before) in [
            ("10:00", "09:00", true),
            ("23:58", "00:02", false),
            ("3s", "1s", true),
            ("3s", "3s", false),
            ("2026-11-21", "2026-11-21", false),
            ("2026-11-22", "2026-11-21", true),
            ("2026-11-21T10:00Z", "2026-11-21T09:00Z", true),
            ("2026-11-21", "10:00", false),
        ] {
            let since_moment: Moment = since.parse().unwrap();
            let until_moment: Moment = until.parse().unwrap();
            assert_eq!(
                until_moment.is_before(&since_moment),
                is_before,
                "{since} {until}"
            );
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "noon",
            "25:00",
            "14:61",
            "2026-13-01T00:00:00Z",
            "5 parsecs",
        ] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
