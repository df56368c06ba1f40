//! The tasks that a worker holds: those that run, and those whose promises are pending.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::tasks::task::JsTask;

struct Held {
    token: f64,
    task: Arc<JsTask>,
}

/// Each task has a token, by which lib/worker names it. Tokens are never used again.
#[derive(Default)]
pub(crate) struct HeldTasks {
    tasks: RefCell<Vec<Held>>,
    last_token: Cell<f64>,
}

impl HeldTasks {
    /// Its token.
    pub(crate) fn add(&self, task: &Arc<JsTask>) -> f64 {
        let token = self.last_token.get() + 1.0;
        self.last_token.set(token);
        self.tasks.borrow_mut().push(Held { token, task: task.clone() });
        token
    }

    pub(crate) fn remove(&self, token: f64) -> Option<Arc<JsTask>> {
        let mut tasks = self.tasks.borrow_mut();
        let index = tasks.iter().position(|held| held.token == token)?;
        Some(tasks.swap_remove(index).task)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.borrow().is_empty()
    }

    pub(crate) fn clear(&self) {
        self.tasks.borrow_mut().clear();
    }

    pub(crate) fn get(&self, token: f64) -> Option<Arc<JsTask>> {
        self.tasks.borrow().iter().find(|held| held.token == token).map(|held| held.task.clone())
    }

    /// Whether any task was ever held.
    pub(crate) fn had_any(&self) -> bool {
        self.last_token.get() > 0.0
    }

    /// Whether one of them has not settled.
    pub(crate) fn can_any_end(&self) -> bool {
        self.tasks.borrow().iter().any(|held| !held.task.state().is_settled())
    }

    pub(crate) fn all(&self) -> Vec<Arc<JsTask>> {
        self.tasks.borrow().iter().map(|held| held.task.clone()).collect()
    }

    pub(crate) fn contains(&self, task: &Arc<JsTask>) -> bool {
        self.tasks.borrow().iter().any(|held| Arc::ptr_eq(&held.task, task))
    }

    pub(crate) fn token_of(&self, task: &Arc<JsTask>) -> Option<f64> {
        let tasks = self.tasks.borrow();
        tasks.iter().find(|held| Arc::ptr_eq(&held.task, task)).map(|held| held.token)
    }

    /// The tokens of the tasks with these ids.
    pub(crate) fn tokens_of(&self, ids: &[u64]) -> Vec<f64> {
        let tasks = self.tasks.borrow();
        tasks.iter().filter(|held| ids.contains(&held.task.id())).map(|held| held.token).collect()
    }
}
