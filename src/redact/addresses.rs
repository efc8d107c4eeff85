//! IP addresses. Each gets another one of the same kind whose text is as long: private ones stay in their range, public ones
//! come out of ranges that nobody uses. What shares a /24 or a /64 still does.

use super::secret::Cipher;
use crate::address::Reach;
use crate::hash::{HashMap, HashSet};
use crate::limits::MAX_REDACTED_ADDRESSES;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses with what stands for each.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    hidden: HashMap<IpAddr, IpAddr>,
    shown: HashMap<IpAddr, IpAddr>,
    /// What stands for a part of an address behind what comes before it.
    parts: HashMap<Vec<u16>, Parts>,
    networks: HashMap<[u8; 3], [u8; 3]>,
    taken: HashSet<[u8; 3]>,
    /// By the length of their texts, how many networks were tried.
    tried: HashMap<usize, usize>,
    /// The first two groups of public IPv6 addresses.
    sites: HashMap<[u16; 2], [u16; 2]>,
    taken_sites: HashSet<[u16; 2]>,
    not_kept: u64,
}

/// The parts behind one prefix.
#[derive(Debug, Default)]
struct Parts {
    hidden: HashMap<u16, u16>,
    taken: HashSet<u16>,
}

impl Addresses {
    /// How many had no room to be remembered.
    pub(super) const fn not_kept(&self) -> u64 {
        self.not_kept
    }

    /// What stands for an address.
    pub(super) fn hide(&mut self, address: IpAddr, cipher: Option<&Cipher>) -> IpAddr {
        if let Some(other) = self.hidden.get(&address) {
            return *other;
        }
        if self.hidden.len() >= MAX_REDACTED_ADDRESSES {
            self.not_kept += 1;
            return beyond(address, cipher);
        }
        let other = match address {
            IpAddr::V4(it) => IpAddr::V4(self.v4(it)),
            IpAddr::V6(it) => IpAddr::V6(self.v6(it)),
        };
        self.hidden.insert(address, other);
        self.shown.insert(other, address);
        other
    }

    /// The address for which one stands.
    pub(super) fn show(&self, address: IpAddr) -> IpAddr {
        self.shown.get(&address).copied().unwrap_or(address)
    }

    fn v4(&mut self, address: Ipv4Addr) -> Ipv4Addr {
        let [a, b, c, d] = address.octets();
        let reach = Reach::of(IpAddr::V4(address));
        // They name nobody.
        if matches!(reach, Reach::Loopback | Reach::Unspecified)
            || address.is_multicast()
            || address.is_broadcast()
        {
            return address;
        }
        let [a, b, c] = match (reach, a) {
            (Reach::Public, _) => self.network([a, b, c]),
            (_, 10) => {
                let second = self.octet(&[10], b, 0..=255);
                [10, second, self.octet(&[10, b], c, 0..=255)]
            }
            (_, 172) => {
                let second = self.octet(&[172], b, 16..=31);
                [172, second, self.octet(&[172, b], c, 0..=255)]
            }
            (Reach::Shared, _) => {
                let second = self.octet(&[a], b, 64..=127);
                [a, second, self.octet(&[a, b], c, 0..=255)]
            }
            // 192.168 and 169.254.
            _ => [a, b, self.octet(&[a, b], c, 0..=255)],
        };
        let prefix = address.octets();
        let last = match d {
            // The network itself, and all of it.
            0 | 255 => d,
            _ => self.octet(prefix.get(..3).unwrap_or_default(), d, 1..=254),
        };
        Ipv4Addr::new(a, b, c, last)
    }

    /// Another number with as many digits, behind a prefix.
    fn octet(&mut self, prefix: &[u8], octet: u8, range: std::ops::RangeInclusive<u16>) -> u8 {
        let prefix = prefix.iter().map(|it| u16::from(*it)).collect();
        let digits = decimal(octet);
        let all = range.filter(|it| u8::try_from(*it).is_ok_and(|it| decimal(it) == digits));
        let other = self.part(prefix, octet.into(), all);
        u8::try_from(other).unwrap_or(octet)
    }

