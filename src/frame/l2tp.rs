//! L2TP: version 2 over UDP, which carries PPP (RFC 2661 §3.1), and version 3 over UDP and over IP (RFC 3931 §4.1).
//!
//! How long version 3's cookie is, and what follows it, only the control connection says: an Ethernet frame is looked for
//! behind each length that there is.

use super::bytes::{be16, be32};
use super::tunnels_in_udp::Payload;
use super::{Content, Encapsulation, Layer, Step, Undecoded, ethernet};

const LENGTH: u8 = 0x40;
const SEQUENCE: u8 = 0x08;
const OFFSET: u8 = 0x02;
const PRIORITY: u8 = 0x01;
/// A cookie of none, four or eight bytes (RFC 3931 §4.1), with or without the four bytes of the default sublayer (§4.6).
const BEFORE_THE_FRAME: [usize; 4] = [0, 4, 8, 12];

pub(super) fn over_udp<'a>(
    payload: Payload<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    let &[flags, version] = payload.bytes.first_chunk()?;
    match version {
        2 => version_2(flags, payload, encapsulation),
        // Flags and the two bytes behind the version are zero in data messages (RFC 3931 §4.1.2.1).
        3 if flags == 0 && be16(payload.bytes, 2)? == 0 => {
            let (&session, rest) = payload.bytes.get(4..)?.split_first_chunk::<4>()?;
            let frame = frame_of_version_3(session, rest)?;
            encapsulation.push("l2tp");
            Some(Step::Next(Layer::Ethernet, frame))
        }
        _ => None,
    }
}

/// Data messages only: the first bit marks control messages.
fn version_2<'a>(
    flags: u8,
    payload: Payload<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    if flags & !(LENGTH | SEQUENCE | OFFSET | PRIORITY) != 0 {
        return None;
    }
    let mut at = 2;
    if flags & LENGTH != 0 {
        if usize::from(be16(payload.bytes, at)?) != payload.wire_len {
            return None;
        }
        at += 2;
    }
    // Zero is the tunnel and the session that do not exist yet.
    if be16(payload.bytes, at)? == 0 || be16(payload.bytes, at + 2)? == 0 {
        return None;
    }
    at += 4;
    if flags & SEQUENCE != 0 {
        at += 4;
    }
    if flags & OFFSET != 0 {
        at += 2 + usize::from(be16(payload.bytes, at)?);
    }
    let inner = payload.bytes.get(at..)?;
    encapsulation.push("l2tp");
    Some(Step::Next(Layer::Ppp, inner))
}

/// A session, a cookie and what only the two ends know.
pub(super) fn over_ip<'a>(
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    encapsulation.push("l2tp");
    // RFC 3931 §4.1.1.2: the session of zero is the control connection.
    if be32(data, 0) == Some(0) {
        return Ok(Step::Done(Content::Unrelated));
    }
    data.split_first_chunk::<4>()
        .and_then(|(&session, rest)| frame_of_version_3(session, rest))
        .map(|frame| Step::Next(Layer::Ethernet, frame))
        .ok_or(Undecoded::because("l2tp"))
}

fn frame_of_version_3(session: [u8; 4], rest: &[u8]) -> Option<&[u8]> {
    BEFORE_THE_FRAME
        .iter()
        .filter_map(|&len| rest.get(len..))
        .find(|rest| ethernet::looks_like_a_frame(rest))
        .filter(|_| session != [0; 4])
}
