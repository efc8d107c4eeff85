//! What people, hosts, status codes and findings are asked for by.

use super::Glob;
use crate::capture::hep::Network;
use crate::rules::{Finding, Named, RULES};
use crate::sip::value::user_and_host;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// Who calls or is called, from what is pasted out of a message: the URI of `"Alice" <sip:alice@example.com>;tag=1`. Of
/// `@example.com` it is everybody there.
///
/// # Errors
/// When it is not one URI.
pub fn party(text: &str) -> Result<Glob, String> {
    let uri = uri_of(text)?;
    if uri.starts_with('@') {
        return format!("*{uri}").parse();
    }
    uri.parse()
}

/// A user, from a URI with it too.
///
/// # Errors
/// When there is none in it.
pub fn user(text: &str) -> Result<Glob, String> {
    let uri = uri_of(text)?;
    let bare = ["sip:", "sips:", "tel:"].iter().find_map(|scheme| {
        let (start, rest) = uri.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let address = bare.unwrap_or(uri);
    match address.split_once('@') {
        Some(("", host)) => Err(format!(
            "there is no user in @{host}; a host is --host {host}"
        )),
        Some((user, _)) => user.parse(),
        None => address.parse(),
    }
}

fn uri_of(text: &str) -> Result<&str, String> {
    let text = text.trim();
    let Some((_, behind)) = text.split_once('<') else {
        return if text.contains(['"', '>']) {
            Err("give the URI alone, such as sip:alice@example.com, or the user".to_owned())
        } else {
            Ok(text)
        };
    };
    let uri = behind.split_once('>').map(|(uri, _)| uri);
    // Parameters are no part of who it is.
    let uri = uri.and_then(|uri| uri.split(';').next());
    uri.ok_or_else(|| "there is no > behind the <".to_owned())
}

/// A host: an address, an address with port, a network, or the name in a URI, perhaps with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    written: Box<str>,
    what: Host,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Socket(SocketAddr),
    Network(Network),
    Name(Glob),
}

impl HostPattern {
    /// Whether it is the host of an address.
    pub fn is(&self, address: SocketAddr) -> bool {
        match &self.what {
            Host::Socket(socket) => {
                socket.ip() == address.ip().to_canonical() && socket.port() == address.port()
            }
            Host::Network(network) => network.contains(address.ip()),
            Host::Name(glob) => glob.matches(address.ip().to_string().as_bytes()),
        }
    }

    /// Whether a URI names it. Addresses are asked for where packets went, names where URIs say them.
    pub fn is_named_by(&self, uri: &[u8]) -> bool {
        let Host::Name(glob) = &self.what else {
            return false;
        };
        let (_, host) = user_and_host(uri);
        let name = host.split(|byte| *byte == b':').next().unwrap_or_default();
        glob.matches(host) || glob.matches(name)
    }
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let what = if let Ok(socket) = text.parse::<SocketAddr>() {
            Host::Socket(SocketAddr::new(socket.ip().to_canonical(), socket.port()))
        } else if let Ok(network) = bare.parse::<Network>() {
            Host::Network(network)
        } else if let Some(error) = no_address(text) {
            return Err(error);
        } else if text.is_empty() || text.contains(['/', ' ', '@', '<', '>']) {
            return Err(
                "a host is an address such as 192.0.2.1 or 192.0.2.1:5060, a network such as 192.0.2.0/24, or a name such as *.example.com"
                    .to_owned(),
            );
        } else {
            Host::Name(text.parse()?)
        };
        Ok(Self {
            written: text.into(),
            what,
        })
    }
}

