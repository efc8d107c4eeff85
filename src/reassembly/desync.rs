//! Where what a stream has and what its Content-Length says differ.

use crate::capture::Sighting;

/// A place where a start line had to be and was not: what the Content-Length before it says and what was sent differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desync {
    /// The packet with the bytes that are no start line.
    pub at: Sighting,
    /// The packet of the message before it.
    pub after: Sighting,
    /// How many bytes of body that message announces.
    pub content_length: usize,
    /// Where the bytes are, counted from the beginning of that message.
    pub offset: u64,
    /// The beginning of the bytes, as text.
    pub found: Box<str>,
    /// The packet with the next start line; `None` when none came.
    pub resynchronised: Option<Sighting>,
    /// Whether nothing is wrong but that the message that begins there is not complete: `offset` bytes of it came.
    pub unfinished: Option<Unfinished>,
}

/// What a message lacks that its sender left incomplete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Its sender ended its side inside the header.
    Head,
    /// So many bytes of its body, for which its receiver waits.
    Body {
        /// Of those that Content-Length announces.
        missing: u64,
        /// Whether its sender ended its side.
        closed: bool,
    },
}
