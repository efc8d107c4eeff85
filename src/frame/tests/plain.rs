//! What is read at once is what the layers find.

use super::{DST, SIP, SRC};
use crate::capture::LinkType;
use crate::frame::{by_layers, plain};
use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep};

fn in_ethernet() -> PacketBuilderStep<IpHeaders> {
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]).ipv4(SRC, DST, 61)
}

fn datagram(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let step = in_ethernet().udp(ports.0, ports.1);
    let mut bytes = Vec::with_capacity(step.size(payload.len()));
    step.write(&mut bytes, payload).expect("a packet");
    bytes
}

fn segment() -> Vec<u8> {
    let step = in_ethernet().tcp(5060, 5070, 7, 8).ack(9);
    let mut bytes = Vec::with_capacity(step.size(SIP.len()));
    step.write(&mut bytes, SIP).expect("a packet");
    bytes
}

/// Both ways give the same, errors too; whether it was read at once.
fn both_ways(data: &[u8], cut: bool) -> bool {
    let by_layers = by_layers(LinkType::ETHERNET, data, cut);
    let at_once = plain::packet(data, cut);
    let was = at_once.is_some();
    if let Some(decoded) = at_once {
        assert_eq!(
            format!("{:?}", Ok::<_, ()>(decoded)),
            format!("{by_layers:?}")
        );
    }
    was
}

#[test]
fn datagrams_and_segments_are_read_at_once() {
    for packet in [
        datagram((5060, 5070), SIP),
        datagram((20_000, 30_000), &[0x80, 0, 0, 1]),
        datagram((5060, 5070), b""),
        segment(),
    ] {
        assert!(both_ways(&packet, false));
        assert!(both_ways(&packet, true));
    }
}

#[test]
fn tunnels_and_mirrors_are_left_to_the_layers() {
    for port in [
        1701, 2152, 3544, 4341, 4500, 4789, 4790, 6081, 6635, 8472, 9899, 37_008,
    ] {
        assert!(!both_ways(&datagram((port, 40_000), &[8, 0, 0, 0]), false));
        assert!(!both_ways(&datagram((40_000, port), &[8, 0, 0, 0]), false));
    }
    assert!(!both_ways(&datagram((9060, 9060), b"HEP3"), false));
}

#[test]
fn any_byte_and_any_length_give_the_same_both_ways() {
    for packet in [
        datagram((5060, 5070), SIP),
        datagram((20_000, 30_000), &[0x80, 0, 0, 1]),
        datagram((4789, 30_000), &[8, 0, 0, 0, 0, 0, 7, 0]),
        segment(),
    ] {
        for len in 0..packet.len() {
            both_ways(packet.get(..len).unwrap_or_default(), true);
        }
        for at in 0..packet.len().min(70) {
            for value in 0..=u8::MAX {
                let mut other = packet.clone();
                if let Some(byte) = other.get_mut(at) {
                    *byte = value;
                }
                both_ways(&other, false);
            }
        }
    }
}
