//! Packets of each version byte by byte, what agents make of the protocol, and what only looks like it.

use super::{Framing, PayloadError, frame_len, parse};
use crate::flow::Transport;
use crate::limits::HEP_INFLATED_BYTES;
use crate::time::Timestamp;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use std::borrow::Cow;
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

const SIP: &[u8] = b"OPTIONS sip:bob@example.com SIP/2.0\r\nCall-ID: 1@example.com\r\n\r\n";
const SECONDS: u32 = 1_700_000_000;
const SRC_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
const DST_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

fn chunk(vendor: u16, kind: u16, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len() + 6).expect("short");
    [
        &vendor.to_be_bytes()[..],
        &kind.to_be_bytes(),
        &len.to_be_bytes(),
        body,
    ]
    .concat()
}

fn packet(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.concat();
    let len = u16::try_from(chunks.len() + 6).expect("short");
    [b"HEP3", &len.to_be_bytes()[..], &chunks].concat()
}

/// The chunks that every agent sends before the payload.
fn usual() -> Vec<Vec<u8>> {
    vec![
        chunk(0, 1, &[2]),
        chunk(0, 2, &[17]),
        chunk(0, 3, &[192, 0, 2, 1]),
        chunk(0, 4, &[198, 51, 100, 2]),
        chunk(0, 7, &5060_u16.to_be_bytes()),
        chunk(0, 8, &5070_u16.to_be_bytes()),
        chunk(0, 9, &SECONDS.to_be_bytes()),
        chunk(0, 10, &123_456_u32.to_be_bytes()),
        chunk(0, 11, &[1]),
        chunk(0, 12, &2001_u32.to_be_bytes()),
    ]
}

fn with(more: &[Vec<u8>]) -> Vec<u8> {
    packet(&[usual(), more.to_vec()].concat())
}

/// The usual packet with one chunk's body replaced.
fn but(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut chunks = usual();
    chunks[usize::from(kind) - if kind > 4 { 3 } else { 1 }] = chunk(0, kind, body);
    chunks.push(chunk(0, 15, SIP));
    packet(&chunks)
}

fn version_1(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header = [1, 16, 2, protocol, 0x13, 0xc4, 0x13, 0xce];
    [&header[..], &[192, 0, 2, 1], &[198, 51, 100, 2], payload].concat()
}

fn version_2(stamp: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut bytes = version_1(17, &[stamp, payload].concat());
    bytes[0] = 2;
    bytes
}

fn v4() -> (SocketAddr, SocketAddr) {
    (
        (Ipv4Addr::new(192, 0, 2, 1), 5060).into(),
        (Ipv4Addr::new(198, 51, 100, 2), 5070).into(),
    )
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a Vec");
    encoder.finish().expect("a Vec")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("a Vec");
    encoder.finish().expect("a Vec")
}

#[test]
fn version_3_tells_addresses_time_agent_and_payload() {
    let bytes = with(&[
        chunk(0, 0x11, b"1@example.com"),
        chunk(0, 0x0e, b"secret"),
        chunk(0, 15, SIP),
    ]);
    let hep = parse(&bytes, false).expect("HEP");
    let flow = hep.flow.expect("a flow");
    assert_eq!((flow.src, flow.dst), v4());
    assert_eq!(flow.transport, Transport::Udp);
    assert_eq!(
        hep.time,
        Some(Timestamp::from_parts(SECONDS.into(), 123_456_000))
    );
    assert_eq!((hep.version, hep.node), (3, Some(2001)));
    assert_eq!(hep.correlation, Some(&b"1@example.com"[..]));
    assert!(hep.is_sip() && !hep.cut);
    assert_eq!(hep.payload(), Ok(Cow::Borrowed(SIP)));
    // The key of the agents stays out of every dump.
    assert!(!format!("{hep:?}").contains(&format!("{:?}", b"secret")));
}

