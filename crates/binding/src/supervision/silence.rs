//! What it means that a thread does not answer an interrupt: it is in a native call, or only waits for a processor.

use std::time::Duration;

use crate::supervision::os_thread;
use crate::supervision::worker_handle::WorkerHandle;

/// How long an interrupt may go unanswered before a caller who waits for the stack of an expired task goes
/// without: the thread sleeps in a native call. All JavaScript answers within microseconds, `Atomics.wait` too.
pub(crate) const UNANSWERED: Duration = Duration::from_micros(1500);
/// The same for a thread that is not asleep: it may only have been preempted, and will answer when it runs. So its own
/// time is what counts, where the system tells it, up to a limit of everyone's time.
const UNANSWERED_RUNNING: Duration = Duration::from_millis(4);
const UNANSWERED_AWAKE: Duration = Duration::from_millis(100);
/// The limit where the system does not tell.
const UNANSWERED_UNKNOWN: Duration = Duration::from_millis(12);

/// How long a thread may take to answer or, once terminated, to come back: a native call cannot be cut short.
/// Until it returns the request stands; so a call that takes less costs nothing. A thread that hardly had a processor
/// meanwhile, because others have it, gets more.
pub(crate) const COME_BACK: Duration = Duration::from_millis(500);
const COME_BACK_RUNNING: Duration = Duration::from_millis(100);
const COME_BACK_MOST: Duration = Duration::from_secs(2);

/// A thread that has not answered yet.
pub(crate) struct Silence {
    waited: Duration,
    is_asleep: bool,
    /// How much of that it had a processor, where the system tells.
    ran: Option<Duration>,
}

impl Silence {
    /// `first` keeps the time that the thread had had on a processor when it was first seen not to answer.
    pub(crate) fn of(handle: &WorkerHandle, first: &mut Option<Duration>, waited: Duration) -> Self {
        let ran = os_thread::time_on_processor(handle.thread);
        let ran = ran.map(|ran| ran.saturating_sub(*first.get_or_insert(ran)));
        Silence { waited, is_asleep: handle.is_asleep(), ran }
    }

    /// Whether nobody waits for its stack any longer.
    pub(crate) fn is_of_native_code(&self) -> bool {
        let running = self.ran.map_or(self.waited > UNANSWERED_UNKNOWN, |ran| ran > UNANSWERED_RUNNING);
        running || self.waited > if self.is_asleep { UNANSWERED } else { UNANSWERED_AWAKE }
    }

    pub(crate) fn is_for_good(&self) -> bool {
        let was_preempted = !self.is_asleep && self.ran.is_some_and(|ran| ran < COME_BACK_RUNNING);
        self.waited > if was_preempted { COME_BACK_MOST } else { COME_BACK }
    }
}
