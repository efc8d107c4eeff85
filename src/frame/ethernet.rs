//! Ethernet II, IEEE 802.3 with LLC/SNAP, 802.1Q and stacked VLAN tags (802.1ad and the older 0x9100).

use super::bytes::be16;
use super::{Content, Encapsulation, Layer, Step, Undecoded, backbone, cisco_metadata};
use etherparse::{Ethernet2HeaderSlice, SingleVlanHeaderSlice};

/// Values below this are a length, not a type (IEEE 802.3 §3.2.6).
const SMALLEST_ETHER_TYPE: u16 = 0x0600;
/// LLC with SNAP and an organisation of zero: an EtherType follows (RFC 1042).
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];

/// LLC of the spanning tree protocol (IEEE 802.1D §9.3).
const SPANNING_TREE: [u8; 3] = [0x42, 0x42, 0x03];
/// A whole Ethernet frame follows (RFC 1701 §4, RFC 7637 §3.2).
const TRANSPARENT_BRIDGING: u16 = 0x6558;

/// A customer's frame in that of a provider (IEEE 802.1Q §9.4).
const BACKBONE_SERVICE: u16 = 0x88e7;

/// Protocols of the link itself, which never carry SIP: WoL, ARP, CDP, NHRP, RARP, EAPOL, LLDP, PTP, loopback tests, …
const UNRELATED: &[u16] = &[
    0x0806, 0x0842, 0x2000, 0x2001, 0x22f3, 0x8035, 0x8808, 0x8809, 0x8863, 0x8899, 0x888e, 0x88cc,
    0x88e1, 0x88f5, 0x88f7, 0x8902, 0x890d, 0x893a, 0x8912, 0x9000, 0x88b5, 0x88b6,
];

/// EtherTypes that carry other packets, by the name they are counted under.
const NOT_OPENED: &[(u16, &str)] = &[(0x88be, "erspan")];

pub(super) fn ethernet(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let header = Ethernet2HeaderSlice::from_slice(data)
        .map_err(|_| Undecoded::because("ethernet-truncated"))?;
    let rest = data.get(header.slice().len()..).unwrap_or_default();
    Ok(Step::Next(layer_of(header.ether_type().0), rest))
}

/// What follows a field that holds an EtherType or a length. Cooked captures put small numbers of their own there; all of
/// them stand for frames without EtherType (`LINUX_SLL_P_802_2` and its like).
pub(super) const fn layer_of(value: u16) -> Layer {
    if value < SMALLEST_ETHER_TYPE {
        Layer::LogicalLink
    } else {
        Layer::EtherType(value)
    }
}

pub(super) fn logical_link_control(data: &[u8]) -> Step<'_> {
    match data.split_at_checked(8) {
        Some(([snap @ .., high, low], rest)) if *snap == SNAP => {
            Step::Next(Layer::EtherType(u16::from_be_bytes([*high, *low])), rest)
        }
        // Spanning tree and its like.
        _ => Step::Done(Content::Unrelated),
    }
}

pub(super) fn ether_type<'a>(
    value: u16,
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    match value {
        0x0800 | 0x86dd => Ok(Step::Next(Layer::Ip, data)),
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
            let tag = SingleVlanHeaderSlice::from_slice(data)
                .map_err(|_| Undecoded::because("vlan-truncated"))?;
            encapsulation.push("vlan");
            let rest = data.get(tag.slice().len()..).unwrap_or_default();
            Ok(Step::Next(layer_of(tag.ether_type().0), rest))
        }
        0x8847 | 0x8848 => Ok(Step::Next(Layer::Mpls, data)),
        0x8864 => {
            encapsulation.push("pppoe");
            Ok(Step::Next(Layer::Pppoe, data))
        }
        0x880b => {
            encapsulation.push("ppp");
            Ok(Step::Next(Layer::Ppp, data))
        }
        TRANSPARENT_BRIDGING => Ok(Step::Next(Layer::Ethernet, data)),
        BACKBONE_SERVICE => backbone::service_tag(data, encapsulation),
        0x88e5 => Ok(Step::Next(Layer::Macsec, data)),
        0x8909 => cisco_metadata::tag(data, encapsulation),
        0x894f => Ok(Step::Next(Layer::Nsh, data)),
        _ if UNRELATED.contains(&value) => Ok(Step::Done(Content::Unrelated)),
        _ => Err(
            match NOT_OPENED.iter().find(|(number, _)| *number == value) {
                Some((_, name)) => Undecoded::because(name),
                None => Undecoded(format!("ethertype-0x{value:04x}").into()),
            },
        ),
    }
}

/// Whether these bytes can be told to be an Ethernet frame by what its type announces: for tunnels that say neither whether
/// a frame follows nor where it begins.
pub(super) fn looks_like_a_frame(data: &[u8]) -> bool {
    let Some((value, rest)) = be16(data, 12).zip(data.get(14..)) else {
        return false;
    };
    let version = rest.first().map(|byte| byte >> 4);
    match value {
        0x0800 => version == Some(4),
        0x86dd => version == Some(6),
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x8847 | 0x8848 | 0x8864 => true,
        len if len < SMALLEST_ETHER_TYPE => {
            usize::from(len) <= rest.len()
                && (rest.starts_with(&SNAP) || rest.starts_with(&SPANNING_TREE))
        }
        other => UNRELATED.contains(&other),
    }
}
