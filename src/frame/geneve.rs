//! GENEVE (RFC 8926 §3.4).

use super::tunnels_in_udp::Payload;
use super::{Encapsulation, Layer, Step};

/// The C bit: an option has to be understood by the tunnel's end; it does not change what is inside.
const CRITICAL: u8 = 0x40;

pub(super) fn geneve<'a>(
    payload: Payload<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    let (&[first, flags, high, low, _, _, _, 0], rest) = payload.bytes.split_first_chunk()? else {
        return None;
    };
    // Version 0; the O bit marks packets about the tunnel, and six bits are zero.
    if first & 0xc0 != 0 || flags & !CRITICAL != 0 {
        return None;
    }
    let options = usize::from(first & 0x3f) * 4;
    let inner = rest.get(options..)?;
    encapsulation.push("geneve");
    let ether_type = u16::from_be_bytes([high, low]);
    Some(Step::Next(Layer::EtherType(ether_type), inner))
}
