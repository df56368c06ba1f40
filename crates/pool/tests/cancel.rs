//! Cancelling, and running out of time.

mod support;

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pool::{Cancelled, Kind, Pause, Spec, StartFailure, State, Task, WorkerLink};
use support::*;

const ISOLATE: Kind = Kind::Isolate;
const SHORT: Duration = Duration::from_millis(20);

/// The clock can be paused for the whole process, so tests of time run one after the other.
static CLOCK: Mutex<()> = Mutex::new(());

#[test]
fn a_waiting_task_that_is_cancelled_never_runs() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, _) = attach(&pool, ISOLATE);
    let first = submit(&pool, noop(ISOLATE, 0));
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(pool.cancel(&first, false), Cancelled::BeforeStart);
    assert_eq!(pool.cancel(&first, true), Cancelled::Already);
    assert_eq!(outcome(&first), "cancelled");
    assert!(first.is_cancel_requested() && settled_once(&first));
    assert_eq!(ask(&worker), "run 1");
}

#[test]
fn a_running_task_is_cancelled_only_by_force_and_then_at_once() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    submit(&pool, noop(ISOLATE, 0));
    let task = take(&worker);
    assert_eq!(pool.cancel(&task, false), Cancelled::No);
    assert_eq!((task.state(), task.is_cancel_requested()), (State::Running, false));
    assert_eq!(pool.cancel(&task, true), Cancelled::WhileRunning);
    assert_eq!((task.state(), task.is_cancel_requested()), (State::Cancelled, true));
    assert_eq!(*link.stopped.lock().unwrap(), [task.id()]);
    assert_eq!(pool.stats().running, 0);
    // Its place is free once the worker is.
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(turn(&worker, &task), "run 1", "the late value is dropped");
    assert_eq!(outcome(&task), "cancelled");
    assert!(settled_once(&task));
    let counts = pool.stats().counts;
    assert_eq!((counts.cancelled, counts.completed), (1, 0));
}

#[test]
fn a_finished_task_cannot_be_cancelled() {
    let (pool, _host) = by_hand(workers(1));
    let task = submit(&pool, noop(Kind::Native, 3));
    wait(&task);
    assert_eq!(pool.cancel(&task, true), Cancelled::No);
    assert_eq!(outcome(&task), "value 3");
    assert!(!task.is_cancel_requested());
    close(&pool);
}

#[test]
fn running_native_work_sees_that_it_was_cancelled() {
    let (pool, _host) = by_hand(workers(1));
    let (sender, receiver) = mpsc::channel();
    let task = submit(
        &pool,
        with_control(Kind::Native, 0, move |control| {
            let control = control.expect("native work has a control");
            sender.send(()).unwrap();
            while !control.cancelled() {
                std::thread::yield_now();
            }
            Ok(1)
        }),
    );
    receiver.recv_timeout(LIMIT).unwrap();
    assert_eq!(pool.cancel(&task, true), Cancelled::WhileRunning);
    assert_eq!(outcome(&task), "cancelled");
    assert_eq!(outcome(&submit(&pool, noop(Kind::Native, 2))), "value 2");
    close(&pool);
}

#[test]
fn a_task_that_waits_too_long_expires_and_frees_its_room() {
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _host) = by_hand(pool::Config { max_queue: Some(1), ..workers(1) });
    let task = submit(&pool, Spec { queue_timeout: Some(SHORT), ..noop(ISOLATE, 0) });
    assert_eq!(outcome(&task), "expired");
    assert!(task.started().is_none());
    assert_eq!(pool.stats().queued, 0);
    submit(&pool, noop(ISOLATE, 1));
    assert_eq!(pool.stats().counts.timed_out, 1);
}

