//! ERSPAN, the frames of a switch's mirror port in GRE (draft-foschiano-erspan-03): type I has no header of its own, type II
//! eight bytes, type III twelve and at times eight more.

use super::bytes::array;
use super::{Encapsulation, Layer, Step, Undecoded};

/// GRE's protocol for types I and II; GRE's sequence number tells them apart (§4.1).
pub(super) const PROTOCOL: u16 = 0x88be;
/// GRE's protocol for type III (§4.3).
pub(super) const PROTOCOL_3: u16 = 0x22eb;

/// The first nibble of a header of type II and of type III.
const VERSION_II: u8 = 1;
const VERSION_III: u8 = 2;

pub(super) fn type_1_or_2<'a>(
    numbered: bool,
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    encapsulation.push("erspan");
    if !numbered {
        return Ok(Step::Next(Layer::Ethernet, data));
    }
    let Some((&[first, ..], frame)) = data.split_first_chunk::<8>() else {
        return Err(Undecoded::because("erspan-truncated"));
    };
    if first >> 4 != VERSION_II {
        return Err(Undecoded::because("erspan-malformed"));
    }
    Ok(Step::Next(Layer::Ethernet, frame))
}

pub(super) fn type_3<'a>(
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    encapsulation.push("erspan");
    let (Some((&[first, ..], rest)), Some([high, low])) =
        (data.split_first_chunk::<12>(), array(data, 10))
    else {
        return Err(Undecoded::because("erspan-truncated"));
    };
    if first >> 4 != VERSION_III {
        return Err(Undecoded::because("erspan-malformed"));
    }
    // The last bit announces a sub-header that depends on the platform.
    let sub_header = if low & 1 == 1 { 8 } else { 0 };
    let inner = rest
        .get(sub_header..)
        .ok_or(Undecoded::because("erspan-truncated"))?;
    match high >> 2 & 0x1f {
        0 => Ok(Step::Next(Layer::Ethernet, inner)),
        2 => Ok(Step::Next(Layer::Ip, inner)),
        _ => Err(Undecoded::because("erspan-frame-type-unknown")),
    }
}
