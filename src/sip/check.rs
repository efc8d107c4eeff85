//! What RFC 3261 asks of every message and the scan did not see.

use super::core::Branch;
use super::lexer::Start;
use super::{HeaderName, Message, Oddities, Oddity, value};

impl Message {
    /// What RFC 3261 §8.1.1 asks of every message.
    pub(super) fn check(&self) -> Oddities {
        let mut found = Oddities::default();
        for (header, oddity) in [
            (HeaderName::Via, Oddity::ViaMissing),
            (HeaderName::From, Oddity::FromMissing),
            (HeaderName::To, Oddity::ToMissing),
            (HeaderName::CallId, Oddity::CallIdMissing),
            (HeaderName::CSeq, Oddity::CseqMissing),
        ] {
            if !self.has(header) {
                found.insert(oddity);
            }
        }
        let single = [
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
            HeaderName::MaxForwards,
            HeaderName::ContentLength,
        ];
        if single.into_iter().any(|it| self.scan.is_repeated(it)) {
            found.insert(Oddity::RepeatedSingle);
        }
        match self.core.branch {
            Branch::Unreadable => found.insert(Oddity::ViaUnreadable),
            Branch::CookieAlone => found.insert(Oddity::BranchWithoutId),
            Branch::WithoutCookie => found.insert(Oddity::BranchWithoutCookie),
            Branch::NoVia | Branch::Proper => {}
        }
        for address in [&self.core.from, &self.core.to].into_iter().flatten() {
            if !address.balanced {
                found.insert(Oddity::QuoteUnbalanced);
            } else if address.unclosed {
                found.insert(Oddity::BracketUnclosed);
            }
        }
        // RFC 3261 §8.2.6.2: only 100 Trying may do without.
        let tagged = self.status().is_some_and(|code| code > 100);
        if tagged && self.core.to.as_ref().is_some_and(|to| !to.has_tag()) {
            found.insert(Oddity::ToTagMissing);
        }
        if self.core.from.as_ref().is_some_and(|from| !from.has_tag()) {
            found.insert(Oddity::FromTagMissing);
        }
        let cseq = self.core.cseq.as_ref();
        if self.has(HeaderName::CSeq)
            && cseq.is_none_or(|(number, _)| *number > u64::from(u32::MAX))
        {
            found.insert(Oddity::CseqUnreadable);
        }
        if let Some(method) = self.method() {
            if !self.has(HeaderName::MaxForwards) {
                found.insert(Oddity::MaxForwardsMissing);
            }
            if cseq.is_some_and(|(_, other)| *other != method) {
                found.insert(Oddity::CseqMethod);
            }
        }
        if let Start::Request { uri, .. } = &self.scan.start
            && value::has_headers(self.bytes(uri))
        {
            found.insert(Oddity::RequestUriHeaders);
        }
        found.union(self.out_of_range())
    }

    /// Numbers and dates that elements must not send; few messages have these fields.
    fn out_of_range(&self) -> Oddities {
        let mut found = Oddities::default();
        for (header, largest) in [
            (HeaderName::MaxForwards, 255),
            (HeaderName::Expires, u64::from(u32::MAX)),
            (HeaderName::MinExpires, u64::from(u32::MAX)),
            (HeaderName::RetryAfter, u64::from(u32::MAX)),
        ] {
            if self
                .header(header)
                .is_some_and(|value| value::delta_seconds(&value).is_none_or(|it| it > largest))
            {
                found.insert(Oddity::NumberOutOfRange);
            }
        }
        if self
            .header(HeaderName::Date)
            .is_some_and(|date| !date.to_ascii_uppercase().ends_with(b"GMT"))
        {
            found.insert(Oddity::DateZone);
        }
        found
    }
}
