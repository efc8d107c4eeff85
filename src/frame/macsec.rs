//! MACsec (IEEE 802.1AE) that protects without hiding: a tag, the frame's type and data as they were, an integrity check
//! value. What is encrypted is counted as `macsec`.

use super::{Encapsulation, Step, Undecoded, ethernet};

/// Bits of the first byte (IEEE 802.1AE §9.5): version, a channel identifier is there, encrypted, changed.
const VERSION: u8 = 0x80;
const CHANNEL: u8 = 0x20;
const ENCRYPTED: u8 = 0x08;
const CHANGED: u8 = 0x04;
/// The two bits of the short length that are always zero (§9.7).
const RESERVED: u8 = 0xc0;
const CHANNEL_LEN: usize = 8;
/// The length of the check value where data are not changed (§9.5).
const CHECK_LEN: usize = 16;

pub(super) fn macsec<'a>(
    data: &'a [u8],
    cut: bool,
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    let truncated = Undecoded::because("macsec-truncated");
    let Some((&[flags, short_len, _, _, _, _], rest)) = data.split_first_chunk() else {
        return Err(truncated);
    };
    if flags & VERSION != 0 || short_len & RESERVED != 0 {
        return Err(Undecoded::because("macsec-malformed"));
    }
    if flags & (ENCRYPTED | CHANGED) != 0 {
        return Err(Undecoded::because("macsec"));
    }
    let skipped = if flags & CHANNEL == 0 { 0 } else { CHANNEL_LEN };
    let secured = rest.get(skipped..).and_then(|rest| match short_len {
        // The check value is the end of the frame, and of a frame that was cut it is not there.
        0 if cut => Some(rest),
        0 => rest.get(..rest.len().checked_sub(CHECK_LEN)?),
        len => Some(rest.get(..usize::from(len)).unwrap_or(rest)),
    });
    let Some((&[high, low], inner)) = secured.and_then(<[u8]>::split_first_chunk) else {
        return Err(truncated);
    };
    encapsulation.push("macsec");
    let ether_type = u16::from_be_bytes([high, low]);
    Ok(Step::Next(ethernet::layer_of(ether_type), inner))
}
