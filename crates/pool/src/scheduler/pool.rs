//! The pool: what is accepted, and the one mutex that guards queue, workers and counts.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use crate::queue::broadcasts::Broadcasts;
use crate::queue::inbox::{self, Attended, Inbox};
use crate::queue::keyed::Keyed;
use crate::queue::task_queue::TaskQueue;
use crate::queue::transit::Transit;
use crate::scheduler::actions::Actions;
use crate::scheduler::config::{Config, LOWEST_AHEAD};
use crate::scheduler::stats::{Counts, Histogram};
use crate::sync::cache_padded::CachePadded;
use crate::sync::deadline::{self, Alarm, TimeLimit};
use crate::sync::primitives::{Condvar, Mutex};
use crate::task::limits::{Expire, Limits};
use crate::task::outcome::{Ending, Failure, Outcome, ending};
use crate::task::spec::Spec;
use crate::task::states::State;
use crate::task::task::Task;
use crate::task::work::{Host, Kind, Work};
use crate::workers::registry::Registry;
use crate::workers::standing::Standing;
use crate::workers::starts::Starts;
use crate::workers::suspects::Suspects;
use crate::workers::warm_up::WarmUp;

/// Why a task was not accepted.
pub enum Refusal<W: Work> {
    /// As many tasks wait as may.
    Full,
    /// The pool has been shut down.
    ShutDown,
    /// The pool cannot run tasks any more.
    Broken { cause: Option<W::Error> },
    /// The task has a limit of time, and the system refuses the thread that would watch it.
    NoClock,
}

/// A task that was not accepted, with everything that it was made of.
pub struct Refused<W: Work> {
    pub reason: Refusal<W>,
    pub spec: Spec<W>,
}

/// Which tasks are still accepted.
pub(crate) enum Phase<W: Work> {
    Open,
    /// Accepts none; what was accepted still runs.
    ShutDown,
    /// Accepts none and starts none.
    Broken {
        cause: Option<W::Error>,
    },
}

/// Everything that the mutex guards.
pub(crate) struct Shared<W: Work> {
    pub(crate) lanes: [TaskQueue<W>; Kind::COUNT],
    pub(crate) transit: Transit<W>,
    /// The tasks that wait and have a key; they are in no lane.
    pub(crate) keyed: Keyed<W>,
    pub(crate) workers: Registry<W>,
    pub(crate) phase: Phase<W>,
    pub(crate) closed: bool,
    /// How many workers of all kinds together may hold tasks at once. Changed by `Pool::resize`.
    pub(crate) max_workers: usize,
    /// Whether there may be more workers than that of a kind, or more that hold a place, because there were
    /// more once; see `scheduler::size`.
    pub(crate) shrinks: [bool; Kind::COUNT],
    /// Whether the workers were told to end at once, by `Pool::terminate`.
    pub(crate) is_terminated: bool,
    /// Whether what waited was settled because the pool ends.
    pub(crate) is_cleared: bool,
    /// Who may still submit the rest of what was accepted; see `Pool::expect_rests`.
    pub(crate) expecting: usize,
    /// What ends the pool when its shutdown takes too long; here, because the clock holds alarms weakly.
    pub(crate) end_of_grace: Option<Arc<dyn Alarm>>,
    pub(crate) room_wanted: bool,
    pub(crate) starts: [Starts; Kind::COUNT],
    /// Tasks for workers that are starting, and how many of that kind were asked for so far.
    pub(crate) broadcasts: Broadcasts<W>,
    pub(crate) asked: u64,
    /// Those who wait for workers.
    pub(crate) warm_ups: Vec<WarmUp<W>>,
    pub(crate) suspects: Suspects,
    /// Whether the change that has the mutex has more for workers to do than it has looked at.
    pub(crate) must_rebalance: bool,
    /// Threads that announce what they have settled; the pool is not closed before they are done. Changed by
    /// `Pool::release`.
    pub(crate) announcing: usize,
    /// For which kinds tasks may be left in the inbox: what it was told last.
    pub(crate) attended: Attended,
    /// Empty; a buffer for tasks that come from the inbox.
    pub(crate) arrivals: Vec<Arc<Task<W>>>,
    pub(crate) running: usize,
    /// The tasks that stand still, by their ids. Changed in `standing` and by `conclude`.
    pub(crate) standing: HashMap<u64, Standing>,
    /// Tasks that wait where they were sent ahead to. Changed in `ahead`.
    pub(crate) ahead: usize,
    pub(crate) counts: Counts,
    pub(crate) wait_time: Histogram,
    pub(crate) run_time: Histogram,
}

