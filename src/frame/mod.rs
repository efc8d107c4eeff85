//! Peels one packet, through any stack of link layers and tunnels, to a UDP datagram, a TCP segment, an SCTP packet, a
//! fragment or an ICMP error with its quote; or says at which layer and why it stopped. Comes in: a link type and bytes.
//! Goes out: [`Decoded`] or [`Undecoded`]. This room keeps nothing between packets and does not know SIP.
//!
//! An envelope is a file and a row in [`envelopes`]; the link types are those of `LINK_LAYERS`, the tunnels in UDP those of
//! `tunnels_in_udp`.

mod ah;
mod backbone;
mod bytes;
mod cisco_metadata;
mod cooked;
mod directed;
pub mod envelopes;
mod eoip;
mod erspan;
mod esp;
mod ether_ip;
mod ethernet;
mod exported_pdu;
mod frame_relay;
mod geneve;
mod gre;
mod gtp;
mod hdlc;
mod hep;
mod icmp;
mod ieee80211;
mod ip;
mod ip_in_ip;
mod l2tp;
mod lisp;
mod loopback;
mod macsec;
mod mpls;
mod nflog;
mod nsh;
mod packet_filter;
mod pktap;
mod plain;
mod ppp;
mod pppoe;
mod radio;
mod sctp_in_udp;
mod teredo;
#[cfg(test)]
mod tests;
mod transport;
mod tunnels_in_udp;
mod tzsp;
mod udp_lite;
mod vxlan;

pub use exported_pdu::tag as exported_pdu_tag;
pub use hep::mirrored;
pub use icmp::{IcmpError, IcmpKind, Quote};
pub use transport::{Datagram, SctpPacket, Segment, TcpFlags};

use crate::capture::LinkType;
use crate::flow::Flow;
use crate::limits::{MAX_LAYERS, MAX_LAYERS_NAMED};
use crate::time::Timestamp;
use envelopes::ENVELOPES;
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU8;

/// A packet without its envelopes.
#[derive(Clone, Debug)]
pub struct Decoded<'a> {
    /// What was around it.
    pub envelope: Envelope,
    /// What is inside.
    pub content: Content<'a>,
}

/// What a packet holds.
#[derive(Clone, Debug)]
pub enum Content<'a> {
    /// A UDP datagram.
    Datagram(Datagram<'a>),
    /// A TCP segment.
    Segment(Segment<'a>),
    /// An SCTP packet.
    Sctp(SctpPacket<'a>),
    /// A piece of an IP datagram: [`resume`] goes on once it is whole.
    Fragment(Fragment<'a>),
    /// A message that somebody copied, with the addresses it had on its way.
    Mirrored(Mirrored<'a>),
    /// An ICMP or ICMPv6 error about an earlier packet.
    IcmpError(IcmpError<'a>),
    /// Something that never carries SIP, such as ARP or a ping.
    Unrelated,
}

/// What the pieces of one IP datagram have in common (RFC 791 §3.2, RFC 8200 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FragmentedDatagram {
    /// Where it came from.
    pub src: IpAddr,
    /// Where it went.
    pub dst: IpAddr,
    /// The protocol, for IPv6 the first header, of the fragmented part.
    pub protocol: u8,
    /// Its identification, 16 bits of it for IPv4.
    pub identification: u32,
}

/// A piece of an IP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Fragment<'a> {
    /// Whose piece it is.
    pub datagram: FragmentedDatagram,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Where its payload begins in that of the datagram, in bytes.
    pub offset: u32,
    /// Whether it is not the last.
    pub more: bool,
    /// What it carries, as far as captured.
    pub payload: &'a [u8],
    /// How many bytes of the payload the capture lacks.
    pub missing: usize,
}

/// One SIP message that a mirror sent on (HEP, Wireshark's exported PDUs).
#[derive(Clone, Debug)]
pub struct Mirrored<'a> {
    /// From where to where the message itself went, and over what.
    pub flow: Flow,
    /// When the mirror saw it; `None` when it does not say.
    pub time: Option<Timestamp>,
    /// What the mirror calls itself, HEP's capture node; `None` when it does not say.
    pub node: Option<u64>,
    /// What the mirror ties messages together with, HEP's correlation id.
    pub correlation: Option<&'a [u8]>,
    /// The message; owned where the mirror compressed it.
    pub payload: Cow<'a, [u8]>,
    /// Whether bytes of the message are missing.
    pub cut: bool,
}

/// Seen from the capturing host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The host received it.
    Incoming,
    /// The host sent it.
    Outgoing,
}

impl Direction {
    /// The name in machine output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incoming => "in",
            Self::Outgoing => "out",
        }
    }
}

