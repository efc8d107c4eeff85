//! HEP version 3: a mark, a length, and chunks.

use super::{Family, Hep, family, moment, transport};
use crate::flow::Flow;
use std::net::{IpAddr, SocketAddr};

/// How every packet of version 3 begins.
const MARK: &[u8; 4] = b"HEP3";
/// The mark and the length.
const HEADER_LEN: usize = 6;
/// Vendor, type and length, which counts these six bytes too.
const CHUNK_HEADER_LEN: usize = 6;

/// What the first bytes of a stream say about the packet that begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Too few to tell.
    Needed,
    /// The packet is this long, in bytes from its mark on; they need not all be there.
    Len(usize),
    /// No packet of version 3 begins here.
    NotHep,
}

/// The length of the packet that begins a stream. Streams carry version 3 only: the others have no length.
pub fn frame_len(bytes: &[u8]) -> Framing {
    let there = bytes.get(..MARK.len()).unwrap_or(bytes);
    if !MARK.starts_with(there) {
        return Framing::NotHep;
    }
    let Some(&[_, _, _, _, high, low]) = bytes.first_chunk::<HEADER_LEN>() else {
        return Framing::Needed;
    };
    let total = usize::from(u16::from_be_bytes([high, low]));
    let first = match bytes.get(HEADER_LEN..) {
        Some(&[_, _, _, _, high, low, ..]) => usize::from(u16::from_be_bytes([high, low])),
        _ => CHUNK_HEADER_LEN,
    };
    if first < CHUNK_HEADER_LEN || HEADER_LEN + first > total {
        return Framing::NotHep;
    }
    Framing::Len(total)
}

pub(super) fn parse(bytes: &[u8], cut: bool) -> Option<Hep<'_>> {
    let Framing::Len(total) = frame_len(bytes) else {
        return None;
    };
    let fits = if cut {
        total > bytes.len()
    } else {
        total == bytes.len()
    };
    let mut rest = bytes.get(HEADER_LEN..).filter(|_| fits)?;
    let mut found = Found::default();
    while !rest.is_empty() {
        let Some((&[v0, v1, t0, t1, l0, l1], behind)) = rest.split_first_chunk() else {
            // What is cut may end anywhere.
            if cut {
                break;
            }
            return None;
        };
        let chunk_len = usize::from(u16::from_be_bytes([l0, l1]));
        let body_len = chunk_len.checked_sub(CHUNK_HEADER_LEN)?;
        let generic = [v0, v1] == [0, 0];
        let kind = u16::from_be_bytes([t0, t1]);
        let (body, after) = match behind.split_at_checked(body_len) {
            Some(split) => split,
            None if cut => {
                found.cut = true;
                (behind, &[][..])
            }
            None => return None,
        };
        if generic {
            found.take(kind, body)?;
        }
        rest = after;
    }
    Some(found.finish(cut))
}

/// The chunks that matter; of two alike the first counts.
#[derive(Default)]
struct Found<'a> {
    family: Option<u8>,
    protocol: Option<u8>,
    src: [Option<IpAddr>; 2],
    dst: [Option<IpAddr>; 2],
    ports: [Option<u16>; 2],
    seconds: Option<u32>,
    micros: Option<u32>,
    protocol_type: Option<u8>,
    node: Option<u64>,
    correlation: Option<&'a [u8]>,
    payload: Option<(&'a [u8], bool)>,
    /// Whether the last chunk is not whole.
    cut: bool,
}

impl<'a> Found<'a> {
    /// Takes the chunk of a type; `None` when its length is wrong for it.
    fn take(&mut self, kind: u16, body: &'a [u8]) -> Option<()> {
        if self.cut && !matches!(kind, 0x000f | 0x0010) {
            return Some(());
        }
        let [src_4, src_6] = &mut self.src;
        let [dst_4, dst_6] = &mut self.dst;
        let [src_port, dst_port] = &mut self.ports;
        match kind {
            0x0001 => first(&mut self.family, byte(body)?),
            0x0002 => first(&mut self.protocol, byte(body)?),
            0x0003 => first(src_4, array::<4>(body)?.into()),
            0x0004 => first(dst_4, array::<4>(body)?.into()),
            0x0005 => first(src_6, array::<16>(body)?.into()),
            0x0006 => first(dst_6, array::<16>(body)?.into()),
            0x0007 => first(src_port, u16::from_be_bytes(array(body)?)),
            0x0008 => first(dst_port, u16::from_be_bytes(array(body)?)),
            0x0009 => first(&mut self.seconds, u32::from_be_bytes(array(body)?)),
            0x000a => first(&mut self.micros, u32::from_be_bytes(array(body)?)),
            0x000b => first(&mut self.protocol_type, byte(body)?),
            0x000c => first(&mut self.node, number(body)?),
            0x000f => first(&mut self.payload, (body, false)),
            0x0010 => first(&mut self.payload, (body, true)),
            0x0011 => first(&mut self.correlation, body),
            // Keep-alive timer, authentication key, VLAN and what is newer.
            _ => {}
        }
        Some(())
    }

    fn finish(self, cut: bool) -> Hep<'a> {
        let (raw, compressed) = self.payload.unwrap_or_default();
        Hep {
            version: 3,
            protocol_type: self.protocol_type,
            flow: self.flow(),
            time: moment(
                self.seconds.unwrap_or_default(),
                self.micros.unwrap_or_default(),
            ),
            node: self.node,
            correlation: self.correlation.filter(|id| !id.is_empty()),
            raw,
            compressed,
            // The payload is not always the last chunk, but which one was to come nobody knows.
            cut: cut && (self.cut || self.payload.is_none()),
        }
    }

    fn flow(&self) -> Option<Flow> {
        let [src_4, src_6] = self.src;
        let [dst_4, dst_6] = self.dst;
        let (src, dst) = match self.family.map(family) {
            Some(Some(Family::V4)) => src_4.zip(dst_4),
            Some(Some(Family::V6)) => src_6.zip(dst_6),
            // The addresses speak for themselves.
            None => src_4.zip(dst_4).or(src_6.zip(dst_6)),
            Some(None) => None,
        }?;
        let [src_port, dst_port] = self.ports;
        Some(Flow {
            src: SocketAddr::new(src, src_port?),
            dst: SocketAddr::new(dst, dst_port?),
            transport: transport(self.protocol?)?,
        })
    }
}

fn first<T>(slot: &mut Option<T>, value: T) {
    slot.get_or_insert(value);
}

fn byte(body: &[u8]) -> Option<u8> {
    array::<1>(body).map(|[byte]| byte)
}

fn array<const N: usize>(body: &[u8]) -> Option<[u8; N]> {
    body.try_into().ok()
}

/// A number of up to eight bytes; agents differ in how many they spend on an id.
fn number(body: &[u8]) -> Option<u64> {
    let short_enough = (1..=8).contains(&body.len());
    short_enough.then(|| {
        body.iter()
            .fold(0, |number, byte| (number << 8) | u64::from(*byte))
    })
}
