//! One SIP message: start line, header fields, body, oddities. Comes in: bytes that a datagram or a stream held. Goes
//! out: a [`Message`]. This room does not know where the bytes came from or what was said before.

pub mod body;
mod check;
mod core;
pub mod digest;
mod header;
mod lexer;
mod method;
mod oddity;
pub mod passport;
mod place;
pub mod sdp;
pub mod typed;
pub mod value;

pub use header::HeaderName;
pub use lexer::{leading_empty_lines, looks_like_sip};
pub use method::Method;
pub use oddity::{Oddities, Oddity};
pub use place::Place;

use crate::hash::fingerprint;
use core::Core;
use lexer::{Field, Scan, Span, Start};
use memchr::memchr;
use std::borrow::Cow;
use value::NameAddr;

/// A message as it was captured, with an index of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    raw: Box<[u8]>,
    scan: Scan,
    body: Span,
    core: Core,
    fingerprint: u64,
    call_key: u64,
}

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
        let scan = lexer::scan(bytes, carrier.cut)?;
        let body = u32::try_from(scan.body_start).ok()?..u32::try_from(bytes.len()).ok()?;
        let core = Core::of(bytes, &scan);
        let mut message = Self {
            raw: bytes.into(),
            scan,
            body,
            core,
            fingerprint: fingerprint(bytes),
            call_key: 0,
        };
        message.call_key = message.call_id().map_or(0, fingerprint);
        message.measure_body(carrier);
        if !carrier.cut {
            let found = message.check();
            message.scan.oddities = message.scan.oddities.union(found);
        }
        Some(message)
    }

    /// Reads a byte of each cache line that is asked for first. A message waits long enough for its memory to be in no cache,
    /// and what is read at once comes at once, not one after the other.
    pub fn touch(&self) {
        let lines = self.raw.iter().step_by(LINE).take(TOUCHED);
        let fields = self.scan.fields.iter().step_by(LINE / size_of::<Field>());
        let found = lines.fold(self.core.vias, |found, byte| found ^ u16::from(*byte));
        let found = fields.fold(found, |found, field| found ^ u16::from(field.folded));
        std::hint::black_box(found);
    }

    /// The start line.
    pub fn start_line(&self) -> StartLine<'_> {
        match &self.scan.start {
            Start::Request { method, uri } => StartLine::Request {
                method: Method::of(self.bytes(method)),
                uri: self.bytes(uri),
            },
            Start::Response { status, reason } => StartLine::Response {
                status: *status,
                reason: self.bytes(reason),
            },
        }
    }

    /// The request's method; `None` for a response.
    pub fn method(&self) -> Option<Method> {
        match &self.scan.start {
            Start::Request { method, .. } => Some(Method::of(self.bytes(method))),
            Start::Response { .. } => None,
        }
    }

    /// The response's status code; `None` for a request.
    pub const fn status(&self) -> Option<u64> {
        match self.scan.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The message as captured.
    pub const fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// A keyed fingerprint of the message as captured: equal for equal messages within one run, and nothing else.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The body, as far as Content-Length and the captured bytes reach.
    pub fn body(&self) -> &[u8] {
        self.bytes(&self.body)
    }

    /// The memory that it takes, in bytes.
    pub fn footprint(&self) -> usize {
        size_of::<Self>() + self.raw.len() + self.scan.footprint()
    }

    /// What departs from RFC 3261, as far as the scan sees it.
    pub const fn oddities(&self) -> Oddities {
        self.scan.oddities
    }

    /// Whether the capture lacks the end of the message.
    pub const fn is_cut(&self) -> bool {
        self.scan.oddities.contains(Oddity::Incomplete)
    }

    /// The value of the first field of that name, unfolded (RFC 3261 §7.3.1); `None` when there is none.
    pub fn header(&self, header: HeaderName) -> Option<Cow<'_, [u8]>> {
        self.headers(header).next()
    }

    /// The values of all fields of that name in their order, unfolded.
    pub fn headers(&self, header: HeaderName) -> impl Iterator<Item = Cow<'_, [u8]>> {
        self.scan.of(header).map(|field| self.value(field))
    }

    /// Name and value of every field in order; values are unfolded.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
        (self.scan.fields.iter()).map(|field| (self.bytes(&field.name), self.value(field)))
    }

    /// Whether there is a field of that name.
    pub fn has(&self, header: HeaderName) -> bool {
        self.scan.has(header)
    }

    /// The Call-ID; `None` when there is none or it is empty.
    pub fn call_id(&self) -> Option<Cow<'_, [u8]>> {
        self.header(HeaderName::CallId).filter(|id| !id.is_empty())
    }

    /// A fingerprint of the Call-ID, by which calls are found; 0 when there is none.
    pub const fn call_key(&self) -> u64 {
        self.call_key
    }

    /// The number and method of the CSeq; `None` when it is missing or unreadable.
    pub fn cseq(&self) -> Option<(u64, Method)> {
        self.core.cseq.clone()
    }

    /// The tag of the From; `None` when there is none.
    pub fn from_tag(&self) -> Option<&[u8]> {
        self.core.from.as_ref()?.tag(self)
    }

    /// The tag of the To; `None` when there is none.
    pub fn to_tag(&self) -> Option<&[u8]> {
        self.core.to.as_ref()?.tag(self)
    }

    /// The URI of a From or To, or of the first value of a Contact, as written; `None` when there is none.
    pub fn uri(&self, header: HeaderName) -> Option<Cow<'_, [u8]>> {
        // A From or To is one value, whatever commas an unquoted display name may have (RFC 4475 §3.1.2.15).
        match header {
            HeaderName::From => self.core.from.as_ref()?.uri(self).map(unfold),
            HeaderName::To => self.core.to.as_ref()?.uri(self).map(unfold),
            HeaderName::Contact => Some(unfold(self.bytes(self.core.contact.as_ref()?))),
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
    pub fn top_via(&self) -> Option<Cow<'_, [u8]>> {
        let value = self.bytes(self.core.top_via.as_ref()?);
        let folded = self.scan.of(HeaderName::Via).next()?.folded;
        Some(if folded {
            unfold(value)
        } else {
            Cow::Borrowed(value)
        })
    }

    /// The sent-by of the topmost Via, unfolded; `None` when there is no Via or it cannot be read.
    pub fn sent_by(&self) -> Option<Cow<'_, [u8]>> {
        Some(unfold(self.bytes(self.core.sent_by.as_ref()?)))
    }

    /// The branch of the topmost Via, unfolded; `None` when it has none.
    pub fn branch(&self) -> Option<Cow<'_, [u8]>> {
        Some(unfold(self.bytes(self.core.branch_value.as_ref()?)))
    }

    /// How many Via values the message has: one more for each proxy it passed.
    pub fn via_count(&self) -> usize {
        self.core.vias.into()
    }

    /// Whether its Request-URI, a Contact, a Route or a Record-Route can name TCP or TLS; false where none can.
    pub const fn names_stream(&self) -> bool {
        self.core.names_stream
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
        self.header(header)
            .map(|value| String::from_utf8_lossy(&value).into())
    }

    fn value(&self, field: &Field) -> Cow<'_, [u8]> {
        let value = self.bytes(&field.value);
        if field.folded {
            unfold(value)
        } else {
            Cow::Borrowed(value)
        }
    }

    fn bytes(&self, span: &Span) -> &[u8] {
        self.raw
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// RFC 3261 §18.3: on datagrams the body ends at Content-Length or at the end of the datagram.
    fn measure_body(&mut self, carrier: Carrier) {
        let Some(value) = self.header(HeaderName::ContentLength) else {
            if carrier.stream && !carrier.cut {
                self.scan.oddities.insert(Oddity::ContentLengthMissing);
            }
            return;
        };
        let digits = value.trim_ascii();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            self.scan.oddities.insert(Oddity::ContentLengthUnreadable);
            return;
        }
        let announced = lexer::number(digits);
        let present = u64::from(self.body.end - self.body.start);
        if announced > present {
            if !carrier.cut {
                self.scan.oddities.insert(Oddity::ContentLengthTooLarge);
            }
        } else if announced < present {
            self.scan.oddities.insert(Oddity::BytesAfterBody);
            self.body.end = self.body.start + u32::try_from(announced).unwrap_or(u32::MAX);
        }
    }
}

/// Bytes of a cache line.
const LINE: usize = 64;
/// Cache lines that the head of most messages takes.
const TOUCHED: usize = 10;

/// RFC 3261 §7.3.1: a line break with the white space around it counts as one space.
fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'\n', value).is_none() {
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
