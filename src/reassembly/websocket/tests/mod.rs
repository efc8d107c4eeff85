//! Streams are made here, frame by frame, and read.

mod deflate;
mod pieces;

use super::*;
use crate::capture::FrameNumber;
use crate::limits::{MAX_HTTP_HEAD, MAX_MESSAGE_LEN, MAX_WEBSOCKET_SEARCH};
use crate::time::Timestamp;
use deflate::{compressor, deflate};

const OPTIONS: &[u8] = b"OPTIONS sip:a@example.com SIP/2.0\r\nl: 2\r\n\r\nhi";
const OK: &[u8] = b"SIP/2.0 200 OK\r\nl: 0\r\n\r\n";
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const FIN: u8 = 0x80;
const DEFLATED: u8 = 0x40;
const TEXT: u8 = FIN | 1;
const CLOSE: u8 = FIN | 8;
const PING: u8 = FIN | 9;
const PONG: u8 = FIN | 0xa;
const REQUEST: &str = "GET /ws?token=secret HTTP/1.1\r\nHOST: pbx.example.com\r\nupgrade: h2c, WebSocket\r\n\
    Connection: keep-alive, Upgrade\r\nsec-websocket-PROTOCOL: sip, msrp\r\nSec-WebSocket-Version: 13\r\n\r\n";
const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Protocol: sip\r\n\r\n";

fn at(frame: u64) -> Sighting {
    Sighting {
        frame: FrameNumber(frame),
        time: Timestamp::from_nanos(frame.cast_signed()),
    }
}

