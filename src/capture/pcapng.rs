//! The pcapng format: sections, interfaces, packets and drop counts. Blocks are cut here, so that lengths are bounded
//! and what is not needed is skipped unread; pcap-parser reads the options of those that describe interfaces. Packet
//! blocks have fixed fields, and a packet is worth reading even when the options behind it are not.

use super::pcap::{ByteOrder, link_type, longest_packet};
use super::pcapng_clock::Clock;
use super::window::Window;
use super::{Drops, Flaw, Interface, InterfaceIds, Record};
use crate::limits::{INTERFACES, RECORD_BYTES};
use crate::time::Timestamp;
use pcap_parser::{
    EPB_MAGIC, IDB_MAGIC, ISB_MAGIC, OptionCode, PcapNGOption, SHB_MAGIC, SPB_MAGIC,
    parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_interfacestatisticsblock_be, parse_interfacestatisticsblock_le,
    parse_sectionheaderblock_be, parse_sectionheaderblock_le,
};
use zeroize::Zeroizing;

/// The Decryption Secrets Block, and the secrets in it that are a TLS key log.
const DSB_MAGIC: u32 = 10;
const TLS_KEY_LOG: u32 = 0x544c_534b;
/// The obsolete Packet Block.
const PB_MAGIC: u32 = 2;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type, length, and the length again at the end.
const FRAMING: usize = 12;

/// Whether `bytes` begin a pcapng file.
pub(super) fn is_pcapng(bytes: &[u8]) -> bool {
    bytes.starts_with(&SHB_MAGIC.to_be_bytes())
}

/// Reads the packets of a pcapng file.
pub(super) struct PcapngReader {
    order: ByteOrder,
    interfaces: Vec<Described>,
    drops: Drops,
    last_time: Timestamp,
    /// Whether sipdiag wrote the present section.
    is_extract: bool,
    captured_until: Option<Timestamp>,
    /// TLS key logs that nobody took yet.
    keylog: Zeroizing<Vec<u8>>,
}

/// An interface of the present section.
struct Described {
    interface: Interface,
    snaplen: u32,
    clock: Clock,
    drops: Drops,
}

/// A block at the front of the window.
struct Block {
    kind: u32,
    length: usize,
    offset: u64,
}

impl PcapngReader {
    /// Reads the first section header.
    pub(super) fn open(window: &mut Window) -> Result<Self, Flaw> {
        let mut reader = Self {
            order: ByteOrder::Little,
            interfaces: Vec::new(),
            drops: Drops::default(),
            last_time: Timestamp::default(),
            is_extract: false,
            captured_until: None,
            keylog: Zeroizing::default(),
        };
        let Some(block) = reader.block(window)? else {
            return Err(window.cut(0, "the file ends inside its header".to_owned()));
        };
        reader.section(window, &block)?;
        window.consume(block.length);
        Ok(reader)
    }

    /// The next packet, whose block starts at the front of `window`; `None` at the end of the file.
    pub(super) fn advance(
        &mut self,
        window: &mut Window,
        ids: &mut InterfaceIds,
    ) -> Result<Option<Record>, Flaw> {
        loop {
            let Some(block) = self.block(window)? else {
                return Ok(None);
            };
            match block.kind {
                EPB_MAGIC | SPB_MAGIC | PB_MAGIC => return self.packet(window, &block).map(Some),
                SHB_MAGIC => self.section(window, &block)?,
                IDB_MAGIC => self.interface(window, &block, ids)?,
                ISB_MAGIC => self.statistics(window, &block)?,
                DSB_MAGIC => self.secrets(window, &block)?,
                _ => {
                    self.skip(window, &block)?;
                    continue;
                }
            }
            window.consume(block.length);
        }
    }

    /// Packets that were dropped, as far as the file has said so far.
    pub(super) fn drops(&self) -> Drops {
        self.interfaces
            .iter()
            .fold(self.drops, |sum, described| sum.plus(described.drops))
    }

