//! The snoop format of Solaris (RFC 1761).

use super::pcap::ByteOrder;
use super::window::Window;
use super::{Drops, Flaw, Interface, LinkType, Record};
use crate::limits::RECORD_BYTES;
use crate::time::Timestamp;

const MAGIC: &[u8] = b"snoop\0\0\0";
const FILE_HEADER: usize = 16;
const RECORD_HEADER: usize = 24;
/// RFC 1761 §2.2 and §2.3: all numbers have the most significant byte first.
const ORDER: ByteOrder = ByteOrder::Big;
/// Data links of RFC 1761 §2.2 that are read: IEEE 802.3 and Ethernet.
const ETHERNET: [u32; 2] = [0, 4];

/// Whether `bytes` begin a snoop file.
pub(super) fn is_snoop(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads the packets of a snoop file.
pub(super) struct SnoopReader {
    interface: Interface,
    drops: u64,
}

impl SnoopReader {
    /// Reads the file header; `interface` is the number that its packets get.
    pub(super) fn open(window: &mut Window, interface: u32) -> Result<Self, Flaw> {
        let there = window.fill(FILE_HEADER);
        let (version, link) = (ORDER.u32(window.bytes(), 8), ORDER.u32(window.bytes(), 12));
        let flaw = |offset, what| Flaw { offset, what };
        let (Some(version), Some(link)) = (version, link) else {
            return Err(window.cut(
                0,
                format!(
                    "the file ends inside its header: {FILE_HEADER} bytes needed, {there} there"
                ),
            ));
        };
        if version != 2 {
            return Err(flaw(
                8,
                format!("its header says snoop version {version}, only 2 is known"),
            ));
        }
        if !ETHERNET.contains(&link) {
            return Err(flaw(
                12,
                format!("its header says data link {link}, only Ethernet is read from snoop files"),
            ));
        }
        window.consume(FILE_HEADER);
        Ok(Self {
            interface: Interface::new(interface, LinkType::ETHERNET),
            drops: 0,
        })
    }

    /// The next packet, which starts at the front of `window`; `None` at the end of the file.
    pub(super) fn advance(&mut self, window: &mut Window) -> Result<Option<Record>, Flaw> {
        let offset = window.offset();
        let there = window.fill(RECORD_HEADER);
        if there == 0 {
            return window.failed_here().map_or(Ok(None), Err);
        }
        if there < RECORD_HEADER {
            return Err(window.cut(
                offset,
                format!(
                    "the file ends inside a packet header: {RECORD_HEADER} bytes needed, {there} there"
                ),
            ));
        }
        let field = |at| ORDER.u32(window.bytes(), at).unwrap_or_default();
        let (original, captured, length, drops) = (field(0), field(4), field(8), field(12));
        let (seconds, micros) = (field(16), field(20));
        let (data_len, total_len) = (captured as usize, length as usize);
        if total_len < RECORD_HEADER + data_len || length > RECORD_BYTES {
            return Err(Flaw {
                offset,
                what: format!(
                    "record length {length} is not possible for a packet of {captured} bytes"
                ),
            });
        }
        let there = window.fill(total_len);
        // The last record may lack its padding.
        if there < RECORD_HEADER + data_len {
            let missing = there - RECORD_HEADER;
            return Err(window.cut(
                offset,
                format!(
                    "the file ends inside this packet: {captured} bytes announced, {missing} there"
                ),
            ));
        }
        self.drops = self.drops.max(drops.into());
        let nanos = i64::from(seconds) * 1_000_000_000 + i64::from(micros) * 1_000;
        Ok(Some(Record {
            time: Timestamp::from_nanos(nanos),
            link_type: self.interface.link_type,
            first_of_interface: self.interface.first(),
            interface: self.interface.id,
            original_len: original.max(captured),
            data_start: RECORD_HEADER,
            data_len,
            total_len: total_len.min(there),
        }))
    }

    /// Packets that were dropped, as far as the file has said so far.
    pub(super) fn drops(&self) -> Drops {
        Drops {
            by_kernel: (self.drops > 0).then_some(self.drops),
            by_interface: None,
        }
    }
}
