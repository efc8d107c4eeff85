//! Decompression of messages (RFC 7692 §7.2.2).

use flate2::{Decompress, FlushDecompress, Status};
use std::fmt;

/// Bytes decompressed at a time.
const STEP: usize = 1024;

/// What ended each message before the sender took it off (RFC 7692 §7.2.1): an empty block without compression.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// About what a decompressor holds: a window of 32 KiB and its tables.
pub(super) const HELD: usize = 48 * 1024;

/// Why a message cannot be decompressed. The window is of no use then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The bytes are no compressed data, or refer to earlier messages that were not seen.
    Broken,
    /// The message is longer than wanted.
    TooLong,
}

/// Decompresses the messages of one side. It keeps the window from message to message: one who negotiated
/// `no_context_takeover` never refers to it. A window that is too small for lack of earlier messages makes for an error,
/// never for wrong text; and one of 32 KiB does for every smaller one that was negotiated.
pub(super) struct Inflater {
    stream: Decompress,
    /// Nothing came after the last block of a deflate stream (RFC 7692 §7.2.3.5), so that [`TAIL`] has no place.
    at_end: bool,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater").finish_non_exhaustive()
    }
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self {
            stream: Decompress::new(false),
            at_end: false,
        }
    }

    pub(super) fn forget(&mut self) {
        self.stream.reset(false);
        self.at_end = false;
    }

    /// Decompresses a piece of a message to the end of `out`, which must not grow beyond `limit`.
    pub(super) fn piece(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), Trouble> {
        let mut buffer = [0; STEP];
        loop {
            let (read, written) = (self.stream.total_in(), self.stream.total_out());
            let status = self
                .stream
                .decompress(input, &mut buffer, FlushDecompress::None);
            let read = usize::try_from(self.stream.total_in() - read).unwrap_or(usize::MAX);
            let written = usize::try_from(self.stream.total_out() - written).unwrap_or(usize::MAX);
            input = input.get(read..).unwrap_or_default();
            out.extend_from_slice(buffer.get(..written).unwrap_or_default());
            if out.len() > limit {
                return Err(Trouble::TooLong);
            }
            // What came before the error counts, whether or not it came in the same piece.
            let status = status.map_err(|_| Trouble::Broken)?;
            if read > 0 {
                self.at_end = false;
            }
            if status == Status::StreamEnd {
                self.forget();
                self.at_end = true;
            } else if read == 0 && written == 0 {
                return Ok(());
            }
            if input.is_empty() && written < STEP {
                return Ok(());
            }
        }
    }

    /// Ends a message.
    pub(super) fn end(&mut self, out: &mut Vec<u8>, limit: usize) -> Result<(), Trouble> {
        if self.at_end {
            return Ok(());
        }
        self.piece(&TAIL, out, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(inflater: &mut Inflater, bytes: &[u8]) -> Result<Vec<u8>, Trouble> {
        let mut out = Vec::new();
        inflater.piece(bytes, &mut out, 1000)?;
        inflater.end(&mut out, 1000)?;
        Ok(out)
    }

    /// RFC 7692 §7.2.3 has these bytes.
    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let compressed = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let with_window = [0xf2, 0x00, 0x11, 0x00, 0x00];
        let uncompressed = [
            0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00,
        ];
        let last_block = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        let two_blocks = [
            0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
        ];
        let mut inflater = Inflater::new();
        for bytes in [
            &compressed[..],
            &with_window,
            &uncompressed,
            &two_blocks,
            &last_block,
            &last_block[..7],
            &compressed,
        ] {
            assert_eq!(message(&mut inflater, bytes).expect("it is fine"), b"Hello");
        }
    }

    #[test]
    fn what_refers_to_messages_that_were_not_seen_is_an_error_and_no_text() {
        let with_window = [0xf2, 0x00, 0x11, 0x00, 0x00];
        let mut inflater = Inflater::new();
        assert_eq!(message(&mut inflater, &with_window), Err(Trouble::Broken));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        use std::io::Write;
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 10_000_000]).expect("memory");
        let bomb = encoder.finish().expect("memory");
        let mut out = Vec::new();
        let result = Inflater::new().piece(&bomb, &mut out, 1000);
        assert_eq!(result, Err(Trouble::TooLong));
        assert!(out.len() <= 1000 + STEP);
    }
}
