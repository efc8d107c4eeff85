//! Reading of compressed files, whole, cut and broken.

use super::*;

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn named_gzip(bytes: &[u8]) -> Vec<u8> {
    let builder = flate2::GzBuilder::new()
        .filename("calls.pcap")
        .comment("a comment")
        .extra(vec![1, 2, 3]);
    let mut encoder = builder.write(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

#[test]
fn compressed_files_are_known_by_their_bytes() {
    let pcap = Pcap::usual()
        .packet(1, 0, b"abcd")
        .packet(2, 0, b"efgh")
        .bytes;
    let pcapng = pcapng_of_every_kind().bytes;
    let (front, back) = pcap.split_at(30);
    let skipped = [b"\x50\x2a\x4d\x18\x02\0\0\0xx".to_vec(), zstd(&pcap)].concat();
    let cases = [
        (gzip(&pcap), 2, "pcap.gz"),
        (named_gzip(&pcap), 2, "pcap.gz"),
        ([gzip(front), named_gzip(back)].concat(), 2, "pcap.gz"),
        ([gzip(&pcap), vec![0; 512]].concat(), 2, "pcap.gz"),
        (zstd(&pcap), 2, "pcap.zst"),
        ([zstd(front), zstd(back)].concat(), 2, "pcap.zst"),
        (skipped, 2, "pcap.zst"),
        (gzip(&pcapng), 5, "pcapng.gz"),
        (zstd(&pcapng), 5, "pcapng.zst"),
    ];
    for (bytes, packets, format) in cases {
        let (seen, facts) = read(&[&bytes]);
        assert_eq!(seen.len(), packets, "{format}");
        assert_eq!(facts.inputs.first().unwrap().format, format);
        assert_eq!(facts.damage, [], "{format}");
    }
}

/// A pcap of packets that hardly compress.
fn noisy(packets: u32) -> Vec<u8> {
    let mut state = 1_u32;
    (0..packets)
        .fold(Pcap::usual(), |file, second| {
            let noise = std::iter::repeat_with(|| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes().first().copied().unwrap_or_default() & 0x3f
            });
            let noise: Vec<u8> = noise.take(100).collect();
            file.packet(second + 1, 0, &noise)
        })
        .bytes
}

#[test]
fn a_cut_compressed_file_gives_what_was_compressed_before() {
    let plain = noisy(50);
    for (whole, what) in [
        (gzip(&plain), "the gzip stream ends before its end"),
        (zstd(&noisy(5_000)), "the zstd stream ends before its end"),
    ] {
        let (seen, facts) = read(&[whole.get(..whole.len() * 2 / 3).unwrap()]);
        assert!(seen.len() >= 25, "{} packets", seen.len());
        let damage = facts.damage.first().unwrap();
        assert_eq!(damage.what, what);
        assert_eq!(damage.packet, seen.len() as u64 + 1);
        assert_eq!(damage.offset, 24 + 116 * seen.len() as u64);
    }
}

#[test]
fn a_damaged_gzip_file_gives_what_came_before() {
    let plain = noisy(200);
    let (good, _) = read(&[&plain]);
    let whole = gzip(&plain);
    let mut told = 0;
    for place in (whole.len() / 2..whole.len()).step_by(97) {
        let mut broken = whole.clone();
        *broken.get_mut(place).unwrap() ^= 0x55;
        let (seen, facts) = read(&[&broken]);
        let same = seen.iter().zip(&good).take_while(|(a, b)| a == b).count();
        assert!(
            same >= 60,
            "{same} packets before a fault at {place} of {}",
            whole.len()
        );
        told += facts.damage.len();
    }
    assert!(told > 10);
}

#[test]
fn a_wrong_gzip_checksum_is_damage() {
    let mut bytes = gzip(&Pcap::usual().packet(1, 0, b"abcd").bytes);
    let sum = bytes.len() - 8;
    *bytes.get_mut(sum).unwrap() ^= 1;
    let (seen, facts) = read(&[&bytes]);
    assert_eq!(seen.len(), 1);
    assert_eq!(
        facts.damage.first().unwrap().what,
        "the gzip stream is damaged: its checksum does not fit"
    );
}

#[test]
fn what_follows_a_gzip_stream_is_told_as_that() {
    let whole = gzip(&Pcap::usual().packet(1, 0, b"abcd").bytes);
    let others = Some("other bytes follow the gzip stream, which is whole");
    for (behind, what) in [
        (&b"\n"[..], others),
        (b"0123456789abc", others),
        // A member that was cut.
        (
            &[0x1f, 0x8b, 8, 0],
            Some("the gzip stream ends before its end"),
        ),
    ] {
        let (seen, facts) = read(&[&[&whole, behind].concat()]);
        assert_eq!(seen.len(), 1, "{behind:?}");
        let damage = facts.damage.first().map(|it| it.what.as_str());
        assert_eq!(damage, what, "{behind:?}");
    }
}
