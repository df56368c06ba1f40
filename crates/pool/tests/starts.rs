//! Workers that never come, or die before their first task.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use pool::{Config, Kind, Pool, Refusal, StartFailure, State, Task};
use support::*;

const ISOLATE: Kind = Kind::Isolate;
const NATIVE: Kind = Kind::Native;

/// Some tries of `quick` find room in it, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pauses that a test can sit out.
fn quick(config: Config) -> Config {
    Config { start_pause: Duration::from_millis(1), ..config }
}

/// No pause ends while the test runs.
fn patient(config: Config) -> Config {
    let hour = Duration::from_secs(3600);
    Config { start_pause: hour, longest_start_pause: hour, ..config }
}

/// Waits until so many workers were asked for, and sees that no more are.
fn starts(host: &TestHost, count: usize) {
    let log = host.wait("starts", |log| log.starts.len() >= count);
    assert_eq!(log.starts.len(), count);
}

/// A worker that runs one task, so that its start has succeeded.
fn proven(pool: &Arc<Pool<Job>>) -> pool::Worker<Job> {
    let (worker, _) = attach(pool, ISOLATE);
    let task = submit(pool, noop(ISOLATE, 99));
    assert_eq!(take(&worker).id(), task.id());
    worker.finish(&task, Ok(99));
    worker
}

fn outcomes(tasks: &[Arc<Task<Job>>]) -> Vec<String> {
    tasks.iter().map(outcome).collect()
}

#[test]
fn three_deaths_in_a_row_break_a_pool_that_has_never_worked() {
    let (pool, host) = pool_with(Start::Fail, quick(workers(1)));
    let task = submit(&pool, noop(ISOLATE, 0));
    assert_eq!(outcome(&task), "broken no worker");
    assert_eq!(host.log().starts, [ISOLATE; 3]);
    let Err(refused) = pool.submit(noop(ISOLATE, 1)) else { panic!("accepted") };
    assert!(matches!(refused.reason, Refusal::Broken { cause: Some(cause) } if cause == "no worker"));
    assert!(pool.is_closed(), "nothing waits and nobody is there");
    assert_eq!((pool.stats().counts.failed, pool.stats().died), (1, 3));
}

#[test]
fn a_death_between_the_start_and_the_first_task_is_a_failed_start() {
    let (pool, host) = by_hand(quick(workers(1)));
    let task = submit(&pool, noop(ISOLATE, 0));
    for count in 1..=3 {
        starts(&host, count);
        assert!(pool.refusal().is_none());
        let (worker, _) = attach(&pool, ISOLATE);
        worker.detach(Some(1), Some("stray".into()));
    }
    assert_eq!(outcome(&task), "broken stray");
    assert_eq!(pool.stats().died, 3);
}

#[test]
fn workers_that_are_kept_warm_and_die_without_a_task_break_the_pool() {
    let (pool, host) = by_hand(quick(Config { min_workers: 1, ..workers(2) }));
    for count in 1..=3 {
        starts(&host, count);
        let (worker, _) = attach(&pool, ISOLATE);
        ask(&worker);
        worker.detach(Some(1), None);
    }
    assert!(pool.stats().broken);
    starts(&host, 3);
}

#[test]
fn workers_that_are_kept_warm_and_die_one_after_the_other_are_not_replaced_for_ever() {
    let (pool, host) = by_hand(quick(Config { min_workers: 2, ..workers(2) }));
    let mut living = vec![attach(&pool, ISOLATE).0, attach(&pool, ISOLATE).0];
    for count in 3..=4 {
        // There is always one that lives when another dies.
        living.remove(0).detach(Some(1), None);
        starts(&host, count);
        living.push(attach(&pool, ISOLATE).0);
    }
    living.remove(0).detach(Some(1), None);
    assert!(pool.refusal().is_none(), "one lives");
    std::thread::sleep(QUIET);
    starts(&host, 4);
    living.remove(0).detach(Some(1), None);
    assert!(pool.stats().broken);
    starts(&host, 4);
}