/// What to write instead of numbers with dots that are no address; `None` for everything else.
fn no_address(text: &str) -> Option<String> {
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, format!(":{port}")),
        None => (text, String::new()),
    };
    let numbers: Option<Vec<u8>> = host.split('.').map(|part| part.parse().ok()).collect();
    if host.is_empty() || host.contains(|it: char| !it.is_ascii_digit() && it != '.') {
        return None;
    }
    let is_port = port.is_empty() || port.get(1..).is_some_and(|it| it.parse::<u16>().is_ok());
    let instead = match numbers.as_deref() {
        Some([_, _, _, _]) if !is_port => "a port is a number up to 65535".to_owned(),
        Some([a, b, c, d]) => format!("write {a}.{b}.{c}.{d}{port}"),
        Some([a, b, c]) => format!("a network is written {a}.{b}.{c}.0/24"),
        Some([a, b]) => format!("a network is written {a}.{b}.0.0/16"),
        Some([a]) => format!("a network is written {a}.0.0.0/8"),
        _ => "an address has four numbers up to 255".to_owned(),
    };
    Some(format!("{text} is no address; {instead}"))
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Status codes: `401`, `4xx`, `48*` or `400-499`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    first: u64,
    last: u64,
}

impl Codes {
    /// Whether a code is among them.
    pub const fn contains(&self, code: u64) -> bool {
        self.first <= code && code <= self.last
    }
}

impl FromStr for Codes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "give a code such as 401, a class such as 4xx, 4* or 48?, or a range such as 500-599";
        let code = |text: &str| match text.trim().parse::<u64>() {
            Ok(code @ 100..700) => Ok(code),
            _ => Err(wrong()),
        };
        let (first, last) = match *text.trim().as_bytes() {
            [class @ b'1'..=b'6', b'x' | b'X' | b'?', b'x' | b'X' | b'?']
            | [class @ b'1'..=b'6', b'*'] => {
                let first = u64::from(class - b'0') * 100;
                (first, first + 99)
            }
            [
                class @ b'1'..=b'6',
                ten @ b'0'..=b'9',
                b'x' | b'X' | b'?' | b'*',
            ] => {
                let first = u64::from(class - b'0') * 100 + u64::from(ten - b'0') * 10;
                (first, first + 9)
            }
            [b'*'] => (100, 699),
            _ => match text.split_once('-') {
                Some((first, last)) => (code(first)?, code(last)?),
                None => (code(text)?, code(text)?),
            },
        };
        if first > last {
            return Err(format!("{last} comes before {first}"));
        }
        Ok(Self { first, last })
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (first, last) if first == last => write!(f, "{first}"),
            (first, last) if first % 100 == 0 && last == first + 99 => {
                write!(f, "{}xx", first / 100)
            }
            (first, last) => write!(f, "{first}-{last}"),
        }
    }
}

/// A finding by name or code, or several by a name with wildcards.
#[derive(Clone, Debug)]
pub enum FindingPattern {
    /// One.
    One(Named),
    /// Those whose names fit.
    Wild(Glob),
}

impl FindingPattern {
    /// Whether it is this one.
    pub fn is(&self, finding: &Finding) -> bool {
        match self {
            Self::One(named) => named.is(finding),
            Self::Wild(glob) => glob.matches(finding.name().as_bytes()),
        }
    }
}

impl FromStr for FindingPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let glob: Glob = text.parse()?;
        if glob.is_wild() {
            // The names of status codes are made when they are found.
            let known = RULES.iter().any(|rule| glob.matches(rule.name.as_bytes()))
                || (300..700).any(|code| glob.matches(format!("status-{code}").as_bytes()));
            return if known {
                Ok(Self::Wild(glob))
            } else {
                Err(format!(
                    "no finding has a name like \"{text}\"; sipdiag findings lists them"
                ))
            };
        }
        Named::parse(text)
            .map(Self::One)
            .map_err(|error| format!("{error}; {}", error.help()))
    }
}

