//! The names of header fields: one list of long and compact forms.

/// Declares [`HeaderName`] from one list: variant, long form, compact form (0 for none).
macro_rules! headers {
    ($($variant:ident $long:literal $compact:literal,)+) => {
        /// The header fields that sipdiag knows by name; [`HeaderName::Other`] for any other.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $long, "`")] $variant,)+
            /// A field that is not in the list.
            Other,
        }

        /// In their order.
        static ALL: &[HeaderName] = &[$(HeaderName::$variant,)+ HeaderName::Other];

        const NAMES: &[(HeaderName, &str, u8)] = &[$((HeaderName::$variant, $long, $compact),)+];
    };
}

headers! {
    Via "Via" b'v',
    From "From" b'f',
    To "To" b't',
    CallId "Call-ID" b'i',
    CSeq "CSeq" 0,
    Contact "Contact" b'm',
    MaxForwards "Max-Forwards" 0,
    ContentLength "Content-Length" b'l',
    ContentType "Content-Type" b'c',
    ContentEncoding "Content-Encoding" b'e',
    Route "Route" 0,
    RecordRoute "Record-Route" 0,
    UserAgent "User-Agent" 0,
    Server "Server" 0,
    Allow "Allow" 0,
    Supported "Supported" b'k',
    Require "Require" 0,
    ProxyRequire "Proxy-Require" 0,
    Unsupported "Unsupported" 0,
    Expires "Expires" 0,
    MinExpires "Min-Expires" 0,
    SessionExpires "Session-Expires" b'x',
    MinSe "Min-SE" 0,
    RSeq "RSeq" 0,
    RAck "RAck" 0,
    Reason "Reason" 0,
    Warning "Warning" 0,
    RetryAfter "Retry-After" 0,
    WwwAuthenticate "WWW-Authenticate" 0,
    ProxyAuthenticate "Proxy-Authenticate" 0,
    Authorization "Authorization" 0,
    ProxyAuthorization "Proxy-Authorization" 0,
    AuthenticationInfo "Authentication-Info" 0,
    Event "Event" b'o',
    AllowEvents "Allow-Events" b'u',
    SubscriptionState "Subscription-State" 0,
    ReferTo "Refer-To" b'r',
    ReferredBy "Referred-By" b'b',
    Subject "Subject" b's',
    Date "Date" 0,
    Timestamp "Timestamp" 0,
    Accept "Accept" 0,
    AcceptContact "Accept-Contact" b'a',
    RejectContact "Reject-Contact" b'j',
    RequestDisposition "Request-Disposition" b'd',
    Identity "Identity" b'y',
    IdentityInfo "Identity-Info" b'n',
    Path "Path" 0,
    ServiceRoute "Service-Route" 0,
    PAssertedIdentity "P-Asserted-Identity" 0,
    SessionId "Session-ID" 0,
}

/// How many names there are, [`HeaderName::Other`] among them.
pub(super) const COUNT: usize = NAMES.len() + 1;

/// A name as it is looked up: what it begins and ends with, eight bytes each, in lower case. They overlap in names below
/// sixteen bytes; a name below eight has the first alone, with zeros behind it.
#[derive(Clone, Copy)]
struct Form {
    start: u64,
    end: u64,
    /// The bits that a name in any case gets to be in lower case: letters have one.
    start_case: u64,
    end_case: u64,
    len: usize,
    header: HeaderName,
}

/// Each name in its long form, and in its compact form where it has one.
static FORMS: [Form; 2 * NAMES.len()] = forms();
/// Where the forms are found by [`slot`]: their places in [`FORMS`], the next free slot where two would share one.
static SLOTS: [u8; SLOT_COUNT] = slots();
const SLOT_COUNT: usize = 256;
const FREE: u8 = u8::MAX;

/// The bit by which a lower-case letter differs from an upper-case one, in eight bytes.
const CASE: u64 = 0x2020_2020_2020_2020;

/// A slot by all that a name begins and ends with, in any case.
#[expect(clippy::cast_possible_truncation, reason = "a slot has few bits")]
#[inline]
const fn slot(start: u64, end: u64, len: usize) -> usize {
    let mixed = ((start | CASE) ^ (end | CASE).rotate_left(29) ^ len as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (u64::BITS - SLOT_COUNT.ilog2())) as usize
}

/// Up to eight bytes as one number.
#[expect(
    clippy::indexing_slicing,
    reason = "the loop ends where the bytes do, and the compiler can evaluate it"
)]
const fn word(bytes: &[u8]) -> u64 {
    let mut word = 0;
    let mut at = 0;
    while at < bytes.len() && at < 8 {
        word |= (bytes[at] as u64) << (8 * at);
        at += 1;
    }
    word
}

/// What a name begins and ends with.
const fn words(name: &[u8]) -> (u64, u64) {
    match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(start), Some(end)) => (u64::from_le_bytes(*start), u64::from_le_bytes(*end)),
        _ => (word(name), 0),
    }
}

const fn form(header: HeaderName, name: &[u8]) -> Form {
    let (start, end) = words(name);
    let (start_case, end_case) = (letters(start), letters(end));
    Form {
        start: start | start_case,
        end: end | end_case,
        start_case,
        end_case,
        len: name.len(),
        header,
    }
}

