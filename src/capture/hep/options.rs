//! Where to listen for HEP, and to whom.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// The port that Homer listens on.
const DEFAULT_PORT: u16 = 9060;

/// Where to listen for HEP, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HepOptions {
    /// The addresses to listen on.
    pub listen: Vec<HepAddress>,
    /// Who may send; everybody when empty.
    pub allow: Vec<Network>,
    /// The PEM files with the certificate chain and the private key, which `tls://` needs.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// An address to listen on, as `udp://host:port`, `tcp://…` or `tls://…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HepAddress {
    /// Over what.
    pub carrier: Carrier,
    /// A name or an IP address.
    pub host: String,
    /// The port; 0 lets the system choose.
    pub port: u16,
}

/// What HEP comes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A packet a datagram, of every version.
    Udp,
    /// A stream of packets of version 3.
    Tcp,
    /// The same inside TLS.
    Tls,
}

const CARRIERS: &[(Carrier, &str)] = &[
    (Carrier::Udp, "udp"),
    (Carrier::Tcp, "tcp"),
    (Carrier::Tls, "tls"),
];

impl Carrier {
    /// The scheme of its addresses.
    pub fn name(self) -> &'static str {
        CARRIERS
            .iter()
            .find(|(carrier, _)| *carrier == self)
            .map_or("", |(_, name)| name)
    }
}

impl FromStr for HepAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "an address is udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT".to_owned();
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (carrier, _) = CARRIERS
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(scheme))
            .ok_or_else(wrong)?;
        // An IPv6 address stands in brackets, so that its colons are not the port's.
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or_else(wrong)?,
            None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
        };
        let brackets_lie = rest.starts_with('[') && !host.contains(':');
        if host.is_empty() || host.contains(['/', '[', ']']) || brackets_lie {
            return Err(wrong());
        }
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| wrong())?,
            None if port.is_empty() => DEFAULT_PORT,
            None => return Err(wrong()),
        };
        Ok(Self {
            carrier: *carrier,
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for HepAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            carrier,
            host,
            port,
        } = self;
        let carrier = carrier.name();
        if host.contains(':') {
            write!(f, "{carrier}://[{host}]:{port}")
        } else {
            write!(f, "{carrier}://{host}:{port}")
        }
    }
}

/// One address, or all that begin alike: `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address is in it. IPv4 addresses written as IPv6 ones (::ffff:192.0.2.1) are IPv4 addresses.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                let differing = ours.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                let differing = ours.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "give an IP address or a network such as 192.0.2.0/24".to_owned();
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix
            .map_or(Ok(longest), str::parse)
            .map_err(|_| wrong())?;
        if prefix > longest {
            return Err(wrong());
        }
        Ok(Self { address, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_urls_with_a_default_port() {
        for (text, same) in [
            ("udp://0.0.0.0:9060", "udp://0.0.0.0:9060"),
            ("TCP://homer.example.com", "tcp://homer.example.com:9060"),
            ("tls://[2001:db8::1]:9061", "tls://[2001:db8::1]:9061"),
            ("udp://[::]", "udp://[::]:9060"),
            ("udp://127.0.0.1:0", "udp://127.0.0.1:0"),
        ] {
            let address: HepAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), same);
        }
        for wrong in [
            "",
            "0.0.0.0:9060",
            "http://0.0.0.0:9060",
            "udp://",
            "udp://:9060",
            "udp://::1:9060",
            "udp://[::1",
            "udp://[::1]9060",
            "udp://0.0.0.0:99999",
            "udp://0.0.0.0:9060/",
            "udp:0.0.0.0:9060",
        ] {
            assert!(wrong.parse::<HepAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_hold_what_begins_alike() {
        let holds = |network: &str, address: &str| {
            let network: Network = network.parse().expect(network);
            network.contains(address.parse().expect(address))
        };
        assert!(holds("192.0.2.1", "192.0.2.1"));
        assert!(holds("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(holds("192.0.2.0/24", "192.0.2.255"));
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!holds("192.0.2.0/24", "192.0.3.0"));
        assert!(!holds("192.0.2.1", "192.0.2.2"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(!holds("2001:db8::/32", "2001:db9::1"));
        for wrong in [
            "",
            "example.com",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2/24",
            "::/129",
        ] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
