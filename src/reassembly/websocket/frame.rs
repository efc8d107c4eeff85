//! The header of a WebSocket frame (RFC 6455 §5.2) and its masking (§5.3).

use crate::limits::MAX_WEBSOCKET_FRAME;

/// The most that a control frame carries (RFC 6455 §5.5).
const MAX_CONTROL: u64 = 125;

/// RSV1, with which a message says that it is compressed (RFC 7692 §6). Nobody has defined RSV2 and RSV3.
const COMPRESSED: u8 = 0x40;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    /// Text or binary: RFC 7118 §4.2 lets SIP use both.
    Data,
    Close,
    Ping,
    Pong,
    Reserved,
}

impl Opcode {
    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A header, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) last: bool,
    /// RSV1 to RSV3 as they stand in the first byte.
    reserved: u8,
    pub(super) opcode: Opcode,
    pub(super) mask: Option<[u8; 4]>,
    /// Of the payload.
    pub(super) len: u64,
    /// Whether the length is written in the fewest bytes, as it must be.
    pub(super) minimal: bool,
}

/// What bytes say that begin with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// This many bytes are needed to go on.
    Short(usize),
    /// The header, and its own length.
    Whole(Header, usize),
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Read {
        let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else {
            return Read::Short(2);
        };
        let short = second & 0x7f;
        let len_len = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let is_masked = second & 0x80 != 0;
        let whole = 2 + len_len + if is_masked { 4 } else { 0 };
        let Some((len_bytes, mask)) = rest
            .split_at_checked(len_len)
            .filter(|_| bytes.len() >= whole)
        else {
            return Read::Short(whole);
        };
        let extended = len_bytes
            .iter()
            .fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
        let (len, smallest) = match len_len {
            0 => (u64::from(short), 0),
            2 => (extended, 126),
            _ => (extended, 0x1_0000),
        };
        let header = Self {
            last: first & 0x80 != 0,
            reserved: first & 0x70,
            opcode: match first & 0x0f {
                0 => Opcode::Continuation,
                1 | 2 => Opcode::Data,
                8 => Opcode::Close,
                9 => Opcode::Ping,
                10 => Opcode::Pong,
                _ => Opcode::Reserved,
            },
            mask: mask.first_chunk::<4>().copied().filter(|_| is_masked),
            len,
            minimal: len >= smallest,
        };
        Read::Whole(header, whole)
    }

    /// Whether it begins a compressed message.
    pub(super) const fn is_compressed(&self) -> bool {
        self.reserved & COMPRESSED != 0
    }

    /// Whether an endpoint could have sent it. `compression` says whether messages may be compressed.
    pub(super) fn is_possible(&self, compression: bool) -> bool {
        let is_first = self.opcode == Opcode::Data;
        matches!(self.reserved, 0 | COMPRESSED)
            && self.opcode != Opcode::Reserved
            && (!self.is_compressed() || compression && is_first)
            && (!self.opcode.is_control() || self.last && self.len <= MAX_CONTROL)
            && self.len <= MAX_WEBSOCKET_FRAME
    }
}

/// Takes the masking off a payload that comes in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mask {
    /// Its first byte belongs to the next byte of the payload.
    key: [u8; 4],
}

impl Mask {
    pub(super) fn of(header: &Header) -> Self {
        Self {
            key: header.mask.unwrap_or_default(),
        }
    }

    pub(super) fn take_off(&mut self, bytes: &mut [u8]) {
        if self.key == [0; 4] {
            return;
        }
        let (whole, rest) = bytes.as_chunks_mut::<4>();
        for four in whole {
            *four = (u32::from_ne_bytes(*four) ^ u32::from_ne_bytes(self.key)).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.key) {
            *byte ^= key;
        }
        self.key.rotate_left(rest.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6455 §5.7, as far as they are headers.
    #[test]
    fn lengths_are_read_in_all_three_forms() {
        for (bytes, len, own) in [
            (&[0x81, 0x05][..], 5, 2),
            (&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d], 5, 6),
            (&[0x82, 0x7e, 0x01, 0x00], 256, 4),
            (&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0], 65_536, 10),
        ] {
            let Read::Whole(header, whole) = Header::read(bytes) else {
                panic!("{bytes:?} is whole");
            };
            assert_eq!((header.len, whole, header.minimal), (len, own, true));
            assert!(header.is_possible(false));
            for short in 0..bytes.len() {
                assert!(
                    matches!(Header::read(&bytes[..short]), Read::Short(needed) if needed > short)
                );
            }
        }
    }

    #[test]
    fn what_no_endpoint_sends_is_not_possible() {
        let possible = |bytes: &[u8], compression| match Header::read(bytes) {
            Read::Whole(header, _) => header.is_possible(compression),
            Read::Short(_) => panic!("{bytes:?} is whole"),
        };
        assert!(possible(&[0xc1, 5], true));
        assert!(!possible(&[0xc1, 5], false));
        assert!(!possible(&[0xc0, 5], true), "only the first frame says it");
        assert!(!possible(&[0xc9, 5], true), "nothing compresses a ping");
        assert!(!possible(&[0x91, 5], true) && !possible(&[0xa1, 5], true));
        assert!(!possible(&[0x83, 5], false) && !possible(&[0x8b, 5], false));
        assert!(!possible(&[0x09, 5], false), "a ping in two parts");
        assert!(!possible(&[0x89, 126, 0, 126], false), "a long ping");
        assert!(!possible(&[0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], false));
        assert!(!possible(&[0x81, 127, 0, 0, 0, 0, 0xff, 0, 0, 0], false));
    }

    #[test]
    fn masking_goes_on_where_the_last_piece_ended() {
        let header = [0x81, 0x8b, 1, 2, 3, 4];
        let Read::Whole(header, _) = Header::read(&header) else {
            panic!("it is whole");
        };
        let text = b"hello world";
        let mut masked = *text;
        Mask::of(&header).take_off(&mut masked);
        for split in 0..text.len() {
            let mut mask = Mask::of(&header);
            let mut pieces = masked;
            let (one, other) = pieces.split_at_mut(split);
            mask.take_off(one);
            mask.take_off(other);
            assert_eq!(&pieces, text);
        }
    }
}
