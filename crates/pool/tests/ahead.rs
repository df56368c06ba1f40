//! Tasks that are sent ahead to a worker which begins them by itself.

mod support;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use pool::{Ahead, Cancelled, Config, Failure, Kind, Next, Pool, Spec, State, Task, Worker, WorkerLink};
use support::*;

const PROCESS: Kind = Kind::Process;

/// Where the worker and the pool agree on what has begun: the work of each task that neither has taken.
#[derive(Default)]
struct Far {
    near: Link,
    offered: Mutex<HashMap<u64, Job>>,
}

impl Far {
    /// The worker begins a task; false if it was brought back.
    fn begin(&self, task: &Arc<Task<Job>>) -> bool {
        self.offered.lock().unwrap().remove(&task.id()).is_some()
    }

    fn stopped(&self) -> Vec<u64> {
        self.near.stopped.lock().unwrap().clone()
    }
}

impl WorkerLink<Job> for Far {
    fn wake(&self) {
        self.near.wake();
    }

    fn stop(&self, task: &Arc<Task<Job>>) {
        self.near.stop(task);
    }

    fn has_room_ahead(&self) -> bool {
        true
    }

    fn send_ahead(&self, task: &Arc<Task<Job>>, work: Job) {
        self.offered.lock().unwrap().insert(task.id(), work);
    }

    fn bring_back(&self, task: &Arc<Task<Job>>) -> Option<Job> {
        self.offered.lock().unwrap().remove(&task.id())
    }
}

fn attach_far(pool: &Arc<Pool<Job>>) -> (Worker<Job>, Arc<Far>) {
    let link = Arc::new(Far::default());
    (pool.attach(PROCESS, link.clone()), link)
}

/// Takes a turn, and says what it gave: what runs, and what was sent ahead.
fn turn_far(
    worker: &Worker<Job>,
    link: &Far,
    done: Option<&Arc<Task<Job>>>,
    room: usize,
) -> (String, Vec<u64>) {
    let settled = done.map(|task| (task, Ok(task.owner().label)));
    let (turn, sent) = worker.turn_ahead(settled, &all_ready, room);
    let labels = sent.iter().map(|task| task.owner().label).collect();
    let word = match &turn {
        Ahead::Begun(task) => {
            // The worker begins what comes next when it has ended the one before.
            link.begin(task);
            format!("begun {}", task.owner().label)
        }
        Ahead::Next(next) => word(next),
    };
    (word, labels)
}

fn tasks(pool: &Arc<Pool<Job>>, count: u64) -> Vec<Arc<Task<Job>>> {
    (0..count).map(|label| submit(pool, noop(PROCESS, label))).collect()
}

type Setting = (Arc<Pool<Job>>, Worker<Job>, Arc<Far>, Vec<Arc<Task<Job>>>);

/// A pool with one worker that runs the first of so many tasks, and was sent as many ahead as it has room
/// for.
fn far_pool(config: Config, count: u64, room: usize) -> Setting {
    let (pool, _host) = by_hand(config);
    let (worker, link) = attach_far(&pool);
    assert_eq!(ask(&worker), "nothing");
    let tasks = tasks(&pool, count);
    let (word, _) = turn_far(&worker, &link, None, room);
    assert_eq!(word, "run 0");
    (pool, worker, link, tasks)
}

#[test]
fn what_was_sent_ahead_waits_and_is_begun_in_its_order() {
    let (pool, worker, link, tasks) = far_pool(workers(1), 6, 3);
    assert_eq!((pool.stats().queued, pool.stats().running), (5, 1));
    assert_eq!(turn_far(&worker, &link, Some(&tasks[0]), 3), ("begun 1".into(), vec![]));
    assert_eq!((pool.stats().queued, pool.stats().running), (4, 1));
    // More are sent once half of the room is free.
    assert_eq!(turn_far(&worker, &link, Some(&tasks[1]), 3), ("begun 2".into(), vec![4, 5]));
    for label in 3..6 {
        assert_eq!(turn_far(&worker, &link, Some(&tasks[label - 1]), 3).0, format!("begun {label}"));
    }
    assert_eq!(turn_far(&worker, &link, Some(&tasks[5]), 3), ("nothing".into(), vec![]));
    assert_eq!((pool.stats().queued, pool.stats().running, pool.stats().counts.completed), (0, 0, 6));
}

#[test]
fn one_that_has_not_begun_can_be_cancelled() {
    let (pool, worker, link, tasks) = far_pool(workers(1), 4, 3);
    assert_eq!(pool.cancel(&tasks[2], false), Cancelled::BeforeStart);
    assert!(!link.begin(&tasks[2]));
    assert_eq!(turn_far(&worker, &link, Some(&tasks[0]), 3).0, "begun 1");
    assert_eq!(turn_far(&worker, &link, Some(&tasks[1]), 3).0, "begun 3");
    assert_eq!(outcome(&tasks[2]), "cancelled");
}