/// Why a packet could not be peeled, as a short stable name such as `esp`, `gre-routing` or `ethertype-0x88f7`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Undecoded(pub Cow<'static, str>);

impl fmt::Display for Undecoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Undecoded {
    const fn because(reason: &'static str) -> Self {
        Self(Cow::Borrowed(reason))
    }
}

/// The layers between the link and what was found, outermost first; IP, UDP, TCP and SCTP themselves are not named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Encapsulation {
    /// Rows of [`envelopes::ENVELOPES`], counted from one: every packet has this, few have any.
    rows: [Option<NonZeroU8>; MAX_LAYERS_NAMED],
}

impl Encapsulation {
    fn push(&mut self, name: &'static str) {
        let row = ENVELOPES.iter().position(|it| it.name == name);
        let row = row.and_then(|row| NonZeroU8::new(u8::try_from(row + 1).ok()?));
        if let Some(slot) = self.rows.iter_mut().find(|slot| slot.is_none()) {
            *slot = row;
        }
    }

    /// The names, outermost first.
    pub fn iter(&self) -> impl Iterator<Item = &'static str> + '_ {
        let row = |row: NonZeroU8| ENVELOPES.get(usize::from(row.get()) - 1);
        self.rows
            .iter()
            .flatten()
            .filter_map(move |it| row(*it))
            .map(|it| it.name)
    }
}

/// How the bytes that remain are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Ethernet,
    CookedV1,
    CookedV2,
    Loopback,
    EtherType(u16),
    LogicalLink,
    Ip,
    Mpls,
    Pppoe,
    Ppp,
    PppHdlc,
    CiscoHdlc,
    FrameRelay,
    Gre,
    Nsh,
    Ieee80211 { padded: bool },
    Radiotap,
    Prism,
    Avs,
    Nflog,
    Enc,
    Pflog,
    Directed(LinkType),
    Pppd,
    Pktap,
    Macsec,
    ExportedPdu,
    Hep { cut: bool },
}

