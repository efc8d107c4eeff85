//! HEP in datagrams and alone, and datagrams that only look like it.

use super::{DST, SRC, layers, reason, whole};
use crate::capture::LinkType;
use crate::flow::Transport;
use crate::frame::{Content, Decoded, Envelope, Mirrored, decode, mirrored};
use crate::time::Timestamp;
use etherparse::PacketBuilder;
use std::borrow::Cow;
use std::net::SocketAddr;

const SIP: &[u8] = b"OPTIONS sip:bob@example.com SIP/2.0\r\n\r\n";

fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u8::try_from(body.len() + 6).expect("short");
    [&[0, 0, 0, kind, 0, len], body].concat()
}

fn hep(protocol_type: u8, payload: &[u8]) -> Vec<u8> {
    let chunks = [
        chunk(1, &[2]),
        chunk(2, &[6]),
        chunk(3, &[203, 0, 113, 1]),
        chunk(4, &[203, 0, 113, 2]),
        chunk(7, &[0x13, 0xc4]),
        chunk(8, &[0x13, 0xce]),
        chunk(9, &[0, 0, 0, 9]),
        chunk(11, &[protocol_type]),
        chunk(12, &[0, 0, 0, 7]),
        chunk(17, b"id"),
        payload.to_vec(),
    ]
    .concat();
    let len = u16::try_from(chunks.len() + 6).expect("short");
    [&b"HEP3"[..], &len.to_be_bytes(), &chunks].concat()
}

/// A datagram to a port of no meaning.
fn udp(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4(SRC, DST, 61)
        .udp(40_000, 40_001)
        .write(&mut bytes, payload)
        .expect("a packet");
    bytes
}

fn copy<'a>(decoded: &'a Decoded<'_>) -> &'a Mirrored<'a> {
    match &decoded.content {
        Content::Mirrored(mirrored) => mirrored,
        other => panic!("no copy: {other:?}"),
    }
}

#[test]
fn a_datagram_of_hep_is_the_message_that_it_copies() {
    let bytes = udp(&hep(1, &chunk(15, SIP)));
    let decoded = whole(LinkType::RAW, &bytes).expect("decoded");
    assert_eq!(layers(&decoded), ["hep"]);
    let it = copy(&decoded);
    assert_eq!(it.flow.src, SocketAddr::from(([203, 0, 113, 1], 5060)));
    assert_eq!(it.flow.dst, SocketAddr::from(([203, 0, 113, 2], 5070)));
    assert_eq!(it.flow.transport, Transport::Tcp);
    assert_eq!(it.time, Some(Timestamp::from_parts(9, 0)));
    assert_eq!((it.node, it.correlation), (Some(7), Some(&b"id"[..])));
    assert_eq!((&*it.payload, it.cut), (SIP, false));
    assert!(matches!(it.payload, Cow::Borrowed(_)));
}

#[test]
fn hep_from_a_listener_or_a_stream_is_read_alike() {
    let packet = hep(1, &chunk(15, SIP));
    let decoded = whole(LinkType::HEP, &packet).expect("decoded");
    assert_eq!(
        (layers(&decoded), &*copy(&decoded).payload),
        (vec!["hep"], SIP)
    );
    let decoded = mirrored(&packet, Envelope::default()).expect("decoded");
    assert_eq!(
        (layers(&decoded), &*copy(&decoded).payload),
        (vec!["hep"], SIP)
    );
    assert_eq!(reason(LinkType::HEP, b"HEP3, said he"), "hep-malformed");
}

#[test]
fn what_is_no_sip_inside_hep_is_unrelated() {
    for kind in [5, 100] {
        let bytes = udp(&hep(kind, &chunk(15, b"{\"ssrc\":1}")));
        let decoded = whole(LinkType::RAW, &bytes).expect("decoded");
        assert!(matches!(decoded.content, Content::Unrelated), "{kind}");
    }
}

#[test]
fn a_damaged_payload_is_counted_by_its_reason() {
    let bytes = udp(&hep(1, &chunk(16, b"not zlib")));
    assert_eq!(reason(LinkType::RAW, &bytes), "hep-payload-damaged");
}

#[test]
fn a_snap_length_cuts_the_copy_too() {
    let whole = udp(&hep(1, &chunk(15, SIP)));
    let bytes = &whole[..whole.len() - 9];
    let wire = u32::try_from(whole.len()).expect("short");
    let decoded = decode(LinkType::RAW, bytes, wire).expect("decoded");
    assert!(decoded.envelope.cut);
    let it = copy(&decoded);
    assert!(it.cut && SIP.starts_with(&it.payload));
    assert_eq!(it.payload.len(), SIP.len() - 9);
}

#[test]
fn other_datagrams_stay_datagrams() {
    let mut longer = hep(1, &chunk(15, SIP));
    longer.push(0);
    for payload in [
        &longer[..],
        b"HEP3 is a protocol",
        SIP,
        b"",
        &[1; 40],
        &[2; 40],
    ] {
        let bytes = udp(payload);
        let decoded = whole(LinkType::RAW, &bytes).expect("decoded");
        assert!(
            matches!(decoded.content, Content::Datagram(_)),
            "{payload:?}"
        );
        assert!(layers(&decoded).is_empty());
    }
}
