//! Who gets which task: workers driven by hand, so that each step is the test's.

mod support;

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use pool::{Config, Kind, Next, Pool, Spec, WorkerState};
use support::*;

const ISOLATE: Kind = Kind::Isolate;
const PROCESS: Kind = Kind::Process;

fn state_of(pool: &Arc<Pool<Job>>, worker: &pool::Worker<Job>) -> WorkerState {
    pool.workers().iter().find(|view| view.id == worker.id()).expect("attached").state
}

#[test]
fn two_tasks_wake_two_idle_workers_and_a_third_task_wakes_nobody() {
    let (pool, host) = by_hand(workers(2));
    let (one, one_link) = attach(&pool, ISOLATE);
    let (two, two_link) = attach(&pool, ISOLATE);
    assert_eq!((ask(&one), ask(&two)), ("nothing".into(), "nothing".into()));
    for label in 0..3 {
        submit(&pool, noop(ISOLATE, label));
    }
    // Neither has claimed yet: a worker that was woken is not woken for a second task.
    assert_eq!((one_link.wakes(), two_link.wakes()), (1, 1));
    assert_eq!(host.log().starts, []);
    assert_eq!((ask(&one), ask(&two)), ("run 0".into(), "run 1".into()));
}

#[test]
fn a_task_asks_for_one_worker_until_that_worker_has_claimed() {
    let (pool, host) = by_hand(workers(4));
    let task = submit(&pool, noop(ISOLATE, 0));
    assert_eq!(host.log().starts, [ISOLATE]);
    let (worker, _link) = attach(&pool, ISOLATE);
    // A change between attaching and claiming must not ask for a second.
    let other = submit(&pool, noop(PROCESS, 1));
    pool.cancel(&other, false);
    assert_eq!(host.log().starts, [ISOLATE, PROCESS]);
    assert_eq!(take(&worker).id(), task.id());
    assert_eq!(pool.stats().starting, 1);
}

#[test]
fn a_woken_worker_that_dies_is_replaced_by_an_idle_one() {
    let (pool, _host) = by_hand(workers(1));
    let (one, one_link) = attach(&pool, ISOLATE);
    let (two, two_link) = attach(&pool, ISOLATE);
    ask(&one);
    ask(&two);
    submit(&pool, noop(ISOLATE, 7));
    assert_eq!((one_link.wakes(), two_link.wakes()), (0, 1));
    two.detach(Some(1), None);
    assert_eq!(one_link.wakes(), 1);
    assert_eq!(ask(&one), "run 7");
}

#[test]
fn what_a_task_needs_is_prepared_outside_the_budget() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    let (other, other_link) = attach(&pool, PROCESS);
    ask(&other);
    ask(&one);
    // It is woken with a place.
    submit(&pool, Spec { needs: 9, ..noop(ISOLATE, 0) });
    assert_eq!(word(&one.next(&|needs| needs != 9)), "prepare 9");
    assert_eq!(state_of(&pool, &one), WorkerState::Preparing);
    assert_eq!(pool.stats().starting, 1);
    // The place is free meanwhile.
    let between = submit(&pool, noop(PROCESS, 1));
    assert_eq!(other_link.wakes(), 1);
    assert_eq!(take(&other).id(), between.id());
    assert_eq!(ask(&one), "nothing", "the budget is one");
    assert_eq!(turn(&other, &between), "nothing");
    assert_eq!(ask(&one), "run 0");
}

#[test]
fn a_worker_that_prepares_does_not_keep_the_task_from_one_that_is_ready() {
    let (pool, _host) = by_hand(workers(2));
    let (ready, ready_link) = attach(&pool, ISOLATE);
    let (fresh, fresh_link) = attach(&pool, ISOLATE);
    ask(&ready);
    ask(&fresh);
    let task = submit(&pool, Spec { needs: 9, ..noop(ISOLATE, 0) });
    assert_eq!(fresh_link.wakes(), 1);
    assert_eq!(word(&fresh.next(&|_| false)), "prepare 9");
    assert_eq!(ready_link.wakes(), 1);
    assert_eq!(take(&ready).id(), task.id());
    assert_eq!(ask(&fresh), "nothing");
}

