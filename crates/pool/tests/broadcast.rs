//! One task for each worker.

mod support;

use std::sync::Arc;
use std::time::Duration;

use pool::{Config, Kind, Next, Pool, Spec, StartFailure, State, Task};
use support::*;

const ISOLATE: Kind = Kind::Isolate;
const NATIVE: Kind = Kind::Native;

/// One task with this label for each worker.
fn broadcast(pool: &Arc<Pool<Job>>, label: u64) -> Vec<Arc<Task<Job>>> {
    broadcast_of(pool, || noop(ISOLATE, label))
}

fn broadcast_of(pool: &Arc<Pool<Job>>, spec: impl Fn() -> Spec<Job>) -> Vec<Arc<Task<Job>>> {
    let specs = (0..pool.audience()).map(|_| spec()).collect();
    pool.broadcast(specs).unwrap_or_else(|refusal| panic!("refused: {}", reason(&refusal)))
}

fn states(tasks: &[Arc<Task<Job>>]) -> Vec<State> {
    tasks.iter().map(|task| task.state()).collect()
}

#[test]
fn each_worker_runs_it_once_an_idle_one_at_once_and_a_busy_one_before_its_next_task() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, two_link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let held = take(&one);
    assert_eq!(ask(&two), "nothing");
    let tasks = broadcast(&pool, 7);
    assert_eq!((tasks.len(), two_link.wakes()), (2, 1));
    for label in 1..3 {
        submit(&pool, noop(ISOLATE, label));
    }
    let own = take(&two);
    assert_eq!(own.owner().label, 7);
    assert_eq!(turn(&two, &own), "run 1");
    assert_eq!(turn(&one, &held), "run 7");
    let own = tasks.iter().find(|task| task.state() == State::Running).expect("one runs");
    assert_eq!(turn(&one, own), "run 2");
    assert!(tasks.iter().all(|task| task.state() == State::Finished));
    assert_eq!(pool.stats().counts.completed, 3);
}

#[test]
fn without_workers_there_is_none_and_native_threads_are_not_meant() {
    let (pool, _host) = by_hand(workers(2));
    assert_eq!(pool.audience(), 0);
    assert!(broadcast(&pool, 7).is_empty());
    wait(&submit(&pool, noop(NATIVE, 0)));
    assert!(broadcast(&pool, 7).is_empty());
    close(&pool);
}

#[test]
fn a_worker_that_is_starting_runs_it_before_its_first_task_and_one_that_is_asked_for_later_does_not() {
    let (pool, host) = by_hand(workers(2));
    submit(&pool, noop(ISOLATE, 0));
    let tasks = broadcast(&pool, 7);
    assert_eq!((tasks.len(), pool.stats().queued), (1, 2));
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(host.log().starts.len(), 2);
    let link = Arc::new(Link::default());
    let second = pool.attach_as(ISOLATE, link.clone(), Some(2));
    assert_eq!(ask(&second), "run 0");
    let first = pool.attach_as(ISOLATE, link, Some(1));
    assert_eq!(ask(&first), "run 7");
    assert_eq!(turn(&first, &tasks[0]), "run 1");
}

#[test]
fn several_are_run_in_order() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    ask(&one);
    let all: Vec<_> = (5..8).flat_map(|label| broadcast(&pool, label)).collect();
    assert_eq!(all.len(), 3);
    assert_eq!(ask(&one), "run 5");
    assert_eq!(turn(&one, &all[0]), "run 6");
    assert_eq!(turn(&one, &all[1]), "run 7");
    assert_eq!(turn(&one, &all[2]), "nothing");
}