#[test]
fn version_3_carries_ipv6_of_any_system() {
    for family in [10, 23, 24, 26, 28, 30] {
        let bytes = packet(&[
            chunk(0, 1, &[family]),
            chunk(0, 2, &[6]),
            chunk(0, 5, &SRC_6.octets()),
            chunk(0, 6, &DST_6.octets()),
            chunk(0, 7, &[0x13, 0xc4]),
            chunk(0, 8, &[0x13, 0xce]),
            chunk(0, 11, &[1]),
            chunk(0, 15, SIP),
        ]);
        let flow = parse(&bytes, false).and_then(|it| it.flow).expect("a flow");
        assert_eq!(flow.src, (SRC_6, 5060).into());
        assert_eq!(flow.dst, (DST_6, 5070).into());
        assert_eq!(flow.transport, Transport::Tcp);
    }
}

#[test]
fn numbers_that_stand_for_tls_are_read_as_agents_mean_them() {
    for (number, transport) in [
        (6, Some(Transport::Tcp)),
        (17, Some(Transport::Udp)),
        (22, Some(Transport::Tls)),
        (132, Some(Transport::Sctp)),
        (1, None),
    ] {
        let bytes = but(2, &[number]);
        let hep = parse(&bytes, false).expect("HEP");
        assert_eq!(hep.flow.map(|flow| flow.transport), transport, "{number}");
    }
}

#[test]
fn chunks_of_vendors_and_of_later_versions_are_skipped_in_any_order() {
    let mut chunks = usual();
    chunks.reverse();
    chunks.insert(0, chunk(0, 15, SIP));
    chunks.insert(1, chunk(0x0003, 15, b"not the payload"));
    chunks.insert(2, chunk(0, 0x0fff, &[0; 40]));
    chunks.push(chunk(0, 0x12, &[0, 77]));
    chunks.push(chunk(0, 0x0d, &[]));
    // Of two the first counts.
    chunks.push(chunk(0, 15, b"nor this"));
    let bytes = packet(&chunks);
    let hep = parse(&bytes, false).expect("HEP");
    assert_eq!(hep.payload(), Ok(Cow::Borrowed(SIP)));
    assert_eq!(hep.flow.map(|flow| (flow.src, flow.dst)), Some(v4()));
}

#[test]
fn only_protocol_type_1_is_sip() {
    for kind in [0, 2, 5, 35, 53, 100] {
        let bytes = but(11, &[kind]);
        assert!(!parse(&bytes, false).expect("HEP").is_sip(), "{kind}");
    }
    let mut chunks = usual();
    chunks.remove(8);
    let bytes = packet(&chunks);
    assert!(!parse(&bytes, false).expect("HEP").is_sip(), "no type");
}

#[test]
fn without_addresses_or_ports_there_is_no_flow() {
    for kind in [3_usize, 4, 5, 6] {
        let mut chunks = usual();
        chunks.remove(kind - 1);
        let bytes = packet(&chunks);
        assert_eq!(parse(&bytes, false).expect("HEP").flow, None, "{kind}");
    }
    // A family that its addresses do not have.
    assert_eq!(parse(&but(1, &[10]), false).expect("HEP").flow, None);
    assert_eq!(parse(&but(1, &[77]), false).expect("HEP").flow, None);
}

#[test]
fn a_time_that_is_none_is_none() {
    let bytes = but(9, &[0; 4]);
    assert_eq!(parse(&bytes, false).expect("HEP").time, None);
    let bytes = but(10, &[0xff; 4]);
    assert_eq!(
        parse(&bytes, false).expect("HEP").time,
        Some(Timestamp::from_parts(SECONDS.into(), 999_999_000))
    );
}

