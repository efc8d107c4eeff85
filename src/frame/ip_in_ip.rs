//! IP in IP: IPv4 in IPv4 (RFC 2003), IPv6 in IPv4 (RFC 4213), and either in IPv6 (RFC 2473).

use super::{Encapsulation, Layer, Step, Undecoded};
use etherparse::{IpNumber, ip_number};
use std::net::IpAddr;

pub(super) fn inner<'a>(
    outer: IpAddr,
    protocol: IpNumber,
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    let inner_is_4 = protocol == ip_number::IPV4;
    match (outer.is_ipv4(), inner_is_4) {
        (true, true) => encapsulation.push("ip-in-ip"),
        (true, false) => encapsulation.push("6in4"),
        (false, true) => encapsulation.push("4in6"),
        (false, false) => encapsulation.push("6in6"),
    }
    let version = if inner_is_4 { 4 } else { 6 };
    match data.first() {
        Some(first) if first >> 4 != version => {
            Err(Undecoded::because("ip-in-ip-of-another-version"))
        }
        _ => Ok(Step::Next(Layer::Ip, data)),
    }
}
