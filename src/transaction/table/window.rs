//! Values by the number of their transaction. Numbers are given out one after the other and most are given back in about that
//! order, so that the values stand in a row and none has to be searched for.

use super::super::TransactionId;
use crate::fetch::fetch;
use crate::hash::NumberMap;
use std::collections::VecDeque;

/// Values by the number of their transaction.
#[derive(Debug)]
pub(super) struct Window<V> {
    /// The number of the first slot.
    first: u64,
    slots: VecDeque<Option<V>>,
    /// Those that stay so long that most behind them are gone.
    long: NumberMap<TransactionId, V>,
    len: usize,
}

impl<V> Default for Window<V> {
    fn default() -> Self {
        Self {
            first: 0,
            slots: VecDeque::new(),
            long: NumberMap::default(),
            len: 0,
        }
    }
}

/// Slots for each value, beyond which the oldest no longer stand in the row.
const SPARSE: usize = 2;
/// Slots beside them, so that a few values are not moved again and again.
const FEW: usize = 1_024;

impl<V> Window<V> {
    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Has the slot of a number brought into the cache.
    #[inline]
    pub(super) fn fetch(&self, id: TransactionId) {
        if let Some(slot) = self.place(id).and_then(|place| self.slots.get(place)) {
            fetch(slot);
        }
    }

    /// That of a number; `None` when there is none.
    #[inline]
    pub(super) fn get(&self, id: TransactionId) -> Option<&V> {
        match self.place(id) {
            Some(place) => self.slots.get(place)?.as_ref(),
            None => self.long.get(&id),
        }
    }

    /// The same, to change it.
    #[inline]
    pub(super) fn get_mut(&mut self, id: TransactionId) -> Option<&mut V> {
        match self.place(id) {
            Some(place) => self.slots.get_mut(place)?.as_mut(),
            None => self.long.get_mut(&id),
        }
    }

    /// Takes one with a number that is higher than all before.
    pub(super) fn insert(&mut self, id: TransactionId, value: V) {
        if self.slots.is_empty() {
            self.first = id.0;
        }
        while self.place(id).is_some_and(|place| place > self.slots.len()) {
            self.slots.push_back(None);
        }
        self.slots.push_back(Some(value));
        self.len += 1;
        while self.slots.len() > SPARSE * self.len + FEW {
            let oldest = TransactionId(self.first);
            let value = self.slots.pop_front().flatten();
            self.first += 1;
            self.long.extend(value.map(|value| (oldest, value)));
        }
    }

    /// Takes that of a number away.
    pub(super) fn remove(&mut self, id: TransactionId) -> Option<V> {
        let value = match self.place(id) {
            Some(place) => self.slots.get_mut(place)?.take(),
            None => self.long.remove(&id),
        };
        self.len -= usize::from(value.is_some());
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.first += 1;
        }
        value
    }

    /// The numbers of all, from the lowest.
    pub(super) fn ids(&self) -> Vec<TransactionId> {
        let mut ids: Vec<_> = self.long.keys().copied().collect();
        ids.sort_unstable();
        let row = (self.first..).zip(&self.slots);
        ids.extend(row.filter_map(|(number, slot)| slot.as_ref().map(|_| TransactionId(number))));
        ids
    }

    /// Where it stands or will stand in the row; `None` when it is too old for that.
    #[inline]
    fn place(&self, id: TransactionId) -> Option<usize> {
        usize::try_from(id.0.checked_sub(self.first)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_does_what_a_map_does(
            steps in prop::collection::vec((0..8_u8, 1..400_u64), 0..200),
        ) {
            let mut window = Window::default();
            let mut other = BTreeMap::new();
            let mut last = 0;
            for (what, number) in steps {
                match what {
                    // Numbers are left out, too.
                    0..4 => {
                        for _ in 0..number {
                            last += 1 + u64::from(what == 0);
                            window.insert(TransactionId(last), last);
                            other.insert(last, last);
                        }
                    }
                    // The oldest go first, but for some.
                    4..7 => {
                        let gone: Vec<_> = other.keys().copied().filter(|it| it % 97 != 0).collect();
                        for it in gone.into_iter().take(usize::try_from(2 * number).unwrap()) {
                            prop_assert_eq!(window.remove(TransactionId(it)), other.remove(&it));
                        }
                    }
                    _ => {
                        let it = TransactionId(last.saturating_sub(number));
                        if let Some(value) = window.get_mut(it) {
                            *value += 1;
                        }
                        if let Some(value) = other.get_mut(&it.0) {
                            *value += 1;
                        }
                        prop_assert_eq!(window.remove(TransactionId(last + number)), None);
                    }
                }
                prop_assert_eq!(window.len(), other.len());
                let ids: Vec<_> = other.keys().copied().map(TransactionId).collect();
                prop_assert_eq!(window.ids(), ids);
                for (number, value) in &other {
                    window.fetch(TransactionId(*number));
                    prop_assert_eq!(window.get(TransactionId(*number)), Some(value));
                }
                prop_assert!(what >= 4 || window.slots.len() <= SPARSE * window.len() + FEW);
            }
        }
    }
}
