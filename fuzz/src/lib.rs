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

use sipdiag::capture::{LinkType, Next, Source, open_streams};
use sipdiag::frame;
use sipdiag::reassembly::{self, Piece};
use sipdiag::sip::{self, Carrier, HeaderName, Message, digest, typed, value};
use std::hint::black_box;
use std::io::{Cursor, Read};

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
    match decoded.content {
        frame::Content::Datagram(it) => assert!(it.payload.len() < len),
        frame::Content::Segment(it) => assert!(it.payload.len() < len),
        frame::Content::IcmpError(it) => {
            black_box(it.quote.map(|quote| assert!(quote.payload.len() < len)));
        }
        frame::Content::Sctp(it) => assert!(it.chunks.len() < len),
        frame::Content::Fragment(it) => assert!(it.payload.len() < len),
        frame::Content::Mirrored(it) => assert!(it.payload.len() < len),
        frame::Content::Unrelated => {}
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
