//! BSD loopback: LINKTYPE_NULL (host byte order) and LINKTYPE_LOOP (network byte order).

use super::{Content, Layer, Step, Undecoded};

/// The address families that mean IP: AF_INET everywhere, AF_INET6 as Linux, NetBSD, FreeBSD and Darwin number it.
const IP_FAMILIES: [u32; 6] = [2, 10, 23, 24, 28, 30];

pub(super) fn loopback(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let Some((family, rest)) = data.split_first_chunk::<4>() else {
        return Err(Undecoded::because("loopback-truncated"));
    };
    Ok(if is_ip(*family) {
        Step::Next(Layer::Ip, rest)
    } else {
        Step::Done(Content::Unrelated)
    })
}

/// Whether an address family in an unknown byte order means IP.
pub(super) fn is_ip(family: [u8; 4]) -> bool {
    // The machine that captured may have had either byte order; the values are small, so both readings cannot fit.
    [u32::from_le_bytes(family), u32::from_be_bytes(family)]
        .iter()
        .any(|value| IP_FAMILIES.contains(value))
}
