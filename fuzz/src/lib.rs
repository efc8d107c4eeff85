//! What each fuzz target does with its bytes. The targets of cargo-fuzz call these functions, and so do `cargo test`'s
//! replay of the corpus (`tests/fuzz_corpus.rs`) and its properties (`tests/sip_properties.rs`): they take this file by
//! its path, so that it needs no nightly compiler.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use sipdiag::capture::hep::{self, Framing};
use sipdiag::capture::{FrameNumber, LinkType, Next, Sighting, Source, open_streams};
use sipdiag::engine::{Engine, Options};
use sipdiag::flow::{Flow, Transport};
use sipdiag::frame::{self, Envelope, Fragment, FragmentedDatagram, Segment, TcpFlags};
use sipdiag::limits::{HEP_INFLATED_BYTES, MAX_MESSAGE_LEN, MAX_SDP_MEDIA};
use sipdiag::reassembly::fragments::{Fragments, LostDatagram};
use sipdiag::reassembly::sctp::{Repeat, Sctp};
use sipdiag::reassembly::tls::{Secrets, Tls};
use sipdiag::reassembly::websocket::WebSocket;
use sipdiag::reassembly::{Connections, Outcome, Side};
use sipdiag::redact::Redactor;
use sipdiag::sip::body::{self, MediaType};
use sipdiag::sip::digest::Passwords;
use sipdiag::sip::sdp::{Content, Sdp};
use sipdiag::sip::{self, Carrier, HeaderName, Message, digest, typed, value};
use sipdiag::time::Timestamp;
use std::borrow::Cow;
use std::hint::black_box;
use std::io::{Cursor, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// The link types that `frame` opens, and one that it does not.
pub fn link_types() -> impl Iterator<Item = LinkType> {
    frame::link_types().chain([LinkType(147)])
}

/// Reads bytes as a message in every way a message is read.
pub fn message(data: &[u8]) {
    for (cut, stream) in [(false, false), (false, true), (true, false), (true, true)] {
        let found = sip::looks_like_sip(data, cut);
        let message = Message::parse(data, Carrier { cut, stream });
        assert_eq!(found, message.is_some(), "the test and the reading differ");
        if let Some(message) = message {
            look_at(&message);
        }
    }
    black_box(digest::challenges(data, digest::Side::Server));
    black_box(digest::credentials(data, digest::Side::Server));
    black_box(value::Via::of(data));
    black_box(value::NameAddr::of(data).tag());
    black_box(value::cseq(data));
    black_box(value::address_of_record(data));
    black_box(value::list(data).count());
}

fn look_at(message: &Message) {
    assert!(
        message.raw().ends_with(message.body())
            || message.oddities().contains(sip::Oddity::BytesAfterBody)
    );
    black_box((message.start_line(), message.call_id(), message.cseq()));
    black_box((message.from_tag(), message.to_tag(), message.via_count()));
    for header in [HeaderName::From, HeaderName::To, HeaderName::Contact] {
        black_box(
            message
                .uri(header)
                .map(|uri| value::address_of_record(&uri)),
        );
    }
    if let Some(via) = message.top_via() {
        black_box(value::Via::of(&via).map(|via| (via.branch(), via.has_param(b"rport"))));
    }
    black_box((
        message.number(HeaderName::Expires),
        message.text(HeaderName::Warning),
    ));
    for (name, value) in message.fields() {
        assert!(
            !value.contains(&b'\n') && !name.contains(&b'\n'),
            "a fold is left"
        );
    }
    for value in message.headers(HeaderName::WwwAuthenticate) {
        black_box(digest::challenges(&value, digest::Side::Proxy));
    }
    for value in message.headers(HeaderName::Authorization) {
        let used = digest::credentials(&value, digest::Side::Proxy);
        let mut passwords = Passwords::default();
        if let Some(used) = used
            && let Ok(()) = passwords.add(&format!("{}@{}", used.username, used.realm), b"x")
        {
            black_box(passwords.proofs(message));
        }
    }
    let all = message.oddities().union(typed::oddities(message));
    assert_eq!(all.iter().count() == 0, all.is_empty());
}

/// Reads bytes as segments of a few connections: three bytes of direction, flags and jump, one of length, the payload.
pub fn stream(data: &[u8]) {
    let mut connections = Connections::default();
    let mut outcome = Outcome::default();
    let (mut rest, mut sequences, mut frame) = (data, [0_u32; 4], 0);
    while let [way, flags, jump, len, behind @ ..] = rest {
        let (payload, behind) = behind.split_at(usize::from(*len).min(behind.len()));
        rest = behind;
        frame += 1;
        let lane = usize::from(way % 4);
        let sequence = sequences[lane].wrapping_add_signed(i32::from(jump.cast_signed()));
        sequences[lane] = sequence.wrapping_add(u32::from(*len));
        let ports = 5060 + u16::from(way % 4 / 2);
        let flow = Flow {
            src: ([192, 0, 2, 1], 40000).into(),
            dst: ([192, 0, 2, 2], ports).into(),
            transport: Transport::Tcp,
        };
        let segment = Segment {
            flow: if lane % 2 == 0 { flow } else { flow.reversed() },
            identification: None,
            ttl: 64,
            sequence,
            acknowledgment: sequences[lane ^ 1],
            flags: TcpFlags::of(*flags),
            payload,
            missing: usize::from(way / 64 == 3) * 7,
        };
        let at = Sighting {
            frame: FrameNumber(frame),
            time: Timestamp::from_nanos(0) + Duration::from_millis(frame * u64::from(*way)),
        };
        connections.segment(&segment, Envelope::default(), at, &mut outcome);
    }
    connections.finish(&mut outcome);
    let handed_on: usize = outcome
        .messages
        .iter()
        .map(|delivery| delivery.message.raw().len())
        .sum();
    // Nothing is made up; a copy of a packet may hold its messages once more.
    assert!(handed_on <= 2 * data.len());
    assert!(outcome.over.len() <= data.len());
}

/// Peels bytes behind every link type, as captured whole and as cut.
pub fn frame(data: &[u8]) {
    let whole = u32::try_from(data.len()).unwrap_or(u32::MAX);
    for link_type in link_types() {
        for wire in [whole, whole.saturating_add(100)] {
            match frame::decode(link_type, data, wire) {
                Ok(decoded) => {
                    assert_eq!(decoded.envelope.cut, wire > whole);
                    peeled(&decoded, data.len());
                    if let frame::Content::Fragment(piece) = decoded.content {
                        let (bytes, envelope) = (piece.payload, decoded.envelope);
                        let joined = frame::resume(&piece.datagram, piece.ttl, bytes, envelope);
                        if let Ok(decoded) = joined {
                            peeled(&decoded, data.len());
                        }
                    }
                }
                Err(reason) => assert!(!reason.to_string().is_empty()),
            }
        }
    }
}

/// Looks at what was inside of `len` bytes.
fn peeled(decoded: &frame::Decoded<'_>, len: usize) {
    for name in decoded.envelope.encapsulation.iter() {
        assert!(
            frame::envelopes::ENVELOPES.iter().any(|it| it.name == name),
            "{name} is not in the table"
        );
    }
    match &decoded.content {
        frame::Content::Datagram(it) => assert!(it.payload.len() < len),
        frame::Content::Segment(it) => assert!(it.payload.len() < len),
        frame::Content::IcmpError(it) => {
            black_box(it.quote.map(|quote| assert!(quote.payload.len() < len)));
        }
        frame::Content::Sctp(it) => assert!(it.chunks.len() < len),
        frame::Content::Fragment(it) => assert!(it.payload.len() < len),
        frame::Content::Mirrored(it) => match &it.payload {
            Cow::Borrowed(payload) => assert!(payload.len() < len),
            Cow::Owned(payload) => assert!(payload.len() <= HEP_INFLATED_BYTES),
        },
        frame::Content::Unrelated => {}
    }
}

/// Reads bytes as a HEP packet, whole and cut, and as a stream of them.
pub fn hep(data: &[u8]) {
    for cut in [false, true] {
        let Some(packet) = hep::parse(data, cut) else {
            continue;
        };
        match packet.payload() {
            Ok(Cow::Borrowed(payload)) => assert!(payload.len() < data.len()),
            Ok(Cow::Owned(payload)) => assert!(payload.len() <= HEP_INFLATED_BYTES),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        black_box(packet.is_sip());
        let framed = hep::frame_len(data);
        assert_eq!(packet.version == 3, framed != Framing::NotHep);
        assert!(framed != Framing::Len(data.len()) || !cut);
    }
    let mut rest = data;
    while let Framing::Len(len) = hep::frame_len(rest) {
        let Some((packet, behind)) = rest.split_at_checked(len) else {
            break;
        };
        let parsed = hep::parse(packet, false);
        let mirrored = frame::mirrored(packet, frame::Envelope::default());
        assert!(parsed.is_some() || mirrored.is_err());
        rest = behind;
    }
}

/// Opens bytes as a capture and diagnoses what it holds.
pub fn capture(data: &[u8]) {
    let stream = (
        "bytes".to_owned(),
        Box::new(Cursor::new(data.to_vec())) as Box<dyn Read + Send>,
    );
    let Ok(mut source) = open_streams(vec![stream], None) else {
        return;
    };
    let mut engine = Engine::new(Options::default(), ());
    let mut packets = 0;
    // Enough for what is not compressed; of what is, a part will do.
    for _ in 0..=data.len() {
        match source.next() {
            Ok(Next::Packet(packet)) => {
                packets += 1;
                engine.packet(&packet);
            }
            Ok(Next::Keylog(text)) => {
                engine.secrets_mut().add_keylog(&text);
                engine.retry_secrets();
            }
            Ok(Next::Gap(from, until)) => engine.gap(from, until),
            Ok(Next::Idle(now)) => engine.advance(now),
            Ok(Next::Refused(time)) => engine.pass_over(time),
            Ok(Next::End) | Err(_) => break,
        }
    }
    let (report, ()) = engine.finish(source.facts());
    assert_eq!(report.summary.counts.packets, packets);
}

/// Reads bytes as pieces of datagrams, six bytes each that say which: whose and whether more follow, the offset, the
/// length, what the snap length took, the time since the piece before. All bytes are what the pieces carry.
pub fn fragments(data: &[u8]) {
    let mut fragments = Fragments::default();
    let mut clock = 0;
    let (mut taken, mut given) = (0, 0);
    for (record, number) in data.chunks_exact(6).zip(1..) {
        let [whose, high, low, len, cut, wait] = *record else {
            return;
        };
        // Some pieces are older than those before them.
        clock += (i64::from(wait) - 16) * 5_000_000;
        let at = Sighting {
            frame: FrameNumber(number),
            time: Timestamp::from_nanos(clock),
        };
        let len = (usize::from(len) * 8).min(data.len());
        let missing = usize::from(cut & 7);
        let piece = Fragment {
            datagram: datagram(whose),
            ttl: 64,
            offset: (u32::from(high) << 8 | u32::from(low)) & 0x1fff << 3,
            more: whose & 1 != 0,
            payload: &data[..len - missing.min(len)],
            missing,
        };
        for lost in fragments.expire(at.time) {
            given += lost.pieces;
            look_at_lost(&LostDatagram::of(&lost, true));
        }
        if let Some(whole) = fragments.fragment(&piece, Envelope::default(), at) {
            assert!(whole.bytes.len() + whole.missing as usize <= 65_535);
            assert_eq!(whole.envelope.cut, whole.missing > 0);
            assert!(!whole.frames.is_empty() && whole.largest > 0);
            given += whole.pieces;
            black_box(
                frame::resume(&whole.datagram, whole.ttl, &whole.bytes, whole.envelope).is_ok(),
            );
        }
        taken += 1;
    }
    for lost in fragments.finish() {
        given += lost.pieces;
        look_at_lost(&LostDatagram::of(&lost, true));
    }
    assert!(fragments.finish().is_empty(), "something is left");
    assert!(given <= taken, "more came out than went in");
}

fn datagram(whose: u8) -> FragmentedDatagram {
    let (src, dst) = if whose & 2 == 0 {
        (
            Ipv4Addr::new(192, 0, 2, 1).into(),
            Ipv4Addr::new(192, 0, 2, 2).into(),
        )
    } else {
        (Ipv6Addr::LOCALHOST.into(), Ipv6Addr::UNSPECIFIED.into())
    };
    FragmentedDatagram {
        src,
        dst,
        // UDP, TCP, destination options and what never carries SIP.
        protocol: [17, 6, 60, 89][usize::from(whose >> 2 & 3)],
        identification: u32::from(whose >> 4 & 3),
    }
}

fn look_at_lost(lost: &LostDatagram) {
    assert!(lost.pieces > 0 && !lost.missing.is_empty());
    for pair in lost.missing.windows(2) {
        assert!(pair[0].1.is_some_and(|end| end < pair[1].0), "gaps touch");
    }
    for &(from, behind) in &lost.missing {
        assert!(behind.is_none_or(|behind| from < behind), "an empty gap");
    }
    assert_eq!(lost.is_sip(), lost.start_line.is_some());
}

/// Reads bytes as a session description, as the body of a message that says so, and as a body of several parts.
pub fn sdp(data: &[u8]) {
    let sdp = Sdp::parse(data);
    assert!(sdp.media.len() <= MAX_SDP_MEDIA);
    for medium in &sdp.media {
        let codecs = medium.codecs();
        assert!(codecs.len() <= medium.formats.len());
        for codec in &codecs {
            assert!(codec.is_same(codec));
        }
        let direction = sdp.direction_of(medium);
        assert!(sip::sdp::Direction::Inactive.may_answer(direction));
        black_box((
            sdp.connection_of(medium).and_then(|it| it.ip()),
            sdp.uses_ice(medium),
        ));
    }
    for content_type in ["application/sdp", "multipart/mixed;boundary=b"] {
        let head = format!(
            "INVITE sip:bob@example.com SIP/2.0\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            data.len()
        );
        let text = [head.as_bytes(), data].concat();
        let message = Message::parse(&text, Carrier::default()).expect("a message");
        if content_type == "application/sdp" && !data.is_empty() {
            assert_eq!(Content::of(&message), Content::Description(sdp.clone()));
        } else {
            black_box(Content::of(&message));
        }
    }
    let parts: usize = body::parts(data, b"b").map(|(_, part)| part.len()).sum();
    assert!(parts <= data.len(), "bytes were made up");
    black_box(MediaType::of(data).boundary());
}

/// Cuts bytes into records: a byte for what to do, two for a length, and so many bytes.
fn records(mut data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[what, high, low], rest) = data.split_first_chunk::<3>()?;
        let len = usize::from(u16::from_be_bytes([high, low])).min(rest.len());
        let (record, behind) = rest.split_at(len);
        data = behind;
        Some((what, record))
    })
}

