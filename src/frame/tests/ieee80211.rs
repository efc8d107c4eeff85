//! IEEE 802.11 frames, bare and behind what drivers put before them.

use super::wrap::{ieee80211, join, snap};
use super::*;

const DATA: u8 = 0x08;
const QOS_DATA: u8 = 0x88;

fn finds(bytes: &[u8]) {
    assert_eq!(layers(&is_found(LinkType::IEEE802_11, bytes)), [""; 0]);
}

#[test]
fn data_frames_carry_ip_whichever_way_they_go() {
    for packet in [ipv4(), ipv6()] {
        let clear = snap(&packet);
        // Between stations, to the access point, from it; retried; with more to come.
        for flags in [0, 1, 2, 0x09, 0x21] {
            finds(&ieee80211(DATA, flags, &clear));
            finds(&ieee80211(QOS_DATA, flags, &join(&[&[5, 0], &clear])));
        }
        // From one access point to another: a fourth address.
        finds(&ieee80211(DATA, 3, &join(&[&[2; 6], &clear])));
        finds(&ieee80211(QOS_DATA, 3, &join(&[&[2; 6], &[5, 0], &clear])));
        // HT control behind the QoS control; of no meaning without.
        finds(&ieee80211(
            QOS_DATA,
            0x81,
            &join(&[&[5, 0, 9, 9, 9, 9], &clear]),
        ));
        finds(&ieee80211(DATA, 0x81, &clear));
        // A check sequence is no payload.
        finds(&ieee80211(DATA, 1, &join(&[&clear, &[9; 4]])));
    }
}

#[test]
fn frames_without_clear_data_are_ignored_or_named() {
    let clear = snap(&ipv4());
    // A beacon, a block acknowledgment, no data, QoS without data, the extension type.
    for kind in [0x80, 0x94, 0x48, 0xc8, 0x0c] {
        assert!(is_unrelated(
            LinkType::IEEE802_11,
            &ieee80211(kind, 0, &clear)
        ));
    }
    let mut later = ieee80211(DATA, 1, &clear);
    later[22] = 0x11;
    for (bytes, expected) in [
        (ieee80211(DATA, 0x41, &[0x5a; 60]), "ieee80211-protected"),
        (ieee80211(DATA, 0x05, &clear), "ieee80211-fragment"),
        (later, "ieee80211-fragment"),
        (ieee80211(0x09, 1, &clear), "ieee80211-version-unknown"),
        (
            ieee80211(DATA, 1, &clear)[..23].to_vec(),
            "ieee80211-truncated",
        ),
        (ieee80211(QOS_DATA, 1, &[5]), "ieee80211-truncated"),
        (vec![8], "ieee80211-truncated"),
    ] {
        assert_eq!(reason(LinkType::IEEE802_11, &bytes), expected);
    }
    assert!(is_unrelated(
        LinkType::IEEE802_11,
        &ieee80211(DATA, 1, &[0x42, 0x42, 3, 0, 0, 0, 0, 0, 0])
    ));
}

#[test]
fn a_protected_frame_that_the_driver_decrypted_is_read() {
    let clear = snap(&ipv4());
    for header in [0, 4, 8] {
        finds(&ieee80211(
            DATA,
            0x41,
            &join(&[&vec![0x20; header], &clear, &[9; 8]]),
        ));
    }
}

#[test]
fn an_a_msdu_of_one_frame_is_read_and_one_of_several_is_named() {
    let subframe = |packet: &[u8]| {
        let clear = snap(packet);
        let len = u16::try_from(clear.len()).expect("short").to_be_bytes();
        join(&[&MACS, &len, &clear])
    };
    let one = subframe(&ipv4());
    finds(&ieee80211(QOS_DATA, 1, &join(&[&[0x85, 0], &one])));
    finds(&ieee80211(QOS_DATA, 1, &join(&[&[0x85, 0], &one, &[9; 4]])));
    let mut first = one.clone();
    first.resize(first.len().next_multiple_of(4), 0);
    let two = ieee80211(QOS_DATA, 1, &join(&[&[0x85, 0], &first, &one]));
    assert_eq!(reason(LinkType::IEEE802_11, &two), "ieee80211-a-msdu");
    assert_eq!(
        reason(
            LinkType::IEEE802_11,
            &ieee80211(QOS_DATA, 1, &[0x85, 0, 1, 2])
        ),
        "ieee80211-truncated"
    );
}