/// A pool of workers with one queue. Dropping the last reference does not stop it: shut it down.
pub struct Pool<W: Work> {
    /// To itself, for its alarms.
    pub(crate) weak: Weak<Pool<W>>,
    pub(crate) config: Config,
    pub(crate) host: Arc<dyn Host>,
    /// On cache lines of its own, as is the inbox: the workers write here for each task, and the submitters
    /// there.
    pub(crate) state: CachePadded<Mutex<Shared<W>>>,
    pub(crate) inbox: CachePadded<Inbox<W>>,
    /// Notified when `closed` becomes true.
    pub(crate) close_signal: Condvar,
    pub(crate) thread_number: std::sync::atomic::AtomicU64,
}

impl<W: Work> Pool<W> {
    /// Makes a pool and starts its `min_workers`.
    pub fn new(mut config: Config, host: Arc<dyn Host>) -> Arc<Self> {
        config.tasks_per_worker = config.tasks_per_worker.max(1);
        let pool = Arc::new_cyclic(|weak| Pool {
            weak: weak.clone(),
            host,
            state: CachePadded(Mutex::new(Shared {
                lanes: std::array::from_fn(|_| TaskQueue::default()),
                transit: Transit::new(config.handover_kind),
                keyed: Keyed::new(config.warm_kind, config.idle_timeout),
                workers: Registry::new(),
                phase: Phase::Open,
                closed: false,
                max_workers: config.max_workers.max(1),
                shrinks: [false; Kind::COUNT],
                is_terminated: false,
                is_cleared: false,
                expecting: 0,
                end_of_grace: None,
                room_wanted: false,
                starts: std::array::from_fn(|_| Starts::default()),
                broadcasts: Broadcasts::default(),
                asked: 0,
                warm_ups: Vec::new(),
                suspects: Suspects::default(),
                must_rebalance: false,
                announcing: 0,
                attended: inbox::NONE,
                arrivals: Vec::new(),
                running: 0,
                standing: HashMap::new(),
                ahead: 0,
                counts: Counts::default(),
                wait_time: Histogram::default(),
                run_time: Histogram::default(),
            })),
            inbox: CachePadded(Inbox::new()),
            config,
            close_signal: Condvar::default(),
            thread_number: std::sync::atomic::AtomicU64::new(1),
        });
        pool.change(|shared, actions| pool.rebalance(shared, actions));
        pool
    }

    /// Accepts a task, or gives it back. When this returns the task can be claimed and its clocks run. A task
    /// with a limit of zero is accepted and fails at once without running.
    pub fn submit(self: &Arc<Self>, spec: Spec<W>) -> Result<Arc<Task<W>>, Box<Refused<W>>> {
        debug_assert!(!spec.needs_handover || spec.kind == self.config.handover_kind);
        let (queue_timeout, total, is_rest) = (spec.queue_timeout, spec.total_timeout, spec.is_rest);
        let is_limited = spec.timeout.is_some() || queue_timeout.is_some() || total.is_some();
        let expired = if is_limited { spec.zero_limit() } else { None };
        if is_limited && expired.is_none() && deadline::CLOCK_THREAD.start().is_err() {
            return Err(Box::new(Refused { reason: Refusal::NoClock, spec }));
        }
        let limits = is_limited.then(|| {
            let pool: Weak<dyn Expire<W>> = Arc::<Self>::downgrade(self);
            Box::new(Limits { timeout: spec.timeout, total, pool })
        });
        let task = Task::new(self.inbox.next_id(), spec, limits, Instant::now());
        // One that comes before others that were sent ahead has them brought back.
        let is_urgent = task.kind() == Kind::Process && task.priority > LOWEST_AHEAD;
        if (expired.is_some()
            || task.needs_handover
            || task.key.is_some()
            || is_urgent
            || !self.inbox.post(&task))
            && let Err(reason) = self.admit(&task, expired, is_rest)
        {
            let spec = Task::take_back(task, queue_timeout).expect("the only reference to the task");
            return Err(Box::new(Refused { reason, spec }));
        }
        // Here, because no lock is held. A limit that no clock can reach is none.
        if expired.is_none() && (queue_timeout.is_some() || total.is_some()) {
            let alarm: Arc<dyn Alarm> = task.clone();
            let queue_end = queue_timeout.and_then(|limit| task.submitted.checked_add(limit));
            for (end, limit) in [(queue_end, TimeLimit::Queue), (task.total_end(), TimeLimit::Total)] {
                if let Some(at) = end {
                    deadline::add(at, limit, &alarm);
                }
            }
        }
        Ok(task)
    }