    fn part(&mut self, prefix: Vec<u16>, part: u16, all: impl Iterator<Item = u16>) -> u16 {
        let parts = self.parts.entry(prefix).or_default();
        if let Some(other) = parts.hidden.get(&part) {
            return *other;
        }
        let mut free = all.filter(|it| !parts.taken.contains(it));
        // Only the last of all may have to stay.
        let other = free.find(|it| *it != part).unwrap_or(part);
        parts.hidden.insert(part, other);
        parts.taken.insert(other);
        other
    }

    /// Another public /24 with a text as long: of 198.18.0.0/15 (RFC 2544) and 240.0.0.0/4 (RFC 1112 §4), which no host has.
    fn network(&mut self, network: [u8; 3]) -> [u8; 3] {
        if let Some(other) = self.networks.get(&network) {
            return *other;
        }
        let len = network.iter().map(|it| decimal(*it)).sum();
        let tried = self.tried.entry(len).or_default();
        let mut other = network;
        while let Some(candidate) = candidate(*tried) {
            *tried += 1;
            let fits = candidate.iter().map(|it| decimal(*it)).sum::<usize>() == len;
            if fits && candidate != network && !self.taken.contains(&candidate) {
                other = candidate;
                break;
            }
        }
        self.networks.insert(network, other);
        self.taken.insert(other);
        other
    }

    fn v6(&mut self, address: Ipv6Addr) -> Ipv6Addr {
        if let Some(inner) = address.to_ipv4_mapped() {
            return self.v4(inner).to_ipv6_mapped();
        }
        if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
            return address;
        }
        let groups = address.segments();
        let [first, second, ..] = groups;
        let mut other = groups;
        let kept = match first {
            0xfe80..=0xfebf => 1,
            0xfc00..=0xfdff | 0xfec0..=0xfeff => {
                let all = (first & 0xff00)..=(first | 0xff);
                other[0] = self.part(Vec::new(), first, all);
                1
            }
            0x1000.. => {
                [other[0], other[1]] = self.site([first, second]);
                2
            }
            // Well-known prefixes such as 64:ff9b::/96 say what an address is for.
            _ => 2,
        };
        for at in kept..groups.len() {
            let (prefix, rest) = groups.split_at(at);
            let Some(&group) = rest.first().filter(|group| **group != 0) else {
                continue;
            };
            let digits = hexadecimal(group);
            let from = 1_u16 << (4 * (digits - 1));
            let all = (from..=u16::MAX).take_while(|it| hexadecimal(*it) == digits);
            let mut key = vec![6];
            key.extend_from_slice(prefix);
            if let Some(place) = other.get_mut(at) {
                *place = self.part(key, group, all);
            }
        }
        Ipv6Addr::from(other)
    }

    /// Another beginning of a public address: of 3fff::/20 (RFC 9637) where the second group is short enough, and else of
    /// 3ffe::/16, which nobody has had since 2006 (RFC 3701).
    fn site(&mut self, site: [u16; 2]) -> [u16; 2] {
        if let Some(other) = self.sites.get(&site) {
            return *other;
        }
        let [_, second] = site;
        let digits = hexadecimal(second);
        let free = |it: &[u16; 2]| *it != site && !self.taken_sites.contains(it);
        let other = match digits {
            0 => (0x3f00..0x3ffe).map(|first| [first, 0]).find(free),
            _ => {
                let from = 1_u16 << (4 * (digits - 1));
                let first = if digits < 4 { 0x3fff } else { 0x3ffe };
                let all = (from..=u16::MAX).take_while(|it| hexadecimal(*it) == digits);
                all.map(|it| [first, it]).find(free)
            }
        };
        let other = other
            .or_else(|| (0x3f00..0x3ffe).map(|first| [first, second]).find(free))
            .unwrap_or(site);
        self.sites.insert(site, other);
        self.taken_sites.insert(other);
        other
    }
}

