//! The network service header of service function chains (RFC 8300).

use super::{Content, Encapsulation, Layer, Step, Undecoded};

/// Version and the O bit, which marks packets about the chain (RFC 8300 §2.2).
const VERSION: u8 = 0xc0;
const OAM: u8 = 0x20;
/// Base header and service path header.
const SHORTEST: usize = 8;

pub(super) fn nsh<'a>(
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    encapsulation.push("nsh");
    let Some(&[flags, len, _, next]) = data.first_chunk() else {
        return Err(Undecoded::because("nsh-truncated"));
    };
    // The length counts units of four bytes, the base header among them.
    let len = usize::from(len & 0x3f) * 4;
    if flags & VERSION != 0 || len < SHORTEST {
        return Err(Undecoded::because("nsh-malformed"));
    }
    if flags & OAM != 0 {
        return Ok(Step::Done(Content::Unrelated));
    }
    let inner = data.get(len..).ok_or(Undecoded::because("nsh-truncated"))?;
    let layer = next_protocol(next).ok_or(Undecoded::because("nsh-next-protocol-unknown"))?;
    Ok(Step::Next(layer, inner))
}

/// The numbers that NSH (RFC 8300 §2.2) and VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe §3.2) share.
pub(super) const fn next_protocol(value: u8) -> Option<Layer> {
    match value {
        1 | 2 => Some(Layer::Ip),
        3 => Some(Layer::Ethernet),
        4 => Some(Layer::Nsh),
        5 => Some(Layer::Mpls),
        _ => None,
    }
}
