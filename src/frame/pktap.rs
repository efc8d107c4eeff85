//! PKTAP, which macOS captures with (LINKTYPE_PKTAP; `bsd/net/pktap.h` of XNU): a header in little endian with the link type
//! of the packet behind it.

use super::bytes::array;
use super::{Content, Direction, Step, Undecoded, first_layer};
use crate::capture::LinkType;

/// As long as the header was in its first version; newer ones say that they are longer.
const SHORTEST: usize = 108;
/// The kind of record that holds a packet.
const PACKET: u32 = 1;
/// Bits of the flags.
const INCOMING: u32 = 1;
const OUTGOING: u32 = 2;

pub(super) fn pktap<'a>(
    data: &'a [u8],
    direction: &mut Option<Direction>,
) -> Result<Step<'a>, Undecoded> {
    let truncated = Undecoded::because("pktap-truncated");
    let number = |at| {
        array(data, at)
            .map(u32::from_le_bytes)
            .ok_or(Undecoded::because("pktap-truncated"))
    };
    let len = usize::try_from(number(0)?).unwrap_or(usize::MAX);
    if len < SHORTEST {
        return Err(Undecoded::because("pktap-malformed"));
    }
    let packet = data.get(len..).ok_or(truncated)?;
    if number(4)? != PACKET {
        return Ok(Step::Done(Content::Unrelated));
    }
    let link_type = u16::try_from(number(8)?).map_err(|_| Undecoded::because("pktap-malformed"))?;
    *direction = match number(36)? & (INCOMING | OUTGOING) {
        INCOMING => Some(Direction::Incoming),
        OUTGOING => Some(Direction::Outgoing),
        _ => None,
    };
    Ok(Step::Next(first_layer(LinkType(link_type))?, packet))
}
