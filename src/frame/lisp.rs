//! The data plane of LISP, the locator/identifier separation protocol (RFC 9300 §5.3).

use super::tunnels_in_udp::Payload;
use super::{Encapsulation, Layer, Step, ip};

/// A nonce is there; map versions are there in its place.
const NONCE: u8 = 0x80;
const MAP_VERSION: u8 = 0x10;
/// A bit that is zero, and the number of the key where the packet is encrypted (RFC 8061 §4).
const RESERVED: u8 = 0x04;
const KEY: u8 = 0x03;

/// Hardly a bit of the header is fixed: what is behind it has to be an IP packet by its looks as well.
pub(super) fn lisp<'a>(
    payload: Payload<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    let (&[flags, _, _, _, _, _, _, _], packet) = payload.bytes.split_first_chunk()?;
    if flags & (RESERVED | KEY) != 0 || flags & (NONCE | MAP_VERSION) == NONCE | MAP_VERSION {
        return None;
    }
    let cut = payload.wire_len > payload.bytes.len();
    ip::looks_like_a_packet(packet, cut).then(|| {
        encapsulation.push("lisp");
        Step::Next(Layer::Ip, packet)
    })
}
