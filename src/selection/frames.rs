//! A set of frame numbers that takes a bit for each frame of the stretches in which it has some.

use crate::capture::FrameNumber;
use std::collections::BTreeMap;

/// Frames of one entry: as many as fit into its words.
const STRETCH: u64 = 1024;
const WORD: u64 = 64;

/// Frame numbers, each once.
#[derive(Clone, Debug, Default)]
pub struct FrameSet(BTreeMap<u64, Box<[u64; 16]>>);

impl FrameSet {
    /// Adds a frame.
    pub fn insert(&mut self, frame: FrameNumber) {
        let (stretch, word, bit) = place(frame);
        let words = self.0.entry(stretch).or_default();
        if let Some(word) = words.get_mut(word) {
            *word |= bit;
        }
    }

    /// Whether a frame is in it.
    pub fn contains(&self, frame: FrameNumber) -> bool {
        let (stretch, word, bit) = place(frame);
        let words = self.0.get(&stretch);
        words.is_some_and(|words| words.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Whether there is none in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The stretch, the word in it and the bit in that.
fn place(frame: FrameNumber) -> (u64, usize, u64) {
    let within = frame.0 % STRETCH;
    // Below 16.
    let word = usize::try_from(within / WORD).unwrap_or_default();
    (frame.0 / STRETCH, word, 1 << (within % WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_in_it_that_were_added() {
        let mut set = FrameSet::default();
        assert!(set.is_empty());
        for frame in [1, 63, 64, 1023, 1024, 5_000_000_000] {
            assert!(!set.contains(FrameNumber(frame)));
            set.insert(FrameNumber(frame));
            assert!(set.contains(FrameNumber(frame)));
        }
        assert!(!set.contains(FrameNumber(2)) && !set.is_empty());
        assert_eq!(set.0.len(), 3);
    }
}
