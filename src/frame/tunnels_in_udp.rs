//! Tunnels in UDP datagrams, recognised by their well-known port. Anybody may use such a port for something else, such as
//! RTP: so each tunnel's header is checked in every bit that has to be as it is, and the datagram counts as what it is
//! until an IP header inside proves the tunnel ([`super::Envelope`] peels so), or a checksum and the like of the tunnel's own.

use super::{Datagram, Encapsulation, Step};
use super::{esp, geneve, gtp, l2tp, lisp, mpls, sctp_in_udp, teredo, tzsp, vxlan};
use Open::{Claim, Proof};

/// A payload with its length on the wire, which a snap length does not shorten.
#[derive(Clone, Copy)]
pub(super) struct Payload<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) wire_len: usize,
}

/// How a tunnel is opened.
#[derive(Clone, Copy)]
enum Open {
    /// A sound header says so much; an IP packet inside has to prove the tunnel.
    Claim(for<'a> fn(Payload<'a>, &mut Encapsulation) -> Option<Step<'a>>),
    /// What is opened so is proven.
    Proof(for<'a> fn(&Datagram<'a>, &mut Encapsulation) -> Option<Step<'a>>),
}

/// Ports that are registered with IANA for a tunnel, and 8472, which Linux used for VXLAN before there was one.
const PORTS: &[(u16, Open)] = &[
    (1701, Claim(l2tp::over_udp)),
    (2152, Claim(gtp::gtp_u)),
    (3544, Claim(teredo::teredo)),
    (4341, Claim(lisp::lisp)),
    (4500, Proof(esp::in_udp)),
    (4789, Claim(vxlan::vxlan)),
    (4790, Claim(vxlan::gpe)),
    (6081, Claim(geneve::geneve)),
    (6635, Claim(|payload, _| mpls::in_udp(payload))),
    (8472, Claim(vxlan::vxlan)),
    (9899, Proof(sctp_in_udp::sctp)),
    (37008, Claim(tzsp::tzsp)),
];

/// A bit for the lower six of each port: nearly every datagram is told at once to be on none of them.
const LOWER_BITS: u64 = {
    let (mut bits, mut rest) = (0, PORTS);
    while let [(port, _), behind @ ..] = rest {
        bits |= 1 << (*port % 64);
        rest = behind;
    }
    bits
};

/// As many bytes of text as no tunnel begins with: two labels of MPLS may look like text, the IP header behind them does not.
const TEXT: usize = 12;

/// A datagram on the port of a tunnel.
pub(super) struct Tunnel<'a> {
    datagram: Datagram<'a>,
    open: Open,
}

impl<'a> Tunnel<'a> {
    /// What is inside, when the header is that of the tunnel.
    pub(super) fn open(&self, encapsulation: &mut Encapsulation) -> Option<Step<'a>> {
        match self.open {
            Claim(open) => {
                let payload = Payload {
                    bytes: self.datagram.payload,
                    wire_len: self.datagram.payload.len() + self.datagram.missing,
                };
                open(payload, encapsulation)
            }
            Proof(open) => open(&self.datagram, encapsulation),
        }
    }

    /// Whether the tunnel is proven once it is open.
    pub(super) const fn proves_itself(&self) -> bool {
        matches!(self.open, Proof(_))
    }
}

/// The tunnel that the datagram's ports stand for, unless it is text.
pub(super) fn of<'a>(datagram: &Datagram<'a>) -> Option<Tunnel<'a>> {
    let open = opener(datagram)?;
    (!begins_with_text(datagram.payload)).then_some(Tunnel {
        datagram: *datagram,
        open,
    })
}

/// Whether a port is that of a tunnel.
#[inline]
pub(super) fn may_be(datagram: &Datagram<'_>) -> bool {
    opener(datagram).is_some()
}

#[inline]
fn opener(datagram: &Datagram<'_>) -> Option<Open> {
    [datagram.flow.dst.port(), datagram.flow.src.port()]
        .into_iter()
        .filter(|port| LOWER_BITS >> (port % 64) & 1 != 0)
        .find_map(|port| PORTS.iter().find(|(known, _)| *known == port))
        .map(|(_, open)| *open)
}

fn begins_with_text(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .take(TEXT)
        .all(|byte| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n'))
}
