//! Teredo: IPv6 in UDP through NATs (RFC 4380 §5.1.1).

use super::bytes::array;
use super::tunnels_in_udp::Payload;
use super::{Encapsulation, Layer, Step};

/// The prefix of Teredo addresses (RFC 4380 §2.6).
const PREFIX: [u8; 4] = [0x20, 0x01, 0, 0];
/// Clients talk to servers from link-local addresses (RFC 4380 §5.2.1).
const LINK_LOCAL: [u8; 2] = [0xfe, 0x80];
const IPV6_HEADER_LEN: usize = 40;

pub(super) fn teredo<'a>(
    payload: Payload<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    let packet = behind_indications(payload.bytes)?;
    let skipped = payload.bytes.len() - packet.len();
    let [first] = array::<1>(packet, 0)?;
    let len = usize::from(u16::from_be_bytes(array(packet, 4)?));
    let sound = first >> 4 == 6 && skipped + IPV6_HEADER_LEN + len == payload.wire_len;
    let addresses = [packet.get(8..24)?, packet.get(24..40)?];
    let one_is_of_teredo = addresses
        .iter()
        .any(|it| it.starts_with(&PREFIX) || it.starts_with(&LINK_LOCAL));
    (sound && one_is_of_teredo).then(|| {
        encapsulation.push("teredo");
        Step::Next(Layer::Ip, packet)
    })
}

/// Authentication comes first, then the origin; both are optional.
fn behind_indications(bytes: &[u8]) -> Option<&[u8]> {
    let rest = match bytes {
        // Two lengths, what they measure, a nonce of eight bytes and a confirmation of one.
        [0, 1, id, authentication, ..] => {
            bytes.get(4 + usize::from(*id) + usize::from(*authentication) + 9..)?
        }
        _ => bytes,
    };
    match rest {
        [0, 0, ..] => rest.get(8..),
        _ => Some(rest),
    }
}
