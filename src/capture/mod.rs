//! Packets with their times, from files, stdin, interfaces and HEP agents. Comes in: a path, a stream, an interface name or
//! an address to listen on. Goes out: [`Packet`]s in order with their frame numbers, and [`CaptureFacts`] about where they came from. This room does
//! not know what is inside a packet.

mod compression;
#[cfg(feature = "live")]
mod dlt;
mod ending;
mod error;
mod file;
mod filter;
#[cfg(feature = "live")]
mod filter_help;
mod gzip;
pub mod hep;
#[cfg(feature = "live")]
mod interfaces;
#[cfg(feature = "live")]
mod listener;
#[cfg(feature = "live")]
mod live;
mod pcap;
mod pcapng;
mod pcapng_clock;
mod sniff;
mod snoop;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod window;

pub use ending::Ending;
pub use error::CaptureError;
pub use file::{FileSource, Progress, open_files, open_files_until, open_streams};
pub use filter::Filter;
#[cfg(feature = "live")]
pub use interfaces::{InterfaceInfo, interfaces, may_capture};
#[cfg(feature = "live")]
pub use live::{LiveOptions, LiveSource, open_live};

use crate::time::Timestamp;
use hep::HepFacts;
use std::fmt;
use zeroize::Zeroizing;

/// The number of a packet as Wireshark shows it: from 1, over all files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FrameNumber(pub u64);

impl fmt::Display for FrameNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One packet in which something was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The packet.
    pub frame: FrameNumber,
    /// When.
    pub time: Timestamp,
}

/// How the first bytes of a packet are to be read: a LINKTYPE_ value as in capture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a four-byte address family in the byte order of the machine that captured.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// OpenBSD loopback: a four-byte address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// IPv4 or IPv6 without anything before it.
    pub const RAW: Self = Self(101);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
    /// IPv4 without anything before it.
    pub const IPV4: Self = Self(228);
    /// IPv6 without anything before it.
    pub const IPV6: Self = Self(229);
    /// PPP, with address and control field or without.
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing (RFC 1662), or Cisco's HDLC.
    pub const PPP_HDLC: Self = Self(50);
    /// A PPPoE session without the Ethernet header (RFC 2516).
    pub const PPP_ETHER: Self = Self(51);
    /// Cisco's HDLC.
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// Frame Relay (RFC 2427).
    pub const FRELAY: Self = Self(107);
    /// What OpenBSD's IPsec interface sees.
    pub const ENC: Self = Self(109);
    /// What OpenBSD's packet filter logs.
    pub const PFLOG: Self = Self(117);
    /// IEEE 802.11 behind a Prism header.
    pub const IEEE802_11_PRISM: Self = Self(119);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// IEEE 802.11 behind an AVS header.
    pub const IEEE802_11_AVS: Self = Self(163);
    /// PPP whose address byte tells the direction.
    pub const PPP_PPPD: Self = Self(166);
    /// PPP behind a byte that tells the direction.
    pub const PPP_WITH_DIR: Self = Self(204);
    /// Cisco's HDLC behind a byte that tells the direction.
    pub const C_HDLC_WITH_DIR: Self = Self(205);
    /// Frame Relay behind a byte that tells the direction.
    pub const FRELAY_WITH_DIR: Self = Self(206);
    /// A packet of any link type behind macOS's PKTAP header.
    pub const PKTAP: Self = Self(258);
    /// What Linux's netfilter logs.
    pub const NFLOG: Self = Self(239);
    /// A message that Wireshark exported, with its addresses.
    pub const WIRESHARK_UPPER_PDU: Self = Self(252);
    /// A HEP packet and nothing else, as agents send them here. Not of the registry at tcpdump.org, whose numbers grow from
    /// 0 and are below 400: no file has it, and one that claimed it would be read alike.
    pub const HEP: Self = Self(65_060);

    /// The name that tcpdump and Wireshark use, such as `EN10MB`; `None` for one this table does not have.
    pub fn name(self) -> Option<&'static str> {
        LINK_TYPE_NAMES
            .iter()
            .find(|(value, _)| *value == self.0)
            .map(|(_, name)| *name)
    }
}

/// The name, or the number where there is none.
impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "LINKTYPE_{}", self.0),
        }
    }
}

const LINK_TYPE_NAMES: &[(u16, &str)] = &[
    (0, "NULL"),
    (1, "EN10MB"),
    (9, "PPP"),
    (50, "PPP_SERIAL"),
    (51, "PPP_ETHER"),
    (101, "RAW"),
    (104, "C_HDLC"),
    (105, "IEEE802_11"),
    (107, "FRELAY"),
    (108, "LOOP"),
    (109, "ENC"),
    (113, "LINUX_SLL"),
    (117, "PFLOG"),
    (119, "PRISM_HEADER"),
    (127, "IEEE802_11_RADIO"),
    (147, "USER0"),
    (163, "IEEE802_11_RADIO_AVS"),
    (166, "PPP_PPPD"),
    (204, "PPP_WITH_DIR"),
    (205, "C_HDLC_WITH_DIR"),
    (206, "FRELAY_WITH_DIR"),
    (228, "IPV4"),
    (229, "IPV6"),
    (239, "NFLOG"),
    (252, "WIRESHARK_UPPER_PDU"),
    (258, "PKTAP"),
    (276, "LINUX_SLL2"),
    (65_060, "HEP"),
];