#[test]
fn it_takes_a_place_and_what_waits_for_one_gets_the_next_although_others_hurry_on() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, two_link) = attach(&pool, ISOLATE);
    for label in 0..3 {
        submit(&pool, noop(ISOLATE, label));
    }
    let held = take(&one);
    assert_eq!(ask(&two), "nothing");
    let tasks = broadcast(&pool, 7);
    assert_eq!(two_link.wakes(), 0, "the budget is one");
    // Its own comes first.
    let own = tasks.iter().find(|task| pool.pinned_to(one.id()).iter().any(|own| Arc::ptr_eq(own, task)));
    assert_eq!(turn(&one, &held), "run 7");
    assert_eq!(turn(&one, own.expect("pinned")), "nothing");
    assert_eq!(two_link.wakes(), 1);
    assert_eq!(ask(&two), "run 7");
}

#[test]
fn a_worker_whose_task_waits_runs_it_on_top() {
    let (pool, _host) = by_hand(workers(1));
    let (one, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&one);
    let tasks = broadcast(&pool, 7);
    assert_eq!(ask(&one), "nothing");
    one.suspend_claiming();
    assert!(link.wakes() <= 1);
    assert_eq!(ask(&one), "run 7");
    assert_eq!(states(&tasks), [State::Running]);
}

#[test]
fn a_worker_that_does_not_come_for_it_because_its_thread_is_kept_gives_the_place_up() {
    let (pool, _host) = by_hand(workers(1));
    let (one, link) = attach(&pool, ISOLATE);
    let (two, two_link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&one);
    assert_eq!(ask(&two), "nothing");
    one.suspend_claiming();
    assert_eq!(ask(&one), "nothing");
    let wakes = link.wakes();
    let tasks = broadcast(&pool, 7);
    assert_eq!((link.wakes(), two_link.wakes()), (wakes + 1, 0), "the budget is one");
    pool.stop_waiting_for(one.id());
    assert_eq!(two_link.wakes(), 1);
    assert_eq!(ask(&two), "run 7");
    let own = tasks.iter().find(|task| task.state() == State::Running).expect("runs");
    assert_eq!(turn(&two, own), "nothing");
    assert_eq!(ask(&one), "run 7", "as soon as its thread is free");
}

#[test]
fn a_worker_that_blocks_for_its_own_runs_it_on_its_stack() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    ask(&two);
    submit(&pool, noop(ISOLATE, 0));
    submit(&pool, noop(ISOLATE, 1));
    take(&one);
    take(&two);
    let tasks = broadcast(&pool, 7);
    let own = pool.pinned_to(one.id()).pop().expect("pinned");
    let other = tasks.iter().find(|task| !Arc::ptr_eq(task, &own)).expect("the other's");
    assert!(one.claim_task(other).is_none());
    assert!(!one.suspend_for(&own, false), "no other worker may");
    assert!(one.claim_task(&own).is_some());
    assert_eq!(own.state(), State::Running);
    assert!(one.suspend_for(other, false));
}

#[test]
fn a_worker_that_ends_first_takes_it_along() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&one);
    let tasks = broadcast(&pool, 7);
    one.detach(Some(9), Some("gone".into()));
    assert_eq!(outcome(&tasks[0]), "lost 9 gone");
    pool.abandon(two.id());
    assert_eq!(outcome(&tasks[1]), "lost 0 ");
    assert!(broadcast(&pool, 8).is_empty(), "one that was given up gets none");
}

#[test]
fn there_is_none_for_a_worker_that_has_gone_since_they_were_counted() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    assert_eq!((ask(&one), ask(&two)), ("nothing".into(), "nothing".into()));
    let specs = (0..pool.audience()).map(|_| noop(ISOLATE, 7)).collect();
    assert!(one.leave_if_idle());
    let tasks = pool.broadcast(specs).unwrap_or_else(|_| panic!("refused"));
    assert_eq!(tasks.len(), 1);
    assert_eq!(ask(&two), "run 7");
    assert_eq!((pool.stats().counts.lost, pool.stats().queued), (0, 0));
}