/// [`CASE`] where letters stand.
const fn letters(word: u64) -> u64 {
    let mut found = 0;
    let mut shift = 0;
    while shift < u64::BITS {
        if (((word >> shift) & 0xff) as u8).is_ascii_alphabetic() {
            found |= 0x20 << shift;
        }
        shift += 8;
    }
    found
}

#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it: what is out of range does not compile"
)]
const fn forms() -> [Form; 2 * NAMES.len()] {
    let mut forms = [form(HeaderName::Other, b""); 2 * NAMES.len()];
    let mut place = 0;
    while place < NAMES.len() {
        let (header, long, compact) = NAMES[place];
        forms[place] = form(header, long.as_bytes());
        if compact != 0 {
            forms[NAMES.len() + place] = form(header, &[compact]);
        }
        place += 1;
    }
    forms
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "the compiler evaluates it: what is out of range does not compile"
)]
const fn slots() -> [u8; SLOT_COUNT] {
    let forms = forms();
    let mut slots = [FREE; SLOT_COUNT];
    let mut place = 0;
    while place < forms.len() {
        let form = forms[place];
        if form.len > 0 {
            let mut at = slot(form.start, form.end, form.len);
            while slots[at] != FREE {
                at = (at + 1) % SLOT_COUNT;
            }
            slots[at] = place as u8;
        }
        place += 1;
    }
    slots
}

const _: () = assert!(2 * NAMES.len() < FREE as usize);

impl HeaderName {
    /// The field that a name stands for, in its long or compact form and any case (RFC 3261 §7.3.1, §7.3.3).
    pub fn of(name: &[u8]) -> Self {
        let (start, end) = words(name);
        Self::look_up(name, start, end)
    }

    /// The same of a name, and the line that begins with it and goes on behind it.
    #[inline]
    pub(super) fn at_start(line: &[u8], name: &[u8]) -> Self {
        match (line.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(start), Some(end)) => {
                Self::look_up(name, u64::from_le_bytes(*start), u64::from_le_bytes(*end))
            }
            (Some(start), None) if !name.is_empty() => {
                let behind = u64::BITS as usize - 8 * name.len();
                let start = u64::from_le_bytes(*start) & (u64::MAX >> behind);
                Self::look_up(name, start, 0)
            }
            _ => Self::of(name),
        }
    }

    #[inline]
    fn look_up(name: &[u8], start: u64, end: u64) -> Self {
        let mut at = slot(start, end, name.len());
        while let Some(form) = SLOTS.get(at).and_then(|it| FORMS.get(usize::from(*it))) {
            if form.start == start | form.start_case
                && form.end == end | form.end_case
                && form.len == name.len()
                && form.is_all(name)
            {
                return form.header;
            }
            at = (at + 1) % SLOT_COUNT;
        }
        Self::Other
    }

    /// Its bit in a set of names.
    #[inline]
    pub(super) const fn bit(self) -> u64 {
        1 << self as u64
    }

    /// The name of that number.
    #[inline]
    pub(super) fn at(number: u8) -> Self {
        (ALL.get(usize::from(number)).copied()).unwrap_or(Self::Other)
    }

    /// Their bits.
    pub(super) const fn bits(names: &[Self]) -> u64 {
        let mut set = 0;
        let mut rest = names;
        while let [first, behind @ ..] = rest {
            set |= first.bit();
            rest = behind;
        }
        set
    }
}

const _: () = assert!(COUNT <= u64::BITS as usize);

impl Form {
    /// Whether a name that begins and ends so is this one between, too.
    #[inline]
    fn is_all(&self, name: &[u8]) -> bool {
        let long = NAMES.get(self.header as usize).map(|(_, long, _)| *long);
        self.len <= 16 || long.is_some_and(|long| long.as_bytes().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_compact_forms_in_any_case_are_the_same_field() {
        for &(header, long, compact) in NAMES {
            assert_eq!(HeaderName::of(long.as_bytes()), header);
            assert_eq!(HeaderName::of(long.to_uppercase().as_bytes()), header);
            if compact != 0 {
                assert_eq!(HeaderName::of(&[compact]), header);
                assert_eq!(HeaderName::of(&[compact.to_ascii_uppercase()]), header);
            }
        }
    }

    #[test]
    fn an_unknown_name_is_other() {
        assert_eq!(HeaderName::of(b"X-Call-ID"), HeaderName::Other);
        assert_eq!(HeaderName::of(b""), HeaderName::Other);
        assert_eq!(HeaderName::of(&[0]), HeaderName::Other);
        assert_eq!(HeaderName::of(b"Call\x0dID"), HeaderName::Other);
        assert_eq!(HeaderName::of(b"Proxy-Xuthorization"), HeaderName::Other);
        assert_eq!(HeaderName::of(b"z"), HeaderName::Other);
    }

    #[test]
    fn what_follows_a_name_is_no_part_of_it() {
        for &(header, long, compact) in NAMES {
            for name in [long.as_bytes(), &[compact]] {
                for behind in [&b""[..], b":", b": value of it"] {
                    let line = [name, behind].concat();
                    assert_eq!(
                        HeaderName::at_start(&line, name),
                        if name == [0] {
                            HeaderName::Other
                        } else {
                            header
                        }
                    );
                }
            }
        }
        assert_eq!(HeaderName::at_start(b"", b""), HeaderName::Other);
        assert_eq!(HeaderName::at_start(b": no name", b""), HeaderName::Other);
    }
}
