//! Prints, for each kernel, the time it takes and the longest time between two looks at the control, which is
//! how long a cancellation may have to wait. The numbers in docs/kernels.md come from
//! `cargo run --release -p concurrent-futures-kernels --example measure_kernels`.
#![allow(clippy::print_stdout)] // its purpose

use kernels::argon2::{Cost, argon2id};
use kernels::matmul::{Shape, matmul};
use kernels::{Control, KernelError, Stopped, gzip, hash, primes, select, sort, statistics, zstd};
use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const NO_LIMIT: usize = usize::MAX;

struct Gaps {
    last: Cell<Instant>,
    longest: Cell<Duration>,
}

impl Gaps {
    fn new() -> Self {
        Self { last: Cell::new(Instant::now()), longest: Cell::default() }
    }

    fn look(&self) {
        let now = Instant::now();
        self.longest.set(self.longest.get().max(now - self.last.replace(now)));
    }
}

impl Control for Gaps {
    fn check(&self) -> Result<(), Stopped> {
        self.look();
        Ok(())
    }
}

/// The best of some rounds each: the machine is shared, and what it does besides is not what we ask.
fn measure<T>(name: &str, bytes: usize, kernel: impl Fn(&dyn Control) -> Result<T, KernelError>) {
    measure_with(name, bytes, || (), |(), control| kernel(control));
}

fn measure_with<S, T>(
    name: &str,
    bytes: usize,
    prepare: impl Fn() -> S,
    kernel: impl Fn(S, &dyn Control) -> Result<T, KernelError>,
) {
    let (mut best, mut gap) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let argument = prepare();
        let gaps = Gaps::new();
        let start = Instant::now();
        black_box(kernel(argument, &gaps)).unwrap();
        best = best.min(start.elapsed());
        gaps.look();
        gap = gap.min(gaps.longest.get());
    }
    let (ms, gap) = (best.as_secs_f64() * 1e3, gap.as_secs_f64() * 1e3);
    let rate = bytes as f64 / best.as_secs_f64() / 1e6;
    println!("{name:28} {ms:9.2} ms  {rate:8.0} MB/s   longest gap {gap:7.3} ms");
}

/// Words out of 500, so that it compresses to about a third.
fn text(length: usize) -> Vec<u8> {
    let mut random = Random(7);
    let words: Vec<String> = (0..500).map(|_| format!("{:x} ", random.next() >> 40)).collect();
    let mut text = Vec::new();
    while text.len() < length {
        text.extend_from_slice(words[random.next() as usize % words.len()].as_bytes());
    }
    text.truncate(length);
    text
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn bytes() {
    let text = text(16 << 20);
    let size = text.len();
    println!("16 MiB of text");
    measure("sha256", size, |control| hash::sha256(&text, control));
    measure("blake3", size, |control| hash::blake3(&text, control));
    measure("xxh3", size, |control| hash::xxh3(&text, control));
    measure("crc32", size, |control| hash::crc32(&text, control));
    for level in [1, 6, 9] {
        measure(&format!("gzip {level}"), size, |c| gzip::gzip(&text, level, NO_LIMIT, c));
    }
    for level in [1, 3, 9, 19] {
        measure(&format!("zstd {level}"), size, |c| zstd::zstd(&text, level, NO_LIMIT, c));
    }
    let packed = gzip::gzip(&text, 6, NO_LIMIT, &Gaps::new()).unwrap();
    measure("gunzip", size, |control| gzip::gunzip(&packed, NO_LIMIT, control));
    let packed = zstd::zstd(&text, 3, NO_LIMIT, &Gaps::new()).unwrap();
    measure("unzstd", size, |control| zstd::unzstd(&packed, NO_LIMIT, control));
}

fn numbers() {
    let mut random = Random(3);
    for count in [10_000, 1_000_000, 8_000_000] {
        let values: Vec<f64> = (0..count).map(|_| random.unit()).collect();
        let size = size_of_val(&values[..]);
        println!("{count} random f64");
        let copy = || values.clone();
        measure_with("sort", size, copy, |mut values, control| sort::sort(&mut values, control));
        measure("select, the median", size, |control| select::select(&values, count / 2, control));
        measure("statistics", size, |control| statistics::statistics(&values, control));
        let floats: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        measure("statistics of f32", size / 2, |control| statistics::statistics(&floats, control));
    }
    for side in [512, 1024] {
        let values: Vec<f64> = (0..side * side).map(|_| random.unit()).collect();
        let shape = Shape { m: side, k: side, n: side };
        let size = size_of_val(&values[..]);
        measure(&format!("matmul {side}"), size, |c| matmul(&values, &values, shape, c));
    }
}

fn main() {
    bytes();
    numbers();
    for limit in [1_000_000, 1_000_000_000, 10_000_000_000, primes::MAX_LIMIT] {
        measure(&format!("countPrimes {limit}"), 0, |c| primes::count_primes(limit, c));
    }
    let mut cost = Cost::default();
    measure("argon2id, default cost", 0, |c| argon2id(b"password", None, cost, c));
    cost = Cost { memory: 1 << 20, time: 4, ..cost };
    measure("argon2id, the highest cost", 0, |c| argon2id(b"password", None, cost, c));
}
