//! Where bytes stand in the short stretches that a message is made of. Lines are some forty bytes long and names ten: too
//! short for a search that chooses its instructions anew with each call.

use wide::{i8x16, u8x16};

/// Bytes that are looked at together.
const BLOCK: usize = 16;

/// Where a byte first stands.
#[inline]
pub(super) fn byte(wanted: u8, bytes: &[u8]) -> Option<usize> {
    any([wanted], bytes)
}

/// Where one of several bytes first stands.
pub(super) fn any<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut before = 0;
    for block in blocks {
        let marks = marks(wanted, *block);
        if marks != 0 {
            return Some(before + first(marks));
        }
        before += BLOCK;
    }
    let marks = rest_marks(wanted, rest);
    (marks != 0).then(|| before + first(marks))
}

/// Where a byte first stands in a block.
#[inline]
pub(super) fn in_block(wanted: u8, block: &[u8; BLOCK]) -> Option<usize> {
    let marks = marks([wanted], *block);
    (marks != 0).then(|| first(marks))
}

/// Where a byte last stands.
pub(super) fn last(wanted: u8, bytes: &[u8]) -> Option<usize> {
    let (rest, blocks) = bytes.as_rchunks::<BLOCK>();
    let mut behind = bytes.len();
    for block in blocks.iter().rev() {
        behind -= BLOCK;
        let marks = marks([wanted], *block);
        if marks != 0 {
            return Some(behind + marks.ilog2() as usize);
        }
    }
    rest_marks([wanted], rest)
        .checked_ilog2()
        .map(|at| at as usize)
}

/// All places where one of several bytes stands, in their order.
pub(super) const fn all<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> All<'_, N> {
    All {
        wanted,
        rest: bytes,
        before: 0,
        behind: 0,
        marks: 0,
    }
}

/// See [`all`].
pub(super) struct All<'a, const N: usize> {
    wanted: [u8; N],
    /// What no block has been taken of.
    rest: &'a [u8],
    /// Where the block of the marks begins, and where the rest does.
    before: usize,
    behind: usize,
    marks: u32,
}

impl<const N: usize> Iterator for All<'_, N> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.marks == 0 {
            self.before = self.behind;
            if let Some((block, rest)) = self.rest.split_first_chunk::<BLOCK>() {
                self.marks = marks(self.wanted, *block);
                self.rest = rest;
                self.behind += BLOCK;
            } else if self.rest.is_empty() {
                return None;
            } else {
                self.marks = rest_marks(self.wanted, self.rest);
                self.rest = &[];
            }
        }
        let at = first(self.marks);
        self.marks &= self.marks - 1;
        Some(self.before + at)
    }
}

/// Whether a stretch is all letters and hyphens, as names are; false where it is too short for a look.
pub(super) fn is_word(bytes: &[u8]) -> bool {
    if let (Some(start), Some(end)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let both = u128::from(u64::from_le_bytes(*start))
            | u128::from(u64::from_le_bytes(*end)) << u64::BITS;
        let between = bytes.get(8..bytes.len() - 8).unwrap_or_default();
        return is_word_block(both.to_le_bytes())
            && (between.is_empty()
                || is_word(between)
                || between.iter().all(|&it| is_word_byte(it)));
    }
    false
}

const fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'-'
}

#[inline]
fn is_word_block(block: [u8; BLOCK]) -> bool {
    let block = u8x16::new(block);
    // As numbers with a sign, letters are the 26 lowest.
    let moved = (block | u8x16::splat(0x20)) + u8x16::splat(0x80_u8.wrapping_sub(b'a'));
    let letters = i8x16::splat(i8::MIN + 26).simd_gt(moved.cast_signed());
    let found = letters.cast_unsigned() | block.simd_eq(u8x16::splat(b'-'));
    found.to_bitmask() == 0xffff
}

/// Bytes that [`unusual`] looks at.
pub(super) const PIECE: usize = 64;

/// A bit for each byte that is not printable ASCII.
#[inline]
pub(super) fn unusual(piece: &[u8; PIECE]) -> u64 {
    let (blocks, _) = piece.as_chunks::<BLOCK>();
    let mut marks = 0;
    for (at, block) in blocks.iter().enumerate() {
        // One more makes 0x7f negative; what is not printable is then below 0x21 in numbers with a sign.
        let moved = (u8x16::new(*block) + u8x16::splat(1)).cast_signed();
        let found = i8x16::splat(0x21).simd_gt(moved).cast_unsigned();
        marks |= u64::from(found.to_bitmask()) << (at * BLOCK);
    }
    marks
}

/// A bit for each of the bytes that is wanted.
#[inline]
fn marks<const N: usize>(wanted: [u8; N], block: [u8; BLOCK]) -> u32 {
    let block = u8x16::new(block);
    let mut found = u8x16::splat(0);
    for byte in wanted {
        found |= block.simd_eq(u8x16::splat(byte));
    }
    found.to_bitmask()
}

/// The same of fewer bytes than make a block: its beginning and its end, which may overlap.
#[inline]
fn rest_marks<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> u32 {
    if let (Some(start), Some(end)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let both = u128::from(u64::from_le_bytes(*start))
            | u128::from(u64::from_le_bytes(*end)) << u64::BITS;
        let marks = marks(wanted, both.to_le_bytes());
        return marks & 0xff | (marks >> 8) << (bytes.len() - 8);
    }
    if let (Some(start), Some(end)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let both = u64::from(u32::from_le_bytes(*start))
            | u64::from(u32::from_le_bytes(*end)) << u32::BITS;
        let marks = marks(wanted, u128::from(both).to_le_bytes());
        return marks & 0xf | ((marks >> 4) & 0xf) << (bytes.len() - 4);
    }
    let mut marks = 0;
    for (at, byte) in bytes.iter().enumerate() {
        marks |= u32::from(wanted.contains(byte)) << at;
    }
    marks
}

#[inline]
const fn first(marks: u32) -> usize {
    marks.trailing_zeros() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_wherever_they_stand_and_however_many_there_are() {
        for len in 0..70 {
            let mut bytes = vec![0_u8; len];
            assert_eq!(any([b'x', b'y'], &bytes), None);
            assert_eq!(last(b'x', &bytes), None);
            assert_eq!(all([b'x'], &bytes).next(), None);
            for at in 0..len {
                bytes[at] = b'x';
                assert_eq!(byte(b'x', &bytes[at..]), Some(0));
                assert_eq!(any([b'y', b'x'], &bytes), Some(0), "{len} {at}");
                assert_eq!(last(b'x', &bytes), Some(at));
                assert!(all([b'x', b'z'], &bytes).eq(0..=at));
            }
            for at in 0..len {
                bytes[at] = b'y';
                let next = (at + 1 < len).then_some(at + 1);
                assert_eq!(byte(b'x', &bytes), next, "{len} {at}");
            }
        }
    }

    #[test]
    fn letters_and_hyphens_are_words() {
        for len in 8..40 {
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'x'; len];
                    bytes[at] = byte;
                    assert_eq!(is_word(&bytes), is_word_byte(byte), "{len} {at} {byte}");
                }
            }
        }
        assert!(!is_word(b"short"));
    }

    #[test]
    fn what_is_no_printable_ascii_is_unusual() {
        for byte in 0..=u8::MAX {
            let mut piece = [b' '; PIECE];
            piece[usize::from(byte) % PIECE] = byte;
            let plain = byte == b' ' || byte.is_ascii_graphic();
            let expected = u64::from(!plain) << (usize::from(byte) % PIECE);
            assert_eq!(unusual(&piece), expected, "{byte}");
        }
    }
}
