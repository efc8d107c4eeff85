//! What is asked of every message, read once: CSeq, tags, the topmost Via, where the Contact is.

use super::find;
use super::head::{Field, Head, Span, Start};
use super::packed::{PARTS, Part, Parts};
use super::value::{self, Brackets, NameAddr, Via};
use super::{HeaderName, Method};

/// The values that make a message part of a transaction and of a dialog, and what is odd about them.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) parts: Parts,
    pub(super) cseq: Option<(u64, Method)>,
    /// `None` when there is no From, or no To.
    pub(super) from: Option<Address>,
    pub(super) to: Option<Address>,
    pub(super) branch: Branch,
    /// How many Via values there are, as far as 16 bits tell.
    pub(super) vias: u16,
    /// Whether a URI to which requests may be sent can name TCP or TLS.
    pub(super) names_stream: bool,
}

/// What is odd about a From or To.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) tagged: bool,
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
    pub(super) fn of(raw: &[u8], head: &Head) -> Self {
        let mut parts = [const { None }; PARTS];
        let mut note = |part: Part, span: Option<Span>| {
            if let Some(place) = parts.get_mut(part as usize) {
                *place = span;
            }
        };
        match &head.start {
            Start::Request { method, uri } => {
                note(Part::Method, Some(method.clone()));
                note(Part::Target, Some(uri.clone()));
            }
            Start::Response { reason, .. } => note(Part::Target, Some(reason.clone())),
            Start::Unread => {}
        }
        let bytes = |span: &Span| raw.get(span.start as usize..span.end as usize);
        let first = |header| {
            head.field(header)
                .map(|it| bytes(&it.value).unwrap_or_default())
        };
        let (top_via, vias) = vias(raw, head);
        let via = top_via.and_then(Via::of);
        let branch = via.and_then(|via| via.branch());
        note(Part::TopVia, top_via.and_then(|via| span_in(raw, via)));
        note(Part::SentBy, via.and_then(|via| span_in(raw, via.sent_by)));
        note(Part::Branch, branch.and_then(|it| span_in(raw, it)));
        let contact = first(HeaderName::Contact).and_then(|value| {
            // Brackets and nothing behind them: what is no list.
            NameAddr::plain(value)
                .filter(|it| it.params().is_empty())
                .or_else(|| value::list(value).next().map(NameAddr::of))
        });
        note(Part::Contact, contact.and_then(|it| span_in(raw, it.uri)));
        let call_id = head.field(HeaderName::CallId);
        note(Part::CallId, call_id.map(|it| it.value.clone()));
        let mut address = |header, uri, tag| {
            let value = first(header)?;
            let it = NameAddr::plain(value).unwrap_or_else(|| NameAddr::of(value));
            let found = it.tag();
            note(uri, span_in(raw, it.uri));
            note(tag, found.and_then(|tag| span_in(raw, tag)));
            Some(Address {
                tagged: found.is_some(),
                balanced: it.balanced,
                unclosed: it.brackets == Brackets::Unclosed,
            })
        };
        let from = address(HeaderName::From, Part::FromUri, Part::FromTag);
        let to = address(HeaderName::To, Part::ToUri, Part::ToTag);
        Self {
            parts,
            cseq: first(HeaderName::CSeq).and_then(value::cseq),
            from,
            to,
            branch: match (head.has(HeaderName::Via), via) {
                (false, _) => Branch::NoVia,
                (true, None) => Branch::Unreadable,
                (true, Some(_)) => Branch::of(branch),
            },
            vias,
            names_stream: names_stream(raw, head),
        }
    }
}

/// The topmost Via value, and how many there are.
fn vias<'a>(raw: &'a [u8], head: &Head) -> (Option<&'a [u8]>, u16) {
    let bytes = |it: &Field| raw.get(it.value.start as usize..it.value.end as usize);
    let Some(field) = head.field(HeaderName::Via) else {
        return (None, 0);
    };
    let first = bytes(field).unwrap_or_default();
    let single = !field.more() && find::any([b',', b'"', b'<'], first).is_none();
    if single && !matches!(first, [] | [b';', ..]) {
        return (Some(first), 1);
    }
    let mut top = None;
    let mut count = 0_u16;
    for field in head.of(HeaderName::Via) {
        for value in value::list(bytes(field).unwrap_or_default()) {
            top.get_or_insert(value);
            // Stray separators are no values (RFC 4475 §3.1.2.1).
            count = count.saturating_add(u16::from(!value.starts_with(b";")));
        }
    }
    (top, count)
}

/// Whether the Request-URI, a Contact, a Route or a Record-Route can be a URI that names TCP or TLS: by its scheme `sips` or
/// by its `transport` (RFC 3261 §19.1.1).
fn names_stream(raw: &[u8], head: &Head) -> bool {
    let in_bytes = |span: &Span| {
        let bytes = raw.get(span.start as usize..span.end as usize);
        bytes.is_some_and(value::may_name_stream)
    };
    let in_field = |field: &Field| in_bytes(&field.value);
    let of = |header| {
        (head.field(header))
            .is_some_and(|first| in_field(first) || (first.more() && head.of(header).any(in_field)))
    };
    matches!(&head.start, Start::Request { uri, .. } if in_bytes(uri))
        || of(HeaderName::Contact)
        || of(HeaderName::Route)
        || of(HeaderName::RecordRoute)
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
