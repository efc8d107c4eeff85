//! Hash tables for keys that strangers chose: seeded by the operating system, so that nobody can make keys collide, and
//! several times as fast as the standard library's.

mod keyed;
mod recent;

pub use keyed::KeyMap;
pub use recent::Recent;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use std::collections::{HashMap as StdMap, HashSet as StdSet};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::LazyLock;

/// The seeded hash function of every table.
pub type RandomState = ahash::RandomState;

/// A hash map; make one with `HashMap::default()`.
pub type HashMap<K, V> = StdMap<K, V, RandomState>;

/// A hash set; make one with `HashSet::default()`.
pub type HashSet<T> = StdSet<T, RandomState>;

/// A fingerprint that strangers cannot foresee: equal for equal values within one run, and nothing else.
pub fn fingerprint(value: impl Hash) -> u64 {
    let mut hasher = fingerprints();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The same of several values one after the other.
pub fn fingerprints() -> impl Hasher {
    static SEEDS: LazyLock<(u64, SharedSeed)> = LazyLock::new(|| {
        // The operating system seeds it.
        let random = RandomState::new();
        (random.hash_one(0), SharedSeed::from_u64(random.hash_one(1)))
    });
    let (seed, shared) = &*SEEDS;
    FoldHasher::with_seed(*seed, shared)
}

/// A hash map whose keys are numbers that were given out one after the other, or what [`fingerprint`] made where little is asked of
/// it: they are not hashed again. Make one with `NumberMap::default()`.
pub type NumberMap<K, V> = StdMap<K, V, Given>;

/// A hash set of the same, or of what [`fingerprint`] made.
pub type KeySet<T> = StdSet<T, Given>;

/// Takes a number as its own hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given;

impl BuildHasher for Given {
    type Hasher = GivenHash;

    fn build_hasher(&self) -> GivenHash {
        GivenHash(0)
    }
}

/// The number that was given.
#[derive(Clone, Copy, Debug)]
pub struct GivenHash(u64);

impl Hasher for GivenHash {
    fn finish(&self) -> u64 {
        // A table finds the place by the low bits, so that numbers in a row are neighbours, and tells apart what is there by the
        // seven highest, which such numbers have in common.
        self.0 ^ (self.0 << 57)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(8) ^ number;
    }
}
