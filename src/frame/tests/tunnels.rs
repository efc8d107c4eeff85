//! Tunnels that IP or a link carries directly, each with its near misses.

use super::wrap::{
    erspan_2, erspan_3, frame, gre, in_ipv4, in_ipv6, join, l2tp_3, mpls, nsh, ppp, pppoe, pptp,
};
use super::*;

/// The datagram is found in this IP packet, behind these layers.
fn finds(packet: &[u8], expected: &[&str]) {
    assert_eq!(layers(&is_found(LinkType::RAW, packet)), expected);
}

/// The same in an Ethernet frame.
fn finds_in_frame(frame: &[u8], expected: &[&str]) {
    assert_eq!(layers(&is_found(LinkType::ETHERNET, frame)), expected);
}

fn label(number: u32, bottom: bool) -> [u8; 4] {
    (number << 12 | u32::from(bottom) << 8 | 64).to_be_bytes()
}

#[test]
fn mpls_carries_ip_behind_one_label_or_more() {
    for packet in [ipv4(), ipv6()] {
        for ether_type in [0x8847, 0x8848] {
            finds_in_frame(&ethernet(ether_type, &mpls(&packet)), &["mpls"]);
        }
        let stack: Vec<u8> = (0..10).flat_map(|it| label(it + 100, it == 9)).collect();
        finds_in_frame(&ethernet(0x8847, &join(&[&stack, &packet])), &["mpls"]);
        finds(&in_ipv4(137, &mpls(&packet)), &["mpls"]);
        finds(&in_ipv6(137, &mpls(&packet)), &["mpls"]);
    }
}

#[test]
fn mpls_carries_ethernet_with_control_word_or_without() {
    let bottom = label(16, true);
    // Addresses whose first nibble could be anything's.
    for first in [0x00, 0x02, 0x10, 0x45, 0x6c, 0xfe] {
        let mut inner = frame(&ipv4());
        inner[0] = first;
        let plain = join(&[&bottom, &inner]);
        finds_in_frame(&ethernet(0x8847, &plain), &["mpls"]);
        let controlled = join(&[&bottom, &[0, 0, 0, 7], &inner]);
        finds_in_frame(&ethernet(0x8847, &controlled), &["mpls"]);
    }
    let tagged = ethernet(0x8100, &join(&[&[0, 7, 0x08, 0], &ipv4()]));
    let inner = join(&[&bottom, &tagged]);
    finds_in_frame(&ethernet(0x8847, &inner), &["mpls", "vlan"]);
}

#[test]
fn what_mpls_carries_besides_is_ignored_or_named() {
    let inner = |label: [u8; 4], rest: &[u8]| ethernet(0x8847, &join(&[&label, rest]));
    // The associated channel of a path and of a pseudowire, with BFD; spanning tree in a pseudowire; ARP.
    let bfd = join(&[&[0x10, 0, 0, 7], &[0x20; 24]]);
    for unrelated in [
        inner(label(13, true), &bfd),
        inner(label(16, true), &bfd),
        inner(label(16, true), &ethernet(0x0806, &[0; 28])),
        inner(label(16, true), &ethernet(7, &[0x42, 0x42, 3, 0, 0, 0, 0])),
    ] {
        assert!(is_unrelated(LinkType::ETHERNET, &unrelated));
    }
    for (bytes, expected) in [
        (inner(label(16, false), &[]), "mpls-truncated"),
        (inner(label(16, true), &[]), "mpls-truncated"),
        (ethernet(0x8847, &[0; 3]), "mpls-truncated"),
        (ethernet(0x8847, &[0; 400]), "too-many-layers"),
        // No address has a group of another vendor and a type that nobody knows.
        (inner(label(16, true), &[0; 40]), "mpls-payload-unknown"),
        (inner(label(16, true), &[0xf0; 40]), "mpls-payload-unknown"),
        (inner(label(16, true), &ipv4()[..19]), "ipv4-malformed"),
    ] {
        assert_eq!(reason(LinkType::ETHERNET, &bytes), expected);
    }
}

