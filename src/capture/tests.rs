//! Reading of files of every kind, whole, cut and broken.

mod compressed;
mod gaps;
mod snoop;

use super::pcap::ByteOrder::{self, Big, Little};
use super::testing::{Pcap, Pcapng};
use super::{
    CaptureError, CaptureFacts, FileSource, LinkType, Next, Source, open_files, open_streams,
};
use compressed::{gzip, zstd};
use proptest::prelude::*;
use std::io::{self, Cursor, Read, Write};
use std::path::PathBuf;

/// A packet as it came out: frame number, nanoseconds, link type, interface, original length, bytes.
type Seen = (u64, i64, u16, u32, u32, Vec<u8>);

fn open(files: &[&[u8]]) -> Result<FileSource, CaptureError> {
    let streams = files.iter().enumerate().map(|(index, bytes)| {
        let reader: Box<dyn Read + Send> = Box::new(Cursor::new(bytes.to_vec()));
        (format!("file{index}"), reader)
    });
    open_streams(streams.collect(), None)
}

fn drain(source: &mut dyn Source) -> (Vec<Seen>, CaptureFacts) {
    let mut seen = Vec::new();
    loop {
        match source.next().unwrap() {
            Next::Packet(packet) => seen.push((
                packet.frame.0,
                packet.time.as_nanos(),
                packet.link_type.0,
                packet.interface,
                packet.original_len,
                packet.data.to_vec(),
            )),
            Next::Gap(..) | Next::Keylog(_) | Next::Refused(_) => {}
            Next::Idle(_) => panic!("a file is never idle"),
            Next::End => break,
        }
    }
    assert!(matches!(source.next().unwrap(), Next::End));
    (seen, source.facts())
}

fn read(files: &[&[u8]]) -> (Vec<Seen>, CaptureFacts) {
    drain(&mut open(files).unwrap())
}

fn error(bytes: &[u8]) -> String {
    open(&[bytes]).err().unwrap().to_string()
}

#[test]
fn pcap_in_every_variant_and_byte_order() {
    let variants = [(0xa1b2_c3d4, 7_000), (0xa1b2_3c4d, 7), (0xa1b2_cd34, 7_000)];
    for order in [Little, Big] {
        for (magic, nanos) in variants {
            let file = Pcap::new(order, magic, 0x3400_0001)
                .packet(1, 7, b"abc")
                .record((2, 0), 2, 9, b"de");
            let (seen, facts) = read(&[&file.bytes]);
            let expected: Vec<Seen> = vec![
                (1, 1_000_000_000 + nanos, 1, 0, 3, b"abc".to_vec()),
                (2, 2_000_000_000, 1, 0, 9, b"de".to_vec()),
            ];
            assert_eq!(seen, expected, "{order:?} {magic:x}");
            assert!(facts.damage.is_empty());
            let input = facts.inputs.first().unwrap();
            assert_eq!(
                (input.format.as_str(), input.packets, input.bytes),
                ("pcap", 2, 5)
            );
            assert_eq!(input.link_types, [LinkType::ETHERNET]);
        }
    }
}

#[test]
fn a_header_without_packets_is_a_capture() {
    let (seen, facts) = read(&[&Pcap::usual().bytes, &Pcapng::new(Big).bytes]);
    assert!(seen.is_empty() && facts.damage.is_empty());
}

#[test]
fn raw_ip_by_its_old_numbers_is_raw_ip() {
    let file = Pcap::new(Little, 0xa1b2_c3d4, 12).packet(1, 0, b"E");
    assert_eq!(read(&[&file.bytes]).0.first().unwrap().2, LinkType::RAW.0);
}

#[test]
fn before_version_2_3_the_two_lengths_were_the_other_way_round() {
    let mut file = Pcap::usual().record((1, 0), 9, 2, b"ab").bytes;
    *file.get_mut(6).unwrap() = 2;
    let (seen, facts) = read(&[&file]);
    assert_eq!(facts.damage, []);
    assert_eq!(seen, [(1, 1_000_000_000, 1, 0, 9, b"ab".to_vec())]);
}

