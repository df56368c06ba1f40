//! How an isolate becomes a worker of a pool.

#[cfg(windows)]
use std::ffi::c_void;
use std::rc::Rc;

use napi::sys;

use crate::calls::call::{Answer, Call};
use crate::calls::children;
use crate::engine::async_frame::AsyncFrame;
use crate::engine::{stack_room, v8};
use crate::js::{self, Fault};
use crate::process::message::to_parent;
use crate::process::parent;
use crate::supervision::frames::Caller;
use crate::supervision::guard::Guard;
use crate::supervision::stopper;
use crate::supervision::worker_handle;
use crate::tasks::pools;
use crate::worker::callbacks::{Serve, WorkerCallbacks};
use crate::worker::worker::WorkerSide;

/// As which of the pool's workers one was asked for; 0 if that is not known.
pub(super) fn start_number(number: u32) -> Option<u64> {
    (number > 0).then_some(u64::from(number))
}

/// `attach(poolNumber, workerNumber, …callbacks, caller, callerScript, start, proceed, threadId)`: makes this
/// isolate a worker of the pool, which has asked for it as this one; see `start_number`. The callbacks, and
/// `proceed`, are those of `WorkerCallbacks`; without `serve` each task gets a callback scope. The function
/// `caller` of that script calls the tasks. False if the pool is closed.
pub(crate) fn attach(call: &Call<'_>) -> Answer {
    let Some(entry) = pools::find(call.u32(0)?) else { return js::boolean(call.env, false) };
    let function = |index: usize| js::reference(call.env, call.value(index)?);
    let may_serve = js::type_of(call.env, call.value(9)?)? == sys::ValueType::napi_function;
    let frame = if may_serve { AsyncFrame::of_this_thread() } else { None };
    let callbacks = WorkerCallbacks {
        dispatch: function(2)?,
        prepare: function(3)?,
        leave: function(4)?,
        abort: function(5)?,
        recover: function(6)?,
        pack_error: function(7)?,
        prepare_now: function(8)?,
        proceed: function(13)?,
        serve: frame.map(|frame| function(9).map(|function| Serve { function, frame })).transpose()?,
    };
    let text = |index: usize| js::get_text(call.env, call.value(index)?);
    let caller = Caller::new(text(10)?, text(11)?);
    name_thread(&format!("{}-{}", entry.pool.config().thread_name, call.u32(1)?));
    let bell = call.state.bell.clone();
    let side = WorkerSide::attach(
        entry,
        call.u32(1)?,
        bell,
        Guard::new(call.env, caller, stopper::note_put_off),
        callbacks,
        start_number(call.u32(12)?),
        call.u32(14)?,
    );
    worker_handle::register(&side.handle);
    let side = Rc::new(side);
    *call.state.worker.borrow_mut() = Some(side.clone());
    call.state.keep_loop_alive(true);
    side.request_turn();
    if let Some(parent) = parent::of_local(&side.handle.entry) {
        // What is given may have a limit of time: without the thread that stops it, no such task is taken.
        stopper::THREAD
            .start()
            .map_err(|error| Fault::internal(&format!("the system refuses a thread: {error}")))?;
        stack_room::widen();
        v8::watch_heap_limit(|| {
            if let Some(parent) = parent::get() {
                parent.tell(to_parent::NEAR_HEAP_LIMIT, |_| {});
            }
        });
        parent.ready(children::look);
    }
    js::boolean(call.env, true)
}

/// Gives the calling thread a name that the system shows; Linux keeps 15 bytes of it.
fn name_thread(name: &str) {
    #[cfg(target_os = "linux")]
    if let Ok(name) = std::ffi::CString::new(name.chars().filter(char::is_ascii).take(15).collect::<String>())
    {
        // SAFETY: a NUL-terminated string of at most 15 bytes, and this thread itself.
        unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
    }
    #[cfg(windows)]
    describe_thread(name);
    #[cfg(not(any(target_os = "linux", windows)))]
    let _ = name;
}

/// The library is asked at run time: where the function is, depends on the version of Windows.
#[cfg(windows)]
fn describe_thread(name: &str) {
    use libloading::os::windows::Library;
    type Describe = unsafe extern "system" fn(*mut c_void, *const u16) -> i32;
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetCurrentThread() -> *mut c_void;
    }
    let Ok(library) = Library::open_already_loaded("kernelbase.dll") else { return };
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    // SAFETY: the system's function of this name has this type, and copies the text, which ends with a NUL;
    // the handle stands for this thread itself. The library is one that Windows never unloads.
    unsafe {
        if let Ok(describe) = library.get::<Describe>(b"SetThreadDescription\0") {
            describe(GetCurrentThread(), name.as_ptr());
        }
    }
}
