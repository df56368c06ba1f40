//! The guard of a worker isolate: which task a stop may hit, and the proof that it hits no other.
//!
//! The worker enters a task and leaves it under the guard's mutex. A stop means one task: it is carried out
//! only while, under the same mutex, that task is the one that was entered, and it sets `hit`. On leaving,
//! the worker sees `hit` and takes the termination back before anything else runs. So a stop that comes
//! late finds another task, or none, and does nothing. `docs/interrupt.md` has the whole protocol.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;
use std::time::Instant;

use napi::sys;
use parking_lot::{Condvar, Mutex};

use crate::engine::interrupts;
use crate::engine::v8::Isolate;
use crate::js;
use crate::supervision::frames::{self, Caller};
use crate::supervision::stop_request::{Request, StopState};
use crate::tasks::task::JsTask;

struct GuardState {
    /// Null where the isolate cannot be interrupted, or is ending.
    isolate: *mut Isolate,
    env: sys::napi_env,
    /// The tasks that run, innermost last: tasks that run while another waits are above it.
    entered: Vec<Arc<JsTask>>,
    /// Whether the innermost task was terminated.
    hit: bool,
    /// The id of the task that was hit last.
    last_hit: Option<u64>,
    /// Whether a stop went through code that is broken by being stopped.
    harmed: bool,
    /// What the next interrupt is to do.
    request: Request,
    /// Whether the last answer was that no code of the user's runs.
    is_put_off: bool,
    /// How often the stop of this task was put off.
    put_offs: u32,
    /// Whether the last look was answered, and what it has seen.
    answered: bool,
    stack: Option<String>,
}

impl GuardState {
    /// Whether the JavaScript that runs is this task's, as far as can be told: it is the innermost, or none
    /// runs in the guard and it may be a continuation of its.
    fn may_run(&self, task: &Arc<JsTask>) -> bool {
        self.entered.last().is_none_or(|innermost| Arc::ptr_eq(innermost, task))
    }
}

// SAFETY: the raw pointers are used under the mutex, only for calls that V8 allows from any thread, or in the
// interrupt callback, which V8 calls on the isolate's thread; `close` nulls them before the isolate ends.
unsafe impl Send for GuardState {}

/// See the module's text.
pub(crate) struct Guard {
    state: Mutex<GuardState>,
    /// Notified when a task is left, and when a look has been answered.
    changed: Condvar,
    /// Tells the user's frames from others.
    caller: Caller,
    /// Called on the worker's thread, with no lock held, after a stop was put off.
    on_put_off: fn(&Arc<Guard>),
}

impl Guard {
    /// For the isolate of the calling thread, whose tasks are called by `caller`. `on_put_off` tells whoever
    /// asks for stops that one has to be asked for again.
    pub(crate) fn new(env: sys::napi_env, caller: Caller, on_put_off: fn(&Arc<Guard>)) -> Self {
        let isolate = interrupts::interrupts().map_or(ptr::null_mut(), |interrupts| interrupts.current());
        Guard {
            state: Mutex::new(GuardState {
                isolate,
                env,
                entered: Vec::new(),
                hit: false,
                last_hit: None,
                harmed: false,
                request: Request::Nothing,
                is_put_off: false,
                put_offs: 0,
                answered: false,
                stack: None,
            }),
            changed: Condvar::new(),
            caller,
            on_put_off,
        }
    }

    /// The task is about to be called. False if it has settled meanwhile, and is not to be called.
    pub(crate) fn enter(&self, task: &Arc<JsTask>) -> bool {
        let mut state = self.state.lock();
        // In any case: `exit` takes the innermost away.
        state.entered.push(task.clone());
        !task.is_cancel_requested()
    }

    /// The same, for a task that is to end what it holds: also if it has settled.
    pub(crate) fn enter_to_end(&self, task: &Arc<JsTask>) {
        self.state.lock().entered.push(task.clone());
    }

    /// The innermost task was left. True if a stop has hit it: the termination has been taken back.
    pub(crate) fn exit(&self) -> bool {
        let mut state = self.state.lock();
        state.entered.pop();
        if matches!(state.request, Request::Stop { .. }) {
            state.request = Request::Nothing;
        }
        state.is_put_off = false;
        state.put_offs = 0;
        let hit = std::mem::take(&mut state.hit);
        if hit {
            cancel(&state);
        }
        drop(state);
        self.changed.notify_all();
        hit
    }

