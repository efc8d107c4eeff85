//! The authentication header (RFC 4302), which vouches for what is behind it and hides nothing.

use super::Undecoded;
use etherparse::{IpNumber, ip_number};

/// Everything but the check value (RFC 4302 §2).
const SHORTEST: usize = 12;

/// The length of a header that has `units` in its length field: those of four octets, less two (RFC 4302 §2.2).
pub(super) const fn len(units: u8) -> usize {
    (units as usize + 2) * 4
}

/// What is behind the headers of an IPv4 packet, of which there are mostly none.
pub(super) fn behind(protocol: IpNumber, bytes: &[u8]) -> Result<(IpNumber, &[u8]), Undecoded> {
    let (mut protocol, mut rest) = (protocol, bytes);
    while protocol == ip_number::AUTHENTICATION_HEADER {
        let Some(&[next, units]) = rest.first_chunk() else {
            return Err(Undecoded::because("ah-truncated"));
        };
        let len = len(units);
        if len < SHORTEST {
            return Err(Undecoded::because("ah-malformed"));
        }
        rest = rest.get(len..).ok_or(Undecoded::because("ah-truncated"))?;
        protocol = IpNumber(next);
    }
    Ok((protocol, rest))
}
