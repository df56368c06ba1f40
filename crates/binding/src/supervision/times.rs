//! All times of supervision, in one table: how long a stopped task, its worker and its thread may take for
//! what. They depend on each other, so whoever changes one should look at its neighbours. "Thread time" is
//! time on a processor, as the system counts it for a thread; all others are everyone's time.
//!
//! docs/interrupt.md and docs/shutdown.md say what a user sees of them.

use std::time::Duration;

// ---- stopper: a stop that was put off, because Node's own code ran or this package's ----

/// Pause before it is asked for again, if the answer's own notification was missed. An attempt costs some
/// microseconds; in a loop over Node's functions only one in thousands finds the user's code.
pub(super) const ASK_AGAIN: Duration = Duration::from_micros(15);
/// After so long, and so often, it insists: it may land in those parts of Node's own code that keep nothing
/// of their own. V8 leaves the stack checks out of an optimized loop that calls other functions, and then the
/// only checks of a loop over Node's functions are in these.
pub(super) const INSIST_AFTER: Duration = Duration::from_millis(50);
pub(super) const INSIST_AFTER_TIMES: u32 = 500;
/// Then the task is stopped where it is, and the worker replaced: after so long at least, and so often, but
/// after `PUT_OFF_MOST` in any case. Where the processor is shared an attempt may take milliseconds. A
/// quarter of this was too little for loops over timers on Node 26: a tenth of their workers were replaced.
pub(super) const PUT_OFF_LEAST: Duration = Duration::from_secs(1);
pub(super) const PUT_OFF_LEAST_TIMES: u32 = 5_000;
pub(super) const PUT_OFF_MOST: Duration = Duration::from_secs(2);

// ---- stopper: a task that has settled and that its worker still holds ----

/// Outside the guard: it waits for its promise, or loops in microtasks. A short continuation ends within it.
pub(super) const LET_GO: Duration = Duration::from_millis(5);
/// The same after it was hit: the ticks that it has left run first, which may be a million. And how long the
/// worker may take then to show that it is healthy, unless it did not get a processor.
pub(super) const LET_GO_AFTER_HIT: Duration = Duration::from_secs(1);
/// For how long a worker that retires for it may still come to its end, as long as other tasks keep it.
pub(super) const LET_GO_OF_RETIRING: Duration = Duration::from_secs(1);

// ---- stopper: its own steps ----

/// Between two looks at a stop that waits for the worker. Less would show in the processor's load.
pub(super) const STEP: Duration = Duration::from_millis(1);
/// The same while the task has its time of grace, which users give in tenths of seconds.
pub(super) const GRACE_STEP: Duration = Duration::from_millis(5);
/// Between the request to a given-up worker to end by itself, by its own `process.exit()`, and the interrupt
/// that ends it.
pub(super) const KILL_DELAY: Duration = Duration::from_millis(50);

// ---- silence: how long an expired task's future waits for the task's stack ----

/// If the thread sleeps in the system: it is in a native call. All JavaScript answers within microseconds,
/// `Atomics.wait` too.
pub(super) const STACK_ASLEEP: Duration = Duration::from_micros(1500);
/// Of thread time: one that has run for so long and has not answered is in a native call.
pub(super) const STACK_THREAD_TIME: Duration = Duration::from_millis(4);
/// If the thread is not asleep: it may only have been preempted, and will answer when it runs.
pub(super) const STACK_AWAKE: Duration = Duration::from_millis(100);
/// If the system does not tell thread time, in place of the two above.
pub(super) const STACK_UNKNOWN: Duration = Duration::from_millis(12);
/// If the thread may run a continuation of the task: other stops wait meanwhile.
pub(super) const STACK_CONTINUATION: Duration = Duration::from_millis(5);

// ---- silence: when a thread that does not answer, or does not come back after a hit, is given up ----

/// A native call cannot be cut short. Until it returns the request stands; so a call that takes less costs
/// nothing but its time.
pub(super) const GIVE_UP: Duration = Duration::from_millis(500);
/// If it had less thread time than this meanwhile, others have the processor, and `GIVE_UP_PREEMPTED` holds.
pub(super) const GIVE_UP_THREAD_TIME: Duration = Duration::from_millis(100);
pub(super) const GIVE_UP_PREEMPTED: Duration = Duration::from_secs(2);

// ---- turning: a worker that was stopped at one of its tasks, while the others go on ----

/// Between two looks whether its event loop still turns.
pub(super) const TURN_LOOK: Duration = Duration::from_millis(100);
/// If it has not turned for so long, and for the pool's `interruptGrace`, the worker is given up with all
/// that it holds. As long as `GIVE_UP`: others that compute for a while are not to be lost for it.
pub(super) const TURN_MISSED: Duration = GIVE_UP;

// ---- watchdog: workers that run no task and do not come back to their pool ----

/// Between two looks, while there is anything to watch. All other times of the watchdog are exact to this.
pub(super) const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// A worker that holds tasks and was called because it has room for one more: then another worker is sent.
pub(super) const CALL_RESEND: Duration = Duration::from_millis(500);
/// A worker without a task: then it is replaced. What an ended task has left behind may run so long while
/// others wait for the worker.
pub(super) const CALL_UNANSWERED: Duration = Duration::from_secs(5);
/// A worker that loads a function which no task wants any more: then it is replaced.
pub(super) const LOAD_UNWANTED: Duration = Duration::from_secs(2);
/// A thread that has left its pool: then it is ended. Coverage and profiles are written meanwhile.
pub(super) const THREAD_END: Duration = Duration::from_secs(5);
