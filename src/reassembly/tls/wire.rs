//! Reads the length-prefixed fields that TLS messages are made of (RFC 8446 §3).

/// The number in the next `width` bytes, at most four; `None` when there are not as many.
pub(super) fn number(from: &mut &[u8], width: usize) -> Option<usize> {
    let bytes = take(from, width)?;
    Some(
        bytes
            .iter()
            .fold(0, |sum: usize, &byte| sum << 8 | usize::from(byte)),
    )
}

/// The next `count` bytes.
pub(super) fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

/// The bytes that a length of `width` bytes announces.
pub(super) fn prefixed<'a>(from: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let count = number(from, width)?;
    take(from, count)
}

/// The extensions of a list, each with its type; the list ends where its lengths do not fit.
pub(super) fn extensions(mut list: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let kind = number(&mut list, 2)?;
        let content = prefixed(&mut list, 2)?;
        Some((u16::try_from(kind).ok()?, content))
    })
}

/// The first bytes as an array.
pub(super) fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_end_gives_nothing_and_takes_nothing_more() {
        let mut bytes: &[u8] = &[0, 3, b'a', b'b'];
        assert_eq!(prefixed(&mut bytes, 2), None);
        let mut bytes: &[u8] = &[0, 2, b'a', b'b', 9];
        assert_eq!(prefixed(&mut bytes, 2), Some(&b"ab"[..]));
        assert_eq!(bytes, [9]);
        assert_eq!(number(&mut &[1, 2][..], 3), None);
    }

    #[test]
    fn extensions_before_a_broken_one_are_read() {
        let list = [0, 5, 0, 1, 7, 0, 6, 0, 0, 0, 9, 0, 99];
        let read: Vec<_> = extensions(&list).collect();
        assert_eq!(read, [(5, &[7][..]), (6, &[][..])]);
    }
}
