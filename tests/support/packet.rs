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

pub(crate) fn sip(ends: Endpoints, id: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(MAC, MAC).ip(ip(ends.src.ip(), ends.dst.ip(), id));
    let mut data = Vec::new();
    if ends.tcp {
        builder
            .tcp(ends.src.port(), ends.dst.port(), sequence, 65_000)
            .psh()
            .ack(1)
            .write(&mut data, payload)
            .unwrap();
    } else {
        builder
            .udp(ends.src.port(), ends.dst.port())
            .write(&mut data, payload)
            .unwrap();
    }
    data
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
