//! Request methods.

use std::fmt;

/// Declares [`Method`] from one list.
macro_rules! methods {
    ($($variant:ident $name:literal,)+) => {
        /// A request method: the fourteen of the IANA registry, or another as it was written.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
            /// A method outside the registry; bytes that are not UTF-8 are replaced by U+FFFD.
            Other(Box<str>),
        }

        impl Method {
            /// The methods of the IANA registry.
            pub const REGISTERED: &[Self] = &[$(Self::$variant,)+];

            /// The method of a request line or CSeq. Methods are case-sensitive (RFC 3261 §7.1).
            pub fn of(name: &[u8]) -> Self {
                $(if name == $name.as_bytes() { return Self::$variant; })+
                Self::Other(String::from_utf8_lossy(name).into())
            }

            /// The place among the registered ones; `None` for any other.
            #[inline]
            pub(super) fn place(&self) -> Option<u8> {
                let mut place = 0_u8;
                $(if matches!(self, Self::$variant) { return Some(place); } place += 1;)+
                let _ = place;
                None
            }

            /// The name as on the wire.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Other(name) => name,
                }
            }

            /// Whether it is one of the IANA registry.
            pub const fn is_registered(&self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }
    };
}

methods! {
    Invite "INVITE",
    Ack "ACK",
    Bye "BYE",
    Cancel "CANCEL",
    Register "REGISTER",
    Options "OPTIONS",
    Subscribe "SUBSCRIBE",
    Notify "NOTIFY",
    Message "MESSAGE",
    Refer "REFER",
    Update "UPDATE",
    Info "INFO",
    Prack "PRACK",
    Publish "PUBLISH",
}

impl Method {
    /// The registered method of a place; `None` beyond them.
    #[inline]
    pub(super) fn at(place: u8) -> Option<Self> {
        Self::REGISTERED.get(usize::from(place)).cloned()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
