//! TCP streams: whatever way the segments come, the messages are those that were sent; and where bytes are missing or
//! wrong, what can be read is read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use proptest::prelude::*;
use sipdiag::capture::{FrameNumber, Sighting};
use sipdiag::flow::{Flow, Transport};
use sipdiag::frame::{Envelope, IcmpError, IcmpKind, Quote, Segment, TcpFlags};
use sipdiag::reassembly::{Connection, Connections, Delivery, Outcome};
use sipdiag::time::Timestamp;
use std::time::Duration;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const ISN: u32 = 1000;

/// One connection as the capture shows it.
#[derive(Default)]
struct Wire {
    connections: Connections,
    outcome: Outcome,
    frame: u64,
    time: Timestamp,
    identification: u16,
    acknowledged: u32,
}

impl Wire {
    /// A connection whose SYN was seen.
    fn opened() -> Self {
        let mut wire = Self::default();
        wire.put(true, ISN.wrapping_sub(1), SYN, b"");
        wire
    }

    fn put(&mut self, from_client: bool, sequence: u32, flags: u8, payload: &[u8]) {
        self.identification = self.identification.wrapping_add(1).max(1);
        self.again(from_client, sequence, flags, payload, 0);
    }

    /// A packet with the identification of the last one.
    fn again(
        &mut self,
        from_client: bool,
        sequence: u32,
        flags: u8,
        payload: &[u8],
        missing: usize,
    ) {
        let client = Flow {
            src: "192.0.2.1:40000".parse().unwrap(),
            dst: "192.0.2.2:5060".parse().unwrap(),
            transport: Transport::Tcp,
        };
        self.segment(&Segment {
            flow: if from_client {
                client
            } else {
                client.reversed()
            },
            identification: Some(self.identification),
            ttl: 64,
            sequence,
            acknowledgment: self.acknowledged,
            flags: TcpFlags::of(flags),
            payload,
            missing,
        });
    }

    fn segment(&mut self, segment: &Segment<'_>) {
        self.frame += 1;
        self.time = self.time + Duration::from_millis(1);
        let at = Sighting {
            frame: FrameNumber(self.frame),
            time: self.time,
        };
        self.connections
            .segment(segment, Envelope::default(), at, &mut self.outcome);
    }

    /// What the client says, from its `offset`-th byte on.
    fn say(&mut self, offset: usize, payload: &[u8]) {
        self.put(true, ISN.wrapping_add(offset as u32), 0, payload);
    }

    /// The server says that it has everything before the client's `offset`-th byte.
    fn acknowledge(&mut self, offset: usize) {
        self.acknowledged = ISN.wrapping_add(offset as u32);
        self.put(false, 1, ACK, b"");
    }

    fn pass(&mut self, time: Duration) {
        self.time = self.time + time;
        self.connections.look(self.time, &mut self.outcome);
    }

    fn seen(&self) -> Vec<String> {
        texts(&self.outcome.messages)
    }

    fn ended(mut self) -> (Vec<String>, Vec<Connection>) {
        self.connections.finish(&mut self.outcome);
        (texts(&self.outcome.messages), self.outcome.over)
    }
}

fn texts(deliveries: &[Delivery]) -> Vec<String> {
    deliveries
        .iter()
        .map(|delivery| {
            let text = String::from_utf8_lossy(delivery.message.raw()).into_owned();
            let cut = if delivery.message.is_cut() { "…" } else { "" };
            text + cut
        })
        .collect()
}

/// A message with a body, whose Content-Length says `announced`.
fn announcing(number: usize, body: &str, announced: usize) -> String {
    format!(
        "MESSAGE sip:b{number}@example.com SIP/2.0\r\nCall-ID: {number}\r\nCSeq: {number} MESSAGE\r\nContent-Length: {announced}\r\n\r\n{body}"
    )
}

fn message(number: usize, body: &str) -> String {
    announcing(number, body, body.len())
}

fn options(number: usize) -> String {
    message(number, "")
}

