//! Tunnels in UDP, and what uses their ports without being one.

use super::wrap::{
    frame, geneve, gtp, ieee80211, in_ipv4, in_udp, join, l2tp_2, l2tp_3, mpls, nsh, of_teredo,
    ppp, snap, tzsp, vxlan, vxlan_gpe,
};
use super::*;

/// Every port that a tunnel is looked for on.
const PORTS: [u16; 12] = [
    1701, 2152, 3544, 4341, 4500, 4789, 4790, 6081, 6635, 8472, 9899, 37008,
];

/// The datagram is found behind these layers, whichever side has the port.
fn finds(port: u16, inner: &[u8], expected: &[&str]) {
    for bytes in [in_udp(40000, port, inner), in_udp(port, 40000, inner)] {
        assert_eq!(layers(&is_found(LinkType::RAW, &bytes)), expected);
    }
    // On any other port it is just a datagram.
    stays(4788, inner);
}

/// It is the datagram that it looks like.
fn stays(port: u16, inner: &[u8]) {
    let bytes = in_udp(40000, port, inner);
    let (decoded, it) = datagram(LinkType::RAW, &bytes);
    assert_eq!((it.payload, it.flow.dst.port()), (inner, port));
    assert_eq!(layers(&decoded), [""; 0]);
}

fn with(bytes: &[u8], at: usize, value: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = value;
    bytes
}

#[test]
fn vxlan_carries_frames() {
    for packet in [ipv4(), ipv6()] {
        let inner = vxlan(&frame(&packet));
        finds(4789, &inner, &["vxlan"]);
        finds(8472, &inner, &["vxlan"]);
        // A group policy, with either of its flags.
        for flags in [0, 0x40, 0x08, 0x48] {
            let policy = join(&[&[0x88, flags, 1, 2], &inner[4..]]);
            finds(4789, &policy, &["vxlan"]);
        }
        let tagged = ethernet(0x8100, &join(&[&[0, 7], &frame(&packet)[12..]]));
        finds(4789, &vxlan(&tagged), &["vxlan", "vlan"]);
    }
    let inner = vxlan(&frame(&ipv4()));
    for (at, value) in [(0, 0), (0, 0x0c), (1, 1), (2, 1), (3, 1), (7, 1)] {
        stays(4789, &with(&inner, at, value));
    }
    stays(4789, &with(&join(&[&[0x88], &inner[1..]]), 1, 0x80));
    stays(4789, &inner[..7]);
    stays(4789, &inner[..20]);
}

#[test]
fn vxlan_gpe_carries_what_its_header_names() {
    for packet in [ipv4(), ipv6()] {
        let ip = if packet[0] >> 4 == 4 { 1 } else { 2 };
        finds(4790, &vxlan_gpe(ip, &packet), &["vxlan"]);
        finds(4790, &vxlan_gpe(3, &frame(&packet)), &["vxlan"]);
        finds(4790, &vxlan_gpe(4, &nsh(&packet)), &["vxlan", "nsh"]);
        finds(4790, &vxlan_gpe(5, &mpls(&packet)), &["vxlan", "mpls"]);
        finds(4790, &vxlan(&frame(&packet)), &["vxlan"]);
    }
    let inner = vxlan_gpe(1, &ipv4());
    // Another version, no network, about the tunnel, unknown protocol, reserved bits.
    for (at, value) in [(0, 0x1c), (0, 0x04), (0, 0x0d), (3, 9), (1, 1), (7, 1)] {
        stays(4790, &with(&inner, at, value));
    }
    stays(4789, &inner);
}

