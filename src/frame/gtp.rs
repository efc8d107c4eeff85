//! GTP-U version 1 (3GPP TS 29.281 §5): the packets of mobile terminals between base station and core.

use super::tunnels_in_udp::Payload;
use super::{Encapsulation, Layer, Step, ethernet};
use crate::limits::MAX_LAYERS;

/// Version 1, protocol type GTP; the bit after them is spare and zero.
const VERSION_1: u8 = 0x30;
const EXTENSION: u8 = 0x04;
const SEQUENCE: u8 = 0x02;
const N_PDU: u8 = 0x01;
/// A packet of the user; the other messages are about the tunnel (§6.1).
const G_PDU: u8 = 255;
const HEADER_LEN: usize = 8;

pub(super) fn gtp_u<'a>(
    payload: Payload<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    let (&[flags, G_PDU, high, low, _, _, _, _], rest) = payload.bytes.split_first_chunk()? else {
        return None;
    };
    let optional = flags & (EXTENSION | SEQUENCE | N_PDU);
    let len = usize::from(u16::from_be_bytes([high, low]));
    if flags & !(EXTENSION | SEQUENCE | N_PDU) != VERSION_1 || payload.wire_len != len + HEADER_LEN
    {
        return None;
    }
    // §5.1: where one of the three is there, room for all three is.
    let inner = match optional {
        0 => rest,
        _ => {
            let (&[_, _, _, next], rest) = rest.split_first_chunk()?;
            behind_extensions(if optional & EXTENSION == 0 { 0 } else { next }, rest)?
        }
    };
    // Nothing says what is inside: IP, and in 5G networks an Ethernet frame as well (TS 23.501 §5.6.10.2).
    let layer = match inner.first()? >> 4 {
        4 | 6 => Layer::Ip,
        _ if ethernet::looks_like_a_frame(inner) => Layer::Ethernet,
        _ => return None,
    };
    encapsulation.push("gtp-u");
    Some(Step::Next(layer, inner))
}

/// §5.2.1: each extension begins with its length in units of four bytes and ends with the type of the next.
fn behind_extensions(first: u8, bytes: &[u8]) -> Option<&[u8]> {
    let (mut next, mut rest) = (first, bytes);
    for _ in 0..MAX_LAYERS {
        if next == 0 {
            return Some(rest);
        }
        let len = usize::from(*rest.first()?) * 4;
        let (extension, behind) = rest.split_at_checked(len)?;
        next = *extension.last()?;
        rest = behind;
    }
    None
}