#[test]
fn a_provider_backbone_carries_frames() {
    let service = join(&[&[0x60, 0, 0, 7], &frame(&ipv4())]);
    finds_in_frame(&ethernet(0x88e7, &service), &["pbb"]);
    let tagged = join(&[&[0, 7, 0x88, 0xe7], &service]);
    finds_in_frame(&ethernet(0x88a8, &tagged), &["vlan", "pbb"]);
    let without_ip = join(&[&[0x60, 0, 0, 7], &ethernet(0x0806, &[0; 28])]);
    assert!(is_unrelated(
        LinkType::ETHERNET,
        &ethernet(0x88e7, &without_ip)
    ));
    assert_eq!(
        reason(LinkType::ETHERNET, &ethernet(0x88e7, &[0x60, 0, 0])),
        "pbb-truncated"
    );
}

#[test]
fn cisco_metadata_is_a_tag_of_one_option_or_more() {
    for packet in [ipv4(), ipv6()] {
        let inner = &frame(&packet)[12..];
        for options in 1..4 {
            let tag = join(&[&[1, options], &[0, 1, 0, 5].repeat(options.into())]);
            let bytes = ethernet(0x8909, &join(&[&tag, inner]));
            finds_in_frame(&bytes, &["cisco-metadata"]);
            let tagged = ethernet(0x8100, &join(&[&[0, 7, 0x89, 0x09], &tag, inner]));
            finds_in_frame(&tagged, &["vlan", "cisco-metadata"]);
        }
    }
    for (bytes, expected) in [
        (&[2, 1, 0, 1, 0, 5, 8, 0][..], "cisco-metadata-malformed"),
        (&[1, 0, 0, 1, 0, 5, 8, 0], "cisco-metadata-malformed"),
        (&[1, 2, 0, 1, 0, 5, 8, 0], "cisco-metadata-truncated"),
        (&[1, 1, 0, 1, 0, 5, 8], "cisco-metadata-truncated"),
        (&[1], "cisco-metadata-truncated"),
    ] {
        assert_eq!(
            reason(LinkType::ETHERNET, &ethernet(0x8909, bytes)),
            expected
        );
    }
}

#[test]
fn eoip_of_mikrotik_carries_frames() {
    let inner = frame(&ipv4());
    let len = u16::try_from(inner.len()).expect("short").to_be_bytes();
    let header = join(&[&[0x20, 1, 0x64, 0], &len, &[7, 0]]);
    finds(&in_ipv4(47, &join(&[&header, &inner])), &["gre", "eoip"]);
    // Keep-alives; other flags or another version, which that protocol has not.
    let keep_alive = in_ipv4(47, &[0x20, 1, 0x64, 0, 0, 0, 7, 0]);
    assert!(is_unrelated(LinkType::RAW, &keep_alive));
    for (start, expected) in [
        ([0x30, 1, 0x64, 0], "gre-malformed"),
        ([0x20, 0, 0x64, 0], "ethertype-0x6400"),
    ] {
        let bytes = in_ipv4(47, &join(&[&start, &header[4..], &inner]));
        assert_eq!(reason(LinkType::RAW, &bytes), expected);
    }
    let cut = in_ipv4(47, &header[..7]);
    assert_eq!(reason(LinkType::RAW, &cut), "eoip-truncated");
}

#[test]
fn a_pppoe_session_carries_ip_and_its_length_ends_it() {
    for packet in [ipv4(), ipv6()] {
        let padded = join(&[&pppoe(&packet), &[0; 9]]);
        finds_in_frame(&ethernet(0x8864, &padded), &["pppoe"]);
        is_found(LinkType::PPP_ETHER, &pppoe(&packet));
    }
    // Discovery: by its EtherType and by its code; link control; and what is broken.
    let session = pppoe(&ipv4());
    let with = |at: usize, value: u8| {
        let mut bytes = session.clone();
        bytes[at] = value;
        ethernet(0x8864, &bytes)
    };
    assert!(is_unrelated(
        LinkType::ETHERNET,
        &ethernet(0x8863, &session)
    ));
    assert!(is_unrelated(LinkType::ETHERNET, &with(1, 0xa7)));
    assert!(is_unrelated(LinkType::ETHERNET, &with(6, 0xc0)));
    assert_eq!(
        reason(LinkType::ETHERNET, &with(0, 0x21)),
        "pppoe-malformed"
    );
    assert_eq!(reason(LinkType::ETHERNET, &with(5, 1)), "ppp-truncated");
    assert_eq!(
        reason(LinkType::ETHERNET, &ethernet(0x8864, &session[..5])),
        "pppoe-truncated"
    );
}

