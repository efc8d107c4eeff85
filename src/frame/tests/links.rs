//! Serial links, logs of packet filters, and what Wireshark exports.

use super::wrap::{attribute, exported, frame, in_udp, join, mpls, snap, tag, vxlan};
use super::*;
use crate::frame::{LINK_LAYERS, Mirrored, envelopes, link_types};

#[test]
fn serial_frames_of_both_kinds_are_told_by_their_address() {
    let packet = ipv4();
    for address in [0x0f, 0x8f] {
        let cisco = join(&[&[address, 0, 8, 0], &packet]);
        is_found(LinkType::C_HDLC, &cisco);
        is_found(LinkType::PPP_HDLC, &cisco);
    }
    is_found(LinkType::C_HDLC, &join(&[&[0x0f, 0, 0x86, 0xdd], &ipv6()]));
    is_found(LinkType::PPP_HDLC, &join(&[&[0xff, 3, 0, 0x21], &packet]));
    let labelled = join(&[&[0x0f, 0, 0x88, 0x47], &mpls(&packet)]);
    assert_eq!(layers(&is_found(LinkType::C_HDLC, &labelled)), ["mpls"]);
    // Keep-alives and CDP.
    for kind in [[0x80, 0x35], [0x20, 0x00]] {
        let bytes = join(&[&[0x8f, 0], &kind, &[0; 18]]);
        assert!(is_unrelated(LinkType::C_HDLC, &bytes));
    }
    for (link_type, bytes, expected) in [
        (
            LinkType::C_HDLC,
            &[0xff, 3, 0, 0x21, 0x45][..],
            "hdlc-malformed",
        ),
        (LinkType::C_HDLC, &[0x0f, 0, 8], "hdlc-truncated"),
        (LinkType::PPP_HDLC, &[], "hdlc-truncated"),
    ] {
        assert_eq!(reason(link_type, bytes), expected);
    }
}

#[test]
fn serial_frames_behind_a_direction_tell_it() {
    let packet = ipv4();
    for (way, direction) in [
        (0, Direction::Incoming),
        (1, Direction::Outgoing),
        (255, Direction::Outgoing),
    ] {
        for (link_type, header) in [
            (LinkType::PPP_WITH_DIR, &[0xff, 3, 0, 0x21][..]),
            (LinkType::PPP_WITH_DIR, &[0x21]),
            (LinkType::C_HDLC_WITH_DIR, &[0x0f, 0, 8, 0]),
            (LinkType::FRELAY_WITH_DIR, &[0x18, 0x41, 3, 0xcc]),
            (LinkType::PPP_PPPD, &[3, 0, 0x21]),
            (LinkType::PPP_PPPD, &[0xff, 3, 0, 0x21]),
        ] {
            let bytes = join(&[&[way], header, &packet]);
            let found = is_found(link_type, &bytes).envelope.direction;
            assert_eq!(found, Some(direction));
        }
    }
    let control = join(&[&[1, 0xff, 3, 0xc0, 0x21], &[1; 8]]);
    assert!(is_unrelated(LinkType::PPP_WITH_DIR, &control));
    for (link_type, bytes, expected) in [
        (LinkType::PPP_WITH_DIR, &[][..], "direction-truncated"),
        (LinkType::PPP_PPPD, &[], "direction-truncated"),
        (LinkType::PPP_PPPD, &[1], "ppp-truncated"),
        (LinkType::PPP_WITH_DIR, &[1], "ppp-truncated"),
        // Without the direction it is another link type.
        (
            LinkType::C_HDLC_WITH_DIR,
            &[0x0f, 0, 8, 0, 0x45],
            "hdlc-malformed",
        ),
    ] {
        assert_eq!(reason(link_type, bytes), expected);
    }
}

