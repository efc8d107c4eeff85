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

use sipdiag::capture::{FrameNumber, LinkType, Next, Sighting, Source, open_streams};
use sipdiag::frame;
use sipdiag::reassembly::tls::{Secrets, Tls};
use sipdiag::reassembly::{self, Piece, Side};
use sipdiag::sip::{self, Carrier, HeaderName, Message, digest, typed, value};
use sipdiag::time::Timestamp;
use std::hint::black_box;
use std::io::{Cursor, Read};

/// The link types that `frame` opens, and one that it does not.
pub const LINK_TYPES: &[LinkType] = &[
    LinkType::ETHERNET,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::RAW,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType(12),
    LinkType(14),
    LinkType(147),
];

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
    black_box(digest::challenge(data));
    black_box(digest::credentials(data));
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
        black_box(digest::challenge(&value));
    }
    for value in message.headers(HeaderName::Authorization) {
        black_box(digest::credentials(&value));
    }
    let all = message.oddities().union(typed::oddities(message));
    assert_eq!(all.iter().count() == 0, all.is_empty());
}

/// Cuts bytes into messages as a TCP segment, whole and cut.
pub fn segment(data: &[u8]) {
    segment_as(data, false);
    segment_as(data, true);
}

/// See [`segment`].
pub fn segment_as(data: &[u8], cut: bool) {
    let mut rest = data;
    for piece in reassembly::segment(data, cut) {
        let (Piece::Message(bytes) | Piece::Unfinished(bytes) | Piece::Other(bytes)) = piece;
        assert!(!bytes.is_empty(), "a piece of nothing");
        // In order, inside, and with nothing but empty lines between.
        let skipped = bytes.as_ptr() as usize - data.as_ptr() as usize - (data.len() - rest.len());
        assert!(
            rest[..skipped]
                .iter()
                .all(|byte| matches!(byte, b'\r' | b'\n'))
        );
        rest = &rest[skipped + bytes.len()..];
        match piece {
            Piece::Message(bytes) => {
                assert!(Message::parse(bytes, Carrier { cut, stream: true }).is_some());
            }
            Piece::Unfinished(_) => assert!(!cut && rest.is_empty()),
            Piece::Other(_) => assert!(rest.is_empty()),
        }
    }
    assert!(
        rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')),
        "bytes are lost"
    );
}

/// Peels bytes behind every link type, as captured whole and as cut.
pub fn frame(data: &[u8]) {
    let whole = u32::try_from(data.len()).unwrap_or(u32::MAX);
    for &link_type in LINK_TYPES {
        for wire in [whole, whole.saturating_add(100)] {
            match frame::decode(link_type, data, wire) {
                Ok(decoded) => {
                    assert_eq!(decoded.envelope.cut, wire > whole);
                    black_box(decoded.envelope.encapsulation.iter().count());
                    match decoded.content {
                        frame::Content::Datagram(it) => assert!(it.payload.len() < data.len()),
                        frame::Content::Segment(it) => assert!(it.payload.len() < data.len()),
                        frame::Content::IcmpError(it) => {
                            black_box(
                                it.quote
                                    .map(|quote| assert!(quote.payload.len() < data.len())),
                            );
                        }
                        frame::Content::Sctp(it) => assert!(it.chunks.len() < data.len()),
                        frame::Content::Fragment(it) => assert!(it.payload.len() < data.len()),
                        frame::Content::Mirrored(it) => assert!(it.payload.len() < data.len()),
                        frame::Content::Unrelated => {}
                    }
                }
                Err(reason) => assert!(!reason.to_string().is_empty()),
            }
        }
    }
}

/// Opens bytes as a capture and peels what it holds.
pub fn capture(data: &[u8]) {
    let stream = (
        "bytes".to_owned(),
        Box::new(Cursor::new(data.to_vec())) as Box<dyn Read + Send>,
    );
    let Ok(mut source) = open_streams(vec![stream], None) else {
        return;
    };
    // Enough for what is not compressed; of what is, a part will do.
    for _ in 0..=data.len() {
        match source.next() {
            Ok(Next::Packet(packet)) => {
                black_box(
                    frame::decode(packet.link_type, packet.data, packet.original_len).is_ok(),
                );
            }
            Ok(Next::End) | Err(_) => {
                black_box(source.facts());
                return;
            }
            Ok(_) => {}
        }
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
