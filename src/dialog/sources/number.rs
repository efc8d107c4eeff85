//! Telephone numbers that a host called, as far as toll fraud has a taste for them.

use super::Room;
use super::source::Seen;
use crate::limits::MAX_DIALLED;
use crate::sip::value::user_and_host;
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use std::collections::{BTreeMap, BTreeSet};

/// A number that was called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dialled {
    /// When and where.
    pub seen: Seen,
    /// What was dialled.
    pub number: Number,
    /// Who called: the user part of the From.
    pub caller: Box<str>,
    /// Whether it was answered with a 2xx.
    pub answered: bool,
}

/// A telephone number as written, without visual separators.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(Box<str>);

/// The digits behind country and trunk prefixes that tell one line from another: seven are too few to be sure that the line
/// is the same, and no national number is shorter than this with its area.
const TAIL: usize = 8;

/// The longest number of the public network (ITU-T E.164 §6), with as many digits before it as prefixes have.
const LONGEST: usize = 15 + 12;

/// Ranges behind an international prefix that earn whoever has them a share of each call, or that fraud reports name most:
/// shared codes of satellite and premium services first, then countries.
const COSTLY: &[&str] = &[
    "870", "878", "881", "882", "883", "979", "1900", "53", "216", "220", "222", "224", "231",
    "232", "239", "246", "247", "252", "257", "263", "269", "290", "370", "371", "500", "674",
    "675", "677", "678", "682", "685", "686", "688", "690", "692", "960",
];

impl Dialled {
    /// The line that was called, without what stands before it.
    pub fn line(&self) -> &str {
        self.number.tail()
    }

    /// The prefix that was tried: what stands before the line.
    pub fn prefix(&self) -> &str {
        self.number.head()
    }

    /// The thousand lines that it is one of, without what stands before them.
    pub fn range(&self) -> &str {
        self.number.range()
    }
}

impl Number {
    /// The number in the user part of a URI; `None` for names, extensions and anything else.
    pub fn of(uri: &[u8]) -> Option<Self> {
        let (user, host) = user_and_host(uri);
        // A tel URI has no user part (RFC 3966 §3).
        let is_tel = uri
            .get(..4)
            .is_some_and(|it| it.eq_ignore_ascii_case(b"tel:"));
        let number = if is_tel { host } else { user };
        let user = number
            .split(|byte| *byte == b';')
            .next()
            .unwrap_or_default();
        let digits = user
            .iter()
            .copied()
            .filter(|byte| !matches!(byte, b'-' | b'.' | b'(' | b')'));
        let mut all = digits
            .clone()
            .skip_while(|byte| matches!(byte, b'+' | b'*' | b'#'));
        let telephone = (TAIL + 2..=LONGEST).contains(&all.clone().count())
            && all.all(|it| it.is_ascii_digit());
        telephone.then(|| Self(digits.map(char::from).collect::<String>().into()))
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The line, without what stands before it.
    fn tail(&self) -> &str {
        let start = self.0.len().saturating_sub(TAIL);
        self.0.get(start..).unwrap_or_default()
    }

    /// What stands before the line: trunk and country prefixes.
    fn head(&self) -> &str {
        let end = self.0.len().saturating_sub(TAIL);
        self.0.get(..end).unwrap_or_default()
    }

    /// The thousand lines that it is one of.
    fn range(&self) -> &str {
        let tail = self.tail();
        tail.get(..TAIL - 3).unwrap_or(tail)
    }

    /// The costly range that it is in when its prefix is international; `None` otherwise.
    fn costly(&self) -> Option<&'static str> {
        let behind = ["+", "00", "011", "900", "9011", "810"]
            .iter()
            .find_map(|prefix| self.0.strip_prefix(prefix))?;
        COSTLY
            .iter()
            .copied()
            .find(|range| behind.starts_with(range))
    }
}

/// How many ways to dial one line are no person's doubt about the prefix.
const PREFIXES: usize = 4;

/// The numbers that a host called.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    dialled: Vec<Dialled>,
    proven: bool,
}

impl Numbers {
    pub(super) fn note(&mut self, transaction: &Transaction, number: Number, room: &mut Room) {
        let (caller, _) = user_and_host(&transaction.from.uri);
        self.keep(
            Dialled {
                seen: Seen::of(transaction),
                number,
                caller: super::source::clip(caller),
                answered: transaction.succeeded(),
            },
            room,
        );
    }

    pub(super) fn merge(&mut self, other: Self, room: &mut Room) {
        for it in other.dialled {
            self.keep(it, room);
        }
    }

