//! Memory for long strings on their way, used again. Fresh memory of this size is the system's: it costs a
//! page fault for every 4 KiB and, given back, an interruption of all cores, which together is more than
//! the copy.

use std::mem;

use parking_lot::Mutex;

/// The sizes that are kept, and how much of it in the whole process.
const SMALLEST: usize = 1 << 16;
const LARGEST: usize = 1 << 22;
const MOST: usize = 1 << 23;

struct Kept {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { buffers: Vec::new(), bytes: 0 });

pub(crate) fn is_recyclable(size: usize) -> bool {
    (SMALLEST..=LARGEST).contains(&size)
}

/// An empty vector with room for `size` bytes.
pub(crate) fn take(size: usize) -> Vec<u8> {
    let mut kept = KEPT.lock();
    // The one used last is the likeliest to be in a cache. At most half of it stays unused.
    let fits = |buffer: &Vec<u8>| buffer.capacity() >= size && buffer.capacity() / 2 <= size;
    match kept.buffers.iter().rposition(fits) {
        Some(index) => {
            let buffer = kept.buffers.remove(index);
            kept.bytes -= buffer.capacity();
            buffer
        }
        None => Vec::with_capacity(size),
    }
}

/// Bytes whose memory goes back to those that are kept.
pub(crate) struct Recycled(Vec<u8>);

impl Recycled {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Recycled(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Recycled {
    fn drop(&mut self) {
        let mut buffer = mem::take(&mut self.0);
        buffer.clear();
        let mut kept = KEPT.lock();
        let dropped = if !is_recyclable(buffer.capacity()) {
            vec![buffer]
        } else {
            kept.bytes += buffer.capacity();
            kept.buffers.push(buffer);
            let mut dropped = Vec::new();
            while kept.bytes > MOST {
                // The oldest.
                let oldest = kept.buffers.remove(0);
                kept.bytes -= oldest.capacity();
                dropped.push(oldest);
            }
            dropped
        };
        drop(kept);
        // Only once the lock is free.
        drop(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again_and_no_more_than_so_much_is_kept() {
        let size = LARGEST - 4096;
        let buffer = take(size);
        let address = buffer.as_ptr();
        drop(Recycled::new(buffer));
        let again = take(size);
        assert_eq!(again.as_ptr(), address);
        let buffers: Vec<_> = (0..8).map(|_| Recycled::new(take(LARGEST))).collect();
        drop(buffers);
        assert!(KEPT.lock().bytes <= MOST);
    }
}
