//! What the binding keeps for each isolate that loads it: its mailbox and bell, the slots of its futures,
//! the pools it uses, and the memory that it shares with TypeScript.
//!
//! Everything here belongs to the isolate's thread. Calls come in from JavaScript and from the loop, and
//! JavaScript that we call may call us again: so no borrow of a `RefCell` is held across a call into
//! JavaScript.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use napi::sys;

use crate::doorbell::bell::Bell;
use crate::doorbell::busy_poll::BusyPoll;
use crate::doorbell::mailbox::Mailbox;
use crate::doorbell::spin::Spin;
use crate::engine::event_loop;
use crate::engine::uv::{self, AsyncCallback, IdleCallback, UvAsync};
use crate::isolate::delivery_pace::DeliveryPace;
use crate::isolate::errand::Errand;
use crate::isolate::futures::FutureSlab;
use crate::isolate::header::{self, Header};
use crate::isolate::shareds::Shareds;
use crate::isolate::slice::Slice;
use crate::js::{self, Env, Fault, check};
use crate::supervision::debugger::Breakpoint;
use crate::supervision::worker_handle::WorkerHandle;
use crate::tasks::functions::FunctionUses;
use crate::tasks::pools::PoolEntry;
use crate::tasks::task::{JsMailbox, JsTask, JsWork, Note};
use crate::tasks::yielding;
use crate::values::written::WrittenSlot;
use crate::worker::worker::WorkerSide;

/// The JavaScript functions that TypeScript gave at `connect`.
pub(crate) struct Callbacks {
    /// `deliver(count, values)`
    pub(crate) deliver: sys::napi_ref,
    /// Our native function that runs with the context entered; see `turn`.
    pub(crate) trampoline: sys::napi_ref,
    /// An object to be the receiver where no fresh one is at hand.
    pub(crate) anchor: sys::napi_ref,
}

/// The functions by which the event loop and Node call us; see `turn`.
pub(crate) struct Entries {
    /// Called through JavaScript, with the isolate's state as its data.
    pub(crate) trampoline: unsafe extern "C" fn(Env, sys::napi_callback_info) -> sys::napi_value,
    /// By the handles, whose data is the isolate's state.
    pub(crate) on_bell: AsyncCallback,
    pub(crate) on_idle: IdleCallback,
}

/// The state of one isolate; see the module's text.
pub(crate) struct IsolateState {
    pub(crate) env: Env,
    pub(crate) bell: Arc<Bell>,
    pub(crate) mailbox: Arc<JsMailbox>,
    pub(crate) header: Header,
    pub(crate) callbacks: Callbacks,
    /// Those that this isolate has submitted.
    pub(crate) futures: RefCell<FutureSlab>,
    /// Those that it can submit, or has tasks of.
    pub(crate) functions: RefCell<FunctionUses>,
    /// By the index under which TypeScript knows them.
    pub(crate) pools: RefCell<Vec<Option<Arc<PoolEntry>>>>,
    /// Notes taken from the mailbox and not delivered yet.
    pub(crate) pending: RefCell<VecDeque<Note>>,
    pub(crate) delivery_pace: DeliveryPace,
    /// Reasons to keep the loop alive: futures not delivered, and what TypeScript has asked for by `hold`.
    loop_refs: Cell<usize>,
    async_handle: Cell<*mut UvAsync>,
    pub(crate) busy_poll: BusyPoll,
    /// Handles that the loop has not closed yet.
    closing: Cell<u32>,
    /// If this isolate is a worker of a pool.
    pub(crate) worker: RefCell<Option<Rc<WorkerSide>>>,
    /// If it was one and has left the pool.
    pub(crate) left_worker: RefCell<Option<Arc<WorkerHandle>>>,
    /// What the next call of the trampoline is to do, and what the last one has come to.
    pub(crate) errand: RefCell<Errand>,
    /// The tasks that run in one callback scope.
    pub(crate) slice: RefCell<Option<Box<Slice>>>,
    /// What `write` has written, or `keepPlain` kept, for the call that follows.
    pub(crate) written: WrittenSlot,
    /// That of the task which is submitted next, if it has one.
    pub(crate) key: RefCell<Option<pool::Key>>,
    pub(crate) shareds: Shareds,
    /// The arguments of a broadcast that is being made, one copy for each worker.
    pub(crate) copies: RefCell<Vec<JsWork>>,
    /// The task whose port value TypeScript is handing over, and the worker that gets it.
    pub(crate) handover: RefCell<Option<(Arc<JsTask>, pool::WorkerId)>>,
    cleanup: Cell<sys::napi_async_cleanup_hook_handle>,
    /// For `resultSync`.
    pub(crate) spin: Spin,
    pub(crate) breakpoint: Breakpoint,
}