/// A header of PKTAP with this length, kind of record, link type and flags.
fn pktap(len: u32, kind: u32, link_type: u32, flags: u32) -> Vec<u8> {
    let mut header = vec![0; 120];
    for (at, value) in [(0, len), (4, kind), (8, link_type), (36, flags)] {
        header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    header
}

#[test]
fn pktap_has_a_packet_of_any_link_type() {
    let packet = ipv4();
    for len in [108_u8, 120] {
        for (link_type, inner) in [
            (1, frame(&packet)),
            (12, packet.clone()),
            (0, join(&[&[2, 0, 0, 0], &packet])),
        ] {
            for (flags, direction) in [
                (1, Some(Direction::Incoming)),
                (2, Some(Direction::Outgoing)),
                (0x16, Some(Direction::Outgoing)),
                (0, None),
                (3, None),
            ] {
                let header = pktap(u32::from(len), 1, link_type, flags);
                let bytes = join(&[&header[..len.into()], &inner]);
                let found = is_found(LinkType::PKTAP, &bytes);
                assert_eq!(
                    (found.envelope.direction, layers(&found)),
                    (direction, vec![])
                );
            }
        }
    }
    let with =
        |len, kind, link_type| join(&[&pktap(len, kind, link_type, 1)[..108], &frame(&packet)]);
    assert!(is_unrelated(LinkType::PKTAP, &with(108, 0, 1)));
    for (bytes, expected) in [
        (with(107, 1, 1), "pktap-malformed"),
        (with(0, 1, 1), "pktap-malformed"),
        (with(108, 1, 0x1_0001), "pktap-malformed"),
        (with(u32::MAX, 1, 1), "pktap-truncated"),
        (with(108, 1, 1)[..107].to_vec(), "pktap-truncated"),
        (vec![108, 0, 0], "pktap-truncated"),
        // In the other byte order it is none.
        (with(108_u32.swap_bytes(), 1, 1), "pktap-truncated"),
        (with(108, 1, 147), "link-type-user0"),
    ] {
        assert_eq!(reason(LinkType::PKTAP, &bytes), expected);
    }
    let endless = with(108, 1, 258)[..108].repeat(30);
    assert_eq!(reason(LinkType::PKTAP, &endless), "too-many-layers");
}

#[test]
fn frame_relay_carries_ip_in_every_way() {
    let packet = ipv4();
    let inner = snap(&packet);
    for (header, inner) in [
        // Q.922 address of two bytes and of four; padded; SNAP; bridged without check sequence and with; PPP; Cisco's.
        (&[0x18, 0x41, 3, 0xcc][..], &packet),
        (&[0x18, 0x40, 0x10, 0x03, 3, 0xcc], &packet),
        (&[0x18, 0x41, 3, 0, 0xcc], &packet),
        (&[0x18, 0x41, 3, 0x8e], &ipv6()),
        (&[0x18, 0x41, 3, 0, 0x80], &inner[3..].to_vec()),
        (
            &[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7],
            &frame(&packet),
        ),
        (
            &[0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 1],
            &join(&[&frame(&packet), &[9; 4]]),
        ),
        (&[0x18, 0x41, 3, 0xcf, 0, 0x21], &packet),
        (&[0x18, 0x41, 8, 0], &packet),
    ] {
        is_found(LinkType::FRELAY, &join(&[header, inner]));
    }
    // Link management.
    assert!(is_unrelated(
        LinkType::FRELAY,
        &[0, 1, 3, 8, 0, 0x75, 0x95, 1, 1, 0]
    ));
    for (bytes, expected) in [
        (
            &[0x18, 0x40, 0x10, 0x02, 3, 0xcc][..],
            "frame-relay-malformed",
        ),
        (&[0x19, 0x41, 3, 0xcc], "frame-relay-malformed"),
        (&[0x18, 0x41], "frame-relay-truncated"),
        (&[0x18, 0x41, 3, 0xb0, 1], "frame-relay-protocol-0xb0"),
    ] {
        assert_eq!(reason(LinkType::FRELAY, bytes), expected);
    }
}

#[test]
fn a_netfilter_log_holds_the_packet_among_its_attributes() {
    for packet in [ipv4(), ipv6()] {
        for number in [u16::to_le_bytes, u16::to_be_bytes] {
            let bytes = join(&[
                &[2, 0, 0, 5],
                &attribute(1, &[8, 0, 1, 0], number),
                &attribute(10, b"prefix\0", number),
                &attribute(9, &packet, number),
                &attribute(3, &[0; 16], number),
            ]);
            is_found(LinkType::NFLOG, &bytes);
        }
    }
    let one = attribute(1, &[8, 0, 1, 0], u16::to_le_bytes);
    for (bytes, expected) in [
        (join(&[&[2, 0, 0, 5], &one]), "nflog-without-packet"),
        (vec![2, 0, 0, 5, 0, 0, 9, 0], "nflog-without-packet"),
        (join(&[&[2, 1, 0, 5], &one]), "nflog-malformed"),
        (vec![2, 0, 0], "nflog-truncated"),
    ] {
        assert_eq!(reason(LinkType::NFLOG, &bytes), expected);
    }
}

#[test]
fn logs_of_the_bsds_tell_the_address_family() {
    for (family, packet) in [(2_u32, ipv4()), (24, ipv6()), (28, ipv6())] {
        for family in [family.to_le_bytes(), family.to_be_bytes()] {
            is_found(
                LinkType::ENC,
                &join(&[&family, &[1, 2, 3, 4, 0, 0, 8, 0], &packet]),
            );
        }
        let family = u8::try_from(family).expect("small");
        for len in [61_u8, 100] {
            let mut header = vec![0; usize::from(len).next_multiple_of(4)];
            header[..2].copy_from_slice(&[len, family]);
            is_found(LinkType::PFLOG, &join(&[&header, &packet]));
        }
    }
    assert!(is_unrelated(LinkType::ENC, &[0; 60]));
    assert!(is_unrelated(LinkType::PFLOG, &join(&[&[4, 16], &[0; 60]])));
    assert_eq!(reason(LinkType::ENC, &[2; 11]), "enc-truncated");
    assert_eq!(reason(LinkType::PFLOG, &[61, 2, 0]), "pflog-truncated");
    assert_eq!(reason(LinkType::PFLOG, &[]), "pflog-truncated");
}

fn mirrored(bytes: &[u8]) -> Mirrored<'_> {
    match whole(LinkType::WIRESHARK_UPPER_PDU, bytes)
        .expect("decoded")
        .content
    {
        Content::Mirrored(it) => it,
        other => panic!("no mirrored message: {other:?}"),
    }
}

