//! TZSP, the TaZmen Sniffer Protocol of access points and routers (Network Chemistry's description; port 37008 at IANA).

use super::tunnels_in_udp::Payload;
use super::{Encapsulation, Layer, Step};

const VERSION: u8 = 1;
/// Types 0 and 1: a packet that was received, and one to be sent; the others carry none.
const LAST_TYPE_WITH_A_PACKET: u8 = 1;
const TAG_PADDING: u8 = 0;
const TAG_END: u8 = 1;

pub(super) fn tzsp<'a>(
    payload: Payload<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    let (&[VERSION, kind, high, low], rest) = payload.bytes.split_first_chunk()? else {
        return None;
    };
    if kind > LAST_TYPE_WITH_A_PACKET {
        return None;
    }
    let layer = match u16::from_be_bytes([high, low]) {
        1 => Layer::Ethernet,
        18 => Layer::Ieee80211 { padded: false },
        119 => Layer::Prism,
        127 => Layer::Avs,
        _ => return None,
    };
    let inner = behind_tags(rest)?;
    encapsulation.push("tzsp");
    Some(Step::Next(layer, inner))
}

/// A tag is its number, its length and its value, but for the padding and the end.
fn behind_tags(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [TAG_END, frame @ ..] => return Some(frame),
            [TAG_PADDING, rest @ ..] => rest,
            [_, len, rest @ ..] => rest.get(usize::from(*len)..)?,
            _ => return None,
        };
    }
}