fn pcapng_of_every_kind() -> Pcapng {
    Pcapng::new(Little)
        .interface(1, 4, &[])
        .interface(
            101,
            0,
            &[(2, b"eth1"), (9, &[9]), (14, &10_i64.to_le_bytes())],
        )
        .enhanced(0, 1_000_001, 60, b"abcd")
        .block(0xbad, b"custom blocks are skipped   ")
        .enhanced(1, 5, 3, b"efg")
        .simple(6, b"hijk")
        .obsolete(1, 6, b"l")
        .statistics(0, 1, 2)
        .statistics(0, 3, 4)
        .statistics(1, 10, 20)
        .section(Big)
        .interface(276, 0, &[(9, &[0x80 | 1])])
        .enhanced(0, 25, 2, b"mn")
        .statistics(0, 100, 200)
}

#[test]
fn pcapng_with_sections_interfaces_and_clocks_of_every_kind() {
    let (seen, facts) = read(&[&pcapng_of_every_kind().bytes]);
    let expected: Vec<Seen> = vec![
        (1, 1_000_001_000, 1, 0, 60, b"abcd".to_vec()),
        (2, 10_000_000_005, 101, 1, 3, b"efg".to_vec()),
        (3, 10_000_000_005, 1, 0, 6, b"hijk".to_vec()),
        (4, 10_000_000_006, 101, 1, 1, b"l".to_vec()),
        (5, 12_500_000_000, 276, 2, 2, b"mn".to_vec()),
    ];
    assert_eq!(seen, expected);
    assert_eq!(facts.damage, []);
    assert_eq!(facts.dropped_by_interface, Some(3 + 10 + 100));
    assert_eq!(facts.dropped_by_kernel, Some(4 + 20 + 200));
    let input = facts.inputs.first().unwrap();
    assert_eq!(input.format, "pcapng");
    assert_eq!(
        input.link_types,
        [LinkType::ETHERNET, LinkType::RAW, LinkType::LINUX_SLL2]
    );
}

#[test]
fn drops_are_unknown_where_nothing_says_them() {
    let facts = read(&[&Pcap::usual().bytes]).1;
    assert_eq!(
        (facts.dropped_by_kernel, facts.dropped_by_interface),
        (None, None)
    );
}

#[test]
fn a_simple_packet_is_cut_at_the_snap_length_of_the_first_interface() {
    let file = Pcapng::new(Big).interface(1, 2, &[]).simple(4, b"ab");
    assert_eq!(read(&[&file.bytes]).0, [(1, 0, 1, 0, 4, b"ab".to_vec())]);
}

#[test]
fn files_are_merged_by_time_and_equal_times_keep_the_order_of_the_files() {
    let one = Pcap::usual()
        .packet(1, 0, b"a")
        .packet(3, 0, b"c")
        .packet(2, 0, b"late");
    let two = Pcapng::new(Little)
        .interface(101, 0, &[])
        .enhanced(0, 1_000_000, 1, b"b")
        .enhanced(0, 3_000_000, 1, b"d");
    let (seen, facts) = read(&[&one.bytes, &two.bytes]);
    let order: Vec<(u64, u32, &[u8])> = seen
        .iter()
        .map(|seen| (seen.0, seen.3, seen.5.as_slice()))
        .collect();
    assert_eq!(
        order,
        [
            (1, 0, b"a".as_slice()),
            (2, 1, b"b"),
            (3, 0, b"c"),
            (4, 0, b"late"),
            (5, 1, b"d")
        ]
    );
    assert_eq!(
        facts
            .inputs
            .iter()
            .map(|input| input.packets)
            .collect::<Vec<_>>(),
        [3, 2]
    );
}

#[test]
fn many_files_are_merged() {
    let files: Vec<Vec<u8>> = (0..20)
        .map(|second| Pcap::usual().packet(40 - second, 0, b"x").bytes)
        .collect();
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let times: Vec<i64> = read(&files).0.iter().map(|seen| seen.1).collect();
    assert_eq!(times.len(), 20);
    assert!(times.is_sorted());
}

/// How many packets of a file lie before each offset, and the offsets at which a cut leaves no trace.
fn cut_everywhere(bytes: &[u8], header: usize, borders: &[(usize, usize)]) {
    let (whole, _) = read(&[bytes]);
    for cut in 0..bytes.len() {
        let part = bytes.get(..cut).unwrap();
        let source = open(&[part]);
        if cut < header {
            assert!(source.is_err(), "cut at {cut}");
            continue;
        }
        let (seen, facts) = drain(&mut source.unwrap());
        let (border, packets) = borders
            .iter()
            .rev()
            .find(|(border, _)| *border <= cut)
            .unwrap();
        assert_eq!(seen, whole.get(..*packets).unwrap(), "cut at {cut}");
        if *border == cut {
            assert_eq!(facts.damage, [], "cut at {cut}");
        } else {
            let [damage] = facts.damage.as_slice() else {
                panic!("no damage named for a cut at {cut}");
            };
            assert_eq!(
                (damage.offset, damage.packet),
                (*border as u64, *packets as u64 + 1),
                "cut at {cut}"
            );
            assert_eq!(damage.input, "file0");
        }
    }
}