    /// Takes a task into the queue, or says why not.
    fn admit(
        self: &Arc<Self>,
        task: &Arc<Task<W>>,
        expired: Option<TimeLimit>,
        is_rest: bool,
    ) -> Result<(), Refusal<W>> {
        self.change(|shared, actions| {
            if let Some(reason) = shared.refusal(&self.config).filter(|_| !(is_rest && shared.takes_rests()))
            {
                return Err(reason);
            }
            if let Some(limit) = expired {
                shared.conclude(task, Err(Failure::TimedOut { limit, trace: None }), actions);
            } else if task.needs_handover {
                shared.transit.accept(task.clone());
            } else if task.key.is_some() {
                self.push_keyed(shared, task.clone(), actions);
                self.rebalance(shared, actions);
            } else {
                shared.lanes[task.kind() as usize].push(task.clone());
                shared.bring_back_behind(task, actions);
                self.rebalance(shared, actions);
            }
            Ok(())
        })
    }

    /// Calls [`Host::room`] once as soon as a submission would not be refused as full. False if it
    /// would not be refused now.
    pub fn want_room(&self) -> bool {
        let mut shared = self.lock();
        shared.room_wanted = shared.is_open() && shared.is_full(&self.config);
        shared.room_wanted
    }

    /// Why a submission would be refused now, if it would.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal<W>> {
        self.state.lock().refusal(&self.config)
    }

    /// Counts a task that was cancelled before it could be submitted.
    pub fn count_cancelled(&self) {
        self.state.lock().counts.add(Ending::Cancelled);
    }

    /// What the pool was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}

impl<W: Work> Shared<W> {
    pub(crate) fn queued(&self) -> usize {
        self.lanes.iter().map(TaskQueue::total).sum::<usize>()
            + self.transit.len()
            + self.keyed.total()
            + self.ahead
            + self.broadcasts.len()
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    fn is_full(&self, config: &Config) -> bool {
        config.max_queue.is_some_and(|most| self.queued() - self.broadcasts_waiting() >= most)
    }

    fn refusal(&self, config: &Config) -> Option<Refusal<W>> {
        if self.is_open() && self.is_full(config) { Some(Refusal::Full) } else { self.why_over() }
    }

    /// Settles `task` unless it has settled, and counts it. Says whether it did. Everything that settles a
    /// task calls this.
    pub(crate) fn conclude(
        &mut self,
        task: &Arc<Task<W>>,
        outcome: Outcome<W>,
        actions: &mut Actions<W>,
    ) -> bool {
        let stood = if self.standing.is_empty() { None } else { self.end_standing(task) };
        let (before, how) = (task.state(), ending(&outcome));
        let (work, started) = match task.settle(outcome) {
            Ok(parts) => parts,
            Err(late) => {
                actions.late.push(late);
                return false;
            }
        };
        if how != Ending::Completed {
            task.request_cancel();
        }
        if before == State::Running {
            self.running -= usize::from(stood.is_none());
            if let Some(started) = started {
                self.run_time.record(stood.unwrap_or(actions.now).saturating_duration_since(started));
            }
        }
        self.counts.add(how);
        actions.dropped.extend(work);
        actions.announce.push(task.clone());
        true
    }

    /// Settles a task that waits in the queue and frees its room.
    pub(crate) fn conclude_pending(
        &mut self,
        task: &Arc<Task<W>>,
        outcome: Outcome<W>,
        actions: &mut Actions<W>,
    ) {
        if self.conclude(task, outcome, actions) {
            if task.needs_handover {
                self.forget_in_transit(task, actions);
            } else if task.key.is_some() {
                self.forget_keyed(task, actions);
            } else if task.is_for_worker {
                self.forget_pinned(task);
            } else {
                self.lanes[task.kind() as usize].forget(task, &mut actions.removed);
            }
            self.note_room(actions);
        }
    }

    pub(crate) fn note_room(&mut self, actions: &mut Actions<W>) {
        if std::mem::take(&mut self.room_wanted) {
            actions.room = true;
        }
    }
}
