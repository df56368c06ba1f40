//! Tasks that wait for futures: suspend and resume.

mod support;

use std::sync::Arc;

use pool::{Config, Kind, Pool, Task, Worker};
use support::*;

const ISOLATE: Kind = Kind::Isolate;
const PROCESS: Kind = Kind::Process;

#[test]
fn a_task_that_waits_gives_up_its_place_and_takes_it_back_at_once() {
    let (pool, _host) = by_hand(workers(1));
    let (waiter, _) = attach(&pool, ISOLATE);
    let (other, other_link) = attach(&pool, PROCESS);
    ask(&other);
    submit(&pool, noop(ISOLATE, 0));
    let outer = take(&waiter);
    submit(&pool, noop(PROCESS, 1));
    submit(&pool, noop(PROCESS, 2));
    assert_eq!(other_link.wakes(), 0);
    waiter.suspend();
    assert_eq!(other_link.wakes(), 1);
    let inner = take(&other);
    waiter.resume();
    // Two run on a budget of one, until one runs dry: that one makes up for it.
    assert_eq!(turn(&other, &inner), "nothing");
    assert_eq!(turn(&waiter, &outer), "nothing");
    assert_eq!(ask(&other), "run 2");
}

#[test]
fn a_pool_of_one_runs_the_task_that_its_only_task_waits_for_on_the_same_worker() {
    let (pool, host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let outer = take(&worker);
    worker.suspend();
    assert_eq!(ask(&worker), "nothing");
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(link.wakes(), 1, "the waiter itself is asked first");
    let inner = take(&worker);
    assert_eq!(ask(&worker), "nothing", "one on top of each wait");
    assert_eq!(turn(&worker, &inner), "nothing");
    worker.resume();
    assert_eq!(turn(&worker, &outer), "nothing");
    assert_eq!(host.log().starts, []);
    assert_eq!(pool.stats().counts.completed, 2);
}

#[test]
fn for_a_waiter_that_takes_nothing_another_worker_is_lent() {
    let (pool, host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let outer = take(&worker);
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(host.log().starts, []);
    worker.suspend();
    assert_eq!((host.log().starts, link.wakes()), (vec![ISOLATE], 0));
    let (lent, _) = attach(&pool, ISOLATE);
    let inner = take(&lent);
    assert_eq!(turn(&lent, &inner), "nothing");
    worker.resume();
    submit(&pool, noop(ISOLATE, 2));
    assert_eq!(ask(&lent), "nothing", "the budget is one again");
    assert_eq!(turn(&worker, &outer), "run 2");
}

#[test]
fn lent_workers_have_a_limit() {
    let (pool, host) = by_hand(workers(1));
    let mut waiters = Vec::new();
    for label in 0..2 * pool.most_workers() as u64 {
        submit(&pool, noop(ISOLATE, label));
        if host.log().starts.len() == waiters.len() {
            break;
        }
        let (worker, link) = attach(&pool, ISOLATE);
        take(&worker);
        worker.suspend();
        waiters.push((worker, link));
    }
    assert_eq!(waiters.len(), pool.most_workers(), "one of its own and 512 lent");
    assert_eq!(waiters.len(), 513);
}

#[test]
fn a_worker_with_a_waiting_task_does_not_keep_the_place_of_one_that_it_ran_meanwhile() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 2, ..workers(1) });
    let (worker, _) = attach(&pool, ISOLATE);
    let (other, other_link) = attach(&pool, PROCESS);
    ask(&other);
    submit(&pool, noop(ISOLATE, 0));
    take(&worker);
    worker.suspend();
    submit(&pool, noop(ISOLATE, 1));
    let between = take(&worker);
    // What the suspended task waits for:
    submit(&pool, noop(PROCESS, 2));
    assert_eq!(turn(&worker, &between), "nothing");
    assert_eq!(other_link.wakes(), 1);
    assert_eq!(ask(&other), "run 2");
}

#[test]
fn a_waiter_with_room_is_not_woken_past_the_budget() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 2, ..workers(1) });
    let (worker, link) = attach(&pool, ISOLATE);
    let (other, _) = attach(&pool, PROCESS);
    submit(&pool, noop(ISOLATE, 0));
    take(&worker);
    worker.suspend();
    assert_eq!(ask(&worker), "nothing");
    submit(&pool, noop(PROCESS, 1));
    let running = take(&other);
    submit(&pool, noop(ISOLATE, 2));
    assert_eq!(link.wakes(), 0);
    assert_eq!(turn(&other, &running), "nothing");
    assert_eq!(link.wakes(), 1);
    assert_eq!(ask(&worker), "run 2");
}

