//! Words that nobody chose to be read: Call-IDs, tags, branches, nonces, keys. There are too many to remember each, so they
//! are enciphered: a Feistel network over the letters and digits of the word, with a key that the first message of the
//! capture gives. What is no letter and no digit stays, and so does which of them stands where.

use super::names::put;
use crate::hash::HashMap;
use crate::limits::{MAX_REDACTED_RECENT, MAX_REDACTED_RECENT_LEN};
use sha2::{Digest, Sha256};

/// The key of a run.
#[derive(Clone)]
pub(super) struct Cipher {
    key: [u8; 32],
}

/// Keys are never printed.
impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cipher").finish_non_exhaustive()
    }
}

/// A letter or digit as the place in its alphabet, which has so many.
#[derive(Clone, Copy)]
struct Digit {
    first: u8,
    size: u16,
    value: u16,
}

impl Digit {
    /// `None` for what stays as it is.
    fn of(byte: u8, is_hex: bool) -> Option<Self> {
        let letters = if is_hex { 6 } else { 26 };
        let (first, size) = match byte {
            b'0'..=b'9' => (b'0', 10),
            b'a'..=b'z' => (b'a', letters),
            b'A'..=b'Z' => (b'A', letters),
            0x80.. => (0x80, 128),
            _ => return None,
        };
        Some(Self {
            first,
            size,
            value: u16::from(byte - first),
        })
    }

    fn byte(self) -> u8 {
        self.first + u8::try_from(self.value).unwrap_or_default()
    }

    /// Goes on, or back, by some places of its alphabet.
    fn turn(&mut self, by: u16, back: bool) {
        let by = by % self.size;
        let by = if back { self.size - by } else { by };
        self.value = (self.value + by) % self.size;
    }
}

/// Words that were enciphered lately: the same ones come again in each message of a call, and hashes cost more than all else.
#[derive(Debug, Default)]
pub(super) struct Recent(HashMap<Box<[u8]>, Box<[u8]>>);

impl Recent {
    /// Enciphers a word in its place.
    pub(super) fn hide(&mut self, word: &mut [u8], cipher: &Cipher) {
        if word.len() > MAX_REDACTED_RECENT_LEN {
            cipher.word(word, Way::Hide);
        } else if let Some(other) = self.0.get(&*word) {
            put(word, other);
        } else {
            let captured = (&*word).into();
            cipher.word(word, Way::Hide);
            if self.0.len() >= MAX_REDACTED_RECENT {
                self.0.clear();
            }
            self.0.insert(captured, (&*word).into());
        }
    }
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From what was captured to what is shown.
    Hide,
    /// Back.
    Show,
}

const ROUNDS: u8 = 6;

