//! What the BSDs' IPsec interface (LINKTYPE_ENC) and packet filter (LINKTYPE_PFLOG) put before an IP packet.

use super::loopback::is_ip;
use super::{Content, Layer, Step, Undecoded};

/// Address family in the byte order of the machine, security parameter index, flags.
const ENC_LEN: usize = 12;

pub(super) fn enc(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let Some((&[a, b, c, d, ..], packet)) = data.split_first_chunk::<ENC_LEN>() else {
        return Err(Undecoded::because("enc-truncated"));
    };
    Ok(of_family([a, b, c, d], packet))
}

/// The first byte is the header's length without its padding, the second the address family.
pub(super) fn pflog(data: &[u8]) -> Result<Step<'_>, Undecoded> {
    let packet = data
        .first()
        .and_then(|len| data.get(usize::from(*len).next_multiple_of(4)..));
    let (Some(packet), Some(family)) = (packet, data.get(1)) else {
        return Err(Undecoded::because("pflog-truncated"));
    };
    Ok(of_family([*family, 0, 0, 0], packet))
}

fn of_family(family: [u8; 4], packet: &[u8]) -> Step<'_> {
    if is_ip(family) {
        Step::Next(Layer::Ip, packet)
    } else {
        Step::Done(Content::Unrelated)
    }
}
