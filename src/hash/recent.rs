//! The newest of what was noted.

use hashbrown::HashTable;
use std::collections::VecDeque;

/// The newest of what was noted, by [`super::fingerprint`]s: beyond so many the oldest is forgotten. Each takes little more than
/// its own bytes, as the table knows only where it stands.
#[derive(Debug)]
pub struct Recent<V> {
    /// The place of each, counted from the first that ever was.
    places: HashTable<u32>,
    /// In the order in which they were noted first.
    entries: VecDeque<(u64, V)>,
    /// The place of the oldest.
    begins: u32,
    most: usize,
}

impl<V> Recent<V> {
    /// None yet, and never more than that many.
    pub fn of_most(most: usize) -> Self {
        Self {
            places: HashTable::new(),
            entries: VecDeque::new(),
            begins: 0,
            most,
        }
    }

    /// What was noted; `None` when nothing was, or too long ago.
    pub fn get(&self, key: u64) -> Option<&V> {
        let place = self.find(key)?;
        self.entries.get(place).map(|(_, value)| value)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let place = self.find(key)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// Notes something under a key that is not known.
    pub fn insert(&mut self, key: u64, value: V) {
        while self.entries.len() >= self.most.max(1)
            && let Some((oldest, _)) = self.entries.pop_front()
        {
            let begins = self.begins;
            if let Ok(entry) = self.places.find_entry(oldest, |&place| place == begins) {
                entry.remove();
            }
            self.begins = begins.wrapping_add(1);
        }
        let (begins, entries) = (self.begins, &self.entries);
        let place = u32::try_from(entries.len()).unwrap_or_default();
        self.places
            .insert_unique(key, begins.wrapping_add(place), |&place| {
                let entry = entries.get(place.wrapping_sub(begins) as usize);
                entry.map_or(key, |(key, _)| *key)
            });
        self.entries.push_back((key, value));
    }

    /// Where it stands among those that are left.
    fn find(&self, key: u64) -> Option<usize> {
        let index = |place: u32| place.wrapping_sub(self.begins) as usize;
        let is_it = |&place: &u32| self.entries.get(index(place)).is_some_and(|it| it.0 == key);
        self.places.find(key, is_it).copied().map(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::fingerprint;

    #[test]
    fn the_oldest_is_forgotten_first_and_what_is_left_is_found() {
        let mut recent = Recent::of_most(100);
        // Places are counted over the end of their numbers.
        recent.begins = u32::MAX - 500;
        for number in 0..1_000_u64 {
            assert_eq!(recent.get(fingerprint(number)), None);
            recent.insert(fingerprint(number), number);
            if let Some(value) = recent.get_mut(fingerprint(number)) {
                *value += 1;
            }
            let oldest = number.saturating_sub(99);
            for known in oldest..=number {
                assert_eq!(recent.get(fingerprint(known)), Some(&(known + 1)));
            }
            if let Some(forgotten) = oldest.checked_sub(1) {
                assert_eq!(recent.get(fingerprint(forgotten)), None);
            }
            assert_eq!(recent.places.len(), recent.entries.len());
        }
        assert_eq!(recent.entries.len(), 100);
    }
}