#[test]
fn geneve_carries_what_its_ether_type_says() {
    for packet in [ipv4(), ipv6()] {
        let ether_type = if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
        finds(6081, &geneve(ether_type, &packet), &["geneve"]);
        finds(6081, &geneve(0x6558, &frame(&packet)), &["geneve"]);
        finds(6081, &geneve(0x8847, &mpls(&packet)), &["geneve", "mpls"]);
        let critical = with(&geneve(0x6558, &frame(&packet)), 1, 0x40);
        finds(6081, &critical, &["geneve"]);
    }
    let inner = geneve(0x0800, &ipv4());
    // Another version, control, reserved bits, options beyond the end, an unknown protocol.
    for (at, value) in [(0, 0x42), (1, 0x80), (1, 1), (7, 1), (0, 0x3f), (3, 7)] {
        stays(6081, &with(&inner, at, value));
    }
}

#[test]
fn gtp_u_carries_ip_behind_any_optional_field() {
    let session = [0x01, 0x10, 0x07, 0x00];
    for packet in [ipv4(), ipv6()] {
        finds(2152, &gtp(0x30, &[], &packet), &["gtp-u"]);
        for flags in [0x31, 0x32, 0x33] {
            // The type of an extension that is not there counts for nothing.
            finds(2152, &gtp(flags, &[0, 1, 0, 0x85], &packet), &["gtp-u"]);
        }
        // A PDU session container, alone and behind another extension.
        let one = join(&[&[0, 0, 0, 0x85], &session]);
        finds(2152, &gtp(0x34, &one, &packet), &["gtp-u"]);
        let two = join(&[&[0, 1, 0, 0x40], &[1, 8, 0x68, 0x85], &session]);
        finds(2152, &gtp(0x36, &two, &packet), &["gtp-u"]);
    }
    finds(2152, &gtp(0x30, &[], &frame(&ipv4())), &["gtp-u"]);
    let inner = gtp(0x30, &[], &ipv4());
    // GTP version 2, GTP', a spare bit, an echo request, a wrong length.
    for (at, value) in [(0, 0x50), (0, 0x20), (0, 0x38), (1, 1), (2, 1), (3, 1)] {
        stays(2152, &with(&inner, at, value));
    }
    // Extensions of no length, and beyond the end.
    for len in [0, 200] {
        let extensions = join(&[&[0, 0, 0, 0x85], &[len, 0, 0, 0]]);
        stays(2152, &gtp(0x34, &extensions, &ipv4()));
    }
    stays(2152, &gtp(0x34, &[], &[0, 0]));
    stays(2152, &gtp(0x30, &[], &[0x80; 40]));
}

#[test]
fn l2tp_2_carries_ppp_behind_any_optional_field() {
    for packet in [ipv4(), ipv6()] {
        finds(1701, &l2tp_2(&packet), &["l2tp"]);
        let inner = ppp(&packet);
        for header in [
            &[0, 2, 0, 5, 0, 6][..],
            &[0x01, 2, 0, 5, 0, 6],
            &[0x08, 2, 0, 5, 0, 6, 0, 1, 0, 0],
            &[0x02, 2, 0, 5, 0, 6, 0, 0],
            &[0x0a, 2, 0, 5, 0, 6, 0, 1, 0, 0, 0, 2, 9, 9],
        ] {
            finds(1701, &join(&[header, &inner]), &["l2tp"]);
        }
    }
    let inner = l2tp_2(&ipv4());
    // Control, a reserved bit, version 1 (L2F), a wrong length, no tunnel, no session.
    for (at, value) in [(0, 0xc8), (0, 0x44), (1, 1), (3, 1), (5, 0), (7, 0)] {
        stays(1701, &with(&inner, at, value));
    }
    // An offset beyond the end.
    stays(1701, &join(&[&[0x02, 2, 0, 5, 0, 6, 1, 0], &ppp(&ipv4())]));
}

#[test]
fn l2tp_3_over_udp_carries_frames() {
    for between in [0, 4, 8] {
        let data = l2tp_3(&vec![0xa5; between], &frame(&ipv4()));
        finds(1701, &join(&[&[0, 3, 0, 0], &data]), &["l2tp"]);
    }
    let inner = join(&[&[0, 3, 0, 0], &l2tp_3(&[], &frame(&ipv4()))]);
    // Control, reserved bytes, the session of zero.
    for (at, value) in [(0, 0xc8), (2, 1), (3, 1), (7, 0)] {
        stays(1701, &with(&inner, at, value));
    }
}

