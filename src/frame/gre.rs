//! GRE (RFC 2784, key and sequence number of RFC 2890), and its version 1, which carries PPP for PPTP (RFC 2637 §4.1)
//! or frames for MikroTik.
//!
//! NVGRE (RFC 7637) is GRE with a key around an Ethernet frame. So is any bridge over GRE with a key: no bit tells them apart,
//! and both are named `gre`.

use super::{Content, Encapsulation, Layer, Step, Undecoded, eoip, erspan};

const CHECKSUM: u8 = 0x80;
const ROUTING: u8 = 0x40;
const KEY: u8 = 0x20;
const SEQUENCE: u8 = 0x10;
/// Bits 4 and 5, which make a receiver of RFC 2784 §2.3 discard the packet.
const MUST_BE_ZERO: u8 = 0x0c;
/// Version 1: an acknowledgment number is there.
const ACKNOWLEDGMENT: u8 = 0x80;
const PPP: u16 = 0x880b;

pub(super) fn gre<'a>(
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    let Some((&[flags, version, high, low], rest)) = data.split_first_chunk() else {
        return Err(Undecoded::because("gre-truncated"));
    };
    encapsulation.push("gre");
    let protocol = u16::from_be_bytes([high, low]);
    match version & 7 {
        0 => version_0(flags, protocol, rest, encapsulation),
        1 if ([flags, version], protocol) == eoip::HEADER => eoip::eoip(rest, encapsulation),
        1 => version_1(flags, version, protocol, rest),
        _ => Err(Undecoded::because("gre-version-unknown")),
    }
}

fn version_0<'a>(
    flags: u8,
    protocol: u16,
    rest: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    // RFC 1701's list of routes, which RFC 2784 §2.3 tells to discard.
    if flags & ROUTING != 0 {
        return Err(Undecoded::because("gre-routing"));
    }
    if flags & MUST_BE_ZERO != 0 {
        return Err(Undecoded::because("gre-malformed"));
    }
    let fields = [CHECKSUM, KEY, SEQUENCE]
        .into_iter()
        .filter(|bit| flags & bit != 0)
        .count();
    let inner = rest
        .get(4 * fields..)
        .ok_or(Undecoded::because("gre-truncated"))?;
    match protocol {
        // Keep-alives of routers.
        0 => Ok(Step::Done(Content::Unrelated)),
        erspan::PROTOCOL => erspan::type_1_or_2(flags & SEQUENCE != 0, inner, encapsulation),
        erspan::PROTOCOL_3 => erspan::type_3(inner, encapsulation),
        _ => Ok(Step::Next(Layer::EtherType(protocol), inner)),
    }
}

/// The key holds the length of what follows and the call; packets that only acknowledge carry nothing.
fn version_1(flags: u8, version: u8, protocol: u16, rest: &[u8]) -> Result<Step<'_>, Undecoded> {
    let reserved = version & !(ACKNOWLEDGMENT | 7);
    if flags & !SEQUENCE != KEY || reserved != 0 || protocol != PPP {
        return Err(Undecoded::because("gre-malformed"));
    }
    let Some((&[high, low, _, _], rest)) = rest.split_first_chunk() else {
        return Err(Undecoded::because("gre-truncated"));
    };
    if flags & SEQUENCE == 0 {
        return Ok(Step::Done(Content::Unrelated));
    }
    let numbers = if version & ACKNOWLEDGMENT == 0 { 4 } else { 8 };
    let inner = rest
        .get(numbers..)
        .ok_or(Undecoded::because("gre-truncated"))?;
    let len = usize::from(u16::from_be_bytes([high, low]));
    Ok(Step::Next(
        Layer::EtherType(PPP),
        inner.get(..len).unwrap_or(inner),
    ))
}