    /// Until when was captured. Only extracts of sipdiag are believed: what cuts a piece out of a file often leaves there when
    /// the whole file ended, and then silence would prove what it does not.
    pub(super) const fn captured_until(&self) -> Option<Timestamp> {
        self.captured_until
    }

    /// The frame of the next block; `None` at the end of the file.
    fn block(&mut self, window: &mut Window) -> Result<Option<Block>, Flaw> {
        let offset = window.offset();
        let there = window.fill(8);
        if there == 0 {
            return window.failed_here().map_or(Ok(None), Err);
        }
        // The type of a section header reads the same in both byte orders; its byte-order magic follows its length.
        if is_pcapng(window.bytes()) && window.fill(FRAMING) >= FRAMING {
            self.order = byte_order(window.bytes()).ok_or_else(|| Flaw {
                offset,
                what: "a section header without the byte-order magic".to_owned(),
            })?;
        }
        let bytes = window.bytes();
        let (Some(kind), Some(length)) = (self.order.u32(bytes, 0), self.order.u32(bytes, 4))
        else {
            return Err(window.cut(
                offset,
                format!("the file ends inside a block header: 8 bytes needed, {there} there"),
            ));
        };
        let least = match kind {
            SHB_MAGIC => 28,
            EPB_MAGIC | PB_MAGIC => 32,
            IDB_MAGIC | DSB_MAGIC => 20,
            ISB_MAGIC => 24,
            SPB_MAGIC => 16,
            _ => 12,
        };
        if kind == SHB_MAGIC && bytes.len() < FRAMING {
            return Err(window.cut(offset, "the file ends inside a section header".to_owned()));
        }
        if length < least || !length.is_multiple_of(4) {
            return Err(Flaw {
                offset,
                what: format!("block length {length} is not possible"),
            });
        }
        Ok(Some(Block {
            kind,
            length: length as usize,
            offset,
        }))
    }

