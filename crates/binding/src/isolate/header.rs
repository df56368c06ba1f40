//! The memory that an isolate shares with TypeScript: four columns of a batch of completions, a few numbers
//! that go with a call, and room for a value that is taken apart. TypeScript makes typed arrays over the
//! same buffer (lib/addon/binding.ts).
//!
//! Layout, in 8-byte units: `numbers[BATCH_ROWS]`, `scratch[SCRATCH]`, `fractions[FRACTIONS]`; then as
//! 32-bit integers `slots[BATCH_ROWS]`, `kinds[BATCH_ROWS]`; then bytes: `structure[STRUCTURE]`.

use std::ffi::c_void;

/// The most completions that are delivered in one turn of the loop, so that timers stay alive.
pub(crate) const BATCH_ROWS: usize = 512;
const SCRATCH: usize = 16;
const FRACTIONS: usize = 8192;
const STRUCTURE: usize = 65_536;

pub(crate) const HEADER_BYTES: usize =
    (BATCH_ROWS + SCRATCH + FRACTIONS) * 8 + 2 * BATCH_ROWS * 4 + STRUCTURE;

/// Places in `scratch`, by the call whose numbers are there. Shared with TypeScript.
pub(crate) mod scratch {
    /// The form of the value that is returned: by `dispatch` and `packError` of lib/worker, and by `refusal`.
    pub(crate) const FORM: usize = 0;

    /// `submit` answers here the number of a port value,
    pub(crate) const PORT_VALUE: usize = 0;
    /// and takes these where the flags say so, in milliseconds; negative for none.
    pub(crate) const PRIORITY: usize = 1;
    pub(crate) const TIMEOUT: usize = 2;
    pub(crate) const QUEUE_TIMEOUT: usize = 3;
    /// These it takes always.
    pub(crate) const POOL: usize = 4;
    pub(crate) const FUNCTION: usize = 5;
    pub(crate) const FLAGS: usize = 6;
    pub(crate) const VALUE_FORM: usize = 7;

    /// `refusal` answers here why a submission would be refused, or 0.
    pub(crate) const REFUSAL: usize = 1;

    /// `createPool` takes these, negative for none,
    pub(crate) const MAX_WORKERS: usize = 0;
    pub(crate) const MIN_WORKERS: usize = 1;
    pub(crate) const IDLE_TIMEOUT: usize = 2;
    pub(crate) const MAX_QUEUE: usize = 3;
    pub(crate) const TASKS_PER_WORKER: usize = 4;
    pub(crate) const MAX_TASKS_PER_WORKER: usize = 5;
    pub(crate) const INTERRUPT_GRACE: usize = 6;
    /// and answers here the pool's number in the process.
    pub(crate) const POOL_NUMBER: usize = 0;

    /// Not 0 when something waits in the mailbox that cannot wait for the loop to turn. With every call.
    pub(super) const SERVICES: usize = super::SCRATCH - 1;
}

/// Pointers into the shared memory.
pub(crate) struct Header {
    numbers: *mut f64,
    scratch: *mut f64,
    slots: *mut i32,
    kinds: *mut i32,
    fractions: *const f64,
    structure: *const u8,
}

impl Header {
    /// # Safety
    /// `data` has `HEADER_BYTES` bytes, aligned to 8, that live as long as the header, and that only the
    /// calling thread uses.
    pub(crate) unsafe fn new(data: *mut c_void) -> Self {
        let numbers = data.cast::<f64>();
        let scratch = numbers.wrapping_add(BATCH_ROWS);
        let fractions = scratch.wrapping_add(SCRATCH);
        let slots = fractions.wrapping_add(FRACTIONS).cast::<i32>();
        let kinds = slots.wrapping_add(BATCH_ROWS);
        let structure = kinds.wrapping_add(BATCH_ROWS).cast::<u8>();
        Header { numbers, scratch, slots, kinds, fractions, structure }
    }

    /// Copies of the first so many bytes of the structure and of the first so many fractions.
    pub(crate) fn parts(&self, structure: usize, fractions: usize) -> (Box<[u8]>, Box<[f64]>) {
        // SAFETY: as in `set_row`; no more than there is.
        unsafe {
            let structure = std::slice::from_raw_parts(self.structure, structure.min(STRUCTURE));
            (structure.into(), std::slice::from_raw_parts(self.fractions, fractions.min(FRACTIONS)).into())
        }
    }

    pub(crate) fn set_row(&self, row: usize, slot: u32, kind: i32, number: f64) {
        assert!(row < BATCH_ROWS);
        // SAFETY: the columns have so many rows, and what `new` was promised: the memory is there and only
        // this thread uses it.
        unsafe {
            *self.slots.add(row) = slot as i32;
            *self.kinds.add(row) = kind;
            *self.numbers.add(row) = number;
        }
    }

    pub(crate) fn scratch(&self, index: usize) -> f64 {
        assert!(index < SCRATCH);
        // SAFETY: as in `set_row`.
        unsafe { *self.scratch.add(index) }
    }

    pub(crate) fn set_scratch(&self, index: usize, number: f64) {
        assert!(index < SCRATCH);
        // SAFETY: as in `set_row`.
        unsafe { *self.scratch.add(index) = number };
    }

    /// Something waits in the mailbox that cannot wait for the loop to turn.
    pub(crate) fn flag_services(&self) {
        self.set_scratch(scratch::SERVICES, 1.0);
    }
}