impl IsolateState {
    /// Makes the state of the calling isolate. It lives until the isolate's loop has closed the bell.
    pub(crate) fn create(
        env: Env,
        deliver: sys::napi_value,
        entries: &Entries,
    ) -> Result<(*mut IsolateState, sys::napi_value), Fault> {
        let mut data = ptr::null_mut();
        let mut buffer = ptr::null_mut();
        // SAFETY: out pointers to locals.
        check(unsafe { sys::napi_create_arraybuffer(env, header::BYTES, &mut data, &mut buffer) })?;
        js::reference(env, buffer)?;
        let bell = Arc::new(Bell::new());
        let state = Box::into_raw(Box::new(IsolateState {
            env,
            mailbox: Arc::new(Mailbox::new(bell.clone())),
            bell,
            // SAFETY: so many bytes of a buffer that a strong reference holds as long as the isolate lives,
            // and that only the isolate's thread uses, in TypeScript and here.
            header: unsafe { Header::new(data) },
            callbacks: Callbacks {
                deliver: js::reference(env, deliver)?,
                trampoline: ptr::null_mut(),
                anchor: js::reference(env, js::object(env)?)?,
            },
            futures: RefCell::default(),
            functions: RefCell::default(),
            pools: RefCell::default(),
            pending: RefCell::default(),
            delivery_pace: DeliveryPace::default(),
            loop_refs: Cell::new(0),
            async_handle: Cell::new(ptr::null_mut()),
            busy_poll: BusyPoll::default(),
            closing: Cell::new(0),
            worker: RefCell::new(None),
            left_worker: RefCell::new(None),
            errand: RefCell::default(),
            slice: RefCell::new(None),
            written: WrittenSlot::default(),
            key: RefCell::default(),
            shareds: Shareds::default(),
            copies: RefCell::default(),
            handover: RefCell::new(None),
            cleanup: Cell::new(ptr::null_mut()),
            spin: Spin::default(),
            breakpoint: Breakpoint::default(),
        }));
        let trampoline = js::function(env, c"run", entries.trampoline, state.cast())?;
        // SAFETY: `state` was just leaked; nobody else has it yet.
        unsafe { (*state).callbacks.trampoline = js::reference(env, trampoline)? };
        // SAFETY: as above; from here on only shared references are made.
        unsafe { (*state).open_bell(state, entries)? };
        Ok((state, buffer))
    }

    fn open_bell(&self, raw: *mut IsolateState, entries: &Entries) -> Result<(), Fault> {
        let mut loop_or_env: *mut c_void = self.env.cast();
        if event_loop::has_libuv() {
            let mut own = ptr::null_mut();
            // SAFETY: out pointer to a local.
            check(unsafe { sys::napi_get_uv_event_loop(self.env, &mut own) })?;
            loop_or_env = own.cast();
        }
        let calls = event_loop::uv();
        let handle = calls.open(loop_or_env, raw.cast(), entries.on_bell);
        if handle.is_null() {
            return Err(Fault::internal("no doorbell could be made"));
        }
        calls.keep_loop_alive(handle, false);
        self.async_handle.set(handle);
        self.bell.hang(handle);
        self.busy_poll.open(loop_or_env, raw.cast(), entries.on_idle);
        let mut hook = ptr::null_mut();
        // SAFETY: `raw` lives until `on_closed`, which the hook brings about.
        check(unsafe {
            sys::napi_add_async_cleanup_hook(self.env, Some(on_cleanup), raw.cast(), &mut hook)
        })?;
        self.cleanup.set(hook);
        Ok(())
    }

    /// One more, or one less, reason to keep the loop alive.
    pub(crate) fn keep_loop_alive(&self, held: bool) {
        let before = self.loop_refs.get();
        let after = if held { before + 1 } else { before.saturating_sub(1) };
        self.loop_refs.set(after);
        if (before == 0) != (after == 0) && !self.async_handle.get().is_null() {
            event_loop::uv().keep_loop_alive(self.async_handle.get(), after > 0);
        }
    }

    /// The future of this task is done with: its slot is free, and it keeps the loop alive no longer.
    pub(crate) fn release_future(&self, slot: u32, task: &JsTask) {
        self.futures.borrow_mut().release(slot);
        if task.owner().stream.as_ref().is_none_or(|stream| stream.set_held(true)) {
            self.keep_loop_alive(false);
        }
    }

