//! One SIP message: start line, header fields, body, oddities. Comes in: bytes that a datagram or a stream held. Goes
//! out: a [`Message`]. This room does not know where the bytes came from or what was said before.

pub mod body;
mod check;
mod core;
pub mod digest;
mod find;
mod head;
mod header;
mod lexer;
mod method;
mod oddity;
mod packed;
pub mod passport;
mod place;
pub mod sdp;
pub mod typed;
pub mod value;

pub use header::HeaderName;
pub use lexer::{is_token, leading_empty_lines, looks_like_sip};
pub use method::Method;
pub use oddity::{Oddities, Oddity};
pub use place::Place;

use crate::hash::fingerprint;
use core::Core;
use head::{Field, Head, Span, Start};
use packed::{Packed, Part};
use std::borrow::Cow;
use value::NameAddr;

/// A message as it was captured, with an index of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    packed: Packed,
    oddities: Oddities,
    fingerprint: u64,
    /// The number of the CSeq; any where it has none that fits.
    cseq: u32,
    /// Where the body ends.
    body_end: u32,
    /// The status code, [`NO_STATUS`] or [`LARGE_STATUS`].
    status: u16,
    /// How many Via values there are, as far as 16 bits tell.
    vias: u16,
    /// The methods of the request and of the CSeq, see [`method_code`].
    method: u8,
    cseq_method: u8,
    names_stream: bool,
    /// Whether a value goes on over several lines.
    folded: bool,
}

// One more cache line for each message that is kept would not go unnoticed.
const _: () = assert!(size_of::<Message>() <= 128 - 2 * size_of::<usize>());

/// A status code that needs more than 16 bits, which is read again where somebody asks.
const LARGE_STATUS: u16 = u16::MAX;
/// No status code: a request.
const NO_STATUS: u16 = u16::MAX - 1;

/// No method: a response, or a CSeq that is missing or unreadable.
const NO_METHOD: u8 = u8::MAX;
/// A method that is not registered, or a CSeq with a number above 32 bits: it is read again where somebody asks.
const OTHER_METHOD: u8 = u8::MAX - 1;

/// What carried a message, as far as it decides what is odd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carrier {
    /// The capture lacks the end of the message.
    pub cut: bool,
    /// The message came over a stream transport, where Content-Length is mandatory (RFC 3261 §18.3).
    pub stream: bool,
}

/// The kind of a message with what its start line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartLine<'a> {
    /// A request with its method and Request-URI.
    Request {
        /// The method.
        method: Method,
        /// The Request-URI as written.
        uri: &'a [u8],
    },
    /// A response with its status code and reason phrase.
    Response {
        /// The status code, also one that no RFC allows.
        status: u64,
        /// The reason phrase as written; empty when there is none.
        reason: &'a [u8],
    },
}

impl Message {
    /// Reads a message; `None` when the bytes do not begin with a SIP start line.
    #[inline]
    pub fn parse(bytes: &[u8], carrier: Carrier) -> Option<Self> {
        // Nearly all that is no SIP is told by its first byte.
        if !lexer::may_begin(bytes) {
            return None;
        }
        Self::read(bytes, carrier)
    }

    fn read(bytes: &[u8], carrier: Carrier) -> Option<Self> {
        let len = u32::try_from(bytes.len()).ok()?;
        let mut head = Head::new();
        lexer::scan(bytes, carrier.cut, &mut head)?;
        let body = u32::try_from(head.body_start).ok()?..len;
        let core = Core::of(bytes, &head);
        let end = match measure_body(bytes, &head, &body, carrier) {
            Ok(end) => {
                if end < body.end {
                    head.oddities.insert(Oddity::BytesAfterBody);
                }
                end
            }
            Err(oddity) => {
                head.oddities.insert(oddity);
                body.end
            }
        };
        let (cseq, cseq_method) = match &core.cseq {
            None => (0, NO_METHOD),
            Some((number, method)) => match u32::try_from(*number) {
                Ok(number) => (number, method_code(method)),
                Err(_) => (0, OTHER_METHOD),
            },
        };
        let mut message = Self {
            packed: Packed::of(bytes, &head, &core.parts)?,
            oddities: head.oddities,
            fingerprint: fingerprint(bytes),
            cseq,
            body_end: end,
            status: match head.start {
                Start::Response { status, .. } => u16::try_from(status)
                    .ok()
                    .filter(|&status| status < NO_STATUS)
                    .unwrap_or(LARGE_STATUS),
                _ => NO_STATUS,
            },
            vias: core.vias,
            method: match &head.start {
                Start::Request { method, .. } => method_code(&Method::of(bytes_of(bytes, method))),
                _ => NO_METHOD,
            },
            cseq_method,
            names_stream: core.names_stream,
            folded: head.folded,
        };
        if !carrier.cut {
            let found = message.check(bytes, &head, &core);
            message.oddities = message.oddities.union(found);
        }
        Some(message)
    }