#[test]
fn a_message_is_whole_with_its_last_byte_and_not_before() {
    let text = message(1, "hello");
    let mut wire = Wire::opened();
    for (offset, byte) in text.bytes().enumerate() {
        assert!(wire.seen().is_empty());
        wire.say(offset, &[byte]);
    }
    assert_eq!(wire.seen(), *std::slice::from_ref(&text));
    assert_eq!(wire.outcome.messages[0].at.frame.0, wire.frame);
    assert_eq!(wire.outcome.messages[0].sequence, ISN);
}

#[test]
fn sequence_numbers_wrap() {
    let (one, two) = (message(1, "one"), message(2, "two"));
    let mut wire = Wire::default();
    let start = 0_u32.wrapping_sub(40);
    wire.put(true, start.wrapping_sub(1), SYN, b"");
    wire.put(
        true,
        start.wrapping_add(one.len() as u32),
        0,
        two.as_bytes(),
    );
    wire.put(true, start, 0, one.as_bytes());
    assert_eq!(wire.seen(), [one, two]);
}

#[test]
fn keep_alive_probes_and_retransmissions_add_nothing() {
    let text = options(1);
    let mut wire = Wire::opened();
    wire.say(0, text.as_bytes());
    let last = text.len() - 1;
    wire.say(last, b"");
    wire.say(last, b"X");
    wire.say(0, text.as_bytes());
    let next = options(2);
    // Overlaps what was there.
    wire.say(last, format!("\n{next}").as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [text, next]);
    assert!(over[0].desyncs.is_empty());
    assert_eq!(over[0].lost, 0);
}

#[test]
fn a_copy_of_a_packet_holds_its_messages_again() {
    let text = options(1);
    let mut wire = Wire::opened();
    wire.say(0, text.as_bytes());
    wire.again(true, ISN, 0, text.as_bytes(), 0);
    assert_eq!(wire.seen(), [text.clone(), text]);
    let [one, other] = &wire.outcome.messages[..] else {
        panic!("two")
    };
    assert_eq!((one.sequence, one.flow), (other.sequence, other.flow));
}

#[test]
fn a_hole_that_the_receiver_does_not_have_is_given_up_at_once_when_acknowledged() {
    let (one, two, three) = (message(1, "one"), message(2, "two"), options(3));
    let mut wire = Wire::opened();
    wire.say(0, one.as_bytes());
    let behind = one.len() + two.len();
    wire.say(behind, three.as_bytes());
    assert_eq!(wire.seen(), *std::slice::from_ref(&one));
    wire.pass(Duration::from_secs(1));
    assert_eq!(
        wire.seen(),
        *std::slice::from_ref(&one),
        "it may be sent again"
    );
    wire.acknowledge(behind + three.len());
    assert_eq!(wire.seen(), [one, three]);
    let over = wire.ended().1;
    assert_eq!((over[0].lost, over[0].holes), (two.len() as u64, 1));
}

#[test]
fn a_hole_that_nobody_acknowledges_is_given_up_in_time() {
    let (one, two, three) = (options(1), options(2), options(3));
    let mut wire = Wire::opened();
    wire.say(0, one.as_bytes());
    wire.say(one.len() + two.len(), three.as_bytes());
    wire.pass(Duration::from_secs(9));
    assert_eq!(wire.seen().len(), 1);
    wire.pass(Duration::from_secs(2));
    assert_eq!(wire.seen(), [one, three]);
}

#[test]
fn a_message_with_a_hole_is_cut_and_the_next_one_is_whole() {
    let (one, two) = (message(1, "0123456789"), options(2));
    let mut wire = Wire::opened();
    let (kept, lost) = (one.len() - 8, 3);
    wire.say(0, &one.as_bytes()[..kept]);
    wire.say(kept + lost, &one.as_bytes()[kept + lost..]);
    wire.say(one.len(), two.as_bytes());
    wire.pass(Duration::from_secs(20));
    assert_eq!(wire.seen(), [format!("{}…", &one[..kept]), two]);
    assert!(wire.ended().1[0].desyncs.is_empty());
}

