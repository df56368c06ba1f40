//! Tasks that need a handover: workers and host driven by hand, so that each step is the test's.

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use pool::{Cancelled, Config, Failure, Kind, Pool, Refusal, Spec, State, Task, WorkerState};
use support::*;

const ISOLATE: Kind = Kind::Isolate;

fn with_handover(label: u64) -> Spec<Job> {
    Spec { needs_handover: true, ..noop(ISOLATE, label) }
}

fn submit_ready(pool: &Arc<Pool<Job>>, label: u64) -> Arc<Task<Job>> {
    let task = submit(pool, with_handover(label));
    pool.payload_ready(&task);
    task
}

/// Does what the host was asked for; says which tasks it handed over.
fn hand_over(pool: &Arc<Pool<Job>>) -> Vec<u64> {
    let mut labels = Vec::new();
    while let Some((task, worker)) = pool.assign() {
        pool.delivered(&task, worker);
        labels.push(task.owner().label);
    }
    labels
}

fn state_of(pool: &Arc<Pool<Job>>, worker: &pool::Worker<Job>) -> WorkerState {
    pool.workers().iter().find(|view| view.id == worker.id()).expect("attached").state
}

/// Settles what `worker` has run; it is to ask again.
fn finish(worker: &pool::Worker<Job>, task: &Arc<Task<Job>>) {
    worker.finish(task, Ok(task.owner().label));
}

fn is_lost(task: &Arc<Task<Job>>) -> bool {
    matches!(task.take_outcome(), Some(Err(Failure::Lost { .. })))
}

#[test]
fn an_idle_worker_is_reserved_and_gets_what_was_carried_to_it() {
    let (pool, host) = by_hand(workers(2));
    let (worker, link) = attach(&pool, ISOLATE);
    assert_eq!(ask(&worker), "nothing");
    let task = submit(&pool, with_handover(1));
    assert_eq!((pool.stats().queued, host.log().hand_overs), (1, 0), "not ready");
    pool.payload_ready(&task);
    assert_eq!((host.log().hand_overs, state_of(&pool, &worker)), (1, WorkerState::Reserved));
    assert_eq!((ask(&worker), link.wakes()), ("nothing".into(), 0), "not handed over");
    assert_eq!((hand_over(&pool), link.wakes()), (vec![1], 1));
    assert_eq!(ask(&worker), "run 1");
    assert_eq!(pool.stats().queued, 0);
}

#[test]
fn a_worker_is_started_for_a_carried_task_and_reserves_itself() {
    let (pool, host) = by_hand(workers(2));
    submit_ready(&pool, 1);
    assert_eq!((host.log().starts, host.log().hand_overs), (vec![ISOLATE], 0));
    let (worker, _link) = attach(&pool, ISOLATE);
    assert_eq!((ask(&worker), host.log().hand_overs), ("nothing".into(), 1));
    assert_eq!((hand_over(&pool), ask(&worker)), (vec![1], "run 1".into()));
}

#[test]
fn carried_tasks_keep_their_place_in_the_order() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, _link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 1));
    submit_ready(&pool, 2);
    submit(&pool, noop(ISOLATE, 3));
    let running = take(&worker);
    assert_eq!(running.owner().label, 1);
    finish(&worker, &running);
    assert_eq!((ask(&worker), state_of(&pool, &worker)), ("nothing".into(), WorkerState::Reserved));
    assert_eq!((hand_over(&pool), ask(&worker)), (vec![2], "run 2".into()));
}

#[test]
fn a_carried_task_for_which_a_worker_blocks_comes_before_all_others() {
    let (pool, host) = by_hand(workers(1));
    let (blocked, _link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    assert_eq!(ask(&blocked), "run 0");
    submit(&pool, noop(ISOLATE, 1));
    submit_ready(&pool, 2);
    let awaited = submit_ready(&pool, 3);
    pool.expedite(&awaited);
    blocked.suspend();
    assert_eq!(host.log().starts, [ISOLATE; 1], "lent for it");
    let (lent, _link) = attach(&pool, ISOLATE);
    assert_eq!((ask(&lent), hand_over(&pool)), ("nothing".into(), vec![3]));
    assert_eq!(ask(&lent), "run 3");
    finish(&lent, &awaited);
    blocked.resume();
    assert_eq!(outcome(&awaited), "value 3");
    pool.expedite(&awaited);
    assert_eq!(pool.stats().queued, 2);
    assert!(pool.cancel(&submit_ready(&pool, 4), false) == Cancelled::BeforeStart);
    assert_eq!(pool.stats().queued, 2);
}

#[test]
fn a_carried_task_goes_to_the_worker_that_is_free() {
    let (pool, _host) = by_hand(workers(2));
    let (busy, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 1));
    let _long = take(&busy);
    let (free, _) = attach(&pool, ISOLATE);
    ask(&free);
    for label in 2..5 {
        submit_ready(&pool, label);
    }
    for label in 2..5 {
        assert_eq!(hand_over(&pool), [label]);
        let task = take(&free);
        assert_eq!(task.owner().label, label);
        finish(&free, &task);
        ask(&free);
    }
}

