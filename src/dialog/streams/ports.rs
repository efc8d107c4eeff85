//! Which addresses and ports speak SIP over a stream, so that a connection on which no message passed can be one for SIP.

use crate::flow::{Flow, Transport};
use crate::hash::{HashMap, HashSet};
use crate::limits::MAX_SIP_PORTS;
use crate::severity::Confidence;
use crate::sip::value::{self, NameAddr, Via};
use crate::sip::{HeaderName, Message, StartLine};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// The ports of SIP, as this capture shows them.
///
/// A connection without a message counts when its server is at a port that is SIP's everywhere: 5060 and 5061 (RFC 3261
/// §19.1.2), 5080 and 5081 (FreeSWITCH's other profile, and the usual second choice); where SIP came from that very address
/// and port, over whatever transport; where a URI or Via of this capture names it with `transport=tcp`, `transport=tls` or
/// `sips:`. Less sure: a port named with a host name, which may be another host; and 5062 to 5083 on a host that speaks SIP
/// elsewhere. Everything else is none of our business: web pages, mail, scans.
#[derive(Debug, Default)]
pub struct SipPorts {
    spoke: HashMap<SocketAddr, Spoken>,
    named: HashSet<(Option<IpAddr>, u16)>,
    refused: u64,
}

/// What an address and port sent SIP over.
#[derive(Clone, Copy, Debug, Default)]
struct Spoken {
    plain_stream: bool,
    tls: bool,
}

/// SIP's everywhere.
const WELL_KNOWN: [u16; 4] = [5060, 5061, 5080, 5081];
/// Where SIP over TLS is without being named so.
const OF_TLS: [u16; 2] = [5061, 5081];
/// Where several SIP services of one host are put.
const BESIDE: RangeInclusive<u16> = 5060..=5083;

impl SipPorts {
    /// Notes who sent a message.
    pub fn heard(&mut self, flow: Flow) {
        if self.spoke.len() >= MAX_SIP_PORTS && !self.spoke.contains_key(&flow.src) {
            self.refused += 1;
            return;
        }
        let spoken = self.spoke.entry(flow.src).or_default();
        match flow.transport {
            Transport::Tcp | Transport::Ws => spoken.plain_stream = true,
            Transport::Tls | Transport::Wss => spoken.tls = true,
            Transport::Udp | Transport::Sctp => {}
        }
    }

    /// Whether a message says where connections are to go.
    pub fn are_named_by(message: &Message) -> bool {
        let via = message.top_via();
        message.names_stream() || via.as_deref().and_then(Via::of).is_some_and(is_of_stream)
    }

    /// Notes where a message says that connections are to go.
    pub fn named_by(&mut self, message: &Message) {
        if let Some(value) = message.top_via()
            && let Some(via) = Via::of(&value).filter(|it| is_of_stream(*it))
        {
            self.name(via.sent_by);
        }
        if !message.names_stream() {
            return;
        }
        if let StartLine::Request { uri, .. } = message.start_line() {
            self.name_uri(uri);
        }
        for header in [
            HeaderName::Contact,
            HeaderName::Route,
            HeaderName::RecordRoute,
        ] {
            for field in message.headers(header) {
                for value in value::list(&field) {
                    self.name_uri(NameAddr::of(value).uri);
                }
            }
        }
    }

    /// Whether connections to that address are connections for SIP, and how sure that is; `None` when nothing says so.
    /// `host_speaks` says that its host sent SIP.
    pub fn evidence(&self, address: SocketAddr, host_speaks: bool) -> Option<Confidence> {
        let (ip, port) = (address.ip(), address.port());
        if WELL_KNOWN.contains(&port)
            || self.spoke.contains_key(&address)
            || self.named.contains(&(Some(ip), port))
        {
            Some(Confidence::Certain)
        } else if self.named.contains(&(None, port)) || (host_speaks && BESIDE.contains(&port)) {
            Some(Confidence::Likely)
        } else {
            None
        }
    }

    /// Whether that address sent SIP in clear over a stream.
    pub fn speaks_plain(&self, address: SocketAddr) -> bool {
        self.spoke.get(&address).is_some_and(|it| it.plain_stream)
    }

    /// Whether that address sent SIP over TLS that was read.
    pub fn speaks_tls(&self, address: SocketAddr) -> bool {
        self.spoke.get(&address).is_some_and(|it| it.tls)
    }

    /// Whether the port alone says that connections to it are for SIP over TLS.
    pub fn is_of_tls(port: u16) -> bool {
        OF_TLS.contains(&port)
    }

    /// Whether the port alone says that connections to it are for SIP in clear.
    pub fn is_of_plain(port: u16) -> bool {
        WELL_KNOWN.contains(&port) && !OF_TLS.contains(&port)
    }

    /// How many addresses could not be kept in mind.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    fn name_uri(&mut self, uri: &[u8]) {
        if value::may_name_stream(uri) {
            self.name(value::user_and_host(uri).1);
        }
    }

    /// Without a port it is one of those that are known anyway.
    fn name(&mut self, host_port: &[u8]) {
        let Some((host, port)) = std::str::from_utf8(host_port)
            .ok()
            .and_then(|text| text.rsplit_once(':'))
        else {
            return;
        };
        let Ok(port) = port.trim().parse() else {
            return;
        };
        let host = host.trim().trim_start_matches('[').trim_end_matches(']');
        let named = (host.parse().ok(), port);
        if self.named.len() < MAX_SIP_PORTS {
            self.named.insert(named);
        } else if !self.named.contains(&named) {
            self.refused += 1;
        }
    }
}

/// Whether whoever wrote a Via takes connections there.
fn is_of_stream(via: Via<'_>) -> bool {
    via.transport.eq_ignore_ascii_case(b"TCP") || via.transport.eq_ignore_ascii_case(b"TLS")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Carrier;

    fn ports(message: &str) -> SipPorts {
        let mut ports = SipPorts::default();
        let message = Message::parse(message.as_bytes(), Carrier::default()).unwrap();
        ports.named_by(&message);
        ports
    }

    #[test]
    fn a_port_is_sips_where_a_uri_or_via_names_it_for_a_stream() {
        let ports = ports(
            "INVITE sip:bob@192.0.2.7:7000;transport=TCP SIP/2.0\r\n\
             Via: SIP/2.0/TLS [2001:db8::1]:7001;branch=z9hG4bKa\r\n\
             Route: <sip:edge.example.com:7002;lr;transport=tls>, <sip:192.0.2.7:7003;lr>\r\n\
             Contact: <sips:alice@192.0.2.9:7004>\r\n\r\n",
        );
        let of = |address: &str| ports.evidence(address.parse().unwrap(), false);
        assert_eq!(of("192.0.2.7:7000"), Some(Confidence::Certain));
        assert_eq!(of("[2001:db8::1]:7001"), Some(Confidence::Certain));
        assert_eq!(of("192.0.2.200:7002"), Some(Confidence::Likely));
        assert_eq!(of("192.0.2.7:7003"), None);
        assert_eq!(of("192.0.2.9:7004"), Some(Confidence::Certain));
        assert_eq!(of("192.0.2.200:443"), None);
    }

    #[test]
    fn a_port_beside_sips_counts_on_a_host_that_speaks_sip() {
        let ports = SipPorts::default();
        let address = "192.0.2.7:5070".parse().unwrap();
        assert_eq!(ports.evidence(address, false), None);
        assert_eq!(ports.evidence(address, true), Some(Confidence::Likely));
    }
}