    /// The termination of the task that was hit last has come late: it is taken back once more.
    pub(crate) fn take_back(&self) {
        cancel(&self.state.lock());
    }

    /// Whether the isolate can be interrupted at all.
    pub(crate) fn can_interrupt(&self) -> bool {
        !self.state.lock().isolate.is_null()
    }

    /// How many tasks lie on top of each other.
    pub(crate) fn depth(&self) -> usize {
        self.state.lock().entered.len()
    }

    /// The task that runs, on top of all others.
    pub(crate) fn innermost(&self) -> Option<Arc<JsTask>> {
        self.state.lock().entered.last().cloned()
    }

    /// Whether this was the last task to be hit.
    pub(crate) fn has_hit(&self, task: &Arc<JsTask>) -> bool {
        self.state.lock().last_hit == Some(task.id())
    }

    /// Whether the last hit left nothing broken behind.
    pub(crate) fn is_unharmed(&self) -> bool {
        !std::mem::take(&mut self.state.lock().harmed)
    }

    /// The isolate is ending: from now on it is not touched.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.isolate = ptr::null_mut();
        state.request = Request::Nothing;
        drop(state);
        self.changed.notify_all();
    }

    /// How far the stop of `task` has come.
    pub(crate) fn stop_state(&self, task: &Arc<JsTask>) -> StopState {
        let state = self.state.lock();
        match state.entered.last() {
            Some(innermost) if Arc::ptr_eq(innermost, task) => match () {
                () if state.hit => StopState::Hit,
                () if state.is_put_off => StopState::PutOff(state.put_offs),
                () => StopState::Asked,
            },
            _ if state.entered.iter().any(|entered| Arc::ptr_eq(entered, task)) => StopState::Covered,
            _ => StopState::Outside,
        }
    }

    /// Asks for `task` to be stopped at the next safe point; see [`Request::Stop`]. False if it is not the
    /// innermost, or the isolate cannot be interrupted.
    pub(crate) fn ask(self: &Arc<Self>, task: &Arc<JsTask>, expired: bool, insists: bool) -> bool {
        let mut state = self.state.lock();
        if state.isolate.is_null()
            || !state.entered.last().is_some_and(|innermost| Arc::ptr_eq(innermost, task))
        {
            return false;
        }
        // Two may ask for the stop of one task, of whom one insists.
        let insisted = match &state.request {
            Request::Stop { task: before, insists, .. } => *insists && Arc::ptr_eq(before, task),
            _ => false,
        };
        state.request = Request::Stop { task: task.clone(), expired, insists: insists || insisted };
        state.is_put_off = false;
        self.interrupt(&mut state);
        true
    }

    /// Stops `task` where it is, safe or not: the worker has to be replaced afterwards.
    pub(crate) fn force(&self, task: &Arc<JsTask>) {
        let mut state = self.state.lock();
        let runs = state.entered.last().is_some_and(|innermost| Arc::ptr_eq(innermost, task));
        if runs && !state.hit && !state.isolate.is_null() {
            state.harmed = true;
            terminate(&mut state);
        }
    }

    /// Ends whatever the isolate runs; the worker is given up.
    pub(crate) fn kill(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if !state.isolate.is_null() {
            state.request = Request::Kill;
            self.interrupt(&mut state);
        }
    }

    /// The same for the calling thread, which is the isolate's.
    pub(crate) fn end_here(&self) {
        let state = self.state.lock();
        let (isolate, env) = (state.isolate, state.env);
        drop(state);
        if let Some(interrupts) = interrupts::interrupts().filter(|_| !isolate.is_null()) {
            // SAFETY: only this thread closes the guard, so the isolate is alive; the scope is open.
            js::scoped(env, || unsafe { interrupts.end(isolate) });
        }
    }

    /// The stack of what the isolate runs now, or none if it runs nothing, or something else than `task`,
    /// or does not answer by `deadline`.
    pub(crate) fn look(self: &Arc<Self>, task: Option<&Arc<JsTask>>, deadline: Instant) -> Option<String> {
        let mut state = self.state.lock();
        let runs_another = task.is_some_and(|task| !state.may_run(task));
        if state.isolate.is_null() || !matches!(state.request, Request::Nothing) || runs_another {
            return None;
        }
        state.request = Request::Look(task.cloned());
        state.answered = false;
        self.interrupt(&mut state);
        while !state.answered && !state.isolate.is_null() {
            if self.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        if matches!(state.request, Request::Look(_)) {
            state.request = Request::Nothing;
        }
        state.stack.take()
    }

    /// Has V8 call `on_interrupt` on the worker's thread.
    fn interrupt(self: &Arc<Self>, state: &mut GuardState) {
        if let Some(interrupts) = interrupts::interrupts() {
            // Each request holds the guard itself. One that V8 never answers, because the isolate ends first,
            // leaks these few bytes: nothing tells when they could be freed.
            let data = Box::into_raw(Box::new(self.clone())).cast::<c_void>();
            // SAFETY: the isolate is alive while the pointer is not null, and this runs under the mutex
            // that nulls it.
            unsafe { interrupts.request(state.isolate, on_interrupt, data) };
        }
    }
}

