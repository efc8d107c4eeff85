//! MPLS label stacks (RFC 3032), directly on a link, in IP (RFC 4023) and in UDP (RFC 7510). Nothing in a stack says what it
//! carries: the first nibble does for IP (RFC 4928 §3), and an Ethernet pseudowire (RFC 4448) is known by its frame.

use super::tunnels_in_udp::Payload;
use super::{Content, Encapsulation, Layer, Step, Undecoded, ethernet, ip};
use crate::limits::MAX_LAYERS;

/// The generic associated channel label: what follows is about the path, not on it (RFC 5586 §4).
const ASSOCIATED_CHANNEL: u32 = 13;

/// A label stack entry (RFC 3032 §2.1).
struct Entry {
    label: u32,
    is_bottom: bool,
}

impl Entry {
    fn of(bytes: [u8; 4]) -> Self {
        let value = u32::from_be_bytes(bytes);
        Self {
            label: value >> 12,
            is_bottom: value & 0x100 != 0,
        }
    }
}

pub(super) fn stack<'a>(
    data: &'a [u8],
    cut: bool,
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    encapsulation.push("mpls");
    let (label, rest) = bottom(data)?;
    if label == ASSOCIATED_CHANNEL {
        return Ok(Step::Done(Content::Unrelated));
    }
    let frame = frame(rest);
    match rest.first().map(|byte| byte >> 4) {
        Some(4 | 6) if ip::looks_like_a_packet(rest, cut) => Ok(Step::Next(Layer::Ip, rest)),
        Some(_) if let Some(frame) = frame => Ok(Step::Next(Layer::Ethernet, frame)),
        // RFC 4385 §5: the associated channel of a pseudowire.
        Some(1) => Ok(Step::Done(Content::Unrelated)),
        Some(4 | 6) => Ok(Step::Next(Layer::Ip, rest)),
        Some(_) => Err(Undecoded::because("mpls-payload-unknown")),
        None => Err(Undecoded::because("mpls-truncated")),
    }
}

/// The Ethernet frame of a pseudowire, behind the control word where there is one.
fn frame(data: &[u8]) -> Option<&[u8]> {
    let looks_like = |data: &&[u8]| ethernet::looks_like_a_frame(data);
    let behind = data
        .first()
        .filter(|first| **first >> 4 == 0)
        .and_then(|_| data.get(4..))
        .filter(looks_like);
    // RFC 4448 §4.6: a nibble and twelve reserved bits of zero. An address may begin so as well, but few do; and a tagged
    // frame read four bytes late looks like one without the tag.
    if data.starts_with(&[0, 0]) && behind.is_some() {
        return behind;
    }
    Some(data).filter(looks_like).or(behind)
}

/// The last label of the stack and what is below it.
fn bottom(data: &[u8]) -> Result<(u32, &[u8]), Undecoded> {
    let mut rest = data;
    for _ in 0..MAX_LAYERS {
        let Some((bytes, below)) = rest.split_first_chunk::<4>() else {
            return Err(Undecoded::because("mpls-truncated"));
        };
        rest = below;
        let entry = Entry::of(*bytes);
        if entry.is_bottom {
            return Ok((entry.label, rest));
        }
    }
    Err(Undecoded::because("too-many-layers"))
}

/// Over UDP there is no header to check but the stack: only where IP or an Ethernet frame lies below it.
pub(super) fn in_udp(payload: Payload<'_>) -> Option<Step<'_>> {
    let (_, rest) = bottom(payload.bytes).ok()?;
    let cut = payload.wire_len > payload.bytes.len();
    let sound = ip::looks_like_a_packet(rest, cut) || frame(rest).is_some();
    sound.then_some(Step::Next(Layer::Mpls, payload.bytes))
}
