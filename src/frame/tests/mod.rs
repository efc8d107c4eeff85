//! Each row of the link layers and of IP, with its near misses. Packets are made by etherparse where it can, by hand where
//! it cannot.

mod hep;
mod icmp;
mod ieee80211;
mod links;
mod nested;
mod plain;
mod protected;
mod relatives;
mod tunnels;
mod tunnels_in_udp;
mod wrap;

use super::envelopes::ENVELOPES;
use super::{
    Content, Datagram, Decoded, Direction, IcmpError, IcmpKind, Segment, Undecoded, decode, resume,
};
use crate::capture::LinkType;
use crate::flow::Transport;
use etherparse::{
    EtherType, Icmpv4Type, Icmpv6Type, IpFragOffset, IpNumber, Ipv4Extensions, Ipv4Header,
    Ipv4Options, Ipv6Extensions, Ipv6FragmentHeader, Ipv6Header, Ipv6RawExtHeader, PacketBuilder,
    PacketBuilderStep, VlanId, icmpv4, icmpv6,
};
use std::net::SocketAddr;

const SIP: &[u8] = b"OPTIONS sip:bob@example.com SIP/2.0\r\n\r\n";
const SRC: [u8; 4] = [192, 0, 2, 1];
const DST: [u8; 4] = [198, 51, 100, 2];
const SRC_6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const DST_6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

fn udp(step: PacketBuilderStep<etherparse::IpHeaders>) -> Vec<u8> {
    let step = step.udp(5060, 5070);
    let mut bytes = Vec::with_capacity(step.size(SIP.len()));
    step.write(&mut bytes, SIP).expect("a packet");
    bytes
}

/// An IPv4 packet without a link layer.
fn ipv4() -> Vec<u8> {
    udp(PacketBuilder::ipv4(SRC, DST, 61))
}

fn ipv6() -> Vec<u8> {
    udp(PacketBuilder::ipv6(SRC_6, DST_6, 62))
}

/// IPv6 with these extension headers before the datagram.
fn ipv6_with(extensions: Ipv6Extensions) -> Vec<u8> {
    let header = Ipv6Header {
        hop_limit: 62,
        source: SRC_6,
        destination: DST_6,
        ..Ipv6Header::default()
    };
    udp(PacketBuilder::ip(etherparse::IpHeaders::Ipv6(
        header, extensions,
    )))
}

fn behind(header: &[u8], rest: &[u8]) -> Vec<u8> {
    [header, rest].concat()
}

const MACS: [u8; 12] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

fn ethernet(ether_type: u16, rest: &[u8]) -> Vec<u8> {
    behind(&behind(&MACS, &ether_type.to_be_bytes()), rest)
}

fn whole(link_type: LinkType, bytes: &[u8]) -> Result<Decoded<'_>, Undecoded> {
    decode(link_type, bytes, u32::try_from(bytes.len()).expect("small"))
}

fn datagram(link_type: LinkType, bytes: &[u8]) -> (Decoded<'_>, Datagram<'_>) {
    let decoded = whole(link_type, bytes).expect("decoded");
    match decoded.content {
        Content::Datagram(datagram) => (decoded, datagram),
        other => panic!("no datagram: {other:?}"),
    }
}

/// The datagram of [`ipv4`] or [`ipv6`] is found whole.
fn is_found(link_type: LinkType, bytes: &[u8]) -> Decoded<'_> {
    let (decoded, it) = datagram(link_type, bytes);
    assert_eq!(it.payload, SIP);
    assert_eq!((it.flow.src.port(), it.flow.dst.port()), (5060, 5070));
    assert_eq!(it.flow.transport, Transport::Udp);
    assert_eq!(it.missing, 0);
    assert!(!decoded.envelope.cut);
    decoded
}

fn reason(link_type: LinkType, bytes: &[u8]) -> String {
    whole(link_type, bytes).expect_err("undecoded").to_string()
}

fn is_unrelated(link_type: LinkType, bytes: &[u8]) -> bool {
    matches!(
        whole(link_type, bytes),
        Ok(Decoded {
            content: Content::Unrelated,
            ..
        })
    )
}

