//! What is packed is the same when it is read again, and what is not whole is refused.

use super::*;
use crate::capture::FrameNumber;
use crate::flow::{Flow, Transport};
use crate::sip::{Carrier, Message};
use crate::thresholds::Thresholds;
use crate::time::Timestamp;
use crate::transaction::{Ack, Arrival, Draft, Keys, Response, Table};
use std::borrow::Borrow;

const CALL_ID: &[u8] = b"1@192.0.2.1";
const CALL_KEY: u64 = u64::MAX - 1;

/// A call that is challenged and answered, and a request with a response that is not kept.
fn transactions(number: u64) -> Vec<Box<Transaction>> {
    let message = |start: &str, cseq: &str, tag: &str, more: &str| {
        format!(
            "{start}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{number}{cseq}\r\nFrom: <sip:a@example.com>;tag=1\r\n\
             To: <sip:b@example.com>{tag}\r\nCall-ID: 1@192.0.2.1\r\nCSeq: {cseq}\r\n{more}\r\n"
        )
    };
    let challenge =
        "Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"n\"\r\nContent-Length: 0\r\n";
    let credentials = "Proxy-Authorization: Digest username=\"a\", realm=\"example.com\", nonce=\"n\", uri=\"sip:b@example.com\", \
                       response=\"0123456789abcdef0123456789abcdef\"\r\nExpires: 60\r\n";
    let texts = [
        (
            true,
            message("INVITE sip:b@example.com SIP/2.0", "1 INVITE", "", ""),
        ),
        (
            false,
            message("SIP/2.0 100 Trying", "1 INVITE", "", "Server: x\r\n"),
        ),
        (
            false,
            message("SIP/2.0 407 No", "1 INVITE", ";tag=2", challenge),
        ),
        (
            true,
            message("ACK sip:b@example.com SIP/2.0", "1 ACK", ";tag=2", ""),
        ),
        (
            true,
            message(
                "INVITE sip:b@example.com SIP/2.0",
                "2 INVITE",
                "",
                credentials,
            ),
        ),
        (
            false,
            message("SIP/2.0 200 OK", "2 INVITE", ";tag=3", "l: 3\r\n\r\nabc"),
        ),
        (
            true,
            message("NOVEL sip:b@example.com SIP/2.0", "3 NOVEL", ";tag=3", ""),
        ),
    ];
    let mut table = Table::new(&Thresholds::default());
    let flow = Flow {
        src: "192.0.2.1:5060".parse().expect("an address"),
        dst: "[2001:db8::2]:5061".parse().expect("an address"),
        transport: Transport::Tcp,
    };
    for (frame, (is_request, text)) in (number..).zip(texts) {
        let carrier = Carrier {
            cut: frame % 2 == 0 && !is_request,
            stream: true,
        };
        let message = Arc::new(Message::parse(text.as_bytes(), carrier).expect("a message"));
        let nanos = i64::try_from(frame).expect("a small number") * 1_000_000;
        let flow = if is_request { flow } else { flow.reversed() };
        let keys = Keys::of(&message, flow, None);
        let draft = Draft::of(&message, keys, flow);
        let arrival = Arrival {
            frame: FrameNumber(frame),
            time: Timestamp::from_nanos(nanos),
            flow,
            message: &message,
            keys,
            identification: None,
            sequence: None,
            mirrored: false,
        };
        table.place(&arrival, draft);
    }
    table.finish(Timestamp::from_nanos(i64::MAX / 2));
    table.take_closed()
}

fn plain<T: Borrow<Transaction>>(transactions: &[T]) -> Vec<u8> {
    let mut plain = Out::default();
    for it in transactions {
        it.borrow().put(&mut plain);
    }
    plain.bytes
}

fn messages<T: Borrow<Transaction>>(transactions: &[T]) -> Vec<Message> {
    let kept = transactions.iter().map(Borrow::borrow).flat_map(|it| {
        let responses = it.responses.iter().filter_map(Response::message);
        let acks = it.acks.iter().filter_map(Ack::message);
        it.request().into_iter().chain(responses).chain(acks)
    });
    kept.cloned().collect()
}

