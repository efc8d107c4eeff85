//! IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200).

use super::bytes::{array, be16};
use super::hep;
use super::icmp;
use super::ip_in_ip;
use super::transport;
use super::{Content, Encapsulation, Fragment, FragmentedDatagram, Layer, Step, Undecoded};
use super::{Datagram, ah, esp, ether_ip, l2tp, udp_lite};
use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6Header, Ipv6HeaderSlice, ip_number};
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
    /// How many bytes of the payload that the header announces are not there.
    pub(super) missing: usize,
}

impl Header {
    /// That of a whole datagram.
    pub(super) fn of(datagram: &Datagram<'_>) -> Self {
        Self {
            src: datagram.flow.src.ip(),
            dst: datagram.flow.dst.ip(),
            identification: datagram.identification,
            ttl: datagram.ttl,
            missing: 0,
        }
    }
}

/// An IP packet taken apart, no further.
pub(super) struct Ip<'a> {
    pub(super) header: Header,
    pub(super) protocol: IpNumber,
    pub(super) payload: &'a [u8],
    /// How the network is asked to treat it (RFC 2474 §3).
    pub(super) dscp: u8,
    /// Where the payload belongs, when this is a piece of a larger datagram.
    pub(super) piece: Option<Piece>,
    /// Whether an authentication header was in front of the payload.
    authenticated: bool,
}

impl Ip<'_> {
    /// Whether the payload begins somewhere inside a larger datagram, so that no transport header is in it.
    pub(super) fn is_headless(&self) -> bool {
        self.piece.is_some_and(|piece| piece.offset > 0)
    }
}

/// The place of a payload in a datagram that was fragmented (RFC 791 §3.2, RFC 8200 §4.5).
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) identification: u32,
    pub(super) offset: u32,
    pub(super) more: bool,
}

/// Protocols between routers, which never carry SIP: IGMP, EIGRP, OSPF, PIM, VRRP.
const UNRELATED: &[u8] = &[2, 59, 88, 89, 103, 112];
/// UDP-Lite (RFC 3828 §6).
const UDP_LITE: IpNumber = IpNumber(136);

/// What a packet that was taken apart holds.
pub(super) fn open<'a>(
    ip: &Ip<'a>,
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    if ip.authenticated {
        encapsulation.push("ah");
    }
    if let Some(piece) = ip.piece {
        return Ok(Step::Done(Content::Fragment(Fragment {
            datagram: FragmentedDatagram {
                src: ip.header.src,
                dst: ip.header.dst,
                protocol: ip.protocol.0,
                identification: piece.identification,
            },
            ttl: ip.header.ttl,
            offset: piece.offset,
            more: piece.more,
            payload: ip.payload,
            missing: ip.header.missing,
        })));
    }
    payload(ip.header, ip.protocol, ip.payload, encapsulation)
}

/// The payload of a datagram that was put together from its fragments.
pub(super) fn joined<'a>(
    of: &FragmentedDatagram,
    ttl: u8,
    bytes: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    let protocol = IpNumber(of.protocol);
    // RFC 8200 §4.5: destination options may stand in the fragmented part.
    let chain = if of.src.is_ipv6() {
        Chain::of(protocol, bytes)?
    } else {
        Chain::of_version_4(protocol, bytes)?
    };
    if chain.authenticated {
        encapsulation.push("ah");
    }
    let header = Header {
        src: of.src,
        dst: of.dst,
        identification: u16::try_from(of.identification)
            .ok()
            .filter(|&id| id != 0 && of.src.is_ipv4()),
        ttl,
        missing: 0,
    };
    payload(header, chain.protocol, chain.payload, encapsulation)
}

