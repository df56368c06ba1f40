//! What a supervisor sees to in time: a child that does not start, leave or die, that holds a task which was
//! stopped, that is idle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use pool::{Kind, Refusal};

use crate::process::child_link::{Concern, STOPPED_LIMIT};
use crate::process::message::to_child;
use crate::process::supervisor::Supervisor;
use crate::values::wire::Writer;

/// How long a child may take to say that its thread is free, until another is sent for what it was asked for.
const ANSWER_LIMIT: Duration = Duration::from_millis(20);
/// How often it is looked at whether somebody still waits for what a child loads, and whether one that takes
/// no tasks is still needed.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// How long a child has, once a debugger has let it go, for what was due meanwhile.
const WHILE_PAUSED: Duration = Duration::from_secs(1);
/// How long a child that has closed the channel, or was told to end at once, may live on.
const CLOSED_LIMIT: Duration = Duration::from_millis(500);
/// How long the system may take to end one that was killed: then its tasks are given up.
const KILL_LIMIT: Duration = Duration::from_secs(2);

/// A thread that runs this much later than it was to has been held up by the machine.
const HELD_UP: Duration = Duration::from_millis(50);
/// What a child has at least to do what it was asked for, once its supervisor hears of it or runs again.
const LEAST: Duration = Duration::from_millis(500);

impl Supervisor {
    pub(crate) fn kill(&mut self) {
        if !self.is_killed {
            self.is_killed = true;
            self.end = Instant::now() + KILL_LIMIT;
            self.note_told_to_end();
        }
        self.link.killer.kill();
    }

    /// Has a child end that cannot go on. A task that it was sent meanwhile and has not called goes back,
    /// which only the child knows of; it is killed if it does not end.
    pub(super) fn have_it_end(&mut self) {
        self.leave_within(CLOSED_LIMIT);
        self.note_told_to_end();
        self.link.channel.send(to_child::END, Vec::new());
    }

    fn note_told_to_end(&self) {
        if let Some(worker) = &self.worker {
            self.entry.pool.note_told_to_end(worker.id());
        }
    }

    /// The child has closed the channel: it is dying, or is killed for that.
    pub(super) fn await_end(&mut self) {
        self.await_end_within(CLOSED_LIMIT);
    }

    /// It ends by itself.
    pub(super) fn await_end_within(&mut self, limit: Duration) {
        self.has_closed |= !self.is_leaving;
        self.leave_within(limit);
    }

    /// It gets no task any more, and is killed if it lives for longer.
    fn leave_within(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        self.end = if self.is_leaving { self.end.min(end) } else { end };
        self.is_leaving = true;
    }

    fn has_unsettled(&self) -> bool {
        self.held.values().any(|held| !held.task.state().is_settled())
    }

    fn is_idle(&self) -> bool {
        self.worker.is_some() && self.held.is_empty() && self.loading.is_none() && !self.is_leaving
    }

    /// Whether it takes no task although it has none: what a task has left behind blocks its thread, or it
    /// lies.
    fn is_stalled(&self) -> bool {
        let is_free = self.worker.is_some() && self.held.is_empty() && !self.is_leaving;
        is_free && (self.is_blocked || self.recovers_until.is_some())
    }

    fn recovery_end(&self) -> Option<Instant> {
        self.recovers_until.filter(|_| !self.is_paused && !self.is_killed)
    }

    fn idle_end(&self) -> Option<Instant> {
        let idle = self.entry.pool.config().idle_timeout.filter(|_| self.is_idle())?;
        self.idle_since.checked_add(idle.max(Duration::from_millis(1)))
    }