    /// Calls to lines, or to lines of one range, that were dialled in four ways or more: somebody looks for the way out. In
    /// order of time.
    pub(super) fn probes(&self, thresholds: &Thresholds) -> Vec<&Dialled> {
        let mut lines: BTreeMap<&str, Vec<&Dialled>> = BTreeMap::new();
        for it in &self.dialled {
            lines.entry(it.number.tail()).or_default().push(it);
        }
        let of_line = lines.into_values().filter(|tries| {
            let ways: BTreeSet<_> = tries.iter().map(|it| &it.number).collect();
            ways.len() >= PREFIXES
        });
        let mut probes: Vec<_> = of_line.flatten().collect();
        if probes.is_empty() {
            probes = self.probes_of_ranges(thresholds);
        }
        probes.sort_unstable();
        probes
    }

    /// The same where the caller takes another line of one range each time.
    fn probes_of_ranges(&self, thresholds: &Thresholds) -> Vec<&Dialled> {
        let mut ranges: BTreeMap<(&str, &str), Vec<&Dialled>> = BTreeMap::new();
        for it in &self.dialled {
            let key = (&*it.caller, it.number.range());
            ranges.entry(key).or_default().push(it);
        }
        let of_range = ranges.into_values().filter(|tries| {
            let heads: BTreeSet<&str> = tries.iter().map(|it| it.number.head()).collect();
            let digits = |head: &&str| head.trim_start_matches(['+', '*', '#']).to_owned();
            let country = heads.iter().map(digits).min_by_key(String::len);
            // What is left of all of them without a prefix is one country: national ways to write a number end otherwise.
            let one_country = country.is_some_and(|country| {
                !country.is_empty() && heads.iter().all(|head| head.ends_with(&country))
            });
            let mut times: Vec<Timestamp> = tries.iter().map(|it| it.seen.time).collect();
            heads.len() >= PREFIXES
                && one_country
                && super::most_within(&mut times, thresholds.fraud_within).0 >= PREFIXES
        });
        of_range.flatten().collect()
    }

    /// Calls of one caller to costly ranges in a burst.
    pub(super) fn burst(&self, thresholds: &Thresholds) -> Vec<&Dialled> {
        let mut callers: BTreeMap<&str, Vec<&Dialled>> = BTreeMap::new();
        for it in &self.dialled {
            let Some(range) = it.number.costly() else {
                continue;
            };
            // Who lives there calls there.
            if !it.caller.trim_start_matches(['+', '0']).starts_with(range) {
                callers.entry(&it.caller).or_default().push(it);
            }
        }
        let mut bursts: Vec<_> = callers
            .into_values()
            .filter(|calls| {
                let mut times: Vec<Timestamp> = calls.iter().map(|it| it.seen.time).collect();
                let (most, _) = super::most_within(&mut times, thresholds.fraud_within);
                most as u64 >= thresholds.fraud_calls
            })
            .flatten()
            .collect();
        bursts.sort_unstable();
        bursts
    }

    fn keep(&mut self, it: Dialled, room: &mut Room) {
        if self.dialled.len() >= MAX_DIALLED {
            self.proven = self.proven
                || !self.probes(&room.thresholds).is_empty()
                || !self.burst(&room.thresholds).is_empty();
            if self.proven {
                return;
            }
            // The older half goes: fraud may begin at any time.
            self.dialled.sort_unstable();
            self.dialled.drain(..MAX_DIALLED / 2);
            room.give_back(MAX_DIALLED / 2);
        }
        if room.take() {
            self.dialled.push(it);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_from_extensions_and_names() {
        let number = Number::of(b"sip:+44-20-7946-0123@example.com").expect("a number");
        assert_eq!(
            (number.text(), number.tail()),
            ("+442079460123", "79460123")
        );
        assert_eq!(Number::of(b"sip:1001@example.com"), None);
        assert_eq!(Number::of(b"sip:alice.b@example.com"), None);
        assert!(Number::of(b"tel:900442079460123").is_some());
    }

    #[test]
    fn costly_ranges_are_behind_an_international_prefix() {
        let costly = |uri: &str| Number::of(uri.as_bytes()).and_then(|it| it.costly());
        assert_eq!(costly("sip:0088213000000@h"), Some("882"));
        assert_eq!(costly("sip:+882130000001@h"), Some("882"));
        assert_eq!(costly("sip:8821300000010@h"), None);
        assert_eq!(costly("sip:+442079460123@h"), None);
    }
}