#[test]
fn mpls_in_udp_carries_ip_and_frames() {
    for packet in [ipv4(), ipv6()] {
        finds(6635, &mpls(&packet), &["mpls"]);
        finds(6635, &mpls(&frame(&packet)), &["mpls"]);
        let controlled = join(&[&[0, 0, 0, 0], &frame(&packet)]);
        finds(6635, &mpls(&controlled), &["mpls"]);
    }
    stays(6635, &mpls(&[]));
    stays(6635, &mpls(&[0x80; 40]));
    stays(6635, &mpls(&ipv4()[..19]));
    // An IP packet that would be longer than the datagram it is in.
    stays(6635, &mpls(&ipv4()[..30]));
}

#[test]
fn tzsp_carries_frames_of_both_kinds() {
    for packet in [ipv4(), ipv6()] {
        finds(37008, &tzsp(1, &frame(&packet)), &["tzsp"]);
        let wireless = ieee80211(0x08, 1, &snap(&packet));
        finds(37008, &tzsp(18, &wireless), &["tzsp"]);
    }
    let inner = tzsp(1, &frame(&ipv4()));
    // Another version, a keep-alive, an unknown protocol, a tag beyond the end.
    for (at, value) in [(0, 2), (1, 4), (3, 7), (6, 255)] {
        stays(37008, &with(&inner, at, value));
    }
    stays(37008, &inner[..8]);
}

#[test]
fn teredo_carries_ipv6_of_its_addresses() {
    let packet = of_teredo();
    finds(3544, &packet, &["teredo"]);
    let origin = [0, 0, 0x3f, 0x1f, 0x34, 0xff, 0x8e, 0xfd];
    finds(3544, &join(&[&origin, &packet]), &["teredo"]);
    let authentication = join(&[&[0, 1, 2, 1, 7, 7, 8], &[9; 8], &[0]]);
    let both = join(&[&authentication, &origin, &packet]);
    finds(3544, &both, &["teredo"]);
    // No address of Teredo; another version; a wrong length; a STUN request.
    stays(3544, &ipv6());
    stays(3544, &ipv4());
    stays(3544, &join(&[&packet, &[0]]));
    stays(3544, &join(&[&[0, 1, 0, 0], &[0x21; 16]]));
}

#[test]
fn lisp_carries_ip_behind_any_flags() {
    for packet in [ipv4(), ipv6()] {
        for flags in [0, 0x80, 0xa0, 0x40, 0x10, 0x08, 0xc8, 0x58] {
            finds(
                4341,
                &join(&[&[flags, 1, 2, 3, 0, 0, 7, 1], &packet]),
                &["lisp"],
            );
        }
    }
    let inner = join(&[&[0x80, 1, 2, 3, 0, 0, 7, 1], &ipv4()]);
    // A nonce and map versions at once, a reserved bit, an encrypted packet, another version, a wrong checksum.
    for (at, value) in [(0, 0x90), (0, 0x84), (0, 0x81), (8, 0x55), (8 + 9, 18)] {
        stays(4341, &with(&inner, at, value));
    }
    stays(4341, &inner[..8]);
    // Longer than the datagram that it is in.
    stays(4341, &inner[..40]);
}

#[test]
fn sip_on_the_port_of_a_tunnel_stays_sip() {
    for port in PORTS {
        for text in [
            SIP,
            b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\n\r\n",
            b"\r\n\r\nINVITE sip:EEEE@example.com SIP/2.0\r\n\r\n",
            b"i s SIP/2.0\r\n\r\n",
        ] {
            stays(port, text);
            // Whatever the text, and however long: a label stack could end in it, and lengths could fit.
            for filler in [b' ', b'0', b'@', b'E', b'O', b'`', b'e', b'~'] {
                stays(port, &behind(text, &vec![filler; 40_000]));
            }
        }
    }
}

