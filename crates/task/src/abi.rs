//! The C ABI, field by field as in `include/concurrent_futures_task.h`, where the rules are written down.
//! `tests/header.rs` holds the two layouts against each other.

use std::ffi::{c_char, c_void};

/// The version of this header. Hosts speak this one and all before it.
pub const ABI: u32 = 1;

/// The exported symbol of a plug-in.
pub const SYMBOL: &str = "concurrent_futures_tasks";

/// The longest name of a task, in bytes without the terminator.
pub const MAX_NAME_LENGTH: usize = 255;

pub const STATUS_OK: i32 = 0;
pub const STATUS_ERROR: i32 = 1;
pub const STATUS_CANCELLED: i32 = 2;
pub const STATUS_PANIC: i32 = 3;

/// `concurrent_futures_tasks` itself.
pub type Entry = unsafe extern "C" fn(host_abi: u32) -> *const TaskTable;

/// What a task runs.
pub type RunFunction = unsafe extern "C" fn(context: *mut Context) -> i32;

/// What a cancellation calls.
pub type Hook = unsafe extern "C" fn(data: *mut c_void);

#[repr(C)]
#[derive(Debug)]
pub struct Context {
    pub size: u32,
    pub abi: u32,
    pub input: *const u8,
    pub input_length: usize,
    pub cancel_flag: *const u8,
    pub on_cancel: unsafe extern "C" fn(context: *mut Context, hook: Option<Hook>, data: *mut c_void),
    pub out: unsafe extern "C" fn(context: *mut Context, bytes: *const u8, length: usize) -> i32,
    pub out_reserve: unsafe extern "C" fn(context: *mut Context, length: usize) -> *mut u8,
    pub error: unsafe extern "C" fn(context: *mut Context, text: *const c_char, length: usize),
    pub progress: unsafe extern "C" fn(context: *mut Context, bytes: *const u8, length: usize),
    pub remaining_ns: unsafe extern "C" fn(context: *mut Context) -> u64,
}

/// The size of the first `Context` of this version. Later ones have more at their end: who needs that has to
/// look at `size` first, since the host may be older.
pub(crate) const FIRST_CONTEXT_SIZE: usize =
    std::mem::offset_of!(Context, remaining_ns) + size_of::<unsafe extern "C" fn()>();

#[repr(C)]
#[derive(Debug)]
pub struct Task {
    pub size: u32,
    pub abi: u32,
    pub name: *const c_char,
    /// NULL is no function pointer in Rust, and a table from elsewhere may hold one.
    pub run: Option<RunFunction>,
}

// SAFETY: a `Task` is never changed after its construction, and by the ABI its name and function stay valid
// for ever and may be used by every thread.
unsafe impl Sync for Task {}

#[repr(C)]
#[derive(Debug)]
pub struct TaskTable {
    pub size: u32,
    pub abi: u32,
    pub tasks: *const Task,
    pub count: usize,
}

// SAFETY: as for `Task`.
unsafe impl Sync for TaskTable {}