    /// When something is to be looked at.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        let end = (self.worker.is_none() || self.is_leaving || self.is_killed).then_some(self.end);
        let concern = self.concerns.iter().map(|(_, _, until)| *until).min();
        let answer = self.asked.filter(|_| !self.is_overdue).map(|since| since + ANSWER_LIMIT);
        let load = self.loading.filter(|_| !self.is_forgone).map(|_| self.looked_at_load + BETWEEN_LOOKS);
        let stall = self.is_stalled().then(|| Instant::now() + BETWEEN_LOOKS);
        [end, concern, self.idle_end(), answer, load, stall, self.ahead_end(), self.recovery_end()]
            .into_iter()
            .flatten()
            .min()
    }

    pub(crate) fn tick(&mut self) {
        let now = Instant::now();
        if !self.is_overdue && self.asked.is_some_and(|since| now >= since + ANSWER_LIMIT) {
            self.is_overdue = true;
            self.stop_waiting();
        }
        if let Some(function) = self.loading.filter(|_| !self.is_forgone) {
            self.look_at_load(function, now);
        }
        // Long after: as long as messages come, what was sent ahead is being begun.
        if self.ahead_end().is_some_and(|end| now >= end + ANSWER_LIMIT) {
            self.bring_back();
        }
        if self.recovery_end().is_some_and(|until| now >= until) {
            self.kill();
        }
        let refusal = if self.is_stalled() { self.entry.pool.refusal() } else { None };
        if matches!(refusal, Some(Refusal::ShutDown | Refusal::Broken { .. })) {
            self.leave();
        }
        let may_live_on = self.worker.is_some() && !self.is_leaving;
        if !may_live_on && now >= self.end {
            self.kill();
        }
        if self.idle_end().is_some_and(|end| now >= end)
            && let Some(worker) = &self.worker
        {
            if worker.leave_if_idle() {
                self.leave();
            }
            self.idle_since = now;
        }
    }

    /// Tells the child if nobody waits for a function any more that it loads: that may never end.
    fn look_at_load(&mut self, function: u32, now: Instant) {
        if now < self.looked_at_load + BETWEEN_LOOKS {
            return;
        }
        self.looked_at_load = now;
        if !self.entry.pool.wants(Kind::Process, function) {
            self.is_forgone = true;
            let mut writer = Writer::default();
            writer.u32(function);
            self.link.channel.send(to_child::FORGO, writer.finish());
        }
    }

    /// This thread was to look at this time. Where that was long ago the whole process was held up, and
    /// perhaps the child with it, which may have asked for something meanwhile: it has as much longer.
    pub(super) fn note_late(&mut self, next_look: Option<Instant>) {
        let now = Instant::now();
        let late = next_look.map(|at| now.saturating_duration_since(at)).filter(|late| *late > HELD_UP);
        if let Some(late) = late {
            self.concerns.iter_mut().for_each(|(_, _, until)| *until = (*until + late).max(now + LEAST));
        }
    }

    pub(crate) fn see_to_concerns(&mut self) {
        let now = Instant::now();
        // What is heard of late is due no earlier for that.
        let taken = self.link.take_concerns().into_iter();
        self.concerns.extend(taken.map(|(task, concern, until)| match concern {
            Concern::Stopped => (task, concern, until.max(now + LEAST)),
            Concern::Overdue => (task, concern, until),
        }));
        if self.is_paused {
            self.concerns.iter_mut().for_each(|(_, _, until)| *until = (*until).max(now + WHILE_PAUSED));
            return;
        }
        let due: Vec<_> = self.concerns.extract_if(.., |(_, _, until)| *until <= now).collect();
        for (task, concern, _) in due {
            if self.task(task.id()).is_none_or(|held| !Arc::ptr_eq(&held, &task)) {
                continue;
            }
            match concern {
                // Others of its tasks end first: those that run on top of this one, or beside it if the
                // child has to end. A thread that others cannot run on either the child gives up by itself.
                Concern::Stopped if self.has_unsettled() => {
                    self.concerns.push((task, Concern::Stopped, now + STOPPED_LIMIT));
                }
                Concern::Stopped => self.kill(),
                Concern::Overdue if task.state().is_settled() => {}
                Concern::Overdue => {
                    // The child has not said so: it may be stopped, or starved.
                    task.time_out(None);
                    let until = now.checked_add(self.link.grace.saturating_add(STOPPED_LIMIT));
                    self.concerns.extend(until.map(|until| (task, Concern::Stopped, until)));
                }
            }
        }
    }
}
