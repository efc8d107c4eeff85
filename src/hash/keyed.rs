//! A hash map of fingerprints, of which the memory can be brought into the cache before it is asked for.

use crate::fetch::fetch;
use std::mem;

/// Values by their [`super::fingerprint`]s. A value stands beside its key, at the place that the low bits of the key tell or
/// a little behind it, so that most are found with one line of memory, which [`KeyMap::fetch`] brings before. Who makes the
/// keys cannot foresee their places; a map whose keys a stranger chose would be slow.
#[derive(Clone, Debug)]
pub struct KeyMap<V> {
    /// As many as a power of two, or none.
    slots: Vec<Option<(u64, V)>>,
    len: usize,
}

impl<V> Default for KeyMap<V> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            len: 0,
        }
    }
}

/// Slots that a map begins with.
const FEWEST: usize = 8;

impl<V> KeyMap<V> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Has the place of a key brought into the cache.
    #[inline]
    pub fn fetch(&self, key: u64) {
        if let Some(slot) = self.slots.get(self.home(key)) {
            fetch(slot);
        }
    }

    /// The value of a key; `None` when it has none.
    #[inline]
    pub fn get(&self, key: u64) -> Option<&V> {
        let place = self.find(key).ok()?;
        self.slots.get(place)?.as_ref().map(|(_, value)| value)
    }

    /// The same, to change it.
    #[inline]
    pub fn get_mut(&mut self, key: u64) -> Option<&mut V> {
        let place = self.find(key).ok()?;
        self.slots.get_mut(place)?.as_mut().map(|(_, value)| value)
    }

    /// Whether a key has a value.
    #[inline]
    pub fn contains_key(&self, key: u64) -> bool {
        self.find(key).is_ok()
    }

    /// Gives a key a value; the one that it had before.
    #[inline]
    pub fn insert(&mut self, key: u64, value: V) -> Option<V> {
        let new = Some((key, value));
        match self.find(key) {
            Ok(place) => {
                let old = mem::replace(self.slots.get_mut(place)?, new);
                old.map(|(_, value)| value)
            }
            Err(place) => {
                self.put(place, new);
                None
            }
        }
    }

    /// The value of a key, made where it has none.
    #[inline]
    pub fn get_or_insert_with(&mut self, key: u64, make: impl FnOnce() -> V) -> Option<&mut V> {
        let place = match self.find(key) {
            Ok(place) => place,
            Err(place) => self.put(place, Some((key, make()))),
        };
        self.slots.get_mut(place)?.as_mut().map(|(_, value)| value)
    }

    /// Takes the value of a key away.
    #[inline]
    pub fn remove(&mut self, key: u64) -> Option<V> {
        let mut hole = self.find(key).ok()?;
        let (_, value) = self.slots.get_mut(hole)?.take()?;
        self.len -= 1;
        // What stands behind it moves up, as far as it is not at its place already: there are no gaps before anything.
        let mut next = self.behind(hole);
        while let Some(Some((key, _))) = self.slots.get(next) {
            if self.distance(self.home(*key), next) >= self.distance(hole, next) {
                self.slots.swap(hole, next);
                hole = next;
            }
            next = self.behind(next);
        }
        Some(value)
    }

    /// All of them, in any order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &V)> {
        let all = self.slots.iter().flatten();
        all.map(|(key, value)| (*key, value))
    }

    /// Where the first search for a key goes.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only the low bits are asked for"
    )]
    const fn home(&self, key: u64) -> usize {
        key as usize & self.slots.len().wrapping_sub(1)
    }

    /// The place behind another.
    #[inline]
    const fn behind(&self, place: usize) -> usize {
        (place + 1) & (self.slots.len().wrapping_sub(1))
    }

    /// How far it is from one place to another.
    #[inline]
    const fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.slots.len().wrapping_sub(1))
    }

    /// Where a key stands.
    ///
    /// # Errors
    /// Where it belongs, when it is not there.
    #[inline]
    fn find(&self, key: u64) -> Result<usize, usize> {
        let mut place = self.home(key);
        loop {
            match self.slots.get(place) {
                Some(Some((here, _))) if *here == key => return Ok(place),
                Some(Some(_)) => place = self.behind(place),
                Some(None) | None => return Err(place),
            }
        }
    }

    /// Puts a new entry where it belongs, or where it belongs when there is more room; its place.
    #[inline]
    fn put(&mut self, mut place: usize, new: Option<(u64, V)>) -> usize {
        if 4 * (self.len + 1) > 3 * self.slots.len() {
            self.grow();
            let key = new.as_ref().map_or(0, |(key, _)| *key);
            place = self.find(key).unwrap_or_else(|free| free);
        }
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = new;
            self.len += 1;
        }
        place
    }

    #[cold]
    fn grow(&mut self) {
        let more = (2 * self.slots.len()).max(FEWEST);
        let old = mem::replace(
            &mut self.slots,
            std::iter::repeat_with(|| None).take(more).collect(),
        );
        for (key, value) in old.into_iter().flatten() {
            let free = self.find(key).unwrap_or_else(|free| free);
            if let Some(slot) = self.slots.get_mut(free) {
                *slot = Some((key, value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::fingerprint;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn it_does_what_the_map_of_the_library_does(
            steps in prop::collection::vec((0..6_u8, 0..40_u64, 0..2_u32), 0..400),
        ) {
            let mut map = KeyMap::default();
            let mut other = HashMap::new();
            for (what, number, spread) in steps {
                // Half of the keys begin at few places.
                let key = if spread == 0 { (number << 60) | (number % 3) } else { fingerprint(number) };
                match what {
                    0 | 1 => prop_assert_eq!(map.insert(key, number), other.insert(key, number)),
                    2 => prop_assert_eq!(map.remove(key), other.remove(&key)),
                    3 => {
                        let value = map.get_or_insert_with(key, || 7).expect("a value");
                        let same = other.entry(key).or_insert(7);
                        *value += 1;
                        *same += 1;
                        prop_assert_eq!(*value, *same);
                    }
                    _ => {
                        prop_assert_eq!(map.get(key), other.get(&key));
                        prop_assert_eq!(map.get_mut(key), other.get_mut(&key));
                        prop_assert_eq!(map.contains_key(key), other.contains_key(&key));
                    }
                }
                map.fetch(key);
                prop_assert_eq!(map.len(), other.len());
                prop_assert_eq!(map.is_empty(), other.is_empty());
                let all: HashMap<_, _> = map.iter().map(|(key, value)| (key, *value)).collect();
                prop_assert_eq!(&all, &other);
            }
        }
    }
}
