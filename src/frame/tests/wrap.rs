//! Puts packets into envelopes.

use super::*;

const OUTER_SRC: [u8; 4] = [203, 0, 113, 1];
const OUTER_DST: [u8; 4] = [203, 0, 113, 2];
const OUTER_SRC_6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const OUTER_DST_6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// Several stretches of bytes as one.
pub(super) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// An Ethernet frame around an IP packet, of either version.
pub(super) fn frame(packet: &[u8]) -> Vec<u8> {
    let ether_type = if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
    ethernet(ether_type, packet)
}

/// IPv4 around `payload`.
pub(super) fn in_ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).expect("short");
    let mut header =
        Ipv4Header::new(len, 64, IpNumber(protocol), OUTER_SRC, OUTER_DST).expect("a header");
    header.header_checksum = header.calc_header_checksum();
    behind(&header.to_bytes(), payload)
}

/// IPv6 around `payload`.
pub(super) fn in_ipv6(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header = Ipv6Header {
        payload_length: u16::try_from(payload.len()).expect("short"),
        next_header: IpNumber(protocol),
        hop_limit: 64,
        source: OUTER_SRC_6,
        destination: OUTER_DST_6,
        ..Ipv6Header::default()
    };
    behind(&header.to_bytes(), payload)
}

/// IPv4 and UDP around `payload`.
pub(super) fn in_udp(src: u16, dst: u16, payload: &[u8]) -> Vec<u8> {
    let step = PacketBuilder::ipv4(OUTER_SRC, OUTER_DST, 64).udp(src, dst);
    let mut bytes = Vec::new();
    step.write(&mut bytes, payload).expect("a packet");
    bytes
}

fn len(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).expect("short").to_be_bytes()
}

/// The PPP protocol of an IP packet.
pub(super) fn ppp(packet: &[u8]) -> Vec<u8> {
    let protocol = if packet[0] >> 4 == 4 { 0x21 } else { 0x57 };
    join(&[&[0, protocol], packet])
}

pub(super) fn mpls(packet: &[u8]) -> Vec<u8> {
    join(&[&[0, 1, 0x40, 64, 0, 2, 0x01, 64], packet])
}

pub(super) fn pppoe(packet: &[u8]) -> Vec<u8> {
    let inner = ppp(packet);
    let len = u16::try_from(inner.len()).expect("short").to_be_bytes();
    join(&[&[0x11, 0, 0, 7], &len, &inner])
}

/// GRE with these flags, which say what `fields` there are.
pub(super) fn gre(flags: u8, protocol: u16, fields: &[u8], inner: &[u8]) -> Vec<u8> {
    join(&[&[flags, 0], &protocol.to_be_bytes(), fields, inner])
}

pub(super) fn pptp(packet: &[u8]) -> Vec<u8> {
    let inner = join(&[&[0xff, 3], &ppp(packet)]);
    join(&[
        &[0x30, 0x81, 0x88, 0x0b],
        &len(&inner),
        &[0, 7, 0, 0, 0, 1, 0, 0, 0, 2],
        &inner,
    ])
}

pub(super) fn erspan_2(packet: &[u8]) -> Vec<u8> {
    let header = [0x10, 7, 0, 100, 0, 0, 0, 5];
    gre(
        0x10,
        0x88be,
        &[0, 0, 0, 1],
        &join(&[&header, &frame(packet)]),
    )
}

/// Type III, with a platform sub-header when `more`.
pub(super) fn erspan_3(packet: &[u8], more: bool) -> Vec<u8> {
    let header = [0x20, 7, 0, 100, 1, 2, 3, 4, 0, 0, 0x80, u8::from(more)];
    let sub_header: &[u8] = if more {
        &[0x04, 0, 0, 0, 0, 0, 0, 9]
    } else {
        &[]
    };
    let inner = join(&[&header, sub_header, &frame(packet)]);
    gre(0x10, 0x22eb, &[0, 0, 0, 1], &inner)
}

