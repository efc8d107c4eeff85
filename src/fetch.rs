//! Has memory that is needed soon brought into the cache, so that nobody waits for it: what is kept for half a minute is in no
//! cache any more when it is needed again, and a line of it takes as long as some hundred instructions.

use prefetch_index::prefetch_index;
use std::ptr;

/// Bytes that are brought at once.
const LINE: usize = 64;

/// Brings all of `it`, but nothing that it refers to. Nothing happens where the processor cannot be told so.
#[inline]
pub fn fetch<T: ?Sized>(it: &T) {
    let nothing: &[u8] = &[];
    let from = ptr::from_ref(it)
        .addr()
        .wrapping_sub(nothing.as_ptr().addr());
    let mut done = 0;
    while done < size_of_val(it) {
        prefetch_index(nothing, from.wrapping_add(done));
        done += LINE;
    }
}
