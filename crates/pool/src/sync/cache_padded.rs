//! Memory that one thread writes often is kept on cache lines of its own: a write takes the whole line away
//! from the cores that use something else on it.

use std::ops::Deref;

/// A value on cache lines of its own. Two lines, because processors fetch them in pairs.
#[repr(align(128))]
pub(crate) struct CachePadded<T>(pub(crate) T);

impl<T> Deref for CachePadded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