#[test]
fn a_pcap_cut_anywhere_keeps_what_came_before() {
    let file = Pcap::usual()
        .packet(1, 0, b"abcd")
        .packet(2, 0, b"")
        .packet(3, 0, b"efghij");
    cut_everywhere(&file.bytes, 24, &[(24, 0), (44, 1), (60, 2)]);
    let facts = read(&[file.bytes.get(..80).unwrap()]).1;
    assert_eq!(
        facts.damage.first().unwrap().what,
        "the file ends inside this packet: 6 bytes announced, 4 there"
    );
}

#[test]
fn a_pcapng_cut_anywhere_keeps_what_came_before() {
    let file = pcapng_of_every_kind().bytes;
    let mut borders = Vec::new();
    let (mut offset, mut packets, mut order) = (0, 0, Little);
    while offset < file.len() {
        if file.get(offset + 8..offset + 12) == Some(&[0x1a, 0x2b, 0x3c, 0x4d]) {
            order = Big;
        }
        let kind = order.u32(&file, offset).unwrap();
        offset += order.u32(&file, offset + 4).unwrap() as usize;
        packets += usize::from([2, 3, 6].contains(&kind));
        borders.push((offset, packets));
    }
    cut_everywhere(&file, 28, &borders);
}

#[test]
fn hostile_lengths_are_damage() {
    for length in [u32::MAX, u32::MAX - 16, 0x1000_0001, 262_145] {
        let file = Pcap::usual()
            .packet(1, 0, b"ok")
            .record((2, 0), length, length, b"rest");
        let (seen, facts) = read(&[&file.bytes]);
        assert_eq!(seen.len(), 1);
        let damage = facts.damage.first().unwrap();
        assert_eq!(
            damage.what,
            format!("record length {length} is not possible")
        );
        assert_eq!((damage.packet, damage.offset), (2, 42));
    }
    for (kind, length) in [
        (6, 0xffff_fffc),
        (6, 36 << 20),
        (6, 28),
        (1, 16),
        (0xbad, 0),
        (0xbad, 11),
        (5, 33),
    ] {
        let mut bytes = Pcapng::new(Little)
            .interface(1, 0, &[])
            .enhanced(0, 1, 2, b"ok")
            .bytes;
        bytes.extend(u32::to_le_bytes(kind));
        bytes.extend(u32::to_le_bytes(length));
        bytes.extend([0; 64]);
        let (seen, facts) = read(&[&bytes]);
        assert_eq!(seen.len(), 1);
        assert!(
            facts
                .damage
                .first()
                .unwrap()
                .what
                .ends_with("is not possible"),
            "{kind} {length} {facts:?}"
        );
    }
}

#[test]
fn a_packet_longer_than_its_block_is_damage() {
    let mut file = Pcapng::new(Little)
        .interface(1, 0, &[])
        .enhanced(0, 1, 2, b"ok")
        .bytes;
    let place = file.len() - 4 - 4 - 8;
    file.get_mut(place..place + 4)
        .unwrap()
        .copy_from_slice(&[9, 0, 0, 0]);
    let damage = read(&[&file]).1.damage;
    assert_eq!(
        damage.first().unwrap().what,
        "packet length 9 is not possible in a block of 36 bytes"
    );
}

#[test]
fn lengths_that_differ_and_interfaces_nobody_described_are_damage() {
    let mut file = Pcapng::new(Little)
        .interface(1, 0, &[])
        .enhanced(0, 1, 2, b"ok")
        .bytes;
    *file.last_mut().unwrap() = 1;
    assert!(
        read(&[&file])
            .1
            .damage
            .first()
            .unwrap()
            .what
            .starts_with("the two lengths of this block differ: 36")
    );
    let file = Pcapng::new(Little).enhanced(0, 1, 2, b"ok").bytes;
    assert_eq!(
        read(&[&file]).1.damage.first().unwrap().what,
        "a packet of interface 0, which the file does not describe"
    );
}