#[test]
fn a_start_that_fails_loses_it_and_no_other_worker_s() {
    let (pool, _host) = by_hand(Config { start_pause: Duration::from_secs(3600), ..workers(2) });
    submit(&pool, noop(ISOLATE, 0));
    submit(&pool, noop(ISOLATE, 1));
    let tasks = broadcast(&pool, 7);
    pool.start_failed_as(ISOLATE, None, StartFailure::Died, Some(2));
    let lost: Vec<_> = tasks.iter().filter(|task| task.state().is_settled()).collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(outcome(lost[0]), "lost 0 ");
    let one = pool.attach_as(ISOLATE, Arc::new(Link::default()), Some(1));
    assert_eq!(ask(&one), "run 7");
}

#[test]
fn a_start_that_fails_says_why_to_its_own_and_breaks_all_of_them_with_the_pool() {
    for has_attached in [false, true] {
        let (pool, _host) = by_hand(Config { start_pause: Duration::from_secs(3600), ..workers(3) });
        let one = has_attached.then(|| attach(&pool, ISOLATE));
        (0..3).for_each(|label| drop(submit(&pool, noop(ISOLATE, label))));
        let tasks = broadcast(&pool, 7);
        let cause = Some("no initializer".into());
        pool.start_failed_as(ISOLATE, cause, StartFailure::Uninitialized, Some(2));
        let settled: Vec<_> = tasks.iter().filter(|task| task.state().is_settled()).collect();
        let (count, said) = if has_attached { (1, "lost") } else { (tasks.len(), "broken") };
        assert_eq!(settled.len(), count);
        for task in settled {
            let outcome = outcome(task);
            assert!(outcome.starts_with(said) && outcome.contains("no initializer"), "{outcome}");
        }
        drop(one);
    }
}

#[test]
fn it_wears_no_worker_out_and_a_worker_that_has_run_one_has_started() {
    let (pool, _host) = by_hand(Config { max_tasks_per_worker: Some(1), ..workers(1) });
    let (one, _) = attach(&pool, ISOLATE);
    ask(&one);
    for label in 7..10 {
        let tasks = broadcast(&pool, label);
        assert_eq!(ask(&one), format!("run {label}"));
        assert_eq!(turn(&one, &tasks[0]), "nothing");
    }
    submit(&pool, noop(ISOLATE, 0));
    let task = take(&one);
    let last = broadcast(&pool, 7);
    assert_eq!(turn(&one, &task), "run 7", "also of one that is worn out");
    assert_eq!(turn(&one, &last[0]), "leave");
    one.detach(Some(1), None);
    for _ in 0..4 {
        let (one, _) = attach(&pool, ISOLATE);
        ask(&one);
        broadcast(&pool, 7);
        assert_eq!(ask(&one), "run 7");
        one.detach(Some(1), None);
    }
    assert!(!pool.stats().broken, "it is the task that has ended them");
}

#[test]
fn it_waits_beside_a_queue_that_is_full() {
    let (pool, _host) = by_hand(Config { max_queue: Some(1), ..workers(1) });
    let (one, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&one);
    broadcast(&pool, 7);
    submit(&pool, noop(ISOLATE, 1));
    assert!(pool.submit(noop(ISOLATE, 2)).is_err());
    assert_eq!(broadcast(&pool, 8).len(), 1);
    assert_eq!(pool.stats().queued, 3);
    assert!(!pool.want_room() || pool.stats().queued == 3);
}

#[test]
fn one_that_is_cancelled_or_whose_time_is_none_is_never_run_and_the_worker_goes_on() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let held = take(&one);
    let tasks = broadcast(&pool, 7);
    pool.cancel(&tasks[0], false);
    let timed = broadcast_of(&pool, || Spec { timeout: Some(Duration::ZERO), ..noop(ISOLATE, 8) });
    assert_eq!((outcome(&tasks[0]), outcome(&timed[0])), ("cancelled".into(), "timed out ".into()));
    let total = broadcast_of(&pool, || Spec { total_timeout: Some(Duration::ZERO), ..noop(ISOLATE, 8) });
    assert_eq!((outcome(&total[0]), pool.stats().queued), ("out of time ".into(), 0));
    let late = broadcast_of(&pool, || Spec { total_timeout: Some(QUIET), ..noop(ISOLATE, 8) });
    assert_eq!((outcome(&late[0]), pool.stats().queued), ("out of time ".into(), 0));
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(turn(&one, &held), "run 1");
    // One that was woken for it already.
    let (pool, _host) = by_hand(workers(1));
    let (one, link) = attach(&pool, ISOLATE);
    ask(&one);
    let tasks = broadcast(&pool, 7);
    assert_eq!(link.wakes(), 1);
    pool.cancel(&tasks[0], false);
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(ask(&one), "run 1");
}

