//! HEP (the Homer Encapsulation Protocol): a datagram that is a copy of a message elsewhere.

use super::transport::Datagram;
use super::{Content, Decoded, Encapsulation, Envelope, Layer, Mirrored, Step, Undecoded};
use crate::capture::hep::{self, PayloadError};

/// A datagram, or the HEP packet that it is: agents send to any port.
pub(super) fn or_datagram(datagram: Datagram<'_>) -> Step<'_> {
    let cut = datagram.missing > 0;
    if hep::parse(datagram.payload, cut).is_some() {
        Step::Next(Layer::Hep { cut }, datagram.payload)
    } else {
        Step::Done(Content::Datagram(datagram))
    }
}

/// Whether a datagram begins as HEP packets of any version do.
pub(super) fn may_be(datagram: &Datagram<'_>) -> bool {
    hep::may_be(datagram.payload)
}

/// What a HEP packet copies. Only SIP is handed on: beside it agents send RTCP reports as JSON, logs, DNS and more.
pub(super) fn packet<'a>(
    data: &'a [u8],
    cut: bool,
    encapsulation: &mut Encapsulation,
) -> Result<Step<'a>, Undecoded> {
    let packet = hep::parse(data, cut).ok_or(Undecoded::because("hep-malformed"))?;
    encapsulation.push("hep");
    let Some(flow) = packet.flow.filter(|_| packet.is_sip()) else {
        return Ok(Step::Done(Content::Unrelated));
    };
    let payload = packet.payload().map_err(|error| match error {
        PayloadError::Damaged => Undecoded::because("hep-payload-damaged"),
        PayloadError::TooLarge => Undecoded::because("hep-payload-too-large"),
    })?;
    Ok(Step::Done(Content::Mirrored(Mirrored {
        flow,
        time: packet.time,
        node: packet.node,
        correlation: packet.correlation,
        payload,
        cut: packet.cut,
    })))
}

/// What a HEP packet copies that was cut out of a stream ([`hep::frame_len`]); `envelope` is that of the packet that
/// completed it.
///
/// # Errors
/// [`Undecoded`] when it is no HEP packet, or its compressed payload is damaged.
pub fn mirrored(packet: &[u8], envelope: Envelope) -> Result<Decoded<'_>, Undecoded> {
    envelope.peel(Step::Next(Layer::Hep { cut: false }, packet))
}
