//! The memory that an isolate shares with TypeScript.

use std::ffi::c_void;

/// The most completions that are delivered in one turn of the loop, so that timers stay alive.
pub(crate) const BATCH_ROWS: usize = 512;

/// Memory shared with TypeScript: four columns of a batch, a few numbers that go with a call, and a value that is taken
/// apart. Layout, in 8-byte units: `numbers[BATCH]`, `scratch[16]`, `fractions[FRACTIONS]`, then as 32-bit integers
/// `slots[BATCH]`, `kinds[BATCH]`, then bytes: `structure[STRUCTURE]`. TypeScript makes typed arrays over the same buffer
/// (lib/binding.ts).
pub(crate) struct Header {
    numbers: *mut f64,
    scratch: *mut f64,
    slots: *mut i32,
    kinds: *mut i32,
    fractions: *const f64,
    structure: *const u8,
}

const FRACTIONS: usize = 8192;
const STRUCTURE: usize = 65_536;
pub(crate) const SCRATCH: usize = 16;
/// Not 0 when something waits in the mailbox that cannot wait for the loop to turn.
const SERVICE_FLAG: usize = SCRATCH - 1;
pub(crate) const HEADER_BYTES: usize =
    (BATCH_ROWS + SCRATCH + FRACTIONS) * 8 + 2 * BATCH_ROWS * 4 + STRUCTURE;

impl Header {
    pub(crate) fn new(data: *mut c_void) -> Self {
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
        debug_assert!(row < BATCH_ROWS);
        // SAFETY: the buffer lives as long as the isolate (a strong reference holds it), has BATCH rows, and
        // only this thread uses it.
        unsafe {
            *self.slots.add(row) = slot as i32;
            *self.kinds.add(row) = kind;
            *self.numbers.add(row) = number;
        }
    }

    pub(crate) fn scratch(&self, index: usize) -> f64 {
        debug_assert!(index < SCRATCH);
        // SAFETY: as in `set_row`.
        unsafe { *self.scratch.add(index) }
    }

    pub(crate) fn set_scratch(&self, index: usize, number: f64) {
        debug_assert!(index < SCRATCH);
        // SAFETY: as in `set_row`.
        unsafe { *self.scratch.add(index) = number };
    }

    /// Something waits in the mailbox that cannot wait for the loop to turn.
    pub(crate) fn flag_services(&self) {
        self.set_scratch(SERVICE_FLAG, 1.0);
    }
}