#[test]
fn exported_sip_has_the_addresses_of_its_tags() {
    for (name, number, transport) in [
        (&b"sip\0"[..], 3, Transport::Udp),
        (b"sip", 2, Transport::Tcp),
        (b"sip.tcp\0", 2, Transport::Tcp),
        (b"sip", 1, Transport::Sctp),
    ] {
        let bytes = exported(name, number, SIP);
        let it = mirrored(&bytes);
        assert_eq!((&*it.payload, it.cut), (SIP, false));
        assert_eq!(it.flow.src, SocketAddr::from((SRC, 5060)));
        assert_eq!(it.flow.dst, SocketAddr::from((DST, 5070)));
        assert_eq!(it.flow.transport, transport);
    }
    let six = join(&[
        &tag(13, b"sip_udp\0"),
        &tag(22, &SRC_6),
        &tag(23, &DST_6),
        &tag(24, &[0, 0, 0, 3]),
        &tag(25, &5060_u32.to_be_bytes()),
        &tag(26, &5070_u32.to_be_bytes()),
        &tag(0, &[]),
        SIP,
    ]);
    assert_eq!(mirrored(&six).flow.src, SocketAddr::from((SRC_6, 5060)));
    let bytes = exported(b"sip", 3, SIP);
    let wire = u32::try_from(bytes.len() + 5).expect("short");
    let decoded = decode(LinkType::WIRESHARK_UPPER_PDU, &bytes, wire).expect("decoded");
    assert!(matches!(decoded.content, Content::Mirrored(it) if it.cut));
}

#[test]
fn exported_packets_of_lower_layers_go_on() {
    let link_type = LinkType::WIRESHARK_UPPER_PDU;
    for (name, inner) in [
        (&b"ip\0\0"[..], ipv4()),
        (b"ipv6", ipv6()),
        (b"eth_withoutfcs\0\0", frame(&ipv4())),
        (b"udp\0", ipv4()[20..].to_vec()),
    ] {
        let bytes = exported(name, 3, &inner);
        is_found(link_type, &bytes);
    }
    let (bytes, wire) = (exported(b"udp", 3, &ipv4()[20..]), ipv4());
    let it = datagram(link_type, &bytes).1;
    assert_eq!(it.flow, datagram(LinkType::RAW, &wire).1.flow);
    let tunnel = exported(b"udp", 3, &in_udp(1, 4789, &vxlan(&frame(&ipv4())))[20..]);
    assert_eq!(layers(&is_found(link_type, &tunnel)), ["vxlan"]);
}

#[test]
fn exported_messages_that_cannot_be_placed_are_named() {
    let bare = |name: &[u8]| join(&[&tag(12, name), &tag(0, &[]), SIP]);
    let port = join(&[
        &tag(12, b"sip"),
        &tag(20, &SRC),
        &tag(21, &DST),
        &tag(24, &[0, 0, 0, 3]),
        &tag(25, &70_000_u32.to_be_bytes()),
        &tag(26, &[0, 0]),
        &tag(0, &[]),
    ]);
    for (bytes, expected) in [
        (bare(b"sip"), "exported-pdu-without-addresses"),
        (bare(b"udp"), "exported-pdu-without-addresses"),
        (port, "exported-pdu-without-addresses"),
        (bare(b"rtp\0"), "exported-pdu-rtp"),
        (bare(b"e\x1b[2J"), "exported-pdu-unknown"),
        (bare(&[b'a'; 33]), "exported-pdu-unknown"),
        (bare(b""), "exported-pdu-unknown"),
        (tag(12, b"sip"), "exported-pdu-truncated"),
        (vec![0, 12, 0, 9, b's'], "exported-pdu-truncated"),
    ] {
        assert_eq!(reason(LinkType::WIRESHARK_UPPER_PDU, &bytes), expected);
    }
}

#[test]
fn every_link_type_that_is_opened_has_its_row() {
    for link_type in link_types() {
        let number = link_type.0.to_string();
        let row = envelopes::LINKS.iter().find(|row| {
            row.recognised_by
                .split([' ', ','])
                .any(|word| word == number)
        });
        let row = row.unwrap_or_else(|| panic!("envelopes.rs lacks link type {number}"));
        // Numbers of some systems only have no name.
        assert!(link_type.name().is_none_or(|name| name == row.name));
    }
    assert!(envelopes::LINKS.len() <= LINK_LAYERS.len());
}

#[test]
fn a_file_of_random_bytes_behind_any_link_type_ends_normally() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for link_type in (0..=300).map(LinkType) {
        for len in 0..200 {
            let bytes: Vec<u8> = std::iter::repeat_with(&mut next)
                .flatten()
                .take(len)
                .collect();
            for missing in [0, 100] {
                let wire = u32::try_from(len).expect("short") + missing;
                if let Err(reason) = decode(link_type, &bytes, wire) {
                    let name = reason.to_string();
                    assert!(name.is_ascii() && (1..64).contains(&name.len()), "{name}");
                }
            }
        }
    }
}
