//! Workers whose thread has to be replaced while they hold tasks that are to end first.

mod support;

use std::sync::Arc;

use pool::{Config, Key, Kind, Pool, Spec, State, Task, Worker, WorkerState};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

fn holding(tasks: u64, tasks_per_worker: usize) -> (Arc<Pool<Job>>, Arc<TestHost>, Worker<Job>, Arc<Link>) {
    let (pool, host) = by_hand(Config { tasks_per_worker, ..workers(1) });
    let (worker, link) = attach(&pool, ISOLATE);
    for label in 0..tasks {
        submit(&pool, noop(ISOLATE, label));
        take(&worker);
    }
    (pool, host, worker, link)
}

fn held(pool: &Arc<Pool<Job>>, worker: &Worker<Job>) -> Vec<Arc<Task<Job>>> {
    pool.workers().iter().find(|view| view.id == worker.id()).expect("attached").held.clone()
}

fn state_of(pool: &Arc<Pool<Job>>, worker: &Worker<Job>) -> WorkerState {
    pool.workers().iter().find(|view| view.id == worker.id()).expect("attached").state
}

#[test]
fn a_worker_that_retires_claims_nothing_more_and_lets_what_it_holds_end() {
    let (pool, host, worker, link) = holding(2, 3);
    let tasks = held(&pool, &worker);
    pool.cancel(&tasks[0], true);
    let wakes = link.wakes();
    assert!(pool.holds_unsettled(worker.id()) && pool.retire(worker.id()));
    assert_eq!(link.wakes(), wakes + 1);
    let next = submit(&pool, noop(ISOLATE, 2));
    assert_eq!((ask(&worker), next.state()), ("nothing".into(), State::Pending));
    assert!(worker.claim_task(&next).is_none());
    assert_eq!(host.log().starts, [ISOLATE], "its place is free at once");
    let stats = pool.stats();
    assert_eq!((stats.busy, stats.starting, stats.abandoned), (1, 1, 0));
    let (fresh, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&fresh), "run 2");
    // The one that was stopped may never end: nobody waits for it.
    assert_eq!(turn(&worker, &tasks[1]), "leave");
    assert!(!pool.retire(worker.id()), "it leaves");
    worker.detach(None, None);
    assert_eq!((outcome(&tasks[0]), outcome(&tasks[1])), ("cancelled".into(), "value 1".into()));
    let stats = pool.stats();
    assert_eq!((stats.busy, stats.counts.lost, stats.died), (1, 0, 0));
}

#[test]
fn a_task_for_which_a_worker_was_woken_goes_to_another_when_that_one_retires() {
    let (pool, host, worker, link) = holding(1, 2);
    assert_eq!((ask(&worker), link.wakes()), ("nothing".into(), 0));
    let next = submit(&pool, noop(ISOLATE, 1));
    assert_eq!((link.wakes(), host.log().starts.len()), (1, 0), "it has room");
    pool.retire(worker.id());
    assert_eq!(host.log().starts, [ISOLATE]);
    assert_eq!((ask(&worker), next.state()), ("nothing".into(), State::Pending));
}

#[test]
fn a_worker_that_retires_without_a_task_leaves_and_its_death_counts_once() {
    let (pool, _host, worker, link) = holding(0, 1);
    assert_eq!(ask(&worker), "nothing");
    pool.note_death(worker.id());
    assert!(pool.retire(worker.id()));
    assert!(!worker.leave_if_idle());
    assert_eq!((link.wakes(), ask(&worker)), (1, "leave".into()));
    worker.detach(Some(0), None);
    assert_eq!(pool.stats().died, 1);
    close(&pool);
}

#[test]
fn a_worker_that_retires_takes_its_place_back_for_no_wait_of_its_tasks() {
    let (pool, host, worker, _link) = holding(1, 1);
    let outer = held(&pool, &worker).remove(0);
    worker.suspend_claiming();
    submit(&pool, noop(ISOLATE, 1));
    let stopped = take(&worker);
    pool.cancel(&stopped, true);
    pool.retire(worker.id());
    submit(&pool, noop(ISOLATE, 2));
    let (fresh, _) = attach(&pool, ISOLATE);
    let running = take(&fresh);
    worker.resume_claiming();
    worker.suspend();
    worker.resume();
    assert_eq!(turn(&fresh, &running), "nothing");
    submit(&pool, noop(ISOLATE, 3));
    assert_eq!(ask(&fresh), "run 3", "the place is its own");
    assert_eq!(turn(&worker, &outer), "leave");
    assert_eq!(host.log().starts, [ISOLATE]);
}

#[test]
fn what_was_carried_to_a_worker_that_retires_runs_there_first() {
    let (pool, _host, worker, _link) = holding(1, 2);
    let stopped = held(&pool, &worker).remove(0);
    assert_eq!(ask(&worker), "nothing");
    let carried = submit(&pool, pool::Spec { needs_handover: true, ..noop(ISOLATE, 1) });
    pool.payload_ready(&carried);
    let (task, to) = pool.assign().expect("a task to hand over");
    pool.cancel(&stopped, true);
    pool.retire(worker.id());
    assert_eq!(ask(&worker), "nothing", "it is on its way");
    pool.delivered(&task, to);
    assert!(pool.assign().is_none());
    assert_eq!(ask(&worker), "run 1");
    assert_eq!(turn(&worker, &carried), "leave");
}