impl fmt::Display for FindingPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(named) => named.fmt(f),
            Self::Wild(glob) => glob.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn hosts_are_addresses_networks_and_names() {
        let sip: SocketAddr = "192.0.2.1:5060".parse().unwrap();
        for text in ["192.0.2.1", "192.0.2.1:5060", "192.0.2.0/24", "192.0.2.*"] {
            assert!(host(text).is(sip), "{text}");
        }
        for text in [
            "192.0.2.2",
            "192.0.2.1:5061",
            "198.51.100.0/24",
            "example.com",
        ] {
            assert!(!host(text).is(sip), "{text}");
        }
        let sip: SocketAddr = "[2001:db8::1]:5060".parse().unwrap();
        for text in [
            "2001:db8::1",
            "[2001:db8::1]",
            "[2001:db8::1]:5060",
            "2001:db8::/32",
        ] {
            assert!(host(text).is(sip), "{text}");
        }
        let uri = b"sip:bob@sbc.example.com:5080;transport=tcp";
        for text in ["sbc.example.com", "SBC.example.com:5080", "*.example.com"] {
            assert!(host(text).is_named_by(uri), "{text}");
        }
        assert!(!host("example.com").is_named_by(uri));
        for text in ["", "192.0.2.0/33", "two words", "sip:bob@example.com"] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
        for (text, instead) in [
            ("192.0.2.030", "write 192.0.2.30"),
            ("192.0.2.030:5060", "write 192.0.2.30:5060"),
            ("192.0.2", "192.0.2.0/24"),
            ("192.0.2.256", "up to 255"),
        ] {
            let error = text.parse::<HostPattern>().unwrap_err();
            assert!(error.contains(instead), "{text}: {error}");
        }
    }

    #[test]
    fn people_are_pasted_as_messages_name_them() {
        for (text, shown) in [
            ("alice", "alice"),
            ("sip:alice@example.com", "sip:alice@example.com"),
            (
                "<sip:alice@example.com;transport=tcp>",
                "sip:alice@example.com",
            ),
            (
                "Alice <sip:alice@example.com>;tag=1",
                "sip:alice@example.com",
            ),
            ("@example.com", "*@example.com"),
        ] {
            assert_eq!(party(text).unwrap().to_string(), shown, "{text}");
        }
        for (text, shown) in [
            ("al*", "al*"),
            ("<sip:alice@example.com>", "alice"),
            ("SIPS:alice@example.com", "alice"),
            ("tel:+12025550100", "+12025550100"),
        ] {
            assert_eq!(user(text).unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "<sip:alice@example.com", "\"Doe", "<>"] {
            assert!(party(text).is_err() && user(text).is_err(), "{text}");
        }
        assert!(user("@example.com").is_err());
    }

    #[test]
    fn codes_are_one_a_class_or_a_range() {
        let codes = |text: &str| text.parse::<Codes>();
        assert!(codes("401").unwrap().contains(401));
        assert!(codes("4xx").unwrap().contains(499) && !codes("4XX").unwrap().contains(500));
        assert!(codes("180-183").unwrap().contains(183));
        assert_eq!(codes("400-499").unwrap().to_string(), "4xx");
        assert_eq!(codes("4*").unwrap().to_string(), "4xx");
        assert_eq!(codes("48?").unwrap().to_string(), "480-489");
        assert!(codes("*").unwrap().contains(699));
        for text in [
            "", "*8", "7*", "40", "7xx", "0xx", "500-400", "abc", "4x", "700",
        ] {
            assert!(codes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn findings_go_by_name_code_and_wildcard() {
        for (text, shown) in [
            ("auth-loop", "auth-loop"),
            ("DLG486", "status-486"),
            ("auth-*", "auth-*"),
            ("status-48?", "status-48?"),
        ] {
            assert_eq!(text.parse::<FindingPattern>().unwrap().to_string(), shown);
        }
        let unknown = "auth-lop".parse::<FindingPattern>().unwrap_err();
        assert!(unknown.contains("auth-loop"), "{unknown}");
        assert!("nothing-*".parse::<FindingPattern>().is_err());
    }
}