#[test]
fn one_that_has_begun_before_the_pool_knows_runs() {
    let (pool, worker, link, tasks) = far_pool(workers(1), 4, 3);
    assert!(link.begin(&tasks[1]) && link.begin(&tasks[2]));
    assert_eq!(pool.cancel(&tasks[1], false), Cancelled::No);
    assert_eq!(tasks[1].state(), State::Running);
    assert_eq!(pool.cancel(&tasks[2], true), Cancelled::WhileRunning);
    assert_eq!(link.stopped(), [tasks[2].id()]);
    assert_eq!(pool.stats().running, 2);
    // It says so in its own time.
    assert_eq!(turn_far(&worker, &link, Some(&tasks[0]), 0).0, "nothing");
    worker.finish(&tasks[1], Ok(1));
    worker.finish(&tasks[2], Ok(2));
    assert_eq!((outcome(&tasks[1]), outcome(&tasks[2])), ("value 1".into(), "cancelled".into()));
    assert_eq!(turn_far(&worker, &link, None, 0).0, "begun 3");
}

#[test]
fn what_is_brought_back_is_where_it_was_in_the_queue() {
    let (pool, worker, link, tasks) = far_pool(workers(2), 6, 8);
    let (other, _other_link) = attach(&pool, PROCESS);
    link.begin(&tasks[1]);
    worker.bring_back();
    assert_eq!(tasks[1].state(), State::Running);
    assert_eq!(take(&other).id(), tasks[2].id());
    assert_eq!(turn(&other, &tasks[2]), "run 3");
    worker.finish(&tasks[0], Ok(0));
    assert_eq!(turn_far(&worker, &link, Some(&tasks[1]), 8).0, "run 4");
}

#[test]
fn the_end_of_a_worker_costs_what_it_has_begun() {
    let (pool, worker, link, tasks) = far_pool(workers(1), 4, 3);
    link.begin(&tasks[1]);
    worker.detach(Some(9), None);
    assert_eq!((outcome(&tasks[0]), outcome(&tasks[1])), ("lost 9 ".into(), "lost 9 ".into()));
    let (next, _link) = attach(&pool, PROCESS);
    assert_eq!(take(&next).id(), tasks[2].id());
    assert_eq!(turn(&next, &tasks[2]), "run 3");
}

#[test]
fn what_was_sent_ahead_counts_as_queued_and_makes_room_when_it_begins() {
    let config = Config { max_queue: Some(3), ..workers(1) };
    let (pool, host) = by_hand(config);
    let (worker, link) = attach_far(&pool);
    let first = submit(&pool, noop(PROCESS, 0));
    assert_eq!(turn_far(&worker, &link, None, 8).0, "run 0");
    let others: Vec<_> = (1..4).map(|label| submit(&pool, noop(PROCESS, label))).collect();
    let (turn, _) = worker.turn_ahead(Some((&first, Ok(0))), &all_ready, 8);
    assert!(matches!(turn, Ahead::Next(Next::Run(..))));
    assert!(!pool.want_room());
    submit(&pool, noop(PROCESS, 4));
    assert!(pool.submit(noop(PROCESS, 5)).is_err());
    assert!(pool.want_room());
    assert_eq!(turn_far(&worker, &link, Some(&others[0]), 8).0, "begun 2");
    assert_eq!(host.log().rooms, 1);
}

#[test]
fn a_shutdown_that_cancels_takes_what_has_not_begun() {
    let (pool, worker, link, tasks) = far_pool(workers(1), 4, 3);
    link.begin(&tasks[1]);
    pool.shutdown(true);
    assert_eq!((outcome(&tasks[2]), outcome(&tasks[3])), ("cancelled".into(), "cancelled".into()));
    worker.finish(&tasks[0], Ok(0));
    assert_eq!(turn_far(&worker, &link, Some(&tasks[1]), 3).0, "leave");
    worker.detach(Some(0), None);
    assert_closed(&pool);
}

#[test]
fn a_termination_loses_what_has_begun_and_cancels_the_rest() {
    let (pool, worker, link, tasks) = far_pool(workers(1), 4, 3);
    link.begin(&tasks[1]);
    pool.terminate();
    assert_eq!((outcome(&tasks[0]), outcome(&tasks[1])), ("lost 0 ".into(), "lost 0 ".into()));
    assert_eq!((outcome(&tasks[2]), outcome(&tasks[3])), ("cancelled".into(), "cancelled".into()));
    worker.detach(None, None);
    assert_closed(&pool);
}

#[test]
fn a_worker_that_waits_keeps_nothing_from_others() {
    let (pool, worker, link, tasks) = far_pool(workers(1), 4, 3);
    assert!(worker.suspend_claiming());
    assert!(link.offered.lock().unwrap().is_empty());
    // What it waits for is the next that it gets, and nothing is sent to lie on top of the one that waits.
    assert_eq!(turn_far(&worker, &link, None, 3), ("run 1".into(), vec![]));
    worker.resume_claiming();
    worker.finish(&tasks[1], Ok(1));
    assert_eq!(turn_far(&worker, &link, Some(&tasks[0]), 3), ("run 2".into(), vec![3]));
    drop(pool);
}

