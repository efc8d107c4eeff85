//! Work that several threads share: a pool that is made when there is something for it.

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::num::NonZero;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
