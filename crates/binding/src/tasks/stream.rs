//! What the two ends of a stream share: how many values the reader has room for, and whether the stream
//! stands still for want of it.
//!
//! The reader says how many values may have been made so far, counted from the first; the worker counts those
//! that it has made. The stream stands still once both are equal, and goes on when the reader allows more.
//! Both numbers only grow, so a message that comes late or twice does no harm. The mutex orders "no room, I
//! stand still" against "there is room": either the worker sees the room, or the reader the standing stream.
//!
//! Values cross as progress does, told apart by a bit of their form.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::doorbell::coalesce::Ring;

/// Tells whoever makes the values how many it may have made by now. Called with no lock held.
pub(crate) type OnRoom = Arc<dyn Fn(u64) + Send + Sync>;

#[derive(Default)]
struct Flow {
    /// How many values may have been made.
    allowed: u64,
    made: u64,
    /// Whether it stands still, or is made elsewhere, where that is known.
    stands: bool,
    /// Whether it has looked at its `currentTask()` before it stood still.
    had_looked: bool,
    on_room: Option<OnRoom>,
}

/// Tells the reader of a stream that there are values. Many are told as one, as rings are.
pub(super) struct Telling(Tell);

pub(super) type Tell = Box<dyn Fn() + Send + Sync>;

impl Ring for Telling {
    fn ring(&self) {
        (self.0)();
    }
}

/// In the ticket of a task that is a stream.
pub(crate) struct Stream {
    /// The number that the reader's isolate has for it.
    pub(crate) id: u32,
    flow: Mutex<Flow>,
    /// Whether it does not keep the loop of the reader's isolate alive. Only for the thread of that.
    // ORDERING: of one thread only.
    is_unheld: AtomicBool,
    /// Whether the reader has ended it: then it may end by itself. Set before it is cancelled.
    is_left: AtomicBool,
    /// Held while values are taken and sent to another process, by whichever thread: they stay in order.
    pub(crate) sending: Mutex<()>,
    telling: OnceLock<Arc<Telling>>,
    /// Whether a worker of another process holds it, although it has settled.
    is_held_away: AtomicBool,
}

impl Stream {
    pub(crate) fn new(id: u32, allowed: u64) -> Box<Stream> {
        let flow = Mutex::new(Flow { allowed, ..Flow::default() });
        let [is_unheld, is_left, is_held_away] = [false; 3].map(AtomicBool::new);
        let (sending, telling) = Default::default();
        Box::new(Stream { id, flow, is_unheld, is_left, sending, telling, is_held_away })
    }

    pub(crate) fn allowed(&self) -> u64 {
        self.flow.lock().allowed
    }

    /// One more value was made: for how many more there is room.
    pub(crate) fn note_made(&self) -> u64 {
        let mut flow = self.flow.lock();
        flow.made += 1;
        flow.allowed.saturating_sub(flow.made)
    }

    /// So many more values have come that were made elsewhere.
    pub(crate) fn note_come(&self, count: usize) {
        self.flow.lock().made += count as u64;
    }

    /// Whether it may make no more values until its reader has read some.
    pub(crate) fn is_out_of_room(&self) -> bool {
        let flow = self.flow.lock();
        flow.allowed <= flow.made
    }

    /// By which the reader is told; `tell` does so.
    pub(super) fn telling(&self, tell: impl FnOnce() -> Tell) -> &Arc<Telling> {
        self.telling.get_or_init(|| Arc::new(Telling(tell())))
    }

    /// The stream stands still, if there is no room; it is to be called so once there is. False if there is.
    pub(crate) fn stand_still(&self, has_looked: &AtomicBool, on_room: OnRoom) -> bool {
        let mut flow = self.flow.lock();
        if flow.allowed > flow.made {
            return false;
        }
        flow.stands = true;
        flow.on_room = Some(on_room);
        // What ends it has it run its `finally` blocks, for which it has time.
        flow.had_looked = has_looked.swap(true, Ordering::Relaxed);
        true
    }

    /// The stream goes on, if it stands still; to its end if it `is_over`. Says whether it did.
    pub(crate) fn go_on(&self, has_looked: &AtomicBool, is_over: bool) -> bool {
        let mut flow = self.flow.lock();
        let stood = std::mem::take(&mut flow.stands);
        if stood && !flow.had_looked && !is_over {
            has_looked.store(false, Ordering::Relaxed);
        }
        stood
    }

    /// Whether it stands still.
    pub(crate) fn stands(&self) -> bool {
        self.flow.lock().stands
    }

    /// The values are made elsewhere: each time that there is more room, that is told so.
    pub(crate) fn forward(&self, on_room: OnRoom) {
        let mut flow = self.flow.lock();
        flow.on_room = Some(on_room);
        // There it is seen whether it stands still.
        flow.stands = true;
    }

    /// So many values may have been made.
    pub(crate) fn allow(&self, allowed: u64) {
        let mut flow = self.flow.lock();
        if allowed <= flow.allowed {
            return;
        }
        flow.allowed = allowed;
        let must_call = flow.stands && flow.made < allowed;
        let on_room = if must_call { flow.on_room.clone() } else { None };
        drop(flow);
        if let Some(on_room) = on_room {
            on_room(allowed);
        }
    }

    /// Its reader is about to cancel it: it may end by itself, for which it has time.
    pub(crate) fn leave(&self, has_looked: &AtomicBool) {
        self.is_left.store(true, Ordering::Release);
        has_looked.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Acquire)
    }

    pub(crate) fn set_held_away(&self, is_held: bool) {
        self.is_held_away.store(is_held, Ordering::Release);
    }

    pub(crate) fn is_held_away(&self) -> bool {
        self.is_held_away.load(Ordering::Acquire)
    }

    /// Whether the stream keeps the loop of its reader alive; says what was before.
    pub(crate) fn set_held(&self, held: bool) -> bool {
        !self.is_unheld.swap(!held, Ordering::Relaxed)
    }
}
