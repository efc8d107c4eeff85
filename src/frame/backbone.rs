//! Provider backbone bridges (IEEE 802.1ah, now IEEE 802.1Q §9.7): a service tag, then a customer's frame.

use super::{Encapsulation, Layer, Step, Undecoded};

pub(super) fn service_tag<'a>(
    data: &'a [u8],
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    encapsulation.push("pbb");
    // Priority and flags, the service identifier.
    match data.split_first_chunk::<4>() {
        Some((_, frame)) => Ok(Step::Next(Layer::Ethernet, frame)),
        None => Err(Undecoded::because("pbb-truncated")),
    }
}