    /// Has the whole block in the window; returns its bytes.
    fn whole<'w>(&self, window: &'w mut Window, block: &Block) -> Result<&'w [u8], Flaw> {
        let Block { offset, length, .. } = *block;
        if length > RECORD_BYTES as usize {
            return Err(Flaw {
                offset,
                what: format!("record length {length} is not possible"),
            });
        }
        let there = window.fill(length);
        if there < length {
            let what =
                format!("the file ends inside this block: {length} bytes announced, {there} there");
            return Err(window.cut(offset, what));
        }
        let bytes = window.bytes().get(..length).unwrap_or_default();
        self.same_length_again(bytes, block)?;
        Ok(bytes)
    }

    /// Moves past a block of which nothing is needed.
    fn skip(&self, window: &mut Window, block: &Block) -> Result<(), Flaw> {
        let Block { offset, length, .. } = *block;
        let missing = window.skip(length as u64 - 4);
        if missing > 0 || window.fill(4) < 4 {
            let what = format!("the file ends inside this block of {length} bytes");
            return Err(window.cut(offset, what));
        }
        let last = window.bytes().get(..4).unwrap_or_default();
        self.same_length_again(last, block)?;
        window.consume(4);
        Ok(())
    }

    fn same_length_again(&self, bytes: &[u8], block: &Block) -> Result<(), Flaw> {
        let Block { offset, length, .. } = *block;
        match self.order.u32(bytes, bytes.len().saturating_sub(4)) {
            Some(again) if again as usize == length => Ok(()),
            again => Err(Flaw {
                offset,
                what: format!(
                    "the two lengths of this block differ: {length} before it, {} behind it",
                    again.unwrap_or_default()
                ),
            }),
        }
    }

    fn section(&mut self, window: &mut Window, block: &Block) -> Result<(), Flaw> {
        let order = self.order;
        let bytes = self.whole(window, block)?;
        let version = order.u16(bytes, 12).unwrap_or_default();
        if version != 1 {
            return Err(Flaw {
                offset: block.offset,
                what: format!("a section says pcapng version {version}, only 1 is known"),
            });
        }
        let parsed = match order {
            ByteOrder::Little => parse_sectionheaderblock_le(bytes),
            ByteOrder::Big => parse_sectionheaderblock_be(bytes),
        };
        self.is_extract = parsed.is_ok_and(|(_, header)| {
            let mut options = header.options.iter();
            let application = options.find(|it| it.code == SHB_USERAPPL);
            application.is_some_and(|it| it.value().starts_with(b"sipdiag "))
        });
        self.drops = self.drops();
        self.interfaces.clear();
        Ok(())
    }

    fn interface(
        &mut self,
        window: &mut Window,
        block: &Block,
        ids: &mut InterfaceIds,
    ) -> Result<(), Flaw> {
        let order = self.order;
        let flaw = |what: &str| Flaw {
            offset: block.offset,
            what: what.to_owned(),
        };
        let bytes = self.whole(window, block)?;
        let parsed = match order {
            ByteOrder::Little => parse_interfacedescriptionblock_le(bytes),
            ByteOrder::Big => parse_interfacedescriptionblock_be(bytes),
        };
        let Ok((_, description)) = parsed else {
            return Err(flaw("an interface description that cannot be read"));
        };
        let option = |code| number(&description.options, code, order);
        let resolution = option(OptionCode::IfTsresol).and_then(|value| u8::try_from(value).ok());
        let offset = option(OptionCode::IfTsoffset).unwrap_or(0).cast_signed();
        let network = u32::try_from(description.linktype.0).unwrap_or_default();
        let snaplen = description.snaplen;
        if self.interfaces.len() >= INTERFACES {
            return Err(flaw("more interfaces than any machine has"));
        }
        self.interfaces.push(Described {
            interface: Interface::new(ids.next(), link_type(network)),
            snaplen,
            clock: Clock::new(resolution, offset),
            drops: Drops::default(),
        });
        Ok(())
    }

    fn statistics(&mut self, window: &mut Window, block: &Block) -> Result<(), Flaw> {
        let order = self.order;
        let bytes = self.whole(window, block)?;
        let parsed = match order {
            ByteOrder::Little => parse_interfacestatisticsblock_le(bytes),
            ByteOrder::Big => parse_interfacestatisticsblock_be(bytes),
        };
        let Ok((_, statistics)) = parsed else {
            return Ok(());
        };
        let index = statistics.if_id as usize;
        let by_interface = number(&statistics.options, OptionCode(ISB_IFDROP), order);
        let by_kernel = number(&statistics.options, OptionCode(ISB_OSDROP), order);
        let ended = number(&statistics.options, ISB_ENDTIME, order).filter(|_| self.is_extract);
        // The counts run from the start of the capture: the last block of an interface says it all.
        if let Some(described) = self.interfaces.get_mut(index) {
            let drops = &mut described.drops;
            drops.by_interface = by_interface.or(drops.by_interface);
            drops.by_kernel = by_kernel.or(drops.by_kernel);
            // A time is two halves, the upper one first.
            let ended = ended.map(|it| described.clock.time(it.rotate_left(HALF)));
            self.captured_until = self.captured_until.max(ended);
        }
        Ok(())
    }

    /// Keeps a TLS key log; other secrets are none of our business.
    fn secrets(&mut self, window: &mut Window, block: &Block) -> Result<(), Flaw> {
        let order = self.order;
        let bytes = self.whole(window, block)?;
        if order.u32(bytes, 8) != Some(TLS_KEY_LOG) {
            return Ok(());
        }
        let len = order.u32(bytes, 12).unwrap_or_default() as usize;
        let log = 16_usize
            .checked_add(len)
            .filter(|&end| end + 4 <= bytes.len())
            .and_then(|end| bytes.get(16..end))
            .ok_or_else(|| Flaw {
                offset: block.offset,
                what: format!("secrets of {len} bytes do not fit into their block"),
            })?;
        // A vector that grows leaves bytes behind that nobody wipes.
        let mut all = Zeroizing::new(Vec::with_capacity(self.keylog.len() + log.len() + 1));
        all.extend_from_slice(&self.keylog);
        all.extend_from_slice(log);
        all.push(b'\n');
        self.keylog = all;
        Ok(())
    }

    /// The TLS key logs that came since the last time; `None` when there were none.
    pub(super) fn take_keylog(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        (!self.keylog.is_empty()).then(|| std::mem::take(&mut self.keylog))
    }

    fn packet(&mut self, window: &mut Window, block: &Block) -> Result<Record, Flaw> {
        let Block {
            kind,
            offset,
            length,
        } = *block;
        let order = self.order;
        let bytes = self.whole(window, block)?;
        let fields = fields(kind, order, bytes);
        let described = self
            .interfaces
            .get_mut(fields.interface)
            .ok_or_else(|| Flaw {
                offset,
                what: format!(
                    "a packet of interface {}, which the file does not describe",
                    fields.interface
                ),
            })?;
        let data_start = if kind == SPB_MAGIC { FRAMING } else { 28 };
        let room = length - data_start - 4;
        let captured = fields.captured.unwrap_or_else(|| {
            let snaplen = if described.snaplen == 0 {
                u32::MAX
            } else {
                described.snaplen
            };
            // Bounded by RECORD_BYTES.
            let room = u32::try_from(room).unwrap_or(u32::MAX);
            fields.original.min(snaplen).min(room)
        });
        if captured as usize > room || captured > longest_packet(described.snaplen) {
            return Err(Flaw {
                offset,
                what: format!(
                    "packet length {captured} is not possible in a block of {length} bytes"
                ),
            });
        }
        let time = fields
            .time
            .map_or(self.last_time, |units| described.clock.time(units));
        self.last_time = time;
        Ok(Record {
            time,
            link_type: described.interface.link_type,
            first_of_interface: described.interface.first(),
            interface: described.interface.id,
            original_len: fields.original.max(captured),
            data_start,
            data_len: captured as usize,
            total_len: length,
        })
    }
}

