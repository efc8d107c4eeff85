//! Compressed messages.

use super::*;
use flate2::{Compress, Compression as Level, FlushCompress};

/// Compresses as RFC 7692 §7.2.1 says, with the window of what was compressed before.
pub(super) fn deflate(stream: &mut Compress, text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() + 100);
    stream
        .compress_vec(text, &mut bytes, FlushCompress::Sync)
        .expect("it compresses");
    assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]));
    bytes.truncate(bytes.len() - 4);
    bytes
}

pub(super) fn compressor() -> Compress {
    Compress::new(Level::best(), false)
}

#[test]
fn compressed_messages_refer_to_earlier_ones() {
    let answer = ANSWER.replace(
        "\r\n\r\n",
        "\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=15\r\n\r\n",
    );
    let (mut client, mut server) = (compressor(), compressor());
    let mut pieces = vec![
        (Side::Opener, REQUEST.as_bytes().to_vec()),
        (Side::Acceptor, answer.into_bytes()),
    ];
    for _ in 0..3 {
        let (one, other) = (deflate(&mut client, OPTIONS), deflate(&mut server, OK));
        let (start, rest) = one.split_at(one.len() / 2);
        pieces.push((Side::Opener, frame(DEFLATED | 1, Some(KEY), start)));
        pieces.push((Side::Opener, frame(PING, Some(KEY), b"")));
        pieces.push((Side::Opener, frame(FIN, Some(KEY), rest)));
        pieces.push((Side::Acceptor, frame(DEFLATED | TEXT, None, &other)));
    }
    // One who may compress need not.
    pieces.push((Side::Acceptor, frame(TEXT, None, OPTIONS)));
    pieces.push((
        Side::Acceptor,
        frame(DEFLATED | TEXT, None, &deflate(&mut server, OK)),
    ));
    let borrowed: Vec<_> = pieces
        .iter()
        .map(|(side, bytes)| (*side, &**bytes))
        .collect();
    let (opened, socket) = read(&borrowed);
    let expected = [OPTIONS, OK, OPTIONS, OK, OPTIONS, OK, OPTIONS, OK];
    assert_eq!(texts(&opened), expected);
    let facts = socket.facts();
    assert_eq!(facts.oddities, WebSocketOddities::default());
    let extensions = facts
        .answer
        .as_ref()
        .and_then(|it| it.extensions.as_deref());
    assert_eq!(
        extensions,
        Some("permessage-deflate; server_max_window_bits=15")
    );
}

#[test]
fn after_a_gap_only_messages_that_refer_to_nothing_can_be_decompressed() {
    for (takeover, expected) in [(true, &[OPTIONS, OK][..]), (false, &[OPTIONS, OPTIONS, OK])] {
        let parameter = if takeover {
            ""
        } else {
            "; server_no_context_takeover"
        };
        let answer = ANSWER.replace(
            "\r\n\r\n",
            &format!("\r\nSec-WebSocket-Extensions: permessage-deflate{parameter}\r\n\r\n"),
        );
        let mut stream = compressor();
        let mut next = |text| {
            if !takeover {
                stream.reset();
            }
            frame(DEFLATED | TEXT, None, &deflate(&mut stream, text))
        };
        let (mut socket, mut out) = (WebSocket::new(), Vec::new());
        socket.bytes(Side::Opener, REQUEST.as_bytes(), at(1), &mut out);
        socket.bytes(Side::Acceptor, answer.as_bytes(), at(2), &mut out);
        socket.bytes(Side::Acceptor, &next(OPTIONS), at(3), &mut out);
        let lost = next(OPTIONS);
        socket.bytes(Side::Acceptor, &lost[..5], at(4), &mut out);
        socket.gap(Side::Acceptor);
        socket.bytes(Side::Acceptor, &next(OPTIONS), at(5), &mut out);
        socket.bytes(Side::Acceptor, &frame(TEXT, None, OK), at(6), &mut out);
        assert_eq!(texts(&out), expected, "takeover: {takeover}");
    }
}

#[test]
fn a_bomb_is_passed_over() {
    let bomb = deflate(&mut compressor(), &vec![b' '; 5_000_000]);
    let mut fresh = compressor();
    let answer = ANSWER.replace(
        "\r\n\r\n",
        "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    let (opened, socket) = read(&[
        (Side::Acceptor, answer.as_bytes()),
        (Side::Acceptor, &frame(DEFLATED | TEXT, None, &bomb)),
        (Side::Acceptor, &frame(DEFLATED | TEXT, None, b"no deflate")),
        (
            Side::Acceptor,
            &frame(DEFLATED | TEXT, None, &deflate(&mut fresh, OK)),
        ),
    ]);
    assert_eq!(texts(&opened), [OK]);
    let oddities = socket.facts().oddities;
    assert_eq!((oddities.too_long, oddities.not_inflated), (1, 1));
}