/// The networks that stand for others, in the order in which they are tried.
fn candidate(index: usize) -> Option<[u8; 3]> {
    let [_, high, low] = u32::try_from(index % (1 << 16))
        .ok()?
        .to_be_bytes()
        .last_chunk::<3>()
        .copied()?;
    Some(match index >> 16 {
        0 if high < 2 => [198, 18 + high, low],
        0 => [240, high, low],
        // Before 255, where the address of all hosts is.
        block @ 1..15 => [240 + u8::try_from(block).ok()?, high, low],
        // Texts that are too short for any of them (8.8.8.8): networks that do not answer anybody, then any.
        15 => [11, high, low],
        16 => [7, high, low],
        17 => [6, high, low],
        block @ 18..=116 => {
            let first = u8::try_from(block - 17).ok()?;
            if matches!(first, 10) {
                return Some([198, 18, low]);
            }
            [first, high, low]
        }
        _ => return None,
    })
}

const fn decimal(octet: u8) -> usize {
    match octet {
        0..10 => 1,
        10..100 => 2,
        _ => 3,
    }
}

/// How many digits a group has as it is written; 0 for zero, which may be left out.
const fn hexadecimal(group: u16) -> u32 {
    (16 - group.leading_zeros()).div_ceil(4)
}

/// Addresses beyond those that are remembered: the kind and the length stay, and nothing else.
fn beyond(address: IpAddr, cipher: Option<&Cipher>) -> IpAddr {
    match address {
        IpAddr::V4(it) => {
            let octets = it.octets();
            let reach = Reach::of(address);
            let kept = match (reach, octets) {
                (Reach::Loopback | Reach::Unspecified, _) => return address,
                _ if it.is_multicast() || it.is_broadcast() => return address,
                (Reach::Public, _) => 0,
                (_, [10, ..]) => 1,
                _ => 2,
            };
            let random: [u8; 4] = cipher.map_or_else(Default::default, |it| it.bytes(&octets));
            let mut other = octets;
            for (place, (octet, by)) in other.iter_mut().zip(random).enumerate() {
                if place >= kept {
                    *octet = match decimal(*octet) {
                        1 => 1 + by % 9,
                        2 => 20 + by % 70,
                        _ if place == 0 => 240 + by % 15,
                        _ => 100 + by % 150,
                    };
                }
            }
            IpAddr::V4(Ipv4Addr::from(other))
        }
        IpAddr::V6(it) => {
            let random: [u8; 16] =
                cipher.map_or_else(Default::default, |cipher| cipher.bytes(&it.octets()));
            let mut other = it.segments();
            for (group, pair) in other.iter_mut().zip(random.as_chunks::<2>().0).skip(1) {
                let digits = hexadecimal(*group);
                if digits > 0 {
                    let from = 1_u16 << (4 * (digits - 1));
                    *group = from + u16::from_be_bytes(*pair) % from.saturating_mul(15);
                }
            }
            IpAddr::V6(Ipv6Addr::from(other))
        }
    }
}

/// Writes another address over the text of one, which has the same length: in the same groups and the same case.
pub(super) fn write(text: &mut [u8], address: IpAddr) {
    match address {
        IpAddr::V4(it) => super::names::put(text, it.to_string().as_bytes()),
        IpAddr::V6(it) => write_v6(text, it),
    }
}