#[test]
fn a_task_that_started_in_time_does_not_expire() {
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _host) = by_hand(workers(1));
    let (worker, _) = attach(&pool, ISOLATE);
    submit(&pool, Spec { queue_timeout: Some(Duration::from_secs(5)), ..noop(ISOLATE, 0) });
    let first = take(&worker);
    let second = submit(&pool, Spec { queue_timeout: Some(SHORT), ..noop(ISOLATE, 1) });
    assert_eq!(outcome(&second), "expired");
    assert_eq!(first.state(), State::Running);
    assert_eq!(turn(&worker, &first), "nothing");
    assert_eq!(outcome(&first), "value 0");
}

#[test]
fn a_task_that_runs_too_long_fails_while_it_still_runs_and_its_worker_is_told() {
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, ISOLATE);
    submit(&pool, Spec { timeout: Some(SHORT), ..noop(ISOLATE, 0) });
    let task = take(&worker);
    let started = task.started().unwrap();
    assert_eq!(outcome(&task), "timed out ");
    assert!(started.elapsed() >= SHORT);
    eventually("the stop", || *link.stopped.lock().unwrap() == [task.id()]);
    assert!(task.is_cancel_requested() && settled_once(&task));
    assert_eq!(turn(&worker, &task), "nothing");
    assert_eq!(pool.stats().counts.timed_out, 1);
}

#[test]
fn run_time_is_not_counted_while_the_task_waits() {
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _host) = by_hand(workers(1));
    let task = submit(&pool, Spec { timeout: Some(Duration::from_millis(1)), ..noop(ISOLATE, 0) });
    std::thread::sleep(QUIET);
    assert_eq!(task.state(), State::Pending);
    assert!(!pool.time_out(&task, None), "it does not run");
    pool.cancel(&task, false);
    assert_eq!(pool.stats().queued, 0);
}

#[test]
fn a_limit_of_zero_fails_at_once_without_running() {
    let (pool, host) = by_hand(workers(1));
    let zero = Some(Duration::ZERO);
    for (timeout, queue_timeout, said) in [(zero, None, "timed out "), (None, zero, "expired")] {
        let task = submit(&pool, Spec { timeout, queue_timeout, ..noop(ISOLATE, 0) });
        assert_eq!(task.state(), State::Finished);
        assert_eq!(outcome(&task), said);
        assert!(settled_once(&task));
    }
    assert_eq!(host.log().starts, []);
    assert_eq!(pool.stats().counts.timed_out, 2);
}

#[test]
fn a_limit_beyond_the_end_of_time_is_no_limit() {
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _host) = by_hand(workers(1));
    for limit in [Duration::MAX, Duration::from_secs(1 << 62), Duration::from_secs(1 << 40)] {
        let spec = Spec { timeout: Some(limit), queue_timeout: Some(limit), ..noop(Kind::Native, 4) };
        assert_eq!(outcome(&submit(&pool, spec)), "value 4");
    }
    // The clock still ticks for others.
    let task = submit(&pool, Spec { queue_timeout: Some(SHORT), ..noop(ISOLATE, 0) });
    assert_eq!(outcome(&task), "expired");
    // The worker that the last task asked for does not come.
    pool.start_failed(ISOLATE, None, StartFailure::Died);
    close(&pool);
}

#[test]
fn native_work_knows_its_deadline() {
    let (pool, _host) = by_hand(workers(1));
    let limit = Duration::from_secs(3600);
    let task = with_control(Kind::Native, 0, move |control| {
        let control = control.unwrap();
        let left = control.remaining().unwrap();
        let at = control.deadline().unwrap();
        assert_eq!(control.task().timeout(), Some(limit));
        Ok(u64::from(left <= limit && left > limit / 2 && at > Instant::now()))
    });
    assert_eq!(outcome(&submit(&pool, Spec { timeout: Some(limit), ..task })), "value 1");
    let free = with_control(Kind::Native, 0, |control| Ok(u64::from(control.unwrap().remaining().is_none())));
    assert_eq!(outcome(&submit(&pool, free)), "value 1");
    close(&pool);
}