#[test]
fn a_worker_that_finishes_its_last_task_while_it_prepares_gives_up_its_place() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 2, ..workers(1) });
    let (one, _) = attach(&pool, ISOLATE);
    let (other, other_link) = attach(&pool, PROCESS);
    submit(&pool, noop(ISOLATE, 0));
    let held = take(&one);
    submit(&pool, Spec { needs: 9, ..noop(ISOLATE, 1) });
    assert_eq!(word(&one.next(&|_| false)), "prepare 9");
    ask(&other);
    submit(&pool, Spec { priority: 1.0, ..noop(PROCESS, 2) });
    assert_eq!(other_link.wakes(), 0);
    one.finish(&held, Ok(0));
    assert_eq!(other_link.wakes(), 1);
    assert_eq!(ask(&other), "run 2");
}

#[test]
fn a_worker_holds_as_many_tasks_as_it_may_and_is_woken_for_more() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 2, ..workers(1) });
    let (worker, link) = attach(&pool, ISOLATE);
    for label in 0..3 {
        submit(&pool, noop(ISOLATE, label));
    }
    let first = take(&worker);
    take(&worker);
    assert_eq!(ask(&worker), "nothing", "two are held");
    assert_eq!(turn(&worker, &first), "run 2");
    assert_eq!(pool.stats().running, 2);
    let held = pool.workers()[0].held.clone();
    worker.finish(&held[0], Ok(0));
    assert_eq!(ask(&worker), "nothing");
    assert_eq!(state_of(&pool, &worker), WorkerState::Partial);
    submit(&pool, noop(ISOLATE, 4));
    assert_eq!(link.wakes(), 1);
    assert_eq!(ask(&worker), "run 4");
}

#[test]
fn an_idle_worker_comes_before_one_that_holds_a_task() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 8, ..workers(2) });
    let (busy, busy_link) = attach(&pool, ISOLATE);
    let (idle, idle_link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&busy);
    ask(&busy);
    ask(&idle);
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!((busy_link.wakes(), idle_link.wakes()), (0, 1));
}

#[test]
fn a_worn_worker_leaves_once_it_holds_nothing_and_another_comes() {
    let config = Config { tasks_per_worker: 2, max_tasks_per_worker: Some(2), ..workers(1) };
    let (pool, host) = by_hand(config);
    for label in 0..3 {
        submit(&pool, noop(ISOLATE, label));
    }
    let (worker, _) = attach(&pool, ISOLATE);
    let (first, second) = (take(&worker), take(&worker));
    assert_eq!(turn(&worker, &first), "nothing");
    assert_eq!(host.log().starts, [ISOLATE]);
    assert_eq!(turn(&worker, &second), "leave");
    assert_eq!(host.log().starts, [ISOLATE, ISOLATE]);
    worker.detach(Some(0), None);
    let (fresh, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&fresh), "run 2");
}

