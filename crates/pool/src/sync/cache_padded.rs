//! Memory that one thread writes often lies apart from what others use: cores fight for whole cache lines.

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
