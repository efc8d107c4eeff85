//! What RFC 3261 asks of every message and the scan did not see.

use super::core::{Branch, Core};
use super::head::{Head, Start};
use super::packed::Part;
use super::{HeaderName, Message, Oddities, Oddity, value};

/// What every message has.
const NEEDED: [(HeaderName, Oddity); 5] = [
    (HeaderName::Via, Oddity::ViaMissing),
    (HeaderName::From, Oddity::FromMissing),
    (HeaderName::To, Oddity::ToMissing),
    (HeaderName::CallId, Oddity::CallIdMissing),
    (HeaderName::CSeq, Oddity::CseqMissing),
];

/// What stands in a message once at most.
const SINGLE: u64 = HeaderName::bits(&[
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::MaxForwards,
    HeaderName::ContentLength,
]);

/// Numbers of which all but one are in few messages, with the largest.
const NUMBERS: [(HeaderName, u64); 4] = [
    (HeaderName::MaxForwards, 255),
    (HeaderName::Expires, u32::MAX as u64),
    (HeaderName::MinExpires, u32::MAX as u64),
    (HeaderName::RetryAfter, u32::MAX as u64),
];

impl Message {
    /// What RFC 3261 §8.1.1 asks of every message.
    pub(super) fn check(&self, head: &Head, core: &Core) -> Oddities {
        let mut found = Oddities::default();
        for (header, oddity) in NEEDED {
            if !head.has(header) {
                found.insert(oddity);
            }
        }
        if head.repeated & SINGLE != 0 {
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
        found.union(self.out_of_range())
    }

    /// Numbers and dates that elements must not send; few messages have these fields.
    fn out_of_range(&self) -> Oddities {
        let mut found = Oddities::default();
        for (header, largest) in NUMBERS {
            if self
                .header(header)
                .is_some_and(|value| value::delta_seconds(&value).is_none_or(|it| it > largest))
            {
                found.insert(Oddity::NumberOutOfRange);
            }
        }
        if self.header(HeaderName::Date).is_some_and(|date| {
            let zone = date.last_chunk::<3>();
            !zone.is_some_and(|zone| zone.eq_ignore_ascii_case(b"GMT"))
        }) {
            found.insert(Oddity::DateZone);
        }
        found
    }
}
