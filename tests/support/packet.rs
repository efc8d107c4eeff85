//! Real packets: Ethernet, IPv4 or IPv6, UDP, TCP or ICMP.

use etherparse::{IpHeaders, IpNumber, Ipv4Header, Ipv6Header, PacketBuilder};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Who sends to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoints {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    pub(crate) tcp: bool,
}

const ETHERNET_LEN: usize = 14;
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// What the head of a TCP segment says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Segment {
    pub(crate) sequence: u32,
    /// `None` in the first SYN.
    pub(crate) acknowledges: Option<u32>,
    pub(crate) syn: bool,
    pub(crate) fin: bool,
    pub(crate) rst: bool,
}

/// A datagram, or a segment where the ends speak TCP.
pub(crate) fn packet(ends: Endpoints, id: u16, segment: Segment, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(MAC, MAC).ip(ip(ends.src.ip(), ends.dst.ip(), id));
    let mut data = Vec::new();
    if ends.tcp {
        let (src, dst) = (ends.src.port(), ends.dst.port());
        let mut builder = builder.tcp(src, dst, segment.sequence, 65_000);
        if let Some(number) = segment.acknowledges {
            builder = builder.ack(number);
        }
        if segment.syn {
            builder = builder.syn();
        }
        if segment.fin {
            builder = builder.fin();
        }
        if segment.rst {
            builder = builder.rst();
        }
        if !payload.is_empty() {
            builder = builder.psh();
        }
        builder.write(&mut data, payload).unwrap();
    } else {
        builder
            .udp(ends.src.port(), ends.dst.port())
            .write(&mut data, payload)
            .unwrap();
    }
    data
}

/// Sets the DSCP of a packet (RFC 2474 §3).
pub(crate) fn mark(packet: &mut [u8], dscp: u8) {
    let ip = &mut packet[ETHERNET_LEN..];
    if ip[0] >> 4 == 4 {
        ip[1] = dscp << 2;
        let header = Ipv4Header::from_slice(ip).unwrap().0;
        ip[10..12].copy_from_slice(&header.calc_header_checksum().to_be_bytes());
    } else {
        ip[0] = 0x60 | dscp >> 2;
        ip[1] = dscp << 6;
    }
}

/// A packet in IP fragments of the same size, but for the last (RFC 791 §3.2, RFC 8200 §4.5).
pub(crate) fn fragments(packet: &[u8], id: u16, count: usize) -> Vec<Vec<u8>> {
    if count < 2 {
        return vec![packet.to_vec()];
    }
    let is_v4 = packet[ETHERNET_LEN] >> 4 == 4;
    let header_len = if is_v4 { 20 } else { 40 };
    let (headers, payload) = packet.split_at(ETHERNET_LEN + header_len);
    let size = payload.len().div_ceil(count).next_multiple_of(8);
    let pieces: Vec<_> = payload.chunks(size).collect();
    assert_eq!(pieces.len(), count, "too short for so many fragments");
    let offsets = (0..).step_by(size / 8);
    let cut = pieces.iter().zip(offsets).map(|(piece, offset)| {
        let offset: u16 = offset;
        let more = usize::from(offset) * 8 + piece.len() < payload.len();
        let mut data = headers.to_vec();
        let ip = &mut data[ETHERNET_LEN..];
        let behind = if is_v4 {
            let total = u16::try_from(header_len + piece.len()).unwrap();
            ip[2..4].copy_from_slice(&total.to_be_bytes());
            let flags = offset | if more { 0x2000 } else { 0 };
            ip[6..8].copy_from_slice(&flags.to_be_bytes());
            let header = Ipv4Header::from_slice(ip).unwrap().0;
            ip[10..12].copy_from_slice(&header.calc_header_checksum().to_be_bytes());
            Vec::new()
        } else {
            let total = u16::try_from(8 + piece.len()).unwrap();
            ip[4..6].copy_from_slice(&total.to_be_bytes());
            let next = std::mem::replace(&mut ip[6], 44);
            let place = (offset << 3 | u16::from(more)).to_be_bytes();
            let mut header = vec![next, 0];
            header.extend(place);
            header.extend(u32::from(id).to_be_bytes());
            header
        };
        data.extend(behind);
        data.extend_from_slice(piece);
        data
    });
    cut.collect()
}

/// An ICMP or ICMPv6 error that quotes a packet: its IP header and so many bytes behind it.
pub(crate) fn icmp(
    kind: u8,
    code: u8,
    reporter: IpAddr,
    to: IpAddr,
    packet: &[u8],
    kept: usize,
) -> Vec<u8> {
    let header_len = if to.is_ipv4() { 20 } else { 40 };
    let quote = &packet[ETHERNET_LEN..];
    let quote = &quote[..header_len + kept.min(quote.len() - header_len)];
    let builder = PacketBuilder::ethernet2(MAC, MAC).ip(ip(reporter, to, 0));
    let builder = match to {
        IpAddr::V4(_) => builder.icmpv4_raw(kind, code, [0; 4]),
        IpAddr::V6(_) => {
            let builder = builder.icmpv6_raw(kind, code, [0; 4]);
            let mut data = Vec::new();
            builder.write(&mut data, quote).unwrap();
            return data;
        }
    };
    let mut data = Vec::new();
    builder.write(&mut data, quote).unwrap();
    data
}

/// A datagram that is no SIP.
pub(crate) fn unrelated() -> Vec<u8> {
    let [src, dst] = [[192, 0, 2, 200], [192, 0, 2, 201]].map(|it| IpAddr::V4(Ipv4Addr::from(it)));
    let mut data = Vec::new();
    PacketBuilder::ethernet2(MAC, MAC)
        .ip(ip(src, dst, 0))
        .udp(9, 9)
        .write(&mut data, b"something else")
        .unwrap();
    data
}

/// An Ethernet frame of some type, filled with zeros.
pub(crate) fn frame(ether_type: u16) -> Vec<u8> {
    let mut data = [MAC, MAC].concat();
    data.extend(ether_type.to_be_bytes());
    data.resize(60, 0);
    data
}

fn ip(src: IpAddr, dst: IpAddr, id: u16) -> IpHeaders {
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut header =
                Ipv4Header::new(0, 64, IpNumber(0), src.octets(), dst.octets()).unwrap();
            header.identification = id;
            IpHeaders::Ipv4(header, etherparse::Ipv4Extensions::default())
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => IpHeaders::Ipv6(
            Ipv6Header {
                source: src.octets(),
                destination: dst.octets(),
                hop_limit: 64,
                ..Ipv6Header::default()
            },
            etherparse::Ipv6Extensions::default(),
        ),
        _ => panic!("IPv4 and IPv6 in one packet"),
    }
}
