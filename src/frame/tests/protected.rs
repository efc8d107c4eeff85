//! What protects packets without hiding them: AH, ESP with NULL encryption, MACsec.

use super::wrap::{frame, in_ipv4, in_ipv6, in_udp, join};
use super::*;
use crate::frame::Content::{Fragment, Segment as Tcp};

/// An authentication header with a check value of 96 bits.
fn ah(next: u8) -> [u8; 24] {
    let mut header = [0xa5; 24];
    header[..4].copy_from_slice(&[next, 4, 0, 0]);
    header
}

/// ESP around bytes that are not encrypted; both tests and IMS have small indices.
pub(super) fn esp(next: u8, inner: &[u8], vector: usize, check: usize) -> Vec<u8> {
    let padding = (vector + inner.len() + 2).next_multiple_of(4) - vector - inner.len() - 2;
    let last = u8::try_from(padding).expect("short");
    let padding: Vec<u8> = (1..=last).collect();
    join(&[
        &[0, 0, 0, 9, 0, 0, 0, 1],
        &vec![0xc3; vector],
        inner,
        &padding,
        &[last, next],
        &vec![0x5a; check],
    ])
}

fn udp_of(packet: &[u8]) -> &[u8] {
    &packet[20..]
}

fn tcp() -> Vec<u8> {
    let step = PacketBuilder::ipv4([203, 0, 113, 1], [203, 0, 113, 2], 61).tcp(5060, 40000, 7, 99);
    let mut bytes = Vec::new();
    step.write(&mut bytes, SIP).expect("a packet");
    bytes
}

#[test]
fn an_authentication_header_is_skipped_in_either_version() {
    let packet = ipv4();
    let inner = join(&[&ah(17), udp_of(&packet)]);
    for bytes in [in_ipv4(51, &inner), in_ipv6(51, &inner)] {
        assert_eq!(layers(&is_found(LinkType::RAW, &bytes)), ["ah"]);
    }
    // Around a tunnel, and two of them.
    let tunnel = in_ipv4(51, &join(&[&ah(4), &packet]));
    assert_eq!(
        layers(&is_found(LinkType::RAW, &tunnel)),
        ["ah", "ip-in-ip"]
    );
    let twice = in_ipv4(51, &join(&[&ah(51), &inner]));
    assert_eq!(layers(&is_found(LinkType::RAW, &twice)), ["ah"]);
    // Shorter than its own fields; beyond the end.
    for (len, expected) in [(0, "ah-malformed"), (255, "ah-truncated")] {
        let mut bytes = in_ipv4(51, &inner);
        bytes[21] = len;
        assert_eq!(reason(LinkType::RAW, &bytes), expected);
    }
    assert_eq!(reason(LinkType::RAW, &in_ipv4(51, &[17])), "ah-truncated");
}

#[test]
fn an_authentication_header_in_fragments_is_skipped_once_it_is_whole() {
    let inner = join(&[&ah(17), udp_of(&ipv4())]);
    let mut bytes = in_ipv4(51, &inner);
    bytes[6..8].copy_from_slice(&[0x20, 0]);
    let decoded = whole(LinkType::RAW, &bytes).expect("decoded");
    let Fragment(piece) = decoded.content else {
        panic!("no fragment");
    };
    let decoded = resume(&piece.datagram, 1, &inner, decoded.envelope).expect("decoded");
    assert_eq!(layers(&decoded), ["ah"]);
    assert!(matches!(decoded.content, Content::Datagram(it) if it.payload == SIP));
}

