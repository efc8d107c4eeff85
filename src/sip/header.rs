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

/// Where the names are found by [`slot`]: their places in [`NAMES`], the next free slot where two would share one.
static SLOTS: [u8; SLOT_COUNT] = slots();
const SLOT_COUNT: usize = 256;
const FREE: u8 = u8::MAX;

/// A slot by what differs most among the names, in any case.
const fn slot(name: &[u8]) -> usize {
    let (first, last) = match name {
        [first, .., last] => (*first | 0x20, *last | 0x20),
        _ => (0, 0),
    };
    (name.len() * 29 + first as usize * 5 + last as usize * 17) % SLOT_COUNT
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "the compiler evaluates it: what is out of range does not compile"
)]
const fn slots() -> [u8; SLOT_COUNT] {
    let mut slots = [FREE; SLOT_COUNT];
    let mut place = 0;
    while place < NAMES.len() {
        let mut at = slot(NAMES[place].1.as_bytes());
        while slots[at] != FREE {
            at = (at + 1) % SLOT_COUNT;
        }
        slots[at] = place as u8;
        place += 1;
    }
    slots
}

impl HeaderName {
    /// The field that a name stands for, in its long or compact form and any case (RFC 3261 §7.3.1, §7.3.3).
    pub fn of(name: &[u8]) -> Self {
        if let [byte] = name {
            let byte = byte.to_ascii_lowercase();
            return NAMES
                .iter()
                .find(|(_, _, compact)| *compact == byte && byte != 0)
                .map_or(Self::Other, |(header, _, _)| *header);
        }
        let mut at = slot(name);
        while let Some((header, long, _)) = SLOTS
            .get(at)
            .and_then(|place| NAMES.get(usize::from(*place)))
        {
            let long = long.as_bytes();
            if long == name || long.eq_ignore_ascii_case(name) {
                return *header;
            }
            at = (at + 1) % SLOT_COUNT;
        }
        Self::Other
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
    }
}
