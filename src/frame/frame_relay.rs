//! Frame Relay: multiprotocol encapsulation (RFC 2427), and the older one of Cisco, with an EtherType behind the address.

use super::{Content, Layer, Step, Undecoded, ethernet};

/// Unnumbered information: what RFC 2427 §3 puts behind the address.
const UNNUMBERED: u8 = 0x03;
/// A byte that brings the header to an even length (RFC 2427 §3).
const PAD: u8 = 0;
/// Organisation of IEEE 802.1: bridged frames (RFC 2427 §4.2).
const BRIDGED: [u8; 3] = [0x00, 0x80, 0xc2];
/// The longest address (Q.922 §3.3).
const MAX_ADDRESS: usize = 4;

pub(super) fn frame_relay(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    // The lowest bit of an address byte says that it is the last (Q.922 §3.3.1).
    let last = data.iter().take(MAX_ADDRESS).position(|byte| byte & 1 == 1);
    let rest = match last {
        Some(1..) => last.and_then(|at| data.get(at + 1..)).unwrap_or_default(),
        _ => return Err(Undecoded::because("frame-relay-malformed")),
    };
    match rest {
        [UNNUMBERED, PAD, protocol, inner @ ..] | [UNNUMBERED, protocol, inner @ ..] => {
            by_protocol(*protocol, inner)
        }
        [high, low, inner @ ..] => {
            let ether_type = u16::from_be_bytes([*high, *low]);
            Ok(Step::Next(ethernet::layer_of(ether_type), inner))
        }
        _ => Err(Undecoded::because("frame-relay-truncated")),
    }
}

/// By the network layer protocol identifier of ISO/IEC 9577.
fn by_protocol(protocol: u8, inner: &[u8]) -> Result<Step<'_>, Undecoded> {
    match (protocol, inner) {
        (0xcc | 0x8e, _) => Ok(Step::Next(Layer::Ip, inner)),
        (0xcf, _) => Ok(Step::Next(Layer::Ppp, inner)),
        (0x80, [0, 0, 0, high, low, rest @ ..]) => {
            let ether_type = u16::from_be_bytes([*high, *low]);
            Ok(Step::Next(Layer::EtherType(ether_type), rest))
        }
        // 1 and 7: an Ethernet frame with its check sequence, and without.
        (0x80, [a, b, c, 0, 1 | 7, rest @ ..]) if [*a, *b, *c] == BRIDGED => {
            Ok(Step::Next(Layer::Ethernet, rest))
        }
        // Signalling of the link, and what routers say of themselves: Q.933, LMI, CLNP, ES-IS, IS-IS.
        (0x08 | 0x09 | 0x81 | 0x82 | 0x83, _) => Ok(Step::Done(Content::Unrelated)),
        _ => Err(Undecoded(
            format!("frame-relay-protocol-0x{protocol:02x}").into(),
        )),
    }
}
