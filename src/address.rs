//! What kind of network an IP address belongs to: whether another host can be expected to reach it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address can be reached.
///
/// The ranges for documentation and benchmarks (RFC 5737, RFC 3849, RFC 2544) count as public: tests and examples use
/// them for what is public in the field. Multicast groups count as public, too: no router rewrites them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// From anywhere.
    Public,
    /// Within one site: RFC 1918, and fc00::/7 (RFC 4193) or the site-local addresses before them.
    Private,
    /// Behind a provider's NAT: 100.64.0.0/10 (RFC 6598).
    Shared,
    /// On one link: 169.254.0.0/16 (RFC 3927) and fe80::/10.
    LinkLocal,
    /// Within one host.
    Loopback,
    /// Nowhere: 0.0.0.0/8 and `::`.
    Unspecified,
}

impl Reach {
    /// The reach of an address. An IPv4 address in an IPv6 one (`::ffff:0:0/96`) has that of the IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    /// Whether hosts of other sites can reach it.
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Public)
    }

    /// Whether no other host at all can reach it, not even a neighbour.
    pub const fn is_own_host(self) -> bool {
        matches!(self, Self::Loopback | Self::Unspecified)
    }

    /// The word for it in facts, in English, before "address".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Shared => "carrier-grade NAT",
            Self::LinkLocal => "link-local",
            Self::Loopback => "loopback",
            Self::Unspecified => "unspecified",
        }
    }

    const fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [0, ..] => Self::Unspecified,
            [127, ..] => Self::Loopback,
            [169, 254, ..] => Self::LinkLocal,
            [100, second, ..] if second & 0xc0 == 64 => Self::Shared,
            _ if address.is_private() => Self::Private,
            _ => Self::Public,
        }
    }

    const fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments() {
            _ if address.is_unspecified() => Self::Unspecified,
            _ if address.is_loopback() => Self::Loopback,
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Self::Private,
            _ => Self::Public,
        }
    }
}

/// The address and the port that `host [":" port]` spells; `None` for a name. White space around the colon means nothing.
pub fn literal_with_port(text: &[u8]) -> Option<(IpAddr, Option<u16>)> {
    match text.first()? {
        b'0'..=b'9' => {
            if let Some((address, port)) = plain_v4_with_port(text) {
                return Some((address.into(), port));
            }
        }
        // A name; an IPv6 address has more than one colon.
        b'a'..=b'z' | b'A'..=b'Z' if memchr::memchr_iter(b':', text).nth(1).is_none() => {
            return None;
        }
        _ => {}
    }
    let text = std::str::from_utf8(text).ok()?.trim();
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.trim_start().strip_prefix(':')),
        // More than one colon is an IPv6 address that lacks its brackets.
        None => match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        },
    };
    Some((
        literal(host)?,
        port.and_then(|port| port.trim().parse().ok()),
    ))
}

/// The same of an IPv4 address in its usual form; `None` for all that needs a closer look.
fn plain_v4_with_port(text: &[u8]) -> Option<(Ipv4Addr, Option<u16>)> {
    let mut address = 0_u32;
    let (mut dots, mut number, mut digits) = (0, 0_u32, 0_u32);
    for (at, &byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            number = number.wrapping_mul(10).wrapping_add(u32::from(digit));
            digits += 1;
            continue;
        }
        address = with_octet(address, number, digits)?;
        match byte {
            b'.' if dots < 3 => dots += 1,
            b':' if dots == 3 => {
                return Some((address.into(), Some(plain_port(text.get(at + 1..)?)?)));
            }
            _ => return None,
        }
        (number, digits) = (0, 0);
    }
    let address = with_octet(address, number, digits)?;
    (dots == 3).then(|| (address.into(), None))
}