    /// The loop goes on; see `doorbell::busy_poll`.
    pub(crate) fn note_wait(&self) {
        if self.waits_for_one() {
            self.busy_poll.note_wait();
        }
    }

    /// Whether this is an isolate that is no worker of a pool, and waits for a single future.
    pub(crate) fn waits_for_one(&self) -> bool {
        self.loop_refs.get() == 1 && self.worker.borrow().is_none()
    }

    /// Tells TypeScript, by the header, whether it should call `services` before it goes on: its thread may
    /// not come back to the loop for long.
    pub(crate) fn flag_services(&self) {
        if self.mailbox.has_services() {
            self.header.flag_services();
        }
    }

    /// The pool that this isolate calls `index`.
    pub(crate) fn pool(&self, index: u32) -> Result<Arc<PoolEntry>, Fault> {
        let pools = self.pools.borrow();
        let entry = pools.get(index as usize).and_then(Option::as_ref);
        entry.cloned().ok_or_else(|| Fault::internal("no such pool"))
    }

    pub(crate) fn add_pool(&self, entry: Arc<PoolEntry>) -> u32 {
        let mut pools = self.pools.borrow_mut();
        match pools.iter().position(Option::is_none) {
            Some(index) => {
                pools[index] = Some(entry);
                index as u32
            }
            None => {
                pools.push(Some(entry));
                (pools.len() - 1) as u32
            }
        }
    }

    pub(crate) fn release_pool(&self, index: u32) {
        let entry = self.pools.borrow_mut().get_mut(index as usize).and_then(Option::take);
        // After the borrow: the last reference drops the pool.
        drop(entry);
    }

    /// The task in a slot that TypeScript believes to be taken.
    pub(crate) fn task(&self, slot: u32) -> Result<Arc<JsTask>, Fault> {
        self.futures.borrow().get(slot).cloned().ok_or_else(|| Fault::internal("no such future"))
    }

    /// The environment is being torn down: nothing may call into it, and what depends on it is told.
    fn close(&self) {
        self.breakpoint.set(false);
        self.mailbox.close();
        if let Some(worker) = self.worker.borrow_mut().take() {
            worker.close();
        }
        if let Some(handle) = self.left_worker.borrow_mut().take() {
            handle.note_end();
        }
        // Nobody is left that could start workers for the pools that this isolate owned.
        let pools = std::mem::take(&mut *self.pools.borrow_mut());
        for entry in pools.into_iter().flatten() {
            if std::ptr::addr_eq(Arc::as_ptr(&entry.owner), Arc::as_ptr(&self.mailbox)) {
                entry.pool.terminate();
            }
        }
        let futures = self.futures.take();
        futures.into_tasks().for_each(|task| yielding::abandon(&task));
        // Those of its tasks that wait still run, and hold the mailbox.
        self.mailbox.keep(Box::new(self.functions.take()));
        self.pending.borrow_mut().clear();
        self.shareds.release_all();
    }
}

unsafe extern "C" fn on_cleanup(hook: sys::napi_async_cleanup_hook_handle, data: *mut c_void) {
    let raw = data.cast::<IsolateState>();
    // SAFETY: Node calls the hook once, on the isolate's thread, before `on_closed` frees the state.
    let state = unsafe { &*raw };
    // A panic must not cross into C. What it has kept from being told, the worker's exit tells.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| state.close()));
    let handle = state.bell.take_down();
    state.async_handle.set(ptr::null_mut());
    if handle.is_null() {
        // SAFETY: removing the hook lets Node go on; it was given to us by Node.
        unsafe { sys::napi_remove_async_cleanup_hook(hook) };
        return;
    }
    state.closing.set(1 + u32::from(state.busy_poll.close(on_closed)));
    event_loop::uv().close(handle, on_closed);
}

unsafe extern "C" fn on_closed(handle: *mut UvAsync) {
    // SAFETY: libuv hands back a handle that `open_bell` made, whose data is the leaked state.
    let raw = unsafe { uv::handle_data(handle).cast::<IsolateState>() };
    // SAFETY: it lives until the last of the handles is closed.
    let closing = unsafe { &(*raw).closing };
    closing.set(closing.get() - 1);
    if closing.get() > 0 {
        return;
    }
    // SAFETY: this was the last of the handles.
    let state = unsafe { Box::from_raw(raw) };
    // SAFETY: the hook of this environment, removed once.
    unsafe { sys::napi_remove_async_cleanup_hook(state.cleanup.get()) };
}
