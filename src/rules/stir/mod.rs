//! Signed caller numbers (RFC 8224, RFC 8588): what verification services answer, and what becomes of signatures on the way.

pub(super) mod attestation;
pub(super) mod cert_436_437;
pub(super) mod identity_lost;
pub(super) mod invalid_438;
pub(super) mod stale_date_403;
pub(super) mod unsigned_428;
pub(super) mod verstat;

use super::CallView;
use crate::sip::passport::{Passport, passports};
use crate::sip::value::user_and_host;
use crate::sip::{HeaderName, Message};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::Transaction;
use std::time::Duration;

/// The initial INVITE that got one of these codes, where it was answered first: of its hops the one farthest from the
/// caller. With its request, whole.
fn refused<'a>(view: &CallView<'a>, codes: &[u64]) -> Option<(&'a Transaction, &'a Message)> {
    let invite = view
        .call
        .initial_invites()
        .filter(|it| it.final_code().is_some_and(|code| codes.contains(&code)))
        .max_by_key(|it| (it.via_count, it.id))?;
    Some((invite, whole(invite)?))
}

/// The request with all its header fields; `None` when the capture has not all of it (guard G-SNAP).
fn whole(invite: &Transaction) -> Option<&Message> {
    invite.request().filter(|it| !it.is_cut())
}

fn is_signed(message: &Message) -> bool {
    message.header(HeaderName::Identity).is_some()
}

/// The token that decides: of several the SHAKEN one.
fn main_passport(message: &Message) -> Option<Passport> {
    let mut all = passports(message);
    let shaken = all
        .iter()
        .position(|it| it.ppt.as_deref() == Some("shaken"));
    (!all.is_empty()).then(|| all.swap_remove(shaken.unwrap_or(0)))
}

/// The digits of a number, as RFC 8224 §8.3 compares them; `None` for anything but a telephone number.
fn digits(user: &str) -> Option<String> {
    let user = user.split(';').next().unwrap_or_default();
    let visual = |it: &char| !matches!(it, '-' | '.' | '(' | ')' | ' ' | '+');
    let digits: String = user.chars().filter(visual).collect();
    (digits.len() >= SHORTEST && digits.bytes().all(|it| it.is_ascii_digit())).then_some(digits)
}

/// Shorter ones are extensions, which nobody signs.
const SHORTEST: usize = 7;

/// The number that a URI names; `None` for anything but a telephone number.
fn number_of(uri: &[u8]) -> Option<String> {
    let (user, host) = user_and_host(uri);
    // A tel URI has no user part (RFC 3966 §3).
    let is_tel = uri
        .get(..4)
        .is_some_and(|it| it.eq_ignore_ascii_case(b"tel:"));
    digits(&String::from_utf8_lossy(if is_tel { host } else { user }))
}

/// Whether two numbers are of different lines. One may lack its country code, which the verifier adds.
fn differ(one: &str, other: &str) -> bool {
    !one.ends_with(other) && !other.ends_with(one)
}

/// Seconds from the signing to the moment when the request was captured; negative when it was signed in the future.
fn age(passport: &Passport, at: Timestamp) -> Option<i64> {
    Some(
        at.as_nanos()
            .div_euclid(1_000_000_000)
            .saturating_sub(passport.iat?),
    )
}

/// Whether verifiers call a signature of that age stale, or one from the future (RFC 8224 §6.2).
fn is_stale(age: i64, thresholds: &Thresholds) -> bool {
    Duration::from_secs(age.unsigned_abs()) > thresholds.identity_age
}
