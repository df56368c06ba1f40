//! Bytes that a native task reads where JavaScript had them: in the memory of a buffer that has moved to
//! the task.

use crate::engine::backing_store::BackingStore;
use crate::js::View;

pub(crate) struct Lent {
    pub(crate) view: View,
    data: *const u8,
    size: usize,
    /// Keeps the memory.
    _store: BackingStore,
}

// SAFETY: the memory is only read, and its store, which may be used on any thread, keeps it.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl Lent {
    /// # Safety
    /// The bytes lie in the store, and nobody writes to them from now on.
    pub(crate) unsafe fn new(view: View, bytes: &[u8], store: BackingStore) -> Self {
        Lent { view, data: bytes.as_ptr(), size: bytes.len(), _store: store }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the store keeps the memory, and `new` was promised that nobody writes to it.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }
}