#[test]
fn esp_that_encrypts_nothing_is_read_with_any_check_value() {
    let packet = ipv4();
    for (vector, check) in [
        (0, 12),
        (0, 16),
        (8, 16),
        (0, 24),
        (0, 32),
        (0, 8),
        (0, 20),
        (0, 0),
    ] {
        for (next, inner) in [(17, udp_of(&packet)), (4, &packet), (41, &ipv6())] {
            let inner = esp(next, inner, vector, check);
            for bytes in [in_ipv4(50, &inner), in_ipv6(50, &inner)] {
                assert_eq!(layers(&is_found(LinkType::RAW, &bytes)), ["esp"]);
            }
            for (src, dst) in [(4500, 40000), (40000, 4500)] {
                let bytes = in_udp(src, dst, &inner);
                assert_eq!(layers(&is_found(LinkType::RAW, &bytes)), ["esp"]);
            }
        }
        let segment = tcp();
        let bytes = in_ipv4(50, &esp(6, udp_of(&segment), vector, check));
        let decoded = whole(LinkType::RAW, &bytes).expect("decoded");
        assert_eq!(layers(&decoded), ["esp"]);
        assert!(matches!(decoded.content, Tcp(it) if it.payload == SIP && it.missing == 0));
    }
}

#[test]
fn esp_in_transport_mode_has_the_addresses_around_it() {
    let packet = ipv4();
    let inner = esp(17, udp_of(&packet), 0, 12);
    for bytes in [in_ipv4(50, &inner), in_udp(4500, 4500, &inner)] {
        let (_, it) = datagram(LinkType::RAW, &bytes);
        assert_eq!(it.flow.src, SocketAddr::from(([203, 0, 113, 1], 5060)));
        assert_eq!((it.ttl, it.flow.dst.port()), (64, 5070));
    }
    // In tunnel mode those inside.
    let bytes = in_ipv4(50, &esp(4, &packet, 0, 12));
    let (_, it) = datagram(LinkType::RAW, &bytes);
    assert_eq!(it.flow.src, SocketAddr::from((SRC, 5060)));
}

#[test]
fn esp_of_which_one_thing_does_not_fit_is_not_read() {
    let packet = ipv4();
    let inner = udp_of(&packet);
    let sound = esp(17, inner, 0, 12);
    let trailer = sound.len() - 12 - 2;
    let segment = tcp();
    let tcp_sound = esp(6, udp_of(&segment), 0, 12);
    let with = |bytes: &[u8], at: usize, change: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= change;
        bytes
    };
    assert!(sound[trailer] > 0, "there is padding");
    for bytes in [
        // Padding, its length, the next header, the length of the datagram.
        with(&sound, trailer - 1, 1),
        with(&sound, trailer, 1),
        with(&sound, trailer + 1, 1),
        with(&sound, 8 + 5, 1),
        // A segment of which a bit is another.
        with(&tcp_sound, 8 + 21, 1),
        // A packet of another version; one with a wrong checksum; one that is shorter than the room for it.
        esp(41, &packet, 0, 12),
        with(&esp(4, &packet, 0, 12), 8 + 8, 1),
        esp(4, &join(&[&packet, &[0; 4]]), 0, 12),
        // No next header; and what ends early.
        esp(59, &[0; 20], 0, 12),
        sound[..7].to_vec(),
        vec![],
    ] {
        assert_eq!(reason(LinkType::RAW, &in_ipv4(50, &bytes)), "esp");
        let outside = in_udp(40000, 4500, &bytes);
        assert_eq!(datagram(LinkType::RAW, &outside).1.payload, bytes);
    }
    // Cut by the snap length there is no trailer.
    let bytes = in_ipv4(50, &sound);
    let wire = u32::try_from(bytes.len()).expect("short");
    let kept = &bytes[..bytes.len() - 1];
    assert!(decode(LinkType::RAW, kept, wire).is_err());
}

#[test]
fn bytes_that_are_encrypted_are_not_taken_for_esp_that_is_not() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for len in 0..50_000 {
        let bytes: Vec<u8> = std::iter::repeat_with(&mut next)
            .take(len % 32)
            .flatten()
            .collect();
        assert_eq!(reason(LinkType::RAW, &in_ipv4(50, &bytes)), "esp");
    }
}

#[test]
fn the_port_of_esp_in_udp_has_keys_and_keep_alives_as_well() {
    let ike = join(&[&[0; 4], &esp(17, udp_of(&ipv4()), 0, 12)[4..]]);
    for bytes in [&ike[..], &[0xff], SIP, b""] {
        let outside = in_udp(4500, 4500, bytes);
        let (decoded, it) = datagram(LinkType::RAW, &outside);
        assert_eq!((it.payload, layers(&decoded)), (bytes, vec![]));
    }
}

