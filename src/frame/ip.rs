//! IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200).

use super::icmp;
use super::transport;
use super::{Content, Step, Undecoded};
use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice, ip_number};
use std::net::IpAddr;

/// What an IP header says that matters above it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// The identification of IPv4 where it is not zero; zero says nothing on datagrams that must not be fragmented (RFC 6864).
    pub(super) identification: Option<u16>,
    /// Time to live or hop limit.
    pub(super) ttl: u8,
}

/// An IP packet taken apart, no further.
pub(super) struct Ip<'a> {
    pub(super) header: Header,
    pub(super) protocol: IpNumber,
    pub(super) payload: &'a [u8],
    /// More than nothing when this is a piece of a larger datagram.
    pub(super) fragment: bool,
    /// Whether the payload begins somewhere inside that datagram, so that no transport header is in it.
    pub(super) headless: bool,
}

/// Protocols between routers, which never carry SIP: IGMP, EIGRP, OSPF, PIM, VRRP.
const UNRELATED: &[u8] = &[2, 59, 88, 89, 103, 112];

/// Protocols that may carry SIP but are not opened, by the name they are counted under.
const NOT_OPENED: &[(u8, &str)] = &[
    (4, "ip-in-ip"),
    (41, "ipv6-in-ip"),
    (47, "gre"),
    (50, "esp"),
    (97, "ether-ip"),
    (115, "l2tp"),
    (132, "sctp"),
    (136, "udp-lite"),
    (137, "mpls-in-ip"),
];

pub(super) fn ip(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let ip = take_apart(data)?;
    if ip.fragment {
        return Err(Undecoded::because("ip-fragment"));
    }
    let content = match ip.protocol {
        ip_number::UDP => Content::Datagram(transport::datagram(ip.header, ip.payload)?),
        ip_number::TCP => Content::Segment(transport::segment(ip.header, ip.payload)?),
        ip_number::ICMP => icmp::version_4(ip.header, ip.payload),
        ip_number::IPV6_ICMP => icmp::version_6(ip.header, ip.payload),
        IpNumber(number) if UNRELATED.contains(&number) => Content::Unrelated,
        IpNumber(number) => {
            return Err(
                match NOT_OPENED.iter().find(|(value, _)| *value == number) {
                    Some((_, name)) => Undecoded::because(name),
                    None => Undecoded(format!("ip-protocol-{number}").into()),
                },
            );
        }
    };
    Ok(Step::Done(content))
}

/// Reads the header and the extension headers; the payload ends where the header says or where the bytes end.
pub(super) fn take_apart(data: &[u8]) -> Result<Ip<'_>, Undecoded> {
    match data.first().map(|byte| byte >> 4) {
        Some(4) => version_4(data),
        Some(6) => version_6(data),
        Some(_) => Err(Undecoded::because("ip-version-unknown")),
        None => Err(Undecoded::because("ip-truncated")),
    }
}

fn version_4(data: &[u8]) -> Result<Ip<'_>, Undecoded> {
    let header =
        Ipv4HeaderSlice::from_slice(data).map_err(|_| Undecoded::because("ipv4-malformed"))?;
    let header_len = header.slice().len();
    // A total length of 0 is what segmentation offload leaves behind: the packet goes to the end of the frame.
    let end = match usize::from(header.total_len()) {
        0 => data.len(),
        total => total.min(data.len()),
    };
    Ok(Ip {
        header: Header {
            src: IpAddr::V4(header.source_addr()),
            dst: IpAddr::V4(header.destination_addr()),
            identification: Some(header.identification()).filter(|&id| id != 0),
            ttl: header.ttl(),
        },
        protocol: header.protocol(),
        payload: data.get(header_len..end).unwrap_or_default(),
        fragment: header.is_fragmenting_payload(),
        headless: header.fragments_offset().value() != 0,
    })
}

fn version_6(data: &[u8]) -> Result<Ip<'_>, Undecoded> {
    let header =
        Ipv6HeaderSlice::from_slice(data).map_err(|_| Undecoded::because("ipv6-malformed"))?;
    let header_len = header.slice().len();
    let end = match usize::from(header.payload_length()) {
        0 => data.len(),
        len => (header_len + len).min(data.len()),
    };
    let body = data.get(header_len..end).unwrap_or_default();
    let chain = Chain::of(header.next_header(), body)?;
    Ok(Ip {
        header: Header {
            src: IpAddr::V6(header.source_addr()),
            dst: IpAddr::V6(header.destination_addr()),
            identification: None,
            ttl: header.hop_limit(),
        },
        protocol: chain.protocol,
        payload: chain.payload,
        fragment: chain.fragment,
        headless: chain.headless,
    })
}

/// The end of a chain of extension headers (RFC 8200 §4). By hand, as the iterator of etherparse 0.21 reads outside of the
/// bytes when a header behind the first is cut.
struct Chain<'a> {
    protocol: IpNumber,
    payload: &'a [u8],
    fragment: bool,
    headless: bool,
}

impl<'a> Chain<'a> {
    fn of(first: IpNumber, bytes: &'a [u8]) -> Result<Self, Undecoded> {
        let mut chain = Chain {
            protocol: first,
            payload: bytes,
            fragment: false,
            headless: false,
        };
        // Inside a later fragment there is no further header.
        while !chain.headless {
            // Where these four are not there, the header that should hold them is too short as well.
            let start = chain.payload.first_chunk().copied();
            let [next, len, high, low] = start.unwrap_or_default();
            let len = usize::from(len);
            let header_len = match chain.protocol {
                ip_number::IPV6_HEADER_HOP_BY_HOP
                | ip_number::IPV6_ROUTE_HEADER
                | ip_number::IPV6_DESTINATION_OPTIONS => (len + 1) * 8,
                // RFC 4302 §2.2: the length counts units of four octets, less two.
                ip_number::AUTHENTICATION_HEADER => (len + 2) * 4,
                ip_number::IPV6_FRAGMENTATION_HEADER => {
                    chain.headless = u16::from_be_bytes([high, low]) >> 3 != 0;
                    chain.fragment |= chain.headless || low & 1 != 0;
                    8
                }
                _ => break,
            };
            chain.payload = chain
                .payload
                .get(header_len..)
                .ok_or(Undecoded::because("ipv6-malformed"))?;
            chain.protocol = IpNumber(next);
        }
        Ok(chain)
    }
}
