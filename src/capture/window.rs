//! A chunked, bounded view of an input: bytes from the front, more on demand, with their offset in the input.

use super::Flaw;
use std::io::{self, Read};

/// The bytes of an input from a moving position on.
pub(super) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    ended: bool,
    failure: Option<String>,
}

impl Window {
    /// A view of `reader` that holds `capacity` bytes, and more only while one record needs more.
    pub(super) fn new(reader: Box<dyn Read + Send>, capacity: usize) -> Self {
        Self {
            reader,
            buffer: vec![0; capacity.max(1)],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            failure: None,
        }
    }

    /// The bytes that are there.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads until `want` bytes are there or the input ends; returns how many there are, which may be more.
    ///
    /// The caller bounds `want`: the buffer grows to it, and only as the bytes really come.
    #[inline]
    pub(super) fn fill(&mut self, want: usize) -> usize {
        let there = self.end - self.start;
        if there >= want {
            return there;
        }
        self.read(want)
    }

    fn read(&mut self, want: usize) -> usize {
        while self.end - self.start < want && !self.ended {
            self.make_room(want);
            let Some(space) = self.buffer.get_mut(self.end..) else {
                break;
            };
            match self.reader.read(space) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read.min(space.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    self.failure = Some(describe(&error));
                }
            }
        }
        self.end - self.start
    }

    /// Moves on by `count` bytes, of those that are there.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// Moves on by `count` bytes without holding them; returns how many bytes short the input was.
    pub(super) fn skip(&mut self, count: u64) -> u64 {
        let mut left = count;
        while left > 0 {
            let there = self.fill(1);
            if there == 0 {
                break;
            }
            let step = there.min(usize::try_from(left).unwrap_or(usize::MAX));
            self.consume(step);
            left -= step as u64;
        }
        left
    }

    /// Where the first byte is in the input, from 0.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Why the input ended before its end, when it did: a system that refused to read, a broken compressed stream.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// The flaw of an input that ends inside a record that starts at `offset`: the reason when there is one, else `what`.
    pub(super) fn cut(&self, offset: u64, what: String) -> Flaw {
        Flaw {
            offset,
            what: self.failure.clone().unwrap_or(what),
        }
    }

    /// The flaw of an input that ends between two records, when it ended because reading failed.
    pub(super) fn failed_here(&self) -> Option<Flaw> {
        let what = self.failure.clone()?;
        Some(Flaw {
            offset: self.offset,
            what,
        })
    }

    fn make_room(&mut self, want: usize) {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
        if self.buffer.len() - self.start < want && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let doubled = self.buffer.len().saturating_mul(2);
            self.buffer.resize(doubled.min(want.max(self.end + 1)), 0);
        }
    }
}

fn describe(error: &io::Error) -> String {
    if error.raw_os_error().is_some() {
        format!("the system refused to read on: {error}")
    } else {
        error.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a read.
    struct Slow(u8);

    impl Read for Slow {
        fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            let Some(first) = space.first_mut() else {
                return Ok(0);
            };
            self.0 = self.0.wrapping_add(1);
            *first = self.0;
            Ok(1)
        }
    }

    #[test]
    fn grows_to_what_is_wanted_and_keeps_the_order() {
        let mut window = Window::new(Box::new(Slow(0)), 4);
        assert_eq!(window.fill(3), 3);
        window.consume(2);
        assert_eq!(window.fill(9), 9);
        assert_eq!(window.bytes(), [3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(window.offset(), 2);
        assert_eq!(window.skip(20), 0);
        assert_eq!(window.offset(), 22);
    }

    #[test]
    fn does_not_grow_beyond_what_comes() {
        let mut window = Window::new(Box::new(io::Cursor::new(vec![7; 10])), 4);
        assert_eq!(window.fill(1 << 30), 10);
        assert!(window.buffer.len() <= 64);
    }
}