    /// The start line.
    pub fn start_line(&self) -> StartLine<'_> {
        let target = self.part(Part::Target).unwrap_or_default();
        match self.method() {
            Some(method) => StartLine::Request {
                method,
                uri: target,
            },
            None => StartLine::Response {
                status: self.status().unwrap_or_default(),
                reason: target,
            },
        }
    }

    /// The request's method; `None` for a response.
    #[inline]
    pub fn method(&self) -> Option<Method> {
        match self.method {
            NO_METHOD => None,
            OTHER_METHOD => self.part(Part::Method).map(Method::of),
            code => Method::at(code),
        }
    }

    /// The response's status code; `None` for a request.
    #[inline]
    pub fn status(&self) -> Option<u64> {
        match self.status {
            NO_STATUS => None,
            LARGE_STATUS => self.large_status(),
            status => Some(status.into()),
        }
    }

    #[cold]
    fn large_status(&self) -> Option<u64> {
        let raw = self.raw();
        let message = raw.get(leading_empty_lines(raw)..)?;
        match lexer::start_line(message, self.is_cut(), &mut Oddities::default())? {
            Start::Response { status, .. } => Some(status),
            _ => None,
        }
    }

    /// The message as captured.
    pub const fn raw(&self) -> &[u8] {
        self.packed.raw()
    }

    /// A keyed fingerprint of the message as captured: equal for equal messages within one run, and nothing else.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The body, as far as Content-Length and the captured bytes reach.
    pub fn body(&self) -> &[u8] {
        self.bytes(&(self.packed.head_len()..self.body_end))
    }

    fn body_start(&self) -> usize {
        self.packed.head_len() as usize
    }

    /// Has all of it brought into the cache.
    pub fn fetch(&self) {
        self.packed.fetch();
    }

    /// The memory that it takes, in bytes.
    pub fn footprint(&self) -> usize {
        size_of::<Self>() + self.packed.footprint()
    }

    /// What departs from RFC 3261, as far as the scan sees it.
    pub const fn oddities(&self) -> Oddities {
        self.oddities
    }

    /// Whether the capture lacks the end of the message.
    pub const fn is_cut(&self) -> bool {
        self.oddities.contains(Oddity::Incomplete)
    }

    /// The value of the first field of that name, unfolded (RFC 3261 §7.3.1); `None` when there is none.
    pub fn header(&self, header: HeaderName) -> Option<Cow<'_, [u8]>> {
        let (value, folded) = self.packed.first_value(header)?;
        Some(self.value(&value, folded))
    }

    /// The values of all fields of that name in their order, unfolded.
    pub fn headers(&self, header: HeaderName) -> impl Iterator<Item = Cow<'_, [u8]>> {
        (self.packed.of_name(header)).map(|field| self.value(&field.value, field.folded()))
    }

    /// Name and value of every field in order; values are unfolded.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
        self.fields_named(|_| true)
    }

    /// The same of those with a name that is `wanted`.
    pub fn fields_named(
        &self,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
        self.packed.fields().filter_map(move |field| {
            let name = self.bytes(&field.name);
            wanted(name).then(|| (name, self.value(&field.value, field.folded())))
        })
    }

    /// Whether there is a field of that name.
    #[inline]
    pub const fn has(&self, header: HeaderName) -> bool {
        self.packed.has(header)
    }

    /// The Call-ID; `None` when there is none or it is empty.
    #[inline]
    pub fn call_id(&self) -> Option<Cow<'_, [u8]>> {
        if self.folded {
            return self.header(HeaderName::CallId).filter(|id| !id.is_empty());
        }
        (self.part(Part::CallId).filter(|id| !id.is_empty())).map(Cow::Borrowed)
    }

    /// The number and method of the CSeq; `None` when it is missing or unreadable.
    #[inline]
    pub fn cseq(&self) -> Option<(u64, Method)> {
        match self.cseq_method {
            NO_METHOD => None,
            OTHER_METHOD => {
                let (value, _) = self.packed.first_value(HeaderName::CSeq)?;
                value::cseq(self.bytes(&value))
            }
            code => Some((self.cseq.into(), Method::at(code)?)),
        }
    }

    /// The tag of the From; `None` when there is none.
    #[inline]
    pub fn from_tag(&self) -> Option<&[u8]> {
        self.part(Part::FromTag)
    }

    /// The tag of the To; `None` when there is none.
    #[inline]
    pub fn to_tag(&self) -> Option<&[u8]> {
        self.part(Part::ToTag)
    }

    /// The URI of a From or To, or of the first value of a Contact, as written; `None` when there is none.
    pub fn uri(&self, header: HeaderName) -> Option<Cow<'_, [u8]>> {
        // A From or To is one value, whatever commas an unquoted display name may have (RFC 4475 §3.1.2.15).
        match header {
            HeaderName::From => self.unfolded(Part::FromUri),
            HeaderName::To => self.unfolded(Part::ToUri),
            HeaderName::Contact => self.unfolded(Part::Contact),
            _ => match self.header(header)? {
                Cow::Borrowed(value) => {
                    let first = value::list(value).next()?;
                    Some(Cow::Borrowed(NameAddr::of(first).uri))
                }
                Cow::Owned(value) => {
                    let first = value::list(&value).next()?;
                    Some(Cow::Owned(NameAddr::of(first).uri.to_vec()))
                }
            },
        }
    }

    /// The topmost Via value, unfolded; `None` when there is none.
    #[inline]
    pub fn top_via(&self) -> Option<Cow<'_, [u8]>> {
        self.unfolded(Part::TopVia)
    }

    /// The sent-by of the topmost Via, unfolded; `None` when there is no Via or it cannot be read.
    pub fn sent_by(&self) -> Option<Cow<'_, [u8]>> {
        self.unfolded(Part::SentBy)
    }

    /// The branch of the topmost Via, unfolded; `None` when it has none.
    pub fn branch(&self) -> Option<Cow<'_, [u8]>> {
        self.unfolded(Part::Branch)
    }

    /// How many Via values the message has: one more for each proxy it passed.
    pub const fn via_count(&self) -> u16 {
        self.vias
    }

    /// Whether its Request-URI, a Contact, a Route or a Record-Route can name TCP or TLS; false where none can.
    pub const fn names_stream(&self) -> bool {
        self.names_stream
    }

    /// The decimal number of a field such as Expires or RSeq; `None` when it is missing or no number.
    pub fn number(&self, header: HeaderName) -> Option<u64> {
        let value = self.header(header)?;
        let digits = value
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        (digits > 0).then(|| lexer::number(value.get(..digits).unwrap_or_default()))
    }

    /// Text of a field for people, such as Server or Warning; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self, header: HeaderName) -> Option<Box<str>> {
        self.header(header).map(|value| value::lossy(&value).into())
    }

    #[inline]
    fn value(&self, value: &Span, folded: bool) -> Cow<'_, [u8]> {
        let value = self.bytes(value);
        if folded {
            unfold(value)
        } else {
            Cow::Borrowed(value)
        }
    }

    #[inline]
    fn part(&self, part: Part) -> Option<&[u8]> {
        self.packed.part(part)
    }

    #[inline]
    fn unfolded(&self, part: Part) -> Option<Cow<'_, [u8]>> {
        let value = self.part(part)?;
        Some(if self.folded {
            unfold(value)
        } else {
            Cow::Borrowed(value)
        })
    }

    #[inline]
    fn bytes(&self, span: &Span) -> &[u8] {
        bytes_of(self.raw(), span)
    }
}