#[test]
fn what_is_unpacked_is_what_was_packed() {
    let (mut packer, workers) = (Packer::default(), Workers::default());
    let mut all = Vec::new();
    // More than one sample is taken of them.
    for number in 1..2_000 {
        let before = transactions(number);
        let known = (plain(&before), messages(&before));
        let count = before.len();
        let kept = before.iter().flat_map(|it| it.messages());
        let kept = kept.map(Message::footprint).sum();
        packer.used.fetch_add(kept, Ordering::Relaxed);
        let small = packer.pack(&[before], &workers).pop().flatten();
        let small = small.expect("one that is packed");
        assert_eq!(small.count(), count);
        all.push((small, known));
        packer.good_for = packer.good_for.saturating_sub(SAMPLED / 100);
    }
    let used = packer.used.load(Ordering::Relaxed);
    assert!(used > 0 && used < all.len() * 1_000, "{used}");
    for (small, known) in all {
        let after = packer.unpack(small, CALL_KEY);
        let kept = after.iter().flat_map(Transaction::messages);
        let kept = kept.map(Message::footprint).sum();
        packer.used.fetch_sub(kept, Ordering::Relaxed);
        assert_eq!((plain(&after), messages(&after)), known);
        assert!(
            after
                .iter()
                .all(|it| *it.call_id == *CALL_ID && it.call_key == CALL_KEY)
        );
    }
    assert_eq!(packer.used.load(Ordering::Relaxed), 0);
    assert!(packer.older.is_empty(), "{} samples", packer.older.len());
}

#[test]
fn many_calls_are_packed_the_same_by_any_number_of_threads() {
    let mut calls: Vec<_> = (1..300).map(transactions).collect();
    calls.insert(200, Vec::new());
    let packed = [1, 3].map(|threads| {
        let workers = Workers::new(threads.try_into().expect("some"));
        let mut packer = Packer::default();
        let all = packer.pack(&calls, &workers);
        // The sample is learnt from the first of them.
        assert_eq!(packer.good_for, SAMPLED - (calls.len() - LEARNT_FROM));
        all.into_iter().map(|it| it.map(|it| it.bytes)).collect()
    });
    let [alone, together]: [Vec<_>; 2] = packed;
    assert_eq!(alone, together);
    let nothing = alone.iter().map(Option::is_none);
    assert!(nothing.eq(calls.iter().map(Vec::is_empty)));
}

#[test]
fn bytes_that_are_none_of_a_transaction_give_none() {
    let whole = plain(&transactions(1));
    for end in 0..whole.len().min(2_000) {
        let mut cut = In::of(whole.get(..end).expect("a part"));
        while let Some(it) = Transaction::take(&mut cut) {
            assert!(it.id.0 > 0);
        }
    }
}

#[test]
fn times_and_frames_come_back_from_any_distance() {
    let mut out = Out::default();
    let moments = [
        0,
        1,
        999,
        1_000,
        -1_000,
        -1,
        2_500_000,
        i64::MAX,
        i64::MIN,
        7,
    ];
    let frames = [5, 4, u64::MAX, 0, 1 << 40];
    for (nanos, frame) in moments.into_iter().zip(frames.into_iter().cycle()) {
        Timestamp::from_nanos(nanos).put(&mut out);
        FrameNumber(frame).put(&mut out);
    }
    let mut from = In::of(&out.bytes);
    for (nanos, frame) in moments.into_iter().zip(frames.into_iter().cycle()) {
        assert_eq!(
            Timestamp::take(&mut from),
            Some(Timestamp::from_nanos(nanos))
        );
        assert_eq!(FrameNumber::take(&mut from), Some(FrameNumber(frame)));
    }
    assert_eq!(from.rest(), b"");
    // A second on or back in a capture of microseconds, and the frame beside.
    out.clear();
    for (nanos, frame) in [(1_000_000_000, 1), (0, 0)] {
        Timestamp::from_nanos(nanos).put(&mut out);
        FrameNumber(frame).put(&mut out);
    }
    assert_eq!(out.bytes.len(), 10);
}