/// A frame with the length in as few bytes as it needs.
fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mask = if key.is_some() { 0x80 } else { 0 };
    match payload.len() {
        len @ 0..126 => bytes.push(mask | u8::try_from(len).expect("small")),
        len @ 126..65_536 => {
            bytes.push(mask | 0x7e);
            bytes.extend(u16::try_from(len).expect("small").to_be_bytes());
        }
        len => {
            bytes.push(mask | 0x7f);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(
        key.unwrap_or_default()
            .iter()
            .take(if key.is_some() { 4 } else { 0 }),
    );
    let key = key.unwrap_or_default();
    bytes.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

/// Feeds pieces, each in a packet of its own.
fn read(pieces: &[(Side, &[u8])]) -> (Vec<Opened>, WebSocket) {
    let (mut socket, mut out) = (WebSocket::new(), Vec::new());
    for (number, (side, bytes)) in (1..).zip(pieces) {
        socket.bytes(*side, bytes, at(number), &mut out);
    }
    (out, socket)
}

/// Feeds frames of the server behind a handshake.
fn read_frames(frames: &[Vec<u8>]) -> (Vec<Opened>, WebSocket) {
    let frames = frames.concat();
    read(&[
        (Side::Opener, REQUEST.as_bytes()),
        (Side::Acceptor, ANSWER.as_bytes()),
        (Side::Acceptor, &frames),
    ])
}

fn texts(opened: &[Opened]) -> Vec<&[u8]> {
    opened.iter().map(|it| &*it.bytes).collect()
}

#[test]
fn an_upgrade_is_told_from_other_requests() {
    let looks = |text: &str| WebSocket::looks_like_upgrade(text.as_bytes());
    assert_eq!(looks(REQUEST), Looks::Yes);
    assert_eq!(looks(ANSWER), Looks::Yes);
    let decided = REQUEST.find("Connection").expect("it is there");
    for len in 0..decided {
        assert_eq!(looks(&REQUEST[..len]), Looks::NotYet, "{len}");
    }
    assert_eq!(looks(&REQUEST[..decided]), Looks::Yes);
    for near_miss in [
        "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nUpgrade: websocket\r\n",
        "GET / HTTP/2\r\n",
        "GET\r\n",
        "POST / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
        "GETTING sip:a SIP/2.0\r\n",
        "SIP/2.0 200 OK\r\n",
        "PRI * HTTP/2.0\r\n",
    ] {
        assert_eq!(looks(near_miss), Looks::No, "{near_miss}");
    }
    let endless = format!("GET /{} HTTP/1.1\r\n", "x".repeat(MAX_HTTP_HEAD));
    assert_eq!(looks(&endless), Looks::No);
}

#[test]
fn the_handshake_is_read_and_messages_of_both_sides_come_out() {
    let answer_and_first = [ANSWER.as_bytes(), &frame(TEXT, None, OPTIONS)].concat();
    let (opened, socket) = read(&[
        (Side::Opener, REQUEST.as_bytes()),
        (Side::Acceptor, &answer_and_first),
        (Side::Opener, &frame(FIN | 2, Some(KEY), OK)),
    ]);
    let expected = [(Side::Acceptor, at(2), OPTIONS), (Side::Opener, at(3), OK)];
    assert_eq!(
        opened,
        expected.map(|(side, at, bytes)| Opened {
            side,
            at,
            bytes: bytes.to_vec(),
        })
    );
    let facts = socket.facts();
    assert_eq!(
        facts.request,
        Some(UpgradeRequest {
            at: at(1),
            path: "/ws".into(),
            host: Some("pbx.example.com".into()),
            protocols: vec!["sip".into(), "msrp".into()],
        })
    );
    assert_eq!(
        facts.answer,
        Some(UpgradeAnswer {
            at: at(2),
            status: 101,
            protocol: Some("sip".into()),
            extensions: None,
        })
    );
    assert_eq!(
        (facts.messages, facts.oddities),
        (2, WebSocketOddities::default())
    );
    assert!(!socket.is_over() && !socket.not_websocket());
}

#[test]
fn a_refusal_ends_it_and_an_interim_answer_does_not() {
    let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let (opened, socket) = read(&[
        (Side::Opener, REQUEST.as_bytes()),
        (Side::Acceptor, refusal),
        (Side::Acceptor, &frame(TEXT, None, OK)),
    ]);
    assert!(socket.not_websocket() && opened.is_empty());
    assert_eq!(
        socket.facts().answer.as_ref().map(|it| it.status),
        Some(403)
    );

    let interim = ["HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", ANSWER].concat();
    let (opened, socket) = read(&[
        (Side::Opener, REQUEST.as_bytes()),
        (Side::Acceptor, interim.as_bytes()),
        (Side::Acceptor, &frame(TEXT, None, OK)),
    ]);
    assert!(!socket.not_websocket());
    assert_eq!(texts(&opened), [OK]);
}

#[test]
fn frames_are_read_without_the_part_of_the_handshake_that_was_not_captured() {
    // Only the client's direction.
    let (opened, socket) = read(&[
        (Side::Opener, REQUEST.as_bytes()),
        (Side::Opener, &frame(TEXT, Some(KEY), OPTIONS)),
    ]);
    assert_eq!(texts(&opened), [OPTIONS]);
    assert_eq!(socket.facts().answer, None);
    // From the answer on: the server was seen first.
    let (opened, socket) = read(&[
        (Side::Opener, ANSWER.as_bytes()),
        (Side::Acceptor, &frame(TEXT, Some(KEY), OPTIONS)),
        (Side::Opener, &frame(TEXT, None, OK)),
    ]);
    assert_eq!(texts(&opened), [OPTIONS, OK]);
    assert_eq!(socket.facts().oddities.masking, 0);
    // The answer is not in the capture, and nothing says so.
    let (opened, _) = read(&[
        (Side::Opener, REQUEST.as_bytes()),
        (Side::Acceptor, &frame(TEXT, None, OK)),
    ]);
    assert_eq!(texts(&opened), [OK]);
}

#[test]
fn fragments_join_with_control_frames_between_them() {
    let (one, rest) = OPTIONS.split_at(5);
    let (two, three) = rest.split_at(7);
    let (opened, socket) = read_frames(&[
        frame(1, None, one),
        frame(PING, None, b"are you there"),
        frame(0, None, two),
        frame(PONG, None, b""),
        frame(0, None, b""),
        frame(FIN, None, three),
        frame(TEXT, None, OK),
    ]);
    assert_eq!(texts(&opened), [OPTIONS, OK]);
    let facts = socket.facts();
    assert_eq!(
        (facts.pings, facts.pongs, facts.oddities.fragmentation),
        (1, 1, 0)
    );
}

#[test]
fn continuations_of_nothing_and_messages_in_messages_are_odd() {
    let (opened, socket) = read_frames(&[
        frame(FIN, None, b"the end of what?"),
        frame(1, None, b"the beginning of what?"),
        frame(TEXT, None, OK),
    ]);
    assert_eq!(texts(&opened), [OK]);
    let facts = socket.facts();
    assert_eq!(
        (facts.oddities.fragmentation, facts.dropped, facts.desyncs),
        (2, 1, 0)
    );
}

#[test]
fn keep_alives_and_empty_messages_are_not_handed_on() {
    let (opened, socket) = read_frames(&[
        frame(TEXT, None, b"\r\n\r\n"),
        frame(TEXT, None, b""),
        frame(FIN | 2, None, b"\r\n"),
    ]);
    assert_eq!(texts(&opened), [&b""[..]; 0]);
    assert_eq!(socket.facts().keep_alives, 2);
}

#[test]
fn masking_the_wrong_way_is_odd_and_read() {
    let (opened, socket) = read(&[
        (Side::Opener, REQUEST.as_bytes()),
        (Side::Acceptor, ANSWER.as_bytes()),
        (Side::Opener, &frame(TEXT, None, OPTIONS)),
        (Side::Acceptor, &frame(TEXT, Some(KEY), OK)),
        // A key of zeros is one.
        (Side::Opener, &frame(TEXT, Some([0; 4]), OPTIONS)),
    ]);
    assert_eq!(texts(&opened), [OPTIONS, OK, OPTIONS]);
    assert_eq!(socket.facts().oddities.masking, 2);
}

#[test]
fn the_longest_message_is_read_and_a_longer_one_passed_over() {
    let longest = [OPTIONS, &vec![b'x'; MAX_MESSAGE_LEN - OPTIONS.len()]].concat();
    let longer = vec![b'x'; MAX_MESSAGE_LEN + 1];
    let (opened, socket) = read_frames(&[
        frame(TEXT, None, &longest),
        frame(TEXT, None, &longer),
        frame(1, None, &longest),
        frame(FIN, None, b"x"),
        frame(TEXT, None, OK),
    ]);
    assert_eq!(texts(&opened), [&longest[..], OK]);
    let facts = socket.facts();
    assert_eq!((facts.oddities.too_long, facts.desyncs), (2, 0));
}

#[test]
fn a_length_in_more_bytes_than_it_needs_is_odd() {
    let mut long = vec![
        TEXT,
        127,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        u8::try_from(OK.len()).expect("small"),
    ];
    long.extend(OK);
    let (opened, socket) = read_frames(&[long]);
    assert_eq!(texts(&opened), [OK]);
    assert_eq!(socket.facts().oddities.length, 1);
}

#[test]
fn after_bytes_that_are_no_frame_the_next_message_is_found() {
    for bad in [
        vec![0xf1, 5],                                             // reserved bits
        vec![DEFLATED | TEXT, 5],                                  // compression was not agreed
        vec![FIN | 3, 5],                                          // reserved opcode
        vec![9, 5],                                                // a ping in parts
        vec![TEXT, 127, 0x80, 0, 0, 0, 0, 0, 0, 5],                // a length with its highest bit
        vec![TEXT, 127, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // more than anybody sends
    ] {
        let (opened, socket) = read_frames(&[
            frame(TEXT, None, OPTIONS),
            bad.clone(),
            b"left over \x81\x7e\x81\x81 of something".to_vec(),
            frame(PING, None, b""),
            frame(TEXT, None, OK),
            frame(TEXT, None, b"no SIP, and yet a message"),
        ]);
        let expected = [OPTIONS, OK, b"no SIP, and yet a message"];
        assert_eq!(texts(&opened), expected, "{bad:?}");
        assert_eq!(socket.facts().desyncs, 1);
    }
}

#[test]
fn short_messages_behind_a_wrong_start_are_found() {
    // Looks like a long message whose method has no end, for as long as the search is patient.
    let wrong = [&[TEXT, 126, 1, 0][..], &[b'A'; 100]].concat();
    let mut frames = vec![vec![0xf1, 5], wrong];
    frames.extend((0..40).map(|_| frame(TEXT, None, OK)));
    let (opened, socket) = read_frames(&frames);
    assert_eq!(texts(&opened), vec![OK; 40]);
    assert_eq!(socket.facts().desyncs, 1);
}

#[test]
fn after_a_gap_the_open_message_is_dropped_and_the_next_found() {
    let (mut socket, mut out) = (WebSocket::new(), Vec::new());
    socket.bytes(Side::Opener, REQUEST.as_bytes(), at(1), &mut out);
    socket.bytes(Side::Acceptor, ANSWER.as_bytes(), at(2), &mut out);
    let long = [OPTIONS, &vec![b'x'; 3000]].concat();
    let message = frame(TEXT, Some(KEY), &long);
    socket.bytes(Side::Opener, &message[..1000], at(3), &mut out);
    socket.gap(Side::Opener);
    socket.bytes(Side::Acceptor, &frame(TEXT, None, OK), at(4), &mut out);
    socket.bytes(Side::Opener, &message[2000..], at(5), &mut out);
    socket.bytes(
        Side::Opener,
        &frame(TEXT, Some(KEY), OPTIONS),
        at(6),
        &mut out,
    );
    assert_eq!(texts(&out), [OK, OPTIONS]);
    let facts = socket.facts();
    assert_eq!((facts.gaps, facts.dropped, facts.desyncs), (1, 1, 0));
}

#[test]
fn a_connection_that_was_open_already_is_recognised_by_sip() {
    let mut stream = compressor();
    for bytes in [
        frame(TEXT, Some(KEY), OPTIONS),
        frame(TEXT, None, OK),
        frame(FIN | 2, Some(KEY), OK),
        [
            frame(PING, Some(KEY), b"x"),
            frame(TEXT, Some(KEY), b"\r\n\r\n"),
            frame(TEXT, Some(KEY), OK),
        ]
        .concat(),
        frame(TEXT, None, OPTIONS)[..40].to_vec(),
        frame(1, Some(KEY), OPTIONS),
        frame(DEFLATED | TEXT, Some(KEY), &deflate(&mut stream, OPTIONS)),
    ] {
        assert!(
            WebSocket::midstream(Side::Opener, &bytes).is_some(),
            "{bytes:?}"
        );
    }
    for near_miss in [
        OPTIONS.to_vec(),
        REQUEST.as_bytes().to_vec(),
        frame(TEXT, Some(KEY), b"{\"jsonrpc\": \"2.0\"}"),
        frame(TEXT, None, b"HTTP/1.1 200 OK\r\n\r\n"),
        frame(PING, None, b"OPTIONS sip:a@example.com SIP/2.0\r\n"),
        [vec![0xc1], frame(TEXT, None, OK)].concat(),
        frame(TEXT, None, OPTIONS)[..10].to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        Vec::new(),
    ] {
        assert!(
            WebSocket::midstream(Side::Opener, &near_miss).is_none(),
            "{near_miss:?}"
        );
    }

    let bytes = frame(TEXT, Some(KEY), OPTIONS);
    let mut socket = WebSocket::midstream(Side::Acceptor, &bytes).expect("it is one");
    let mut out = Vec::new();
    socket.bytes(Side::Acceptor, &bytes, at(1), &mut out);
    let rest_and_answer = [&frame(TEXT, None, OPTIONS)[20..], &frame(TEXT, None, OK)].concat();
    socket.bytes(Side::Opener, &rest_and_answer, at(2), &mut out);
    assert_eq!(texts(&out), [OPTIONS, OK]);
    assert_eq!(
        socket.facts(),
        &WebSocketFacts {
            messages: 2,
            ..WebSocketFacts::default()
        }
    );
}

#[test]
fn both_sides_say_how_they_close() {
    let (opened, socket) = read(&[
        (Side::Opener, REQUEST.as_bytes()),
        (Side::Acceptor, ANSWER.as_bytes()),
        (Side::Acceptor, &frame(CLOSE, None, b"\x03\xf3overload\xff")),
        (Side::Acceptor, &frame(TEXT, None, OK)),
        (Side::Opener, &frame(TEXT, Some(KEY), OPTIONS)),
    ]);
    assert_eq!(texts(&opened), [OPTIONS], "nothing follows a Close");
    assert!(!socket.is_over());
    let (_, socket) = read(&[
        (Side::Opener, REQUEST.as_bytes()),
        (Side::Acceptor, ANSWER.as_bytes()),
        (Side::Acceptor, &frame(CLOSE, None, b"\x03\xf3overload\xff")),
        (Side::Opener, &frame(1, Some(KEY), b"half a mess")),
        (Side::Opener, &frame(CLOSE, Some(KEY), b"")),
    ]);
    assert!(socket.is_over() && !socket.not_websocket());
    let close = |number, code, reason: &str| {
        Some(Close {
            at: at(number),
            code,
            reason: reason.into(),
        })
    };
    let facts = socket.facts();
    assert_eq!(
        facts.acceptor_close,
        close(3, Some(1011), "overload\u{fffd}")
    );
    assert_eq!(facts.opener_close, close(5, None, ""));
    assert_eq!(facts.dropped, 1);
    assert_eq!(socket.held(), 0);
}

#[test]
fn bytes_without_frames_end_it_in_the_end() {
    let noise = vec![b'A'; 65_536];
    let (mut socket, mut out) = (WebSocket::new(), Vec::new());
    for number in 0..=MAX_WEBSOCKET_SEARCH / noise.len() {
        assert!(!socket.not_websocket());
        socket.bytes(Side::Opener, &noise, at(number as u64), &mut out);
        assert!(socket.held() < 1000);
    }
    assert!(socket.not_websocket() && out.is_empty());
}
