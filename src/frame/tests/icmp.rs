//! ICMP errors and what they quote.

use super::*;

/// An ICMP error about a quoted packet, from the packet's destination.
fn icmp_4(kind: Icmpv4Type, quote: &[u8]) -> Vec<u8> {
    let step = PacketBuilder::ipv4(DST, SRC, 64).icmpv4(kind);
    let mut bytes = Vec::new();
    step.write(&mut bytes, quote).expect("a packet");
    bytes
}

fn icmp_6(kind: Icmpv6Type, quote: &[u8]) -> Vec<u8> {
    let step = PacketBuilder::ipv6(DST_6, SRC_6, 64).icmpv6(kind);
    let mut bytes = Vec::new();
    step.write(&mut bytes, quote).expect("a packet");
    bytes
}

fn icmp_error(bytes: &[u8]) -> IcmpError<'_> {
    match whole(LinkType::RAW, bytes).expect("decoded").content {
        Content::IcmpError(error) => error,
        other => panic!("no ICMP error: {other:?}"),
    }
}

const NO_PORT: Icmpv4Type = Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::Port);
const NO_PORT_6: Icmpv6Type = Icmpv6Type::DestinationUnreachable(icmpv6::DestUnreachableCode::Port);

#[test]
fn an_icmp_error_quotes_the_ports_or_more() {
    // RFC 792: the header and 64 bits; RFC 1812 §4.3.2.3: as much as fits.
    for (len, payload) in [(28, &b""[..]), (40, &SIP[..12]), (28 + SIP.len(), SIP)] {
        let bytes = icmp_4(NO_PORT, &ipv4()[..len]);
        let error = icmp_error(&bytes);
        assert_eq!(error.kind, IcmpKind::PortUnreachable);
        assert_eq!(error.reporter, SocketAddr::from((DST, 0)).ip());
        assert_eq!(error.to, SocketAddr::from((SRC, 0)).ip());
        let quote = error.quote.expect("a quote");
        assert_eq!(quote.flow.src, SocketAddr::from((SRC, 5060)));
        assert_eq!(quote.flow.dst, SocketAddr::from((DST, 5070)));
        assert_eq!(quote.payload, payload);
    }
}

#[test]
fn an_icmpv6_error_quotes_alike() {
    let bytes = icmp_6(NO_PORT_6, &ipv6());
    let error = icmp_error(&bytes);
    assert_eq!(error.kind, IcmpKind::PortUnreachable);
    let quote = error.quote.expect("a quote");
    assert_eq!(quote.flow.dst, SocketAddr::from((DST_6, 5070)));
    assert_eq!(quote.payload, SIP);
}

#[test]
fn what_no_quote_can_be_read_from_is_an_error_all_the_same() {
    let mut gre = ipv4();
    gre[9] = 47;
    let mut later_fragment = ipv4();
    later_fragment[6..8].copy_from_slice(&[0, 9]);
    for quote in [&[][..], &ipv4()[..19], &ipv4()[..23], &gre, &later_fragment] {
        assert!(icmp_error(&icmp_4(NO_PORT, quote)).quote.is_none());
    }
    assert!(
        icmp_error(&icmp_6(NO_PORT_6, &fragment(3, false)))
            .quote
            .is_none()
    );
    // The first fragment has the ports.
    let mut first_fragment = ipv4();
    first_fragment[6..8].copy_from_slice(&[0x20, 0]);
    assert!(
        icmp_error(&icmp_4(NO_PORT, &first_fragment))
            .quote
            .is_some()
    );
}

#[test]
fn a_quoted_tcp_segment_has_its_flow() {
    let step = PacketBuilder::ipv4(SRC, DST, 61).tcp(40000, 5060, 1, 4096);
    let mut bytes = Vec::new();
    step.write(&mut bytes, SIP).expect("a packet");
    let long = icmp_4(NO_PORT, &bytes);
    let quote = icmp_error(&long).quote.expect("a quote");
    assert_eq!((quote.flow.transport, quote.payload), (Transport::Tcp, SIP));
    let short = icmp_4(NO_PORT, &bytes[..28]);
    let quote = icmp_error(&short).quote.expect("a quote");
    assert_eq!((quote.flow.dst.port(), quote.payload), (5060, &b""[..]));
}

#[test]
fn icmp_types_and_codes_have_one_name_in_both_versions() {
    let kind = |version: u8, kind: u8, code: u8| {
        let mut bytes = if version == 4 {
            icmp_4(NO_PORT, &ipv4())
        } else {
            icmp_6(NO_PORT_6, &ipv6())
        };
        let at = if version == 4 { 20 } else { 40 };
        bytes[at..at + 2].copy_from_slice(&[kind, code]);
        match whole(LinkType::RAW, &bytes).expect("decoded").content {
            Content::IcmpError(error) => Some(error.kind),
            _ => None,
        }
    };
    for (expected, pairs) in [
        (
            IcmpKind::NetworkUnreachable,
            &[(4, 3, 0), (4, 3, 6), (6, 1, 0)][..],
        ),
        (
            IcmpKind::HostUnreachable,
            &[(4, 3, 1), (4, 3, 7), (6, 1, 3)],
        ),
        (IcmpKind::ProtocolUnreachable, &[(4, 3, 2), (6, 4, 1)]),
        (IcmpKind::PortUnreachable, &[(4, 3, 3), (6, 1, 4)]),
        (IcmpKind::PacketTooBig, &[(4, 3, 4), (6, 2, 0)]),
        (
            IcmpKind::AdministrativelyProhibited,
            &[
                (4, 3, 9),
                (4, 3, 10),
                (4, 3, 13),
                (6, 1, 1),
                (6, 1, 5),
                (6, 1, 6),
            ],
        ),
        (IcmpKind::OtherUnreachable, &[(4, 3, 5), (6, 1, 2)]),
        (IcmpKind::TimeExceeded, &[(4, 11, 0), (6, 3, 0)]),
        (IcmpKind::ReassemblyTimeExceeded, &[(4, 11, 1), (6, 3, 1)]),
        (
            IcmpKind::ParameterProblem,
            &[(4, 12, 0), (6, 4, 0), (6, 4, 2)],
        ),
    ] {
        for &(version, number, code) in pairs {
            assert_eq!(
                kind(version, number, code),
                Some(expected),
                "v{version} {number}/{code}"
            );
        }
    }
    // Echo, redirect; neighbour discovery.
    for (version, number) in [(4, 0), (4, 8), (4, 5), (6, 128), (6, 135)] {
        assert_eq!(kind(version, number, 0), None);
    }
}

#[test]
fn an_icmp_message_in_ethernet_is_found() {
    let bytes = ethernet(EtherType::IPV4.0, &icmp_4(NO_PORT, &ipv4()[..28]));
    assert!(matches!(
        whole(LinkType::ETHERNET, &bytes).expect("decoded").content,
        Content::IcmpError(_)
    ));
}