#[test]
fn what_the_snap_length_cut_off_is_no_desync() {
    let (one, two) = (message(1, "0123456789"), options(2));
    let mut wire = Wire::opened();
    let kept = one.len() - 4;
    wire.identification = 7;
    wire.again(true, ISN, 0, &one.as_bytes()[..kept], 4);
    wire.say(one.len(), two.as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [format!("{}…", &one[..kept]), two]);
    assert!(over[0].desyncs.is_empty());
}

#[test]
fn a_capture_that_begins_inside_a_message_goes_on_with_the_next() {
    let (one, two, three) = (message(1, "v=0\r\n"), options(2), options(3));
    for from in 1..one.len() {
        let mut wire = Wire::default();
        wire.say(0, &one.as_bytes()[from..]);
        wire.say(one.len() - from, two.as_bytes());
        wire.say(one.len() - from + two.len(), three.as_bytes());
        let (seen, over) = wire.ended();
        assert_eq!(seen, [two.clone(), three.clone()], "from byte {from}");
        assert!(over[0].desyncs.is_empty());
    }
    // The tail of a body without a line end, and the next message in the same packet.
    let mut wire = Wire::default();
    wire.say(0, format!("</presence>\r\n{two}").as_bytes());
    assert_eq!(wire.seen(), *std::slice::from_ref(&two));
    let mut wire = Wire::default();
    wire.say(0, b"</presence>");
    wire.say(11, two.as_bytes());
    assert_eq!(wire.seen(), [two]);
}

#[test]
fn a_content_length_that_is_too_small_is_a_desync_and_the_next_message_is_found() {
    let (one, two) = (announcing(1, "0123456789", 4), options(2));
    let mut wire = Wire::opened();
    wire.say(0, one.as_bytes());
    wire.say(one.len(), two.as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [one[..one.len() - 6].to_owned(), two]);
    let (_, desync) = &over[0].desyncs[0];
    assert_eq!(desync.content_length, 4);
    assert_eq!(desync.offset, one.len() as u64 - 6);
    assert_eq!(&*desync.found, "456789");
    assert_eq!(desync.resynchronised.unwrap().frame.0, 3);
}

#[test]
fn a_content_length_that_is_too_large_does_not_swallow_messages() {
    let (one, two, three) = (announcing(1, "hi", 40), options(2), options(3));
    let mut wire = Wire::opened();
    wire.say(0, one.as_bytes());
    wire.say(one.len(), two.as_bytes());
    wire.say(one.len() + two.len(), three.as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen[1..], [two.clone(), three.clone()]);
    assert_eq!(over[0].desyncs.len(), 1);
    // The connection ends before the announced body does.
    let mut wire = Wire::opened();
    let one = announcing(1, "hi", 4000);
    wire.say(0, one.as_bytes());
    wire.say(one.len(), two.as_bytes());
    wire.say(one.len() + two.len(), three.as_bytes());
    wire.put(
        true,
        ISN + (one.len() + two.len() + three.len()) as u32,
        FIN,
        b"",
    );
    assert_eq!(wire.seen(), [one, two, three]);
}

#[test]
fn a_content_length_that_swallows_part_of_a_method_makes_no_new_method() {
    for swallowed in 1..8 {
        let body = "v=0\r\n";
        let one = announcing(1, body, body.len() + swallowed);
        let two = options(2);
        let mut wire = Wire::opened();
        wire.say(0, one.as_bytes());
        wire.say(one.len(), two.as_bytes());
        let (seen, over) = wire.ended();
        assert_eq!(seen[1..], *std::slice::from_ref(&two), "{swallowed}");
        assert_eq!(over[0].desyncs.len(), 1, "{swallowed}");
    }
}

#[test]
fn a_method_that_nobody_knows_is_a_message_behind_a_body_all_the_same() {
    let (one, two) = (message(1, "v=0\r\n"), "FLY sip:a SIP/2.0\r\nl: 0\r\n\r\n");
    let mut wire = Wire::opened();
    wire.say(0, one.as_bytes());
    wire.say(one.len(), two.as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [one, two.to_owned()]);
    assert!(over[0].desyncs.is_empty());
}

