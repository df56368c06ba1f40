//! Every kernel that can stop half-way does so at whatever check it is told to, and asks often enough.

mod common;

use common::{Counter, Random, StopAfter, compressible};
use kernels::matmul::{Shape, matmul};
use kernels::{Control, KernelError, gzip, hash, primes, select, sort, statistics, zstd};
use std::cell::Cell;

const NO_LIMIT: usize = usize::MAX;

/// Runs to the end counting checks, then stops the kernel at the first, a middle and the last of them.
fn stops<T>(name: &str, at_least: usize, kernel: impl Fn(&dyn Control) -> Result<T, KernelError>) {
    let counter = Counter::default();
    assert!(kernel(&counter).is_ok(), "{name}");
    let checks = counter.0.get();
    assert!(checks >= at_least, "{name} looked only {checks} times");
    for after in [0, checks / 2, checks - 1] {
        let result = kernel(&StopAfter(Cell::new(after)));
        assert!(matches!(result, Err(KernelError::Stopped)), "{name} after {after} of {checks} checks");
    }
}

#[test]
fn kernels_over_bytes_stop() {
    let text = compressible(4 << 20);
    let bytes = &text[..];
    stops("sha256", 32, |control| hash::sha256(bytes, control));
    stops("blake3", 32, |control| hash::blake3(bytes, control));
    stops("xxh3", 32, |control| hash::xxh3(bytes, control));
    stops("crc32", 32, |control| hash::crc32(bytes, control));
    stops("gzip", 64, |control| gzip::gzip(bytes, 6, NO_LIMIT, control));
    stops("zstd", 32, |control| zstd::zstd(bytes, 3, NO_LIMIT, control));
    let packed = gzip::gzip(bytes, 6, NO_LIMIT, &Counter::default()).unwrap();
    stops("gunzip", 16, |control| gzip::gunzip(&packed, NO_LIMIT, control));
    let packed = zstd::zstd(bytes, 3, NO_LIMIT, &Counter::default()).unwrap();
    stops("unzstd", 16, |control| zstd::unzstd(&packed, NO_LIMIT, control));
    let bomb = gzip::gzip(&vec![0; 64 << 20], 9, NO_LIMIT, &Counter::default()).unwrap();
    stops("gunzip of a bomb", 256, |control| gzip::gunzip(&bomb, NO_LIMIT, control));
}

#[test]
fn kernels_over_numbers_stop() {
    let mut random = Random(13);
    let values: Vec<f64> = (0..1 << 20).map(|_| random.unit()).collect();
    stops("sort", 100, |control| sort::sort(&mut values.clone(), control));
    stops("select", 16, |control| select::select(&values, values.len() / 2, control));
    stops("statistics", 4, |control| statistics::statistics(&values, control));
    let shape = Shape { m: 512, k: 512, n: 512 };
    let square = &values[..512 * 512];
    stops("matmul", 8, |control| matmul(square, square, shape, control));
    stops("countPrimes", 100, |control| primes::count_primes(100_000_000_000, control));
}
