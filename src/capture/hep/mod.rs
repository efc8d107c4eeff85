//! HEP, the Homer Encapsulation Protocol, versions 1 to 3: one copied packet with the addresses and the time it had. The
//! names and numbers are those of the HEP3 specification (github.com/sipcapture/HEP); versions 1 and 2 are as Kamailio,
//! OpenSIPS and FreeSWITCH write them, as no document has them.

mod facts;
#[cfg(feature = "live")]
mod intake;
#[cfg(feature = "live")]
mod lag;
#[cfg(feature = "live")]
mod listeners;
mod options;
#[cfg(feature = "live")]
mod queue;
#[cfg(feature = "live")]
mod tcp;
#[cfg(test)]
mod tests;
#[cfg(feature = "live")]
mod tls;
#[cfg(feature = "live")]
mod udp;
mod version_12;
mod version_3;

use crate::flow::{Flow, Transport};
use crate::limits::HEP_INFLATED_BYTES;
use crate::time::Timestamp;
use flate2::read::{GzDecoder, ZlibDecoder};
use std::borrow::Cow;
use std::io::Read;

pub use facts::HepFacts;
#[cfg(feature = "live")]
pub(super) use intake::Shared;
#[cfg(feature = "live")]
pub(super) use lag::Lag;
#[cfg(feature = "live")]
pub(super) use listeners::{HepListener, open};
pub use options::{Carrier, HepAddress, HepOptions, Network};
#[cfg(feature = "live")]
pub(super) use queue::Load;
pub use version_3::{Framing, frame_len};

/// One HEP packet.
///
/// The authentication key (chunk 0x000e) is not in it: it is a secret of the agents, and nobody here asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hep<'a> {
    /// The version of HEP: 1, 2 or 3.
    pub version: u8,
    /// What the payload is (chunk 0x000b), 1 for SIP, which versions 1 and 2 always carry; `None` when version 3 does not
    /// say.
    pub protocol_type: Option<u8>,
    /// From where to where the copied packet went, and over what; `None` when addresses are missing, or the transport is
    /// none that carries SIP.
    pub flow: Option<Flow>,
    /// When the agent saw it; `None` when it does not say, as in version 1.
    pub time: Option<Timestamp>,
    /// The capture agent's id (chunk 0x000c); `None` when it does not say.
    pub node: Option<u64>,
    /// What the agent ties packets together with (chunk 0x0011).
    pub correlation: Option<&'a [u8]>,
    /// The payload as it is, maybe compressed.
    raw: &'a [u8],
    compressed: bool,
    /// Whether bytes of the payload are missing because the capture cut the packet.
    pub cut: bool,
}

/// Why a compressed payload cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// It is neither zlib (RFC 1950) nor gzip (RFC 1952), or is damaged.
    #[error("the compressed payload is damaged")]
    Damaged,
    /// It grows beyond [`HEP_INFLATED_BYTES`].
    #[error("the compressed payload is too large")]
    TooLarge,
}

impl<'a> Hep<'a> {
    /// Whether the agent says that the payload is SIP.
    pub fn is_sip(&self) -> bool {
        self.protocol_type == Some(SIP)
    }

    /// The payload; decompressed where the agent compressed it (chunk 0x0010). Of one that the capture cut, as much as can
    /// be had.
    ///
    /// # Errors
    /// When a compressed payload is damaged or too large.
    pub fn payload(&self) -> Result<Cow<'a, [u8]>, PayloadError> {
        if self.compressed {
            inflate(self.raw, self.cut).map(Cow::Owned)
        } else {
            Ok(Cow::Borrowed(self.raw))
        }
    }
}

/// Reads a HEP packet that fills `bytes`; `None` when it is none. `cut` says that the capture lacks the end of it.
///
/// What passes is meant to be HEP and nothing else, as any datagram on any port comes by here: version 3 by its mark, its
/// length and all its chunks, versions 1 and 2 by their four fixed bytes and a payload that begins as text.
pub fn parse(bytes: &[u8], cut: bool) -> Option<Hep<'_>> {
    match bytes.first()? {
        b'H' => version_3::parse(bytes, cut),
        1 | 2 => version_12::parse(bytes, cut),
        _ => None,
    }
}

/// Whether the first byte is that of a packet, so that looking further is worth it.
pub const fn may_be(bytes: &[u8]) -> bool {
    matches!(bytes, [b'H' | 1 | 2, ..])
}

/// The protocol type of SIP.
const SIP: u8 = 1;

/// The transport behind HEP's IP protocol number.
///
/// 22 (XNS-IDP, which nobody speaks any more) is what Kamailio, OpenSIPS and FreeSWITCH write for TLS; Kamailio writes it
/// for WebSocket as well, FreeSWITCH 6 for that, and Asterisk and heplify know only real numbers: TLS is then 6. The ports
/// are no proof, so nothing else is made of them.
const fn transport(protocol: u8) -> Option<Transport> {
    match protocol {
        6 => Some(Transport::Tcp),
        17 => Some(Transport::Udp),
        22 => Some(Transport::Tls),
        132 => Some(Transport::Sctp),
        _ => None,
    }
}

/// What an address family byte means: `AF_INET` is 2 everywhere, `AF_INET6` is the agent's own (10 Linux, 23 Windows, 24
/// NetBSD and OpenBSD, 26 Solaris, 28 FreeBSD, 30 macOS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

const fn family(byte: u8) -> Option<Family> {
    match byte {
        2 => Some(Family::V4),
        10 | 23 | 24 | 26 | 28 | 30 => Some(Family::V6),
        _ => None,
    }
}

/// A moment from the seconds and microseconds of an agent; `None` for the zero of one that has no clock.
fn moment(seconds: u32, micros: u32) -> Option<Timestamp> {
    // More than a second of microseconds is nonsense that must not move the packet into another second.
    let nanos = micros.min(999_999) * 1_000;
    (seconds > 0).then(|| Timestamp::from_parts(seconds.into(), nanos))
}

fn inflate(bytes: &[u8], cut: bool) -> Result<Vec<u8>, PayloadError> {
    let limit = HEP_INFLATED_BYTES as u64 + 1;
    let mut whole = Vec::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(bytes).take(limit).read_to_end(&mut whole)
    } else {
        ZlibDecoder::new(bytes).take(limit).read_to_end(&mut whole)
    };
    if whole.len() > HEP_INFLATED_BYTES {
        return Err(PayloadError::TooLarge);
    }
    match read {
        Ok(_) => Ok(whole),
        Err(_) if cut && !whole.is_empty() => Ok(whole),
        Err(_) => Err(PayloadError::Damaged),
    }
}
