//! Tunnels in UDP datagrams, recognised by their well-known port. Anybody may use such a port for something else, such as
//! RTP: so each tunnel's header is checked in every bit that has to be as it is, and the datagram counts as what it is
//! until an IP header inside proves the tunnel ([`super::Envelope`] peels so).

use super::{Datagram, Encapsulation, Step};
use super::{geneve, gtp, l2tp, mpls, teredo, tzsp, vxlan};

/// A payload with its length on the wire, which a snap length does not shorten.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) wire_len: usize,
}

type Open = for<'a> fn(Payload<'a>, &mut Encapsulation) -> Option<Step<'a>>;

/// Ports that are registered with IANA for a tunnel, and 8472, which Linux used for VXLAN before there was one.
const PORTS: &[(u16, Open)] = &[
    (1701, l2tp::over_udp),
    (2152, gtp::gtp_u),
    (3544, teredo::teredo),
    (4789, vxlan::vxlan),
    (4790, vxlan::gpe),
    (6081, geneve::geneve),
    (6635, |payload, _| mpls::in_udp(payload)),
    (8472, vxlan::vxlan),
    (37008, tzsp::tzsp),
];

/// As many bytes of text as no tunnel begins with: two labels of MPLS may look like text, the IP header behind them does not.
const TEXT: usize = 12;

/// A datagram on the port of a tunnel.
pub(super) struct Tunnel<'a> {
    payload: Payload<'a>,
    open: Open,
}

impl<'a> Tunnel<'a> {
    /// What is inside, when the header is that of the tunnel.
    pub(super) fn open(&self, encapsulation: &mut Encapsulation) -> Option<Step<'a>> {
        (self.open)(self.payload, encapsulation)
    }
}

/// The tunnel that the datagram's ports stand for, unless it is text.
pub(super) fn of<'a>(datagram: &Datagram<'a>) -> Option<Tunnel<'a>> {
    let flow = datagram.flow;
    let (_, open) = [flow.dst.port(), flow.src.port()]
        .into_iter()
        .find_map(|port| PORTS.iter().find(|(known, _)| *known == port))?;
    let payload = Payload {
        bytes: datagram.payload,
        wire_len: datagram.payload.len() + datagram.missing,
    };
    (!begins_with_text(payload.bytes)).then_some(Tunnel {
        payload,
        open: *open,
    })
}

fn begins_with_text(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .take(TEXT)
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}
