//! Guard G-DUP over all that carries SIP: the same message on the wire, through mirrors and in tunnels counts as what it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use sipdiag::capture::{CaptureFacts, FrameNumber, LinkType, Packet};
use sipdiag::engine::{Engine, Options, Report};
use sipdiag::time::Timestamp;

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [192, 0, 2, 2];
const AGENT: [u8; 4] = [192, 0, 2, 8];
const HOMER: [u8; 4] = [192, 0, 2, 9];

fn options(branch: &str) -> Vec<u8> {
    format!(
        "OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{branch}\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: {branch}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn ip(identification: u16, protocol: u8, (src, dst): ([u8; 4], [u8; 4]), rest: &[u8]) -> Vec<u8> {
    let header = etherparse::Ipv4Header {
        identification,
        source: src,
        destination: dst,
        ..etherparse::Ipv4Header::new(
            rest.len() as u16,
            64,
            etherparse::IpNumber(protocol),
            src,
            dst,
        )
        .unwrap()
    };
    let mut bytes = Vec::new();
    header.write(&mut bytes).unwrap();
    bytes.extend_from_slice(rest);
    bytes
}

fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [ports.0, ports.1, 8 + payload.len() as u16, 0] {
        bytes.extend(field.to_be_bytes());
    }
    bytes.extend_from_slice(payload);
    bytes
}

/// On the wire, from client to server.
fn wire(identification: u16, message: &[u8]) -> Vec<u8> {
    ip(
        identification,
        17,
        (CLIENT, SERVER),
        &udp((5060, 5060), message),
    )
}

/// A HEP3 copy of it that an agent made at `micros`.
fn hep(micros: u32, node: u32, message: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    let fields: [(u16, &[u8]); 11] = [
        (1, &[2]),
        (2, &[17]),
        (3, &CLIENT),
        (4, &SERVER),
        (7, &5060_u16.to_be_bytes()),
        (8, &5060_u16.to_be_bytes()),
        (9, &1000_u32.to_be_bytes()),
        (10, &micros.to_be_bytes()),
        (11, &[1]),
        (12, &node.to_be_bytes()),
        (15, message),
    ];
    for (kind, value) in fields {
        chunks.extend(0_u16.to_be_bytes());
        chunks.extend(kind.to_be_bytes());
        chunks.extend((6 + value.len() as u16).to_be_bytes());
        chunks.extend_from_slice(value);
    }
    let mut packet = b"HEP3".to_vec();
    packet.extend((6 + chunks.len() as u16).to_be_bytes());
    packet.extend(chunks);
    ip(7, 17, (AGENT, HOMER), &udp((9060, 9060), &packet))
}

/// IP in IP.
fn tunnelled(packet: &[u8]) -> Vec<u8> {
    ip(99, 4, (AGENT, HOMER), packet)
}

/// What is counted of packets at these microseconds.
fn report(packets: &[(u32, Vec<u8>)]) -> Report {
    let mut engine = Engine::new(Options::default(), ());
    for (frame, (micros, data)) in (1..).zip(packets) {
        engine.packet(&Packet {
            frame: FrameNumber(frame),
            time: Timestamp::from_nanos(1_000_000_000_000 + i64::from(*micros) * 1000),
            link_type: LinkType::RAW,
            interface: 0,
            original_len: data.len() as u32,
            data,
        });
    }
    engine.finish(CaptureFacts::default()).0
}

/// Messages, duplicates, retransmissions, and messages that came both ways.
fn counts(packets: &[(u32, Vec<u8>)]) -> (u64, u64, u64, u64) {
    let summary = report(packets).summary;
    (
        summary.counts.sip_messages,
        summary.counts.duplicates,
        summary.retransmissions,
        summary.mirrored_too,
    )
}

#[test]
fn a_mirrored_message_that_is_on_the_wire_too_counts_once_whichever_comes_first() {
    let a = options("a");
    assert_eq!(
        counts(&[(0, wire(1, &a)), (900, hep(100, 1, &a))]),
        (1, 0, 0, 1)
    );
    assert_eq!(
        counts(&[(900, hep(100, 1, &a)), (950, wire(1, &a))]),
        (1, 0, 0, 1)
    );
}