#[test]
fn ppp_has_long_and_short_headers() {
    let packet = ipv4();
    for header in [
        &[0xff, 3, 0, 0x21][..],
        &[0xff, 3, 0x21],
        &[0, 0x21],
        &[0x21],
    ] {
        let bytes = join(&[header, &packet]);
        is_found(LinkType::PPP, &bytes);
        finds_in_frame(&ethernet(0x880b, &bytes), &["ppp"]);
    }
    is_found(LinkType::PPP, &join(&[&[0x57], &ipv6()]));
    let labelled = join(&[&[0xff, 3, 2, 0x81], &mpls(&packet)]);
    assert_eq!(layers(&is_found(LinkType::PPP, &labelled)), ["mpls"]);
    // Link control, IP control, authentication.
    for control in [[0xc0, 0x21], [0x80, 0x21], [0xc2, 0x23]] {
        assert!(is_unrelated(LinkType::PPP, &join(&[&control, &[1; 8]])));
    }
    for (bytes, expected) in [
        (&[0xff, 3, 0, 0x3d, 0xc0, 0, 0, 0][..], "ppp-multilink"),
        (&[0, 0x53, 0x90, 0], "ppp-encrypted"),
        (&[0xfd, 0x90, 0], "ppp-compressed"),
        (&[0x2f, 0x90, 0], "ppp-compressed-tcp"),
        (&[0x00, 0x2b, 0x90, 0], "ppp-protocol-0x002b"),
        (&[0xff, 3, 0], "ppp-truncated"),
        (&[], "ppp-truncated"),
    ] {
        assert_eq!(reason(LinkType::PPP, bytes), expected);
    }
}

#[test]
fn gre_has_any_of_its_fields() {
    for packet in [ipv4(), ipv6()] {
        let ether_type = if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
        for (flags, fields) in [
            (0x00, 0),
            (0x80, 4),
            (0x20, 4),
            (0x10, 4),
            (0xa0, 8),
            (0x30, 8),
            (0xb0, 12),
        ] {
            let fields = vec![0x45; fields];
            let inner = gre(flags, ether_type, &fields, &packet);
            finds(&in_ipv4(47, &inner), &["gre"]);
            finds(&in_ipv6(47, &inner), &["gre"]);
            let bridged = gre(flags, 0x6558, &fields, &frame(&packet));
            finds(&in_ipv4(47, &bridged), &["gre"]);
        }
        let labelled = gre(0, 0x8847, &[], &mpls(&packet));
        finds(&in_ipv4(47, &labelled), &["gre", "mpls"]);
        finds(&in_ipv4(47, &pptp(&packet)), &["gre", "ppp"]);
    }
}

#[test]
fn gre_that_is_not_to_be_read_is_ignored_or_named() {
    let packet = ipv4();
    let with = |first: [u8; 4], rest: &[u8]| in_ipv4(47, &join(&[&first, rest]));
    for (bytes, expected) in [
        // Routes of RFC 1701, a strict route, recursion.
        (with([0x40, 0, 8, 0], &packet), "gre-routing"),
        (with([0x08, 0, 8, 0], &packet), "gre-malformed"),
        (with([0x04, 0, 8, 0], &packet), "gre-malformed"),
        (with([0, 2, 8, 0], &packet), "gre-version-unknown"),
        (with([0xb0, 0, 8, 0], &[0; 11]), "gre-truncated"),
        (with([0, 0, 0x12, 0x34], &packet), "ethertype-0x1234"),
        // Version 1 without key, with a checksum, with another protocol.
        (with([0x10, 1, 0x88, 0x0b], &packet), "gre-malformed"),
        (with([0xb0, 1, 0x88, 0x0b], &packet), "gre-malformed"),
        (with([0x30, 1, 8, 0], &packet), "gre-malformed"),
        (with([0x30, 0x09, 0x88, 0x0b], &packet), "gre-malformed"),
        (with([0x30, 1, 0x88, 0x0b], &[0, 1, 0]), "gre-truncated"),
        (with([0x30, 1, 0x88, 0x0b], &[0; 7]), "gre-truncated"),
        (in_ipv4(47, &[0, 0, 8]), "gre-truncated"),
    ] {
        assert_eq!(reason(LinkType::RAW, &bytes), expected);
    }
    // A keep-alive; an acknowledgment that carries nothing.
    assert!(is_unrelated(LinkType::RAW, &with([0; 4], &[])));
    assert!(is_unrelated(
        LinkType::RAW,
        &with([0x20, 0x81, 0x88, 0x0b], &[0, 0, 0, 7, 0, 0, 0, 1])
    ));
}

