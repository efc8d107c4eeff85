//! UDP (RFC 768) and TCP (RFC 9293).

use super::Undecoded;
use super::ip::Header;
use crate::flow::{Flow, Transport};
use etherparse::{TcpHeaderSlice, UdpHeaderSlice};
use std::net::SocketAddr;

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// From where to where.
    pub flow: Flow,
    /// IPv4 identification; `None` for zero and for IPv6.
    pub identification: Option<u16>,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// What it carries, as far as captured.
    pub payload: &'a [u8],
    /// How many bytes of the payload the capture lacks.
    pub missing: usize,
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// From where to where.
    pub flow: Flow,
    /// IPv4 identification; `None` for zero and for IPv6.
    pub identification: Option<u16>,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Sequence number of the first byte of the payload.
    pub sequence: u32,
    /// Whether SYN, FIN or RST is set: the segment opens or ends a connection.
    pub control: bool,
    /// What it carries, as far as captured.
    pub payload: &'a [u8],
}

const UDP_HEADER_LEN: usize = 8;

pub(super) fn datagram(ip: Header, data: &[u8]) -> Result<Datagram<'_>, Undecoded> {
    let header =
        UdpHeaderSlice::from_slice(data).map_err(|_| Undecoded::because("udp-truncated"))?;
    let rest = data.get(UDP_HEADER_LEN..).unwrap_or_default();
    // A length of 0 stands for "to the end of the packet" (RFC 2675 §4, and segmentation offload).
    let announced = match usize::from(header.length()) {
        0 => rest.len(),
        len => len.saturating_sub(UDP_HEADER_LEN),
    };
    Ok(Datagram {
        flow: Flow {
            src: SocketAddr::new(ip.src, header.source_port()),
            dst: SocketAddr::new(ip.dst, header.destination_port()),
            transport: Transport::Udp,
        },
        identification: ip.identification,
        ttl: ip.ttl,
        payload: rest.get(..announced).unwrap_or(rest),
        missing: announced.saturating_sub(rest.len()),
    })
}

pub(super) fn segment(ip: Header, data: &[u8]) -> Result<Segment<'_>, Undecoded> {
    let header =
        TcpHeaderSlice::from_slice(data).map_err(|_| Undecoded::because("tcp-malformed"))?;
    Ok(Segment {
        flow: Flow {
            src: SocketAddr::new(ip.src, header.source_port()),
            dst: SocketAddr::new(ip.dst, header.destination_port()),
            transport: Transport::Tcp,
        },
        identification: ip.identification,
        ttl: ip.ttl,
        sequence: header.sequence_number(),
        control: header.syn() || header.fin() || header.rst(),
        payload: data.get(header.slice().len()..).unwrap_or_default(),
    })
}
