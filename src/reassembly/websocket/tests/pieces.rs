//! The same bytes in other pieces.

use super::*;
use proptest::prelude::*;

/// A stretch of a side's bytes.
fn stretch() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::option::of(any::<[u8; 4]>());
    let text = prop_oneof![
        Just(OPTIONS.to_vec()),
        Just(OK.to_vec()),
        Just(b"\r\n\r\n".to_vec()),
        Just([OPTIONS, &[b'x'; 400]].concat()),
        Just(deflate(&mut compressor(), OPTIONS)),
        Just(deflate(&mut compressor(), &vec![b'\n'; 70_000])),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    let first = prop_oneof![
        4 => Just(TEXT),
        2 => Just(DEFLATED | TEXT),
        1 => Just(1_u8),
        1 => Just(0_u8),
        1 => Just(FIN),
        1 => Just(PING),
        1 => any::<u8>(),
    ];
    prop_oneof![
        6 => (first, key, text).prop_map(|(first, key, text)| frame(first, key, &text)),
        1 => prop::collection::vec(any::<u8>(), 0..30),
    ]
}

proptest! {
    #[test]
    fn the_pieces_in_which_bytes_come_make_no_difference(
        stretches in prop::collection::vec((any::<bool>(), stretch()), 0..12),
        handshake in any::<bool>(),
        sizes in prop::collection::vec(1_usize..300, 1..8),
    ) {
        let mut script = Vec::new();
        if handshake {
            let answer = ANSWER.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
            script.push((Side::Opener, REQUEST.as_bytes().to_vec()));
            script.push((Side::Acceptor, answer.into_bytes()));
        }
        let side = |opener| if opener { Side::Opener } else { Side::Acceptor };
        script.extend(stretches.into_iter().map(|(opener, bytes)| (side(opener), bytes)));
        let (mut whole, mut expected) = (WebSocket::new(), Vec::new());
        let (mut pieces, mut found) = (WebSocket::new(), Vec::new());
        let mut sizes = sizes.iter().cycle();
        for (side, bytes) in &script {
            whole.bytes(*side, bytes, at(1), &mut expected);
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(rest.len().min(*sizes.next().expect("endless")));
                pieces.bytes(*side, piece, at(1), &mut found);
                rest = behind;
            }
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(pieces.facts(), whole.facts());
        prop_assert_eq!(pieces.not_websocket(), whole.not_websocket());
    }
}
