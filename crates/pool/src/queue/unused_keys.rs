//! Keys that have no task: for how long they are known.

use std::time::{Duration, Instant};

use crate::queue::keyed::Keyed;
use crate::task::key::Key;
use crate::task::work::Work;

/// The most keys that are forgotten at a time: more would keep the pool's mutex for long.
const FORGOTTEN_AT_ONCE: usize = 4096;

impl<W: Work> Keyed<W> {
    /// If the key has no task any more: it is forgotten at once if it has no home, else later.
    pub(super) fn note_unused(&mut self, key: &Key, now: Instant) {
        let Some(entry) = self.keys.get_mut(key).filter(|entry| entry.has_no_task()) else { return };
        if entry.home.is_none() {
            self.keys.remove(key);
            return;
        }
        entry.unused_since = now;
        if self.keep_unused.is_some() && !std::mem::replace(&mut entry.is_listed, true) {
            self.unused.push_back((now, key.clone()));
        }
    }

    /// Forgets keys that have had no task for so long. When to come again, if any is left that has none.
    pub(crate) fn forget_unused(&mut self, now: Instant, limit: Duration) -> Option<Instant> {
        for _ in 0..FORGOTTEN_AT_ONCE {
            let (since, key) = self.unused.front()?;
            let end = since.checked_add(limit)?;
            if end > now {
                return Some(end);
            }
            let key = key.clone();
            self.unused.pop_front();
            let Some(entry) = self.keys.get_mut(&key) else { continue };
            entry.is_listed = false;
            let since = entry.unused_since;
            if entry.has_no_task() && now.saturating_duration_since(since) < limit {
                // It has been used since it was put here.
                entry.is_listed = true;
                self.unused.push_back((since, key));
            } else if entry.has_no_task() {
                self.leave_home(&key);
                self.keys.remove(&key);
            }
        }
        Some(now)
    }
}