/// The names of the layers, each of which the table has.
fn layers(decoded: &Decoded<'_>) -> Vec<&'static str> {
    let names: Vec<_> = decoded.envelope.encapsulation.iter().collect();
    for name in &names {
        assert!(
            ENVELOPES.iter().any(|it| it.name == *name),
            "envelopes.rs lacks {name}"
        );
    }
    names
}

#[test]
fn ethernet_carries_both_versions_of_ip() {
    let bytes = ethernet(0x0800, &ipv4());
    let (_, it) = datagram(LinkType::ETHERNET, &bytes);
    assert_eq!(it.flow.src, SocketAddr::from((SRC, 5060)));
    assert_eq!(it.flow.dst, SocketAddr::from((DST, 5070)));
    assert_eq!(it.ttl, 61);
    let bytes = ethernet(0x86dd, &ipv6());
    let (decoded, it) = datagram(LinkType::ETHERNET, &bytes);
    assert_eq!(it.flow.src, SocketAddr::from((SRC_6, 5060)));
    assert_eq!((it.ttl, it.identification), (62, None));
    assert_eq!(
        (layers(&decoded), decoded.envelope.direction),
        (vec![], None)
    );
}

#[test]
fn padding_behind_a_short_packet_is_not_payload() {
    for packet in [ipv4(), ipv6()] {
        let ether_type = if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
        is_found(
            LinkType::ETHERNET,
            &ethernet(ether_type, &behind(&packet, &[0; 12])),
        );
    }
}

#[test]
fn vlan_tags_are_peeled_one_or_more() {
    let id = VlanId::try_new(42).expect("an id");
    let single = udp(PacketBuilder::ethernet2([2; 6], [4; 6])
        .single_vlan(id)
        .ipv4(SRC, DST, 61));
    assert_eq!(layers(&is_found(LinkType::ETHERNET, &single)), ["vlan"]);
    let double = udp(PacketBuilder::ethernet2([2; 6], [4; 6])
        .double_vlan(id, id)
        .ipv4(SRC, DST, 61));
    assert_eq!(
        layers(&is_found(LinkType::ETHERNET, &double)),
        ["vlan", "vlan"]
    );
    for outer in [0x8100, 0x88a8, 0x9100, 0x9200] {
        let inner = behind(&[0, 7, 0x81, 0x00, 0, 8, 0x08, 0x00], &ipv4());
        let bytes = ethernet(outer, &inner);
        assert_eq!(
            layers(&is_found(LinkType::ETHERNET, &bytes)),
            ["vlan", "vlan"]
        );
    }
}

#[test]
fn tags_without_end_are_given_up() {
    let tags = [0, 7, 0x81, 0x00].repeat(30);
    assert_eq!(
        reason(LinkType::ETHERNET, &ethernet(0x8100, &tags)),
        "too-many-layers"
    );
    assert_eq!(
        reason(LinkType::ETHERNET, &ethernet(0x8100, &[0, 7, 0x08])),
        "vlan-truncated"
    );
}

#[test]
fn snap_leads_to_an_ether_type_and_other_llc_does_not() {
    let packet = ipv4();
    let snap = behind(&[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00], &packet);
    let len = u16::try_from(snap.len()).expect("small");
    is_found(LinkType::ETHERNET, &ethernet(len, &snap));
    // The same behind a tag, and in a cooked capture.
    let tagged = behind(&behind(&[0, 7], &len.to_be_bytes()), &snap);
    assert_eq!(
        layers(&is_found(LinkType::ETHERNET, &ethernet(0x8100, &tagged))),
        ["vlan"]
    );
    is_found(LinkType::LINUX_SLL, &cooked_1(0, 4, &snap));
    // Spanning tree; SNAP of another organisation; too short for either.
    assert!(is_unrelated(
        LinkType::ETHERNET,
        &ethernet(38, &[0x42, 0x42, 3, 0, 0, 0, 0, 0, 0])
    ));
    assert!(is_unrelated(
        LinkType::ETHERNET,
        &ethernet(50, &behind(&[0xaa, 0xaa, 3, 0, 0, 0xc, 0x08, 0], &packet))
    ));
    assert!(is_unrelated(
        LinkType::ETHERNET,
        &ethernet(3, &[0xaa, 0xaa, 3])
    ));
}

#[test]
fn what_ethernet_carries_besides_is_ignored_or_named() {
    assert!(is_unrelated(
        LinkType::ETHERNET,
        &ethernet(0x0806, &[0; 28])
    ));
    assert!(is_unrelated(LinkType::ETHERNET, &ethernet(0x88cc, &[])));
    assert_eq!(
        reason(LinkType::ETHERNET, &ethernet(0x88e5, &[0x0c; 40])),
        "macsec"
    );
    assert_eq!(
        reason(LinkType::ETHERNET, &ethernet(0x1234, &[0; 40])),
        "ethertype-0x1234"
    );
    assert_eq!(reason(LinkType::ETHERNET, &MACS), "ethernet-truncated");
    assert_eq!(
        reason(LinkType::ETHERNET, &ethernet(0x0800, &[])),
        "ip-truncated"
    );
}

fn cooked_1(kind: u16, protocol: u16, rest: &[u8]) -> Vec<u8> {
    let mut header = kind.to_be_bytes().to_vec();
    header.extend_from_slice(&[0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    header.extend_from_slice(&protocol.to_be_bytes());
    behind(&header, rest)
}

fn cooked_2(kind: u8, protocol: u16, rest: &[u8]) -> Vec<u8> {
    let mut header = protocol.to_be_bytes().to_vec();
    header.extend_from_slice(&[0, 0, 0, 0, 0, 3, 0, 1, kind, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    behind(&header, rest)
}

#[test]
fn cooked_captures_tell_the_direction() {
    // Packet types of Linux: to us, broadcast, multicast, to another host, from us.
    for (kind, direction) in [
        (0, Direction::Incoming),
        (1, Direction::Incoming),
        (2, Direction::Incoming),
        (3, Direction::Incoming),
        (4, Direction::Outgoing),
    ] {
        let bytes = cooked_1(kind.into(), 0x0800, &ipv4());
        assert_eq!(
            is_found(LinkType::LINUX_SLL, &bytes).envelope.direction,
            Some(direction)
        );
        let bytes = cooked_2(kind, 0x86dd, &ipv6());
        assert_eq!(
            is_found(LinkType::LINUX_SLL2, &bytes).envelope.direction,
            Some(direction)
        );
    }
    let tagged = behind(&[0, 7, 0x08, 0x00], &ipv4());
    assert_eq!(
        layers(&is_found(
            LinkType::LINUX_SLL2,
            &cooked_2(4, 0x8100, &tagged)
        )),
        ["vlan"]
    );
}

#[test]
fn cooked_captures_that_end_early_or_hold_no_ip() {
    let (one, two) = (cooked_1(0, 0x0800, &[]), cooked_2(0, 0x0800, &[]));
    assert_eq!((one.len(), two.len()), (16, 20));
    assert_eq!(
        reason(LinkType::LINUX_SLL, &one[..15]),
        "linux-sll-truncated"
    );
    assert_eq!(
        reason(LinkType::LINUX_SLL2, &two[..19]),
        "linux-sll2-truncated"
    );
    assert_eq!(reason(LinkType::LINUX_SLL, &one), "ip-truncated");
    assert!(is_unrelated(
        LinkType::LINUX_SLL,
        &cooked_1(0, 0x0806, &[0; 28])
    ));
    // 802.2 frames and CAN have small numbers where other frames have an EtherType.
    assert!(is_unrelated(
        LinkType::LINUX_SLL,
        &cooked_1(0, 0x0004, &[0x42, 0x42, 3])
    ));
    assert!(is_unrelated(
        LinkType::LINUX_SLL2,
        &cooked_2(0, 0x000c, &[0; 16])
    ));
}

#[test]
fn raw_ip_needs_no_link_layer() {
    for link_type in [
        LinkType::RAW,
        LinkType(12),
        LinkType(14),
        LinkType::IPV4,
        LinkType::IPV6,
    ] {
        is_found(link_type, &ipv4());
        is_found(link_type, &ipv6());
    }
    assert_eq!(reason(LinkType::RAW, &[]), "ip-truncated");
    assert_eq!(reason(LinkType::RAW, &[0x50; 40]), "ip-version-unknown");
}

#[test]
fn loopback_families_are_read_in_either_byte_order() {
    for family in [2_u32, 10, 23, 24, 28, 30] {
        let packet = if family == 2 { ipv4() } else { ipv6() };
        for header in [family.to_le_bytes(), family.to_be_bytes()] {
            is_found(LinkType::NULL, &behind(&header, &packet));
            is_found(LinkType::LOOP, &behind(&header, &packet));
        }
    }
    // AppleTalk; and a header that ends early.
    assert!(is_unrelated(
        LinkType::NULL,
        &behind(&16_u32.to_le_bytes(), &[0; 30])
    ));
    assert_eq!(reason(LinkType::NULL, &[2, 0, 0]), "loopback-truncated");
}

#[test]
fn an_unknown_link_type_is_named() {
    assert!(reason(LinkType(147), &ipv4()).starts_with("link-type-"));
}

#[test]
fn ipv4_options_are_skipped() {
    let mut header = Ipv4Header::new(0, 61, IpNumber::UDP, SRC, DST).expect("a header");
    header.options = Ipv4Options::from([7, 7, 4, 0, 0, 0, 0, 0]);
    header.identification = 4711;
    let bytes = udp(PacketBuilder::ip(etherparse::IpHeaders::Ipv4(
        header,
        Ipv4Extensions::default(),
    )));
    assert_eq!(bytes[0], 0x47);
    let (_, it) = datagram(LinkType::RAW, &bytes);
    assert_eq!((it.payload, it.identification), (SIP, Some(4711)));
}

#[test]
fn an_identification_of_zero_says_nothing() {
    let mut bytes = ipv4();
    bytes[4..6].copy_from_slice(&[0, 0]);
    assert_eq!(datagram(LinkType::RAW, &bytes).1.identification, None);
}

#[test]
fn a_total_length_of_zero_goes_to_the_end() {
    let (mut v4, mut v6) = (ipv4(), ipv6());
    v4[2..4].copy_from_slice(&[0, 0]);
    v6[4..6].copy_from_slice(&[0, 0]);
    for bytes in [v4, v6] {
        is_found(LinkType::RAW, &bytes);
    }
    // As segmentation offload leaves it, in UDP as well.
    let mut bytes = ipv4();
    bytes[24..26].copy_from_slice(&[0, 0]);
    is_found(LinkType::RAW, &bytes);
}

#[test]
fn ipv6_extension_headers_are_skipped() {
    let raw = |next| Some(Ipv6RawExtHeader::new_raw(next, &[1, 4, 0, 0, 0, 0]).expect("a header"));
    let bytes = ipv6_with(Ipv6Extensions {
        hop_by_hop_options: raw(IpNumber::UDP),
        destination_options: raw(IpNumber::UDP),
        ..Ipv6Extensions::default()
    });
    assert_eq!(bytes.len(), ipv6().len() + 16);
    is_found(LinkType::RAW, &bytes);
}

/// Found by fuzzing: etherparse's iterator over extension headers reads outside of the bytes here.
#[test]
fn an_extension_header_that_ends_early_is_malformed() {
    let raw = |next| Some(Ipv6RawExtHeader::new_raw(next, &[1, 4, 0, 0, 0, 0]).expect("a header"));
    let mut bytes = ipv6_with(Ipv6Extensions {
        hop_by_hop_options: raw(IpNumber::UDP),
        destination_options: raw(IpNumber::UDP),
        ..Ipv6Extensions::default()
    });
    for kept in 40..56 {
        assert_eq!(reason(LinkType::RAW, &bytes[..kept]), "ipv6-malformed");
    }
    bytes[49] = 255;
    assert_eq!(reason(LinkType::RAW, &bytes), "ipv6-malformed");
}

fn fragment(offset: u16, more: bool) -> Vec<u8> {
    let offset = IpFragOffset::try_new(offset).expect("an offset");
    ipv6_with(Ipv6Extensions {
        fragment: Some(Ipv6FragmentHeader::new(IpNumber::UDP, offset, more, 7)),
        ..Ipv6Extensions::default()
    })
}

/// Identification, offset and whether more follow.
fn place(bytes: &[u8]) -> (u32, u32, bool) {
    match whole(LinkType::RAW, bytes).expect("decoded").content {
        Content::Fragment(piece) => (piece.datagram.identification, piece.offset, piece.more),
        other => panic!("no fragment: {other:?}"),
    }
}

#[test]
fn fragments_have_their_place_and_atomic_fragments_are_whole() {
    // RFC 6946: a fragment header around a whole datagram.
    is_found(LinkType::RAW, &fragment(0, false));
    assert_eq!(place(&fragment(0, true)), (7, 0, true));
    assert_eq!(place(&fragment(3, false)), (7, 24, false));
    for (flags, offset, more) in [([0x20, 0], 0, true), ([0, 9], 72, false)] {
        let mut bytes = ipv4();
        bytes[4..8].copy_from_slice(&[0, 5, flags[0], flags[1]]);
        assert_eq!(place(&bytes), (5, offset, more));
    }
    // Don't Fragment is no fragment.
    let mut bytes = ipv4();
    bytes[6..8].copy_from_slice(&[0x40, 0]);
    is_found(LinkType::RAW, &bytes);
}

#[test]
fn what_ip_carries_besides_is_ignored_or_named() {
    for (protocol, expected) in [(50, "esp"), (200, "ip-protocol-200")] {
        let mut bytes = ipv4();
        bytes[9] = protocol;
        assert_eq!(reason(LinkType::RAW, &bytes), expected);
    }
    let mut ospf = ipv4();
    ospf[9] = 89;
    assert!(is_unrelated(LinkType::RAW, &ospf));
}

#[test]
fn ip_headers_that_are_broken_are_named() {
    assert_eq!(reason(LinkType::RAW, &ipv4()[..19]), "ipv4-malformed");
    assert_eq!(reason(LinkType::RAW, &ipv6()[..39]), "ipv6-malformed");
    let mut bytes = ipv4();
    bytes[0] = 0x44;
    assert_eq!(reason(LinkType::RAW, &bytes), "ipv4-malformed");
    // A total length within the header leaves nothing for UDP.
    let mut bytes = ipv4();
    bytes[2..4].copy_from_slice(&[0, 10]);
    assert_eq!(reason(LinkType::RAW, &bytes), "udp-truncated");
}

#[test]
fn a_snap_length_leaves_what_it_left() {
    let bytes = ethernet(0x0800, &ipv4());
    let wire = u32::try_from(bytes.len()).expect("small");
    for kept in [bytes.len() - 1, bytes.len() - SIP.len()] {
        let decoded = decode(LinkType::ETHERNET, &bytes[..kept], wire).expect("decoded");
        let Content::Datagram(it) = decoded.content else {
            panic!("no datagram");
        };
        assert!(decoded.envelope.cut);
        assert_eq!(it.missing, bytes.len() - kept);
        assert_eq!(it.payload, &SIP[..SIP.len() - it.missing]);
    }
    let kept = &bytes[..14 + 20 + 7];
    assert_eq!(
        decode(LinkType::ETHERNET, kept, wire)
            .expect_err("undecoded")
            .to_string(),
        "udp-truncated"
    );
}

#[test]
fn tcp_segments_carry_what_is_behind_their_options() {
    let step = PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4(SRC, DST, 61)
        .tcp(5060, 40000, 1_000_000, 4096)
        .options(&[etherparse::TcpOptionElement::Timestamp(1, 2)])
        .expect("options");
    let mut bytes = Vec::new();
    step.write(&mut bytes, SIP).expect("a packet");
    let segment = |bytes: &[u8]| -> (u32, bool, Vec<u8>) {
        match whole(LinkType::ETHERNET, bytes).expect("decoded").content {
            Content::Segment(Segment {
                sequence,
                flags,
                payload,
                ..
            }) => (
                sequence,
                flags.fin() || flags.syn() || flags.rst(),
                payload.to_vec(),
            ),
            other => panic!("no segment: {other:?}"),
        }
    };
    assert_eq!(segment(&bytes), (1_000_000, false, SIP.to_vec()));
    for flag in [1, 2, 4] {
        let mut bytes = bytes.clone();
        bytes[14 + 20 + 13] = flag;
        assert!(segment(&bytes).1);
    }
    bytes[14 + 20 + 12] = 0x40;
    assert_eq!(reason(LinkType::ETHERNET, &bytes), "tcp-malformed");
}