/// What the transport protocol `protocol` carries in `bytes`.
pub(super) fn payload<'a>(
    header: Header,
    protocol: IpNumber,
    bytes: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    let content = match protocol {
        ip_number::UDP => return Ok(hep::or_datagram(transport::datagram(header, bytes)?)),
        ip_number::TCP => Content::Segment(transport::segment(header, bytes)?),
        ip_number::SCTP => Content::Sctp(transport::sctp(header, bytes)?),
        ip_number::ICMP => icmp::version_4(header, bytes),
        ip_number::IPV6_ICMP => icmp::version_6(header, bytes),
        ip_number::IPV4 | ip_number::IPV6 => {
            return ip_in_ip::inner(header.src, protocol, bytes, encapsulation);
        }
        ip_number::ENCAPSULATING_SECURITY_PAYLOAD => return esp::esp(header, bytes, encapsulation),
        UDP_LITE => return udp_lite::udp_lite(header, bytes, encapsulation),
        ip_number::GRE => return Ok(Step::Next(Layer::Gre, bytes)),
        ip_number::ETHER_IP => return ether_ip::ether_ip(bytes, encapsulation),
        ip_number::LAYER2_TUNNELING_PROTOCOL => return l2tp::over_ip(bytes, encapsulation),
        ip_number::MPLS_IN_IP => return Ok(Step::Next(Layer::Mpls, bytes)),
        IpNumber(number) if UNRELATED.contains(&number) => Content::Unrelated,
        IpNumber(number) => {
            return Err(Undecoded(format!("ip-protocol-{number}").into()));
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

/// Whether these bytes can be told to be an IP packet: for tunnels that do not say what they carry. The checksum says so of
/// IPv4; of IPv6 only the length does, as no link pads what is this long, and no more than a check sequence follows.
pub(super) fn looks_like_a_packet(data: &[u8], cut: bool) -> bool {
    const MOST_BEHIND: usize = 4;
    let Ok(ip) = take_apart(data) else {
        return false;
    };
    let Ok(header) = Ipv4HeaderSlice::from_slice(data) else {
        let announced = array(data, 4).map_or(0, u16::from_be_bytes);
        let behind = data
            .len()
            .saturating_sub(Ipv6Header::LEN + usize::from(announced));
        return (cut || ip.header.missing == 0) && behind <= MOST_BEHIND;
    };
    header.to_header().calc_header_checksum() == header.header_checksum()
}

/// How long the packet says that it is; `None` where it does not.
pub(super) fn announced_len(data: &[u8]) -> Option<usize> {
    let (at, besides) = match data.first()? >> 4 {
        4 => (2, 0),
        6 => (4, Ipv6Header::LEN),
        _ => return None,
    };
    let len = usize::from(be16(data, at)?);
    (len > 0).then_some(besides + len)
}

fn version_4(data: &[u8]) -> Result<Ip<'_>, Undecoded> {
    let header =
        Ipv4HeaderSlice::from_slice(data).map_err(|_| Undecoded::because("ipv4-malformed"))?;
    let header_len = header.slice().len();
    // A total length of 0 is what segmentation offload leaves behind: the packet goes to the end of the frame.
    let announced = match usize::from(header.total_len()) {
        0 => data.len(),
        total => total,
    };
    let end = announced.min(data.len());
    let piece = header.is_fragmenting_payload().then(|| Piece {
        identification: header.identification().into(),
        offset: u32::from(header.fragments_offset().value()) * 8,
        more: header.more_fragments(),
    });
    let body = data.get(header_len..end).unwrap_or_default();
    let chain = match piece {
        None => Chain::of_version_4(header.protocol(), body)?,
        Some(_) => Chain::empty(header.protocol(), body),
    };
    Ok(Ip {
        header: Header {
            src: IpAddr::V4(header.source_addr()),
            dst: IpAddr::V4(header.destination_addr()),
            identification: Some(header.identification()).filter(|&id| id != 0),
            ttl: header.ttl(),
            missing: announced - end,
        },
        protocol: chain.protocol,
        payload: chain.payload,
        dscp: header.dcp().value(),
        piece,
        authenticated: chain.authenticated,
    })
}

fn version_6(data: &[u8]) -> Result<Ip<'_>, Undecoded> {
    let header =
        Ipv6HeaderSlice::from_slice(data).map_err(|_| Undecoded::because("ipv6-malformed"))?;
    let header_len = header.slice().len();
    // A payload length of 0 is a jumbogram's (RFC 2675 §3), or what segmentation offload leaves behind.
    let announced = match usize::from(header.payload_length()) {
        0 => data.len(),
        len => header_len + len,
    };
    let end = announced.min(data.len());
    let body = data.get(header_len..end).unwrap_or_default();
    let chain = Chain::of(header.next_header(), body)?;
    Ok(Ip {
        header: Header {
            src: IpAddr::V6(header.source_addr()),
            dst: IpAddr::V6(header.destination_addr()),
            identification: None,
            ttl: header.hop_limit(),
            missing: announced - end,
        },
        protocol: chain.protocol,
        payload: chain.payload,
        dscp: header.traffic_class() >> 2,
        piece: chain.piece,
        authenticated: chain.authenticated,
    })
}

/// The end of a chain of extension headers (RFC 8200 §4). By hand, as the iterator of etherparse 0.21 reads outside of the
/// bytes when a header behind the first is cut.
struct Chain<'a> {
    protocol: IpNumber,
    payload: &'a [u8],
    piece: Option<Piece>,
    authenticated: bool,
}

impl<'a> Chain<'a> {
    /// No extension header at all.
    const fn empty(protocol: IpNumber, payload: &'a [u8]) -> Self {
        Chain {
            protocol,
            payload,
            piece: None,
            authenticated: false,
        }
    }

    /// That of a whole IPv4 datagram, where there is one kind.
    fn of_version_4(first: IpNumber, bytes: &'a [u8]) -> Result<Self, Undecoded> {
        let (protocol, payload) = ah::behind(first, bytes)?;
        Ok(Chain {
            authenticated: protocol != first,
            ..Chain::empty(protocol, payload)
        })
    }

    fn of(first: IpNumber, bytes: &'a [u8]) -> Result<Self, Undecoded> {
        let mut chain = Chain::empty(first, bytes);
        // Headers behind that of a fragment belong to the datagram, not to the piece.
        while chain.piece.is_none() {
            // Where these four are not there, the header that should hold them is too short as well.
            let start = chain.payload.first_chunk().copied();
            let [next, len, high, low] = start.unwrap_or_default();
            let header_len = match chain.protocol {
                ip_number::IPV6_HEADER_HOP_BY_HOP
                | ip_number::IPV6_ROUTE_HEADER
                | ip_number::IPV6_DESTINATION_OPTIONS => (usize::from(len) + 1) * 8,
                ip_number::AUTHENTICATION_HEADER => {
                    chain.authenticated = true;
                    ah::len(len)
                }
                ip_number::IPV6_FRAGMENTATION_HEADER => {
                    let offset = u32::from(u16::from_be_bytes([high, low]) & !7);
                    let more = low & 1 != 0;
                    let identification = chain.payload.get(4..8).unwrap_or_default();
                    // An "atomic" fragment is the whole datagram (RFC 6946).
                    chain.piece = (offset > 0 || more).then(|| Piece {
                        identification: identification.try_into().map_or(0, u32::from_be_bytes),
                        offset,
                        more,
                    });
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
