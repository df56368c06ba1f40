//! Values that `share` has written once, for all isolates and children that need them.
//!
//! A value lives as long as somebody has a use of it: the isolate that has shared it, accepted tasks, an
//! executor's `initargs`. It is read as often as there are isolates that need it, so nothing of it moves:
//! each reader gets memory of its own, but for memory that was shared before. Whoever has made the value anew
//! is a *reader*, and is told when the last use has gone.
//!
//! Locks: `REGISTRY`, and `readers` of one value. Neither is held while a use is dropped, or a reader told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;

use crate::values::shared_use::{SharedSource, SharedUse};
use crate::values::value::Packed;

/// Whoever has made shared values anew. From any thread, perhaps under a pool's mutex.
pub(crate) trait SharedReader: Send + Sync {
    /// The value of this number has gone: what was made of it is to go, too.
    fn forget(&self, number: u64);
}

/// A value that many tasks need.
pub(crate) struct SharedValue {
    /// Unique in the process, and never used again.
    number: u64,
    packed: Packed,
    bytes: usize,
    readers: Mutex<Vec<Weak<dyn SharedReader>>>,
}

static REGISTRY: LazyLock<Mutex<HashMap<u64, Weak<SharedValue>>>> = LazyLock::new(Mutex::default);
// ORDERING: only uniqueness matters.
static NEXT: AtomicU64 = AtomicU64::new(1);
/// Of all that are there.
// ORDERING: looked at for statistics only.
static BYTES: AtomicUsize = AtomicUsize::new(0);
static VALUES: AtomicUsize = AtomicUsize::new(0);

impl SharedValue {
    pub(crate) fn new(packed: Packed) -> Arc<SharedValue> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let bytes = packed.value.bytes();
        BYTES.fetch_add(bytes, Ordering::Relaxed);
        VALUES.fetch_add(1, Ordering::Relaxed);
        let value = Arc::new(SharedValue { number, packed, bytes, readers: Mutex::default() });
        REGISTRY.lock().insert(number, Arc::downgrade(&value));
        value
    }

    pub(crate) fn packed(&self) -> &Packed {
        &self.packed
    }

    /// How many bytes were written.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// One more has made the value anew. The caller has a use of it.
    pub(crate) fn add_reader(&self, reader: Weak<dyn SharedReader>) {
        let mut readers = self.readers.lock();
        // Those that have ended: workers come and go while the value stays.
        readers.retain(|reader| reader.strong_count() > 0);
        readers.push(reader);
    }
}

impl SharedUse for SharedValue {
    fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for SharedValue {
    fn drop(&mut self) {
        REGISTRY.lock().remove(&self.number);
        BYTES.fetch_sub(self.bytes, Ordering::Relaxed);
        VALUES.fetch_sub(1, Ordering::Relaxed);
        for reader in std::mem::take(self.readers.get_mut()) {
            if let Some(reader) = reader.upgrade() {
                reader.forget(self.number);
            }
        }
    }
}

/// The value of this number, if anybody has a use of it.
pub(crate) fn find(number: u64) -> Option<Arc<SharedValue>> {
    // The use may become the last one at once: the lock is left before it can be dropped.
    let found = REGISTRY.lock().get(&number).cloned();
    found.and_then(|value| value.upgrade())
}

/// How many values there are in this process, and how many bytes were written for them.
pub(crate) fn totals() -> (usize, usize) {
    (VALUES.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed))
}

/// The values that another process has sent.
#[derive(Default)]
pub(crate) struct SentValues(Mutex<HashMap<u64, Arc<SharedValue>>>);

impl SentValues {
    pub(crate) fn keep(&self, number: u64, packed: Packed) {
        let before = self.0.lock().insert(number, SharedValue::new(packed));
        drop(before);
    }

    pub(crate) fn forget(&self, number: u64) {
        let value = self.0.lock().remove(&number);
        drop(value);
    }

    /// That process has ended.
    pub(crate) fn clear(&self) {
        let values = std::mem::take(&mut *self.0.lock());
        drop(values);
    }
}

impl SharedSource for SentValues {
    fn shared(&self, number: u64) -> Option<Arc<dyn SharedUse>> {
        self.0.lock().get(&number).map(|value| value.clone() as Arc<dyn SharedUse>)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::values::text::Text;
    use crate::values::value::Value;

    #[derive(Default)]
    struct Told(AtomicU64);

    impl SharedReader for Told {
        fn forget(&self, number: u64) {
            assert!(find(number).is_none(), "it has gone by then");
            self.0.store(number, Ordering::Relaxed);
        }
    }

    fn text(text: &str) -> Packed {
        Packed::as_is(Value::Text(Text::from(text.to_owned())))
    }

    #[test]
    fn the_last_use_tells_the_readers_and_an_ended_reader_is_not_kept() {
        let value = SharedValue::new(text("value"));
        assert_eq!(value.bytes(), 5);
        let number = value.number();
        let (told, ended) = (Arc::new(Told::default()), Arc::new(Told::default()));
        value.add_reader(Arc::downgrade(&ended) as Weak<dyn SharedReader>);
        drop(ended);
        value.add_reader(Arc::downgrade(&told) as Weak<dyn SharedReader>);
        assert_eq!(value.readers.lock().len(), 1);
        let other = find(number).expect("it is there");
        drop(value);
        assert_eq!(told.0.load(Ordering::Relaxed), 0);
        drop(other);
        assert_eq!(told.0.load(Ordering::Relaxed), number);
        assert!(find(number).is_none());
    }

    #[test]
    fn what_another_process_has_sent_goes_with_it() {
        let sent = SentValues::default();
        sent.keep(7, text("one"));
        sent.keep(8, text("two"));
        let one = sent.shared(7).expect("it is there");
        sent.forget(7);
        assert!(sent.shared(7).is_none() && find(one.number()).is_some());
        let two = sent.shared(8).expect("it is there").number();
        sent.clear();
        assert!(find(two).is_none());
    }
}