/// On the isolate's thread.
fn cancel(state: &GuardState) {
    if let Some(interrupts) = interrupts::interrupts().filter(|_| !state.isolate.is_null()) {
        // SAFETY: the isolate is alive while the pointer is not null, and this is its thread.
        unsafe { interrupts.cancel(state.isolate) };
    }
}

fn terminate(state: &mut GuardState) {
    if let Some(interrupts) = interrupts::interrupts() {
        state.hit = true;
        state.last_hit = state.entered.last().map(|task| task.id());
        // SAFETY: the isolate is alive while the pointer is not null, and the caller holds the mutex.
        unsafe { interrupts.terminate(state.isolate) };
    }
}

unsafe extern "C" fn on_interrupt(isolate: *mut Isolate, data: *mut c_void) {
    // SAFETY: `interrupt` has boxed it for this one call.
    let guard = unsafe { Box::from_raw(data.cast::<Arc<Guard>>()) };
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| answer(&guard, isolate)));
}

/// Does what was requested. On the worker's thread, somewhere in JavaScript.
fn answer(guard: &Arc<Guard>, isolate: *mut Isolate) {
    let mut state = guard.state.lock();
    if state.isolate != isolate {
        return;
    }
    let env = state.env;
    match &state.request {
        Request::Nothing => {}
        Request::Kill => {
            if let Some(interrupts) = interrupts::interrupts() {
                // SAFETY: this is the isolate's thread, and the scope is open.
                js::scoped(env, || unsafe { interrupts.end(isolate) });
            }
        }
        Request::Look(task) => {
            let stack = task.as_ref().is_none_or(|task| state.may_run(task));
            let stack = stack.then(|| frames::read(env, isolate, 32));
            let stack = stack.filter(|frames| guard.caller.sees_users(frames));
            state.stack = stack.map(|frames| frames::describe(&frames, &guard.caller));
            state.answered = true;
            state.request = Request::Nothing;
            drop(state);
            guard.changed.notify_all();
        }
        Request::Stop { task, expired, insists } => {
            let (task, expired, insists) = (task.clone(), *expired, *insists);
            if !state.entered.last().is_some_and(|innermost| Arc::ptr_eq(innermost, &task)) || state.hit {
                return;
            }
            // Most of the work is in the rest of the stack, and a stop may have to ask a thousand times.
            let innermost = frames::read(env, isolate, 1);
            let is_not_users = innermost.first().is_some_and(|frame| !guard.caller.is_users(frame));
            let stack = if is_not_users && !insists { Vec::new() } else { frames::read(env, isolate, 64) };
            if is_not_users && !guard.caller.keeps_nothing(&stack) {
                state.is_put_off = true;
                state.put_offs += 1;
                let is_first = state.put_offs == 1;
                drop(state);
                if expired && is_first {
                    task.time_out(Some(frames::describe(&frames::read(env, isolate, 64), &guard.caller)));
                }
                (guard.on_put_off)(guard);
                return;
            }
            state.harmed |= stack.iter().any(frames::loads_modules);
            state.is_put_off = false;
            terminate(&mut state);
            drop(state);
            if expired {
                task.time_out(Some(frames::describe(&stack, &guard.caller)));
            }
        }
    }
}
