//! Envelopes in any order.

use super::protected::{esp, macsec};
use super::wrap::{
    erspan_2, erspan_3, frame, geneve, gre, gtp, in_ipv4, in_ipv6, in_udp, join, l2tp_2, l2tp_3,
    mpls, nsh, pppoe, pptp, tzsp, vxlan, vxlan_gpe,
};
use super::*;
use proptest::prelude::*;

/// Puts an IP packet into an envelope that is an IP packet again, and says what was put around.
type Wrap = (fn(&[u8]) -> Vec<u8>, &'static [&'static str]);

fn ether_type(packet: &[u8]) -> u16 {
    if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd }
}

fn in_outer(protocol_of_6: bool, packet: &[u8]) -> Vec<u8> {
    let protocol = if packet[0] >> 4 == 4 { 4 } else { 41 };
    if protocol_of_6 {
        in_ipv6(protocol, packet)
    } else {
        in_ipv4(protocol, packet)
    }
}

const WRAPS: &[Wrap] = &[
    (
        |it| in_ipv4(47, &gre(0xa0, ether_type(it), &[1; 8], it)),
        &["gre"],
    ),
    (
        |it| in_ipv6(47, &gre(0x20, 0x6558, &[1; 4], &frame(it))),
        &["gre"],
    ),
    (|it| in_ipv4(47, &pptp(it)), &["gre", "ppp"]),
    (|it| in_ipv4(47, &erspan_2(it)), &["gre", "erspan"]),
    (|it| in_ipv4(47, &erspan_3(it, true)), &["gre", "erspan"]),
    (|it| in_udp(40000, 4789, &vxlan(&frame(it))), &["vxlan"]),
    (
        |it| {
            let tagged = join(&[&[0, 7], &frame(it)[12..]]);
            in_udp(8472, 40000, &vxlan(&ethernet(0x8100, &tagged)))
        },
        &["vxlan", "vlan"],
    ),
    (
        |it| in_udp(40000, 4790, &vxlan_gpe(4, &nsh(it))),
        &["vxlan", "nsh"],
    ),
    (
        |it| in_udp(40000, 6081, &geneve(0x6558, &frame(it))),
        &["geneve"],
    ),
    (|it| in_udp(2152, 2152, &gtp(0x30, &[], it)), &["gtp-u"]),
    (|it| in_udp(1701, 1701, &l2tp_2(it)), &["l2tp"]),
    (|it| in_ipv6(115, &l2tp_3(&[7; 8], &frame(it))), &["l2tp"]),
    (
        |it| in_ipv4(97, &join(&[&[0x30, 0], &frame(it)])),
        &["etherip"],
    ),
    (|it| in_ipv4(137, &mpls(it)), &["mpls"]),
    (
        |it| in_ipv6(50, &esp(if it[0] >> 4 == 4 { 4 } else { 41 }, it, 0, 12)),
        &["esp"],
    ),
    (
        |it| in_udp(40000, 4789, &vxlan(&macsec(0, 0, &[], it))),
        &["vxlan", "macsec"],
    ),
    (
        |it| in_udp(40000, 4341, &join(&[&[0x40, 0, 0, 0, 0, 0, 0, 1], it])),
        &["lisp"],
    ),
    (|it| in_udp(40000, 6635, &mpls(&frame(it))), &["mpls"]),
    (
        |it| in_udp(40000, 37008, &tzsp(1, &ethernet(0x8864, &pppoe(it)))),
        &["tzsp", "pppoe"],
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn envelopes_nest_in_any_order(
        order in prop::collection::vec(0..WRAPS.len(), 0..5),
        six in any::<bool>(),
    ) {
        let mut packet = if six { ipv6() } else { ipv4() };
        let mut expected = Vec::new();
        for at in order {
            let (wrap, names) = WRAPS[at];
            packet = wrap(&packet);
            expected.splice(0..0, names.iter().copied());
        }
        let name = match (six, packet[0] >> 4) {
            (true, 4) => "4in6",
            (true, _) => "6in6",
            (false, 4) => "ip-in-ip",
            (false, _) => "6in4",
        };
        packet = in_outer(six, &packet);
        expected.insert(0, name);
        expected.truncate(crate::limits::MAX_LAYERS_NAMED);
        prop_assert_eq!(layers(&is_found(LinkType::RAW, &packet)), expected);
    }

    #[test]
    fn a_tunnel_cut_anywhere_or_broken_anywhere_ends_normally(
        order in prop::collection::vec(0..WRAPS.len(), 1..4),
        cut in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
    ) {
        let mut packet = ipv4();
        for at in order {
            packet = WRAPS[at].0(&packet);
        }
        let wire = u32::try_from(packet.len()).expect("short");
        let kept = cut.index(packet.len() + 1);
        let _ = decode(LinkType::RAW, &packet[..kept], wire);
        let at = at.index(packet.len());
        packet[at] = value;
        let _ = decode(LinkType::RAW, &packet, wire);
    }
}

#[test]
fn tunnels_without_end_are_given_up() {
    let mut packet = ipv4();
    for _ in 0..30 {
        packet = in_ipv4(4, &packet);
    }
    assert_eq!(reason(LinkType::RAW, &packet), "too-many-layers");
    let mut packet = ipv4();
    for _ in 0..20 {
        packet = in_udp(2152, 2152, &gtp(0x30, &[], &packet));
    }
    let named = [&"gtp-u"; crate::limits::MAX_LAYERS_NAMED].map(|it| *it);
    assert_eq!(layers(&is_found(LinkType::RAW, &packet)), named);
}
