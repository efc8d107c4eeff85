//! The responses to a request. Each stays where it was made when the message was read: most requests have few.

use super::Response;
use smallvec::SmallVec;
use std::slice;

/// Responses in order of first appearance.
#[derive(Clone, Debug, Default)]
pub struct Responses(SmallVec<[Box<Response>; INLINE]>);

/// As many as most have, and no more than fit into the size of a transaction.
const INLINE: usize = 2;

/// Responses one after the other.
pub(super) type Iter<'a> =
    std::iter::Map<slice::Iter<'a, Box<Response>>, fn(&'a Box<Response>) -> &'a Response>;

impl Responses {
    /// All of them.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.0.iter().map(|it| &**it)
    }

    /// The same, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Response> {
        self.0.iter_mut().map(|it| &mut **it)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first that came; `None` when none did.
    pub fn first(&self) -> Option<&Response> {
        self.0.first().map(|it| &**it)
    }

    /// The last that came for the first time; `None` when none did.
    pub fn last(&self) -> Option<&Response> {
        self.0.last().map(|it| &**it)
    }

    pub(super) fn push(&mut self, response: Box<Response>) {
        self.0.push(response);
    }

    pub(super) fn remove(&mut self, at: usize) -> Box<Response> {
        self.0.remove(at)
    }
}

impl<'a> IntoIterator for &'a Responses {
    type Item = &'a Response;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<Response> for Responses {
    fn from_iter<T: IntoIterator<Item = Response>>(responses: T) -> Self {
        Self(responses.into_iter().map(Box::new).collect())
    }
}