fn sighting(number: u64, nanos: i64) -> Sighting {
    Sighting {
        frame: FrameNumber(number),
        time: Timestamp::from_nanos(nanos),
    }
}

/// Reads records as what the two sides of a connection send; 1 is a side, 2 a gap before.
pub fn websocket(data: &[u8]) {
    let (mut whole, mut opened) = (WebSocket::new(), Vec::new());
    let (mut pieces, mut opened_in_pieces) = (WebSocket::new(), Vec::new());
    for (number, (what, bytes)) in (1..).zip(records(data)) {
        let side = if what & 1 == 0 {
            Side::Opener
        } else {
            Side::Acceptor
        };
        let at = sighting(number, 0);
        black_box(WebSocket::looks_like_upgrade(bytes));
        if let Some(mut socket) = WebSocket::midstream(side, bytes) {
            socket.bytes(side, bytes, at, &mut Vec::new());
        }
        if what & 2 != 0 {
            whole.gap(side);
            pieces.gap(side);
        }
        whole.bytes(side, bytes, at, &mut opened);
        for piece in bytes.chunks(usize::from(what >> 4) + 1) {
            pieces.bytes(side, piece, at, &mut opened_in_pieces);
        }
        assert!(whole.held() <= 2 * (2 * MAX_MESSAGE_LEN + 64 * 1024));
    }
    assert_eq!(opened, opened_in_pieces);
    assert_eq!(whole.facts(), pieces.facts());
    assert_eq!(whole.not_websocket(), pieces.not_websocket());
    assert_eq!(whole.facts().messages, opened.len() as u64);
    for message in opened {
        assert!(message.bytes.len() <= MAX_MESSAGE_LEN);
        assert!(
            message
                .bytes
                .iter()
                .any(|byte| !matches!(byte, b'\r' | b'\n'))
        );
    }
}

