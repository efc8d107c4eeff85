//! The signed tokens of an Identity header field (RFC 8224, RFC 8225): what they claim of numbers is replaced as the numbers
//! themselves are, so that both still agree. The signature fits nothing any more.

use super::Walk;
use super::names::put;
use super::pieces::{is_one_of, part, position, split};
use base64ct::{Base64UrlUnpadded, Encoding};

/// Claims that say how.
const PLAIN: &[&[u8]] = &[b"alg", b"typ", b"ppt", b"attest", b"iat", b"verstat"];

impl Walk<'_> {
    /// The value of an Identity header field.
    pub(super) fn identity(&mut self, value: &mut [u8]) {
        let end = position(value, b";");
        let (token, params) = value.split_at_mut(end);
        let pieces = split(token, |byte| {
            byte == b'.' || byte == b'"' || byte.is_ascii_whitespace()
        });
        let count = pieces.len();
        for (index, range) in pieces.into_iter().enumerate() {
            let piece = part(token, range);
            let is_json = count == 3 && index < 2;
            if !is_json || !self.encoded_json(piece) {
                self.opaque(piece);
            }
        }
        self.params(params);
    }

    /// JSON in base64; whether it is that.
    fn encoded_json(&mut self, piece: &mut [u8]) -> bool {
        let bare = piece.iter().rev().skip_while(|it| **it == b'=').count();
        let Some(mut json) = std::str::from_utf8(part(piece, 0..bare))
            .ok()
            .and_then(|it| Base64UrlUnpadded::decode_vec(it).ok())
        else {
            return false;
        };
        if json.first() != Some(&b'{') {
            return false;
        }
        self.json(&mut json);
        put(piece, Base64UrlUnpadded::encode_string(&json).as_bytes());
        true
    }

    fn json(&mut self, json: &mut [u8]) {
        let mut name = Vec::new();
        let mut from = 0;
        while let Some(open) = json
            .get(from..)
            .and_then(|it| it.iter().position(|it| *it == b'"'))
        {
            let start = from + open + 1;
            let end = start + string_len(json.get(start..).unwrap_or_default());
            let behind = json.get(end + 1..).unwrap_or_default().trim_ascii_start();
            let is_name = behind.first() == Some(&b':');
            let text = part(json, start..end);
            if is_name {
                name = text.to_ascii_lowercase();
            } else if !is_one_of(&name, PLAIN) {
                match &*name {
                    b"tn" => self.user(text),
                    b"uri" | b"x5u" => self.uri(text),
                    _ => self.words(text),
                }
            }
            from = end + 1;
        }
    }
}

fn string_len(text: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    text.len()
}