#[test]
fn a_copy_on_the_wire_is_a_duplicate_beside_its_mirror() {
    let a = options("a");
    let packets = [(0, wire(1, &a)), (10, wire(1, &a)), (900, hep(100, 1, &a))];
    assert_eq!(counts(&packets), (2, 1, 0, 1));
}

#[test]
fn several_agents_make_duplicates_and_what_is_sent_again_is_a_retransmission() {
    let a = options("a");
    let packets = [
        (500, hep(100, 1, &a)),
        (700, hep(300, 2, &a)),
        (500_500, hep(500_100, 1, &a)),
        (500_700, hep(500_300, 2, &a)),
    ];
    assert_eq!(counts(&packets), (4, 2, 1, 0));
}

#[test]
fn retransmissions_on_the_wire_stay_what_they_are_when_a_mirror_shows_them_too() {
    let a = options("a");
    let packets = [
        (0, wire(1, &a)),
        (400, hep(200, 1, &a)),
        (500_000, wire(2, &a)),
        (500_400, hep(500_200, 1, &a)),
    ];
    assert_eq!(counts(&packets), (2, 0, 1, 2));
}

#[test]
fn inside_and_outside_of_a_tunnel_is_one_message_captured_twice() {
    let a = options("a");
    let plain = wire(1, &a);
    assert_eq!(
        counts(&[(0, plain.clone()), (50, tunnelled(&plain))]),
        (2, 1, 0, 0)
    );
    // Another packet is another send, tunnel or not.
    assert_eq!(
        counts(&[(0, plain), (500_000, tunnelled(&wire(2, &a)))]),
        (2, 0, 1, 0)
    );
}

#[test]
fn fragments_captured_twice_are_one_datagram_captured_twice() {
    let message = options("a");
    let datagram = udp((5060, 5060), &message);
    let (head, tail) = datagram.split_at(64);
    let piece = |more: bool, offset: u16, payload: &[u8]| {
        let mut packet = ip(5, 17, (CLIENT, SERVER), payload);
        let field = (u16::from(more) << 13) | offset;
        packet[6..8].copy_from_slice(&field.to_be_bytes());
        packet
    };
    let (first, second) = (piece(true, 0, head), piece(false, 8, tail));
    let packets = [
        (0, first.clone()),
        (10, first),
        (20, second.clone()),
        (30, second),
    ];
    assert_eq!(counts(&packets), (2, 1, 0, 0));
}

#[test]
fn what_the_mirror_says_is_what_counts() {
    let a = options("a");
    let report = report(&[(4_000_000, hep(100, 1, &a))]);
    assert_eq!(report.summary.transactions, 1);
    let first = report.first_time.unwrap().as_nanos();
    assert_eq!(first, 1_000_000_100_000, "the time is the agent's");
}

#[test]
fn one_packet_stamped_ahead_does_not_end_the_patience_for_a_hole() {
    let message = options("a");
    let tcp = |sequence: u32, payload: &[u8]| {
        let mut bytes = Vec::new();
        bytes.extend(40_000_u16.to_be_bytes());
        bytes.extend(5060_u16.to_be_bytes());
        bytes.extend(sequence.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend_from_slice(payload);
        ip(sequence as u16, 6, (CLIENT, SERVER), &bytes)
    };
    let stranger = ip(3, 17, (AGENT, HOMER), &udp((7, 7), b"ahead of its time"));
    let packets = [
        (0, tcp(1, &message[..50])),
        (10, tcp(101, &message[100..])),
        (15_000_000, stranger),
        (20, tcp(51, &message[50..100])),
    ];
    let report = report(&packets);
    assert_eq!(report.summary.counts.sip_messages, 1);
    assert_eq!(report.summary.counts.cut_messages, 0);
    assert_eq!(report.summary.transactions, 1);
}