#[test]
fn compressed_payloads_are_opened_up_to_a_limit() {
    for compressed in [zlib(SIP), gzip(SIP)] {
        let bytes = with(&[chunk(0, 16, &compressed)]);
        let hep = parse(&bytes, false).expect("HEP");
        assert_eq!(hep.payload(), Ok(Cow::Owned(SIP.to_vec())));
        // One that ends early is damaged when nobody cut it.
        let short = &compressed[..compressed.len() - 6];
        let bytes = with(&[chunk(0, 16, short)]);
        let hep = parse(&bytes, false).expect("HEP");
        assert_eq!(hep.payload(), Err(PayloadError::Damaged));
    }
    let largest = vec![b'x'; HEP_INFLATED_BYTES];
    let bytes = with(&[chunk(0, 16, &zlib(&largest))]);
    let hep = parse(&bytes, false).expect("HEP");
    assert_eq!(hep.payload().map(|it| it.len()), Ok(HEP_INFLATED_BYTES));
    let bomb = vec![b'x'; 10_000_000];
    let bytes = with(&[chunk(0, 16, &zlib(&bomb))]);
    let hep = parse(&bytes, false).expect("HEP");
    assert_eq!(hep.payload(), Err(PayloadError::TooLarge));
    let bytes = with(&[chunk(0, 16, b"not compressed at all")]);
    let hep = parse(&bytes, false).expect("HEP");
    assert_eq!(hep.payload(), Err(PayloadError::Damaged));
}

#[test]
fn a_packet_that_the_capture_cut_gives_what_is_there() {
    let whole = with(&[chunk(0, 15, SIP)]);
    for len in 12..whole.len() {
        let bytes = &whole[..len];
        assert_eq!(parse(bytes, false), None, "{len}");
        let hep = parse(bytes, true).expect("HEP");
        assert!(hep.cut, "{len}");
        let payload = hep.payload().expect("plain");
        assert!(SIP.starts_with(&payload), "{len}");
    }
    assert_eq!(parse(&whole, true), None, "nothing is missing");
    // The payload is whole, what follows is cut.
    let bytes = with(&[chunk(0, 15, SIP), chunk(0, 0x11, b"1@example.com")]);
    let hep = parse(&bytes[..bytes.len() - 3], true).expect("HEP");
    assert!(hep.cut);
    assert_eq!(hep.payload(), Ok(Cow::Borrowed(SIP)));
    assert_eq!(hep.correlation, None);
}

#[test]
fn lengths_that_lie_make_it_no_hep() {
    let whole = with(&[chunk(0, 15, SIP)]);
    for len in 0..=u16::MAX {
        let mut bytes = whole.clone();
        bytes[4..6].copy_from_slice(&len.to_be_bytes());
        let fits = usize::from(len) == whole.len();
        assert_eq!(parse(&bytes, false).is_some(), fits, "{len}");
    }
    // A chunk shorter than its header, and one that reaches beyond the packet.
    for len in [0_u16, 5, 8, 200, u16::MAX] {
        let mut bytes = whole.clone();
        bytes[10..12].copy_from_slice(&len.to_be_bytes());
        assert_eq!(parse(&bytes, false), None, "{len}");
    }
    // Known chunks of the wrong length.
    for kind in [1, 2, 3, 4, 7, 8, 9, 10, 11] {
        assert_eq!(parse(&but(kind, &[0; 3]), false), None, "{kind}");
        assert_eq!(parse(&but(kind, &[]), false), None, "{kind}");
    }
    assert_eq!(parse(&but(12, &[]), false), None);
    assert_eq!(parse(&but(12, &[7; 9]), false), None);
    assert_eq!(
        parse(&but(12, &[1, 2]), false).expect("HEP").node,
        Some(258)
    );
}

#[test]
fn version_1_is_sip_with_addresses() {
    let bytes = version_1(17, SIP);
    let hep = parse(&bytes, false).expect("HEP");
    assert_eq!(hep.flow.map(|flow| (flow.src, flow.dst)), Some(v4()));
    assert_eq!((hep.version, hep.time, hep.node), (1, None, None));
    assert!(hep.is_sip());
    assert_eq!(hep.payload(), Ok(Cow::Borrowed(SIP)));

    let header = [1, 40, 10, 22, 0x13, 0xc4, 0x13, 0xce];
    let bytes = [&header[..], &SRC_6.octets(), &DST_6.octets(), SIP].concat();
    let flow = parse(&bytes, false).and_then(|it| it.flow).expect("a flow");
    assert_eq!(
        (flow.src, flow.dst),
        ((SRC_6, 5060).into(), (DST_6, 5070).into())
    );
    assert_eq!(flow.transport, Transport::Tls);
}