/// What peeling one layer leads to.
enum Step<'a> {
    /// Another layer in these bytes.
    Next(Layer, &'a [u8]),
    /// The end.
    Done(Content<'a>),
}

/// Link types and the layer each begins with: the list that decides what can be read at all.
const LINK_LAYERS: &[(LinkType, Layer)] = &[
    (LinkType::ETHERNET, Layer::Ethernet),
    (LinkType::LINUX_SLL, Layer::CookedV1),
    (LinkType::LINUX_SLL2, Layer::CookedV2),
    (LinkType::RAW, Layer::Ip),
    // The numbers that libpcap uses for raw IP inside some systems find their way into files.
    (LinkType(12), Layer::Ip),
    (LinkType(14), Layer::Ip),
    (LinkType::IPV4, Layer::Ip),
    (LinkType::IPV6, Layer::Ip),
    (LinkType::NULL, Layer::Loopback),
    (LinkType::LOOP, Layer::Loopback),
    (LinkType::PPP, Layer::Ppp),
    (LinkType::PPP_HDLC, Layer::PppHdlc),
    (LinkType::PPP_ETHER, Layer::Pppoe),
    (LinkType::C_HDLC, Layer::CiscoHdlc),
    (LinkType::FRELAY, Layer::FrameRelay),
    (LinkType::IEEE802_11, Layer::Ieee80211 { padded: false }),
    (LinkType::IEEE802_11_RADIOTAP, Layer::Radiotap),
    (LinkType::IEEE802_11_PRISM, Layer::Prism),
    (LinkType::IEEE802_11_AVS, Layer::Avs),
    (LinkType::NFLOG, Layer::Nflog),
    (LinkType::ENC, Layer::Enc),
    (LinkType::PFLOG, Layer::Pflog),
    (LinkType::PPP_PPPD, Layer::Pppd),
    (LinkType::PPP_WITH_DIR, Layer::Directed(LinkType::PPP)),
    (LinkType::C_HDLC_WITH_DIR, Layer::Directed(LinkType::C_HDLC)),
    (LinkType::FRELAY_WITH_DIR, Layer::Directed(LinkType::FRELAY)),
    (LinkType::PKTAP, Layer::Pktap),
    (LinkType::WIRESHARK_UPPER_PDU, Layer::ExportedPdu),
    (LinkType::HEP, Layer::Hep { cut: false }),
];

/// The link types that [`decode`] opens.
pub fn link_types() -> impl Iterator<Item = LinkType> {
    LINK_LAYERS.iter().map(|(link_type, _)| *link_type)
}

/// The layer that packets of a link type begin with.
fn first_layer(link_type: LinkType) -> Result<Layer, Undecoded> {
    LINK_LAYERS
        .iter()
        .find(|(value, _)| *value == link_type)
        .map(|(_, layer)| *layer)
        .ok_or_else(|| Undecoded(format!("link-type-{link_type}").to_lowercase().into()))
}

/// Peels a packet whose bytes begin as `link_type` says. `original_len` is its length on the wire.
///
/// # Errors
/// [`Undecoded`] names the layer that is not understood or broken.
#[inline]
pub fn decode(
    link_type: LinkType,
    data: &[u8],
    original_len: u32,
) -> Result<Decoded<'_>, Undecoded> {
    let cut = usize::try_from(original_len).is_ok_and(|wire| wire > data.len());
    if link_type == LinkType::ETHERNET
        && let Some(decoded) = plain::packet(data, cut)
    {
        return Ok(decoded);
    }
    by_layers(link_type, data, cut)
}

/// The same, layer by layer. `cut` says that the snap length took some of the packet.
#[inline(never)]
fn by_layers(link_type: LinkType, data: &[u8], cut: bool) -> Result<Decoded<'_>, Undecoded> {
    let first = first_layer(link_type)?;
    let envelope = Envelope {
        cut,
        ..Envelope::default()
    };
    envelope.peel(Step::Next(first, data))
}

/// Goes on with a datagram whose fragments were put together: `bytes` is what they carried, `envelope` that of one of them.
///
/// # Errors
/// As [`decode`].
pub fn resume<'a>(
    datagram: &FragmentedDatagram,
    ttl: u8,
    bytes: &'a [u8],
    envelope: Envelope,
) -> Result<Decoded<'a>, Undecoded> {
    let mut envelope = envelope;
    let inside = ip::joined(datagram, ttl, bytes, &mut envelope.encapsulation)?;
    envelope.peel(inside)
}

/// What was peeled off a packet so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Names of the layers between the link and what was found, outermost first, such as `vlan`: those of
    /// [`envelopes::ENVELOPES`].
    pub encapsulation: Encapsulation,
    /// Whether the capturing host sent or received it, where the link layer says so (Linux cooked captures, PKTAP,
    /// serial lines with a direction).
    pub direction: Option<Direction>,
    /// Whether bytes of this packet are missing because the snap length cut it.
    pub cut: bool,
    /// The DSCP of the innermost IP header (RFC 2474 §3); `None` where there is none.
    pub dscp: Option<u8>,
    /// How many layers there were.
    layers: usize,
}

/// The datagram that a tunnel was read into, as long as no IP header inside proves that there is one.
#[derive(Clone, Copy)]
struct Plain<'a> {
    envelope: Envelope,
    datagram: Datagram<'a>,
}

impl<'a> Plain<'a> {
    fn decoded(self) -> Decoded<'a> {
        Decoded {
            envelope: self.envelope,
            content: Content::Datagram(self.datagram),
        }
    }
}