#[test]
fn what_others_are_about_to_claim_is_not_sent_and_each_gets_its_share() {
    let (pool, _host) = by_hand(workers(2));
    let (one, link) = attach_far(&pool);
    let (two, _two_link) = attach(&pool, PROCESS);
    assert_eq!((ask(&one), ask(&two)), ("nothing".into(), "nothing".into()));
    tasks(&pool, 2);
    assert_eq!(turn_far(&one, &link, None, 8), ("run 0".into(), vec![]));
    assert_eq!(ask(&two), "run 1");
    (2..12).for_each(|label| drop(submit(&pool, noop(PROCESS, label))));
    let first = pool.workers().iter().find(|view| view.id == one.id()).unwrap().held[0].clone();
    assert_eq!(turn_far(&one, &link, Some(&first), 8), ("run 2".into(), vec![3, 4, 5, 6, 7]));
}

#[test]
fn a_worker_may_say_of_any_that_it_has_ended_or_was_not_begun() {
    let (pool, worker, link, tasks) = far_pool(workers(1), 5, 4);
    worker.finish(&tasks[3], Ok(3));
    assert_eq!(outcome(&tasks[3]), "value 3");
    let work = link.offered.lock().unwrap().remove(&tasks[2].id()).unwrap();
    worker.return_unbegun(&tasks[2], work);
    assert_eq!(tasks[2].state(), State::Pending);
    assert_eq!(turn_far(&worker, &link, Some(&tasks[0]), 0).0, "begun 1");
    assert_eq!(turn_far(&worker, &link, Some(&tasks[1]), 0).0, "begun 4");
    assert_eq!(turn_far(&worker, &link, Some(&tasks[4]), 0).0, "run 2");
    assert_eq!((pool.stats().queued, pool.stats().running), (0, 1));
}

#[test]
fn a_task_of_a_higher_priority_comes_before_what_was_sent_ahead() {
    let (pool, worker, link, tasks) = far_pool(workers(1), 6, 8);
    link.begin(&tasks[1]);
    let urgent = submit(&pool, Spec { priority: 1.0, ..noop(PROCESS, 9) });
    assert!(link.offered.lock().unwrap().is_empty());
    worker.finish(&tasks[0], Ok(0));
    assert_eq!(turn_far(&worker, &link, Some(&tasks[1]), 8).0, "run 9");
    assert_eq!(turn_far(&worker, &link, Some(&urgent), 8).0, "begun 2");
    // One that may be overtaken by any that comes is not sent.
    let low = submit(&pool, Spec { priority: -1.0, ..noop(PROCESS, 10) });
    for task in &tasks[2..] {
        turn_far(&worker, &link, Some(task), 8);
    }
    assert!(!link.offered.lock().unwrap().contains_key(&low.id()));
}

#[test]
fn whatever_happens_each_task_settles_once() {
    for seed in 1..50 {
        let mut random = Random(seed);
        let (pool, _host) = by_hand(workers(3));
        let mut far: Vec<_> = (0..3).map(|_| attach_far(&pool)).collect();
        let mut all: Vec<Arc<Task<Job>>> = Vec::new();
        for step in 0..200 {
            let at = random.below(3) as usize;
            match random.below(10) {
                0..3 => all.push(submit(&pool, noop(PROCESS, step))),
                3..7 => {
                    let (worker, link) = &far[at];
                    let held =
                        pool.workers().iter().find(|view| view.id == worker.id()).unwrap().held.clone();
                    turn_far(worker, link, held.first(), random.below(6) as usize);
                }
                7 if !all.is_empty() => {
                    let task = &all[random.below(all.len() as u64) as usize];
                    pool.cancel(task, random.below(2) == 0);
                }
                8 => {
                    // The worker begins any that it has, before the pool knows.
                    let (_, link) = &far[at];
                    let any = link.offered.lock().unwrap().keys().next().copied();
                    if let Some(task) = any.and_then(|id| all.iter().find(|task| task.id() == id)) {
                        link.begin(task);
                    }
                }
                9 if random.below(4) == 0 => {
                    let (worker, _) = far.swap_remove(at);
                    worker.detach(Some(1), None);
                    far.push(attach_far(&pool));
                }
                _ => far[at].0.bring_back(),
            }
            if step % 20 != 0 {
                continue;
            }
            let stats = pool.stats();
            let waiting = all.iter().filter(|task| task.state() == State::Pending).count();
            let running = all.iter().filter(|task| task.state() == State::Running).count();
            assert_eq!((stats.queued, stats.running), (waiting, running), "seed {seed}, step {step}");
        }
        pool.shutdown(false);
        for (worker, link) in &far {
            worker.bring_back();
            loop {
                let held = pool.workers().iter().find(|view| view.id == worker.id()).unwrap().held.clone();
                if let Some(task) = held.first() {
                    worker.finish(task, Err(Failure::Threw("end".into())));
                } else if turn_far(worker, link, None, 0).0 == "leave" {
                    break;
                }
            }
        }
        far.into_iter().for_each(|(worker, _)| worker.detach(Some(0), None));
        for task in all {
            assert_eq!(task.owner().settled.load(Ordering::SeqCst), 1, "seed {seed}");
        }
    }
}