#[test]
fn version_2_adds_time_and_agent_in_either_byte_order_with_and_without_padding() {
    let micros = 123_456_u32;
    let little = [
        &SECONDS.to_le_bytes()[..],
        &micros.to_le_bytes(),
        &234_u16.to_le_bytes(),
    ]
    .concat();
    let big = [
        &SECONDS.to_be_bytes()[..],
        &micros.to_be_bytes(),
        &234_u16.to_be_bytes(),
    ]
    .concat();
    for stamp in [&little, &big] {
        // What lies in the padding is chance.
        for padding in [&[0, 0][..], &[0xff, b'A'], &[]] {
            let bytes = version_2(&[stamp, padding].concat(), SIP);
            let hep = parse(&bytes, false).expect("HEP");
            assert_eq!(
                hep.time,
                Some(Timestamp::from_parts(SECONDS.into(), 123_456_000))
            );
            assert_eq!((hep.version, hep.node), (2, Some(234)));
            assert_eq!(hep.payload(), Ok(Cow::Borrowed(SIP)));
        }
    }
    // No order makes these microseconds.
    assert_eq!(parse(&version_2(&[0xff; 12], SIP), false), None);
}

#[test]
fn the_length_of_version_2_may_count_its_stamp() {
    for (padding, len) in [(0, 26), (2, 28)] {
        let stamp = [&[7_u8, 0, 0, 0, 8, 0, 0, 0, 9, 0][..], &[0, 0][..padding]].concat();
        let mut bytes = version_2(&stamp, SIP);
        bytes[1] = len;
        let packet = parse(&bytes, false).expect("HEP");
        assert_eq!((packet.version, packet.node, packet.raw), (2, Some(9), SIP));
        bytes[0] = 1;
        assert_eq!(parse(&bytes, false), None, "version 1 has no stamp");
    }
}

#[test]
fn what_only_looks_like_version_1_or_2_is_not() {
    let whole = version_1(17, SIP);
    for (at, wrong) in [
        (0, 0),
        (0, 3),
        (1, 15),
        (1, 40),
        (2, 10),
        (2, 1),
        (3, 1),
        (3, 0),
    ] {
        let mut bytes = whole.clone();
        bytes[at] = wrong;
        assert_eq!(parse(&bytes, false), None, "byte {at} is {wrong}");
    }
    for len in 0..=16 {
        assert_eq!(parse(&whole[..len], false), None, "{len}");
    }
    assert_eq!(parse(&version_1(17, b"\x80\x08binary"), false), None);
    assert_eq!(parse(&version_1(17, b"text, then\x00"), false), None);
    assert_eq!(parse(&version_2(&[0; 12], b""), false), None);
}

#[test]
fn text_that_begins_like_version_3_is_not() {
    for text in [
        &b"HEP3"[..],
        b"HEP3 is a protocol that copies packets.",
        b"HEP30000000000000000000000000000000000000",
        b"HELP",
        b"H",
        b"",
    ] {
        assert_eq!(parse(text, false), None);
        assert_eq!(parse(text, true).filter(|hep| hep.flow.is_some()), None);
    }
}

#[test]
fn packets_are_cut_out_of_streams_by_their_length() {
    let whole = with(&[chunk(0, 15, SIP)]);
    let two = [whole.clone(), whole.clone()].concat();
    for len in 0..6 {
        assert_eq!(frame_len(&whole[..len]), Framing::Needed, "{len}");
    }
    for len in 6..two.len() {
        assert_eq!(frame_len(&two[..len]), Framing::Len(whole.len()), "{len}");
    }
    for other in [
        &b"HEX"[..],
        b"HEP2\x00\x20",
        b"HEP3\x00\x00",
        b"HEP3\x00\x0b",
        b"HEP3\x00\x20\x00\x00\x00\x01\x00\x05",
        b"HEP3\x00\x20\x00\x00\x00\x01\x00\x1b",
        b"INVITE sip:bob@example.com SIP/2.0",
        &version_1(17, SIP),
    ] {
        assert_eq!(frame_len(other), Framing::NotHep, "{other:?}");
    }
}
