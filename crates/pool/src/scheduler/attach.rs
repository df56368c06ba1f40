//! How a worker that was asked for joins the pool.

use std::sync::Arc;

use crate::scheduler::pool::Pool;
use crate::scheduler::worker::Worker;
use crate::task::work::{Kind, Work, WorkerLink};

impl<W: Work> Pool<W> {
    /// Adds a worker that [`Host::start_worker`](crate::Host::start_worker) asked for.
    pub fn attach(self: &Arc<Self>, kind: Kind, link: Arc<dyn WorkerLink<W>>) -> Worker<W> {
        self.attach_as(kind, link, None)
    }

    /// The same, where it is known as which of the workers of [`Config::warm_kind`](crate::Config::warm_kind)
    /// this one was asked for, counted from 1.
    pub fn attach_as(
        self: &Arc<Self>,
        kind: Kind,
        link: Arc<dyn WorkerLink<W>>,
        start: Option<u64>,
    ) -> Worker<W> {
        let id = self.change(|shared, actions| {
            let starting = &mut shared.workers.starting[kind as usize];
            *starting = starting.saturating_sub(1);
            shared.starts[kind as usize].note_attached();
            let id = shared.workers.insert(kind, link);
            if kind == self.config.warm_kind && shared.broadcasts.len() > 0 {
                shared.pin_what_is_owed(id, start);
                let lost = shared.take_what_is_owed(kind, kind, None);
                shared.lose(lost, None, actions);
            }
            id
        });
        Worker { pool: self.clone(), id }
    }
}
