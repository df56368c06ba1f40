//! The two example plug-ins, built as their texts say and run.

mod common;

use common::{CRATE, TestHost, build_c, load, run_and_cancel, scratch, succeed, task};
use concurrent_futures_task::host::{Library, PluginError};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const A_MOMENT: Duration = Duration::from_millis(50);

fn rust_plugin() -> &'static Library {
    static LIBRARY: OnceLock<&Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let target = scratch("plugin-rust");
        let manifest = Path::new(CRATE).join("../../examples/plugin-rust/Cargo.toml");
        succeed(
            Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--offline", "--manifest-path"])
                .arg(manifest)
                .arg("--target-dir")
                .arg(&target)
                .env_remove("CARGO_BUILD_TARGET")
                .env_remove("RUSTFLAGS"),
        );
        let name = format!("{}plugin_rust{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        load(&target.join("debug").join(name))
    })
}

fn c_plugin() -> &'static Library {
    static LIBRARY: OnceLock<&Library> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        load(&build_c(&Path::new(CRATE).join("../../examples/plugin-c/plugin.c"), "plugin-c"))
    })
}

fn names(library: &'static Library) -> Vec<&'static str> {
    library.tasks().map(|task| task.name()).collect()
}

#[test]
fn the_tasks_are_listed_in_order() {
    let expected = ["reverse", "count_words", "spin", "wait", "progress_demo", "fail", "panic"];
    assert_eq!(names(rust_plugin()), expected);
    assert_eq!(names(c_plugin()), ["sum_bytes", "spin", "sleep_hook"]);
}

#[test]
fn bytes_go_in_and_come_out() {
    let host = TestHost::default();
    let run = |name, input: &[u8]| task(rust_plugin(), name).run(input, &host);
    let input: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
    let reversed: Vec<u8> = input.iter().rev().copied().collect();
    assert_eq!(run("reverse", &input), Ok(reversed));
    assert_eq!(run("reverse", b""), Ok(Vec::new()));
    assert_eq!(run("count_words", b" one two\nthree "), Ok(3_u64.to_le_bytes().to_vec()));
    assert!(
        matches!(run("count_words", b"\xFF"), Err(PluginError::Failed(text)) if text.contains("not a text"))
    );

    let sum: u64 = input.iter().map(|byte| u64::from(*byte)).sum();
    let run = |name, input: &[u8]| task(c_plugin(), name).run(input, &host);
    assert_eq!(run("sum_bytes", &input), Ok(sum.to_le_bytes().to_vec()));
    assert_eq!(run("sum_bytes", b""), Ok(vec![0; 8]));
    assert_eq!(run("sleep_hook", &1_u32.to_le_bytes()), Ok(b"slept".to_vec()));
    assert_eq!(run("sleep_hook", b""), Err(PluginError::Failed("sleep_hook wants 4 bytes".into())));
}

#[test]
fn errors_and_panics_become_errors() {
    let host = TestHost::default();
    let run = |name, input: &[u8]| task(rust_plugin(), name).run(input, &host);
    assert_eq!(run("fail", "why nöt".as_bytes()), Err(PluginError::Failed("why nöt".into())));
    assert_eq!(run("fail", b""), Err(PluginError::Failed(String::new())));
    assert_eq!(run("panic", b"12"), Err(PluginError::Panicked("on purpose, with 2 bytes".into())));
}

#[test]
fn loops_that_look_at_the_flag_are_cancelled() {
    for task in [task(rust_plugin(), "spin"), task(c_plugin(), "spin")] {
        assert_eq!(run_and_cancel(task, b"", A_MOMENT), Err(PluginError::Cancelled));
        let cancelled = TestHost::default();
        cancelled.cancel();
        assert_eq!(task.run(b"", &cancelled), Err(PluginError::Cancelled));
    }
}

#[test]
fn hooks_wake_tasks_that_sleep() {
    let minute = 60_000_u32.to_le_bytes();
    for (task, input) in [(task(rust_plugin(), "wait"), &b""[..]), (task(c_plugin(), "sleep_hook"), &minute)]
    {
        let start = Instant::now();
        assert_eq!(run_and_cancel(task, input, A_MOMENT), Err(PluginError::Cancelled));
        assert!(start.elapsed() < Duration::from_secs(30));
        let cancelled = TestHost::default();
        cancelled.cancel();
        assert_eq!(task.run(input, &cancelled), Err(PluginError::Cancelled));
    }
}

#[test]
fn a_cancellation_that_meets_the_end_of_the_task_does_no_harm() {
    let task = task(c_plugin(), "sleep_hook");
    for _ in 0..300 {
        let host = TestHost::default();
        let result = std::thread::scope(|scope| {
            let running = scope.spawn(|| task.run(&1_u32.to_le_bytes(), &host));
            std::thread::sleep(Duration::from_micros(1100));
            host.cancel();
            running.join().unwrap()
        });
        assert!(matches!(result, Ok(_) | Err(PluginError::Cancelled)), "{result:?}");
    }
}

#[test]
fn progress_and_remaining_time_pass_through() {
    let host = TestHost { remaining: Some(Duration::from_secs(7)), ..TestHost::default() };
    let result = task(rust_plugin(), "progress_demo").run(b"123", &host);
    assert_eq!(result, Ok(b"3 bytes, Some(7s) left".to_vec()));
    assert_eq!(*host.progress.lock().unwrap(), [&b"0"[..], b"25", b"50", b"75", b"100"]);
    let result = task(rust_plugin(), "progress_demo").run(b"", &TestHost::default());
    assert_eq!(result, Ok(b"0 bytes, None left".to_vec()));
}

#[test]
fn one_task_runs_on_many_threads_at_once() {
    let task = task(rust_plugin(), "reverse");
    std::thread::scope(|scope| {
        for i in 0..8_u8 {
            scope.spawn(move || {
                for _ in 0..200 {
                    assert_eq!(task.run(&[i, 1, 2], &TestHost::default()), Ok(vec![2, 1, i]));
                }
            });
        }
    });
}
