//! ICMP (RFC 792) and ICMPv6 (RFC 4443) errors with the packet they quote.

use super::Content;
use super::ip::{self, Header};
use crate::flow::{Flow, Transport};
use etherparse::ip_number;
use std::net::{IpAddr, SocketAddr};

/// An error that a host or router sent about an earlier packet.
#[derive(Clone, Copy, Debug)]
pub struct IcmpError<'a> {
    /// Who reports it.
    pub reporter: IpAddr,
    /// Whom it was sent to: the sender of the quoted packet.
    pub to: IpAddr,
    /// What is wrong.
    pub kind: IcmpKind,
    /// The packet it is about, as far as the quote shows it; `None` when the quote is no UDP or TCP.
    pub quote: Option<Quote<'a>>,
}

/// The start of the packet that an ICMP error is about.
#[derive(Clone, Copy, Debug)]
pub struct Quote<'a> {
    /// From where to where that packet went.
    pub flow: Flow,
    /// The first bytes of its payload; empty when only eight bytes were quoted.
    pub payload: &'a [u8],
}

/// What an ICMP error says, the same names for both versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IcmpKind {
    /// 3/0, v6 1/0: no route to that network.
    NetworkUnreachable,
    /// 3/1, v6 1/3: the host does not answer on its network.
    HostUnreachable,
    /// 3/2, v6 4/1: the host does not know the protocol.
    ProtocolUnreachable,
    /// 3/3, v6 1/4: nobody listens on that port.
    PortUnreachable,
    /// 3/4, v6 2/0: larger than the path allows.
    PacketTooBig,
    /// 3/9, 3/10, 3/13, v6 1/1, 1/5, 1/6: a filter forbids it.
    AdministrativelyProhibited,
    /// Other codes of type 3 and v6 type 1.
    OtherUnreachable,
    /// 11/0, v6 3/0: the time to live or hop limit ran out on the way.
    TimeExceeded,
    /// 11/1, v6 3/1: fragments that its receiver waited for did not come.
    ReassemblyTimeExceeded,
    /// 12, v6 4/0 and 4/2: a header the host cannot read.
    ParameterProblem,
}

impl IcmpKind {
    /// The name in facts and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetworkUnreachable => "network unreachable",
            Self::HostUnreachable => "host unreachable",
            Self::ProtocolUnreachable => "protocol unreachable",
            Self::PortUnreachable => "port unreachable",
            Self::PacketTooBig => "packet too big",
            Self::AdministrativelyProhibited => "administratively prohibited",
            Self::OtherUnreachable => "unreachable",
            Self::TimeExceeded => "time exceeded",
            Self::ReassemblyTimeExceeded => "fragment reassembly time exceeded",
            Self::ParameterProblem => "parameter problem",
        }
    }
}

/// Type, code, checksum and four bytes that depend on the type.
const HEADER_LEN: usize = 8;

pub(super) fn version_4(header: Header, data: &[u8]) -> Content<'_> {
    let kind = match data {
        [3, code, ..] => match code {
            0 | 6 | 11 => IcmpKind::NetworkUnreachable,
            1 | 7 | 12 => IcmpKind::HostUnreachable,
            2 => IcmpKind::ProtocolUnreachable,
            3 => IcmpKind::PortUnreachable,
            4 => IcmpKind::PacketTooBig,
            9 | 10 | 13 => IcmpKind::AdministrativelyProhibited,
            _ => IcmpKind::OtherUnreachable,
        },
        [11, 1, ..] => IcmpKind::ReassemblyTimeExceeded,
        [11, ..] => IcmpKind::TimeExceeded,
        [12, ..] => IcmpKind::ParameterProblem,
        _ => return Content::Unrelated,
    };
    error(header, kind, data)
}

pub(super) fn version_6(header: Header, data: &[u8]) -> Content<'_> {
    let kind = match data {
        [1, code, ..] => match code {
            0 => IcmpKind::NetworkUnreachable,
            3 => IcmpKind::HostUnreachable,
            4 => IcmpKind::PortUnreachable,
            1 | 5 | 6 => IcmpKind::AdministrativelyProhibited,
            _ => IcmpKind::OtherUnreachable,
        },
        [2, ..] => IcmpKind::PacketTooBig,
        [3, 1, ..] => IcmpKind::ReassemblyTimeExceeded,
        [3, ..] => IcmpKind::TimeExceeded,
        [4, 1, ..] => IcmpKind::ProtocolUnreachable,
        [4, ..] => IcmpKind::ParameterProblem,
        _ => return Content::Unrelated,
    };
    error(header, kind, data)
}

fn error(header: Header, kind: IcmpKind, data: &[u8]) -> Content<'_> {
    Content::IcmpError(IcmpError {
        reporter: header.src,
        to: header.dst,
        kind,
        quote: data.get(HEADER_LEN..).and_then(quote),
    })
}

fn quote(data: &[u8]) -> Option<Quote<'_>> {
    let ip = ip::take_apart(data).ok().filter(|ip| !ip.is_headless())?;
    let (transport, header_len) = match ip.protocol {
        ip_number::UDP => (Transport::Udp, 8),
        ip_number::TCP => (
            Transport::Tcp,
            ip.payload
                .get(12)
                .map_or(20, |byte| usize::from(byte >> 4) * 4),
        ),
        _ => return None,
    };
    let (ports, _) = ip.payload.split_first_chunk::<4>()?;
    let [src_high, src_low, dst_high, dst_low] = *ports;
    Some(Quote {
        flow: Flow {
            src: SocketAddr::new(ip.header.src, u16::from_be_bytes([src_high, src_low])),
            dst: SocketAddr::new(ip.header.dst, u16::from_be_bytes([dst_high, dst_low])),
            transport,
        },
        payload: ip.payload.get(header_len..).unwrap_or_default(),
    })
}
