//! Frames of serial lines behind a byte that tells the direction: LINKTYPE_PPP_WITH_DIR, LINKTYPE_C_HDLC_WITH_DIR,
//! LINKTYPE_FRELAY_WITH_DIR, and LINKTYPE_PPP_PPPD, where it stands in the place of PPP's address.

use super::{Direction, Layer, Step, Undecoded, first_layer};
use crate::capture::LinkType;

/// The rest of a frame that LINKTYPE_PPP_PPPD left whole: PPP's address and control field (RFC 1662 §3.1).
const ADDRESS_AND_CONTROL: [u8; 2] = [0xff, 0x03];

/// A frame of `link_type` behind the direction.
pub(super) fn directed<'a>(
    link_type: LinkType,
    data: &'a [u8],
    direction: &mut Option<Direction>,
) -> Result<Step<'a>, Undecoded> {
    let Some((way, frame)) = data.split_first() else {
        return Err(Undecoded::because("direction-truncated"));
    };
    *direction = Some(of(*way));
    Ok(Step::Next(first_layer(link_type)?, frame))
}

/// The direction, one byte of control field, PPP.
pub(super) fn pppd<'a>(
    data: &'a [u8],
    direction: &mut Option<Direction>,
) -> Result<Step<'a>, Undecoded> {
    let [way, rest @ ..] = data else {
        return Err(Undecoded::because("direction-truncated"));
    };
    *direction = Some(of(*way));
    let inner = if rest.starts_with(&ADDRESS_AND_CONTROL) {
        rest
    } else {
        rest.get(1..).unwrap_or_default()
    };
    Ok(Step::Next(Layer::Ppp, inner))
}

const fn of(way: u8) -> Direction {
    match way {
        0 => Direction::Incoming,
        _ => Direction::Outgoing,
    }
}