/// Reads records as SCTP packets; 1 is a direction, 2 says that the end is cut, the rest is time that passes.
pub fn sctp(data: &[u8]) {
    let (mut sctp, mut messages) = (Sctp::default(), Vec::new());
    let (mut nanos, mut len) = (0, 0);
    for (number, (what, chunks)) in (1..).zip(records(data)) {
        nanos += i64::from(what >> 2) * 50_000_000;
        len += chunks.len();
        let there = Flow {
            src: SocketAddr::from(([192, 0, 2, 1], 5060)),
            dst: SocketAddr::from(([192, 0, 2, 2], 5060)),
            transport: Transport::Sctp,
        };
        let packet = frame::SctpPacket {
            flow: if what & 1 == 0 {
                there
            } else {
                there.reversed()
            },
            verification_tag: 0x1234_5678 + u32::from(what & 1),
            chunks,
            missing: usize::from(what & 2) * 50,
        };
        sctp.packet(&packet, sighting(number, nanos), &mut messages);
    }
    sctp.finish(&mut messages);
    let found: usize = messages.iter().map(|message| message.bytes.len()).sum();
    assert!(found <= len, "bytes were made up");
    let cut = messages
        .iter()
        .filter(|message| message.cut && message.repeat == Repeat::No)
        .count();
    assert_eq!(sctp.counters().cut, cut as u64);
    for message in messages {
        assert!(!message.bytes.is_empty() && message.bytes.len() <= MAX_MESSAGE_LEN);
    }
}

