//! Work that several threads share: a pool that is made when there is something for it.

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// As many threads as were asked for; one is whoever asks, and nobody else.
#[derive(Clone, Debug)]
pub struct Workers {
    threads: usize,
    pool: Arc<OnceLock<Option<ThreadPool>>>,
}

impl Default for Workers {
    fn default() -> Self {
        Self::new(NonZero::<usize>::MIN)
    }
}

impl Workers {
    /// That many.
    pub fn new(threads: NonZero<usize>) -> Self {
        Self {
            threads: threads.get(),
            pool: Arc::default(),
        }
    }

    /// What `work` makes of each item, in their order, whichever thread did it. `least` items are worth a thread.
    pub fn map<'a, T: Sync, R: Send>(
        &self,
        items: &'a [T],
        least: usize,
        work: impl Fn(&'a T) -> R + Sync + Send,
    ) -> Vec<R> {
        match self.pool(items.len(), least) {
            Some(pool) => {
                let all = items.par_iter().with_min_len(least).map(work);
                pool.install(|| all.collect())
            }
            None => items.iter().map(work).collect(),
        }
    }

    /// Whether two things can be done at the same time.
    pub fn are_several(&self) -> bool {
        self.pool(2, 1).is_some()
    }

    /// Does both at the same time, so that one may wait for the other, where [there are several](Self::are_several), and else
    /// one after the other. The first is told whom it can help while it waits.
    pub fn both<A: Send, B: Send>(
        &self,
        first: impl FnOnce(&Helper<'_>) -> A + Send,
        second: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        let begun = &AtomicBool::new(false);
        let first = move || first(&Helper { begun });
        let second = move || {
            begun.store(true, Ordering::Release);
            second()
        };
        match self.pool(2, 1) {
            Some(pool) => pool.join(first, second),
            None => (first(), second()),
        }
    }

    /// Those who share so many items; `None` where one alone is as fast, and where the system has no threads to give.
    fn pool(&self, items: usize, least: usize) -> Option<&ThreadPool> {
        if self.threads == 1 || items < 2 * least {
            return None;
        }
        let made = self.pool.get_or_init(|| {
            let builder = ThreadPoolBuilder::new().num_threads(self.threads);
            builder.build().ok()
        });
        made.as_ref()
    }
}

/// Whoever does one of two things.
#[derive(Debug)]
pub struct Helper<'a> {
    /// Whether the other one has begun. Before, what there is to help with may be the other one itself, as a whole.
    begun: &'a AtomicBool,
}

impl Helper<'_> {
    /// Does a part of what the other one shares with all; whether there was one.
    pub fn help(&self) -> bool {
        self.begun.load(Ordering::Acquire)
            && matches!(rayon::yield_now(), Some(rayon::Yield::Executed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::time::Duration;

    #[test]
    fn the_order_is_that_of_the_items_with_any_number_of_threads() {
        let items: Vec<u64> = (0..1000).collect();
        let expected: Vec<u64> = items.iter().map(|it| it * it).collect();
        for threads in [1, 2, 7] {
            let workers = Workers::new(NonZero::new(threads).unwrap());
            assert_eq!(workers.map(&items, 3, |it| it * it), expected);
            assert_eq!(workers.map(&items[..0], 3, |it| it * it), [0; 0]);
        }
    }

    #[test]
    fn who_waits_for_the_other_can_help_it() {
        let numbers: Vec<u64> = (0..64).collect();
        let workers = Workers::new(NonZero::new(2).unwrap());
        assert!(workers.are_several());
        let (full, taken) = sync_channel(0);
        let (helped, sum) = workers.both(
            |helper| {
                let mut helped = 0;
                while full.try_send(()).is_err() {
                    helped += u32::from(helper.help());
                    std::thread::yield_now();
                }
                helped
            },
            || {
                // Each is long enough for the other thread to see that there is more.
                let slowly = |it: &u64| {
                    std::thread::sleep(Duration::from_millis(1));
                    *it
                };
                let sum: u64 = workers.map(&numbers, 1, slowly).into_iter().sum();
                let taken: Receiver<()> = taken;
                taken.recv().unwrap();
                sum
            },
        );
        assert_eq!(sum, (0..64).sum::<u64>());
        assert!(helped > 0);
    }

    #[test]
    fn one_alone_does_one_after_the_other() {
        let alone = Workers::default();
        assert!(!alone.are_several());
        let done = AtomicBool::new(false);
        let (first, second) = alone.both(
            |helper| (helper.help(), done.load(Ordering::Relaxed)),
            || done.store(true, Ordering::Relaxed),
        );
        assert_eq!((first, second), ((false, false), ()));
        assert!(done.into_inner());
    }
}