fn write_v6(text: &mut [u8], address: Ipv6Addr) {
    let groups = address.segments();
    let dotted = text.iter().position(|byte| *byte == b'.');
    let is_loud = text.iter().any(u8::is_ascii_uppercase);
    let (end, tail) = match dotted {
        None => (text.len(), 0),
        Some(dot) => (
            text.get(..dot)
                .and_then(|it| it.iter().rposition(|byte| *byte == b':'))
                .map_or(0, |at| at + 1),
            2,
        ),
    };
    let gap = text.windows(2).position(|it| it == b"::");
    let written: Vec<(usize, usize)> = {
        let mut from = 0;
        let mut all = Vec::new();
        for piece in text
            .get(..end)
            .unwrap_or_default()
            .split(|byte| *byte == b':')
        {
            if !piece.is_empty() {
                all.push((from, piece.len()));
            }
            from += piece.len() + 1;
        }
        all
    };
    let count = written.len();
    for (index, (from, len)) in written.into_iter().enumerate() {
        // Behind `::` they are counted from the end.
        let behind = gap.is_some_and(|gap| from > gap);
        let group = if behind {
            groups.len() - tail - (count - index)
        } else {
            index
        };
        let value = groups.get(group).copied().unwrap_or_default();
        let mut number = format!("{value:0len$x}");
        if is_loud {
            number.make_ascii_uppercase();
        }
        if let Some(place) = text.get_mut(from..from + len) {
            super::names::put(place, number.as_bytes());
        }
    }
    if dotted.is_some() {
        let [.., a, b, c, d] = address.octets();
        if let Some(place) = text.get_mut(end..) {
            super::names::put(place, Ipv4Addr::new(a, b, c, d).to_string().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_kind_their_length_and_their_neighbours() {
        let mut addresses = Addresses::default();
        let mut seen = HashSet::default();
        for text in [
            "192.0.2.1",
            "192.0.2.77",
            "203.0.113.5",
            "8.8.8.8",
            "80.1.2.3",
            "185.123.145.210",
            "10.0.0.1",
            "10.20.30.40",
            "172.16.5.9",
            "172.31.255.254",
            "192.168.1.1",
            "192.168.1.2",
            "192.168.100.1",
            "100.64.7.7",
            "169.254.3.4",
            "2001:db8::1",
            "2001:db8:0:7::22",
            "2a02:26f0:1::1",
            "fd12:3456::1",
            "fe80::211:22ff:fe33:4455",
            "64:ff9b::c000:201",
            "::ffff:192.0.2.1",
            "2002:c000:201::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            let other = addresses.hide(address, None);
            assert_ne!(other, address, "{text}");
            assert_eq!(Reach::of(other), Reach::of(address), "{text} {other}");
            assert!(seen.insert(other), "{text} {other}");
            assert_eq!(addresses.show(other), address);
            let mut written = text.as_bytes().to_vec();
            write(&mut written, other);
            let written = String::from_utf8(written).unwrap();
            assert_eq!(
                written.parse::<IpAddr>().ok(),
                Some(other),
                "{text} {written} {other}"
            );
        }
        for text in [
            "0.0.0.0",
            "127.0.0.1",
            "224.0.1.75",
            "255.255.255.255",
            "::",
            "::1",
            "ff02::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(addresses.hide(address, None), address);
        }
        let network = |text: &str, addresses: &mut Addresses| match addresses
            .hide(text.parse().unwrap(), None)
        {
            IpAddr::V4(it) => it.octets()[..3].to_vec(),
            IpAddr::V6(_) => Vec::new(),
        };
        assert_eq!(
            network("192.0.2.1", &mut addresses),
            network("192.0.2.77", &mut addresses)
        );
        assert_ne!(
            network("192.0.2.1", &mut addresses),
            network("192.0.3.1", &mut addresses)
        );
    }

    #[test]
    fn a_text_keeps_its_zeros_and_its_case() {
        let mut addresses = Addresses::default();
        for text in [
            "2001:0DB8:0000:0000::0001",
            "2001:db8::1:0:0:1",
            "::ffff:10.0.0.1",
            "fe80::1",
        ] {
            let other = addresses.hide(text.parse().unwrap(), None);
            let mut written = text.as_bytes().to_vec();
            write(&mut written, other);
            let written = String::from_utf8(written).unwrap();
            assert_eq!(
                written.parse::<IpAddr>().unwrap(),
                other,
                "{text} {written}"
            );
        }
    }

    #[test]
    fn beyond_the_cap_nothing_is_shown() {
        let cipher = Cipher::new(b"seed");
        for text in ["192.0.2.1", "10.1.2.3", "192.168.77.200", "2001:db8::1"] {
            let address: IpAddr = text.parse().unwrap();
            let other = beyond(address, Some(&cipher));
            assert_eq!(other.to_string().len(), text.len(), "{text} {other}");
            assert_eq!(Reach::of(other), Reach::of(address), "{text} {other}");
        }
    }
}