#[test]
fn erspan_of_three_types_carries_frames() {
    for packet in [ipv4(), ipv6()] {
        let type_1 = gre(0, 0x88be, &[], &frame(&packet));
        for inner in [
            type_1,
            erspan_2(&packet),
            erspan_3(&packet, false),
            erspan_3(&packet, true),
        ] {
            finds(&in_ipv4(47, &inner), &["gre", "erspan"]);
        }
        // Frame type 2: IP without a frame.
        let header = [0x20, 7, 0, 100, 1, 2, 3, 4, 0, 0, 0x08, 0];
        let routed = gre(0, 0x22eb, &[], &join(&[&header, &packet]));
        finds(&in_ipv4(47, &routed), &["gre", "erspan"]);
    }
}

#[test]
fn erspan_that_is_broken_is_named() {
    let inner = frame(&ipv4());
    for (inner, expected) in [
        // Type II's number with type III's version, and the reverse.
        (
            gre(0x10, 0x88be, &[0; 4], &join(&[&[0x20; 8], &inner])),
            "erspan-malformed",
        ),
        (
            gre(0x10, 0x22eb, &[0; 4], &join(&[&[0x10; 12], &inner])),
            "erspan-malformed",
        ),
        (
            gre(0, 0x22eb, &[], &join(&[&[0x20; 10], &[0x7c, 0], &inner])),
            "erspan-frame-type-unknown",
        ),
        (gre(0x10, 0x88be, &[0; 4], &[0x10; 7]), "erspan-truncated"),
        (gre(0, 0x22eb, &[], &[0x20; 11]), "erspan-truncated"),
        (gre(0, 0x22eb, &[], &[0x21; 19]), "erspan-truncated"),
        (gre(0, 0x88be, &[], &inner[..13]), "ethernet-truncated"),
    ] {
        assert_eq!(reason(LinkType::RAW, &in_ipv4(47, &inner)), expected);
    }
    // Behind anything but GRE there is no telling where the frame begins.
    assert_eq!(
        reason(LinkType::ETHERNET, &ethernet(0x88be, &inner)),
        "erspan"
    );
}

#[test]
fn ip_is_in_ip_of_either_version() {
    finds(&in_ipv4(4, &ipv4()), &["ip-in-ip"]);
    finds(&in_ipv4(41, &ipv6()), &["6in4"]);
    finds(&in_ipv6(4, &ipv4()), &["4in6"]);
    finds(&in_ipv6(41, &ipv6()), &["6in6"]);
    let inside = in_ipv6(41, &in_ipv6(4, &in_ipv4(4, &ipv4())));
    finds(&inside, &["6in6", "4in6", "ip-in-ip"]);
    for outer in [in_ipv4(4, &ipv6()), in_ipv6(41, &ipv4())] {
        assert_eq!(reason(LinkType::RAW, &outer), "ip-in-ip-of-another-version");
    }
    assert_eq!(reason(LinkType::RAW, &in_ipv4(4, &[])), "ip-truncated");
}

#[test]
fn the_addresses_are_those_of_the_innermost_packet() {
    let bytes = in_ipv4(47, &gre(0, 0x0800, &[], &ipv4()));
    let (_, it) = datagram(LinkType::RAW, &bytes);
    assert_eq!(it.flow.src, SocketAddr::from((SRC, 5060)));
    assert_eq!((it.flow.dst, it.ttl), ((DST, 5070).into(), 61));
}

