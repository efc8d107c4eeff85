//! UDP-Lite, and SCTP in UDP.

use super::wrap::{in_ipv4, in_ipv6, in_udp, join};
use super::*;

fn udp_lite(covered: u16) -> Vec<u8> {
    let covered = covered.to_be_bytes();
    join(&[&[0x13, 0xc4, 0x13, 0xce], &covered, &[1, 2], SIP])
}

#[test]
fn udp_lite_carries_what_udp_does_whatever_is_covered() {
    let all = u16::try_from(SIP.len() + 8).expect("short");
    for covered in [0, 8, 20, all] {
        for bytes in [
            in_ipv4(136, &udp_lite(covered)),
            in_ipv6(136, &udp_lite(covered)),
        ] {
            assert_eq!(layers(&is_found(LinkType::RAW, &bytes)), ["udp-lite"]);
        }
    }
    for (inner, expected) in [
        (udp_lite(7), "udp-lite-malformed"),
        (udp_lite(1), "udp-lite-malformed"),
        (udp_lite(all + 1), "udp-lite-malformed"),
        (udp_lite(0)[..7].to_vec(), "udp-lite-truncated"),
    ] {
        assert_eq!(reason(LinkType::RAW, &in_ipv4(136, &inner)), expected);
    }
    // The snap length does not make the coverage wrong.
    let bytes = in_ipv4(136, &udp_lite(all));
    let wire = u32::try_from(bytes.len()).expect("short");
    let decoded = decode(LinkType::RAW, &bytes[..bytes.len() - 5], wire).expect("decoded");
    assert!(matches!(decoded.content, Content::Datagram(it) if it.missing == 5));
}

/// An SCTP packet with one DATA chunk.
fn sctp(payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 16).expect("short");
    let chunk = join(&[
        &[0, 3],
        &len.to_be_bytes(),
        &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        payload,
    ]);
    let mut bytes = join(&[
        &[0x13, 0xc4, 0x13, 0xce, 0, 0, 0x12, 0x34, 0, 0, 0, 0],
        &chunk,
    ]);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let crc = crc32c(&bytes).to_le_bytes();
    bytes[8..12].copy_from_slice(&crc);
    bytes
}

/// By long division, highest bit first and with everything mirrored, unlike the code.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut rest = u32::MAX;
    for byte in bytes {
        rest ^= u32::from(byte.reverse_bits()) << 24;
        for _ in 0..8 {
            let carry = rest >> 31;
            rest <<= 1;
            if carry == 1 {
                rest ^= 0x1edc_6f41;
            }
        }
    }
    !rest.reverse_bits()
}

#[test]
fn the_checksum_of_the_tests_is_that_of_the_rfc() {
    // The check value of CRC-32C in every catalogue.
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

#[test]
fn sctp_in_udp_is_sctp_with_the_addresses_of_the_datagram() {
    for (src, dst) in [(9899, 9899), (9899, 40000), (40000, 9899)] {
        let bytes = in_udp(src, dst, &sctp(SIP));
        let decoded = whole(LinkType::RAW, &bytes).expect("decoded");
        assert_eq!(layers(&decoded), ["sctp-in-udp"]);
        let Content::Sctp(it) = decoded.content else {
            panic!("no SCTP");
        };
        assert_eq!(it.flow.src, SocketAddr::from(([203, 0, 113, 1], 5060)));
        assert_eq!(it.flow.dst, SocketAddr::from(([203, 0, 113, 2], 5070)));
        assert_eq!(it.flow.transport, Transport::Sctp);
        assert_eq!((it.verification_tag, it.missing), (0x1234, 0));
        assert_eq!(it.chunks, &sctp(SIP)[12..]);
    }
}

#[test]
fn what_is_no_sctp_on_its_port_is_a_datagram() {
    let sound = sctp(SIP);
    let mut others = vec![
        SIP.to_vec(),
        vec![],
        sound[..12].to_vec(),
        sound[..sound.len() - 4].to_vec(),
    ];
    // One bit in the ports, the tag, the checksum, the length of the chunk, the message.
    for at in [1, 6, 9, 14, 15, 30] {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        others.push(bytes);
    }
    for bytes in others {
        let outside = in_udp(9899, 9899, &bytes);
        let (decoded, it) = datagram(LinkType::RAW, &outside);
        assert_eq!((it.payload, layers(&decoded)), (&bytes[..], vec![]));
    }
    let outside = in_udp(9898, 9898, &sound);
    assert_eq!(datagram(LinkType::RAW, &outside).1.payload, sound);
    // Cut by the snap length the checksum proves nothing.
    let bytes = in_udp(9899, 9899, &sound);
    let wire = u32::try_from(bytes.len()).expect("short");
    let decoded = decode(LinkType::RAW, &bytes[..bytes.len() - 1], wire).expect("decoded");
    assert!(matches!(decoded.content, Content::Datagram(it) if it.missing == 1));
}
