//! Has memory that is needed soon brought into the cache, so that nobody waits for it: what is kept for half a minute is in no
//! cache any more when it is needed again, and a line of it takes as long as some hundred instructions.

use prefetch_index::prefetch_index;
use std::ptr;

/// Bytes that are brought at once.
const LINE: usize = 64;

/// How many of what is looked at one after the other lie between bringing something and needing it: less would not be enough
/// time, and of more some would be gone again.
pub const STEP: usize = 4;

/// Brings all of `it`, but nothing that it refers to. Nothing happens where the processor cannot be told so.
#[inline]
pub fn fetch<T: ?Sized>(it: &T) {
    // Addresses are told from here, as only places in a list can be.
    let nothing: &[u8] = &[];
    let start = ptr::from_ref(it).addr();
    let end = start + size_of_val(it);
    let mut line = start - start % LINE;
    while line < end {
        prefetch_index(nothing, line.wrapping_sub(nothing.as_ptr().addr()));
        line += LINE;
    }
}