#[test]
fn a_host_that_does_not_come_holds_no_worker_up_and_is_served_when_it_comes() {
    let (pool, host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    ask(&worker);
    submit_ready(&pool, 1);
    submit(&pool, noop(ISOLATE, 2));
    assert_eq!(state_of(&pool, &worker), WorkerState::Reserved);
    let limit = Instant::now() + LIMIT;
    while link.wakes() == 0 {
        assert!(Instant::now() < limit, "the reservation did not end");
        std::thread::yield_now();
    }
    let task = take(&worker);
    assert_eq!(task.owner().label, 2);
    submit(&pool, noop(ISOLATE, 3));
    finish(&worker, &task);
    // The host was not seen since: no worker waits for it again.
    let task = take(&worker);
    assert_eq!((task.owner().label, host.log().hand_overs), (3, 1));
    // Now it comes, and nobody is free. The next worker that is, is reserved.
    assert_eq!(hand_over(&pool), []);
    submit(&pool, noop(ISOLATE, 4));
    finish(&worker, &task);
    assert_eq!((ask(&worker), host.log().hand_overs), ("nothing".into(), 2));
    assert_eq!((hand_over(&pool), ask(&worker)), (vec![1], "run 1".into()));
}

#[test]
fn a_task_that_was_withdrawn_was_never_there() {
    let (pool, host) = by_hand(Config { max_queue: Some(1), ..workers(1) });
    let task = submit(&pool, with_handover(1));
    assert!(matches!(pool.submit(with_handover(2)).err().map(|no| no.reason), Some(Refusal::Full)));
    assert!(pool.want_room());
    assert!(pool.withdraw(&task));
    assert_eq!(host.log().rooms, 1);
    let stats = pool.stats();
    assert_eq!(
        (stats.queued, stats.counts.cancelled, task.owner().settled.load(Ordering::SeqCst)),
        (0, 0, 0)
    );
    pool.payload_ready(&task);
    assert_eq!(pool.stats().queued, 0);
}

#[test]
fn a_task_can_be_cancelled_wherever_it_is() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    ask(&worker);
    for step in 0..4 {
        let task = submit(&pool, with_handover(step));
        let mut assigned = None;
        if step > 0 {
            pool.payload_ready(&task);
        }
        if step > 1 {
            assigned = pool.assign();
        }
        if let Some((task, to)) = assigned.as_ref().filter(|_| step > 2) {
            pool.delivered(task, *to);
        }
        assert_eq!(pool.cancel(&task, false), Cancelled::BeforeStart);
        if let Some((task, to)) = assigned.filter(|_| step == 2) {
            pool.delivered(&task, to);
        }
        assert_eq!((pool.stats().queued, state_of(&pool, &worker)), (0, WorkerState::Idle), "step {step}");
        let before = link.wakes();
        submit(&pool, noop(ISOLATE, 10 + step));
        assert_eq!(link.wakes(), before + 1, "step {step}");
        let other = take(&worker);
        finish(&worker, &other);
        ask(&worker);
        assert!(pool.assign().is_none());
    }
    assert_eq!(pool.stats().counts.cancelled, 4);
}

#[test]
fn a_task_runs_out_of_queue_time_wherever_it_is() {
    let (pool, _host) = by_hand(workers(1));
    let limited = |label| Spec { queue_timeout: Some(Duration::from_millis(20)), ..with_handover(label) };
    let task = submit(&pool, limited(1));
    pool.payload_ready(&task);
    assert!(task.wait_until(Some(Instant::now() + LIMIT)));
    assert!(matches!(
        task.take_outcome(),
        Some(Err(Failure::TimedOut { limit: pool::TimeLimit::Queue, .. }))
    ));
    assert_eq!(pool.stats().queued, 0);
}

