//! Hash tables for keys that strangers chose: seeded by the operating system, so that nobody can make keys collide, and
//! several times as fast as the standard library's.

use std::collections::{HashMap as StdMap, HashSet as StdSet};

/// The seeded hash function of every table.
pub type RandomState = ahash::RandomState;

/// A hash map; make one with `HashMap::default()`.
pub type HashMap<K, V> = StdMap<K, V, RandomState>;

/// A hash set; make one with `HashSet::default()`.
pub type HashSet<T> = StdSet<T, RandomState>;
