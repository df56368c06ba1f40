//! The destructors of whatever belongs to the user run with no lock held: here they all call the pool.

mod support;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use pool::{Config, Control, Failure, Host, Kind, Next, Pool, Spec, Task, Work, WorkerLink};

/// Looks at the pool when it is dropped, and says that it got through.
struct Caller(Weak<Pool<Calling>>, &'static str, Sender<&'static str>);

impl Drop for Caller {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            let _ = pool.stats();
            let _ = pool.want_room();
            let spec = Spec { queue_timeout: Some(Duration::from_secs(600)), ..empty(Kind::Process) };
            let _ = pool.submit(spec).map(|task| pool.cancel(&task, false));
        }
        let _ = self.2.send(self.1);
    }
}

struct Calling(Option<Caller>);

impl Work for Calling {
    type Value = Option<Caller>;
    type Error = ();
    type Exit = i32;
    type Owner = Option<Mutexed>;

    fn run(self, _control: &Control<'_, Self>) -> Result<Option<Caller>, ()> {
        Ok(self.0)
    }

    fn settled(_task: &Arc<Task<Self>>, _at: Instant) {}
}

/// An owner has to be `Sync`.
type Mutexed = std::sync::Mutex<Caller>;

struct Nobody;

impl Host for Nobody {
    fn start_worker(&self, _kind: Kind) {}
    fn closed(&self) {}
    fn room(&self) {}
}

struct Link(#[allow(dead_code)] std::sync::Mutex<Caller>); // for its destructor

impl WorkerLink<Calling> for Link {
    fn wake(&self) {}
    fn stop(&self, _task: &Arc<Task<Calling>>) {}
}

fn empty(kind: Kind) -> Spec<Calling> {
    Spec::new(kind, Calling(None), None)
}

/// Runs `scene` on a thread of its own and waits until the destructors named by it have run: one under
/// a lock would hang.
fn play(
    expected: &[&'static str],
    scene: impl FnOnce(Arc<Pool<Calling>>, Sender<&'static str>) + Send + 'static,
) {
    let pool = Pool::new(Config::default(), Arc::new(Nobody));
    let (sender, receiver): (_, Receiver<&'static str>) = channel();
    std::thread::spawn({
        let pool = pool.clone();
        move || scene(pool, sender)
    });
    for name in expected {
        assert_eq!(receiver.recv_timeout(support::LIMIT), Ok(*name));
    }
}

fn caller(pool: &Arc<Pool<Calling>>, name: &'static str, sender: &Sender<&'static str>) -> Caller {
    Caller(Arc::downgrade(pool), name, sender.clone())
}

fn owned(pool: &Arc<Pool<Calling>>, name: &'static str, sender: &Sender<&'static str>) -> Spec<Calling> {
    Spec { owner: Some(Mutexed::new(caller(pool, name, sender))), ..empty(Kind::Isolate) }
}

fn attach(pool: &Arc<Pool<Calling>>, sender: &Sender<&'static str>) -> pool::Worker<Calling> {
    pool.attach(Kind::Isolate, Arc::new(Link(std::sync::Mutex::new(caller(pool, "link", sender)))))
}

fn take(worker: &pool::Worker<Calling>) -> Arc<Task<Calling>> {
    let Next::Run(task, _) = worker.next(&|_| true) else { panic!("there is a task") };
    task
}

#[test]
fn a_value_that_comes_too_late() {
    play(&["late", "later"], |pool, sender| {
        let worker = attach(&pool, &sender);
        for name in ["late", "later"] {
            let _ = pool.submit(empty(Kind::Isolate));
            let task = take(&worker);
            pool.cancel(&task, true);
            let value = Ok(Some(caller(&pool, name, &sender)));
            if name == "late" {
                worker.finish(&task, value);
            } else {
                worker.turn(Some((&task, value)), &|_| true);
            }
        }
    });
}

#[test]
fn tasks_that_were_cancelled_where_they_stood() {
    play(&["first", "second"], |pool, sender| {
        for name in ["first", "second"] {
            // Nobody but the queue holds it when it reaches the head.
            let task = pool.submit(owned(&pool, name, &sender)).ok().expect("accepted");
            pool.cancel(&task, false);
        }
        let _ = pool.submit(empty(Kind::Isolate));
        attach(&pool, &sender).next(&|_| true);
    });
}

#[test]
fn tombstones_that_are_swept_or_drained() {
    play(&["swept", "drained"], |pool, sender| {
        let last = pool.submit(empty(Kind::Isolate)).ok().expect("accepted");
        for name in ["swept", "drained"] {
            let task = pool.submit(owned(&pool, name, &sender)).ok().expect("accepted");
            pool.cancel(&task, false);
            drop(task);
            if name == "swept" {
                for _ in 0..200 {
                    let task = pool.submit(empty(Kind::Isolate)).ok().expect("accepted");
                    pool.cancel(&task, false);
                }
            } else {
                pool.shutdown(true);
            }
        }
        drop(last);
    });
}

#[test]
fn links_and_tasks_of_workers_that_are_gone() {
    play(&["link", "held", "link"], |pool, sender| {
        let worker = attach(&pool, &sender);
        pool.remove_worker(worker.id(), None, None, None);
        let worker = attach(&pool, &sender);
        let _ = pool.submit(owned(&pool, "held", &sender));
        let task = take(&worker);
        pool.cancel(&task, true);
        drop(task);
        pool.abandon(worker.id());
        worker.detach(None, None);
    });
}

#[test]
fn alarms_of_tasks_that_nobody_holds_any_more() {
    play(&["forgotten"], |pool, sender| {
        let limit = Some(Duration::from_secs(600));
        let worker = attach(&pool, &sender);
        let _ = pool.submit(Spec { timeout: limit, ..owned(&pool, "forgotten", &sender) });
        let task = take(&worker);
        worker.finish(&task, Err(Failure::Threw(())));
        drop(task);
        for _ in 0..400 {
            let task = pool.submit(Spec { queue_timeout: limit, ..empty(Kind::Process) });
            let _ = task.map(|task| pool.cancel(&task, false));
        }
    });
}
