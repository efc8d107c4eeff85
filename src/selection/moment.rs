//! Moments as people write them: a date with a time, a time of the capture's day, a time since its start.

use crate::thresholds;
use crate::time::Timestamp;
use jiff::civil::{DateTime, Time};
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
    /// A time of the day on which the capture began, UTC.
    OfDay(Duration),
    /// So long after the start of the capture.
    After(Duration),
}

const DAY: Duration = Duration::from_hours(24);

impl Moment {
    /// When it is in a capture that began at `start`.
    pub fn in_capture_from(&self, start: Timestamp) -> Timestamp {
        match self.what {
            What::At(time) => time,
            What::After(time) => start + time,
            What::OfDay(time) => midnight(start) + time,
        }
    }

    /// When it is as the end of a stretch that begins with `since`: a time of day that is earlier is the next day's.
    pub fn behind(&self, since: Option<&Self>, start: Timestamp) -> Timestamp {
        let time = self.in_capture_from(start);
        match (self.what, since.map(|since| since.what)) {
            (What::OfDay(until), Some(What::OfDay(since))) if until < since => time + DAY,
            _ => time,
        }
    }
}

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
            .or_else(|| of_day(text).map(What::OfDay))
            .or_else(|| thresholds::duration(text).ok().map(What::After))
            .ok_or_else(|| {
                "a moment is a date and time such as 2026-11-21T14:05:00Z or with +01:00, a time of the capture's day in UTC such as 14:05, \
                 or a time since its start such as 90s"
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
        ] {
            assert_eq!(at(text, start), expected, "{text}");
        }
    }

    #[test]
    fn an_end_that_is_earlier_in_the_day_is_the_next_days() {
        let start = stamp("2026-11-21T22:00:00Z").unwrap();
        let since: Moment = "23:55".parse().unwrap();
        let until: Moment = "00:05".parse().unwrap();
        let end = until.behind(Some(&since), start).to_string();
        assert_eq!(end, "2026-11-22T00:05:00.000000000Z");
        let end = until.behind(None, start).to_string();
        assert_eq!(end, "2026-11-21T00:05:00.000000000Z");
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