pub(super) fn nsh(packet: &[u8]) -> Vec<u8> {
    let next = if packet[0] >> 4 == 4 { 1 } else { 2 };
    join(&[&[0x0f, 0xc6, 1, next, 0, 0, 7, 255], &[0; 16], packet])
}

pub(super) fn vxlan(frame: &[u8]) -> Vec<u8> {
    join(&[&[0x08, 0, 0, 0, 0, 0, 42, 0], frame])
}

pub(super) fn vxlan_gpe(next: u8, inner: &[u8]) -> Vec<u8> {
    join(&[&[0x0c, 0, 0, next, 0, 0, 42, 0], inner])
}

/// GENEVE with one option.
pub(super) fn geneve(ether_type: u16, inner: &[u8]) -> Vec<u8> {
    join(&[
        &[0x02, 0],
        &ether_type.to_be_bytes(),
        &[0, 0, 42, 0, 1, 2, 3, 1, 9, 9, 9, 9],
        inner,
    ])
}

/// GTP-U with these flags, and `optional` between header and packet.
pub(super) fn gtp(flags: u8, optional: &[u8], packet: &[u8]) -> Vec<u8> {
    let inner = join(&[optional, packet]);
    join(&[&[flags, 255], &len(&inner), &[0, 0, 0, 7], &inner])
}

/// L2TP version 2 with a length, and with address and control field.
pub(super) fn l2tp_2(packet: &[u8]) -> Vec<u8> {
    let inner = join(&[&[0, 5, 0, 6, 0xff, 3], &ppp(packet)]);
    let len = u16::try_from(inner.len() + 4).expect("short").to_be_bytes();
    join(&[&[0x40, 2], &len, &inner])
}

/// L2TP version 3 over IP: a session, and `between` it and the frame.
pub(super) fn l2tp_3(between: &[u8], frame: &[u8]) -> Vec<u8> {
    join(&[&[0, 0, 0, 9], between, frame])
}

pub(super) fn tzsp(protocol: u8, frame: &[u8]) -> Vec<u8> {
    // Padding, a signal strength, the end.
    join(&[&[1, 0, 0, protocol, 0, 10, 1, 0xd8, 1], frame])
}

/// An IPv6 packet with the datagram from a Teredo address.
pub(super) fn of_teredo() -> Vec<u8> {
    let mut src = SRC_6;
    src[..4].copy_from_slice(&[0x20, 1, 0, 0]);
    udp(PacketBuilder::ipv6(src, DST_6, 62))
}

/// A data frame of IEEE 802.11 with these subtype bits and flags, and `rest` behind the sequence control.
pub(super) fn ieee80211(kind: u8, flags: u8, rest: &[u8]) -> Vec<u8> {
    join(&[&[kind, flags, 0, 0], &[2; 18], &[0x10, 0], rest])
}

/// LLC and SNAP before an IP packet.
pub(super) fn snap(packet: &[u8]) -> Vec<u8> {
    let ether_type: u16 = if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
    join(&[&[0xaa, 0xaa, 3, 0, 0, 0], &ether_type.to_be_bytes(), packet])
}

/// One tag of an exported PDU.
pub(super) fn tag(kind: u16, value: &[u8]) -> Vec<u8> {
    join(&[&kind.to_be_bytes(), &len(value), value])
}

/// The tags with the addresses of the datagram and a dissector's name; `port_type` 3 is UDP.
pub(super) fn exported(dissector: &[u8], port_type: u8, payload: &[u8]) -> Vec<u8> {
    join(&[
        &tag(12, dissector),
        &tag(20, &SRC),
        &tag(21, &DST),
        &tag(24, &[0, 0, 0, port_type]),
        &tag(25, &5060_u32.to_be_bytes()),
        &tag(26, &5070_u32.to_be_bytes()),
        &tag(30, &[0, 0, 0, 1]),
        &tag(0, &[]),
        payload,
    ])
}

/// An attribute of a netfilter log.
pub(super) fn attribute(kind: u16, value: &[u8], number: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let len = u16::try_from(value.len() + 4).expect("short");
    let mut bytes = join(&[&number(len), &number(kind), value]);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}