#[test]
fn messages_larger_than_any_datagram_are_read_and_endless_ones_told() {
    let large = format!(
        "INFO sip:a SIP/2.0\r\nX: {}\r\nl: 2\r\n\r\nhi",
        "x".repeat(300_000)
    );
    let mut wire = Wire::opened();
    let mut offset = 0;
    for part in large.as_bytes().chunks(1400) {
        wire.say(offset, part);
        offset += part.len();
    }
    assert_eq!(wire.seen(), [large]);
    let mut wire = Wire::opened();
    let mut offset = 0;
    for part in std::iter::once(b"INFO sip:a SIP/2.0\r\nX: ".to_vec())
        .chain(std::iter::repeat_n(vec![b'x'; 60_000], 20))
    {
        wire.say(offset, &part);
        offset += part.len();
    }
    wire.say(offset, options(2).as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!((seen.len(), seen[1].clone()), (2, options(2)));
    assert!(over[0].desyncs.is_empty());
}

#[test]
fn a_message_in_a_body_is_no_message() {
    let inner = options(7);
    let one = message(1, &inner);
    let (head, body) = one.split_at(one.len() - inner.len());
    let mut wire = Wire::opened();
    wire.say(0, head.as_bytes());
    wire.say(head.len(), body.as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [one]);
    assert!(over[0].desyncs.is_empty());
}

#[test]
fn without_a_content_length_the_body_ends_with_the_packet_or_the_next_message() {
    let one = "INFO sip:a SIP/2.0\r\nCSeq: 1 INFO\r\n\r\nv=0\r\n";
    let two = options(2);
    let mut wire = Wire::opened();
    wire.say(0, one.as_bytes());
    wire.say(one.len(), format!("{one}{two}").as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [one.to_owned(), one.to_owned(), two]);
    assert!(over[0].desyncs.is_empty());
}

#[test]
fn keep_alives_of_every_kind_are_skipped() {
    let (one, two) = (options(1), options(2));
    let mut stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    stun.extend([7; 12]);
    let mut wire = Wire::opened();
    let mut offset = 0;
    // The PROXY protocol names a client and a server over IPv4.
    let mut proxy = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    proxy.extend([192, 0, 2, 7, 192, 0, 2, 8, 0x9c, 0x40, 0x13, 0xc4]);
    for part in [
        &proxy[..],
        b"\r\n\r\n",
        one.as_bytes(),
        &stun,
        b"\0\0\0\0",
        two.as_bytes(),
    ] {
        wire.say(offset, part);
        offset += part.len();
    }
    let (seen, over) = wire.ended();
    assert_eq!(seen, [one, two]);
    assert!(over[0].desyncs.is_empty());
}

#[test]
fn a_reset_hands_on_what_waits() {
    let one = message(1, "0123456789");
    let mut wire = Wire::opened();
    wire.say(0, &one.as_bytes()[..one.len() - 1]);
    wire.put(false, 1, RST, b"");
    wire.pass(Duration::from_secs(10));
    assert_eq!(wire.seen(), [format!("{}…", &one[..one.len() - 1])]);
    wire.pass(Duration::from_mins(3));
    let over = &wire.outcome.over;
    assert!(over[0].ended.unwrap().reset);
}

#[test]
fn a_fin_that_overtakes_data_does_not_end_the_stream() {
    let (one, two) = (message(1, "x"), options(2));
    let mut wire = Wire::opened();
    let end = one.len() + two.len();
    wire.put(true, ISN + end as u32, FIN, b"");
    wire.say(one.len(), two.as_bytes());
    wire.say(0, one.as_bytes());
    assert_eq!(wire.seen(), [one, two]);
}

#[test]
fn a_message_that_its_sender_left_unfinished_is_not_cut_by_the_capture() {
    let short = announcing(1, "0123456789", 20);
    let unfinished = |fin: bool| {
        let mut wire = Wire::opened();
        wire.say(0, short.as_bytes());
        if fin {
            wire.put(true, ISN + short.len() as u32, FIN, b"");
        }
        wire.ended().0
    };
    assert_eq!(unfinished(true), *std::slice::from_ref(&short));
    assert_eq!(unfinished(false), [format!("{short}…")]);
}

#[test]
fn what_came_of_a_syn_is_told_at_once() {
    let mut refused = Wire::opened();
    refused.put(false, 0, RST | ACK, b"");
    assert!(refused.outcome.noted[0].is_refused());

    let mut silent = Wire::opened();
    silent.again(true, ISN - 1, SYN, b"", 0);
    for _ in 0..2 {
        assert!(silent.outcome.noted.is_empty());
        silent.pass(Duration::from_secs(2));
        silent.put(true, ISN - 1, SYN, b"");
    }
    assert_eq!(silent.outcome.noted[0].syns.len(), 3);

    let mut accepted = Wire::opened();
    accepted.put(false, 0, SYN | ACK, b"");
    accepted.put(true, ISN, ACK, b"");
    accepted.put(false, 1, RST, b"");
    assert!(accepted.outcome.noted.is_empty());

    let mut half_seen = Wire::opened();
    half_seen.put(true, ISN, ACK, b"");
    assert!(!half_seen.outcome.noted[0].heard);
    half_seen.put(false, 1, ACK, b"");
    assert!(half_seen.outcome.noted[1].heard);
}

#[test]
fn an_icmp_error_about_a_syn_belongs_to_its_connection() {
    let mut wire = Wire::opened();
    let flow = Flow {
        src: "192.0.2.1:40000".parse().unwrap(),
        dst: "192.0.2.2:5060".parse().unwrap(),
        transport: Transport::Tcp,
    };
    let mut quote = |flow| {
        let error = IcmpError {
            reporter: "192.0.2.9".parse().unwrap(),
            to: "192.0.2.1".parse().unwrap(),
            kind: IcmpKind::AdministrativelyProhibited,
            quote: Some(Quote { flow, payload: b"" }),
        };
        (wire.connections).icmp(&error, Sighting::default(), &mut wire.outcome);
        wire.outcome.noted.len()
    };
    assert_eq!(quote(flow.reversed()), 0);
    assert_eq!(quote(flow), 1);
    wire.put(false, 0, SYN | ACK, b"");
    wire.put(true, ISN, ACK, b"");
    assert!(wire.ended().1[0].established);
}

#[test]
fn another_connection_between_the_same_ports_begins_anew() {
    let (one, two) = (message(1, "0123456789"), options(2));
    let mut wire = Wire::opened();
    wire.say(0, &one.as_bytes()[..one.len() - 3]);
    wire.put(true, 77, SYN, b"");
    wire.put(true, 78, 0, two.as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [format!("{}…", &one[..one.len() - 3]), two]);
    assert_eq!(over.len(), 2);
}

#[test]
fn a_stream_that_is_no_sip_is_not_kept() {
    let mut wire = Wire::opened();
    let mut offset = 0;
    for _ in 0..1000 {
        wire.say(offset, &[b'x'; 1400]);
        offset += 1400;
    }
    wire.say(offset, options(1).as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [options(1)]);
    assert!(over[0].desyncs.is_empty());
}

#[test]
fn a_segment_far_ahead_does_not_hold_the_rest_for_ever() {
    let mut wire = Wire::opened();
    let one = options(1);
    wire.say(1_000_000_000, b"far away");
    wire.say(0, one.as_bytes());
    assert_eq!(wire.seen(), [one]);
}

#[test]
fn a_hole_in_a_large_message_does_not_hold_back_what_follows() {
    let one = message(1, &"b".repeat(3000));
    let (two, three) = (options(2), options(3));
    let mut wire = Wire::opened();
    wire.say(0, &one.as_bytes()[..1000]);
    let tail = one.len() + 995;
    wire.say(tail, b"</presence>");
    wire.acknowledge(tail + 11);
    wire.pass(Duration::from_secs(1));
    wire.say(tail + 11, two.as_bytes());
    wire.say(tail + 11 + two.len(), three.as_bytes());
    assert_eq!(wire.ended().0[1..], [two.clone(), three.clone()]);

    let mut wire = Wire::opened();
    wire.say(0, &one.as_bytes()[..1000]);
    wire.say(2000, &one.as_bytes()[2000..]);
    wire.acknowledge(one.len());
    wire.pass(Duration::from_secs(1));
    wire.say(one.len(), &two.as_bytes()[..3]);
    wire.say(one.len() + 3, &two.as_bytes()[3..]);
    wire.say(one.len() + two.len(), three.as_bytes());
    assert_eq!(wire.seen()[1..], [two, three]);
    assert!(wire.ended().1[0].desyncs.is_empty());
}

#[test]
fn a_port_that_is_used_again_is_followed_even_when_only_one_direction_was_captured() {
    let (one, two) = (options(1), options(2));
    let mut wire = Wire::default();
    wire.put(false, 4_000_000, SYN | ACK, b"");
    wire.put(false, 4_000_001, ACK, one.as_bytes());
    let end = 4_000_001 + one.len() as u32;
    wire.put(false, end, FIN | ACK, b"");
    wire.pass(Duration::from_mins(1));
    wire.put(false, 1_000_000, SYN | ACK, b"");
    wire.put(false, 1_000_001, ACK, two.as_bytes());
    assert_eq!(wire.seen(), [one, two]);
}

#[test]
fn a_challenge_acknowledgment_does_not_set_the_numbers_of_the_new_connection() {
    let (one, two) = (options(1), options(2));
    let mut wire = Wire::opened();
    wire.put(false, 3_000_000_000, SYN | ACK, b"");
    wire.put(false, 3_000_000_001, ACK, one.as_bytes());
    let next = 3_000_000_001 + one.len() as u32;
    wire.pass(Duration::from_mins(1));
    wire.put(true, 77, SYN, b"");
    wire.put(false, next, ACK, b"");
    wire.put(true, 1, RST, b"");
    wire.pass(Duration::from_secs(1));
    wire.put(true, 77, SYN, b"");
    wire.put(false, 2_000_000_000, SYN | ACK, b"");
    wire.put(false, 2_000_000_001, ACK, two.as_bytes());
    assert_eq!(wire.seen(), [one, two]);
}

#[test]
fn one_stray_segment_is_ignored_and_a_stream_that_jumps_is_followed() {
    let (one, two, three) = (options(1), options(2), options(3));
    let mut wire = Wire::opened();
    wire.say(0, one.as_bytes());
    wire.say(1_000_000_000, b"x");
    wire.pass(Duration::from_secs(11));
    wire.say(one.len(), two.as_bytes());
    assert_eq!(wire.seen(), [one.clone(), two.clone()]);
    let far = 3_000_000_000;
    wire.say(far, b"tail\r\n");
    wire.say(far + 6, three.as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [one, two, three]);
    assert!(over[0].lost < 1 << 25);
}

#[test]
fn a_message_whose_second_packet_looks_like_something_else_is_one_message() {
    for body in [
        "xH",
        "xG",
        "xGET / HTTP/1.1\r\n",
        "xHTTP/1.1 101 ",
        "xHEP3\0\x20",
    ] {
        let one = message(1, body);
        let at = one.len() - body.len() + 1;
        let mut wire = Wire::opened();
        wire.say(0, &one.as_bytes()[..at]);
        wire.say(at, &one.as_bytes()[at..]);
        assert_eq!(wire.seen(), [one], "{body:?}");
    }
}

#[test]
fn a_keep_alive_probe_in_front_of_the_capture_is_no_part_of_the_message() {
    for probe in [0x17, b'H', b'G', b'X', 0] {
        let one = options(1);
        let mut wire = Wire::default();
        wire.say(0, &[probe]);
        wire.say(1, one.as_bytes());
        assert_eq!(wire.ended().0, [one], "{probe}");
    }
}

#[test]
fn stun_over_two_packets_is_no_desync() {
    let (one, two) = (options(1), options(2));
    let mut stun = vec![0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42];
    stun.extend([7; 20]);
    for cut in 8..stun.len() {
        let mut wire = Wire::opened();
        let mut offset = 0;
        for part in [one.as_bytes(), &stun[..cut], &stun[cut..], two.as_bytes()] {
            wire.say(offset, part);
            offset += part.len();
        }
        let (seen, over) = wire.ended();
        assert_eq!(seen, [one.clone(), two.clone()], "{cut}");
        assert!(over[0].desyncs.is_empty(), "{cut}");
    }
}

#[test]
fn a_bogus_acknowledgment_does_not_make_holes_final() {
    let one = message(1, "0123456789");
    let mut wire = Wire::opened();
    wire.acknowledge(1_000_000_000);
    wire.say(50, &one.as_bytes()[50..]);
    wire.pass(Duration::from_millis(600));
    wire.say(0, &one.as_bytes()[..50]);
    assert_eq!(wire.seen(), [one]);
}

#[test]
fn a_body_beyond_all_bounds_is_passed_over_and_the_next_message_found() {
    let (one, two) = (announcing(1, "", 2_000_000), options(2));
    let mut wire = Wire::opened();
    wire.say(0, one.as_bytes());
    let mut offset = one.len();
    for _ in 0..2000 {
        wire.say(offset, &[b'y'; 1000]);
        offset += 1000;
    }
    wire.say(offset, two.as_bytes());
    let (seen, over) = wire.ended();
    assert_eq!(seen, [format!("{one}…"), two]);
    assert!(over[0].desyncs.is_empty());
}

#[test]
fn what_tcp_sends_again_after_a_reset_is_no_second_message() {
    let one = options(1);
    let mut wire = Wire::opened();
    wire.say(0, one.as_bytes());
    wire.put(false, 1, RST, b"");
    wire.pass(Duration::from_secs(7));
    wire.say(0, one.as_bytes());
    assert_eq!(wire.ended().0, [one]);
}

#[test]
fn many_connections_that_one_end_closed_are_forgotten() {
    let mut wire = Wire::opened();
    wire.put(true, ISN, FIN | ACK, b"");
    wire.pass(Duration::from_mins(3));
    assert_eq!(wire.outcome.over.len(), 1);
}

/// Several messages with bodies and keep-alives between them.
fn conversation(bodies: &[String]) -> (Vec<String>, Vec<u8>) {
    let messages: Vec<_> = bodies
        .iter()
        .enumerate()
        .map(|(number, body)| message(number, body))
        .collect();
    let mut bytes = Vec::new();
    for message in &messages {
        bytes.extend_from_slice(message.as_bytes());
        if message.len() % 3 == 0 {
            bytes.extend_from_slice(b"\r\n\r\n");
        }
    }
    (messages, bytes)
}

proptest! {
    #[test]
    fn any_split_order_and_duplication_gives_the_same_messages(
        bodies in prop::collection::vec("[a-zA-Z0-9 \r\n]{0,80}", 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        seed in any::<u64>(),
        initial in any::<u32>(),
    ) {
        let (messages, bytes) = conversation(&bodies);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut pieces: Vec<(usize, usize)> = cuts.windows(2).map(|pair| (pair[0], pair[1])).collect();
        // Some twice, some reaching into their neighbours, in any order.
        let mut random = seed;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize
        };
        for index in 0..pieces.len() {
            let (from, to) = pieces[index];
            match next() % 4 {
                0 => pieces.push((from, to)),
                1 => pieces.push((from.saturating_sub(next() % 20), (to + next() % 20).min(bytes.len()))),
                _ => {}
            }
        }
        for index in (1..pieces.len()).rev() {
            pieces.swap(index, next() % (index + 1));
        }
        let mut wire = Wire::default();
        wire.put(true, initial.wrapping_sub(1), SYN, b"");
        for (from, to) in pieces {
            wire.put(true, initial.wrapping_add(from as u32), 0, &bytes[from..to]);
        }
        let (seen, over) = wire.ended();
        prop_assert_eq!(seen, messages);
        prop_assert_eq!(over[0].lost, 0);
        prop_assert!(over[0].desyncs.is_empty());
    }

    #[test]
    fn no_bytes_break_it_and_none_are_handed_on_twice(
        chunks in prop::collection::vec((any::<bool>(), 0_u32..5000, 0_u8..32, prop::collection::vec(any::<u8>(), 0..60)), 0..60),
    ) {
        let mut wire = Wire::default();
        for (side, sequence, flags, payload) in &chunks {
            wire.put(*side, *sequence, *flags, payload);
        }
        wire.ended();
    }
}
