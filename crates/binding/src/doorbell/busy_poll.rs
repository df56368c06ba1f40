//! An event loop that waits for a single short task polls for a moment instead of sleeping in the kernel:
//! to be woken from there takes several times longer than such a task.
//!
//! Somebody submits a task, awaits it, and submits the next. Once a few results in a row have come soon, an
//! idle handle keeps the loop from sleeping, and its callback, which libuv calls just before it polls,
//! looks for the result itself. A result that does not come soon ends the polling, and what else the loop
//! has to do is not held up: while it has anything, the callback does not look.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::time::{Duration, Instant};

use pool::{WaitStreak, spin_until};

use crate::doorbell::bell::Bell;
use crate::doorbell::spin::{self, Spin};
use crate::engine::event_loop;
use crate::engine::uv::{CloseCallback, IdleCallback, IdleCalls, UvIdle};

/// A result has come soon if the loop has waited no longer than this for it, to be woken included.
const SOON: Duration = Duration::from_micros(60);
/// After so many in a row.
const ENOUGH: u32 = 4;
/// Looks at the bell, between the note that a thread leaves and its ring.
const LOOKS: u32 = 64;

pub(crate) struct BusyPoll {
    /// Null where the loop is left alone.
    handle: Cell<*mut UvIdle>,
    event_loop: Cell<*mut c_void>,
    on_idle: Cell<Option<IdleCallback>>,
    is_started: Cell<bool>,
    results: WaitStreak,
    spin: Spin,
}

impl Default for BusyPoll {
    fn default() -> Self {
        BusyPoll {
            handle: Cell::new(ptr::null_mut()),
            event_loop: Cell::new(ptr::null_mut()),
            on_idle: Cell::new(None),
            is_started: Cell::new(false),
            results: WaitStreak::new(SOON, ENOUGH),
            spin: Spin::default(),
        }
    }
}

impl BusyPoll {
    /// Makes the handle, where libuv can and there is a core to spare. `on_idle`, which finds `data` in the
    /// handle, has to call `look`.
    pub(crate) fn open(&self, event_loop: *mut c_void, data: *mut c_void, on_idle: IdleCallback) {
        if spin::has_spare_cores() {
            self.event_loop.set(event_loop);
            self.on_idle.set(Some(on_idle));
            self.handle.set(event_loop::uv().open_idle(event_loop, data));
        }
    }

    /// Closes the handle. False if there is none.
    pub(crate) fn close(&self, closed: CloseCallback) -> bool {
        let handle = self.handle.replace(ptr::null_mut());
        if handle.is_null() {
            return false;
        }
        event_loop::uv().close(handle, closed);
        true
    }

    /// Completions have come, before they are delivered.
    pub(crate) fn note_arrival(&self) {
        self.results.end();
    }

    /// The loop goes on, and waits for a single future.
    pub(crate) fn note_wait(&self) {
        if self.handle.get().is_null() {
            return;
        }
        self.results.begin(Instant::now());
        if self.results.is_on() && !self.is_started.get() {
            self.start(true);
        }
    }

    /// Starts the idle handle, or stops it.
    fn start(&self, started: bool) {
        self.is_started.set(started);
        if let (Some(idle), Some(on_idle)) = (idle_calls(), self.on_idle.get()) {
            // SAFETY: an open handle, on its loop's thread.
            unsafe {
                if started {
                    (idle.start)(self.handle.get(), on_idle)
                } else {
                    (idle.stop)(self.handle.get())
                }
            };
        }
    }

    /// What the idle handle's callback does: looks for a moment whether something has come, by `has_rung`.
    /// `waits_for_one` says whether the loop still waits for a single future.
    pub(crate) fn look(&self, bell: &Bell, waits_for_one: bool, has_rung: impl Fn() -> bool) -> bool {
        self.start(false);
        if !waits_for_one {
            return false;
        }
        if !self.would_sleep() {
            // The loop has something else to do, and will be back.
            self.start(true);
            return false;
        }
        bell.enter();
        let began = Instant::now();
        let has_come = self.spin.wait(began + SOON, has_rung);
        if has_come {
            // Takes the token of that ring, so that it does not ring the loop once more. A deadline that has
            // passed allows so many looks and no more.
            spin_until(began, LOOKS, || bell.take_token());
        } else {
            self.results.reset();
        }
        bell.leave_now();
        has_come
    }

    /// Whether the loop would sleep now, were it not for the handle, which is stopped.
    fn would_sleep(&self) -> bool {
        // SAFETY: the loop of an open handle, on its thread.
        idle_calls().is_some_and(|idle| unsafe { (idle.backend_timeout)(self.event_loop.get()) } != 0)
    }
}

fn idle_calls() -> Option<&'static IdleCalls> {
    event_loop::uv().idle.as_ref()
}
