//! The bell of an isolate: how other threads make its thread look into its mailbox.
//!
//! A thread that owns an isolate is at one of three spots. In its *loop*: ringing sends a `uv_async_t`,
//! whose callback runs in the next turn. *Busy* in a turn that looks for the token between two
//! tasks: ringing leaves the token. *Parked* on the condvar: ringing leaves the token and wakes it. The
//! spot and the token change under one mutex, so a ring is never lost between them.
//!
//! That mutex also keeps the handle open while it is rung: the pointer is nulled under it before libuv closes
//! the handle.

use std::ptr;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::engine::event_loop;
use crate::engine::uv::UvAsync;

/// Where the thread is; see the module's text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spot {
    Loop,
    Busy,
    Parked,
}

struct BellState {
    spot: Spot,
    token: bool,
    handle: *mut UvAsync,
}

// SAFETY: the handle is only used under the mutex, and only for `uv_async_send`, which any thread may call.
unsafe impl Send for BellState {}

pub(crate) struct Bell {
    state: Mutex<BellState>,
    rung: Condvar,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Bell {
            state: Mutex::new(BellState { spot: Spot::Loop, token: false, handle: ptr::null_mut() }),
            rung: Condvar::new(),
        }
    }

    /// Gives the bell its handle, which is open.
    pub(crate) fn hang(&self, handle: *mut UvAsync) {
        self.state.lock().handle = handle;
    }

    /// Takes the handle away, for closing; from now on ringing in the loop does nothing.
    pub(crate) fn take_down(&self) -> *mut UvAsync {
        std::mem::replace(&mut self.state.lock().handle, ptr::null_mut())
    }

    /// Makes the isolate's thread look. From any thread.
    pub(crate) fn ring(&self) {
        let mut state = self.state.lock();
        match state.spot {
            Spot::Loop => event_loop::send(state.handle),
            Spot::Busy => state.token = true,
            Spot::Parked => {
                state.token = true;
                self.rung.notify_one();
            }
        }
    }

    /// Rings through the loop, whatever the spot: for the thread itself, before it ends a turn.
    pub(crate) fn ring_loop(&self) {
        event_loop::send(self.state.lock().handle);
    }

    /// The thread begins a turn; it takes any token.
    pub(crate) fn enter(&self) {
        let mut state = self.state.lock();
        state.spot = Spot::Busy;
        state.token = false;
    }

    /// Takes the token, if there is one.
    pub(crate) fn take_token(&self) -> bool {
        std::mem::take(&mut self.state.lock().token)
    }

    /// The thread wants to end its turn. False if a token was there: it is taken, and the turn goes on.
    pub(crate) fn leave(&self) -> bool {
        let mut state = self.state.lock();
        if std::mem::take(&mut state.token) {
            return false;
        }
        state.spot = Spot::Loop;
        true
    }

    /// The thread ends its turn; a token becomes a ring in the loop.
    pub(crate) fn leave_now(&self) {
        let mut state = self.state.lock();
        state.spot = Spot::Loop;
        if std::mem::take(&mut state.token) {
            event_loop::send(state.handle);
        }
    }

    /// Parks until a ring or `deadline`, and takes the token. True if there was one. The spot is afterwards
    /// what it was before.
    pub(crate) fn park(&self, deadline: Instant) -> bool {
        let mut state = self.state.lock();
        let before = std::mem::replace(&mut state.spot, Spot::Parked);
        while !state.token {
            if self.rung.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        state.spot = before;
        std::mem::take(&mut state.token)
    }
}