/// An address with one octet more, of a number of so many digits; `None` for what is none, and for one that is padded with zeros:
/// nobody knows its base.
const fn with_octet(address: u32, number: u32, digits: u32) -> Option<u32> {
    let least = match digits {
        1 => 0,
        2 => 10,
        3 => 100,
        _ => return None,
    };
    if number < least || number > 255 {
        return None;
    }
    Some(address << 8 | number)
}

/// A port of one to five digits; `None` for anything else.
fn plain_port(digits: &[u8]) -> Option<u16> {
    let is_port = (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let port = |digits: &[u8]| {
        let digits = digits.iter().map(|it| u32::from(it - b'0'));
        digits.fold(0, |port, digit| port * 10 + digit)
    };
    u16::try_from(is_port.then(|| port(digits))?).ok()
}

/// The address that a host part spells, with or without the brackets and the zone of an IPv6 one; `None` for a name.
pub fn literal(host: &str) -> Option<IpAddr> {
    let host = host.trim();
    let bare = host
        .strip_prefix('[')
        .map_or(host, |rest| rest.strip_suffix(']').unwrap_or(rest));
    // Nearly all are IPv4 addresses or names, and a name has no colon.
    let begins_with_digit = bare.as_bytes().first()?.is_ascii_digit();
    if begins_with_digit && let Ok(address) = bare.parse::<Ipv4Addr>() {
        return Some(address.into());
    }
    if !begins_with_digit && memchr::memchr(b':', bare.as_bytes()).is_none() {
        return None;
    }
    let address = bare
        .split_once('%')
        .map_or(bare, |(address, _zone)| address);
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_has_its_reach() {
        for (address, reach) in [
            ("192.0.2.1", Reach::Public),
            ("198.18.0.1", Reach::Public),
            ("203.0.113.9", Reach::Public),
            ("224.0.1.75", Reach::Public),
            ("10.0.0.1", Reach::Private),
            ("172.15.255.255", Reach::Public),
            ("172.16.0.1", Reach::Private),
            ("172.31.255.255", Reach::Private),
            ("172.32.0.1", Reach::Public),
            ("192.168.1.2", Reach::Private),
            ("100.63.255.255", Reach::Public),
            ("100.64.0.1", Reach::Shared),
            ("100.127.255.255", Reach::Shared),
            ("100.128.0.1", Reach::Public),
            ("169.254.7.7", Reach::LinkLocal),
            ("127.0.0.1", Reach::Loopback),
            ("0.0.0.0", Reach::Unspecified),
            ("2001:db8::1", Reach::Public),
            ("::", Reach::Unspecified),
            ("::1", Reach::Loopback),
            ("fe80::1%eth0", Reach::LinkLocal),
            ("[fd00::1]", Reach::Private),
            ("fec0::1", Reach::Private),
            ("::ffff:192.168.1.2", Reach::Private),
            ("ff02::1", Reach::Public),
        ] {
            assert_eq!(literal(address).map(Reach::of), Some(reach), "{address}");
        }
    }

    #[test]
    fn a_port_is_read_behind_any_address() {
        for (text, port) in [
            ("192.0.2.1", None),
            ("192.0.2.1:5070", Some(5070)),
            ("192.0.2.1 : 5070", Some(5070)),
            ("192.0.2.1:", None),
            ("192.0.2.1:65536", None),
            ("192.0.2.1:50605060506050605060", None),
            ("[2001:db8::1]:5061", Some(5061)),
            ("[2001:db8::1]", None),
            ("2001:db8::1", None),
        ] {
            let (_, found) = literal_with_port(text.as_bytes()).expect(text);
            assert_eq!(found, port, "{text}");
        }
        assert_eq!(literal_with_port(b"example.com:5060"), None);
        assert_eq!(literal_with_port(b"\xff"), None);
    }

    #[test]
    fn a_name_spells_no_address() {
        for host in [
            "example.com",
            "",
            "[",
            "192.0.2",
            "192.0.2.1:5060",
            "df7jal23ls0d.invalid",
        ] {
            assert_eq!(literal(host), None, "{host}");
        }
    }
}
