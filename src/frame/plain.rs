//! The commonest packets at once: UDP or TCP in a whole IPv4 packet without options, in an Ethernet frame without tags. What
//! comes out is what [`super::decode`] finds layer by layer, for a fraction of the work; a capture at an SBC is RTP nearly
//! all of it. Whatever is not plain, broken packets too, is left to the layers.

use super::ip::Header;
use super::{Content, Decoded, Envelope, hep, transport, tunnels_in_udp};
use etherparse::{IpNumber, ip_number};
use std::net::{IpAddr, Ipv4Addr};

const ETHERNET: usize = 14;
const IP: usize = 20;

/// The layers that a plain packet has: Ethernet, its type, IP.
const LAYERS: usize = 3;

/// A plain packet of an Ethernet capture; `None` when it may be anything else. `cut` says that the snap length took some of it.
#[inline]
pub(super) fn packet(data: &[u8], cut: bool) -> Option<Decoded<'_>> {
    let headers: &[u8; ETHERNET + IP] = data.first_chunk()?;
    let be16 = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let total = usize::from(be16(headers[16], headers[17]));
    // Fragments have an offset, or more to come (RFC 791 §3.1).
    let fragment = be16(headers[20], headers[21]) & 0x3fff;
    let is_plain = be16(headers[12], headers[13]) == 0x0800 && headers[14] == 0x45 && fragment == 0;
    if !is_plain || total < IP {
        return None;
    }
    // What is behind the packet is padding of the frame.
    let end = data.len().min(ETHERNET + total);
    let header = Header {
        src: address([headers[26], headers[27], headers[28], headers[29]]),
        dst: address([headers[30], headers[31], headers[32], headers[33]]),
        identification: Some(be16(headers[18], headers[19])).filter(|&it| it != 0),
        ttl: headers[22],
        missing: ETHERNET + total - end,
    };
    let body = data.get(ETHERNET + IP..end)?;
    let content = match IpNumber(headers[23]) {
        ip_number::UDP => {
            let datagram = transport::datagram(header, body).ok()?;
            if tunnels_in_udp::may_be(&datagram) || hep::may_be(&datagram) {
                return None;
            }
            Content::Datagram(datagram)
        }
        ip_number::TCP => Content::Segment(transport::segment(header, body).ok()?),
        _ => return None,
    };
    Some(Decoded {
        envelope: Envelope {
            cut,
            dscp: Some(headers[15] >> 2),
            layers: LAYERS,
            ..Envelope::default()
        },
        content,
    })
}

fn address(octets: [u8; 4]) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(octets))
}
