//! When open transactions are to be looked at: in order, although thousands are far away and only those of a second are sorted.

use super::super::TransactionId;
use crate::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Moments with what is to be looked at then.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// Those of the second `sorted` and of all before it, as they were when it was sorted; the first one last.
    near: Vec<(Timestamp, TransactionId)>,
    /// The same that came later: there may be as many, so that they are not put in between.
    late: BinaryHeap<Reverse<(Timestamp, TransactionId)>>,
    sorted: Option<i64>,
    /// The others by their second.
    far: BTreeMap<i64, Vec<(Timestamp, TransactionId)>>,
}

impl Deadlines {
    /// Adds one; a transaction may have several.
    pub(super) fn push(&mut self, moment: Timestamp, id: TransactionId) {
        let second = moment.second();
        if self.sorted.is_some_and(|sorted| second <= sorted) {
            self.late.push(Reverse((moment, id)));
        } else {
            self.far.entry(second).or_default().push((moment, id));
        }
    }

    /// Takes the first, with its moment.
    pub(super) fn pop(&mut self) -> Option<(Timestamp, TransactionId)> {
        if self.near.is_empty() && self.late.is_empty() {
            let (second, moments) = self.far.pop_first()?;
            self.sorted = Some(second);
            self.near = moments;
            self.near.sort_unstable_by(|one, other| other.cmp(one));
        }
        match (self.near.last(), self.late.peek()) {
            (Some(near), Some(Reverse(late))) if late < near => self.pop_late(),
            (None, Some(_)) => self.pop_late(),
            _ => self.near.pop(),
        }
    }

    fn pop_late(&mut self) -> Option<(Timestamp, TransactionId)> {
        self.late.pop().map(|Reverse(first)| first)
    }

    /// What comes about that many behind the first; `None` where that is not sorted yet.
    #[inline]
    pub(super) fn ahead(&self, behind: usize) -> Option<TransactionId> {
        let place = self.near.len().checked_sub(behind + 1)?;
        self.near.get(place).map(|(_, id)| *id)
    }

    /// Takes the first when its moment is not after `now`.
    pub(super) fn pop_until(&mut self, now: Timestamp) -> Option<TransactionId> {
        let near = self.near.last().map(|(moment, _)| *moment);
        let late = self.late.peek().map(|Reverse((moment, _))| *moment);
        let is_due = match near.into_iter().chain(late).min() {
            Some(moment) => moment <= now,
            None => *self.far.first_key_value()?.0 <= now.second(),
        };
        if !is_due {
            return None;
        }
        let (moment, id) = self.pop()?;
        if moment <= now {
            return Some(id);
        }
        // It is the first of a second that was just sorted.
        self.near.push((moment, id));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_due_comes_in_order_and_nothing_else_does() {
        let at = |millis| Timestamp::from_nanos(0) + Duration::from_millis(millis);
        let mut deadlines = Deadlines::default();
        for (id, millis) in [(1, 34_700), (2, 34_100), (3, 900_000), (4, 2_000)] {
            deadlines.push(at(millis), TransactionId(id));
        }
        assert_eq!(deadlines.pop_until(at(1_999)), None);
        assert_eq!(deadlines.pop_until(at(2_000)), Some(TransactionId(4)));
        assert_eq!(deadlines.pop_until(at(34_050)), None);
        // Added behind and before the one that is sorted.
        deadlines.push(at(34_150), TransactionId(5));
        deadlines.push(at(3_000), TransactionId(6));
        let due: Vec<_> = std::iter::from_fn(|| deadlines.pop_until(at(40_000))).collect();
        assert_eq!(due, [6, 2, 5, 1].map(TransactionId));
        assert_eq!(deadlines.pop(), Some((at(900_000), TransactionId(3))));
        assert_eq!(deadlines.pop(), None);
    }
}