#[test]
fn a_worker_whose_thread_is_ending_is_replaced_only_when_it_is_known_why() {
    let (pool, host) = by_hand(patient(Config { min_workers: 1, ..workers(2) }));
    let (worker, _) = attach(&pool, ISOLATE);
    assert!(!pool.note_ending(worker.id()) && !pool.retire(worker.id()), "it ends already");
    let task = submit(&pool, noop(ISOLATE, 1));
    assert_eq!((ask(&worker), task.state()), ("nothing".into(), State::Pending));
    let before = host.log().starts.len();
    worker.detach(Some(1), None);
    std::thread::sleep(QUIET);
    assert_eq!(host.log().starts.len(), before, "a failed start: there is a pause");
    assert_eq!(pool.stats().died, 1);
}

#[test]
fn a_worker_that_has_begun_a_task_forgives_the_starts_that_failed() {
    let (pool, _host) = by_hand(quick(workers(1)));
    for _ in 0..5 {
        pool.start_failed(ISOLATE, None, StartFailure::Died);
        pool.start_failed(ISOLATE, None, StartFailure::Died);
        proven(&pool).detach(None, None);
    }
    assert!(pool.refusal().is_none());
}

#[test]
fn failed_starts_do_not_break_a_pool_whose_other_workers_live() {
    let (pool, host) = pool_with(Start::Fail, quick(workers(4)));
    let (worker, _) = attach(&pool, ISOLATE);
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    host.wait("tries", |log| log.starts.len() >= 4);
    assert!(pool.refusal().is_none());
    for task in &tasks {
        assert_eq!(take(&worker).id(), task.id());
        worker.finish(task, Ok(1));
    }
    assert!(pool.refusal().is_none());
}

#[test]
fn a_refusal_of_the_system_never_breaks_a_pool() {
    let config = Config { start_patience: PATIENCE, ..quick(workers(2)) };
    let (pool, host) = pool_with(Start::Refuse, config);
    let first = submit(&pool, noop(ISOLATE, 0));
    assert_eq!(outcome(&first), "broken no worker");
    assert!(host.log().starts.len() > 3);
    assert!(pool.refusal().is_none());
    host.let_start(Start::Serve);
    let later = submit(&pool, noop(ISOLATE, 1));
    assert_eq!(outcome(&later), "value 1");
    let stats = pool.stats();
    assert_eq!((stats.died, stats.broken), (0, false));
    close(&pool);
}

