//! What it means that a thread does not answer an interrupt: it is in a native call, or only waits for a
//! processor.

use std::time::Duration;

use crate::supervision::times::{
    GIVE_UP, GIVE_UP_PREEMPTED, GIVE_UP_THREAD_TIME, STACK_ASLEEP, STACK_AWAKE, STACK_THREAD_TIME,
    STACK_UNKNOWN,
};
use crate::supervision::worker_handle::WorkerHandle;

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
        let ran = handle.time_on_processor();
        let ran = ran.map(|ran| ran.saturating_sub(*first.get_or_insert(ran)));
        Silence { waited, is_asleep: handle.is_asleep(), ran }
    }

    /// Whether the future of an expired task is not to wait for its stack any longer.
    pub(crate) fn is_of_native_code(&self) -> bool {
        let has_run = self.ran.map_or(self.waited > STACK_UNKNOWN, |ran| ran > STACK_THREAD_TIME);
        has_run || self.waited > if self.is_asleep { STACK_ASLEEP } else { STACK_AWAKE }
    }

    /// Whether the thread is given up.
    pub(crate) fn is_for_good(&self) -> bool {
        self.is_longer_than(GIVE_UP)
    }

    /// Whether it is silent for more than `limit`, and not because others have the processor.
    pub(crate) fn is_longer_than(&self, limit: Duration) -> bool {
        let was_preempted = !self.is_asleep && self.ran.is_some_and(|ran| ran < GIVE_UP_THREAD_TIME);
        self.waited > if was_preempted { limit.max(GIVE_UP_PREEMPTED) } else { limit }
    }
}
