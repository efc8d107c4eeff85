//! Opens gzip and Zstandard streams, recognised by their first bytes.

use super::gzip::GzipReader;
use std::io::{self, BufReader, Cursor, Read};

/// Bytes that tell compressed streams apart.
const MAGIC_LENGTH: u64 = 4;

/// The input as it is, or decompressed; with `.gz` or `.zst` when it was compressed.
pub(super) fn decompress(
    mut raw: Box<dyn Read + Send>,
) -> io::Result<(Box<dyn Read + Send>, &'static str)> {
    let mut magic = Vec::new();
    raw.by_ref().take(MAGIC_LENGTH).read_to_end(&mut magic)?;
    let suffix = suffix(&magic);
    let whole = Cursor::new(magic).chain(raw);
    Ok(match suffix {
        ".gz" => (
            Box::new(GzipReader::new(BufReader::with_capacity(CHUNK, whole))),
            suffix,
        ),
        ".zst" => {
            let buffered = BufReader::with_capacity(CHUNK, whole);
            let decoder = zstd::stream::read::Decoder::with_buffer(buffered)?;
            (Box::new(ZstdReader(decoder)), suffix)
        }
        _ => (Box::new(whole), suffix),
    })
}

const CHUNK: usize = 64 * 1024;

fn suffix(magic: &[u8]) -> &'static str {
    match *magic {
        [0x1f, 0x8b, 8, ..] => ".gz",
        // RFC 8878 §3.1.1 and §3.1.2: a frame, or one to be skipped.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => ".zst",
        _ => "",
    }
}

/// Says of a fault that it is one of the compressed stream.
struct ZstdReader<R>(R);

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.read(space).map_err(|error| {
            if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let what = if error.kind() == io::ErrorKind::UnexpectedEof {
                "the zstd stream ends before its end".to_owned()
            } else {
                format!(
                    "the zstd stream is damaged: {}",
                    error.to_string().to_lowercase()
                )
            };
            io::Error::new(io::ErrorKind::InvalidData, what)
        })
    }
}
