//! The Rust shim on a host that is made by hand: what no plug-in of the other tests does.

use std::ffi::{c_char, c_void};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use concurrent_futures_task::{Context, abi, shim};

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

/// The hook and its argument, as an address.
static HOOK: Mutex<Option<(abi::Hook, usize)>> = Mutex::new(None);
static FLAG: AtomicU8 = AtomicU8::new(0);

unsafe extern "C" fn on_cancel(_context: *mut abi::Context, hook: Option<abi::Hook>, data: *mut c_void) {
    *HOOK.lock().unwrap() = hook.map(|hook| (hook, data.addr()));
    if let Some(hook) = hook
        && FLAG.load(Ordering::SeqCst) != 0
    {
        // SAFETY: as the ABI has it.
        unsafe { hook(data) }
    }
}

unsafe extern "C" fn out(_context: *mut abi::Context, _bytes: *const u8, _length: usize) -> i32 {
    0
}

unsafe extern "C" fn out_reserve(_context: *mut abi::Context, _length: usize) -> *mut u8 {
    std::ptr::null_mut()
}

unsafe extern "C" fn error(_context: *mut abi::Context, _text: *const c_char, _length: usize) {}

unsafe extern "C" fn progress(_context: *mut abi::Context, _bytes: *const u8, _length: usize) {}

unsafe extern "C" fn remaining_ns(_context: *mut abi::Context) -> u64 {
    u64::MAX
}

fn run(size: usize, task: fn(&[u8], &Context) -> Result<Vec<u8>, String>) -> i32 {
    let mut context = abi::Context {
        size: size as u32,
        abi: abi::ABI,
        input: std::ptr::null(),
        input_length: 0,
        cancel_flag: FLAG.as_ptr(),
        on_cancel,
        out,
        out_reserve,
        error,
        progress,
        remaining_ns,
    };
    // SAFETY: a whole context that outlives the call.
    unsafe { shim::run(&raw mut context, task) }
}

#[test]
fn no_panic_of_a_hook_reaches_the_host() {
    let whole = size_of::<abi::Context>();
    let unused = |_: &[u8], context: &Context| {
        let bomb = Bomb;
        context.on_cancel(move || drop(bomb));
        Ok(Vec::new())
    };
    assert_eq!(run(whole, unused), abi::STATUS_OK);
    assert!(HOOK.lock().unwrap().is_none(), "the host has forgotten it");
    FLAG.store(1, Ordering::SeqCst);
    let called = |_: &[u8], context: &Context| {
        context.on_cancel(|| std::panic::panic_any(Bomb));
        Err("stopped".into())
    };
    assert_eq!(run(whole, called), abi::STATUS_CANCELLED);
    FLAG.store(0, Ordering::SeqCst);
    // A host that is newer, one that is the oldest there can be, and none.
    let nothing = |_: &[u8], _: &Context| Ok(Vec::new());
    assert_eq!(run(whole + 64, nothing), abi::STATUS_OK);
    assert_eq!(run(80, nothing), abi::STATUS_OK);
    assert_eq!(run(72, nothing), abi::STATUS_ERROR);
}