#[inline]
fn bytes_of<'a>(raw: &'a [u8], span: &Span) -> &'a [u8] {
    raw.get(span.start as usize..span.end as usize)
        .unwrap_or_default()
}

/// The value of a field, unfolded.
#[inline]
fn value_in<'a>(raw: &'a [u8], field: &Field) -> Cow<'a, [u8]> {
    let value = bytes_of(raw, &field.value);
    if field.folded() {
        unfold(value)
    } else {
        Cow::Borrowed(value)
    }
}

/// A method in one byte: its place among the registered ones, or [`OTHER_METHOD`].
fn method_code(method: &Method) -> u8 {
    method.place().unwrap_or(OTHER_METHOD)
}

/// Where the body ends: RFC 3261 §18.3, on datagrams at Content-Length or at the end of the datagram.
///
/// # Errors
///
/// What is odd about the Content-Length, when it says nothing that can be used; the body ends with the bytes then.
fn measure_body(raw: &[u8], head: &Head, body: &Span, carrier: Carrier) -> Result<u32, Oddity> {
    let Some(field) = head.field(HeaderName::ContentLength) else {
        return match carrier {
            Carrier {
                stream: true,
                cut: false,
            } => Err(Oddity::ContentLengthMissing),
            _ => Ok(body.end),
        };
    };
    let value = value_in(raw, field);
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Oddity::ContentLengthUnreadable);
    }
    let announced = lexer::number(digits);
    if announced <= u64::from(body.end - body.start) {
        return Ok(body.start + u32::try_from(announced).unwrap_or(u32::MAX));
    }
    if carrier.cut {
        Ok(body.end)
    } else {
        Err(Oddity::ContentLengthTooLarge)
    }
}

/// RFC 3261 §7.3.1: a line break with the white space around it counts as one space.
fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if find::byte(b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut unfolded = Vec::with_capacity(value.len());
    for (index, line) in value.split(|&byte| byte == b'\n').enumerate() {
        if index > 0 {
            unfolded.push(b' ');
        }
        unfolded.extend_from_slice(if index == 0 {
            line.trim_ascii_end()
        } else {
            line.trim_ascii()
        });
    }
    Cow::Owned(unfolded)
}
