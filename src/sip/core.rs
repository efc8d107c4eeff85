//! What is asked of every message, read once: CSeq, tags, the topmost Via, where the Contact is.

use super::lexer::{Field, Scan, Span, Start};
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
    /// Its sent-by; folds are still inside.
    pub(super) sent_by: Option<Span>,
    /// Its branch, where it has one; folds are still inside.
    pub(super) branch_value: Option<Span>,
    pub(super) branch: Branch,
    /// How many Via values there are, as far as 16 bits tell.
    pub(super) vias: u16,
    /// The URI of the first Contact value; folds are still inside.
    pub(super) contact: Option<Span>,
    /// Whether a URI to which requests may be sent can name TCP or TLS.
    pub(super) names_stream: bool,
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
        let bytes = |span: &Span| raw.get(span.start as usize..span.end as usize);
        let mut top_via = None;
        let mut vias = 0_u16;
        for field in scan.of(HeaderName::Via) {
            for value in value::list(bytes(&field.value).unwrap_or_default()) {
                top_via.get_or_insert(value);
                // Stray separators are no values (RFC 4475 §3.1.2.1).
                vias = vias.saturating_add(u16::from(!value.starts_with(b";")));
            }
        }
        let via = top_via.and_then(Via::of);
        let branch = via.and_then(|via| via.branch());
        let contact = first(HeaderName::Contact).and_then(|value| value::list(value).next());
        let address = |header| first(header).map(|value| Address::of(raw, value));
        Self {
            cseq: first(HeaderName::CSeq).and_then(value::cseq),
            from: address(HeaderName::From),
            to: address(HeaderName::To),
            top_via: top_via.and_then(|via| span_in(raw, via)),
            sent_by: via.and_then(|via| span_in(raw, via.sent_by)),
            branch_value: branch.and_then(|branch| span_in(raw, branch)),
            branch: match (first(HeaderName::Via), via) {
                (None, _) => Branch::NoVia,
                (Some(_), None) => Branch::Unreadable,
                (Some(_), Some(_)) => Branch::of(branch),
            },
            vias,
            contact: contact.and_then(|value| span_in(raw, NameAddr::of(value).uri)),
            names_stream: names_stream(raw, scan),
        }
    }
}

/// Whether the Request-URI, a Contact, a Route or a Record-Route can be a URI that names TCP or TLS: by its scheme `sips` or
/// by its `transport` (RFC 3261 §19.1.1).
fn names_stream(raw: &[u8], scan: &Scan) -> bool {
    let in_bytes = |span: &Span| {
        let bytes = raw.get(span.start as usize..span.end as usize);
        bytes.is_some_and(value::may_name_stream)
    };
    let in_field = |field: &Field| in_bytes(&field.value);
    let of = |header| scan.of(header).any(in_field);
    matches!(&scan.start, Start::Request { uri, .. } if in_bytes(uri))
        || of(HeaderName::Contact)
        || of(HeaderName::Route)
        || of(HeaderName::RecordRoute)
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
    fn of(branch: Option<&[u8]>) -> Self {
        match branch {
            Some(value::MAGIC_COOKIE) => Self::CookieAlone,
            Some(branch) if value::has_cookie(branch) => Self::Proper,
            _ => Self::WithoutCookie,
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
