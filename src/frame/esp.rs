//! ESP (RFC 4303) with NULL encryption (RFC 2410), as IMS has between a handset and its proxy (3GPP TS 33.203), in IP and in
//! UDP (RFC 3948).
//!
//! No bit says that nothing is encrypted, nor how long the check value at the end is: as RFC 5879 §8 advises, each usual
//! length is tried, and a packet counts as readable when its trailer is sound and what is inside fits to the byte. Of
//! encrypted packets one in some hundred million does.

use super::ip::Header;
use super::{Content, Datagram, Encapsulation, Layer, Step, Undecoded, bytes, hep, ip, transport};
use etherparse::checksum::Sum16BitWords;
use etherparse::{IpNumber, ip_number};
use std::net::IpAddr;

/// Security parameter index and sequence number (RFC 4303 §2).
const HEADER_LEN: usize = 8;
/// The lengths of the initialization vector and of the check value: those of HMAC-MD5-96, HMAC-SHA-1-96 and AES-XCBC-96, of
/// HMAC-SHA-256-128, of AES-GMAC (RFC 4543 §3), of the longer ones (RFC 4868 §2.6), of older ones, and none.
const LENGTHS: [(usize, usize); 8] = [
    (0, 12),
    (0, 16),
    (8, 16),
    (0, 24),
    (0, 32),
    (0, 8),
    (0, 20),
    (0, 0),
];
/// What is encapsulated ends on a multiple of this (RFC 4303 §2.4).
const ALIGNMENT: usize = 4;
const UDP_HEADER_LEN: usize = 8;

/// ESP in IP; `esp` when nothing in it can be read.
pub(super) fn esp<'a>(
    ip: Header,
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    readable(ip, data, encapsulation).ok_or(Undecoded::because("esp"))
}

/// ESP in UDP; the index of zero stands before messages of IKE, and one byte is a keep-alive (RFC 3948 §2).
pub(super) fn in_udp<'a>(
    datagram: &Datagram<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    let header = Header {
        missing: datagram.missing,
        ..Header::of(datagram)
    };
    bytes::be32(datagram.payload, 0).filter(|index| *index != 0)?;
    readable(header, datagram.payload, encapsulation)
}

fn readable<'a>(ip: Header, data: &'a [u8], encapsulation: &mut Encapsulation) -> Option<Step<'a>> {
    // The trailer is what tells: without the end of the packet nothing does.
    let body = data.get(HEADER_LEN..).filter(|_| ip.missing == 0)?;
    let step = LENGTHS.iter().find_map(|&(vector, check)| {
        let end = body.len().checked_sub(check)?;
        let (protocol, inner) = without_trailer(body.get(vector..end)?)?;
        inside(ip, protocol, inner)
    })?;
    encapsulation.push("esp");
    Some(step)
}

/// The next header, and what is in front of padding, its length and the next header (RFC 4303 §2.4 to §2.6).
fn without_trailer(bytes: &[u8]) -> Option<(IpNumber, &[u8])> {
    let (rest, &[len, next]) = bytes.split_last_chunk()?;
    let (inner, padding) = rest.split_at_checked(rest.len().checked_sub(len.into())?)?;
    let sound = bytes.len().is_multiple_of(ALIGNMENT) && padding.iter().copied().eq(1..=len);
    sound.then_some((IpNumber(next), inner))
}

/// What these bytes are, when they are of this protocol and nothing is too many or too few.
fn inside(header: Header, protocol: IpNumber, bytes: &[u8]) -> Option<Step<'_>> {
    match protocol {
        ip_number::UDP => {
            let len = usize::from(bytes::be16(bytes, 4)?);
            if len != bytes.len() || len < UDP_HEADER_LEN {
                return None;
            }
            let datagram = transport::datagram(header, bytes).ok()?;
            Some(hep::or_datagram(datagram))
        }
        // A segment does not say how long it is: its checksum has to be right.
        ip_number::TCP => {
            let segment = transport::segment(header, bytes).ok()?;
            is_intact(header, protocol, bytes).then_some(Step::Done(Content::Segment(segment)))
        }
        ip_number::IPV4 | ip_number::IPV6 => {
            let version = if protocol == ip_number::IPV4 { 4 } else { 6 };
            let sound = bytes.first()? >> 4 == version
                && ip::announced_len(bytes)? == bytes.len()
                && ip::looks_like_a_packet(bytes, false);
            sound.then_some(Step::Next(Layer::Ip, bytes))
        }
        _ => None,
    }
}

/// Whether the checksum over the pseudo header and the segment is right (RFC 9293 §3.1).
fn is_intact(header: Header, protocol: IpNumber, segment: &[u8]) -> bool {
    let Ok(len) = u16::try_from(segment.len()) else {
        return false;
    };
    [header.src, header.dst]
        .iter()
        .fold(Sum16BitWords::new(), |mut sum, address| match address {
            IpAddr::V4(address) => sum.add_4bytes(address.octets()),
            IpAddr::V6(address) => sum.add_16bytes(address.octets()),
        })
        .add_2bytes([0, protocol.0])
        .add_2bytes(len.to_be_bytes())
        .add_slice(segment)
        .ones_complement()
        == 0
}
