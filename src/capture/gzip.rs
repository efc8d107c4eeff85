//! gzip decompression that hands out every byte before a fault. flate2's own readers lose what they decompressed in the
//! read that meets the fault, which for a small capture is all of it.

use flate2::{Crc, Decompress, FlushDecompress, Status};
use std::io::{self, BufRead, Read};

/// Decompresses one or more gzip members.
pub(super) struct GzipReader<R> {
    inner: R,
    inflate: Decompress,
    crc: Crc,
    members: u64,
    inside: bool,
    done: bool,
    failure: Option<io::Error>,
}

impl<R: BufRead> GzipReader<R> {
    /// Decompresses what `inner` gives from here on.
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            members: 0,
            inside: false,
            done: false,
            failure: None,
        }
    }

    /// Reads the header of the next member; false when there is none.
    fn begin_member(&mut self) -> io::Result<bool> {
        // gzip pads with zeros to the block size of tapes.
        while self.members > 0 && self.inner.fill_buf()?.first() == Some(&0) {
            self.inner.consume(1);
        }
        if self.inner.fill_buf()?.is_empty() {
            return Ok(false);
        }
        let mut header = Vec::with_capacity(HEADER);
        let mut there = self.inner.by_ref().take(HEADER as u64);
        there.read_to_end(&mut header)?;
        if header.iter().zip(&MAGIC).any(|(there, due)| there != due) {
            let after = self.members > 0;
            return Err(broken(if after {
                "other bytes follow the gzip stream, which is whole"
            } else {
                "the gzip stream does not begin with a gzip header"
            }));
        }
        let [_, _, _, flags, _, _, _, _, _, _] = *header else {
            return Err(broken(CUT));
        };
        // RFC 1952 §2.3.1: FEXTRA, FNAME, FCOMMENT and FHCRC, in this order.
        if flags & 4 != 0 {
            for _ in 0..u16::from_le_bytes(self.take()?) {
                self.take::<1>()?;
            }
        }
        for flag in [8, 16] {
            while flags & flag != 0 && self.take::<1>()? != [0] {}
        }
        if flags & 2 != 0 {
            self.take::<2>()?;
        }
        self.members += 1;
        self.inside = true;
        self.inflate.reset(false);
        self.crc.reset();
        Ok(true)
    }

    fn end_member(&mut self) -> io::Result<()> {
        self.inside = false;
        let sum = u32::from_le_bytes(self.take()?);
        let length = u32::from_le_bytes(self.take()?);
        if sum != self.crc.sum() || length != self.crc.amount() {
            return Err(broken(
                "the gzip stream is damaged: its checksum does not fit",
            ));
        }
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        match self.inner.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(broken(CUT)),
            Err(error) => Err(error),
            Ok(()) => Ok(bytes),
        }
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if space.is_empty() || self.done {
            return Ok(0);
        }
        loop {
            if let Some(error) = self.failure.take() {
                self.done = true;
                return Err(error);
            }
            if !self.inside && !self.begin_member()? {
                self.done = true;
                return Ok(0);
            }
            let input = self.inner.fill_buf()?;
            let ended = input.is_empty();
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(input, space, FlushDecompress::None);
            let consumed = usize::try_from(self.inflate.total_in() - before_in).unwrap_or(0);
            let produced = usize::try_from(self.inflate.total_out() - before_out).unwrap_or(0);
            self.inner.consume(consumed);
            self.crc.update(space.get(..produced).unwrap_or_default());
            match status {
                Ok(Status::StreamEnd) => self.failure = self.end_member().err(),
                Ok(_) => {}
                Err(_) => self.failure = Some(broken("the gzip stream is damaged")),
            }
            if produced > 0 {
                return Ok(produced);
            }
            if ended && self.inside && self.failure.is_none() {
                self.failure = Some(broken(CUT));
            }
        }
    }
}

/// Bytes of a member's header that each has, and the first of them (RFC 1952 §2.3).
const HEADER: usize = 10;
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

const CUT: &str = "the gzip stream ends before its end";

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
