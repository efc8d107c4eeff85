//! Packets made anew of what was understood of them: an IP header, what it carries, checksums that are right. Nothing of a packet
//! that was not understood comes into it: no link layer, no tunnel, no option.

use crate::flow::{Flow, Transport};
use crate::frame::{Datagram, Fragment, IcmpError, IcmpKind, Segment, TcpFlags};
use std::net::{IpAddr, SocketAddr};

/// A packet from its IP header on, with its length on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rebuilt {
    pub(super) data: Vec<u8>,
    pub(super) original_len: u32,
}

/// What goes into an IP header.
#[derive(Clone, Copy, Debug)]
struct Header {
    src: IpAddr,
    dst: IpAddr,
    identification: u16,
    ttl: u8,
    dscp: u8,
    protocol: u8,
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP_V6: u8 = 58;
const FRAGMENT_HEADER: u8 = 44;

/// A datagram with another payload, of the same length.
pub(super) fn datagram(datagram: &Datagram<'_>, flow: Flow, dscp: u8, payload: &[u8]) -> Rebuilt {
    let header = Header {
        src: flow.src.ip(),
        dst: flow.dst.ip(),
        identification: datagram.identification.unwrap_or(0),
        ttl: datagram.ttl,
        dscp,
        protocol: UDP,
    };
    let udp = udp(flow, payload, datagram.missing);
    header.packet(&udp, datagram.missing, None)
}

/// A segment with another payload, of the same length.
pub(super) fn segment(segment: &Segment<'_>, flow: Flow, dscp: u8, payload: &[u8]) -> Rebuilt {
    let header = Header {
        src: flow.src.ip(),
        dst: flow.dst.ip(),
        identification: segment.identification.unwrap_or(0),
        ttl: segment.ttl,
        dscp,
        protocol: TCP,
    };
    let mut tcp = Vec::with_capacity(20 + payload.len());
    tcp.extend(flow.src.port().to_be_bytes());
    tcp.extend(flow.dst.port().to_be_bytes());
    tcp.extend(segment.sequence.to_be_bytes());
    tcp.extend(segment.acknowledgment.to_be_bytes());
    tcp.extend([5 << 4, bits(segment.flags, !payload.is_empty())]);
    tcp.extend([0xff, 0xff, 0, 0, 0, 0]);
    tcp.extend_from_slice(payload);
    set_checksum(&mut tcp, 16, &header, segment.missing);
    header.packet(&tcp, segment.missing, None)
}

/// A fragment with another payload. Where it is the first of a datagram that is known, `whole` is the UDP payload of all of it.
pub(super) fn fragment(
    fragment: &Fragment<'_>,
    (src, dst): (IpAddr, IpAddr),
    dscp: u8,
    payload: &[u8],
    whole: Option<&[u8]>,
) -> Rebuilt {
    let header = Header {
        src,
        dst,
        identification: u16::try_from(fragment.datagram.identification & 0xffff)
            .unwrap_or_default(),
        ttl: fragment.ttl,
        dscp,
        protocol: fragment.datagram.protocol,
    };
    let mut payload = payload.to_vec();
    if fragment.offset == 0
        && header.protocol == UDP
        && let Some((head, _)) = payload.split_first_chunk_mut::<8>()
    {
        let [s1, s2, d1, d2, l1, l2, check @ ..] = head;
        *check = [0; 2];
        let ports = [(src, [*s1, *s2]), (dst, [*d1, *d2])]
            .map(|(ip, port)| SocketAddr::new(ip, u16::from_be_bytes(port)));
        let [from, to] = ports;
        let flow = Flow {
            src: from,
            dst: to,
            transport: Transport::Udp,
        };
        let len = usize::from(u16::from_be_bytes([*l1, *l2]));
        // Of a datagram that is not all known there is none; IPv4 does without.
        if let Some(whole) = whole.filter(|whole| whole.len() + 8 == len)
            && let Some([high, low]) = udp(flow, whole, 0).get(6..8)
        {
            *check = [*high, *low];
        }
    }
    let piece = (
        fragment.offset,
        fragment.more,
        fragment.datagram.identification,
    );
    header.packet(&payload, fragment.missing, Some(piece))
}

/// An ICMP error about a packet, of which it quotes as much as it did.
pub(super) fn icmp(error: &IcmpError<'_>, dscp: u8, quoted: &[u8]) -> Option<Rebuilt> {
    let quote = error.quote?;
    let (src, dst) = (quote.flow.src.ip(), quote.flow.dst.ip());
    let is_v4 = error.reporter.is_ipv4();
    let inner = Header {
        src,
        dst,
        identification: 0,
        ttl: 64,
        dscp: 0,
        protocol: if quote.flow.transport == Transport::Udp {
            UDP
        } else {
            TCP
        },
    };
    let carried = if inner.protocol == UDP {
        udp(quote.flow, quoted, 0)
    } else {
        let mut tcp = Vec::with_capacity(20 + quoted.len());
        tcp.extend(quote.flow.src.port().to_be_bytes());
        tcp.extend(quote.flow.dst.port().to_be_bytes());
        tcp.extend([0; 8]);
        tcp.extend([5 << 4, 0x02, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend_from_slice(quoted);
        set_checksum(&mut tcp, 16, &inner, 0);
        tcp
    };
    let (kind, code) = numbers(error.kind, is_v4);
    let mut icmp = vec![kind, code, 0, 0, 0, 0, 0, 0];
    icmp.extend(inner.packet(&carried, 0, None).data);
    let header = Header {
        src: error.reporter,
        dst: error.to,
        identification: 0,
        ttl: 64,
        dscp,
        protocol: if is_v4 { ICMP } else { ICMP_V6 },
    };
    set_checksum(&mut icmp, 2, &header, 0);
    Some(header.packet(&icmp, 0, None))
}

impl Header {
    /// A packet with a payload of which `missing` bytes were not captured, or a piece of one.
    fn packet(&self, payload: &[u8], missing: usize, piece: Option<(u32, bool, u32)>) -> Rebuilt {
        let mut data = Vec::with_capacity(48 + payload.len());
        let whole = payload.len() + missing;
        let wire = match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let len = whole + 20;
                let fragment = piece.map_or(0, |(offset, more, _)| {
                    (u16::from(more) << 13) | low(offset / 8)
                });
                data.extend([0x45, self.dscp << 2]);
                data.extend(u16::try_from(len).unwrap_or_default().to_be_bytes());
                data.extend(self.identification.to_be_bytes());
                data.extend(fragment.to_be_bytes());
                data.extend([self.ttl, self.protocol, 0, 0]);
                data.extend(src.octets());
                data.extend(dst.octets());
                let check = fold(sum(&data));
                put(&mut data, 10, check);
                len
            }
            (src, dst) => {
                let extension = if piece.is_some() { 8 } else { 0 };
                data.extend([0x60 | (self.dscp >> 2), (self.dscp & 3) << 6, 0, 0]);
                data.extend(
                    u16::try_from(whole + extension)
                        .unwrap_or_default()
                        .to_be_bytes(),
                );
                data.extend([
                    if piece.is_some() {
                        FRAGMENT_HEADER
                    } else {
                        self.protocol
                    },
                    self.ttl,
                ]);
                data.extend(sixteen(src));
                data.extend(sixteen(dst));
                if let Some((offset, more, identification)) = piece {
                    data.extend([self.protocol, 0]);
                    data.extend(((low(offset / 8) << 3) | u16::from(more)).to_be_bytes());
                    data.extend(identification.to_be_bytes());
                }
                40 + extension + whole
            }
        };
        data.extend_from_slice(payload);
        Rebuilt {
            data,
            original_len: u32::try_from(wire).unwrap_or(u32::MAX),
        }
    }
}

fn udp(flow: Flow, payload: &[u8], missing: usize) -> Vec<u8> {
    let len = 8 + payload.len() + missing;
    let mut udp = Vec::with_capacity(8 + payload.len());
    udp.extend(flow.src.port().to_be_bytes());
    udp.extend(flow.dst.port().to_be_bytes());
    udp.extend(u16::try_from(len).unwrap_or_default().to_be_bytes());
    udp.extend([0, 0]);
    udp.extend_from_slice(payload);
    let header = Header {
        src: flow.src.ip(),
        dst: flow.dst.ip(),
        identification: 0,
        ttl: 0,
        dscp: 0,
        protocol: UDP,
    };
    set_checksum(&mut udp, 6, &header, missing);
    udp
}

/// The checksum over what follows the IP header (RFC 768, RFC 9293 §3.1, RFC 792, RFC 4443 §2.3), at a place where zeros are.
fn set_checksum(bytes: &mut [u8], at: usize, header: &Header, missing: usize) {
    let mut total = sum(bytes);
    if header.protocol != ICMP {
        let octets = |ip: IpAddr| match ip {
            IpAddr::V4(it) => sum(&it.octets()),
            IpAddr::V6(it) => sum(&it.octets()),
        };
        let len = u32::try_from(bytes.len() + missing).unwrap_or_default();
        total += octets(header.src)
            + octets(header.dst)
            + u64::from(header.protocol)
            + sum(&len.to_be_bytes());
    }
    let check = match fold(total) {
        // Zero says that there is none.
        0 if header.protocol == UDP => 0xffff,
        check => check,
    };
    put(bytes, at, check);
}

fn sum(bytes: &[u8]) -> u64 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    pairs
        .iter()
        .map(|pair| u64::from(u16::from_be_bytes(*pair)))
        .sum::<u64>()
        + last
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or_default()
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

fn low(number: u32) -> u16 {
    u16::try_from(number & 0x1fff).unwrap_or_default()
}

fn sixteen(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(it) => it.to_ipv6_mapped().octets(),
        IpAddr::V6(it) => it.octets(),
    }
}

