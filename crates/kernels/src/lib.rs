//! The native tasks that concurrent-futures ships. Pure functions of their arguments and a [`Control`];
//! nothing here knows of threads, pools or JavaScript. `docs/kernels.md` tells how fast they are and how each
//! one is stopped.

#![deny(unsafe_code)] // allowed in matmul.rs and statistics.rs, for one call each

pub mod argon2;
mod control;
mod error;
pub mod gzip;
pub mod hash;
pub mod matmul;
mod order;
mod output;
pub mod primes;
pub mod select;
pub mod sort;
pub mod statistics;
pub mod zstd;

pub use control::{Control, Stopped, Unstoppable};
pub use error::KernelError;
