//! What the values of options are read as.

use crate::catalogue::Language;
use crate::report::{Format, RecordKind};
use crate::rules::Named;
use crate::severity::{Severity, WARN};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use std::num::NonZero;

/// The values of a list, by their names, in any case where the argument ignores it.
fn named<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let is_named = move |text: &str, it: &T| name(*it).eq_ignore_ascii_case(text);
    let find = move |text: &str| all.iter().copied().find(|it| is_named(text, it));
    PossibleValuesParser::new(all.iter().map(|it| name(*it)))
        .try_map(move |text| find(&text).ok_or("there is no such name"))
}

pub(super) fn format() -> impl TypedValueParser<Value = Format> {
    named(&Format::ASKED, Format::name)
}

pub(super) fn record() -> impl TypedValueParser<Value = RecordKind> {
    named(&RecordKind::ALL, RecordKind::name)
}

pub(super) fn severity() -> impl TypedValueParser<Value = Severity> {
    let values = Severity::ALL.map(|it| match it {
        Severity::Warning => PossibleValue::new(it.name()).alias(WARN),
        _ => PossibleValue::new(it.name()),
    });
    PossibleValuesParser::new(values)
        .try_map(|text| Severity::named(&text).ok_or("there is no such severity"))
}

pub(super) fn language(text: &str) -> Result<Language, String> {
    Language::of(text).ok_or_else(|| format!("there are {}", languages()))
}

/// The codes of all languages.
pub(super) fn languages() -> String {
    let known: Vec<_> = Language::ALL.iter().map(|it| it.code()).collect();
    known.join(", ")
}

/// More would only wait for each other.
const MAX_THREADS: usize = 256;

/// The name of a header field (RFC 3261 §25.1).
pub(super) fn header_name(text: &str) -> Result<String, String> {
    let name = text.trim().trim_end_matches(':').trim_end();
    let is_name = crate::sip::is_token(name.as_bytes());
    let wrong = || "that is no name of a header field, such as X-Our-Call-ID".to_owned();
    is_name.then(|| name.to_owned()).ok_or_else(wrong)
}

pub(super) fn threads(text: &str) -> Result<NonZero<usize>, String> {
    let number = text.trim().parse().ok();
    let some = number.filter(|it: &NonZero<usize>| it.get() <= MAX_THREADS);
    some.ok_or_else(|| format!("give a whole number of threads, from 1 to {MAX_THREADS}"))
}

#[cfg(feature = "live")]
pub(super) fn packets(text: &str) -> Result<u64, String> {
    let number = text.trim().parse().ok().filter(|it| *it > 0);
    number.ok_or_else(|| "give a whole number of packets, at least 1".to_owned())
}

/// `512M`, `1.5G`, `64k`, or bytes; at least a megabyte.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let wrong = || "sizes are written as 256M or 1.5G".to_owned();
    let unit = text
        .find(|it: char| !it.is_ascii_digit() && it != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    let shift: u32 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(wrong()),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let whole: usize = whole.parse().map_err(|_| wrong())?;
    // More than thousandths make no difference.
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    let part: usize = part.parse().map_err(|_| wrong())?;
    let whole = whole.checked_mul(1 << shift);
    match whole.and_then(|it| it.checked_add((part << shift) / 1000)) {
        Some(bytes) if bytes >= 1 << 20 => Ok(bytes),
        Some(_) => Err("it is less than a megabyte, in which no call fits".to_owned()),
        None => Err("no machine has that much".to_owned()),
    }
}

/// `4xx` or `4`.
pub(super) fn class(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [digit @ b'1'..=b'6'] | [digit @ b'1'..=b'6', b'x' | b'X', b'x' | b'X'] => Ok(digit - b'0'),
        _ => Err("a class is 1xx, 2xx, 3xx, 4xx, 5xx or 6xx".to_owned()),
    }
}

/// A name or code, or what may have been meant.
pub(super) fn finding(text: &str) -> Result<Named, String> {
    Named::parse(text).map_err(|error| format!("{error}; {}", error.help()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_have_units_and_parts() {
        for (text, bytes) in [
            ("512M", 512 << 20),
            ("1.5G", 3 << 29),
            ("0.25g", 1 << 28),
            ("2097152", 2 << 20),
            ("4MiB", 4 << 20),
        ] {
            assert_eq!(super::size(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "1..5G",
            ".",
            "x",
            "1T",
            "1K",
            "-1G",
            "99999999999999999999G",
        ] {
            assert!(super::size(text).is_err(), "{text}");
        }
    }
}