const SHB_USERAPPL: OptionCode = OptionCode(4);
const ISB_ENDTIME: OptionCode = OptionCode(3);
/// Bits of half a time.
const HALF: u32 = 32;
const ISB_IFDROP: u16 = 5;
const ISB_OSDROP: u16 = 7;

/// The fixed fields of a packet block.
#[derive(Default)]
struct Fields {
    interface: usize,
    /// `None` in a Simple Packet Block.
    time: Option<u64>,
    /// `None` in a Simple Packet Block.
    captured: Option<u32>,
    original: u32,
}

/// The fields of a packet block that is long enough to have them, which the caller has seen to.
fn fields(kind: u32, order: ByteOrder, bytes: &[u8]) -> Fields {
    let field = |offset| order.u32(bytes, offset).unwrap_or_default();
    if kind == SPB_MAGIC {
        return Fields {
            original: field(8),
            ..Fields::default()
        };
    }
    let interface = match kind {
        // The obsolete block has a drop count behind a 16-bit interface.
        PB_MAGIC => usize::from(order.u16(bytes, 8).unwrap_or_default()),
        _ => field(8) as usize,
    };
    Fields {
        interface,
        time: Some(u64::from(field(12)) << 32 | u64::from(field(16))),
        captured: Some(field(20)),
        original: field(24),
    }
}

fn byte_order(section_header: &[u8]) -> Option<ByteOrder> {
    [ByteOrder::Little, ByteOrder::Big]
        .into_iter()
        .find(|order| order.u32(section_header, 8) == Some(BYTE_ORDER_MAGIC))
}

/// The value of a one- or eight-byte number option; `None` when it is not there or of another length.
fn number(options: &[PcapNGOption<'_>], code: OptionCode, order: ByteOrder) -> Option<u64> {
    let option = options.iter().find(|option| option.code == code)?;
    let value = option.as_bytes().ok()?;
    if let [value] = value {
        return Some(u64::from(*value));
    }
    let value = <[u8; 8]>::try_from(value).ok()?;
    Some(match order {
        ByteOrder::Little => u64::from_le_bytes(value),
        ByteOrder::Big => u64::from_be_bytes(value),
    })
}
