//! What several test files need.
#![allow(dead_code)] // no file uses all of it

use kernels::{Control, Stopped};
use std::cell::Cell;

/// xorshift64*: the same numbers in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// Text-like bytes that compress to about a third.
pub(crate) fn compressible(count: usize) -> Vec<u8> {
    let mut random = Random(7);
    let words: Vec<String> = (0..500).map(|_| format!("{:x} ", random.next() >> 40)).collect();
    let mut text = Vec::with_capacity(count + 16);
    while text.len() < count {
        text.extend_from_slice(words[random.next() as usize % words.len()].as_bytes());
    }
    text.truncate(count);
    text
}

/// Lets a number of checks pass, then stops.
pub(crate) struct StopAfter(pub(crate) Cell<usize>);

impl Control for StopAfter {
    fn check(&self) -> Result<(), Stopped> {
        let left = self.0.get().checked_sub(1).ok_or(Stopped)?;
        self.0.set(left);
        Ok(())
    }
}

/// Counts the checks.
#[derive(Default)]
pub(crate) struct Counter(pub(crate) Cell<usize>);

impl Control for Counter {
    fn check(&self) -> Result<(), Stopped> {
        self.0.set(self.0.get() + 1);
        Ok(())
    }
}
