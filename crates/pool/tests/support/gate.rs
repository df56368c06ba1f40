//! What makes tasks wait, and what makes tests vary.

use std::sync::{Arc, Condvar, Mutex};

use pool::{Kind, Spec};

use super::{Job, LIMIT, spec};

/// A door that tasks wait at until the test opens it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<(bool, usize)>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        self.0.0.lock().unwrap().0 = true;
        self.0.1.notify_all();
    }

    pub(crate) fn pass(&self) {
        let mut state = self.0.0.lock().unwrap();
        state.1 += 1;
        self.0.1.notify_all();
        let (_state, late) = self.0.1.wait_timeout_while(state, LIMIT, |state| !state.0).unwrap();
        assert!(!late.timed_out(), "the gate stayed shut");
    }

    /// Waits until `count` tasks have come to the door.
    pub(crate) fn wait_for(&self, count: usize) {
        let state = self.0.0.lock().unwrap();
        let (_state, late) = self.0.1.wait_timeout_while(state, LIMIT, |state| state.1 < count).unwrap();
        assert!(!late.timed_out(), "not enough tasks came to the gate");
    }
}

pub(crate) fn at_gate(kind: Kind, label: u64, gate: &Gate) -> Spec<Job> {
    let gate = gate.clone();
    spec(kind, label, move || {
        gate.pass();
        label
    })
}

/// A small generator of random numbers; tests name their seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}
