//! EtherIP (RFC 3378): Ethernet frames in IP protocol 97, behind two bytes.

use super::{Encapsulation, Layer, Step, Undecoded};

/// Version 3 in the upper four bits; the other twelve are zero (RFC 3378 §3).
const HEADER: [u8; 2] = [0x30, 0x00];

pub(super) fn ether_ip<'a>(
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    encapsulation.push("etherip");
    match data.strip_prefix(&HEADER) {
        Some(frame) => Ok(Step::Next(Layer::Ethernet, frame)),
        None => Err(Undecoded::because("etherip-malformed")),
    }
}
