//! One SIP message: start line, header fields, body, oddities. Comes in: bytes that a datagram or a stream held. Goes
//! out: a [`Message`]. This room does not know where the bytes came from or what was said before.

pub mod body;
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

use lexer::{Scan, Span, Start};
use std::borrow::Cow;
use value::{Brackets, NameAddr, Via};

/// A message as it was captured, with an index of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    raw: Box<[u8]>,
    scan: Scan,
    body: Span,
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
    pub fn parse(bytes: &[u8], carrier: Carrier) -> Option<Self> {
        let scan = lexer::scan(bytes, carrier.cut)?;
        let body = u32::try_from(scan.body_start).ok()?..u32::try_from(bytes.len()).ok()?;
        let mut message = Self {
            raw: bytes.into(),
            scan,
            body,
        };
        message.measure_body(carrier);
        if !carrier.cut {
            message.check();
        }
        Some(message)
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
        self.scan
            .fields
            .iter()
            .filter(move |field| field.header == header)
            .map(|field| unfold(self.bytes(&field.value)))
    }

    /// Name and value of every field in order; values are unfolded.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
        self.scan
            .fields
            .iter()
            .map(|field| (self.bytes(&field.name), unfold(self.bytes(&field.value))))
    }

    /// The Call-ID; `None` when there is none or it is empty.
    pub fn call_id(&self) -> Option<Cow<'_, [u8]>> {
        self.header(HeaderName::CallId).filter(|id| !id.is_empty())
    }

    /// The number and method of the CSeq; `None` when it is missing or unreadable.
    pub fn cseq(&self) -> Option<(u64, Method)> {
        value::cseq(&self.header(HeaderName::CSeq)?)
    }

    /// The tag of the From; `None` when there is none.
    pub fn from_tag(&self) -> Option<Box<[u8]>> {
        self.tag(HeaderName::From)
    }

    /// The tag of the To; `None` when there is none.
    pub fn to_tag(&self) -> Option<Box<[u8]>> {
        self.tag(HeaderName::To)
    }

    /// The URI of the first value of a From, To or Contact as written; `None` when there is none.
    pub fn uri(&self, header: HeaderName) -> Option<Box<[u8]>> {
        let value = self.header(header)?;
        // A From or To is one value, whatever commas an unquoted display name may have (RFC 4475 §3.1.2.15).
        let first = match header {
            HeaderName::From | HeaderName::To => &value,
            _ => value::list(&value).next()?,
        };
        Some(NameAddr::of(first).uri.into())
    }

    /// The topmost Via value, unfolded; `None` when there is none.
    pub fn top_via(&self) -> Option<Cow<'_, [u8]>> {
        match self.header(HeaderName::Via)? {
            Cow::Borrowed(value) => Some(Cow::Borrowed(value::list(value).next()?)),
            Cow::Owned(value) => Some(Cow::Owned(value::list(&value).next()?.to_vec())),
        }
    }

    /// How many Via values the message has: one more for each proxy it passed.
    pub fn via_count(&self) -> usize {
        self.headers(HeaderName::Via)
            .map(|value| {
                // Stray separators are no values (RFC 4475 §3.1.2.1).
                value::list(&value)
                    .filter(|via| !via.starts_with(b";"))
                    .count()
            })
            .sum()
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

    fn tag(&self, header: HeaderName) -> Option<Box<[u8]>> {
        let value = self.header(header)?;
        NameAddr::of(&value).tag().map(Into::into)
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

    /// What RFC 3261 §8.1.1 asks of every message.
    fn check(&mut self) {
        let mut found = Oddities::default();
        let count = |header: HeaderName| {
            self.scan
                .fields
                .iter()
                .filter(|field| field.header == header)
                .count()
        };
        for (header, oddity) in [
            (HeaderName::Via, Oddity::ViaMissing),
            (HeaderName::From, Oddity::FromMissing),
            (HeaderName::To, Oddity::ToMissing),
            (HeaderName::CallId, Oddity::CallIdMissing),
            (HeaderName::CSeq, Oddity::CseqMissing),
        ] {
            if count(header) == 0 {
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
        if single.into_iter().any(|header| count(header) > 1) {
            found.insert(Oddity::RepeatedSingle);
        }
        if count(HeaderName::Via) > 0 {
            let value = self.top_via().unwrap_or_default();
            match Via::of(&value) {
                None => found.insert(Oddity::ViaUnreadable),
                Some(via) => match via.branch() {
                    Some(value::MAGIC_COOKIE) => found.insert(Oddity::BranchWithoutId),
                    Some(branch) if value::has_cookie(branch) => {}
                    _ => found.insert(Oddity::BranchWithoutCookie),
                },
            }
        }
        for header in [HeaderName::From, HeaderName::To] {
            let Some(value) = self.header(header) else {
                continue;
            };
            let it = NameAddr::of(&value);
            if !it.balanced {
                found.insert(Oddity::QuoteUnbalanced);
            } else if it.brackets == Brackets::Unclosed {
                found.insert(Oddity::BracketUnclosed);
            }
            // RFC 3261 §8.2.6.2: only 100 Trying may do without.
            let tagged = header == HeaderName::To && self.status().is_some_and(|code| code > 100);
            if tagged && it.tag().is_none() {
                found.insert(Oddity::ToTagMissing);
            }
        }
        if self.header(HeaderName::From).is_some() && self.from_tag().is_none() {
            found.insert(Oddity::FromTagMissing);
        }
        let cseq = self.cseq();
        if self.header(HeaderName::CSeq).is_some()
            && cseq
                .as_ref()
                .is_none_or(|(number, _)| *number > u64::from(u32::MAX))
        {
            found.insert(Oddity::CseqUnreadable);
        }
        if let Some(method) = self.method() {
            if count(HeaderName::MaxForwards) == 0 {
                found.insert(Oddity::MaxForwardsMissing);
            }
            if cseq.is_some_and(|(_, other)| other != method) {
                found.insert(Oddity::CseqMethod);
            }
        }
        if let Start::Request { uri, .. } = &self.scan.start
            && value::has_headers(self.bytes(uri))
        {
            found.insert(Oddity::RequestUriHeaders);
        }
        self.scan.oddities = self.scan.oddities.union(found).union(self.out_of_range());
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

/// RFC 3261 §7.3.1: a line break with the white space around it counts as one space.
fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if !value.contains(&b'\n') {
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
