//! SCTP in UDP (RFC 6951). The checksum of SCTP proves it, so a packet that the snap length cut stays a datagram.

use super::bytes::{array, be16};
use super::ip::Header;
use super::{Content, Datagram, Encapsulation, Step, transport};

/// Ports, verification tag, checksum (RFC 9260 §3.1).
const HEADER_LEN: usize = 12;
const CHECKSUM_AT: usize = 8;
/// Type, flags and length of a chunk (RFC 9260 §3.2).
const CHUNK_HEADER_LEN: usize = 4;
/// The polynomial of CRC32c, lowest bit first (RFC 9260 appendix A).
const CASTAGNOLI: u32 = 0x82f6_3b78;

/// The addresses are those of the datagram, the ports those of SCTP (RFC 6951 §5.4).
pub(super) fn sctp<'a>(
    datagram: &Datagram<'a>,
    encapsulation: &mut Encapsulation,
) -> Option<Step<'a>> {
    let bytes = datagram.payload;
    // The chunks are looked at first, as they cost least.
    if datagram.missing > 0 || !chunks_fit(bytes.get(HEADER_LEN..)?) || !is_intact(bytes) {
        return None;
    }
    let packet = transport::sctp(Header::of(datagram), bytes).ok()?;
    encapsulation.push("sctp-in-udp");
    Some(Step::Done(Content::Sctp(packet)))
}

/// Whether there are chunks and they end where the bytes do, but for the padding of the last.
fn chunks_fit(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        let len = be16(rest, 2).map_or(0, usize::from);
        if !(CHUNK_HEADER_LEN..=rest.len()).contains(&len) {
            return false;
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    !bytes.is_empty()
}

/// Whether the checksum is right, which is reckoned with zeros in its place (RFC 9260 §6.8).
fn is_intact(packet: &[u8]) -> bool {
    let Some(sent) = array(packet, CHECKSUM_AT).map(u32::from_le_bytes) else {
        return false;
    };
    let field = CHECKSUM_AT..HEADER_LEN;
    let crc = packet.iter().enumerate().fold(!0, |crc, (at, byte)| {
        let byte = if field.contains(&at) { 0 } else { *byte };
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (CASTAGNOLI * (crc & 1))
        })
    });
    !crc == sent
}