#[test]
fn a_worker_may_look_where_the_task_is_before_it_settles_it() {
    struct Looker;
    impl WorkerLink<Job> for Looker {
        fn wake(&self) {}
        fn stop(&self, _task: &Arc<Task<Job>>) {}
        fn expire(&self, task: &Arc<Task<Job>>) {
            assert!(task.time_out(Some("at loop.js:3".into())));
            assert!(!task.time_out(None), "once only");
        }
    }
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _host) = by_hand(workers(1));
    let worker = pool.attach(ISOLATE, Arc::new(Looker));
    submit(&pool, Spec { timeout: Some(SHORT), ..noop(ISOLATE, 0) });
    assert_eq!(outcome(&take(&worker)), "timed out at loop.js:3");
}

#[test]
fn paused_clocks_stand_still_and_go_on_from_there() {
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _host) = by_hand(workers(1));
    let before = submit(&pool, Spec { queue_timeout: Some(SHORT), ..noop(ISOLATE, 0) });
    Pause::set(true);
    if before.state() == State::Pending {
        let while_paused = submit(&pool, Spec { queue_timeout: Some(SHORT), ..noop(ISOLATE, 1) });
        std::thread::sleep(SHORT * 3);
        // The first may have been due just as the clock stopped.
        assert_eq!(while_paused.state(), State::Pending);
        Pause::set(true);
        Pause::set(false);
        assert_eq!(outcome(&while_paused), "expired");
    }
    Pause::set(false);
    wait(&before);
}

#[test]
fn the_part_of_a_pause_before_a_task_is_not_the_tasks() {
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _host) = by_hand(workers(1));
    let pause = Duration::from_secs(1);
    Pause::set(true);
    std::thread::sleep(pause);
    let submitted = Instant::now();
    let task = submit(&pool, Spec { queue_timeout: Some(SHORT), ..noop(ISOLATE, 0) });
    Pause::set(false);
    assert_eq!(outcome(&task), "expired");
    let took = submitted.elapsed();
    assert!(took < SHORT + pause * 9 / 10, "{took:?}");
}

#[test]
fn alarms_of_a_great_many_settled_tasks_are_swept() {
    let _clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, _host) = by_hand(workers(2));
    let limit = Some(Duration::from_secs(3600));
    for label in 0..50_000 {
        let task = submit(&pool, Spec { timeout: limit, queue_timeout: limit, ..noop(ISOLATE, label) });
        pool.cancel(&task, false);
    }
    let soon = submit(&pool, Spec { queue_timeout: Some(SHORT), ..noop(ISOLATE, 0) });
    assert_eq!(outcome(&soon), "expired");
}

#[test]
fn a_future_can_be_waited_for_by_many_with_and_without_limit() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, _) = attach(&pool, ISOLATE);
    let task = submit(&pool, noop(ISOLATE, 0));
    assert!(!task.wait_until(Some(Instant::now() + Duration::from_millis(1))));
    assert!(!task.wait_until(Some(Instant::now())));
    let waiters: Vec<_> = (0..4)
        .map(|_| {
            let task = task.clone();
            std::thread::spawn(move || task.wait_until(Some(Instant::now() + LIMIT)))
        })
        .collect();
    worker.finish(&take(&worker), Ok(0));
    assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap()));
    assert!(task.take_outcome().is_some() && task.take_outcome().is_none());
}

#[test]
fn what_is_expired_from_outside_times_out_only_if_it_runs() {
    let (pool, _host) = by_hand(workers(1));
    let (worker, link) = attach(&pool, Kind::Isolate);
    let running = submit(&pool, noop(Kind::Isolate, 0));
    let waiting = submit(&pool, noop(Kind::Isolate, 1));
    assert!(Arc::ptr_eq(&take(&worker), &running));
    pool.expire(&running);
    pool.expire(&waiting);
    assert_eq!(outcome(&running), "timed out ");
    assert_eq!(*link.stopped.lock().unwrap(), [running.id()]);
    assert_eq!(turn(&worker, &running), "run 1");
    assert_eq!(turn(&worker, &waiting), "nothing");
    pool.expire(&waiting);
    assert_eq!(outcome(&waiting), "value 1");
}
