//! What RFC 3261 asks of every message and the scan did not see.

use super::core::{Branch, Core};
use super::head::{Head, Start};
use super::packed::Part;
use super::{HeaderName, Message, Oddities, Oddity, value, value_in};

/// What every message has.
const NEEDED: [(HeaderName, Oddity); 5] = [
    (HeaderName::Via, Oddity::ViaMissing),
    (HeaderName::From, Oddity::FromMissing),
    (HeaderName::To, Oddity::ToMissing),
    (HeaderName::CallId, Oddity::CallIdMissing),
    (HeaderName::CSeq, Oddity::CseqMissing),
];

const NEEDED_NAMES: u64 = HeaderName::bits(&[
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
]);

/// What stands in a message once at most.
pub(super) const SINGLE: [HeaderName; 6] = [
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::MaxForwards,
    HeaderName::ContentLength,
];

const SINGLE_NAMES: u64 = HeaderName::bits(&SINGLE);

/// Numbers of which all but one are in few messages, with the largest.
const NUMBERS: [(HeaderName, u64); 4] = [
    (HeaderName::MaxForwards, 255),
    (HeaderName::Expires, u32::MAX as u64),
    (HeaderName::MinExpires, u32::MAX as u64),
    (HeaderName::RetryAfter, u32::MAX as u64),
];

/// Header fields of which [`out_of_range`] asks.
const RANGED: u64 = HeaderName::bits(&[
    HeaderName::MaxForwards,
    HeaderName::Expires,
    HeaderName::MinExpires,
    HeaderName::RetryAfter,
    HeaderName::Date,
]);

impl Message {
    /// What RFC 3261 §8.1.1 asks of every message.
    pub(super) fn check(&self, raw: &[u8], head: &Head, core: &Core) -> Oddities {
        let mut found = Oddities::default();
        if !head.present & NEEDED_NAMES != 0 {
            for (header, oddity) in NEEDED {
                if !head.has(header) {
                    found.insert(oddity);
                }
            }
        }
        if head.repeated & SINGLE_NAMES != 0 {
            found.insert(Oddity::RepeatedSingle);
        }
        match core.branch {
            Branch::Unreadable => found.insert(Oddity::ViaUnreadable),
            Branch::CookieAlone => found.insert(Oddity::BranchWithoutId),
            Branch::WithoutCookie => found.insert(Oddity::BranchWithoutCookie),
            Branch::NoVia | Branch::Proper => {}
        }
        for address in [&core.from, &core.to].into_iter().flatten() {
            if !address.balanced {
                found.insert(Oddity::QuoteUnbalanced);
            } else if address.unclosed {
                found.insert(Oddity::BracketUnclosed);
            }
        }
        if core.from.is_some_and(|from| !from.tagged) {
            found.insert(Oddity::FromTagMissing);
        }
        let cseq = core.cseq.as_ref();
        if head.has(HeaderName::CSeq)
            && cseq.is_none_or(|(number, _)| *number > u64::from(u32::MAX))
        {
            found.insert(Oddity::CseqUnreadable);
        }
        match &head.start {
            // RFC 3261 §8.2.6.2: only 100 Trying may do without.
            Start::Response { status, .. } => {
                if *status > 100 && core.to.is_some_and(|to| !to.tagged) {
                    found.insert(Oddity::ToTagMissing);
                }
            }
            Start::Request { .. } => {
                if !head.has(HeaderName::MaxForwards) {
                    found.insert(Oddity::MaxForwardsMissing);
                }
                if cseq.is_some_and(|(_, other)| self.method().as_ref() != Some(other)) {
                    found.insert(Oddity::CseqMethod);
                }
                if self.part(Part::Target).is_some_and(value::has_headers) {
                    found.insert(Oddity::RequestUriHeaders);
                }
            }
            Start::Unread => {}
        }
        if head.present & RANGED != 0 {
            out_of_range(raw, head, &mut found);
        }
        found
    }
}

/// Numbers and dates that elements must not send; few messages have more than one of these fields.
fn out_of_range(raw: &[u8], head: &Head, found: &mut Oddities) {
    for (header, largest) in NUMBERS {
        let seconds = |it| value::delta_seconds(&value_in(raw, it)).is_none_or(|it| it > largest);
        if head.field(header).is_some_and(seconds) {
            found.insert(Oddity::NumberOutOfRange);
        }
    }
    let elsewhere = |date: &[u8]| {
        let zone = date.last_chunk::<3>();
        !zone.is_some_and(|zone| zone.eq_ignore_ascii_case(b"GMT"))
    };
    let date = head.field(HeaderName::Date);
    if date.is_some_and(|it| elsewhere(&value_in(raw, it))) {
        found.insert(Oddity::DateZone);
    }
}
