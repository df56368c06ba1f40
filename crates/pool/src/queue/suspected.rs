//! What tasks with keys need that has ended workers, as in `task_queue`: which of them are not to be seen.
//!
//! Nothing is moved aside, because there is no order to be kept among what is hidden: it is passed over.

use crate::task::work::{Needs, WorkerId};

struct Suspect {
    number: u32,
    covers: Needs,
    is_barred: bool,
    /// Who prepares for a task that needs it.
    tried_by: Option<WorkerId>,
}

/// The suspects; nearly always none.
#[derive(Default)]
pub(crate) struct Suspected(Vec<Suspect>);

impl Suspected {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a task that needs this can be seen.
    #[inline]
    pub(crate) fn shows(&self, needs: u32) -> bool {
        self.0.is_empty() || !self.hides(needs)
    }

    #[cold]
    fn hides(&self, needs: u32) -> bool {
        self.0
            .iter()
            .any(|suspect| (suspect.is_barred || suspect.tried_by.is_some()) && (suspect.covers)(needs))
    }

    /// Worker `id` prepares for a task that needs this.
    pub(crate) fn note_preparing(&mut self, needs: u32, id: WorkerId) {
        for suspect in self.0.iter_mut().filter(|suspect| (suspect.covers)(needs)) {
            suspect.tried_by = Some(id);
        }
    }

    /// Worker `id` prepares for nothing any more.
    pub(crate) fn end_trial(&mut self, id: WorkerId) {
        for suspect in self.0.iter_mut().filter(|suspect| suspect.tried_by == Some(id)) {
            suspect.tried_by = None;
        }
    }

    /// Which needs are those of the suspect.
    pub(crate) fn covers(&self, number: u32) -> Option<&Needs> {
        self.0.iter().find(|suspect| suspect.number == number).map(|suspect| &suspect.covers)
    }

    /// Tasks that need the suspect are not seen.
    pub(crate) fn bar(&mut self, number: u32, covers: &Needs) {
        if self.covers(number).is_none() {
            let covers = covers.clone();
            self.0.push(Suspect { number, covers, is_barred: true, tried_by: None });
        }
        self.set_barred(number, true);
    }

    /// They are, until one is tried.
    pub(crate) fn try_first(&mut self, number: u32) {
        self.set_barred(number, false);
    }

    /// It is no suspect any more.
    pub(crate) fn clear(&mut self, number: u32) {
        self.0.retain(|suspect| suspect.number != number);
    }

    fn set_barred(&mut self, number: u32, is_barred: bool) {
        for suspect in self.0.iter_mut().filter(|suspect| suspect.number == number) {
            (suspect.is_barred, suspect.tried_by) = (is_barred, None);
        }
    }
}
