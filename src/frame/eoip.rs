//! MikroTik's EoIP: Ethernet frames in what looks like GRE version 1. RouterOS has no published format; this is what the free
//! implementations for Linux agree on.

use super::{Content, Encapsulation, Layer, Step, Undecoded};

/// Flags, version and protocol where GRE has them.
pub(super) const HEADER: ([u8; 2], u16) = ([0x20, 0x01], 0x6400);

/// The length of the frame, and the tunnel's number; keep-alives have no frame.
pub(super) fn eoip<'a>(
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    encapsulation.push("eoip");
    let Some((&[high, low, _, _], rest)) = data.split_first_chunk() else {
        return Err(Undecoded::because("eoip-truncated"));
    };
    match usize::from(u16::from_be_bytes([high, low])) {
        0 => Ok(Step::Done(Content::Unrelated)),
        len => Ok(Step::Next(Layer::Ethernet, rest.get(..len).unwrap_or(rest))),
    }
}