/// Radiotap with these words of bits and fields behind them.
fn radiotap(words: &[u32], fields: &[u8]) -> Vec<u8> {
    let words: Vec<u8> = words.iter().flat_map(|it| it.to_le_bytes()).collect();
    let len = u16::try_from(4 + words.len() + fields.len()).expect("short");
    join(&[&[0, 0], &len.to_le_bytes(), &words, fields])
}

#[test]
fn radiotap_tells_its_length_and_whether_the_header_was_padded() {
    let clear = snap(&ipv4());
    let plain = ieee80211(DATA, 1, &clear);
    let qos = ieee80211(QOS_DATA, 1, &join(&[&[5, 0], &clear]));
    let padded = ieee80211(QOS_DATA, 1, &join(&[&[5, 0, 0, 0], &clear]));
    let check = |header: &[u8], frame: &[u8]| {
        is_found(LinkType::IEEE802_11_RADIOTAP, &join(&[header, frame]));
    };
    for frame in [&plain, &qos] {
        check(&radiotap(&[0], &[]), frame);
        check(&radiotap(&[0x2e], &[0x10, 2, 0x6c, 9, 0xa0, 0]), frame);
    }
    // The flags alone; behind the time; behind a second word, then the time aligned to eight bytes.
    check(&radiotap(&[2], &[0x20]), &padded);
    check(&radiotap(&[3], &join(&[&[0x55; 8], &[0x20]])), &padded);
    check(
        &radiotap(&[0x8000_0003, 0], &join(&[&[0x55; 12], &[0x20]])),
        &padded,
    );
    let header = radiotap(&[0], &[]);
    for (bytes, expected) in [
        (join(&[&[1], &header[1..], &plain]), "radiotap-malformed"),
        (vec![0, 0, 7, 0, 0, 0, 0, 0], "radiotap-malformed"),
        (header[..7].to_vec(), "radiotap-truncated"),
        (header[..3].to_vec(), "radiotap-truncated"),
        // Words of bits without end.
        (radiotap(&[0x8000_0002; 9], &[]), "ieee80211-truncated"),
    ] {
        assert_eq!(reason(LinkType::IEEE802_11_RADIOTAP, &bytes), expected);
    }
}

#[test]
fn prism_and_avs_headers_tell_their_length() {
    let frame = ieee80211(DATA, 1, &snap(&ipv4()));
    for number in [u32::to_le_bytes, u32::to_be_bytes] {
        for code in [0x41, 0x44] {
            let header = join(&[&number(code), &number(144), &[0; 136]]);
            is_found(LinkType::IEEE802_11_PRISM, &join(&[&header, &frame]));
        }
    }
    let avs = join(&[
        &0x8021_1001_u32.to_be_bytes(),
        &64_u32.to_be_bytes(),
        &[0; 56],
        &frame,
    ]);
    is_found(LinkType::IEEE802_11_AVS, &avs);
    is_found(LinkType::IEEE802_11_PRISM, &avs);
    for (link_type, bytes, expected) in [
        (LinkType::IEEE802_11_PRISM, frame.clone(), "prism-malformed"),
        (
            LinkType::IEEE802_11_PRISM,
            vec![0x44, 0, 0, 0],
            "prism-truncated",
        ),
        (
            LinkType::IEEE802_11_PRISM,
            join(&[&[0x44, 0, 0, 0, 7, 0, 0, 0], &frame]),
            "prism-truncated",
        ),
        (LinkType::IEEE802_11_AVS, frame.clone(), "avs-malformed"),
        (
            LinkType::IEEE802_11_AVS,
            avs[..60].to_vec(),
            "avs-truncated",
        ),
        (LinkType::IEEE802_11_AVS, avs[..7].to_vec(), "avs-truncated"),
    ] {
        assert_eq!(reason(link_type, &bytes), expected);
    }
}
