//! Workers that somebody waits for without having a task for them.

mod support;

use std::sync::Arc;
use std::time::Duration;

use pool::{Config, Kind, Pool, StartFailure, State, Task};
use support::*;

const ISOLATE: Kind = Kind::Isolate;
const NATIVE: Kind = Kind::Native;

/// Waits for so many; the future's value is that number.
fn warm_up(pool: &Arc<Pool<Job>>, count: usize) -> Arc<Task<Job>> {
    let of = spec(ISOLATE, 0, || panic!("it is no task"));
    pool.warm_up(of, count, count as u64).unwrap_or_else(|refusal| panic!("refused: {}", reason(&refusal)))
}

/// Pauses that a test can sit out.
fn quick(config: Config) -> Config {
    Config { start_pause: Duration::from_millis(1), ..config }
}

#[test]
fn as_many_workers_are_started_as_are_missing_and_the_future_settles_when_the_last_asks_for_a_task() {
    let (pool, host) = by_hand(workers(3));
    let (one, _) = attach(&pool, ISOLATE);
    ask(&one);
    let warm = warm_up(&pool, 3);
    assert_eq!(host.log().starts, [ISOLATE; 2]);
    let (two, _) = attach(&pool, ISOLATE);
    assert_eq!(warm.state(), State::Pending);
    let (three, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&two), "nothing");
    assert_eq!(warm.state(), State::Pending);
    assert_eq!(ask(&three), "nothing");
    assert_eq!(outcome(&warm), "value 3");
    assert_eq!(pool.stats().idle, 3);
    assert_eq!(outcome(&warm_up(&pool, 2)), "value 2");
    assert_eq!(outcome(&warm_up(&pool, 0)), "value 0");
    let stats = pool.stats();
    assert_eq!((stats.queued, stats.running, stats.counts.completed), (0, 0, 0), "it is no task");
    assert_eq!(warm.owner().settled.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn several_wait_for_the_same_workers_each_for_as_many_as_it_wants() {
    let (pool, host) = by_hand(workers(3));
    let (two, one) = (warm_up(&pool, 2), warm_up(&pool, 1));
    assert_eq!(host.log().starts, [ISOLATE; 2]);
    let (first, _) = attach(&pool, ISOLATE);
    ask(&first);
    assert_eq!((one.state(), two.state()), (State::Finished, State::Pending));
    let (second, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    assert_eq!(ask(&second), "run 0");
    assert_eq!(two.state(), State::Finished);
}

#[test]
fn workers_that_only_come_for_a_warm_up_take_no_place_from_tasks() {
    let (pool, host) = by_hand(workers(2));
    let warm = warm_up(&pool, 2);
    let gate = Gate::default();
    let tasks: Vec<_> = (0..2).map(|label| submit(&pool, at_gate(NATIVE, label, &gate))).collect();
    eventually("both run", || pool.stats().running == 2);
    assert_eq!(host.log().starts, [ISOLATE; 2]);
    let both = [attach(&pool, ISOLATE).0, attach(&pool, ISOLATE).0];
    both.iter().for_each(|worker| assert_eq!(ask(worker), "nothing"));
    assert_eq!(outcome(&warm), "value 2");
    gate.open();
    tasks.iter().for_each(wait);
    pool.shutdown(false);
}

#[test]
fn none_leaves_for_being_idle_until_all_are_there_and_one_that_dies_is_replaced() {
    let (pool, host) = by_hand(quick(workers(2)));
    let warm = warm_up(&pool, 2);
    let (one, _) = attach(&pool, ISOLATE);
    ask(&one);
    assert!(!one.leave_if_idle());
    one.detach(Some(1), None);
    host.wait("it is replaced", |log| log.starts.len() == 3);
    let (two, _) = attach(&pool, ISOLATE);
    let (three, _) = attach(&pool, ISOLATE);
    ask(&two);
    assert!(!two.leave_if_idle());
    ask(&three);
    assert_eq!(outcome(&warm), "value 2");
    assert!(two.leave_if_idle() && three.leave_if_idle());
}

#[test]
fn those_that_end_or_are_given_up_do_not_count() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&one);
    pool.note_ending(one.id());
    let warm = warm_up(&pool, 1);
    assert_eq!(warm.state(), State::Pending);
    one.detach(Some(0), None);
    let (other, _) = attach(&pool, ISOLATE);
    ask(&other);
    assert_eq!(outcome(&warm), "value 1");
}

#[test]
fn a_pool_that_shrinks_meanwhile_needs_no_more_than_there_may_be() {
    let (pool, _host) = by_hand(workers(3));
    let warm = warm_up(&pool, 3);
    let (one, _) = attach(&pool, ISOLATE);
    ask(&one);
    assert_eq!(warm.state(), State::Pending);
    assert!(pool.resize(1));
    assert_eq!(outcome(&warm), "value 3");
}

#[test]
fn a_shutdown_cancels_it_and_a_breakdown_fails_it_with_the_cause() {
    let (pool, _host) = by_hand(workers(2));
    let warm = warm_up(&pool, 2);
    pool.shutdown(false);
    assert_eq!(outcome(&warm), "cancelled");
    assert!(pool.warm_up(noop(ISOLATE, 0), 0, 0).is_err());

    let (pool, _host) = by_hand(workers(2));
    let warm = warm_up(&pool, 2);
    pool.break_with(Some("no".into()));
    assert_eq!(outcome(&warm), "broken no");
    let refusal = pool.warm_up(noop(ISOLATE, 0), 1, 0).err();
    assert_eq!(refusal.as_ref().map(reason), Some("broken"));
}

#[test]
fn workers_that_die_at_their_start_break_the_pool_as_with_a_task() {
    let (pool, host) = pool_with(Start::Fail, quick(workers(2)));
    let warm = warm_up(&pool, 1);
    assert_eq!(outcome(&warm), "broken no worker");
    assert_eq!(host.log().starts, [ISOLATE; 3]);
    assert!(pool.stats().broken);
}

#[test]
fn a_system_that_refuses_threads_fails_it_once_its_patience_is_over_and_the_next_tries_again() {
    let patience = Duration::from_millis(20);
    let (pool, host) = pool_with(Start::Refuse, Config { start_patience: patience, ..quick(workers(2)) });
    assert_eq!(outcome(&warm_up(&pool, 2)), "broken no worker");
    assert!(!pool.stats().broken);
    host.let_start(Start::Serve);
    assert_eq!(outcome(&warm_up(&pool, 2)), "value 2");
    close(&pool);
}

#[test]
fn where_a_worker_lives_and_others_cannot_start_it_fails_and_the_pool_goes_on() {
    let (pool, _host) = by_hand(quick(workers(2)));
    let (one, _) = attach(&pool, ISOLATE);
    ask(&one);
    let warm = warm_up(&pool, 2);
    for _ in 0..3 {
        eventually("one starts", || pool.stats().starting == 1);
        pool.start_failed(ISOLATE, Some("no".into()), StartFailure::Died);
    }
    assert_eq!(outcome(&warm), "broken no");
    submit(&pool, noop(ISOLATE, 7));
    assert_eq!(ask(&one), "run 7");
}