#[test]
fn the_death_of_a_worker_loses_what_was_delivered_and_nothing_else() {
    let (pool, host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    ask(&one);
    // Reserved: the next worker gets the task.
    let task = submit_ready(&pool, 1);
    one.detach(Some(1), None);
    assert!(pool.assign().is_none());
    host.wait("another", |log| log.starts == [ISOLATE]);
    assert_eq!(task.state(), State::Pending);
    let (two, _) = attach(&pool, ISOLATE);
    ask(&two);
    assert_eq!(hand_over(&pool), [1]);
    // Delivered: the arguments died with it.
    two.detach(Some(1), None);
    assert!(is_lost(&task));
    // On its way: likewise.
    let (three, _) = attach(&pool, ISOLATE);
    ask(&three);
    let task = submit_ready(&pool, 2);
    let (same, worker) = pool.assign().expect("assigned");
    three.detach(Some(1), None);
    pool.delivered(&same, worker);
    assert!(is_lost(&task));
    assert_eq!(pool.stats().counts.lost, 2);
}

#[test]
fn an_abandoned_worker_loses_what_was_delivered() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, _) = attach(&pool, ISOLATE);
    ask(&worker);
    let task = submit_ready(&pool, 1);
    hand_over(&pool);
    pool.abandon(worker.id());
    assert!(is_lost(&task));
    assert_eq!(pool.stats().queued, 0);
}

#[test]
fn a_pool_that_is_shut_down_runs_what_is_carried_before_it_closes() {
    let (pool, host) = by_hand(workers(1));
    let (worker, _) = attach(&pool, ISOLATE);
    ask(&worker);
    submit_ready(&pool, 1);
    pool.shutdown(false);
    assert_eq!(hand_over(&pool), [1]);
    let task = take(&worker);
    finish(&worker, &task);
    assert_eq!(ask(&worker), "leave");
    worker.detach(None, None);
    host.wait("the pool closes", |log| log.closed == 1);
}

#[test]
fn a_pool_that_is_terminated_cancels_what_is_carried_in_every_state_and_closes() {
    for step in 0..4 {
        let (pool, host) = by_hand(workers(1));
        let (worker, _) = attach(&pool, ISOLATE);
        ask(&worker);
        let task = submit(&pool, with_handover(1));
        if step > 0 {
            pool.payload_ready(&task);
        }
        let assigned = if step > 1 { pool.assign() } else { None };
        if let Some((task, to)) = assigned.filter(|_| step > 2) {
            pool.delivered(&task, to);
        }
        pool.terminate();
        assert_eq!((task.state(), pool.stats().queued), (State::Cancelled, 0), "step {step}");
        assert_eq!(ask(&worker), "leave");
        worker.detach(None, None);
        host.wait("the pool closes", |log| log.closed == 1);
    }
}

#[test]
fn a_worker_that_blocks_gives_back_what_was_delivered_to_it() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 2, ..workers(2) });
    let (one, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 1));
    let _running = take(&one);
    ask(&one);
    submit_ready(&pool, 2);
    assert_eq!(hand_over(&pool), [2]);
    // The task that it holds blocks before the worker asks again.
    one.suspend();
    let back = one.give_back();
    assert_eq!(back.len(), 1);
    assert_eq!(ask(&one), "nothing");
    one.suspend();
    let (two, _) = attach(&pool, ISOLATE);
    ask(&two);
    for task in &back {
        pool.payload_ready(task);
    }
    assert_eq!(hand_over(&pool).len(), 1);
}

#[test]
fn a_native_flood_does_not_starve_a_carried_task() {
    let (pool, _host) = by_hand(workers(1));
    let (native, _) = attach(&pool, Kind::Process);
    submit(&pool, noop(Kind::Process, 1));
    let first = take(&native);
    let (isolate, _) = attach(&pool, ISOLATE);
    ask(&isolate);
    submit_ready(&pool, 2);
    submit(&pool, noop(Kind::Process, 3));
    finish(&native, &first);
    assert_eq!(ask(&native), "nothing");
    assert_eq!((hand_over(&pool), ask(&isolate)), (vec![2], "run 2".into()));
}
