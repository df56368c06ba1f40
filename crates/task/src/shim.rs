//! Between the C ABI and a task written as a Rust function. Used by the code that `tasks!` generates.

use crate::{Context, TaskFunction, abi};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `task` for a host.
///
/// # Safety
/// `raw` must be the context that a host has just given to the run of a task.
pub unsafe fn run(raw: *mut abi::Context, task: TaskFunction) -> i32 {
    // SAFETY: the caller's promise; the host reads and writes none of these fields meanwhile.
    let (size, input, length) = unsafe { ((*raw).size, (*raw).input, (*raw).input_length) };
    if (size as usize) < abi::FIRST_CONTEXT_SIZE {
        return abi::STATUS_ERROR; // no host makes one that is shorter; `error` may not exist
    }
    let input = if length == 0 {
        &[] // whose pointer may be NULL, which no slice has
    } else {
        // SAFETY: the host lends `length` bytes that nobody changes until the task returns.
        unsafe { std::slice::from_raw_parts(input, length) }
    };
    // SAFETY: the caller's promise; `context` is dropped before this returns.
    let context = unsafe { Context::new(raw) };
    // The closure holds only shared references to what the task may have left half-done, and it ends here
    // anyway.
    let result =
        catch_unwind(AssertUnwindSafe(|| task(input, &context).and_then(|output| context.write(&output))));
    match result {
        Ok(Ok(())) => abi::STATUS_OK,
        Ok(Err(_)) if context.cancelled() => abi::STATUS_CANCELLED,
        Ok(Err(message)) => {
            context.error(&message);
            abi::STATUS_ERROR
        }
        Err(payload) => {
            context.error(panic_message(&*payload));
            // Dropping the payload may panic again, with nobody left to catch it: better to leak it.
            std::mem::forget(payload);
            abi::STATUS_PANIC
        }
    }
}

fn panic_message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a panic without a message"
    }
}

/// Fails the compilation of a plug-in whose names a host would refuse. `names` end with NUL each.
pub const fn check_names(names: &[&str]) {
    let mut i = 0;
    while i < names.len() {
        let name = names[i].as_bytes();
        assert!(name.len() > 1, "a task needs a name");
        assert!(name.len() <= abi::MAX_NAME_LENGTH + 1, "the name of a task is too long");
        let mut at = 0;
        while at < name.len() - 1 {
            assert!(name[at] != 0, "the name of a task contains a NUL");
            at += 1;
        }
        let mut other = 0;
        while other < i {
            assert!(!equal(name, names[other].as_bytes()), "two tasks have the same name");
            other += 1;
        }
        i += 1;
    }
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}