#[test]
fn a_task_waits_as_long_as_the_patience_is_however_long_starts_have_failed_before() {
    let patience = Duration::from_millis(200);
    let (pool, host) = pool_with(Start::Refuse, Config { start_patience: patience, ..quick(workers(2)) });
    let first = submit(&pool, noop(ISOLATE, 0));
    let mut last = first.clone();
    let mut submitted = Instant::now();
    while first.state() == State::Pending {
        submitted = Instant::now();
        last = submit(&pool, noop(ISOLATE, 1));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(outcome(&last), "broken no worker");
    assert!(submitted.elapsed() >= patience - Duration::from_millis(20));
    // Nobody asks for a worker any more.
    let count = host.log().starts.len();
    std::thread::sleep(QUIET);
    assert_eq!(host.log().starts.len(), count);
}

#[test]
fn tasks_wait_while_a_worker_lives_or_is_on_its_way_whatever_is_refused() {
    let (pool, host) = by_hand(Config { start_patience: Duration::ZERO, ..patient(workers(3)) });
    let tasks: Vec<_> = (0..3).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    pool.start_failed(ISOLATE, None, StartFailure::Refused);
    pool.start_failed(ISOLATE, None, StartFailure::Refused);
    assert!(tasks.iter().all(|task| task.state() == State::Pending));
    let (worker, _) = attach(&pool, ISOLATE);
    for task in &tasks {
        assert_eq!(take(&worker).id(), task.id());
        worker.finish(task, Ok(1));
    }
    drop(host);
}

#[test]
fn those_that_fail_in_one_pause_count_as_one() {
    let (pool, host) = by_hand(patient(workers(8)));
    let tasks: Vec<_> = (0..8).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    for _ in 0..8 {
        pool.start_failed(ISOLATE, None, StartFailure::Died);
    }
    assert!(pool.refusal().is_none());
    assert!(tasks.iter().all(|task| task.state() == State::Pending));
    starts(&host, 8);
}

#[test]
fn after_a_pause_one_worker_is_asked_for_and_with_each_that_begins_a_task_as_many_again() {
    // All of them fail in it.
    let pause = Duration::from_millis(500);
    let (pool, host) = by_hand(Config { start_pause: pause, ..workers(8) });
    let before = Instant::now();
    let tasks: Vec<_> = (0..9).map(|label| submit(&pool, noop(ISOLATE, label))).collect();
    for _ in 0..8 {
        pool.start_failed(ISOLATE, None, StartFailure::Refused);
    }
    starts(&host, 9);
    assert!(before.elapsed() >= pause);
    let mut workers = Vec::new();
    for (count, now) in [(9, 10), (10, 12), (12, 16)] {
        let (worker, _) = attach(&pool, ISOLATE);
        starts(&host, count);
        assert_eq!(take(&worker).id(), tasks[workers.len()].id());
        starts(&host, now);
        workers.push(worker);
    }
}

#[test]
fn the_pauses_grow() {
    let (pool, host) = pool_with(Start::Refuse, quick(workers(2)));
    submit(&pool, noop(ISOLATE, 0));
    let before = Instant::now();
    std::thread::sleep(Duration::from_millis(300));
    let count = host.log().starts.len();
    // After 0, 1, 3, 7, 15, 31, 63, 127, 255 ms, and further ones where the sleep took longer.
    let most = (before.elapsed().as_millis() + 1).ilog2() as usize + 1;
    assert!(count <= most, "{count} of {most}");
    pool.shutdown(true);
}

#[test]
fn a_worker_that_begins_a_task_ends_the_pause() {
    let (pool, host) = by_hand(patient(workers(2)));
    let first = submit(&pool, noop(ISOLATE, 0));
    pool.start_failed(ISOLATE, None, StartFailure::Died);
    submit(&pool, noop(ISOLATE, 1));
    starts(&host, 1);
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(take(&worker).id(), first.id());
    starts(&host, 2);
}

#[test]
fn where_workers_of_one_kind_cannot_start_the_others_go_on() {
    let (pool, host) = pool_with(Start::Fail, quick(workers(2)));
    let native = submit(&pool, noop(NATIVE, 0));
    assert_eq!(outcome(&native), "value 0");
    for _ in 0..2 {
        let task = submit(&pool, noop(ISOLATE, 1));
        assert_eq!(outcome(&task), "broken no worker");
        assert!(pool.refusal().is_none());
        let native = submit(&pool, noop(NATIVE, 2));
        assert_eq!(outcome(&native), "value 2");
    }
    assert_eq!(host.log().starts, [ISOLATE; 6]);
    close(&pool);
}

#[test]
fn workers_that_cannot_be_kept_warm_are_tried_again_only_for_a_task() {
    let (pool, host) = by_hand(quick(Config { min_workers: 1, ..workers(2) }));
    assert_eq!(outcome(&submit(&pool, noop(NATIVE, 0))), "value 0");
    for count in 1..=3 {
        starts(&host, count);
        pool.start_failed(ISOLATE, None, StartFailure::Died);
    }
    std::thread::sleep(QUIET);
    starts(&host, 3);
    assert!(pool.refusal().is_none(), "a native worker lives");
    let task = submit(&pool, noop(ISOLATE, 1));
    starts(&host, 4);
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(take(&worker).id(), task.id());
}

#[test]
fn deaths_of_workers_in_a_pool_that_has_worked_break_it_only_after_its_patience() {
    let (pool, host) = by_hand(Config { start_patience: PATIENCE, ..quick(workers(1)) });
    proven(&pool).detach(None, None);
    let before = Instant::now();
    let task = submit(&pool, noop(ISOLATE, 0));
    let mut count = host.log().starts.len();
    while pool.refusal().is_none() {
        starts(&host, count);
        pool.start_failed(ISOLATE, Some("no".into()), StartFailure::Died);
        count += 1;
    }
    assert!(before.elapsed() >= PATIENCE && count > 4);
    assert_eq!(outcome(&task), "broken no");
}

#[test]
fn an_initializer_that_has_never_succeeded_breaks_the_pool_at_once() {
    let (pool, _host) = by_hand(workers(1));
    let task = submit(&pool, noop(ISOLATE, 0));
    pool.start_failed(ISOLATE, Some("initializer".into()), StartFailure::Uninitialized);
    assert_eq!(outcome(&task), "broken initializer");
    assert!(pool.stats().broken);
}

#[test]
fn an_initializer_that_has_succeeded_before_is_tried_again() {
    let config = Config { start_patience: PATIENCE, ..quick(workers(1)) };
    let (pool, host) = by_hand(config);
    proven(&pool).detach(None, None);
    let task = submit(&pool, noop(ISOLATE, 0));
    let mut count = host.log().starts.len();
    while task.state() == State::Pending {
        starts(&host, count);
        pool.start_failed(ISOLATE, Some("no".into()), StartFailure::Uninitialized);
        count += 1;
    }
    assert_eq!(outcome(&task), "broken no");
    assert!(!pool.stats().broken && count > 4);
    let task = submit(&pool, noop(ISOLATE, 1));
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(take(&worker).id(), task.id());
}

#[test]
fn a_fatal_start_breaks_the_pool_at_once_and_lets_running_tasks_end() {
    let (pool, _host) = by_hand(workers(2));
    let (worker, _) = attach(&pool, ISOLATE);
    let running = submit(&pool, noop(ISOLATE, 0));
    take(&worker);
    let waiting = submit(&pool, noop(ISOLATE, 1));
    assert!(!pool.stats().broken);
    pool.start_failed(ISOLATE, Some("initializer".into()), StartFailure::Fatal);
    assert!(pool.stats().broken);
    pool.break_with(Some("later".into()));
    assert_eq!(outcome(&waiting), "broken initializer");
    assert_eq!(turn(&worker, &running), "leave");
    assert_eq!(outcome(&running), "value 0");
    worker.detach(None, None);
    assert!(pool.is_closed());
    assert!(matches!(pool.refusal(), Some(Refusal::Broken { cause: Some(cause) }) if cause == "initializer"));
}

#[test]
fn what_waits_can_be_cancelled_expires_and_the_pool_closes_while_starts_are_paused() {
    let (pool, host) = by_hand(patient(workers(1)));
    let cancelled = submit(&pool, noop(ISOLATE, 0));
    let limit = Some(Duration::from_millis(10));
    let expired = submit(&pool, pool::Spec { queue_timeout: limit, ..noop(ISOLATE, 1) });
    let waiting = submit(&pool, noop(ISOLATE, 2));
    pool.start_failed(ISOLATE, None, StartFailure::Refused);
    assert_eq!(pool.cancel(&cancelled, false), pool::Cancelled::BeforeStart);
    assert_eq!(outcome(&expired), "expired");
    let native = submit(&pool, noop(NATIVE, 3));
    assert_eq!(outcome(&native), "value 3");
    pool.shutdown(false);
    assert!(!pool.is_closed());
    pool.shutdown(true);
    assert_eq!(outcomes(&[cancelled, waiting]), ["cancelled", "cancelled"]);
    assert_closed(&pool);
    starts(&host, 1);
}

#[test]
fn warm_workers_that_die_are_replaced() {
    let (pool, host) = by_hand(quick(Config { min_workers: 2, ..workers(2) }));
    assert_eq!(host.log().starts, [ISOLATE; 2]);
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    ask(&one);
    ask(&two);
    assert!(!one.leave_if_idle(), "it is kept warm");
    one.detach(Some(1), None);
    starts(&host, 3);
    assert!(!two.leave_if_idle());
}

#[test]
fn a_pool_that_was_shut_down_ends_the_starts_that_no_task_waits_for() {
    let unwanted_start = Duration::from_millis(300);
    let (pool, host) = by_hand(Config { min_workers: 2, unwanted_start, ..workers(2) });
    let before = Instant::now();
    pool.shutdown(false);
    assert!(!pool.is_closed(), "they may still come");
    assert_closed(&pool);
    assert!(before.elapsed() >= unwanted_start);
    // The host is told once the mutex is released.
    let log = host.wait("its starts end", |log| !log.ended_starts.is_empty());
    assert_eq!(log.ended_starts, [ISOLATE]);
    let (late, _) = attach(&pool, ISOLATE);
    assert_eq!(ask(&late), "leave");
    late.detach(None, None);
    assert_eq!(pool.stats().died, 0);
}

#[test]
fn a_start_that_a_task_waits_for_is_not_ended_by_a_shutdown() {
    let (pool, host) = by_hand(Config { unwanted_start: Duration::from_millis(5), ..workers(1) });
    let task = submit(&pool, noop(ISOLATE, 0));
    pool.shutdown(false);
    std::thread::sleep(QUIET);
    let (worker, _) = attach(&pool, ISOLATE);
    assert_eq!(take(&worker).id(), task.id());
    assert_eq!(turn(&worker, &task), "leave");
    worker.detach(None, None);
    assert_closed(&pool);
    assert!(host.log().ended_starts.is_empty());
}
