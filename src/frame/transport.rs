//! UDP (RFC 768) and TCP (RFC 9293).

use super::Undecoded;
use super::ip::Header;
use crate::flow::{Flow, Transport};
use etherparse::TcpHeaderSlice;
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
    /// The next byte that its sender expects from the other side; meaningless without the flag ACK.
    pub acknowledgment: u32,
    /// What the segment does beside carrying bytes.
    pub flags: TcpFlags,
    /// What it carries, as far as captured.
    pub payload: &'a [u8],
    /// How many bytes of the payload the capture lacks.
    pub missing: usize,
}

/// The control bits of a TCP segment (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(u8);

impl TcpFlags {
    /// The bits as they are in the header's fourteenth byte.
    pub const fn of(bits: u8) -> Self {
        Self(bits)
    }

    /// No more data from the sender.
    pub const fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// Synchronize sequence numbers: the connection is being opened.
    pub const fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// The connection is reset.
    pub const fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// The acknowledgment number counts.
    pub const fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
}

/// An SCTP packet (RFC 9260 §3).
#[derive(Clone, Copy, Debug)]
pub struct SctpPacket<'a> {
    /// From where to where.
    pub flow: Flow,
    /// The verification tag, which names the association.
    pub verification_tag: u32,
    /// The chunks, as far as captured.
    pub chunks: &'a [u8],
    /// How many bytes of the chunks the capture lacks.
    pub missing: usize,
}

const UDP_HEADER_LEN: usize = 8;

#[inline]
pub(super) fn datagram(ip: Header, data: &[u8]) -> Result<Datagram<'_>, Undecoded> {
    let Some((&[source, from, destination, to, length, len, _, _], rest)) =
        data.split_first_chunk::<UDP_HEADER_LEN>()
    else {
        return Err(Undecoded::because("udp-truncated"));
    };
    let source = u16::from_be_bytes([source, from]);
    let destination = u16::from_be_bytes([destination, to]);
    let length = u16::from_be_bytes([length, len]);
    // A length of 0 stands for "to the end of the packet" (RFC 2675 §4, and segmentation offload).
    let announced = match usize::from(length) {
        0 => rest.len(),
        len => len.saturating_sub(UDP_HEADER_LEN),
    };
    Ok(Datagram {
        flow: Flow {
            src: SocketAddr::new(ip.src, source),
            dst: SocketAddr::new(ip.dst, destination),
            transport: Transport::Udp,
        },
        identification: ip.identification,
        ttl: ip.ttl,
        payload: rest.get(..announced).unwrap_or(rest),
        missing: announced.saturating_sub(rest.len()),
    })
}

#[inline]
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
        acknowledgment: header.acknowledgment_number(),
        flags: TcpFlags::of(header.slice().get(13).copied().unwrap_or_default()),
        payload: data.get(header.slice().len()..).unwrap_or_default(),
        missing: ip.missing,
    })
}

/// Ports, verification tag and checksum; the chunks follow (RFC 9260 §3.1).
pub(super) fn sctp(ip: Header, data: &[u8]) -> Result<SctpPacket<'_>, Undecoded> {
    let Some(([src_high, src_low, dst_high, dst_low, tag @ .., _, _, _, _], chunks)) =
        data.split_first_chunk::<12>()
    else {
        return Err(Undecoded::because("sctp-truncated"));
    };
    Ok(SctpPacket {
        flow: Flow {
            src: SocketAddr::new(ip.src, u16::from_be_bytes([*src_high, *src_low])),
            dst: SocketAddr::new(ip.dst, u16::from_be_bytes([*dst_high, *dst_low])),
            transport: Transport::Sctp,
        },
        verification_tag: u32::from_be_bytes(*tag),
        chunks,
        missing: ip.missing,
    })
}
