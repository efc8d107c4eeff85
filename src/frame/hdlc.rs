//! Frames of serial lines: PPP in HDLC-like framing (RFC 1662) and Cisco's HDLC, which has an EtherType where PPP has its
//! protocol (described in RFC 1547 §4.3.1).

use super::{Layer, Step, Undecoded, ethernet};

/// Cisco's addresses: to the other end, and to all.
const CISCO_ADDRESSES: [u8; 2] = [0x0f, 0x8f];

/// Address, a byte of zero, EtherType.
pub(super) fn cisco(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let Some((&[address, _, high, low], rest)) = data.split_first_chunk() else {
        return Err(Undecoded::because("hdlc-truncated"));
    };
    if !CISCO_ADDRESSES.contains(&address) {
        return Err(Undecoded::because("hdlc-malformed"));
    }
    let ether_type = u16::from_be_bytes([high, low]);
    Ok(Step::Next(ethernet::layer_of(ether_type), rest))
}

/// The link type stands for both; the address tells them apart.
pub(super) fn ppp_or_cisco(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    match data.first() {
        Some(address) if CISCO_ADDRESSES.contains(address) => cisco(data),
        Some(_) => Ok(Step::Next(Layer::Ppp, data)),
        None => Err(Undecoded::because("hdlc-truncated")),
    }
}
