//! Packets are made here, chunk by chunk, and read.

use super::*;
use crate::capture::FrameNumber;
use crate::flow::Transport;
use proptest::prelude::*;

const BEGIN: u8 = 0b10;
const END: u8 = 0b01;
const WHOLE: u8 = BEGIN | END;
const UNORDERED: u8 = 0b100;
const OPTIONS: &[u8] = b"OPTIONS sip:a@example.com SIP/2.0\r\nl: 2\r\n\r\nhi";
const TAG: u32 = 0x7b3a_91c4;

fn flow() -> Flow {
    Flow {
        src: "192.0.2.1:5060".parse().expect("an address"),
        dst: "192.0.2.2:5060".parse().expect("an address"),
        transport: Transport::Sctp,
    }
}

fn at(frame: u64, millis: i64) -> Sighting {
    Sighting {
        frame: FrameNumber(frame),
        time: Timestamp::from_nanos(millis * 1_000_000),
    }
}

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + value.len()).expect("a chunk");
    let mut bytes = vec![kind, flags];
    bytes.extend(len.to_be_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn data(tsn: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    data_on(3, 9, tsn, flags, payload)
}

fn data_on(stream: u16, sequence: u16, tsn: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut value = tsn.to_be_bytes().to_vec();
    value.extend(stream.to_be_bytes());
    value.extend(sequence.to_be_bytes());
    value.extend(0_u32.to_be_bytes());
    value.extend(payload);
    chunk(0, flags, &value)
}

fn i_data(tsn: u32, message: u32, either: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut value = tsn.to_be_bytes().to_vec();
    value.extend([0, 3, 0, 0]);
    value.extend(message.to_be_bytes());
    value.extend(either.to_be_bytes());
    value.extend(payload);
    chunk(64, flags, &value)
}

/// Feeds packets, a millisecond apart, and ends the capture.
fn read(packets: &[Vec<u8>]) -> (Vec<UserMessage>, SctpCounters) {
    let mut sctp = Sctp::default();
    let mut out = Vec::new();
    for (frame, chunks) in (1..).zip(packets) {
        feed(
            &mut sctp,
            chunks,
            TAG,
            at(frame, frame.cast_signed()),
            &mut out,
        );
    }
    sctp.finish(&mut out);
    (out, sctp.counters())
}

fn feed(sctp: &mut Sctp, chunks: &[u8], tag: u32, at: Sighting, out: &mut Vec<UserMessage>) {
    let packet = SctpPacket {
        flow: flow(),
        verification_tag: tag,
        chunks,
        missing: 0,
    };
    sctp.packet(&packet, at, out);
}

fn texts(messages: &[UserMessage]) -> Vec<(&[u8], bool, Repeat)> {
    messages
        .iter()
        .map(|it| (&*it.bytes, it.cut, it.repeat))
        .collect()
}

#[test]
fn a_chunk_that_begins_and_ends_a_message_is_one() {
    let (messages, counters) = read(&[data(77, WHOLE, OPTIONS)]);
    assert_eq!(
        messages,
        [UserMessage {
            flow: flow(),
            at: at(1, 1),
            tsn: 77,
            protocol_id: 0,
            bytes: OPTIONS.to_vec(),
            cut: false,
            repeat: Repeat::No,
        }]
    );
    assert_eq!(counters, SctpCounters::default());
}

#[test]
fn chunks_of_one_packet_are_told_apart_whatever_their_padding() {
    let packet = [
        chunk(3, 0, &[0; 12]),
        data(1, WHOLE, b"a"),
        data(2, WHOLE | UNORDERED, b"bc"),
        chunk(0x84, 0, b"odd"),
        data(3, WHOLE, b"def"),
    ]
    .concat();
    let (messages, _) = read(std::slice::from_ref(&packet));
    let expected = [&b"a"[..], b"bc", b"def"].map(|text| (text, false, Repeat::No));
    assert_eq!(texts(&messages), expected);
    let unpadded = &packet[..packet.len() - 1];
    assert_eq!(texts(&read(&[unpadded.to_vec()]).0), expected);
}

#[test]
fn fragments_join_across_the_end_of_the_number_range() {
    let first = u32::MAX - 1;
    let (messages, _) = read(&[
        data(first.wrapping_add(2), 0, b"c"),
        data(first, BEGIN, b"a"),
        data(first.wrapping_add(3), END, b"d"),
        data(first.wrapping_add(1), 0, b"b"),
    ]);
    assert_eq!(texts(&messages), [(&b"abcd"[..], false, Repeat::No)]);
    assert_eq!((messages[0].tsn, messages[0].at), (first, at(4, 4)));
}

#[test]
fn fragments_of_interleaved_messages_keep_apart() {
    // Number 0 of a message says the protocol where the others say their number.
    let (messages, _) = read(&[
        i_data(1, 5, 99, BEGIN, b"one-"),
        i_data(2, 6, 99, BEGIN, b"two-"),
        i_data(4, 6, 1, END, b"end"),
        i_data(3, 5, 1, 0, b"middle-"),
        i_data(5, 5, 2, END, b"end"),
        i_data(6, 5, 77, BEGIN | END | UNORDERED, b"three"),
    ]);
    assert_eq!(
        texts(&messages),
        [&b"two-end"[..], b"one-middle-end", b"three"].map(|text| (text, false, Repeat::No))
    );
    assert_eq!((messages[0].tsn, messages[0].protocol_id), (2, 99));
}

#[test]
fn neighbours_of_different_messages_are_not_joined() {
    // A message ends, the next begins; another stream; another sequence number.
    for next in [
        data(2, WHOLE, b"b"),
        data_on(4, 9, 2, END, b"b"),
        data_on(3, 10, 2, END, b"b"),
        data_on(3, 9, 2, END | UNORDERED, b"b"),
    ] {
        let (messages, counters) = read(&[data(1, BEGIN, b"a"), next]);
        assert!(messages.iter().any(|it| it.bytes == b"a" && it.cut));
        assert_eq!(counters.cut, 1);
    }
    // Unordered chunks say nothing with their sequence number.
    let flags = UNORDERED;
    let (messages, _) = read(&[
        data_on(3, 0, 1, BEGIN | flags, b"a"),
        data_on(3, 7, 2, END | flags, b"b"),
    ]);
    assert_eq!(texts(&messages), [(&b"ab"[..], false, Repeat::No)]);
}

#[test]
fn a_packet_captured_twice_is_a_copy_and_a_chunk_sent_again_is_not() {
    let mut sctp = Sctp::default();
    let mut out = Vec::new();
    let packet = data(7, WHOLE, OPTIONS);
    let bundled = [chunk(3, 0, &[0; 12]), packet.clone()].concat();
    feed(&mut sctp, &packet, TAG, at(1, 0), &mut out);
    feed(&mut sctp, &packet, TAG, at(2, 1), &mut out);
    feed(&mut sctp, &bundled, TAG, at(3, 2), &mut out);
    feed(&mut sctp, &packet, TAG, at(4, 1000), &mut out);
    feed(&mut sctp, &packet, TAG, at(5, 1001), &mut out);
    let repeats: Vec<_> = out.iter().map(|it| it.repeat).collect();
    assert_eq!(
        repeats,
        [
            Repeat::No,
            Repeat::Copy,
            Repeat::Retransmission,
            Repeat::Retransmission,
            Repeat::Copy
        ]
    );
    let counters = sctp.counters();
    assert_eq!((counters.copies, counters.retransmissions), (2, 2));
}

#[test]
fn a_message_of_several_chunks_comes_once_however_often_they_are_captured() {
    let packets = [
        data(1, BEGIN, b"a"),
        data(1, BEGIN, b"a"),
        data(2, END, b"b"),
        data(2, END, b"b"),
        data(1, BEGIN, b"a"),
    ];
    let (messages, counters) = read(&packets);
    assert_eq!(texts(&messages), [(&b"ab"[..], false, Repeat::No)]);
    assert_eq!(counters.copies, 3);
}

#[test]
fn the_same_number_with_other_bytes_or_in_another_association_is_another_message() {
    let mut sctp = Sctp::default();
    let mut out = Vec::new();
    feed(&mut sctp, &data(0, WHOLE, b"one"), 0, at(1, 0), &mut out);
    feed(&mut sctp, &data(0, WHOLE, b"two"), 0, at(2, 1), &mut out);
    feed(&mut sctp, &data(0, WHOLE, b"two"), TAG, at(3, 2), &mut out);
    // A tag that a tool invented says nothing; the addresses do.
    let reversed = SctpPacket {
        flow: flow().reversed(),
        verification_tag: 0,
        chunks: &data(0, WHOLE, b"one"),
        missing: 0,
    };
    sctp.packet(&reversed, at(4, 3), &mut out);
    assert!(out.iter().all(|it| it.repeat == Repeat::No), "{out:?}");
    assert_eq!(out.len(), 4);
}

#[test]
fn fragments_that_take_another_path_of_the_association_join() {
    let mut sctp = Sctp::default();
    let mut out = Vec::new();
    feed(&mut sctp, &data(1, BEGIN, b"a"), TAG, at(1, 0), &mut out);
    let mut other_path = flow();
    other_path
        .src
        .set_ip("198.51.100.1".parse().expect("an address"));
    let packet = SctpPacket {
        flow: other_path,
        verification_tag: TAG,
        chunks: &data(2, END, b"b"),
        missing: 0,
    };
    sctp.packet(&packet, at(2, 1000), &mut out);
    assert_eq!(texts(&out), [(&b"ab"[..], false, Repeat::No)]);
    assert_eq!(out[0].flow, other_path);
}

#[test]
fn what_the_snap_length_left_of_a_message_is_handed_on_as_cut() {
    let whole = data(1, WHOLE, OPTIONS);
    let mut sctp = Sctp::default();
    let mut out = Vec::new();
    for (frame, captured) in [(1, 40), (2, 16), (3, 10)] {
        let packet = SctpPacket {
            flow: flow(),
            verification_tag: TAG,
            chunks: &whole[..captured],
            missing: whole.len() - captured,
        };
        sctp.packet(&packet, at(frame, frame.cast_signed() * 1000), &mut out);
    }
    assert_eq!(texts(&out), [(&OPTIONS[..24], true, Repeat::No)]);
    // Captured elsewhere as a whole it is still the same chunk.
    feed(&mut sctp, &whole, TAG, at(4, 4000), &mut out);
    assert_eq!(out[1].repeat, Repeat::Retransmission);
    // A middle fragment that was cut ends what can be told.
    let middle = data(9, 0, b"middle");
    let packet = SctpPacket {
        flow: flow(),
        verification_tag: TAG,
        chunks: &middle[..18],
        missing: middle.len() - 18,
    };
    sctp.packet(&packet, at(5, 5000), &mut out);
    feed(
        &mut sctp,
        &data(8, BEGIN, b"first-"),
        TAG,
        at(6, 5001),
        &mut out,
    );
    assert_eq!(texts(&out)[2], (&b"first-mi"[..], true, Repeat::No));
}

#[test]
fn a_message_whose_end_never_comes_is_given_up_in_time() {
    let mut sctp = Sctp::default();
    let mut out = Vec::new();
    feed(&mut sctp, &data(1, BEGIN, b"a"), TAG, at(1, 0), &mut out);
    feed(&mut sctp, &data(2, 0, b"b"), TAG, at(2, 1), &mut out);
    feed(&mut sctp, &data(5, END, b"e"), TAG, at(3, 2), &mut out);
    sctp.expire(at(0, 10_000).time, &mut out);
    assert_eq!(out, []);
    sctp.expire(at(0, 10_003).time, &mut out);
    assert_eq!(texts(&out), [(&b"ab"[..], true, Repeat::No)]);
    assert_eq!(out[0].at, at(2, 1));
    assert_eq!((sctp.counters().cut, sctp.counters().given_up), (1, 1));
    assert!(sctp.held.is_empty() && sctp.held_bytes == 0);
}

#[test]
fn impossible_lengths_end_the_reading_of_a_packet_and_are_counted() {
    let good = data(1, WHOLE, b"a");
    for bad in [
        vec![0, 3, 0, 3],             // shorter than its header
        vec![0, 3, 0, 0],             // nothing
        vec![0, 3, 0xff, 0xff, 0, 0], // longer than the packet
        vec![0, 3, 0],                // no header
        chunk(0, WHOLE, &[0; 12]),    // no user data
        chunk(0, WHOLE, &[0; 5]),     // shorter than the fields of DATA
        chunk(64, WHOLE, &[0; 16]),
    ] {
        let (messages, counters) = read(&[[good.clone(), bad.clone()].concat()]);
        assert_eq!(messages.len(), 1, "{bad:?}");
        assert_eq!(counters.malformed, 1, "{bad:?}");
    }
}

#[test]
fn endless_fragments_stay_within_the_limit_of_a_message() {
    let piece = vec![b'x'; 1400];
    let packets: Vec<_> = (0..200)
        .map(|tsn| data(tsn, if tsn == 0 { BEGIN } else { 0 }, &piece))
        .collect();
    let (messages, counters) = read(&packets);
    assert_eq!(messages.len(), 1);
    assert!(messages[0].cut && messages[0].bytes.len() == MAX_MESSAGE_LEN);
    assert!(counters.given_up > 0);
}

#[test]
fn a_flood_of_fragments_is_bounded_and_counted() {
    let mut sctp = Sctp::default();
    let mut out = Vec::new();
    let piece = vec![b'x'; 1000];
    for tsn in 0..40_000_u32 {
        // Every second number is missing.
        feed(
            &mut sctp,
            &data(tsn * 2, 0, &piece),
            TAG,
            at(1, 0),
            &mut out,
        );
        assert!(sctp.held_bytes <= MAX_SCTP_BYTES + 1000);
    }
    assert!(sctp.counters().forgotten_early > 20_000);
    assert!(out.is_empty());
}

proptest! {
    /// However messages are cut into fragments, put into packets and reordered, they come out.
    #[test]
    fn messages_come_out_whatever_the_order_of_their_fragments(
        lens in prop::collection::vec(prop::collection::vec(1_usize..40, 1..6), 1..6),
        first in any::<u32>(),
        shuffle in any::<prop::sample::Index>(),
        interleaved in any::<bool>(),
        bundle in 1_usize..4,
    ) {
        let (mut tsn, mut chunks, mut expected) = (first, Vec::new(), Vec::new());
        for (message, fragments) in (0_u32..).zip(&lens) {
            let mut text = Vec::new();
            for (index, &len) in fragments.iter().enumerate() {
                let piece = vec![u8::try_from(text.len() % 251).expect("small"); len];
                let flags = if index == 0 { BEGIN } else { 0 }
                    | if index + 1 == fragments.len() { END } else { 0 };
                let number = u32::try_from(index).expect("small");
                chunks.push(if interleaved {
                    i_data(tsn, message, number, flags, &piece)
                } else {
                    data(tsn, flags, &piece)
                });
                text.extend(piece);
                tsn = tsn.wrapping_add(1);
            }
            expected.push(text);
        }
        let turn = shuffle.index(chunks.len());
        chunks.rotate_left(turn);
        let half = chunks.len() / 2;
        chunks[half..].reverse();
        let packets: Vec<_> = chunks.chunks(bundle).map(<[Vec<u8>]>::concat).collect();
        let (messages, counters) = read(&packets);
        let mut found: Vec<_> = messages.into_iter().map(|it| it.bytes).collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(counters, SctpCounters::default());
    }
}