impl Envelope {
    fn peel(mut self, mut step: Step<'_>) -> Result<Decoded<'_>, Undecoded> {
        let mut plain: Option<Plain<'_>> = None;
        loop {
            let next = match step {
                Step::Next(layer, rest) => self.layer(layer, rest, &mut plain),
                Step::Done(content) => {
                    if let Content::Datagram(datagram) = &content
                        && self.layers < MAX_LAYERS
                        && let Some(tunnel) = tunnels_in_udp::of(datagram)
                    {
                        let envelope = self;
                        if let Some(inside) = tunnel.open(&mut self.encapsulation) {
                            if tunnel.proves_itself() {
                                self.layers += 1;
                            } else {
                                plain = Some(Plain {
                                    envelope,
                                    datagram: *datagram,
                                });
                            }
                            step = inside;
                            continue;
                        }
                    }
                    return match plain {
                        None => Ok(Decoded {
                            envelope: self,
                            content,
                        }),
                        Some(plain) => Ok(plain.decoded()),
                    };
                }
            };
            step = match (next, plain) {
                (Ok(step), _) => step,
                (Err(_), Some(plain)) => return Ok(plain.decoded()),
                (Err(reason), None) => return Err(reason),
            };
        }
    }

    fn layer<'a>(
        &mut self,
        layer: Layer,
        rest: &'a [u8],
        plain: &mut Option<Plain<'_>>,
    ) -> Result<Step<'a>, Undecoded> {
        if self.layers == MAX_LAYERS {
            return Err(Undecoded::because("too-many-layers"));
        }
        self.layers += 1;
        match layer {
            Layer::Ethernet => ethernet::ethernet(rest),
            Layer::EtherType(value) => ethernet::ether_type(value, rest, &mut self.encapsulation),
            Layer::LogicalLink => Ok(ethernet::logical_link_control(rest)),
            Layer::CookedV1 => cooked::version_1(rest, &mut self.direction),
            Layer::CookedV2 => cooked::version_2(rest, &mut self.direction),
            Layer::Loopback => loopback::loopback(rest),
            Layer::Ip => self.ip(rest, plain),
            Layer::Mpls => mpls::stack(rest, self.cut, &mut self.encapsulation),
            Layer::Pppoe => pppoe::session(rest),
            Layer::Ppp => ppp::ppp(rest),
            Layer::PppHdlc => hdlc::ppp_or_cisco(rest),
            Layer::CiscoHdlc => hdlc::cisco(rest),
            Layer::FrameRelay => frame_relay::frame_relay(rest),
            Layer::Gre => gre::gre(rest, &mut self.encapsulation),
            Layer::Nsh => nsh::nsh(rest, &mut self.encapsulation),
            Layer::Ieee80211 { padded } => ieee80211::frame(rest, padded),
            Layer::Radiotap => radio::radiotap(rest),
            Layer::Prism => radio::prism(rest),
            Layer::Avs => radio::avs(rest),
            Layer::Nflog => nflog::nflog(rest),
            Layer::Enc => packet_filter::enc(rest),
            Layer::Pflog => packet_filter::pflog(rest),
            Layer::Directed(inner) => directed::directed(inner, rest, &mut self.direction),
            Layer::Pppd => directed::pppd(rest, &mut self.direction),
            Layer::Pktap => pktap::pktap(rest, &mut self.direction),
            Layer::Macsec => macsec::macsec(rest, self.cut, &mut self.encapsulation),
            Layer::Hep { cut } => hep::packet(rest, cut, &mut self.encapsulation),
            Layer::ExportedPdu => {
                exported_pdu::exported_pdu(rest, self.cut, &mut self.encapsulation)
            }
        }
    }

    /// An IP packet. Inside of a datagram it proves the tunnel when it fits into it, and then what it holds is what counts.
    fn ip<'a>(
        &mut self,
        data: &'a [u8],
        plain: &mut Option<Plain<'_>>,
    ) -> Result<Step<'a>, Undecoded> {
        let packet = ip::take_apart(data)?;
        if plain.is_some_and(|plain| packet.header.missing > plain.datagram.missing) {
            return Err(Undecoded::because("ip-longer-than-its-tunnel"));
        }
        *plain = None;
        self.dscp = Some(packet.dscp);
        ip::open(&packet, &mut self.encapsulation)
    }
}
