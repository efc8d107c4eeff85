//! Every envelope that this room opens: what `docs/encapsulations.md` and the tests are made from.

/// An envelope around a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeInfo {
    /// The name in `encapsulation` of the machine output; of a link type the name that tcpdump has for it, which is in
    /// `link_types`.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Where it is defined.
    pub specification: &'static str,
    /// How sipdiag knows it.
    pub recognised_by: &'static str,
}

/// A row of a table.
const fn row(
    name: &'static str,
    title: &'static str,
    specification: &'static str,
    recognised_by: &'static str,
) -> EnvelopeInfo {
    EnvelopeInfo {
        name,
        title,
        specification,
        recognised_by,
    }
}

/// What lies between the link and what was found, by the name in `encapsulation`.
pub const ENVELOPES: &[EnvelopeInfo] = &[
    row(
        "vlan",
        "VLAN tags, one or more",
        "IEEE 802.1Q, IEEE 802.1ad",
        "EtherTypes 0x8100, 0x88a8, 0x9100, 0x9200",
    ),
    row(
        "pbb",
        "Frames in frames of a provider backbone",
        "IEEE 802.1ah",
        "EtherType 0x88e7",
    ),
    row(
        "macsec",
        "MACsec that protects frames without encrypting them",
        "IEEE 802.1AE",
        "EtherType 0x88e5 with E and C of zero",
    ),
    row(
        "cisco-metadata",
        "Cisco MetaData: the security group of the sender",
        "draft-smith-kandula-sxp",
        "EtherType 0x8909",
    ),
    row(
        "mpls",
        "MPLS label stack with IP, or an Ethernet pseudowire with or without control word",
        "RFC 3032, RFC 4385, RFC 4448; in IP: RFC 4023; in UDP: RFC 7510",
        "EtherTypes 0x8847, 0x8848; IP protocol 137; UDP port 6635; PPP protocols 0x0281, 0x0283",
    ),
    row(
        "pppoe",
        "PPP over Ethernet, session stage",
        "RFC 2516, RFC 1661",
        "EtherType 0x8864",
    ),
    row(
        "ppp",
        "PPP with full or compressed header, in GRE version 1 (PPTP) or by its EtherType",
        "RFC 1661, RFC 1662, RFC 2637",
        "EtherType 0x880b",
    ),
    row(
        "gre",
        "GRE with IP, or with Ethernet frames (NVGRE looks the same and has no name of its own)",
        "RFC 2784, RFC 2890, RFC 7637; version 1: RFC 2637",
        "IP protocol 47",
    ),
    row(
        "erspan",
        "ERSPAN types I, II and III, behind `gre`",
        "draft-foschiano-erspan-03",
        "GRE protocols 0x88be, 0x22eb",
    ),
    row(
        "eoip",
        "EoIP of MikroTik, behind `gre`",
        "none published; as free implementations have it",
        "GRE version 1 with protocol 0x6400",
    ),
    row(
        "nsh",
        "Network service header",
        "RFC 8300",
        "EtherType 0x894f; VXLAN-GPE next protocol 4",
    ),
    row(
        "ip-in-ip",
        "IPv4 in IPv4",
        "RFC 2003",
        "IP protocol 4 in IPv4",
    ),
    row("6in4", "IPv6 in IPv4", "RFC 4213", "IP protocol 41 in IPv4"),
    row("4in6", "IPv4 in IPv6", "RFC 2473", "next header 4 in IPv6"),
    row("6in6", "IPv6 in IPv6", "RFC 2473", "next header 41 in IPv6"),
    row(
        "etherip",
        "Ethernet frames in IP",
        "RFC 3378",
        "IP protocol 97",
    ),
    row("ah", "Authentication header", "RFC 4302", "IP protocol 51"),
    row(
        "esp",
        "ESP with NULL encryption, in transport and tunnel mode",
        "RFC 4303, RFC 2410, RFC 5879; in UDP: RFC 3948",
        "IP protocol 50 and UDP port 4500, where trailer and content fit to the byte",
    ),
    row("udp-lite", "UDP-Lite", "RFC 3828", "IP protocol 136"),
    row(
        "sctp-in-udp",
        "SCTP in UDP",
        "RFC 6951",
        "UDP port 9899, where the checksum of SCTP is right",
    ),
    row(
        "l2tp",
        "L2TP: version 2 with PPP, version 3 with Ethernet frames",
        "RFC 2661, RFC 3931",
        "UDP port 1701; IP protocol 115",
    ),
    row(
        "gtp-u",
        "GTP-U version 1, with IP or Ethernet frames",
        "3GPP TS 29.281",
        "UDP port 2152",
    ),
    row("teredo", "Teredo", "RFC 4380", "UDP port 3544"),
    row(
        "vxlan",
        "VXLAN, with group policy or without, and VXLAN-GPE",
        "RFC 7348, draft-smith-vxlan-group-policy-05, draft-ietf-nvo3-vxlan-gpe-13",
        "UDP ports 4789, 8472 and, for VXLAN-GPE, 4790",
    ),
    row("lisp", "LISP data packets", "RFC 9300", "UDP port 4341"),
    row("geneve", "GENEVE", "RFC 8926", "UDP port 6081"),
    row(
        "tzsp",
        "TZSP with Ethernet or IEEE 802.11 frames",
        "TaZmen Sniffer Protocol of Network Chemistry",
        "UDP port 37008",
    ),
    row(
        "hep",
        "HEP 1, 2 and 3: copies of messages for Homer and its like",
        "HEP/EEP of sipcapture",
        "its own header, in UDP and TCP on any port",
    ),
];