#[test]
fn a_worker_woken_just_as_its_wait_ends_passes_the_task_on() {
    let (pool, _host) = by_hand(workers(2));
    let (waiter, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&waiter);
    waiter.suspend();
    assert_eq!(ask(&waiter), "nothing");
    submit(&pool, noop(PROCESS, 1));
    let (process, _) = attach(&pool, PROCESS);
    let ending = take(&process);
    submit(&pool, noop(ISOLATE, 2));
    assert_eq!(link.wakes(), 1);
    let (other, other_link) = attach(&pool, ISOLATE);
    assert_eq!(ask(&other), "nothing", "the woken one has the place");
    assert_eq!(turn(&process, &ending), "nothing");
    waiter.resume();
    assert_eq!((other_link.wakes(), ask(&waiter)), (0, "nothing".into()));
    assert_eq!((other_link.wakes(), ask(&other)), (1, "run 2".into()));
}

#[test]
fn an_abandoned_worker_whose_wait_ends_takes_no_place() {
    let (pool, _host) = by_hand(workers(1));
    let (stuck, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&stuck);
    stuck.suspend();
    pool.abandon(stuck.id());
    stuck.resume();
    stuck.suspend();
    stuck.resume();
    let (fresh, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(ask(&fresh), "run 1");
}

#[test]
fn stray_resumes_and_waits_of_the_lost_change_nothing() {
    let (pool, host) = by_hand(workers(1));
    let (gone, _) = attach(&pool, ISOLATE);
    let (stays, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&gone);
    gone.suspend();
    pool.remove_worker(gone.id(), Some(1), None, None);
    gone.resume();
    assert_eq!(ask(&gone), "leave");
    stays.resume();
    submit(&pool, noop(ISOLATE, 1));
    submit(&pool, noop(ISOLATE, 2));
    assert_eq!(ask(&stays), "run 1");
    assert_eq!(host.log().starts, [], "one living worker fills the budget");
}

#[test]
fn a_worn_worker_whose_task_waits_gives_its_place_to_who_runs_what_it_waits_for() {
    let (pool, _host) = by_hand(Config { max_tasks_per_worker: Some(2), ..workers(1) });
    let (worn, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let outer = take(&worn);
    worn.suspend_claiming();
    submit(&pool, noop(ISOLATE, 1));
    submit(&pool, noop(ISOLATE, 2));
    // Its second and last, on top of the one that waits.
    let inner = take(&worn);
    assert_eq!(turn(&worn, &inner), "nothing");
    let (other, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&other), "run 2");
    worn.resume_claiming();
    assert_eq!(turn(&worn, &outer), "leave");
}

/// A pool of two and its first worker, which holds a task, has room for another, and was woken for one that
/// waits.
struct Woken {
    pool: Arc<Pool<Job>>,
    host: Arc<TestHost>,
    worker: Worker<Job>,
    link: Arc<Link>,
    outer: Arc<Task<Job>>,
}

fn woken_while_it_holds_a_task() -> Woken {
    let (pool, host) = by_hand(Config { tasks_per_worker: 2, ..workers(2) });
    let (worker, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let outer = take(&worker);
    assert_eq!(ask(&worker), "nothing");
    let wakes = link.wakes();
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!((link.wakes(), host.log().starts), (wakes + 1, vec![]), "it has room");
    Woken { pool, host, worker, link, outer }
}

#[test]
fn another_worker_goes_for_what_one_that_blocks_was_woken_for() {
    let Woken { pool, host, worker, link, outer } = woken_while_it_holds_a_task();
    let wakes = link.wakes();
    worker.suspend();
    assert_eq!(host.log().starts, [ISOLATE]);
    let (other, _) = attach(&pool, ISOLATE);
    let inner = take(&other);
    assert_eq!(turn(&other, &inner), "nothing");
    submit(&pool, noop(ISOLATE, 2));
    assert_eq!(link.wakes(), wakes, "nobody sends for one that blocks");
    assert_eq!(ask(&other), "run 2");
    worker.resume();
    assert_eq!(turn(&worker, &outer), "nothing");
}

#[test]
fn another_worker_goes_for_what_one_that_does_not_come_was_woken_for() {
    let Woken { pool, host, worker, outer, .. } = woken_while_it_holds_a_task();
    pool.stop_waiting_for(worker.id());
    assert_eq!(host.log().starts, [ISOLATE]);
    // Nothing for one that has come.
    assert_eq!(turn(&worker, &outer), "run 1");
    pool.stop_waiting_for(worker.id());
    assert_eq!(pool.stats().busy, 1);
}

#[test]
fn what_an_ended_task_has_left_behind_takes_no_place_by_waiting() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let task = take(&worker);
    assert_eq!(turn(&worker, &task), "nothing");
    worker.suspend();
    worker.resume();
    let wakes = link.wakes();
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(link.wakes(), wakes + 1);
}
