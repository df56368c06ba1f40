//! Native tasks in Rust: from bytes to bytes.

use concurrent_futures_task::{Context, tasks};
use std::sync::mpsc;
use std::time::Duration;

/// About a fraction of a millisecond of work between two looks at the cancel flag.
const CHUNK: usize = 64 * 1024;

/// The input from back to front. The result is written in place, without a copy of it.
fn reverse(input: &[u8], context: &Context) -> Result<Vec<u8>, String> {
    for chunk in input.rchunks(CHUNK) {
        context.check()?;
        context.write_with(chunk.len(), |output| {
            output.copy_from_slice(chunk);
            output.reverse();
        })?;
    }
    Ok(Vec::new())
}

/// How many words a text has, as 8 bytes, least significant first.
fn count_words(input: &[u8], context: &Context) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(input).map_err(|error| format!("not a text: {error}"))?;
    let mut words = 0_u64;
    for word in text.split_whitespace() {
        if words.is_multiple_of(4096) {
            context.check()?;
        }
        words += u64::from(!word.is_empty());
    }
    Ok(words.to_le_bytes().to_vec())
}

/// Works until it is cancelled.
fn spin(_input: &[u8], context: &Context) -> Result<Vec<u8>, String> {
    loop {
        context.check()?;
        std::hint::spin_loop();
    }
}

/// Sleeps until it is cancelled; the hook wakes it.
fn wait(_input: &[u8], context: &Context) -> Result<Vec<u8>, String> {
    let (sender, receiver) = mpsc::channel();
    context.on_cancel(move || {
        let _ = sender.send(()); // nobody listens any more when the time below was up first
    });
    match receiver.recv_timeout(context.remaining().unwrap_or(Duration::MAX)) {
        Ok(()) => Err("woken by the cancellation".into()),
        Err(_) => Err("out of time".into()),
    }
}

/// Reports the share of the input that it has seen, in percent, and how much time it had at the start.
fn progress_demo(input: &[u8], context: &Context) -> Result<Vec<u8>, String> {
    let remaining = context.remaining();
    for percent in [0, 25, 50, 75, 100] {
        context.check()?;
        context.progress(format!("{percent}").as_bytes());
    }
    Ok(format!("{} bytes, {remaining:?} left", input.len()).into_bytes())
}

/// Fails with the input as its message.
fn fail(input: &[u8], _context: &Context) -> Result<Vec<u8>, String> {
    Err(String::from_utf8_lossy(input).into_owned())
}

/// Panics, which the caller sees as an error.
fn panic(input: &[u8], _context: &Context) -> Result<Vec<u8>, String> {
    panic!("on purpose, with {} bytes", input.len());
}

tasks! {
    "reverse" => reverse,
    "count_words" => count_words,
    "spin" => spin,
    "wait" => wait,
    "progress_demo" => progress_demo,
    "fail" => fail,
    "panic" => panic,
}
