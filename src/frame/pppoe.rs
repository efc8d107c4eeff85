//! PPP over Ethernet, the session stage (RFC 2516 §4).

use super::{Content, Layer, Step, Undecoded};

/// Version 1 and type 1.
const VERSION_AND_TYPE: u8 = 0x11;

pub(super) fn session(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let Some((&[version_and_type, code, _, _, high, low], rest)) = data.split_first_chunk() else {
        return Err(Undecoded::because("pppoe-truncated"));
    };
    if version_and_type != VERSION_AND_TYPE {
        return Err(Undecoded::because("pppoe-malformed"));
    }
    // Discovery has codes of its own and carries no PPP.
    if code != 0 {
        return Ok(Step::Done(Content::Unrelated));
    }
    let len = usize::from(u16::from_be_bytes([high, low]));
    Ok(Step::Next(Layer::Ppp, rest.get(..len).unwrap_or(rest)))
}
