//! How one thread sleeps until another wakes it.

use std::time::Instant;

use crate::sync::primitives::{Condvar, Mutex};
use crate::sync::spin::spin_until;

/// A token and a condvar. A token left while nobody sleeps is found by the next `park`, so that no
/// wake-up is lost.
pub struct Parker {
    token: Mutex<bool>,
    woken: Condvar,
}

impl Default for Parker {
    fn default() -> Self {
        Parker { token: Mutex::new(false), woken: Condvar::default() }
    }
}

impl Parker {
    /// Leaves a token and wakes the sleeper.
    pub fn unpark(&self) {
        let mut token = self.token.lock();
        *token = true;
        drop(token);
        self.woken.notify_one();
    }

    /// Waits for the token, and takes it, or until `has_news` or `until`, without sleeping; see
    /// [`Linger`](crate::Linger).
    pub fn linger(&self, until: Instant, has_news: impl Fn() -> bool) {
        spin_until(until, 1, || has_news() || std::mem::take(&mut *self.token.lock()));
    }

    /// Takes the token, sleeping until there is one or until `deadline`. True if there was one.
    pub fn park(&self, deadline: Option<Instant>) -> bool {
        let mut token = self.token.lock();
        while !*token {
            if deadline.is_some_and(|at| Instant::now() >= at) {
                return false;
            }
            token = self.woken.wait_until(token, deadline);
        }
        *token = false;
        true
    }
}
