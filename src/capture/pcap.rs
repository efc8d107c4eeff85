//! The classic pcap format. The headers are read here and not by pcap-parser, because it knows no big-endian files of
//! the modified format and takes every record length as it comes.

use super::window::Window;
use super::{Flaw, Interface, LinkType, Record};
use crate::limits::{PACKET_BYTES, RECORD_BYTES};
use crate::time::Timestamp;

const FILE_HEADER: usize = 24;

/// How the numbers of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The 32-bit number at `offset`; `None` when `bytes` ends before its end.
    #[inline]
    pub(super) fn u32(self, bytes: &[u8], offset: usize) -> Option<u32> {
        let bytes = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    /// The 16-bit number at `offset`; `None` when `bytes` ends before its end.
    pub(super) fn u16(self, bytes: &[u8], offset: usize) -> Option<u16> {
        let bytes = *bytes.get(offset..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }
}

/// A row for each variant: the magic number, the nanoseconds of one unit of the fraction, the length of a record header.
const VARIANTS: &[(u32, i64, usize)] = &[
    (0xa1b2_c3d4, 1_000, 16),
    (0xa1b2_3c4d, 1, 16),
    // Alexey Kuznetzov's patches to libpcap: interface index, protocol and packet type behind the usual record header.
    (0xa1b2_cd34, 1_000, 24),
];

/// Reads the packets behind a pcap file header.
pub(super) struct PcapReader {
    order: ByteOrder,
    fraction: i64,
    record_header: usize,
    version: (u16, u16),
    longest: u32,
    interface: Interface,
}

/// Whether `bytes` begin a pcap file.
pub(super) fn is_pcap(bytes: &[u8]) -> bool {
    variant(bytes).is_some()
}

fn variant(bytes: &[u8]) -> Option<(ByteOrder, i64, usize)> {
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find_map(|order| {
            let magic = order.u32(bytes, 0)?;
            let (_, fraction, header) = VARIANTS.iter().find(|(known, ..)| *known == magic)?;
            Some((order, *fraction, *header))
        })
}

impl PcapReader {
    /// Reads the file header; `interface` is the number that its packets get.
    pub(super) fn open(window: &mut Window, interface: u32) -> Result<Self, Flaw> {
        let there = window.fill(FILE_HEADER);
        let header = window.bytes();
        let fields = variant(header).and_then(|(order, fraction, record_header)| {
            let version = (order.u16(header, 4)?, order.u16(header, 6)?);
            let (snaplen, network) = (order.u32(header, 16)?, order.u32(header, 20)?);
            Some((order, fraction, record_header, version, snaplen, network))
        });
        let Some((order, fraction, record_header, version, snaplen, network)) = fields else {
            return Err(window.cut(
                0,
                format!(
                    "the file ends inside its header: {FILE_HEADER} bytes needed, {there} there"
                ),
            ));
        };
        if version.0 != 2 {
            return Err(Flaw {
                offset: 4,
                what: format!(
                    "its header says pcap version {}.{}, only 2 is known",
                    version.0, version.1
                ),
            });
        }
        window.consume(FILE_HEADER);
        Ok(Self {
            order,
            fraction,
            record_header,
            version,
            longest: longest_packet(snaplen),
            interface: Interface::new(interface, link_type(network)),
        })
    }

    /// The next packet, which starts at the front of `window`; `None` at the end of the file.
    pub(super) fn advance(&mut self, window: &mut Window) -> Result<Option<Record>, Flaw> {
        let offset = window.offset();
        let there = window.fill(self.record_header);
        if there == 0 {
            return window.failed_here().map_or(Ok(None), Err);
        }
        let Some(Header {
            seconds,
            fraction,
            captured,
            original,
        }) = self.header(window.bytes())
        else {
            let needed = self.record_header;
            return Err(window.cut(
                offset,
                format!(
                    "the file ends inside a packet header: {needed} bytes needed, {there} there"
                ),
            ));
        };
        if (seconds, fraction, captured, original) == (0, 0, 0, 0) {
            return Err(Flaw {
                offset,
                what: "only zeros where a packet should begin".to_owned(),
            });
        }
        if captured > self.longest {
            return Err(Flaw {
                offset,
                what: format!("record length {captured} is not possible"),
            });
        }
        let length = captured as usize;
        let there = window.fill(self.record_header + length) - self.record_header;
        if there < length {
            return Err(window.cut(
                offset,
                format!(
                    "the file ends inside this packet: {length} bytes announced, {there} there"
                ),
            ));
        }
        let nanos = i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * self.fraction;
        Ok(Some(Record {
            time: Timestamp::from_nanos(nanos),
            link_type: self.interface.link_type,
            first_of_interface: self.interface.first(),
            interface: self.interface.id,
            original_len: original.max(captured),
            data_start: self.record_header,
            data_len: length,
            total_len: self.record_header + length,
        }))
    }

    fn header(&self, bytes: &[u8]) -> Option<Header> {
        bytes.get(..self.record_header)?;
        let numbers: &[u8; 16] = bytes.first_chunk()?;
        let field = |offset| self.order.u32(numbers, offset);
        let (mut captured, mut original) = (field(8)?, field(12)?);
        // The lengths were the other way round before version 2.3, and in some files of 2.3.
        if self.version.1 < 3 || (self.version.1 == 3 && captured > original) {
            (captured, original) = (original, captured);
        }
        Some(Header {
            seconds: field(0)?,
            fraction: field(4)?,
            captured,
            original,
        })
    }
}

struct Header {
    seconds: u32,
    fraction: u32,
    captured: u32,
    original: u32,
}

/// The length above which a packet of a file with this snap length is damage.
pub(super) fn longest_packet(snaplen: u32) -> u32 {
    snaplen.clamp(PACKET_BYTES, RECORD_BYTES - 1024)
}

/// The link type of a network field: draft-ietf-opsawg-pcap keeps the upper 16 bits for the length of the frame check
/// sequence. Some systems wrote their own numbers for raw IP.
pub(super) fn link_type(network: u32) -> LinkType {
    let [low, high, ..] = network.to_le_bytes();
    match u16::from_le_bytes([low, high]) {
        12 | 14 => LinkType::RAW,
        value => LinkType(value),
    }
}
