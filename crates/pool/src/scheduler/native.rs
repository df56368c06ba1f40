//! The pool's own threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::scheduler::pool::Pool;
use crate::scheduler::starts::StartFailure;
use crate::scheduler::worker::{Next, Turn, Worker};
use crate::sync::linger::Linger;
use crate::sync::parker::Parker;
use crate::task::control::Control;
use crate::task::outcome::{Failure, Outcome};
use crate::task::task::Task;
use crate::task::work::{Kind, Work, WorkerLink};

/// As much as programs have on their main thread: tasks may be in any language. It takes address space at
/// once, and memory as it is used.
const STACK: usize = 8 << 20;

struct NativeLink(Parker);

impl<W: Work> WorkerLink<W> for NativeLink {
    fn wake(&self) {
        self.0.unpark();
    }

    // A native thread cannot be interrupted: its work polls the cancel flag, which is set.
    fn stop(&self, _task: &Arc<Task<W>>) {}
}

/// Starts a native thread; a system that refuses one counts as a failed start.
pub(crate) fn start<W: Work>(pool: &Arc<Pool<W>>) {
    // ORDERING: only uniqueness matters.
    let number = pool.thread_number.fetch_add(1, Ordering::Relaxed);
    let name = format!("{}-native-{number}", pool.config.thread_name);
    let ours = pool.clone();
    let thread = std::thread::Builder::new().name(name).stack_size(STACK);
    if let Err(error) = thread.spawn(move || run(&ours)) {
        pool.start_failed(Kind::Native, W::no_thread(&error), StartFailure::Refused);
    }
}

fn run<W: Work>(pool: &Arc<Pool<W>>) {
    let link = Arc::new(NativeLink(Parker::default()));
    pool.host.note_native(false);
    let worker = pool.attach(Kind::Native, link.clone());
    // AssertUnwindSafe: the worker claims nothing more. Only a destructor or `Work::settled` can panic here;
    // the panic hook has reported it. The worker detaches all the same, or the pool would never close.
    let _ = catch_unwind(AssertUnwindSafe(|| serve(&worker, &link)));
    // Before the pool may close.
    pool.host.note_native(true);
    worker.detach(None, None);
}

fn serve<W: Work>(worker: &Worker<W>, link: &NativeLink) {
    let mut done: Option<(Arc<Task<W>>, Outcome<W>)> = None;
    let linger = Linger::default();
    loop {
        let next = match done.take() {
            Some((task, outcome)) => match worker.turn_or_linger(Some((&task, outcome)), &|_| true) {
                Turn::Next(next) => next,
                Turn::Linger { alone } => {
                    link.0.linger(linger.begin(Instant::now(), alone), || worker.pool().has_news());
                    worker.next(&|_| true)
                }
            },
            None => worker.next(&|_| true),
        };
        match next {
            Next::Run(task, work) => {
                linger.end();
                let outcome = run_one(&task, work);
                done = Some((task, outcome));
            }
            Next::Nothing | Next::Prepare(_) => {
                let deadline =
                    worker.pool().config.idle_timeout.and_then(|idle| Instant::now().checked_add(idle));
                if !link.0.park(deadline) {
                    if worker.leave_if_idle() {
                        return;
                    }
                    // It is one of `min_workers`, or was woken just now.
                    link.0.park(None);
                }
            }
            Next::Leave => return,
        }
    }
}

fn run_one<W: Work>(task: &Arc<Task<W>>, work: W) -> Outcome<W> {
    let control = Control::new(task, task.deadline());
    // AssertUnwindSafe, in `caught`: the work is consumed, and nothing of it is used after a panic.
    match caught(|| work.run(&control)) {
        Ok(result) => result.map_err(Failure::Threw),
        Err(text) => Err(Failure::Panicked(text)),
    }
}

/// What `body` returns, or the message of its panic. The caller must not use what `body` was changing when it
/// panicked.
pub fn caught<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
        let text = message(&*panic);
        // The payload's destructor may panic, too; the payload of that panic is leaked.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(again);
        }
        text
    })
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}
