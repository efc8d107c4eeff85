//! What Linux's netfilter logs (LINKTYPE_NFLOG): a header and attributes, one of them the IP packet.

use super::{Layer, Step, Undecoded};

/// Address family, version, resource.
const HEADER_LEN: usize = 4;
/// NFULA_PAYLOAD of Linux.
const PAYLOAD: u16 = 9;
/// Length and type of an attribute; the length counts them.
const ATTRIBUTE_HEADER_LEN: usize = 4;

pub(super) fn nflog(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let Some((&[_, version, _, _], attributes)) = data.split_first_chunk::<HEADER_LEN>() else {
        return Err(Undecoded::because("nflog-truncated"));
    };
    if version != 0 {
        return Err(Undecoded::because("nflog-malformed"));
    }
    // The byte order is that of the machine that captured; lengths are small, so the wrong one leads nowhere.
    payload(attributes, u16::from_le_bytes)
        .or_else(|| payload(attributes, u16::from_be_bytes))
        .map(|packet| Step::Next(Layer::Ip, packet))
        .ok_or(Undecoded::because("nflog-without-packet"))
}

fn payload(attributes: &[u8], number: fn([u8; 2]) -> u16) -> Option<&[u8]> {
    let mut rest = attributes;
    loop {
        let (&[a, b, c, d], value) = rest.split_first_chunk::<ATTRIBUTE_HEADER_LEN>()?;
        let len = usize::from(number([a, b])).checked_sub(ATTRIBUTE_HEADER_LEN)?;
        if number([c, d]) == PAYLOAD {
            return Some(value.get(..len).unwrap_or(value));
        }
        rest = value.get(len.next_multiple_of(4)..)?;
    }
}