#[test]
fn kinds_share_one_budget_and_the_earlier_task_gets_the_place() {
    let (pool, _host) = by_hand(workers(1));
    let (isolate, isolate_link) = attach(&pool, ISOLATE);
    let (process, process_link) = attach(&pool, PROCESS);
    ask(&isolate);
    ask(&process);
    for label in 0..3 {
        submit(&pool, noop(ISOLATE, 2 * label));
        submit(&pool, noop(PROCESS, 2 * label + 1));
    }
    assert_eq!((isolate_link.wakes(), process_link.wakes()), (1, 0));
    let mut order = Vec::new();
    let workers = [&isolate, &process];
    let mut step = |at: usize| match workers[at].next(&all_ready) {
        Next::Run(task, _) => {
            order.push(task.owner().label);
            assert_eq!(ask(workers[1 - at]), "nothing", "the budget is one");
            workers[at].finish(&task, Ok(0));
        }
        other => assert_eq!(word(&other), "nothing"),
    };
    for _ in 0..12 {
        step(0);
        step(1);
    }
    assert_eq!(order, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_kind_without_workers_gets_its_turn_when_others_fill_the_budget() {
    let (pool, host) = by_hand(workers(1));
    let (isolate, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let first = take(&isolate);
    submit(&pool, noop(PROCESS, 1));
    submit(&pool, noop(ISOLATE, 2));
    submit(&pool, noop(ISOLATE, 3));
    assert_eq!(host.log().starts, []);
    assert_eq!(turn(&isolate, &first), "nothing", "it yields");
    assert_eq!(host.log().starts, [PROCESS]);
    // The place is used while the worker boots.
    let second = take(&isolate);
    let (process, process_link) = attach(&pool, PROCESS);
    assert_eq!(ask(&process), "nothing");
    assert_eq!(turn(&isolate, &second), "nothing");
    assert_eq!(process_link.wakes(), 1);
    let between = take(&process);
    assert_eq!(between.owner().label, 1);
    assert_eq!(turn(&process, &between), "nothing");
    assert_eq!(ask(&isolate), "run 3");
}

#[test]
fn a_worker_that_always_holds_a_task_does_not_starve_another_kind() {
    let (pool, _host) = by_hand(Config { tasks_per_worker: 2, ..workers(1) });
    let (isolate, isolate_link) = attach(&pool, ISOLATE);
    let (process, process_link) = attach(&pool, PROCESS);
    ask(&process);
    submit(&pool, noop(ISOLATE, 0));
    let mut held = take(&isolate);
    submit(&pool, noop(PROCESS, 1));
    for label in 2..10 {
        submit(&pool, noop(ISOLATE, label));
    }
    // Overlapping tasks: before one ends the next could be claimed, for ever.
    let mut overtook = 0;
    while let Next::Run(task, _) = isolate.next(&all_ready) {
        overtook += 1;
        isolate.finish(&held, Ok(0));
        held = task;
    }
    assert_eq!(overtook, 0);
    let wakes = isolate_link.wakes();
    assert_eq!(ask(&isolate), "nothing");
    assert_eq!(isolate_link.wakes(), wakes, "or it would spin until its last task ends");
    assert_eq!(turn(&isolate, &held), "nothing");
    assert_eq!((isolate_link.wakes(), process_link.wakes()), (wakes, 1));
    let earlier = take(&process);
    assert_eq!(turn(&process, &earlier), "nothing");
    assert_eq!(ask(&isolate), "run 2");
}

#[test]
fn interleaved_native_and_isolate_tasks_all_run_on_a_budget_of_one() {
    let (pool, host) = pool_with(Start::Serve, workers(1));
    let (sender, receiver) = mpsc::channel();
    let tasks: Vec<_> = (0..400)
        .map(|label| {
            let kind = if label % 2 == 0 { Kind::Native } else { ISOLATE };
            let sender = sender.clone();
            submit(&pool, spec(kind, label, move || sender.send(label).map_or(0, |()| label)))
        })
        .collect();
    tasks.iter().for_each(wait);
    let order: Vec<u64> = receiver.try_iter().collect();
    assert_eq!(order.len(), 400);
    // Once both kinds have a worker they alternate; so in the second half nothing is out of place.
    assert!(order[200..].is_sorted(), "{order:?}");
    assert_eq!(host.log().starts.len(), 1);
    close(&pool);
}

#[test]
fn two_idle_isolates_always_run_two_tasks_in_parallel() {
    let (pool, _host) = pool_with(Start::Serve, workers(2));
    for _ in 0..400 {
        let gate = Gate::default();
        let pair: Vec<_> = (0..2).map(|label| submit(&pool, at_gate(ISOLATE, label, &gate))).collect();
        gate.wait_for(2);
        gate.open();
        pair.iter().for_each(wait);
    }
    close(&pool);
}

#[test]
fn a_parker_keeps_a_token_for_whoever_comes_late() {
    let parker = Arc::new(pool::Parker::default());
    parker.unpark();
    parker.unpark();
    assert!(parker.park(None), "the token was there");
    assert!(!parker.park(Some(std::time::Instant::now())), "two tokens are one");
    let ours = parker.clone();
    let sleeper = thread::spawn(move || ours.park(Some(std::time::Instant::now() + LIMIT)));
    parker.unpark();
    assert!(sleeper.join().unwrap());
}

#[test]
fn a_worker_that_finishes_with_nothing_waiting_is_idle_at_once() {
    let (pool, host) = by_hand(workers(2));
    let (worker, link) = attach(&pool, ISOLATE);
    assert_eq!(ask(&worker), "nothing");
    submit(&pool, noop(ISOLATE, 0));
    let first = take(&worker);
    worker.finish_idle(&first, Ok(0));
    let wakes = link.wakes();
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!((link.wakes(), host.log().starts.len()), (wakes + 1, 0), "it is woken, and nobody is started");
    let second = take(&worker);
    submit(&pool, noop(ISOLATE, 2));
    worker.finish_idle(&second, Ok(0));
    assert_eq!(ask(&worker), "run 2", "what waits is its own to claim");
}
