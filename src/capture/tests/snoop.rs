//! Snoop files, whole, cut and broken.

use super::{error, read};

/// A snoop file with these packets: bytes, bytes on the wire, drops so far.
fn file(version: u32, link: u32, packets: &[(&[u8], u32, u32)]) -> Vec<u8> {
    let mut bytes = b"snoop\0\0\0".to_vec();
    bytes.extend([version.to_be_bytes(), link.to_be_bytes()].concat());
    for (second, (data, wire, drops)) in (1_u32..).zip(packets) {
        let padded = data.len().next_multiple_of(4);
        let captured = u32::try_from(data.len()).unwrap();
        let length = u32::try_from(24 + padded).unwrap();
        for field in [*wire, captured, length, *drops, second, 7] {
            bytes.extend(field.to_be_bytes());
        }
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len() + padded - data.len(), 0);
    }
    bytes
}

#[test]
fn packets_are_read_with_their_times_and_drops() {
    let (seen, facts) = read(&[&file(2, 4, &[(b"first", 5, 0), (b"second one", 90, 3)])]);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], (1, 1_000_007_000, 1, 0, 5, b"first".to_vec()));
    assert_eq!(
        seen[1],
        (2, 2_000_007_000, 1, 0, 90, b"second one".to_vec())
    );
    assert_eq!(facts.inputs[0].format, "snoop");
    assert_eq!(facts.dropped_by_kernel, Some(3));
    assert!(facts.damage.is_empty());
}

#[test]
fn a_cut_file_gives_what_came_before_and_the_last_padding_may_lack() {
    let whole = file(2, 4, &[(b"first", 5, 0), (b"second", 6, 0)]);
    let (seen, facts) = read(&[&whole[..whole.len() - 2]]);
    assert_eq!((seen.len(), facts.damage.len()), (2, 0));
    for kept in 49..whole.len() - 2 {
        let (seen, facts) = read(&[&whole[..kept]]);
        assert_eq!((seen.len(), facts.damage.len()), (1, 1), "{kept}");
    }
    assert_eq!(read(&[&whole[..48]]).1.damage.len(), 0);
}

#[test]
fn what_cannot_be_is_named() {
    assert!(error(&file(3, 4, &[])).contains("snoop version 3"));
    assert!(error(&file(2, 8, &[])).contains("data link 8"));
    assert!(error(&file(2, 4, &[])[..12]).contains("ends inside its header"));
    let mut bytes = file(2, 4, &[(b"first", 5, 0)]);
    bytes[24..28].copy_from_slice(&28_u32.to_be_bytes());
    let (_, facts) = read(&[&bytes]);
    assert!(facts.damage[0].what.contains("record length 28"));
}