/// The link types that packets begin with. They are no part of `encapsulation`.
pub const LINKS: &[EnvelopeInfo] = &[
    row("NULL", "BSD loopback", "LINKTYPE_NULL", "link type 0"),
    row("EN10MB", "Ethernet", "IEEE 802.3, RFC 1042", "link type 1"),
    row("PPP", "PPP", "RFC 1661, RFC 1662", "link type 9"),
    row(
        "RAW",
        "IP without a link layer",
        "LINKTYPE_RAW",
        "link types 12, 14, 101",
    ),
    row(
        "PPP_SERIAL",
        "PPP in HDLC-like framing, or Cisco HDLC",
        "RFC 1662, RFC 1547",
        "link type 50",
    ),
    row("PPP_ETHER", "PPPoE session", "RFC 2516", "link type 51"),
    row("C_HDLC", "Cisco HDLC", "RFC 1547", "link type 104"),
    row(
        "IEEE802_11",
        "IEEE 802.11, data frames that are not encrypted",
        "IEEE 802.11-2020",
        "link type 105",
    ),
    row("FRELAY", "Frame Relay", "RFC 2427", "link type 107"),
    row("LOOP", "OpenBSD loopback", "LINKTYPE_LOOP", "link type 108"),
    row(
        "ENC",
        "IPsec interface of the BSDs",
        "LINKTYPE_ENC",
        "link type 109",
    ),
    row(
        "LINUX_SLL",
        "Linux cooked capture",
        "LINKTYPE_LINUX_SLL",
        "link type 113",
    ),
    row(
        "PFLOG",
        "packet filter log of the BSDs",
        "LINKTYPE_PFLOG",
        "link type 117",
    ),
    row(
        "PRISM_HEADER",
        "IEEE 802.11 behind a Prism header",
        "LINKTYPE_IEEE802_11_PRISM",
        "link type 119",
    ),
    row(
        "IEEE802_11_RADIO",
        "IEEE 802.11 behind a radiotap header",
        "radiotap.org",
        "link type 127",
    ),
    row(
        "IEEE802_11_RADIO_AVS",
        "IEEE 802.11 behind an AVS header",
        "LINKTYPE_IEEE802_11_AVS",
        "link type 163",
    ),
    row(
        "PPP_PPPD",
        "PPP with the direction in place of its address",
        "LINKTYPE_PPP_PPPD",
        "link type 166",
    ),
    row(
        "PPP_WITH_DIR",
        "PPP behind its direction",
        "LINKTYPE_PPP_WITH_DIR",
        "link type 204",
    ),
    row(
        "C_HDLC_WITH_DIR",
        "Cisco HDLC behind its direction",
        "LINKTYPE_C_HDLC_WITH_DIR",
        "link type 205",
    ),
    row(
        "FRELAY_WITH_DIR",
        "Frame Relay behind its direction",
        "LINKTYPE_FRELAY_WITH_DIR",
        "link type 206",
    ),
    row(
        "IPV4",
        "IPv4 without a link layer",
        "RFC 791",
        "link type 228",
    ),
    row(
        "IPV6",
        "IPv6 without a link layer",
        "RFC 8200",
        "link type 229",
    ),
    row(
        "NFLOG",
        "netfilter log of Linux",
        "LINKTYPE_NFLOG",
        "link type 239",
    ),
    row(
        "WIRESHARK_UPPER_PDU",
        "SIP, IP, UDP, TCP, SCTP or Ethernet as Wireshark exports it",
        "wsutil/exported_pdu_tlvs.h of Wireshark",
        "link type 252",
    ),
    row(
        "PKTAP",
        "any other link type behind the header of macOS",
        "LINKTYPE_PKTAP, bsd/net/pktap.h of XNU",
        "link type 258",
    ),
    row(
        "LINUX_SLL2",
        "Linux cooked capture, version 2",
        "LINKTYPE_LINUX_SLL2",
        "link type 276",
    ),
    row(
        "HEP",
        "HEP packets that `live --hep` receives; no file has them so",
        "HEP/EEP of sipcapture",
        "number 65060 of sipdiag's own",
    ),
];
