//! What carries SIP above IP and is put together or opened here: what `docs/encapsulations.md` is made from.

use crate::frame::envelopes::EnvelopeInfo;

/// The carriers, by the name that `transport` has in the machine output; IP fragments are no transport and have their own.
pub const CARRIERS: &[EnvelopeInfo] = &[
    EnvelopeInfo {
        name: "udp",
        title: "UDP, one message a datagram",
        specification: "RFC 768, RFC 3261 §18.3",
        recognised_by: "a SIP start line, on any port",
    },
    EnvelopeInfo {
        name: "ip-fragment",
        title: "IPv4 and IPv6 fragments, in any order, overlapping, captured several times",
        specification: "RFC 791 §3.2, RFC 8200 §4.5, RFC 5722",
        recognised_by: "the IP header, in tunnels too",
    },
    EnvelopeInfo {
        name: "tcp",
        title: "TCP: reordered, repeated, overlapping, torn and begun before the capture; framed by Content-Length",
        specification: "RFC 9293, RFC 3261 §18.3, RFC 5626 §4.4.1",
        recognised_by: "a SIP start line, on any port",
    },
    EnvelopeInfo {
        name: "tls",
        title: "TLS 1.0 to 1.3 whose secrets are given: key log, decryption secrets block of pcapng, RSA key",
        specification: "RFC 2246, RFC 4346, RFC 5246, RFC 8446; RFC 7366, RFC 7627",
        recognised_by: "the head of a record, on any port",
    },
    EnvelopeInfo {
        name: "ws",
        title: "WebSocket: masked, fragmented, compressed (permessage-deflate)",
        specification: "RFC 6455, RFC 7118, RFC 7692",
        recognised_by: "the HTTP upgrade, or a frame that begins like SIP, on any port",
    },
    EnvelopeInfo {
        name: "wss",
        title: "WebSocket inside of TLS",
        specification: "RFC 7118, RFC 8446",
        recognised_by: "as ws, in what TLS gave up",
    },
    EnvelopeInfo {
        name: "sctp",
        title: "SCTP DATA and I-DATA chunks: ordered, unordered, fragmented, bundled",
        specification: "RFC 9260, RFC 8260, RFC 4168",
        recognised_by: "a SIP start line, on any port",
    },
];
