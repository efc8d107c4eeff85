//! What correlation asks of every message, read once: CSeq, tags, the topmost Via.

use super::lexer::{Scan, Span};
use super::value::{self, Brackets, NameAddr, Via};
use super::{HeaderName, Message, Method};

/// The values that make a message part of a transaction and of a dialog, and what is odd about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Core {
    pub(super) cseq: Option<(u64, Method)>,
    pub(super) from: Option<Address>,
    pub(super) to: Option<Address>,
    /// The topmost Via value; folds are still inside.
    pub(super) top_via: Option<Span>,
    pub(super) branch: Branch,
}

/// A From or To.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    uri: Option<Span>,
    tag: Option<Span>,
    pub(super) balanced: bool,
    pub(super) unclosed: bool,
}

/// How the branch of the topmost Via looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Branch {
    /// There is no Via.
    NoVia,
    /// The Via cannot be read.
    Unreadable,
    /// The magic cookie and nothing else.
    CookieAlone,
    /// As RFC 3261 §8.1.1.7 has it.
    Proper,
    /// Missing, or without the cookie.
    WithoutCookie,
}

impl Core {
    pub(super) fn of(raw: &[u8], scan: &Scan) -> Self {
        let first = |header| {
            let value = &scan.of(header).next()?.value;
            raw.get(value.start as usize..value.end as usize)
        };
        let vias = first(HeaderName::Via);
        let top_via = vias.and_then(|vias| value::list(vias).next());
        let address = |header| first(header).map(|value| Address::of(raw, value));
        Self {
            cseq: first(HeaderName::CSeq).and_then(value::cseq),
            from: address(HeaderName::From),
            to: address(HeaderName::To),
            top_via: top_via.and_then(|via| span_in(raw, via)),
            branch: match vias {
                None => Branch::NoVia,
                Some(_) => Branch::of(top_via.unwrap_or_default()),
            },
        }
    }
}

impl Address {
    fn of(raw: &[u8], value: &[u8]) -> Self {
        let it = NameAddr::of(value);
        Self {
            uri: span_in(raw, it.uri),
            tag: it.tag().and_then(|tag| span_in(raw, tag)),
            balanced: it.balanced,
            unclosed: it.brackets == Brackets::Unclosed,
        }
    }

    pub(super) fn uri<'a>(&self, message: &'a Message) -> Option<&'a [u8]> {
        self.uri.as_ref().map(|span| message.bytes(span))
    }

    pub(super) fn tag<'a>(&self, message: &'a Message) -> Option<&'a [u8]> {
        self.tag.as_ref().map(|span| message.bytes(span))
    }

    pub(super) const fn has_tag(&self) -> bool {
        self.tag.is_some()
    }
}

impl Branch {
    fn of(via: &[u8]) -> Self {
        match Via::of(via).map(|via| via.branch()) {
            None => Self::Unreadable,
            Some(Some(value::MAGIC_COOKIE)) => Self::CookieAlone,
            Some(Some(branch)) if value::has_cookie(branch) => Self::Proper,
            Some(_) => Self::WithoutCookie,
        }
    }
}

/// Where a part of `whole` stands in it; `None` when it is no part of it.
fn span_in(whole: &[u8], part: &[u8]) -> Option<Span> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start + part.len();
    (end <= whole.len()).then_some(())?;
    Some(u32::try_from(start).ok()?..u32::try_from(end).ok()?)
}
