//! VXLAN (RFC 7348 §5), its group policy extension (draft-smith-vxlan-group-policy-05 §2.1) and VXLAN-GPE
//! (draft-ietf-nvo3-vxlan-gpe-13 §3).

use super::nsh::next_protocol;
use super::tunnels_in_udp::Payload;
use super::{Encapsulation, Layer, Step};

/// A network identifier is there: in every packet.
const NETWORK: u8 = 0x08;
/// A group policy is there, in the two bytes before the network identifier.
const POLICY: u8 = 0x80;
/// Of the second byte, with a group policy: do not learn, and policy applied.
const POLICY_FLAGS: u8 = 0x48;
/// VXLAN-GPE: the next protocol is named.
const NEXT_PROTOCOL: u8 = 0x04;
/// VXLAN-GPE: the frame was flooded.
const FLOODED: u8 = 0x02;

pub(super) fn vxlan<'a>(
    payload: Payload<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    let (&header, frame) = payload.bytes.split_first_chunk::<8>()?;
    let sound = match header {
        [NETWORK, 0, 0, 0, _, _, _, 0] => true,
        [flags, policy, _, _, _, _, _, 0] => {
            flags == POLICY | NETWORK && policy & !POLICY_FLAGS == 0
        }
        _ => false,
    };
    sound.then(|| {
        encapsulation.push("vxlan");
        Step::Next(Layer::Ethernet, frame)
    })
}

pub(super) fn gpe<'a>(payload: Payload<'a>, encapsulation: &mut Encapsulation) -> Option<Step<'a>> {
    let (&[flags, 0, 0, next, _, _, _, 0], inner) = payload.bytes.split_first_chunk()? else {
        return None;
    };
    // Version 0, and no packet about the tunnel itself.
    let layer = match flags & !FLOODED {
        NETWORK if next == 0 => Layer::Ethernet,
        flags if flags == NETWORK | NEXT_PROTOCOL => next_protocol(next)?,
        _ => return None,
    };
    encapsulation.push("vxlan");
    Some(Step::Next(layer, inner))
}
