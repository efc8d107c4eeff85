//! Cisco MetaData (draft-smith-kandula-sxp): the security group of a frame's sender in a tag.

use super::{Encapsulation, Step, Undecoded, ethernet};

const VERSION: u8 = 1;
/// An option with its value; the length counts them.
const OPTION_LEN: usize = 4;

pub(super) fn tag<'a>(
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    encapsulation.push("cisco-metadata");
    let truncated = Undecoded::because("cisco-metadata-truncated");
    let Some((&[version, options], rest)) = data.split_first_chunk() else {
        return Err(truncated);
    };
    if version != VERSION || options == 0 {
        return Err(Undecoded::because("cisco-metadata-malformed"));
    }
    let behind = rest.get(usize::from(options) * OPTION_LEN..);
    let Some((&[high, low], inner)) = behind.and_then(<[u8]>::split_first_chunk) else {
        return Err(truncated);
    };
    let ether_type = u16::from_be_bytes([high, low]);
    Ok(Step::Next(ethernet::layer_of(ether_type), inner))
}
