//! Linux "cooked" captures: LINKTYPE_LINUX_SLL (what `any` gave before libpcap 1.10) and LINKTYPE_LINUX_SLL2.

use super::bytes::be16;
use super::{Direction, Step, Undecoded, ethernet};

/// Packet type, ARPHRD type, address length, address (8), protocol.
const VERSION_1_LEN: usize = 16;
/// Protocol, reserved (2), interface index (4), ARPHRD type (2), packet type, address length, address (8).
const VERSION_2_LEN: usize = 20;
/// `PACKET_OUTGOING` of Linux: the capturing host sent it.
const OUTGOING: u16 = 4;

pub(super) fn version_1<'a>(
    data: &'a [u8],
    direction: &mut Option<Direction>,
) -> Result<Step<'a>, Undecoded> {
    let (Some((_, rest)), Some(kind), Some(protocol)) = (
        data.split_at_checked(VERSION_1_LEN),
        be16(data, 0),
        be16(data, VERSION_1_LEN - 2),
    ) else {
        return Err(Undecoded::because("linux-sll-truncated"));
    };
    *direction = Some(direction_of(kind));
    Ok(Step::Next(ethernet::layer_of(protocol), rest))
}

pub(super) fn version_2<'a>(
    data: &'a [u8],
    direction: &mut Option<Direction>,
) -> Result<Step<'a>, Undecoded> {
    let (Some((header, rest)), Some(protocol)) =
        (data.split_at_checked(VERSION_2_LEN), be16(data, 0))
    else {
        return Err(Undecoded::because("linux-sll2-truncated"));
    };
    *direction = header.get(10).map(|&kind| direction_of(u16::from(kind)));
    Ok(Step::Next(ethernet::layer_of(protocol), rest))
}

fn direction_of(kind: u16) -> Direction {
    if kind == OUTGOING {
        Direction::Outgoing
    } else {
        Direction::Incoming
    }
}
