//! Time that no file covers.

use super::open;
use crate::capture::testing::Pcap;
use crate::capture::{Next, Source};

#[test]
fn a_gap_is_told_where_one_file_ended_before_the_next_began() {
    let file = |first: u32, last: u32| Pcap::usual().packet(first, 0, b"a").packet(last, 0, b"b");
    let gaps = |files: &[&Pcap]| -> Vec<(i64, i64)> {
        let bytes: Vec<&[u8]> = files.iter().map(|file| file.bytes.as_slice()).collect();
        let mut source = open(&bytes).unwrap();
        let mut gaps = Vec::new();
        loop {
            match source.next().unwrap() {
                Next::Gap(from, until) => gaps.push((from.as_nanos(), until.as_nanos())),
                Next::End => return gaps,
                Next::Packet(_) | Next::Refused(_) | Next::Keylog(_) | Next::Idle(_) => {}
            }
        }
    };
    let second = 1_000_000_000;
    // One after the other, whatever the order of the arguments.
    let (one, two) = (file(1, 5), file(60, 70));
    assert_eq!(gaps(&[&one, &two]), [(5 * second, 60 * second)]);
    assert_eq!(gaps(&[&two, &one]), [(5 * second, 60 * second)]);
    // A third one that covers the time between, files that overlap, and a rotated capture have none.
    assert!(gaps(&[&one, &two, &file(2, 65)]).is_empty());
    assert!(gaps(&[&one, &file(4, 9)]).is_empty());
    assert!(gaps(&[&one, &file(6, 9)]).is_empty());
    assert!(gaps(&[&file(1, 500)]).is_empty());
}