fn bits(flags: TcpFlags, pushes: bool) -> u8 {
    [
        (flags.fin(), 0x01),
        (flags.syn(), 0x02),
        (flags.rst(), 0x04),
        (pushes, 0x08),
        (flags.ack(), 0x10),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .fold(0, |all, (_, bit)| all | bit)
}

/// Type and code (RFC 792, RFC 4443).
#[expect(
    clippy::match_same_arms,
    reason = "the numbers of two protocols, of which some are the same"
)]
const fn numbers(kind: IcmpKind, is_v4: bool) -> (u8, u8) {
    match (kind, is_v4) {
        (IcmpKind::NetworkUnreachable, true) => (3, 0),
        (IcmpKind::HostUnreachable, true) => (3, 1),
        (IcmpKind::ProtocolUnreachable, true) => (3, 2),
        (IcmpKind::PortUnreachable, true) => (3, 3),
        (IcmpKind::PacketTooBig, true) => (3, 4),
        (IcmpKind::AdministrativelyProhibited, true) => (3, 13),
        (IcmpKind::OtherUnreachable, true) => (3, 5),
        (IcmpKind::TimeExceeded, true) => (11, 0),
        (IcmpKind::ReassemblyTimeExceeded, true) => (11, 1),
        (IcmpKind::ParameterProblem, true) => (12, 0),
        (IcmpKind::NetworkUnreachable, false) => (1, 0),
        (IcmpKind::HostUnreachable, false) => (1, 3),
        (IcmpKind::ProtocolUnreachable, false) => (4, 1),
        (IcmpKind::PortUnreachable, false) => (1, 4),
        (IcmpKind::PacketTooBig, false) => (2, 0),
        (IcmpKind::AdministrativelyProhibited, false) => (1, 1),
        (IcmpKind::OtherUnreachable, false) => (1, 2),
        (IcmpKind::TimeExceeded, false) => (3, 0),
        (IcmpKind::ReassemblyTimeExceeded, false) => (3, 1),
        (IcmpKind::ParameterProblem, false) => (4, 0),
    }
}