#[test]
fn media_and_stun_on_the_port_of_a_tunnel_stay_what_they_are() {
    for port in PORTS {
        for sequence in (0..=u16::MAX).step_by(13) {
            let [high, low] = sequence.to_be_bytes();
            // RTP whose payload is a frame, as an unlucky codec could make it.
            let rtp = join(&[
                &[0x80, 0, high, low, 0x45, 0, 0, 7, 1, 2, 3, 4],
                &frame(&ipv4())[..20],
            ]);
            stays(port, &rtp);
        }
        stays(
            port,
            &[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8],
        );
        stays(port, &[]);
        stays(port, &[0; 4]);
    }
}

#[test]
fn a_tunnel_without_ip_inside_is_a_datagram() {
    // ARP, spanning tree and an unknown protocol prove nothing.
    stays(4789, &vxlan(&ethernet(0x0806, &[0; 28])));
    stays(4789, &vxlan(&ethernet(0x1234, &[0; 28])));
    // What an IP header proves counts, though it holds no SIP.
    let inner = vxlan(&frame(&in_ipv4(50, &[7; 40])));
    assert_eq!(reason(LinkType::RAW, &in_udp(4789, 4789, &inner)), "esp");
    let inner = vxlan(&frame(&in_ipv4(89, &[7; 40])));
    assert!(is_unrelated(LinkType::RAW, &in_udp(4789, 4789, &inner)));
}

#[test]
fn tunnels_nest_and_the_innermost_that_is_none_is_the_datagram() {
    let middle = in_udp(40000, 4789, &vxlan(&frame(&ipv4())));
    finds(2152, &gtp(0x30, &[], &middle), &["gtp-u", "vxlan"]);
    let plain = in_udp(40000, 4789, SIP);
    let bytes = in_udp(40000, 2152, &gtp(0x30, &[], &plain));
    let (decoded, it) = datagram(LinkType::RAW, &bytes);
    assert_eq!(layers(&decoded), ["gtp-u"]);
    assert_eq!((it.payload, it.flow.dst.port()), (SIP, 4789));
}

#[test]
fn a_snap_length_cuts_what_is_inside() {
    for (port, inner) in [
        (4789, vxlan(&frame(&ipv4()))),
        (2152, gtp(0x30, &[], &ipv4())),
        (1701, l2tp_2(&ipv4())),
        (6635, mpls(&ipv4())),
        (3544, of_teredo()),
    ] {
        let bytes = in_udp(40000, port, &inner);
        let wire = u32::try_from(bytes.len()).expect("short");
        let kept = &bytes[..bytes.len() - 7];
        let decoded = decode(LinkType::RAW, kept, wire).expect("decoded");
        let Content::Datagram(it) = decoded.content else {
            panic!("no datagram");
        };
        assert_eq!((it.missing, it.flow.src.port()), (7, 5060));
        assert_eq!(it.payload, &SIP[..SIP.len() - 7]);
    }
}

#[test]
fn a_quoted_tunnel_is_not_opened() {
    let tunnel = in_udp(40000, 4789, &vxlan(&frame(&ipv4())));
    let step = PacketBuilder::ipv4(DST, SRC, 64).icmpv4(Icmpv4Type::DestinationUnreachable(
        icmpv4::DestUnreachableHeader::Port,
    ));
    let mut bytes = Vec::new();
    step.write(&mut bytes, &tunnel).expect("a packet");
    let decoded = whole(LinkType::RAW, &bytes).expect("decoded");
    let Content::IcmpError(error) = decoded.content else {
        panic!("no error");
    };
    let quote = error.quote.expect("a quote");
    assert_eq!(quote.flow.dst.port(), 4789);
    assert_eq!(quote.payload[0], 0x08);
    // An error inside of a tunnel is one.
    let inside = in_udp(40000, 4789, &vxlan(&frame(&bytes)));
    let decoded = whole(LinkType::RAW, &inside).expect("decoded");
    assert_eq!(layers(&decoded), ["vxlan"]);
    assert!(matches!(decoded.content, Content::IcmpError(_)));
}
