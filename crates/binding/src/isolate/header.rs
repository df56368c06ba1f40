//! The memory that an isolate shares with TypeScript: the three columns of a batch of completions, a few
//! numbers that go with a call, and room for a value that is taken apart. TypeScript makes typed arrays over
//! the same buffer (lib/addon/binding.ts).

use std::ffi::c_void;

use crate::js::shared_numbers;

shared_numbers! {
    pub(crate) LAYOUT = "HEADER": usize {
        /// The most completions that are delivered at once.
        BATCH_ROWS = 512,
        SCRATCH = 16,
        FRACTIONS = 8_192,
        STRUCTURE = 65_536,
        // Where each column begins, in bytes: doubles first, then 32-bit integers, then bytes.
        NUMBERS_AT = 0,
        SCRATCH_AT = NUMBERS_AT + 8 * BATCH_ROWS,
        FRACTIONS_AT = SCRATCH_AT + 8 * SCRATCH,
        SLOTS_AT = FRACTIONS_AT + 8 * FRACTIONS,
        KINDS_AT = SLOTS_AT + 4 * BATCH_ROWS,
        STRUCTURE_AT = KINDS_AT + 4 * BATCH_ROWS,
        BYTES = STRUCTURE_AT + STRUCTURE,
    }
}

/// Places in `scratch`, by the call whose numbers are there.
pub(crate) mod scratch {
    use crate::js::shared_numbers;

    shared_numbers! {
        pub(crate) PLACES = "AT": usize {
            /// The form of the value that is returned: by `dispatch` and `packError` of lib/worker, and by
            /// `refusal`.
            FORM = 0,

            /// `submit` answers here the number of a port value,
            PORT_VALUE = 0,
            /// and here the id of the task,
            TASK_ID = 14,
            /// and takes these where the flags say so, in milliseconds; negative for none.
            PRIORITY = 1,
            TIMEOUT = 2,
            QUEUE_TIMEOUT = 3,
            TOTAL_TIMEOUT = 13,
            /// These it takes always.
            POOL = 4,
            FUNCTION = 5,
            FLAGS = 6,
            VALUE_FORM = 7,
            /// In place of a form: how many of the values each call of a chunk takes.
            ARITY = 7,
            /// And how many milliseconds a chunk of native calls has to begin them; negative for no limit.
            CHUNK_LIMIT = 12,

            /// Of a stream: the number that its reader has for it, and how many values it may make ahead.
            STREAM_ID = 9,
            BUFFER = 10,

            /// `refusal` answers here why a submission would be refused, or 0.
            REFUSAL = 1,

            /// `createPool` takes these, negative for none,
            MAX_WORKERS = 0,
            MIN_WORKERS = 1,
            IDLE_TIMEOUT = 2,
            MAX_QUEUE = 3,
            TASKS_PER_WORKER = 4,
            MAX_TASKS_PER_WORKER = 5,
            INTERRUPT_GRACE = 6,
            /// and answers here the pool's number in the process.
            POOL_NUMBER = 0,

            /// Which task `dispatch` is to call: its function (negative for none), token and form, and how
            /// many values it has.
            TASK_FUNCTION = 8,
            TASK_TOKEN = 9,
            TASK_FORM = 10,
            TASK_VALUES = 11,

            /// Not 0 when something waits in the mailbox that cannot wait for the loop to turn. With every
            /// call.
            SERVICES = super::SCRATCH - 1,
        }
    }
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
    /// `data` has `BYTES` bytes, aligned to 8, that live as long as the header, and that only the
    /// calling thread uses.
    pub(crate) unsafe fn new(data: *mut c_void) -> Self {
        let at = |offset: usize| data.wrapping_byte_add(offset);
        let (numbers, scratch) = (at(NUMBERS_AT).cast(), at(SCRATCH_AT).cast());
        let (slots, kinds) = (at(SLOTS_AT).cast(), at(KINDS_AT).cast());
        let (fractions, structure) = (at(FRACTIONS_AT).cast(), at(STRUCTURE_AT).cast());
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