#[test]
fn ether_ip_carries_frames() {
    finds(
        &in_ipv4(97, &join(&[&[0x30, 0], &frame(&ipv4())])),
        &["etherip"],
    );
    finds(
        &in_ipv6(97, &join(&[&[0x30, 0], &frame(&ipv6())])),
        &["etherip"],
    );
    for header in [&[0x03, 0][..], &[0x30, 1], &[0x30]] {
        let bytes = in_ipv4(97, &join(&[header]));
        assert_eq!(reason(LinkType::RAW, &bytes), "etherip-malformed");
    }
}

#[test]
fn a_service_header_carries_ip_frames_and_labels() {
    for packet in [ipv4(), ipv6()] {
        finds_in_frame(&ethernet(0x894f, &nsh(&packet)), &["nsh"]);
        let mut framed = nsh(&packet)[..24].to_vec();
        framed[3] = 3;
        finds_in_frame(
            &ethernet(0x894f, &join(&[&framed, &frame(&packet)])),
            &["nsh"],
        );
        framed[3] = 5;
        finds_in_frame(
            &ethernet(0x894f, &join(&[&framed, &mpls(&packet)])),
            &["nsh", "mpls"],
        );
    }
    let with = |at: usize, value: u8| {
        let mut bytes = nsh(&ipv4());
        bytes[at] = value;
        ethernet(0x894f, &bytes)
    };
    assert!(is_unrelated(LinkType::ETHERNET, &with(0, 0x2f)));
    assert_eq!(reason(LinkType::ETHERNET, &with(0, 0x4f)), "nsh-malformed");
    assert_eq!(reason(LinkType::ETHERNET, &with(1, 0xc1)), "nsh-malformed");
    assert_eq!(reason(LinkType::ETHERNET, &with(1, 0xff)), "nsh-truncated");
    assert_eq!(
        reason(LinkType::ETHERNET, &with(3, 9)),
        "nsh-next-protocol-unknown"
    );
}

#[test]
fn l2tp_3_over_ip_carries_frames_behind_any_cookie() {
    for between in [0, 4, 8, 12] {
        let inner = l2tp_3(&vec![0xa5; between], &frame(&ipv4()));
        finds(&in_ipv4(115, &inner), &["l2tp"]);
        finds(&in_ipv6(115, &inner), &["l2tp"]);
    }
    // The control connection; PPP, of which nothing can be known; a frame of an unknown type.
    assert!(is_unrelated(LinkType::RAW, &in_ipv4(115, &[0; 20])));
    for inner in [
        l2tp_3(&[], &ppp(&ipv4())),
        l2tp_3(&[], &ethernet(0x1234, &ipv4())),
        vec![0, 0, 0, 9],
        vec![0, 0, 0],
    ] {
        assert_eq!(reason(LinkType::RAW, &in_ipv4(115, &inner)), "l2tp");
    }
}

#[test]
fn a_fragmented_tunnel_goes_on_once_it_is_whole() {
    let inner = gre(0, 0x6558, &[], &frame(&ipv4()));
    let mut bytes = in_ipv4(47, &inner);
    bytes[6..8].copy_from_slice(&[0x20, 0]);
    let decoded = whole(LinkType::RAW, &bytes).expect("decoded");
    let Content::Fragment(piece) = decoded.content else {
        panic!("no fragment");
    };
    let decoded = resume(&piece.datagram, piece.ttl, &inner, decoded.envelope).expect("decoded");
    assert_eq!(layers(&decoded), ["gre"]);
    assert!(matches!(decoded.content, Content::Datagram(it) if it.payload == SIP));
    // A packet inside of a tunnel may be a piece as well.
    let mut inner = ipv4();
    inner[6..8].copy_from_slice(&[0x20, 0]);
    let bytes = in_ipv4(47, &gre(0, 0x0800, &[], &inner));
    let decoded = whole(LinkType::RAW, &bytes).expect("decoded");
    assert_eq!(layers(&decoded), ["gre"]);
    assert!(matches!(decoded.content, Content::Fragment(_)));
}
