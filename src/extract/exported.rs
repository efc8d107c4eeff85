//! What HEP agents sent, as packets that other programs open: LINKTYPE_WIRESHARK_UPPER_PDU with the addresses that the
//! messages had. The link type that `live` gives HEP is in no registry, and the agents' own addresses say nothing.

use crate::flow::{Flow, Transport};
use crate::frame::{Mirrored, exported_pdu_tag as tag};
use std::net::IpAddr;

/// The packet that says the same as a mirrored message.
pub(super) fn exported(mirrored: &Mirrored<'_>) -> Vec<u8> {
    let Flow {
        src,
        dst,
        transport,
    } = mirrored.flow;
    let mut packet = Vec::with_capacity(mirrored.payload.len() + 96);
    // Filled up to four bytes, as Wireshark does.
    put(&mut packet, tag::DISSECTOR, b"sip\0");
    address(&mut packet, src.ip(), tag::IPV4_SRC, tag::IPV6_SRC);
    address(&mut packet, dst.ip(), tag::IPV4_DST, tag::IPV6_DST);
    let port_type: u32 = match transport {
        Transport::Sctp => 1,
        Transport::Udp => 3,
        Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => 2,
    };
    put(&mut packet, tag::PORT_TYPE, &port_type.to_be_bytes());
    put(
        &mut packet,
        tag::SRC_PORT,
        &u32::from(src.port()).to_be_bytes(),
    );
    put(
        &mut packet,
        tag::DST_PORT,
        &u32::from(dst.port()).to_be_bytes(),
    );
    put(&mut packet, tag::END, &[]);
    packet.extend_from_slice(&mirrored.payload);
    packet
}

fn address(packet: &mut Vec<u8>, address: IpAddr, v4: u16, v6: u16) {
    match address {
        IpAddr::V4(address) => put(packet, v4, &address.octets()),
        IpAddr::V6(address) => put(packet, v6, &address.octets()),
    }
}

fn put(packet: &mut Vec<u8>, tag: u16, value: &[u8]) {
    packet.extend(tag.to_be_bytes());
    // Names and addresses are short.
    packet.extend(u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
    packet.extend(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;
    use crate::frame::{Content, decode};

    #[test]
    fn what_is_exported_is_read_as_what_was_mirrored() {
        for (src, dst, transport) in [
            ("192.0.2.1:5060", "192.0.2.2:5080", Transport::Udp),
            ("[2001:db8::1]:5060", "[2001:db8::2]:5060", Transport::Tcp),
        ] {
            let flow = Flow {
                src: src.parse().unwrap(),
                dst: dst.parse().unwrap(),
                transport,
            };
            let packet = exported(&Mirrored {
                flow,
                time: None,
                node: None,
                correlation: None,
                payload: b"OPTIONS sip:bob@example.com SIP/2.0\r\n\r\n".into(),
                cut: false,
            });
            let decoded = decode(LinkType::WIRESHARK_UPPER_PDU, &packet, 0).unwrap();
            let Content::Mirrored(read) = decoded.content else {
                panic!("{decoded:?}");
            };
            assert_eq!(read.flow, flow);
            assert!(read.payload.starts_with(b"OPTIONS "));
        }
    }
}
