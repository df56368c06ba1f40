//! The states of a future and the moves between them. Every move is made under the task's mutex by
//! `Task::advance`, which asks [`State::may_become`]; there is no other way to change a state.
//!
//! ```text
//! pending ──> running ──> finished     the task was called and returned, threw, or ran out of time
//!    │           ├──────> cancelled    cancelled by interrupt; the worker is stopped afterwards
//!    │           └──────> pending      given back by a worker that has never called it
//!    ├──────────────────> cancelled    cancelled before it started; it never runs
//!    └──────────────────> finished     failed unrun: its queue time ran out, or the pool broke
//! ```

/// Where a future is in its life. The numbers are those that JavaScript sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Queued; no worker has called it.
    Pending = 0,
    /// A worker has called it.
    Running = 1,
    /// It will never have a result. Final.
    Cancelled = 2,
    /// It has a result or an error. Final.
    Finished = 3,
}

impl State {
    /// Whether nothing can happen to the future any more.
    #[must_use]
    pub fn is_settled(self) -> bool {
        matches!(self, State::Cancelled | State::Finished)
    }

    /// Whether the move from `self` to `next` is legal.
    #[must_use]
    pub fn may_become(self, next: State) -> bool {
        match self {
            State::Pending => next != State::Pending,
            State::Running => next != State::Running,
            State::Cancelled | State::Finished => false,
        }
    }

    pub(crate) fn from_u8(raw: u8) -> State {
        match raw {
            0 => State::Pending,
            1 => State::Running,
            2 => State::Cancelled,
            _ => State::Finished,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State::{self, Cancelled, Finished, Pending, Running};

    #[test]
    fn only_the_listed_moves_are_legal() {
        let all = [Pending, Running, Cancelled, Finished];
        let legal: Vec<(State, State)> = all
            .iter()
            .flat_map(|&from| all.map(|to| (from, to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        assert_eq!(
            legal,
            [
                (Pending, Running),
                (Pending, Cancelled),
                (Pending, Finished),
                (Running, Pending),
                (Running, Cancelled),
                (Running, Finished)
            ]
        );
    }
}
