//! What Wireshark exports (LINKTYPE_WIRESHARK_UPPER_PDU): tags with the name of a protocol and with addresses, then a message
//! of that protocol. The format is described in Wireshark's `wsutil/exported_pdu_tlvs.h`.

use super::bytes::{array, be32};
use super::ip::{self, Header};
use super::{Content, Encapsulation, Layer, Mirrored, Step, Undecoded};
use crate::flow::{Flow, Transport};
use etherparse::{IpNumber, ip_number};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The numbers of the tags that matter, as the format names them.
#[expect(missing_docs, reason = "they are what their names say")]
pub mod tag {
    pub const END: u16 = 0;
    pub const DISSECTOR: u16 = 12;
    pub const HEURISTIC_DISSECTOR: u16 = 13;
    pub const IPV4_SRC: u16 = 20;
    pub const IPV4_DST: u16 = 21;
    pub const IPV6_SRC: u16 = 22;
    pub const IPV6_DST: u16 = 23;
    pub const PORT_TYPE: u16 = 24;
    pub const SRC_PORT: u16 = 25;
    pub const DST_PORT: u16 = 26;
}

/// Dissectors of SIP in Wireshark: by port, in TCP, and by its looks.
const SIP: &[&[u8]] = &[b"sip", b"sip.tcp", b"sip_udp", b"sip_tcp", b"sip_sctp"];
const ETHERNET: &[&[u8]] = &[b"eth", b"eth_withoutfcs", b"eth_withfcs", b"eth_maybefcs"];
const IP: &[&[u8]] = &[b"ip", b"ipv4", b"ipv6"];
const TRANSPORTS: &[(&[u8], IpNumber)] = &[
    (b"udp", ip_number::UDP),
    (b"tcp", ip_number::TCP),
    (b"sctp", ip_number::SCTP),
];
/// Names of dissectors are short; what is longer is not repeated.
const LONGEST_NAME: usize = 32;

/// What the tags say.
#[derive(Default)]
struct Tags<'a> {
    dissector: &'a [u8],
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    src_port: Option<u16>,
    dst_port: Option<u16>,
    transport: Option<Transport>,
}

pub(super) fn exported_pdu<'a>(
    data: &'a [u8],
    cut: bool,
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    let (tags, payload) = tags(data).ok_or(Undecoded::because("exported-pdu-truncated"))?;
    let named = |names: &[&[u8]]| names.contains(&tags.dissector);
    if named(SIP) {
        let flow = tags
            .flow()
            .ok_or(Undecoded::because("exported-pdu-without-addresses"))?;
        return Ok(Step::Done(Content::Mirrored(Mirrored {
            flow,
            time: None,
            node: None,
            correlation: None,
            payload: payload.into(),
            cut,
        })));
    }
    if named(ETHERNET) {
        return Ok(Step::Next(Layer::Ethernet, payload));
    }
    if named(IP) {
        return Ok(Step::Next(Layer::Ip, payload));
    }
    match TRANSPORTS.iter().find(|(name, _)| *name == tags.dissector) {
        Some((_, protocol)) => {
            let header = tags
                .header()
                .ok_or(Undecoded::because("exported-pdu-without-addresses"))?;
            ip::payload(header, *protocol, payload, encapsulation)
        }
        None => Err(Undecoded(name_of(tags.dissector).into())),
    }
}

/// Each tag is a type, a length and a value, until the one that ends them.
fn tags(data: &[u8]) -> Option<(Tags<'_>, &[u8])> {
    let mut tags = Tags::default();
    let mut rest = data;
    loop {
        let (&[a, b, c, d], behind) = rest.split_first_chunk()?;
        let (kind, len) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        let (value, behind) = behind.split_at_checked(usize::from(len))?;
        rest = behind;
        if kind == tag::END {
            return Some((tags, rest));
        }
        tags.take(kind, value);
    }
}

impl<'a> Tags<'a> {
    fn take(&mut self, kind: u16, value: &'a [u8]) {
        let ipv4 = || array::<4>(value, 0).map(|it| IpAddr::V4(Ipv4Addr::from(it)));
        let ipv6 = || array::<16>(value, 0).map(|it| IpAddr::V6(Ipv6Addr::from(it)));
        let port = || be32(value, 0).and_then(|it| u16::try_from(it).ok());
        match kind {
            tag::DISSECTOR | tag::HEURISTIC_DISSECTOR => {
                // Filled up with zeros to a multiple of four bytes.
                let end = value.iter().position(|byte| *byte == 0);
                self.dissector = value.get(..end.unwrap_or(value.len())).unwrap_or_default();
            }
            tag::IPV4_SRC => self.src = ipv4(),
            tag::IPV4_DST => self.dst = ipv4(),
            tag::IPV6_SRC => self.src = ipv6(),
            tag::IPV6_DST => self.dst = ipv6(),
            tag::SRC_PORT => self.src_port = port(),
            tag::DST_PORT => self.dst_port = port(),
            tag::PORT_TYPE => {
                self.transport = match be32(value, 0) {
                    Some(1) => Some(Transport::Sctp),
                    Some(2) => Some(Transport::Tcp),
                    Some(3) => Some(Transport::Udp),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    fn flow(&self) -> Option<Flow> {
        Some(Flow {
            src: SocketAddr::new(self.src?, self.src_port?),
            dst: SocketAddr::new(self.dst?, self.dst_port?),
            transport: self.transport?,
        })
    }

    fn header(&self) -> Option<Header> {
        Some(Header {
            src: self.src?,
            dst: self.dst?,
            identification: None,
            ttl: 0,
            missing: 0,
        })
    }
}

/// The name that what is not opened is counted under. The bytes are a stranger's: only what a name of Wireshark's has goes in.
fn name_of(dissector: &[u8]) -> String {
    let sound = dissector
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    match str::from_utf8(dissector) {
        Ok(name) if sound && (1..=LONGEST_NAME).contains(&name.len()) => {
            format!("exported-pdu-{}", name.to_lowercase())
        }
        _ => "exported-pdu-unknown".to_owned(),
    }
}