#[test]
fn zeros_behind_the_last_packet_are_damage() {
    let mut file = Pcap::usual().packet(1, 0, b"ok").bytes;
    file.extend([0; 4096]);
    let (seen, facts) = read(&[&file]);
    assert_eq!(
        (seen.len(), facts.damage.first().unwrap().what.as_str()),
        (1, "only zeros where a packet should begin")
    );
}

#[test]
fn a_large_snap_length_allows_large_packets() {
    let mut file = Pcap::usual();
    file.bytes
        .get_mut(16..20)
        .unwrap()
        .copy_from_slice(&1_000_000_u32.to_le_bytes());
    let file = file.packet(1, 0, &vec![7; 900_000]).packet(2, 0, b"x");
    let (seen, facts) = read(&[&file.bytes]);
    assert_eq!((seen.len(), facts.damage.len()), (2, 0));
}

#[test]
fn a_packet_with_broken_options_is_read() {
    let mut body = Vec::new();
    for word in [0_u32, 0, 1, 4, 4] {
        body.extend(word.to_le_bytes());
    }
    body.extend(b"abcd\x01\0\xff\xff");
    let file = Pcapng::new(Little)
        .interface(1, 0, &[])
        .block(6, &body)
        .bytes;
    let (seen, facts) = read(&[&file]);
    assert_eq!((seen.len(), facts.damage.len()), (1, 0));
}

#[test]
fn what_is_no_capture_is_named() {
    assert_eq!(error(b""), "file0 is empty");
    assert_eq!(error(&gzip(b"")), "file0 is empty");
    assert_eq!(
        error(b"\xd4\xc3"),
        "file0 is no pcap or pcapng capture: it looks like unknown data, first bytes d4 c3"
    );
    assert_eq!(
        error(b"PK\x03\x04zip"),
        "file0 is no pcap or pcapng capture: it looks like a ZIP archive"
    );
    assert_eq!(
        error(&gzip(b"hello there")),
        "file0 is no pcap or pcapng capture: it looks like text: \"hello there\""
    );
    assert_eq!(
        error(b"\x1f\x8b\x08\0"),
        "cannot read file0: the gzip stream ends before its end"
    );
    let header = Pcap::usual().bytes;
    assert_eq!(
        error(header.get(..10).unwrap()),
        "cannot read file0: the file ends inside its header: 24 bytes needed, 10 there"
    );
    let mut old = header;
    *old.get_mut(4).unwrap() = 7;
    assert_eq!(
        error(&old),
        "cannot read file0: its header says pcap version 7.4, only 2 is known"
    );
}

#[test]
fn one_bad_file_of_several_is_named_before_any_work() {
    let good = Pcap::usual().packet(1, 0, b"x").bytes;
    assert_eq!(
        open(&[&good, b"%PDF-1.7"]).err().unwrap().to_string(),
        "file1 is no pcap or pcapng capture: it looks like a PDF document"
    );
}

#[test]
fn paths_that_cannot_be_read_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.pcap");
    let text = |paths: &[PathBuf]| open_files(paths, None).err().unwrap().to_string();
    assert_eq!(
        text(std::slice::from_ref(&missing)),
        format!("cannot read {}: no such file", missing.display())
    );
    let directory = folder.path().to_path_buf();
    assert_eq!(
        text(&[directory]),
        format!("cannot read {}: it is a directory", folder.path().display())
    );
    assert_eq!(text(&[]), "no capture file was given");
    assert_eq!(
        text(&["-".into(), "-".into()]),
        "stdin (-) was given more than once"
    );
}

#[test]
fn progress_counts_the_bytes_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls");
    let bytes = gzip(&Pcap::usual().packet(1, 0, b"x").bytes);
    std::fs::write(&path, &bytes).unwrap();
    let mut source = open_files(&[path], None).unwrap();
    assert_eq!(drain(&mut source).0.len(), 1);
    let progress = source.progress().unwrap();
    assert_eq!(
        (progress.read, progress.total),
        (bytes.len() as u64, Some(bytes.len() as u64))
    );
}

/// Gives what it has, then fails as a disk does.
struct Failing(Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        match self.0.read(space)? {
            0 => Err(io::Error::from_raw_os_error(5)),
            read => Ok(read),
        }
    }
}

