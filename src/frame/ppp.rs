//! PPP (RFC 1661), with the address and control field of RFC 1662 or without, and with the protocol field in one byte or two.

use super::{Content, Layer, Step, Undecoded};

/// Address and control field, which the ends may agree to leave out (RFC 1661 §6.6).
const ADDRESS_AND_CONTROL: [u8; 2] = [0xff, 0x03];

/// Protocols that may carry IP but are not opened, by the name they are counted under.
const NOT_OPENED: &[(u16, &str)] = &[
    (0x002d, "ppp-compressed-tcp"),
    (0x002f, "ppp-compressed-tcp"),
    (0x0031, "ppp-bridged"),
    (0x003d, "ppp-multilink"),
    (0x0053, "ppp-encrypted"),
    (0x00fb, "ppp-compressed"),
    (0x00fd, "ppp-compressed"),
];

pub(super) fn ppp(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let data = data.strip_prefix(&ADDRESS_AND_CONTROL).unwrap_or(data);
    let (protocol, rest) = match data {
        // RFC 1661 §2: only the last byte of a protocol number is odd, so an odd first one is the only one.
        [low, rest @ ..] if low & 1 == 1 => (u16::from(*low), rest),
        [high, low, rest @ ..] => (u16::from_be_bytes([*high, *low]), rest),
        _ => return Err(Undecoded::because("ppp-truncated")),
    };
    match protocol {
        0x0021 | 0x0057 => Ok(Step::Next(Layer::Ip, rest)),
        0x0281 | 0x0283 => Ok(Step::Next(Layer::Mpls, rest)),
        // Link and network control protocols, authentication, link quality (RFC 1661 §2).
        0x4000.. => Ok(Step::Done(Content::Unrelated)),
        _ => Err(
            match NOT_OPENED.iter().find(|(number, _)| *number == protocol) {
                Some((_, name)) => Undecoded::because(name),
                None => Undecoded(format!("ppp-protocol-0x{protocol:04x}").into()),
            },
        ),
    }
}
