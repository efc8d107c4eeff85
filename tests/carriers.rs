//! Captures with WebSocket and SCTP give the messages that are in them, read by the room `reassembly` alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use sipdiag::capture::{Next, Sighting, Source, open_files};
use sipdiag::frame::{self, Content};
use sipdiag::reassembly::sctp::{Repeat, Sctp, SctpCounters, UserMessage};
use sipdiag::reassembly::websocket::{Looks, WebSocket, WebSocketOddities};
use sipdiag::reassembly::{Opened, Side};
use sipdiag::sip::{Carrier, Message, StartLine};
use std::collections::BTreeMap;
use std::path::Path;

/// Calls `take` with every packet that can be peeled.
fn each_packet(capture: &str, mut take: impl FnMut(&Content<'_>, Sighting)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(capture);
    let mut source = open_files(&[path], None).expect("a capture");
    loop {
        match source.next().expect("a packet") {
            Next::Packet(packet) => {
                let at = Sighting {
                    frame: packet.frame,
                    time: packet.time,
                };
                if let Ok(decoded) =
                    frame::decode(packet.link_type, packet.data, packet.original_len)
                {
                    take(&decoded.content, at);
                }
            }
            Next::End => return,
            _ => {}
        }
    }
}

/// Reads the one connection to `port`, whose segments are in order and each there once; `step` bytes at a time.
fn web_socket(capture: &str, port: u16, step: usize) -> (Vec<Opened>, WebSocket) {
    let (mut socket, mut out) = (WebSocket::new(), Vec::new());
    let mut looks = Vec::new();
    each_packet(capture, |content, at| {
        let Content::Segment(segment) = content else {
            return;
        };
        let side = match (
            segment.flow.dst.port() == port,
            segment.flow.src.port() == port,
        ) {
            (true, _) => Side::Opener,
            (_, true) => Side::Acceptor,
            _ => return,
        };
        if !segment.payload.is_empty() {
            looks.push(WebSocket::looks_like_upgrade(segment.payload));
        }
        for piece in segment.payload.chunks(step) {
            socket.bytes(side, piece, at, &mut out);
        }
    });
    assert_eq!(looks[..2], [Looks::Yes; 2], "the request and its answer");
    assert!(looks[2..].iter().all(|&looks| looks == Looks::No));
    (out, socket)
}

fn sctp(capture: &str) -> (Vec<UserMessage>, SctpCounters) {
    let (mut sctp, mut out) = (Sctp::default(), Vec::new());
    each_packet(capture, |content, at| {
        if let Content::Sctp(packet) = content {
            sctp.packet(packet, at, &mut out);
        }
    });
    sctp.finish(&mut out);
    (out, sctp.counters())
}

/// How many messages there are of each method and each status code, in the form of `fixtures/expected.tsv`.
fn count<'a>(messages: impl Iterator<Item = &'a [u8]>) -> String {
    let mut counts = BTreeMap::new();
    for bytes in messages {
        let message = Message::parse(bytes, Carrier::default()).expect("SIP");
        assert!(
            message.oddities().is_empty(),
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
        let name = match message.start_line() {
            StartLine::Request { method, .. } => method.to_string(),
            StartLine::Response { status, .. } => status.to_string(),
        };
        *counts.entry(name).or_insert(0) += 1;
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(name, count)| format!("{name}={count}"))
        .collect();
    counts.join(" ")
}

#[test]
fn messages_over_websocket_are_those_that_were_sent() {
    for (capture, port, expected) in [
        (
            "captures/wire/29-ws.pcap",
            8080,
            "100=1 180=1 200=2 ACK=1 BYE=1 INVITE=1",
        ),
        (
            "captures/080-ws-register-call.pcap",
            8080,
            "100=1 180=1 200=4 401=1 407=1 ACK=2 BYE=1 INVITE=2 REGISTER=3",
        ),
        (
            "streams/ws-deflate.pcap",
            8088,
            "100=1 180=1 200=9 BYE=1 INVITE=1 OPTIONS=6 REGISTER=1",
        ),
        (
            "streams/ws-deflate-no-takeover.pcap",
            8088,
            "100=1 180=1 200=9 BYE=1 INVITE=1 OPTIONS=6 REGISTER=1",
        ),
    ] {
        let (whole, socket) = web_socket(capture, port, usize::MAX);
        assert_eq!(
            count(whole.iter().map(|it| &*it.bytes)),
            expected,
            "{capture}"
        );
        assert_eq!(
            socket.facts().oddities,
            WebSocketOddities::default(),
            "{capture}"
        );
        assert_eq!((socket.facts().desyncs, socket.facts().dropped), (0, 0));
        assert!(!socket.not_websocket());
        for step in [1, 2, 7, 64] {
            let (pieces, other) = web_socket(capture, port, step);
            assert_eq!(pieces, whole, "{capture} in steps of {step}");
            assert_eq!(other.facts(), socket.facts());
        }
    }
}

#[test]
fn a_websocket_says_how_it_was_opened_and_closed() {
    let (_, socket) = web_socket("streams/ws-deflate.pcap", 8088, usize::MAX);
    assert!(socket.is_over());
    let facts = socket.facts();
    let request = facts.request.as_ref().expect("a request");
    assert_eq!(
        (&*request.path, request.host.as_deref()),
        ("/sip", Some("127.0.0.1:18000"))
    );
    assert_eq!(request.protocols, ["sip".into()]);
    let answer = facts.answer.as_ref().expect("an answer");
    assert_eq!(
        (answer.status, answer.protocol.as_deref()),
        (101, Some("sip"))
    );
    assert_eq!((facts.pings, facts.pongs, facts.keep_alives), (1, 1, 2));
    let close = facts.opener_close.as_ref().expect("a close");
    assert_eq!((close.code, &*close.reason), (Some(1000), "done"));
    assert!(facts.acceptor_close.is_some());
}

#[test]
fn messages_over_sctp_are_those_that_were_sent() {
    let (messages, counters) = sctp("captures/wire/38-sctp.pcap");
    assert_eq!(
        count(messages.iter().map(|it| &*it.bytes)),
        "100=1 180=1 200=2 ACK=1 BYE=1 INVITE=1"
    );
    assert_eq!(counters, SctpCounters::default());

    let (messages, counters) = sctp("streams/sctp-chunks.pcap");
    let is_new = |it: &&UserMessage| it.repeat == Repeat::No;
    assert_eq!(
        count(messages.iter().filter(is_new).map(|it| &*it.bytes)),
        "200=7 MESSAGE=3 OPTIONS=4"
    );
    let frames: Vec<_> = messages.iter().map(|it| it.at.frame.0).collect();
    assert_eq!(
        frames,
        [7, 8, 9, 9, 9, 10, 10, 10, 11, 12, 13, 14, 24, 25, 26, 26]
    );
    let repeats: Vec<_> = messages
        .iter()
        .filter(|it| it.repeat != Repeat::No)
        .map(|it| (it.at.frame.0, it.repeat))
        .collect();
    assert_eq!(repeats, [(12, Repeat::Copy), (14, Repeat::Retransmission)]);
    assert_eq!((counters.copies, counters.retransmissions), (1, 1));
}
