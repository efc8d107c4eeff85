//! HEP versions 1 and 2: a fixed header before a SIP message. Version 2 adds time and agent behind the addresses, which
//! the header's length counts with some agents (FreeSWITCH) and not with others (Kamailio, OpenSIPS).

use super::{Family, Hep, SIP, family, moment, transport};
use crate::flow::Flow;
use std::net::{IpAddr, SocketAddr};

/// Version, length, family, protocol and the two ports.
const FIXED_LEN: usize = 8;
/// Seconds, microseconds and agent of version 2.
const TIME_LEN: usize = 10;
/// The same as C compilers lay it out.
const TIME_LEN_PADDED: usize = 12;
/// Bytes at the start of the payload that must be text.
const TEXT_LOOKED_AT: usize = 16;

pub(super) fn parse(bytes: &[u8], cut: bool) -> Option<Hep<'_>> {
    let (&[version, header_len, family_byte, protocol, ports @ ..], rest) =
        bytes.split_first_chunk::<FIXED_LEN>()?;
    let transport = transport(protocol)?;
    // Only version 2 has a stamp that could be counted.
    let stamped = version == 2 && matches!(header_len, 26 | 28 | 50 | 52);
    let (addresses, rest) = match (family(family_byte)?, header_len) {
        (Family::V4, len) if len == 16 || stamped && len < 40 => {
            let (src, rest) = rest.split_first_chunk::<4>()?;
            let (dst, rest) = rest.split_first_chunk::<4>()?;
            ([IpAddr::from(*src), IpAddr::from(*dst)], rest)
        }
        (Family::V6, len) if len == 40 || stamped && len > 40 => {
            let (src, rest) = rest.split_first_chunk::<16>()?;
            let (dst, rest) = rest.split_first_chunk::<16>()?;
            ([IpAddr::from(*src), IpAddr::from(*dst)], rest)
        }
        _ => return None,
    };
    let [src_high, src_low, dst_high, dst_low] = ports;
    let [src, dst] = addresses;
    let flow = Flow {
        src: SocketAddr::new(src, u16::from_be_bytes([src_high, src_low])),
        dst: SocketAddr::new(dst, u16::from_be_bytes([dst_high, dst_low])),
        transport,
    };
    let (stamp, payload) = match version {
        1 => (None, rest),
        _ => {
            let (stamp, payload) = stamp(rest)?;
            (Some(stamp), payload)
        }
    };
    begins_as_text(payload).then_some(Hep {
        version,
        protocol_type: Some(SIP),
        flow: Some(flow),
        time: stamp.and_then(|stamp| moment(stamp.seconds, stamp.micros)),
        node: stamp.map(|stamp| stamp.node.into()),
        correlation: None,
        raw: payload,
        compressed: false,
        cut,
    })
}

/// What version 2 adds.
#[derive(Clone, Copy)]
struct Stamp {
    seconds: u32,
    micros: u32,
    node: u16,
}

/// Agents write these as they lie in memory, which is little-endian nearly everywhere; the microseconds, always below a
/// million, tell the other order.
fn stamp(bytes: &[u8]) -> Option<(Stamp, &[u8])> {
    let &[s0, s1, s2, s3, u0, u1, u2, u3, n0, n1] = bytes.first_chunk::<TIME_LEN>()?;
    let [seconds, micros] = [[s0, s1, s2, s3], [u0, u1, u2, u3]];
    let stamp = if u32::from_le_bytes(micros) < 1_000_000 {
        Stamp {
            seconds: u32::from_le_bytes(seconds),
            micros: u32::from_le_bytes(micros),
            node: u16::from_le_bytes([n0, n1]),
        }
    } else if u32::from_be_bytes(micros) < 1_000_000 {
        Stamp {
            seconds: u32::from_be_bytes(seconds),
            micros: u32::from_be_bytes(micros),
            node: u16::from_be_bytes([n0, n1]),
        }
    } else {
        return None;
    };
    // Two bytes of padding, zero or whatever was there before; few agents pack, and then a method or "SIP" begins here.
    let packed = bytes
        .get(TIME_LEN..TIME_LEN_PADDED)?
        .iter()
        .all(u8::is_ascii_uppercase);
    let start = if packed { TIME_LEN } else { TIME_LEN_PADDED };
    Some((stamp, bytes.get(start..)?))
}

fn begins_as_text(payload: &[u8]) -> bool {
    let start = payload.get(..TEXT_LOOKED_AT).unwrap_or(payload);
    !start.is_empty()
        && start
            .iter()
            .all(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~'))
}
