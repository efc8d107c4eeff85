//! Calls that nobody ends keep their messages only as long as there is room.
#![allow(clippy::unwrap_used, missing_docs)]

use etherparse::PacketBuilder;
use sipdiag::capture::{CaptureFacts, FrameNumber, LinkType, Packet};
use sipdiag::engine::{Engine, Options, Report};
use sipdiag::severity::Severity;
use sipdiag::time::Timestamp;

/// More than wait unpacked for their end.
const CALLS: u64 = 3_000;
const PHONE: [u8; 4] = [198, 51, 100, 1];
const PROXY: [u8; 4] = [192, 0, 2, 1];

/// One message of a call: its moment in milliseconds, from where to where, the bytes.
fn call(number: u64) -> Vec<(u64, [u8; 4], [u8; 4], String)> {
    let begin = number * 100;
    let message = |start: &str, branch: &str, tag: &str, cseq: &str| {
        format!(
            "{start}\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bK{number}{branch};rport\r\n\
             From: <sip:alice@example.com>;tag=a{number}\r\nTo: <sip:bob@example.com>{tag}\r\nCall-ID: {number}@198.51.100.1\r\n\
             CSeq: {cseq}\r\nMax-Forwards: 70\r\nContact: <sip:bob@192.0.2.1>\r\nSubject: {}\r\nContent-Length: 0\r\n\r\n",
            "x".repeat(1_000)
        )
    };
    let tag = format!(";tag=b{number}");
    let invite = message("INVITE sip:bob@example.com SIP/2.0", "i", "", "1 INVITE").replace(
        "<sip:bob@192.0.2.1>\r\nSub",
        "<sip:alice@198.51.100.1>\r\nSub",
    );
    vec![
        (begin, PHONE, PROXY, invite),
        (
            begin + 20,
            PROXY,
            PHONE,
            message("SIP/2.0 180 Ringing", "i", &tag, "1 INVITE"),
        ),
        (
            begin + 900,
            PROXY,
            PHONE,
            message("SIP/2.0 200 OK", "i", &tag, "1 INVITE"),
        ),
        (
            begin + 920,
            PHONE,
            PROXY,
            message("ACK sip:bob@192.0.2.1 SIP/2.0", "a", &tag, "1 ACK"),
        ),
    ]
}

/// Calls that go on until the end of the capture, with room for so many bytes.
fn judged(memory: Option<usize>) -> Report {
    let mut messages: Vec<_> = (0..CALLS).flat_map(call).collect();
    messages.sort();
    let options = Options {
        memory,
        ..Options::default()
    };
    let mut engine = Engine::new(options, ());
    for (frame, (millis, src, dst, text)) in (1..).zip(messages) {
        let mut data = Vec::new();
        PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4(src, dst, 64)
            .udp(5060, 5060)
            .write(&mut data, text.as_bytes())
            .unwrap();
        engine.packet(&Packet {
            frame: FrameNumber(frame),
            time: Timestamp::from_nanos(i64::try_from(millis).unwrap() * 1_000_000),
            link_type: LinkType::ETHERNET,
            interface: 0,
            original_len: u32::try_from(data.len()).unwrap(),
            data: &data,
        });
    }
    engine.finish(CaptureFacts::default()).0
}

#[test]
fn calls_that_are_silent_longest_are_judged_early_when_room_is_short() {
    let report = judged(Some(2 << 20));
    let limits = &report.summary.limits_hit;
    assert!(limits["calls-under-way"] > CALLS / 4, "{limits:?}");
    assert_eq!(report.summary.calls, CALLS);
    let errors = report
        .findings
        .iter()
        .filter(|it| it.severity > Severity::Info);
    assert_eq!(errors.count(), 0);
}

#[test]
fn nothing_is_judged_early_while_there_is_room() {
    let report = judged(None);
    let errors = report.findings.iter();
    let errors = errors.filter(|it| it.severity > Severity::Info);
    assert_eq!((report.summary.calls, errors.count()), (CALLS, 0));
    assert!(
        report.summary.limits_hit.is_empty(),
        "{:?}",
        report.summary.limits_hit
    );
}
