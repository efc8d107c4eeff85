//! Departures from RFC 3261 that a message survives.

/// Declares [`Oddity`] from one list: variant, name in machine output, meaning.
macro_rules! oddities {
    ($($variant:ident $name:literal $doc:literal,)+) => {
        /// One way in which a message departs from the grammar or from what RFC 3261 asks of it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Oddity { $(#[doc = $doc] $variant,)+ }

        impl Oddity {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in machine output.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

oddities! {
    LeadingCrlf "leading-crlf" "Empty lines before the start line, which receivers should ignore (RFC 3261 §7.5).",
    StartLineSpacing "start-line-spacing" "More than one space, or space at the end, in the start line (RFC 3261 §7.1, §7.2).",
    RequestUriSpace "request-uri-space" "White space inside the Request-URI (RFC 3261 §7.1).",
    RequestUriBrackets "request-uri-brackets" "The Request-URI is enclosed in angle brackets (RFC 3261 §7.1).",
    RequestUriHeaders "request-uri-headers" "Header fields inside the Request-URI (RFC 3261 §19.1.1, Table 1).",
    Version "sip-version" "A version other than SIP/2.0 (RFC 3261 §7.1).",
    StatusCode "status-code" "A status code outside 100 to 699 (RFC 3261 §7.2).",
    ReasonPhraseMissing "reason-phrase-missing" "No space and reason phrase after the status code (RFC 3261 §7.2).",
    BareLf "bare-lf" "Lines that end in LF without CR (RFC 3261 §7).",
    JunkLine "junk-line" "A line among the header fields that has no colon (RFC 3261 §7.3.1).",
    HeaderName "header-name" "A header field name with characters that no token has (RFC 3261 §7.3.1).",
    HeadersUnfinished "headers-unfinished" "The bytes end before the empty line that ends the header fields (RFC 3261 §7).",
    ControlBytes "control-bytes" "NUL or other control characters in the head of the message (RFC 3261 §25.1).",
    NotUtf8 "not-utf8" "Header fields that are not UTF-8 (RFC 3261 §7).",
    ViaMissing "via-missing" "No Via (RFC 3261 §8.1.1).",
    FromMissing "from-missing" "No From (RFC 3261 §8.1.1).",
    ToMissing "to-missing" "No To (RFC 3261 §8.1.1).",
    CallIdMissing "call-id-missing" "No Call-ID (RFC 3261 §8.1.1).",
    CseqMissing "cseq-missing" "No CSeq (RFC 3261 §8.1.1).",
    MaxForwardsMissing "max-forwards-missing" "A request without Max-Forwards (RFC 3261 §8.1.1.6).",
    ToTagMissing "to-tag-missing" "A To without a tag in a response above 100, as RFC 2543 allowed (RFC 3261 §8.2.6.2).",
    FromTagMissing "from-tag-missing" "A From without a tag, as RFC 2543 allowed (RFC 3261 §8.1.1.3).",
    ViaUnreadable "via-unreadable" "A Via without protocol and sent-by, or with parameters that the grammar refuses (RFC 3261 §20.42).",
    BranchWithoutId "branch-without-id" "A top Via whose branch is the magic cookie and nothing else (RFC 3261 §8.1.1.7).",
    BranchWithoutCookie "branch-without-cookie" "A top Via whose branch does not begin with the magic cookie, or is missing, as in RFC 2543 (RFC 3261 §8.1.1.7).",
    CseqUnreadable "cseq-unreadable" "A CSeq that is not a number below 2^32 and a method (RFC 3261 §8.1.1.5, §20.16).",
    CseqMethod "cseq-method" "The CSeq names another method than the request line (RFC 3261 §8.1.1.5).",
    RepeatedSingle "repeated-single-header" "From, To, Call-ID, CSeq, Max-Forwards or Content-Length more than once (RFC 3261 §7.3.1).",
    NumberOutOfRange "number-out-of-range" "A Max-Forwards above 255, or an Expires, Min-Expires or Retry-After that is no number below 2^32 (RFC 3261 §20.19, §20.22, §20.23, §20.33).",
    DateZone "date-zone" "A Date in another time zone than GMT (RFC 3261 §20.17).",
    ContentLengthUnreadable "content-length-unreadable" "A Content-Length that is no number (RFC 3261 §20.14).",
    ContentLengthTooLarge "content-length-too-large" "Content-Length announces more bytes than there are (RFC 3261 §18.3).",
    BytesAfterBody "bytes-after-body" "Bytes behind the end that Content-Length gives (RFC 3261 §18.3).",
    ContentLengthMissing "content-length-missing" "No Content-Length on a stream, where it is mandatory (RFC 3261 §18.3).",
    QuoteUnbalanced "quote-unbalanced" "A quoted string in From or To that does not end (RFC 3261 §25.1).",
    BracketUnclosed "bracket-unclosed" "An angle bracket in From or To that is not closed (RFC 3261 §25.1).",
    RequestUriUnreadable "request-uri-unreadable" "A SIP Request-URI that the grammar refuses (RFC 3261 §19.1).",
    FromUnreadable "from-unreadable" "A From that the grammar refuses (RFC 3261 §20.20).",
    ToUnreadable "to-unreadable" "A To that the grammar refuses (RFC 3261 §20.39).",
    ContactUnreadable "contact-unreadable" "A Contact that the grammar refuses (RFC 3261 §20.10).",
    Incomplete "incomplete" "The capture holds only the beginning of the message: the snap length, a lost segment or a lost fragment cut it.",
}

/// A set of [`Oddity`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oddities(u64);

impl Oddities {
    /// Adds one.
    pub const fn insert(&mut self, oddity: Oddity) {
        self.0 |= 1 << oddity as u32;
    }

    /// Whether it is there.
    pub const fn contains(self, oddity: Oddity) -> bool {
        self.0 & (1 << oddity as u32) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether it shares one with the other.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Those that both have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// A set of several.
    pub const fn of(oddities: &[Oddity]) -> Self {
        let mut set = Self(0);
        let mut rest = oddities;
        while let [first, behind @ ..] = rest {
            set.insert(*first);
            rest = behind;
        }
        set
    }

    /// Those of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// In the order of [`Oddity::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Oddity> {
        Oddity::ALL
            .iter()
            .copied()
            .filter(move |oddity| self.contains(*oddity))
    }
}

const _: () = assert!(Oddity::ALL.len() <= 64);