#[test]
fn esp_in_udp_without_end_is_given_up() {
    let mut packet = ipv4()[20..].to_vec();
    for _ in 0..40 {
        let inner = esp(17, &packet, 0, 12);
        packet = in_udp(4500, 4500, &inner)[20..].to_vec();
    }
    let bytes = in_ipv4(17, &packet);
    let (decoded, it) = datagram(LinkType::RAW, &bytes);
    let named = [&"esp"; crate::limits::MAX_LAYERS_NAMED].map(|it| *it);
    assert_eq!(
        (layers(&decoded), it.flow.dst.port()),
        (named.to_vec(), 4500)
    );
}

/// A frame in a tag with these flags; `channel` is there when they say so.
pub(super) fn macsec(flags: u8, short_len: u8, channel: &[u8], packet: &[u8]) -> Vec<u8> {
    let tag = [flags, short_len, 0, 0, 0, 1];
    let inner = &frame(packet)[12..];
    ethernet(0x88e5, &join(&[&tag, channel, inner, &[0xa5; 16]]))
}

#[test]
fn macsec_that_encrypts_nothing_is_read() {
    for packet in [ipv4(), ipv6()] {
        for bytes in [
            macsec(0, 0, &[], &packet),
            macsec(0x43, 0, &[], &packet),
            macsec(0x20, 0, &[7; 8], &packet),
        ] {
            assert_eq!(layers(&is_found(LinkType::ETHERNET, &bytes)), ["macsec"]);
        }
    }
    let tagged = join(&[&[0, 0, 0, 0, 0, 1, 0x81, 0, 0, 7], &frame(&ipv4())[12..]]);
    let bytes = ethernet(0x88e5, &join(&[&tagged, &[0; 16]]));
    assert_eq!(
        layers(&is_found(LinkType::ETHERNET, &bytes)),
        ["macsec", "vlan"]
    );
    // A short frame says how long it is, and is padded: the total length of 0 tells that it ends there.
    let mut short = ipv4()[..28 + 4].to_vec();
    for at in [2, 3, 24, 25] {
        short[at] = 0;
    }
    let bytes = join(&[&macsec(0, 2 + 32, &[], &short), &[0; 9]]);
    let (_, it) = datagram(LinkType::ETHERNET, &bytes);
    assert_eq!((it.payload, it.missing), (&SIP[..4], 0));
    // ARP behind the tag.
    let arp = join(&[&[0, 0, 0, 0, 0, 1, 0x08, 0x06], &[0; 44]]);
    assert!(is_unrelated(LinkType::ETHERNET, &ethernet(0x88e5, &arp)));
}

#[test]
fn macsec_that_encrypts_or_is_broken_is_named() {
    let packet = ipv4();
    for (bytes, expected) in [
        (macsec(0x0c, 0, &[], &packet), "macsec"),
        (macsec(0x2c, 0, &[7; 8], &packet), "macsec"),
        (macsec(0x04, 0, &[], &packet), "macsec"),
        (macsec(0x08, 0, &[], &packet), "macsec"),
        (macsec(0x80, 0, &[], &packet), "macsec-malformed"),
        (macsec(0, 0x40, &[], &packet), "macsec-malformed"),
        (ethernet(0x88e5, &[0; 5]), "macsec-truncated"),
        (ethernet(0x88e5, &[0; 6 + 17]), "macsec-truncated"),
        (
            ethernet(0x88e5, &join(&[&[0x20], &[0; 12]])),
            "macsec-truncated",
        ),
    ] {
        assert_eq!(reason(LinkType::ETHERNET, &bytes), expected);
    }
    // The snap length cut off more than the check value.
    let bytes = macsec(0, 0, &[], &packet);
    let wire = u32::try_from(bytes.len()).expect("short");
    let kept = &bytes[..bytes.len() - 16 - 3];
    let decoded = decode(LinkType::ETHERNET, kept, wire).expect("decoded");
    assert!(matches!(decoded.content, Content::Datagram(it) if it.missing == 3));
}
