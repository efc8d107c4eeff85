//! The chunks of an SCTP packet (RFC 9260 §3.2), and what those say that carry user data.

use crate::frame::SctpPacket;

/// DATA (RFC 9260 §3.3.1) and I-DATA (RFC 8260 §2.1).
const DATA: u8 = 0;
const I_DATA: u8 = 64;

/// Type, flags and length.
const HEADER_LEN: usize = 4;

/// Lengths or numbers that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// One chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'a> {
    kind: u8,
    flags: u8,
    /// What follows the header, as far as captured.
    value: &'a [u8],
    /// How long that was on the wire.
    announced: usize,
}

/// A chunk with user data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Data<'a> {
    pub(super) tsn: u32,
    pub(super) stream: u16,
    pub(super) unordered: bool,
    pub(super) begins: bool,
    pub(super) ends: bool,
    pub(super) number: Number,
    /// 0 for fragments of I-DATA after the first, which do not say it.
    pub(super) protocol_id: u32,
    pub(super) payload: &'a [u8],
    /// How long the payload was on the wire.
    pub(super) announced: usize,
}

/// What numbers the fragments of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// DATA: the TSN, and messages are told apart by stream and this stream sequence number.
    Tsn { sequence: u16 },
    /// I-DATA: a number in the message with this identifier.
    Fragment { message: u32, fragment: u32 },
}

/// Walks over the chunks of a packet; ends with an error where one cannot be.
#[derive(Debug)]
pub(super) struct Chunks<'a> {
    rest: &'a [u8],
    /// Whether the capture lacks the end of the packet.
    cut: bool,
}

impl<'a> Chunks<'a> {
    pub(super) const fn of(packet: &SctpPacket<'a>) -> Self {
        Self {
            rest: packet.chunks,
            cut: packet.missing > 0,
        }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some((&[kind, flags, high, low], after)) = self.rest.split_first_chunk::<HEADER_LEN>()
        else {
            let odd = !self.rest.is_empty() && !self.cut;
            self.rest = &[];
            return odd.then_some(Err(Malformed));
        };
        self.rest = &[];
        let Some(announced) = usize::from(u16::from_be_bytes([high, low])).checked_sub(HEADER_LEN)
        else {
            return Some(Err(Malformed));
        };
        let value = match after.split_at_checked(announced) {
            Some((value, behind)) => {
                // The last chunk may lack its padding: some senders leave it out, and nothing hangs on it.
                self.rest = behind
                    .get(announced.next_multiple_of(4) - announced..)
                    .unwrap_or_default();
                value
            }
            None if self.cut => after,
            None => return Some(Err(Malformed)),
        };
        Some(Ok(Chunk {
            kind,
            flags,
            value,
            announced,
        }))
    }
}

impl<'a> Chunk<'a> {
    /// What it says when it carries user data; `None` for every other chunk, and for one of whose data nothing was captured.
    pub(super) fn data(&self) -> Option<Result<Data<'a>, Malformed>> {
        let (header_len, is_i_data) = match self.kind {
            DATA => (12, false),
            I_DATA => (16, true),
            _ => return None,
        };
        // RFC 9260 §3.3.1: a chunk without user data must not be.
        let Some(announced) = self
            .announced
            .checked_sub(header_len)
            .filter(|&len| len > 0)
        else {
            return Some(Err(Malformed));
        };
        let mut header = Fields(self.value);
        let (tsn, stream) = (header.number()?, header.short()?);
        let begins = self.flags & 0b10 != 0;
        let (number, protocol_id) = if is_i_data {
            header.short()?;
            let (message, either) = (header.number()?, header.number()?);
            // The field says the protocol in the first fragment, which has the number 0, and the number in all others.
            let (fragment, protocol_id) = if begins { (0, either) } else { (either, 0) };
            (Number::Fragment { message, fragment }, protocol_id)
        } else {
            let sequence = header.short()?;
            (Number::Tsn { sequence }, header.number()?)
        };
        let payload = header.0;
        (!payload.is_empty()).then_some(Ok(Data {
            tsn,
            stream,
            unordered: self.flags & 0b100 != 0,
            begins,
            ends: self.flags & 0b1 != 0,
            number,
            protocol_id,
            payload,
            announced,
        }))
    }
}

impl Data<'_> {
    /// Whether the capture lacks its end.
    pub(super) const fn is_cut(&self) -> bool {
        self.payload.len() < self.announced
    }

    /// What the fragments of one message share beside their numbers. Unordered chunks say nothing with the stream sequence
    /// number (RFC 9260 §3.3.1).
    pub(super) const fn kin(&self) -> (u16, bool, u16) {
        let sequence = match self.number {
            Number::Tsn { sequence } if !self.unordered => sequence,
            _ => 0,
        };
        (self.stream, self.unordered, sequence)
    }
}

/// Reads fields in network byte order off the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn short(&mut self) -> Option<u16> {
        let (bytes, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*bytes))
    }

    fn number(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }
}