#[test]
fn what_was_accepted_is_run_before_the_pool_closes_and_cleared_when_it_is_to_be() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    assert_eq!((ask(&one), ask(&two)), ("nothing".into(), "nothing".into()));
    let tasks = broadcast(&pool, 7);
    pool.shutdown(false);
    assert!(pool.broadcast(vec![noop(ISOLATE, 8)]).is_err());
    // They take turns: the budget is one.
    let first = [&one, &two].into_iter().find(|worker| ask(worker) == "run 7").expect("one may");
    let second = if std::ptr::eq(first, &one) { &two } else { &one };
    let is_own = |task: &&Arc<Task<Job>>| task.state() == State::Running;
    assert_eq!(turn(first, tasks.iter().find(is_own).expect("runs")), "leave");
    assert_eq!(ask(second), "run 7");
    assert_eq!(turn(second, tasks.iter().find(is_own).expect("runs")), "leave");
    one.detach(None, None);
    two.detach(None, None);
    assert_closed(&pool);

    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let held = take(&one);
    submit(&pool, noop(ISOLATE, 1));
    let tasks = broadcast(&pool, 7);
    assert_eq!(tasks.len(), 2, "one lives and one is starting");
    pool.shutdown(true);
    assert_eq!(states(&tasks), [State::Cancelled; 2]);
    assert_eq!(turn(&one, &held), "leave");
}

#[test]
fn a_worker_that_is_one_too_many_runs_it_before_it_leaves() {
    let (pool, _host) = by_hand(workers(2));
    let (one, _) = attach(&pool, ISOLATE);
    let (two, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let held = take(&one);
    ask(&two);
    let tasks = broadcast(&pool, 7);
    pool.resize(1);
    assert_eq!(turn(&one, &held), "nothing", "two have a place where one may");
    assert_eq!(ask(&two), "run 7");
    let own = tasks.iter().find(|task| task.state() == State::Running).expect("runs");
    assert_eq!(turn(&two, own), "leave");
    assert_eq!(ask(&one), "run 7");
}

#[test]
fn it_fails_with_a_pool_that_breaks() {
    let (pool, _host) = by_hand(workers(1));
    let (one, _) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    take(&one);
    let tasks = broadcast(&pool, 7);
    pool.break_with(Some("no".into()));
    assert_eq!(outcome(&tasks[0]), "broken no");
    let refusal = pool.broadcast(Vec::new()).err();
    assert_eq!(refusal.as_ref().map(reason), Some("broken"));
}

#[test]
fn a_worker_that_has_had_its_tasks_and_waits_runs_what_is_broadcast() {
    let (pool, _host) = by_hand(Config { max_tasks_per_worker: Some(1), ..workers(1) });
    let (one, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 1));
    let first = take(&one);
    one.suspend_claiming();
    assert_eq!(ask(&one), "nothing");
    submit(&pool, noop(ISOLATE, 2));
    assert_eq!(ask(&one), "nothing", "it claims nothing more");
    let wakes = link.wakes();
    let tasks = broadcast(&pool, 7);
    assert_eq!(link.wakes(), wakes + 1);
    let Next::Run(task, _) = one.next(&all_ready) else { panic!("it does not run") };
    assert!(Arc::ptr_eq(&task, &tasks[0]));
    assert_eq!(turn(&one, &task), "nothing");
    one.resume_claiming();
    assert_eq!(turn(&one, &first), "leave");
}
