//! What drivers put before IEEE 802.11 frames: radiotap (radiotap.org), the header of the Prism cards, and AVS (the capture
//! frame specification of Absolute Value Systems).

use super::bytes::{array, be32};
use super::{Layer, Step, Undecoded};

/// Radiotap: the bits of its first word that say which fields are there.
const TIME: u32 = 1;
const FLAGS: u32 = 1 << 1;
const ANOTHER_WORD: u32 = 1 << 31;
/// Of the flags: the header behind was brought to a multiple of four bytes.
const PADDED: u8 = 0x20;
/// Version and magic number of AVS.
const AVS_MAGIC: u32 = 0x8021_1000;
const AVS_MAGIC_BITS: u32 = 0xffff_f000;
/// Message codes of Prism headers.
const PRISM_CODES: [u32; 2] = [0x41, 0x44];

/// Version, a byte of padding, length and words of bits, all with the lowest byte first.
pub(super) fn radiotap(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let Some(&[version, _, low, high]) = data.first_chunk() else {
        return Err(Undecoded::because("radiotap-truncated"));
    };
    let len = usize::from(u16::from_le_bytes([low, high]));
    if version != 0 || len < 8 {
        return Err(Undecoded::because("radiotap-malformed"));
    }
    let (header, frame) = data
        .split_at_checked(len)
        .ok_or(Undecoded::because("radiotap-truncated"))?;
    let padded = radiotap_flags(header).is_some_and(|flags| flags & PADDED != 0);
    Ok(Step::Next(Layer::Ieee80211 { padded }, frame))
}

/// The field of flags is the second that there may be, behind a time aligned to eight bytes.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    let word = |at| array(header, at).map(u32::from_le_bytes);
    let present = word(4)?;
    if present & FLAGS == 0 {
        return None;
    }
    let mut at = 4;
    while word(at)? & ANOTHER_WORD != 0 {
        at += 4;
    }
    at += 4;
    if present & TIME != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    header.get(at).copied()
}

/// Message code and length in the byte order of the machine that captured. Some drivers give AVS under this name.
pub(super) fn prism(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    if is_avs(data) {
        return avs(data);
    }
    let (Some(code), Some(len)) = (array(data, 0), array(data, 4)) else {
        return Err(Undecoded::because("prism-truncated"));
    };
    let len = if PRISM_CODES.contains(&u32::from_le_bytes(code)) {
        u32::from_le_bytes(len)
    } else if PRISM_CODES.contains(&u32::from_be_bytes(code)) {
        u32::from_be_bytes(len)
    } else {
        return Err(Undecoded::because("prism-malformed"));
    };
    behind(data, len, "prism-truncated")
}

/// Magic number and length.
pub(super) fn avs(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let Some(len) = be32(data, 4) else {
        return Err(Undecoded::because("avs-truncated"));
    };
    if !is_avs(data) {
        return Err(Undecoded::because("avs-malformed"));
    }
    behind(data, len, "avs-truncated")
}

fn is_avs(data: &[u8]) -> bool {
    be32(data, 0).is_some_and(|magic| magic & AVS_MAGIC_BITS == AVS_MAGIC)
}

/// The frame behind a header of `len` bytes, its first eight among them.
fn behind<'a>(data: &'a [u8], len: u32, truncated: &'static str) -> Result<Step<'a>, Undecoded> {
    usize::try_from(len)
        .ok()
        .filter(|len| *len >= 8)
        .and_then(|len| data.get(len..))
        .map(|frame| Step::Next(Layer::Ieee80211 { padded: false }, frame))
        .ok_or(Undecoded::because(truncated))
}