impl Cipher {
    /// A cipher whose key is made of bytes that nobody can guess who has not got them.
    pub(super) fn new(seed: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"sipdiag redact");
        hash.update(seed);
        Self {
            key: hash.finalize().into(),
        }
    }

    /// Enciphers a word in its place, or deciphers it.
    pub(super) fn word(&self, word: &mut [u8], way: Way) {
        if is_nothing(word) {
            return;
        }
        let is_hex = is_hex(word);
        // What comes out may look hexadecimal by chance, or like nothing; it goes round until it does not, so that the way back is
        // known.
        for _ in 0..MOST_WALKS {
            self.walk(word, is_hex, way);
            let is_beyond = is_nothing(word) || (!is_hex && is_hex_word(word));
            if !is_beyond {
                break;
            }
        }
    }

    /// So many bytes of no meaning, for what there are more of than are remembered.
    pub(super) fn bytes<const N: usize>(&self, of: &[u8]) -> [u8; N] {
        let stream = self.stream(u8::MAX, &[of], N);
        let mut bytes = [0; N];
        for (byte, number) in bytes.iter_mut().zip(stream) {
            *byte = u8::try_from(number % 256).unwrap_or_default();
        }
        bytes
    }

    fn walk(&self, word: &mut [u8], is_hex: bool, way: Way) {
        let places: Vec<usize> = (0..)
            .zip(&*word)
            .filter_map(|(place, byte)| Digit::of(*byte, is_hex).map(|_| place))
            .collect();
        let mut digits: Vec<Digit> = word
            .iter()
            .filter_map(|byte| Digit::of(*byte, is_hex))
            .collect();
        self.turn(&mut digits, way);
        for (place, digit) in places.into_iter().zip(digits) {
            if let Some(byte) = word.get_mut(place) {
                *byte = digit.byte();
            }
        }
    }

    fn turn(&self, digits: &mut [Digit], way: Way) {
        let back = way == Way::Show;
        if let [only] = digits {
            // Never by a whole turn.
            let by = self.stream(0, &[&[]], 1).first().copied().unwrap_or(0);
            only.turn(1 + by % (only.size - 1), back);
            return;
        }
        let middle = digits.len() / 2;
        let len = u16::try_from(digits.len())
            .unwrap_or(u16::MAX)
            .to_be_bytes();
        for step in 0..ROUNDS {
            let round = if back { ROUNDS - 1 - step } else { step };
            let Some((left, right)) = digits.split_at_mut_checked(middle) else {
                return;
            };
            let (from, to) = if round % 2 == 0 {
                (left, right)
            } else {
                (right, left)
            };
            let from: Vec<u8> = from.iter().map(|it| it.byte()).collect();
            let stream = self.stream(round, &[&len, &from], to.len());
            for (digit, by) in to.iter_mut().zip(stream) {
                digit.turn(by, back);
            }
        }
    }

    fn stream(&self, round: u8, of: &[&[u8]], len: usize) -> Vec<u16> {
        let mut stream = Vec::with_capacity(len + 16);
        let mut block = 0_u32;
        while stream.len() < len {
            let mut hash = Sha256::new();
            hash.update(self.key);
            hash.update([round]);
            hash.update(block.to_be_bytes());
            for part in of {
                hash.update(part);
            }
            let bytes: [u8; 32] = hash.finalize().into();
            stream.extend(
                bytes
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|pair| u16::from_be_bytes(*pair)),
            );
            block += 1;
        }
        stream.truncate(len);
        stream
    }
}

/// A word that is hexadecimal by chance is one in a thousand, and one that stays so is none.
const MOST_WALKS: usize = 64;

/// Whether a word says that there is none: all zeros (RFC 7989 §5), or no letter and no digit.
pub(super) fn is_nothing(word: &[u8]) -> bool {
    word.iter()
        .all(|byte| !byte.is_ascii_alphanumeric() && byte.is_ascii() || *byte == b'0')
}

/// Whether all letters are those of hexadecimal numbers: they stay such.
fn is_hex(word: &[u8]) -> bool {
    word.iter()
        .all(|byte| !byte.is_ascii_alphabetic() || byte.is_ascii_hexdigit())
}

/// The same of a word with letters.
fn is_hex_word(word: &[u8]) -> bool {
    is_hex(word) && word.iter().any(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_enciphered_comes_back_and_keeps_its_shape() {
        let cipher = Cipher::new(b"a message");
        for word in [
            "7",
            "ab",
            "a84b4c76e66710",
            "1928301774",
            "z",
            "g",
            "fG9.-~x",
            "0a0b",
            "DEADBEEF",
            "été",
            "hex-not-q",
        ] {
            let mut bytes = word.as_bytes().to_vec();
            cipher.word(&mut bytes, Way::Hide);
            assert_ne!(bytes, word.as_bytes(), "{word}");
            assert_eq!(bytes.len(), word.len());
            let kinds = |bytes: &[u8]| -> Vec<(bool, bool)> {
                bytes
                    .iter()
                    .map(|it| (it.is_ascii_digit(), it.is_ascii_lowercase()))
                    .collect()
            };
            assert_eq!(kinds(&bytes), kinds(word.as_bytes()));
            assert_eq!(is_hex(&bytes), is_hex(word.as_bytes()), "{word}");
            cipher.word(&mut bytes, Way::Show);
            assert_eq!(bytes, word.as_bytes());
        }
    }

    #[test]
    fn another_capture_has_another_key() {
        let hidden = |seed: &[u8]| {
            let mut word = b"a84b4c76e66710".to_vec();
            Cipher::new(seed).word(&mut word, Way::Hide);
            word
        };
        assert_ne!(hidden(b"one"), hidden(b"other"));
        assert_eq!(hidden(b"one"), hidden(b"one"));
    }
}