#[test]
fn what_is_cancelled_on_its_way_keeps_a_worker_that_retires_until_its_delivery() {
    let (pool, _host, worker, link) = holding(1, 2);
    let stopped = held(&pool, &worker).remove(0);
    assert_eq!(ask(&worker), "nothing");
    let carried = submit(&pool, pool::Spec { needs_handover: true, ..noop(ISOLATE, 1) });
    pool.payload_ready(&carried);
    let (task, to) = pool.assign().expect("a task to hand over");
    pool.cancel(&stopped, true);
    pool.retire(worker.id());
    assert_eq!(ask(&worker), "nothing");
    pool.cancel(&carried, false);
    let wakes = link.wakes();
    pool.delivered(&task, to);
    assert_eq!((link.wakes(), ask(&worker)), (wakes + 1, "leave".into()));
}

#[test]
fn a_worker_that_retires_can_still_be_given_up_or_die() {
    let (pool, _host, worker, _link) = holding(2, 2);
    let tasks = held(&pool, &worker);
    pool.retire(worker.id());
    pool.abandon(worker.id());
    assert_eq!((outcome(&tasks[0]), pool.stats().abandoned), ("lost 0 ".into(), 1));
    assert_eq!(ask(&worker), "leave");
    worker.detach(None, None);
    let (fresh, _) = attach(&pool, ISOLATE);
    let last = submit(&pool, noop(ISOLATE, 2));
    take(&fresh);
    pool.retire(fresh.id());
    assert_eq!(state_of(&pool, &fresh), WorkerState::Retiring);
    pool.shutdown(false);
    assert!(!pool.is_closed());
    fresh.detach(Some(3), None);
    assert_eq!((outcome(&last), pool.stats().died), ("lost 3 ".into(), 1));
    assert_closed(&pool);
}

#[test]
fn workers_that_retire_are_bounded() {
    let (pool, host) = by_hand(Config { tasks_per_worker: 2, ..workers(1) });
    let most = pool.most_workers();
    let mut retired = Vec::new();
    loop {
        let task = submit(&pool, noop(ISOLATE, 0));
        if host.log().starts.len() == retired.len() {
            assert_eq!(task.state(), State::Pending);
            break;
        }
        let (worker, _) = attach(&pool, ISOLATE);
        take(&worker);
        pool.retire(worker.id());
        retired.push((worker, task));
    }
    assert_eq!(retired.len(), most);
    let (worker, task) = retired.pop().expect("one");
    assert_eq!(turn(&worker, &task), "leave");
    worker.detach(None, None);
    assert_eq!(host.log().starts.len(), most + 1, "there is room for one");
}

#[test]
fn a_worker_that_ends_gives_back_what_was_carried_to_it_and_nothing_more_is_brought() {
    let (pool, host, worker, _link) = holding(1, 3);
    let carried: Vec<_> = (1..=2)
        .map(|label| {
            let task = submit(
                &pool,
                pool::Spec { needs: label as u32, needs_handover: true, ..noop(ISOLATE, label) },
            );
            pool.payload_ready(&task);
            task
        })
        .collect();
    assert_eq!(ask(&worker), "nothing");
    let (task, to) = pool.assign().expect("a task to hand over");
    assert!(pool.note_ending(worker.id()));
    assert!(worker.give_back().is_empty(), "it is on its way");
    pool.delivered(&task, to);
    assert!(!pool.note_ending(worker.id()) && pool.assign().is_none());
    assert!(worker.give_back_but(|task| task.needs() == 1).is_empty(), "to be lost with it");
    let given: Vec<_> = worker.give_back().iter().map(|task| task.owner().label).collect();
    assert_eq!(given, [1]);
    worker.detach(Some(3), None);
    assert_eq!(host.log().starts, [ISOLATE]);
    pool.payload_ready(&carried[0]);
    let (fresh, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&fresh), "nothing");
    let (task, to) = pool.assign().expect("it waits again");
    pool.delivered(&task, to);
    assert_eq!(ask(&fresh), format!("run {}", task.owner().label));
    assert!(carried.iter().all(|task| !task.state().is_settled()));
}

#[test]
fn a_worker_is_idle_while_it_has_no_task_and_nobody_has_woken_it() {
    let (pool, _host, worker, _link) = holding(0, 1);
    assert_eq!(ask(&worker), "nothing");
    assert!(worker.is_idle());
    let _next = submit(&pool, noop(ISOLATE, 1));
    assert!(!worker.is_idle(), "it is woken");
    assert_eq!(ask(&worker), "run 1");
    assert!(!worker.is_idle(), "it has a task");
}

#[test]
fn what_a_worker_retires_for_counts_as_let_go_and_is_not_let_go_of_again() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 2, ..workers(1) });
    let (worker, _) = attach(&pool, Kind::Isolate);
    let stuck = submit(&pool, Spec { key: Some(Key::new([7].into())), ..noop(Kind::Isolate, 1) });
    let other = submit(&pool, noop(Kind::Isolate, 2));
    assert_eq!((ask(&worker), ask(&worker)), ("run 1".into(), "run 2".into()));
    pool.let_go_of(worker.id(), &stuck);
    assert!(pool.holds(worker.id(), &stuck), "it has not settled");
    pool.cancel(&stuck, true);
    assert!(pool.retire(worker.id()));
    pool.let_go_of(worker.id(), &stuck);
    assert!(!pool.holds(worker.id(), &stuck) && pool.holds(worker.id(), &other));
    // Its key is free for others.
    submit(&pool, Spec { key: Some(Key::new([7].into())), ..noop(Kind::Isolate, 3) });
    let (next, _) = attach(&pool, Kind::Isolate);
    assert_eq!(ask(&next), "run 3");
    worker.finish(&stuck, Ok(1));
    assert_eq!(turn(&worker, &other), "leave");
}
