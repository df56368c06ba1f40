//! Prints what an empty run of a plug-in's task costs: `cargo run --release -p concurrent-futures-task
//! --features host --example measure_plugin -- <library> <task>`.
#![allow(clippy::print_stdout)] // its purpose

use concurrent_futures_task::host::{Host, Library};
use std::hint::black_box;
use std::sync::atomic::AtomicU8;
use std::time::{Duration, Instant};

const RUNS: u32 = 1_000_000;
const ROUNDS: usize = 9;

struct Idle(AtomicU8);

impl Host for Idle {
    fn cancel_flag(&self) -> &AtomicU8 {
        &self.0
    }

    fn on_cancel(&self, _hook: Box<dyn FnOnce() + Send>) {}

    fn progress(&self, _bytes: Vec<u8>) {}

    fn remaining(&self) -> Option<Duration> {
        None
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (path, name) =
        arguments.next().zip(arguments.next()).ok_or("usage: measure_plugin <library> <task>")?;
    // SAFETY: whoever runs this names the library and vouches for it.
    let library = unsafe { Library::load(path) }?;
    let task = library.tasks().find(|task| task.name() == name).ok_or("no such task")?;
    let host = Idle(AtomicU8::new(0));
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..RUNS {
            let _ = black_box(task.run(black_box(b""), &host));
        }
        best = best.min(start.elapsed());
    }
    println!("{:.1} ns a run of {name}", best.as_secs_f64() * 1e9 / f64::from(RUNS));
    Ok(())
}
