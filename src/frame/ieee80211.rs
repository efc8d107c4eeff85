//! IEEE 802.11 data frames (IEEE Std 802.11-2020 §9.3.2) whose payload is clear: LLC/SNAP, then an EtherType.

use super::bytes::array;
use super::{Content, Layer, Step, Undecoded};

/// Frame control, duration, three addresses, sequence control.
const HEADER_LEN: usize = 24;
const ADDRESS_LEN: usize = 6;
/// Subtype bits of data frames: no data; QoS.
const NO_DATA: u8 = 0x40;
const QOS: u8 = 0x80;
/// The second byte of frame control.
const TO_AND_FROM_DS: u8 = 0x03;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
/// QoS control: the payload is several frames (§9.2.4.5.9).
const A_MSDU: u8 = 0x80;
/// Destination, source and length of a frame among several (§9.3.2.2.2).
const SUBFRAME_HEADER_LEN: usize = 14;
/// LLC with SNAP as in RFC 1042: nothing encrypted begins like this.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];
/// What WEP, TKIP and CCMP put before the payload; some drivers leave it there when they decrypt.
const SECURITY_HEADERS: [usize; 3] = [0, 4, 8];

/// `padded` says that the driver brought the header to a multiple of four bytes.
pub(super) fn frame(data: &[u8], padded: bool) -> Result<Step<'_>, Undecoded> {
    let Some(&[kind, flags]) = data.first_chunk() else {
        return Err(Undecoded::because("ieee80211-truncated"));
    };
    if kind & 0x03 != 0 {
        return Err(Undecoded::because("ieee80211-version-unknown"));
    }
    // Management and control frames, and data frames without data.
    if kind & 0x0c != 0x08 || kind & NO_DATA != 0 {
        return Ok(Step::Done(Content::Unrelated));
    }
    let mut header_len = HEADER_LEN;
    if flags & TO_AND_FROM_DS == TO_AND_FROM_DS {
        header_len += ADDRESS_LEN;
    }
    let is_qos = kind & QOS != 0;
    let several = is_qos && array(data, header_len).is_some_and(|[low]: [u8; 1]| low & A_MSDU != 0);
    if is_qos {
        header_len += 2;
        // §9.2.4.1.10: in QoS frames the order bit announces HT control.
        if flags & ORDER != 0 {
            header_len += 4;
        }
    }
    if padded {
        header_len = header_len.next_multiple_of(4);
    }
    let (Some(payload), Some([sequence])) = (data.get(header_len..), array(data, 22)) else {
        return Err(Undecoded::because("ieee80211-truncated"));
    };
    if flags & MORE_FRAGMENTS != 0 || sequence & 0x0f != 0 {
        return Err(Undecoded::because("ieee80211-fragment"));
    }
    let payload = if flags & PROTECTED == 0 {
        payload
    } else {
        decrypted(payload).ok_or(Undecoded::because("ieee80211-protected"))?
    };
    if several {
        return only_subframe(payload);
    }
    Ok(Step::Next(Layer::LogicalLink, payload))
}

/// The payload of a protected frame that the driver decrypted without clearing the bit.
fn decrypted(payload: &[u8]) -> Option<&[u8]> {
    SECURITY_HEADERS
        .iter()
        .filter_map(|&len| payload.get(len..))
        .find(|rest| rest.starts_with(&SNAP))
}

/// One packet gives one content: an A-MSDU of one frame is opened, one of several is not.
fn only_subframe(payload: &[u8]) -> Result<Step<'_>, Undecoded> {
    let len = array(payload, SUBFRAME_HEADER_LEN - 2).map(u16::from_be_bytes);
    let (Some(len), Some(rest)) = (len, payload.get(SUBFRAME_HEADER_LEN..)) else {
        return Err(Undecoded::because("ieee80211-truncated"));
    };
    let len = usize::from(len);
    // A check sequence of four bytes may follow the last.
    let end = (SUBFRAME_HEADER_LEN + len).next_multiple_of(4);
    if payload
        .get(end..)
        .is_some_and(|more| more.len() > SUBFRAME_HEADER_LEN)
    {
        return Err(Undecoded::because("ieee80211-a-msdu"));
    }
    Ok(Step::Next(
        Layer::LogicalLink,
        rest.get(..len).unwrap_or(rest),
    ))
}
