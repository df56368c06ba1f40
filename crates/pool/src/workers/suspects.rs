//! What tasks need and what has probably ended workers that made it ready; the rules are in
//! `scheduler::suspects`.

use std::time::{Duration, Instant};

use crate::task::work::{Kind, Needs};
use crate::workers::pause::Pause;

/// So long after its last death a suspect that is not barred is forgotten.
const FORGET: Duration = Duration::from_secs(60);

pub(crate) struct Suspect {
    /// Unique in the pool.
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) covers: Needs,
    /// How often it was barred.
    pub(crate) bars: u32,
    pub(crate) last: Instant,
    /// While it is barred.
    pub(crate) pause: Option<Pause>,
}

#[derive(Default)]
pub(crate) struct Suspects {
    pub(crate) list: Vec<Suspect>,
    last_number: u32,
}

impl Suspects {
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn position(&self, kind: Kind, needs: u32) -> Option<usize> {
        self.list.iter().position(|suspect| suspect.kind == kind && (suspect.covers)(needs))
    }

    /// The suspect that covers `needs`; a new one, with `covers`, if there was none.
    pub(crate) fn find(&mut self, kind: Kind, needs: u32, covers: &Needs, now: Instant) -> &mut Suspect {
        let at = self.position(kind, needs).unwrap_or_else(|| {
            self.last_number += 1;
            let (number, covers) = (self.last_number, covers.clone());
            self.list.push(Suspect { number, kind, covers, bars: 0, last: now, pause: None });
            self.list.len() - 1
        });
        &mut self.list[at]
    }

    pub(crate) fn remove(&mut self, kind: Kind, needs: u32) -> Option<Suspect> {
        self.position(kind, needs).map(|at| self.list.swap_remove(at))
    }

    /// Removes those that have ended no worker for long.
    pub(crate) fn remove_old(&mut self, now: Instant) -> Vec<Suspect> {
        let is_old = |one: &Suspect| one.pause.is_none() && now.saturating_duration_since(one.last) >= FORGET;
        self.list.extract_if(.., |suspect| is_old(suspect)).collect()
    }

    /// The suspects whose bars are over by now.
    pub(crate) fn end_bars(&mut self, now: Instant) -> Vec<(Kind, u32)> {
        let over = self.list.iter_mut().filter_map(|one| Pause::end(&mut one.pause, now).then_some(&*one));
        over.map(|suspect| (suspect.kind, suspect.number)).collect()
    }
}