/// Recorded connections whose secrets the fuzzer has, so that it gets behind the handshake.
const KEYLOGS: &[&str] = &[
    include_str!("../../fixtures/tls/tls10-aes128-sha.txt"),
    include_str!("../../fixtures/tls/tls12-aes128-gcm.txt"),
    include_str!("../../fixtures/tls/tls12-aes256-sha384-etm.txt"),
    include_str!("../../fixtures/tls/tls12-null-sha.txt"),
    include_str!("../../fixtures/tls/tls12-renegotiation.txt"),
    include_str!("../../fixtures/tls/tls13-aes128-gcm.txt"),
    include_str!("../../fixtures/tls/tls13-client-certificate.txt"),
    include_str!("../../fixtures/tls/tls13-early-data.txt"),
    include_str!("../../fixtures/tls/tls13-hello-retry.txt"),
    include_str!("../../fixtures/tls/tls13-key-update.txt"),
];

/// Reads bytes as both directions of a TLS connection: first whether the private key is known and the secrets are late, then
/// stretches, each with a byte for the direction (from 0xf0 on: bytes are missing) and a length of two bytes. However they
/// are divided, the same must come out.
pub fn tls(data: &[u8]) {
    let Some((&how, data)) = data.split_first() else {
        return;
    };
    let at = Sighting {
        frame: FrameNumber(1),
        time: Timestamp::from_nanos(1),
    };
    let run = |pieces: usize| {
        let mut secrets = Secrets::new();
        if how & 1 == 1 {
            let pem = include_bytes!("../../fixtures/tls/rsa.key");
            secrets.add_rsa_key(pem).expect("a key");
        }
        let late = how & 2 == 2;
        let mut tls = Tls::new();
        let mut out = Vec::new();
        if !late {
            add_keylogs(&mut secrets);
        }
        let mut rest = data;
        while let Some((&[which, high, low], behind)) = rest.split_first_chunk() {
            let side = match which & 1 {
                0 => Side::Opener,
                _ => Side::Acceptor,
            };
            let length = usize::from(u16::from_be_bytes([high, low])).min(behind.len());
            let (bytes, behind) = behind.split_at(length);
            rest = behind;
            if which >= 0xf0 {
                tls.gap(side);
            }
            for piece in bytes.chunks(pieces) {
                tls.bytes(side, piece, at, &mut secrets, &mut out);
            }
        }
        add_keylogs(&mut secrets);
        tls.retry(&mut secrets, &mut out);
        (out, tls.facts().clone())
    };
    let (out, facts) = run(usize::MAX);
    for side in [Side::Opener, Side::Acceptor] {
        let opened = out.iter().filter(|it| it.side == side);
        let bytes: usize = opened.map(|it| it.bytes.len()).sum();
        assert_eq!(bytes as u64, *facts.opened_bytes.of(side));
    }
    assert_eq!((out, facts), run(3), "it matters how the stream is divided");
}