/// One captured packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Its number over all files of the capture.
    pub frame: FrameNumber,
    /// When it was captured.
    pub time: Timestamp,
    /// How `data` begins.
    pub link_type: LinkType,
    /// The interface it was captured on, counted from 0 over all files and sections of the capture.
    pub interface: u32,
    /// Its length on the wire in bytes; more than `data.len()` when the snap length cut it.
    pub original_len: u32,
    /// What was captured of it.
    pub data: &'a [u8],
}

/// What a [`Source`] has next.
#[derive(Debug)]
pub enum Next<'a> {
    /// A packet.
    Packet(Packet<'a>),
    /// When a packet was captured that the filter refused: the capture went on, and this is all that is told of it.
    Refused(Timestamp),
    /// Between these moments nothing was captured: one file ended, and the next began later.
    Gap(Timestamp, Timestamp),
    /// A TLS key log that the capture holds (pcapng's Decryption Secrets Block), ahead of the packets behind it.
    Keylog(Zeroizing<Vec<u8>>),
    /// No packet for a while on an interface: the wall clock says this.
    Idle(Timestamp),
    /// Nothing more will come.
    End,
}

/// Where packets come from. One use for files, stdin and interfaces alike.
pub trait Source: Send {
    /// The next packet, in time order over all inputs as far as each input is in order itself.
    ///
    /// Damage in an input is no error: what comes before it is returned, that input ends there, and
    /// [`CaptureFacts::damage`] names it.
    ///
    /// # Errors
    /// When the input fails as a whole: an interface that went away, a read that the system refused.
    fn next(&mut self) -> Result<Next<'_>, CaptureError>;

    /// What is known about the capture so far; complete after [`Next::End`].
    fn facts(&self) -> CaptureFacts;

    /// The interfaces that went away since this was asked the last time.
    fn take_gone(&mut self) -> Vec<Damage> {
        Vec::new()
    }

    /// How much was read; `None` for what has no end, as interfaces.
    fn progress(&self) -> Option<Progress> {
        None
    }
}

/// What was read, and what limits it as evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureFacts {
    /// The inputs in the order given.
    pub inputs: Vec<InputFacts>,
    /// Packets that the kernel dropped for want of buffer, as far as the input says (pcapng statistics, live counters).
    pub dropped_by_kernel: Option<u64>,
    /// Packets that the interface or its driver dropped, as far as the input says.
    pub dropped_by_interface: Option<u64>,
    /// Where inputs turned out to be cut or broken.
    pub damage: Vec<Damage>,
    /// Until when was captured, which may be later than the last packet; `None` when the input does not say so reliably.
    pub captured_until: Option<Timestamp>,
    /// The BPF filter that packets had to pass, as given.
    pub filter: Option<String>,
    /// What HEP listeners counted; `None` when there are none.
    pub hep: Option<HepFacts>,
    /// Whether somebody ended the reading while there was more to read.
    pub ended_early: bool,
}

/// One file, stdin or interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputFacts {
    /// The path as given, `-` for stdin, the interface's name, or the address of a HEP listener as `udp://192.0.2.1:9060`.
    pub name: String,
    /// `pcap`, `pcapng`, `snoop`, with `.gz` or `.zst` behind it when compressed; `interface` and `hep` when live.
    pub format: String,
    /// The link types seen in it, in order of first appearance.
    pub link_types: Vec<LinkType>,
    /// Packets read from it, those the filter refused too.
    pub packets: u64,
    /// Bytes of those packets as captured.
    pub bytes: u64,
}

/// A place where an input is cut or broken, or an interface that went away. What came before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The input's name.
    pub input: String,
    /// The number within this input of the packet that could not be read, from 1.
    pub packet: u64,
    /// The byte offset of the damaged record, in the file after decompression, from 0.
    pub offset: u64,
    /// What is wrong there, in words without a full stop.
    pub what: String,
    /// When an interface or a HEP listener gave no more, though nobody had asked it to end; `None` for a file.
    pub gone_at: Option<Timestamp>,
}

/// What is wrong at a place of an input, before it has a name and a packet number.
#[derive(Debug)]
struct Flaw {
    offset: u64,
    what: String,
}

/// A packet whose record starts at the front of its input's window.
#[derive(Clone, Copy, Debug)]
struct Record {
    time: Timestamp,
    link_type: LinkType,
    first_of_interface: bool,
    interface: u32,
    original_len: u32,
    data_start: usize,
    data_len: usize,
    total_len: usize,
}

/// An interface that packets of a file come from.
#[derive(Debug)]
struct Interface {
    id: u32,
    link_type: LinkType,
    seen: bool,
}

impl Interface {
    fn new(id: u32, link_type: LinkType) -> Self {
        Self {
            id,
            link_type,
            seen: false,
        }
    }

    /// Whether this is its first packet.
    fn first(&mut self) -> bool {
        !std::mem::replace(&mut self.seen, true)
    }
}

/// Counts interfaces over all inputs.
#[derive(Debug, Default)]
struct InterfaceIds(u32);

impl InterfaceIds {
    fn next(&mut self) -> u32 {
        let id = self.0;
        self.0 = self.0.saturating_add(1);
        id
    }
}

/// Packets dropped while capturing, as far as the input says.
#[derive(Clone, Copy, Debug, Default)]
struct Drops {
    by_kernel: Option<u64>,
    by_interface: Option<u64>,
}

impl Drops {
    fn plus(self, other: Self) -> Self {
        let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
        Self {
            by_kernel: sum(self.by_kernel, other.by_kernel),
            by_interface: sum(self.by_interface, other.by_interface),
        }
    }
}
