//! UDP-Lite (RFC 3828): UDP with the length of what its checksum covers in place of its own.

use super::ip::Header;
use super::{Datagram, Encapsulation, Step, Undecoded, hep};
use crate::flow::{Flow, Transport};
use std::net::SocketAddr;

/// The header, which is always covered.
const LEAST_COVERED: usize = 8;

pub(super) fn udp_lite<'a>(
    ip: Header,
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    let Some((&[a, b, c, d, high, low, _, _], payload)) = data.split_first_chunk() else {
        return Err(Undecoded::because("udp-lite-truncated"));
    };
    // RFC 3828 §3.1: zero stands for everything.
    let covered = usize::from(u16::from_be_bytes([high, low]));
    if covered != 0 && !(LEAST_COVERED..=data.len() + ip.missing).contains(&covered) {
        return Err(Undecoded::because("udp-lite-malformed"));
    }
    encapsulation.push("udp-lite");
    Ok(hep::or_datagram(Datagram {
        flow: Flow {
            src: SocketAddr::new(ip.src, u16::from_be_bytes([a, b])),
            dst: SocketAddr::new(ip.dst, u16::from_be_bytes([c, d])),
            transport: Transport::Udp,
        },
        identification: ip.identification,
        ttl: ip.ttl,
        payload,
        missing: ip.missing,
    }))
}