#[test]
fn a_disk_that_fails_is_damage() {
    let reader = Failing(Cursor::new(Pcap::usual().packet(1, 0, b"x").bytes));
    let mut source = open_streams(vec![("disk".to_owned(), Box::new(reader))], None).unwrap();
    let (seen, facts) = drain(&mut source);
    assert_eq!(seen.len(), 1);
    assert!(
        facts
            .damage
            .first()
            .unwrap()
            .what
            .starts_with("the system refused to read on: "),
        "{facts:?}"
    );
}

#[cfg(feature = "live")]
#[test]
fn frame_numbers_count_what_the_filter_refuses() {
    use super::testing::udp_packet;
    let file = Pcap::new(Little, 0xa1b2_c3d4, 101)
        .packet(1, 0, &udp_packet(5060, b"a"))
        .packet(2, 0, &udp_packet(80, b"b"))
        .packet(3, 0, &udp_packet(5060, b"c"));
    let reader: Box<dyn Read + Send> = Box::new(Cursor::new(file.bytes));
    let filter = super::Filter::new("port 5060").unwrap();
    let mut source = open_streams(vec![("file".to_owned(), reader)], Some(filter)).unwrap();
    assert!(matches!(source.next().unwrap(), Next::Packet(it) if it.frame.0 == 1));
    // Of the one between them the time is told: the capture went on.
    assert!(matches!(source.next().unwrap(), Next::Refused(it) if it.as_nanos() == 2_000_000_000));
    let (seen, facts) = drain(&mut source);
    assert_eq!(seen.iter().map(|seen| seen.0).collect::<Vec<_>>(), [3]);
    assert_eq!(facts.inputs.first().unwrap().packets, 3);
    assert_eq!(facts.filter.as_deref(), Some("port 5060"));
}

fn order() -> impl Strategy<Value = ByteOrder> {
    prop_oneof![Just(Little), Just(Big)]
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(mut source) = open(&[&bytes]) {
            drain(&mut source);
        }
    }

    #[test]
    fn garbage_behind_a_header_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..600), order in order()) {
        let mut pcap = Pcap::new(order, 0xa1b2_c3d4, 1).bytes;
        pcap.extend(&bytes);
        let mut pcapng = Pcapng::new(order).interface(1, 0, &[]).bytes;
        pcapng.extend(&bytes);
        let packed = [b"\x1f\x8b\x08\0\0\0\0\0\0\0".to_vec(), bytes.clone()].concat();
        let frame = [b"\x28\xb5\x2f\xfd".to_vec(), bytes].concat();
        for file in [pcap, pcapng, packed, frame] {
            if let Ok(mut source) = open(&[&file]) {
                drain(&mut source);
            }
        }
    }

    #[test]
    fn changed_bytes_never_panic(places in prop::collection::vec((0_usize..700, any::<u8>()), 1..8)) {
        let mut file = pcapng_of_every_kind().bytes;
        for (place, value) in places {
            let place = place % file.len();
            *file.get_mut(place).unwrap() = value;
        }
        if let Ok(mut source) = open(&[&file]) {
            drain(&mut source);
        }
    }

    #[test]
    fn what_was_written_is_read(packets in prop::collection::vec((any::<u32>(), 0_u32..1_000_000, prop::collection::vec(any::<u8>(), 1..80)), 0..20), order in order()) {
        let mut pcap = Pcap::new(order, 0xa1b2_c3d4, 1);
        let mut pcapng = Pcapng::new(order).interface(1, 0, &[]);
        let mut expected = Vec::new();
        for (frame, (seconds, micros, data)) in (1..).zip(&packets) {
            let length = u32::try_from(data.len()).unwrap();
            pcap = pcap.packet(*seconds, *micros, data);
            pcapng = pcapng.enhanced(0, u64::from(*seconds) * 1_000_000 + u64::from(*micros), length, data);
            let nanos = i64::from(*seconds) * 1_000_000_000 + i64::from(*micros) * 1_000;
            expected.push((frame, nanos, 1, 0, length, data.clone()));
        }
        for file in [&pcap.bytes, &pcapng.bytes, &gzip(&pcap.bytes), &zstd(&pcapng.bytes)] {
            let (seen, facts) = read(&[file]);
            prop_assert_eq!(&seen, &expected);
            prop_assert_eq!(facts.damage.len(), 0);
        }
    }
}