fn add_keylogs(secrets: &mut Secrets) {
    for text in KEYLOGS {
        for line in text.lines().filter_map(|it| it.strip_prefix("keylog ")) {
            secrets.add_keylog(line.as_bytes());
        }
    }
}

/// Reads records as messages of one capture, all of them replaced in one run; 1 says that a message is cut.
pub fn redact(data: &[u8]) {
    let redactor = Redactor::default();
    for (what, bytes) in records(data) {
        let hidden = redactor.message(bytes);
        assert_eq!(hidden.len(), bytes.len(), "another length");
        assert_eq!(hidden, redactor.message(bytes), "another word for the same");
        assert_eq!(redactor.captured_message(&hidden).len(), bytes.len());
        let carrier = Carrier {
            cut: what & 1 == 1,
            stream: what & 2 == 2,
        };
        let [read, again] = [bytes, &hidden].map(|it| Message::parse(it, carrier));
        assert_eq!(read.is_some(), again.is_some(), "no message any more");
        if let (Some(read), Some(again)) = (read, again) {
            // What is no code is a number of somebody.
            let code = |it: &Message| it.status().filter(|code| *code < 1000);
            assert_eq!(code(&read), code(&again));
            // What is no method of the registry may be a name.
            let method = |it: &Message| it.method().map(|it| it.is_registered().then_some(it));
            assert_eq!(method(&read), method(&again));
            // What quotation marks and brackets hold in a broken Via, and so what divides it, is anybody's guess.
            let mut vias = read.headers(HeaderName::Via);
            if vias.all(|it| !it.iter().any(|byte| b"\"<>\\".contains(byte))) {
                assert_eq!(read.via_count(), again.via_count());
            }
            assert_eq!(read.body().len(), again.body().len());
        }
        assert_eq!(redactor.quote(bytes, false).len(), bytes.len());
    }
}
