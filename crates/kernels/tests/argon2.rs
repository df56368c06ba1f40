//! Argon2 against the reference implementation's own vectors, and its limits.

mod common;

use common::StopAfter;
use kernels::argon2::{Cost, MAX_MEMORY_KIB, argon2id, verify};
use kernels::{KernelError, Unstoppable};
use std::cell::Cell;

const CHEAP: Cost = Cost { memory: 64, time: 1, parallelism: 2, hash_length: 32 };

#[test]
fn the_vectors_of_the_reference_implementation() {
    let cost = Cost { memory: 65_536, time: 2, parallelism: 1, hash_length: 32 };
    let expected = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let hash = argon2id(b"password", Some(b"somesalt"), cost, &Unstoppable);
    assert_eq!(hash.as_deref(), Ok(expected));
    for hash in [
        expected,
        "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ", // version 16
    ] {
        assert_eq!(verify(hash, b"password", &Unstoppable), Ok(true), "{hash}");
        assert_eq!(verify(hash, b"Password", &Unstoppable), Ok(false), "{hash}");
    }
}

#[test]
fn hashes_of_all_lengths_verify() {
    for hash_length in [4, 32, 65, 1024] {
        for salt in [None, Some(&b"12345678"[..]), Some(&[7; 100])] {
            let cost = Cost { hash_length, ..CHEAP };
            let hash = argon2id(b"", salt, cost, &Unstoppable).unwrap();
            assert_eq!(verify(&hash, b"", &Unstoppable), Ok(true));
            assert_eq!(verify(&hash, b"x", &Unstoppable), Ok(false));
        }
    }
}

#[test]
fn random_salts_differ() {
    let hash = || argon2id(b"password", None, CHEAP, &Unstoppable).unwrap();
    assert_ne!(hash(), hash());
}

#[test]
fn costs_and_salts_out_of_bounds_are_errors() {
    for cost in [
        Cost { memory: 15, ..CHEAP },
        Cost { memory: MAX_MEMORY_KIB + 1, ..CHEAP },
        Cost { memory: MAX_MEMORY_KIB, time: 3, ..CHEAP },
        Cost { memory: u32::MAX, ..CHEAP },
        Cost { time: 0, ..CHEAP },
        Cost { time: u32::MAX, ..CHEAP },
        Cost { parallelism: 0, ..CHEAP },
        Cost { memory: 4096, parallelism: 256, ..CHEAP },
        Cost { parallelism: u32::MAX, ..CHEAP },
        Cost { hash_length: 3, ..CHEAP },
        Cost { hash_length: 1025, ..CHEAP },
    ] {
        let result = argon2id(b"password", None, cost, &Unstoppable);
        assert!(matches!(result, Err(KernelError::Range(_))), "{cost:?}");
    }
    for salt in [&b""[..], b"1234567", &[0; 1025]] {
        let result = argon2id(b"password", Some(salt), CHEAP, &Unstoppable);
        assert!(matches!(result, Err(KernelError::Range(_))));
    }
}

#[test]
fn a_malformed_hash_is_corrupt_and_an_expensive_one_out_of_range() {
    let salt_and_hash = "c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    for head in [
        "",
        "$",
        "$argon2id",
        "$argon2id$",
        "argon2id$v=19$m=64,t=1,p=1$",
        "$argon2x$v=19$m=64,t=1,p=1$",
        "$argon2id$v=18$m=64,t=1,p=1$",
        "$argon2id$v=19$m=064,t=1,p=1$",
        "$argon2id$v=19$m=+64,t=1,p=1$",
        "$argon2id$v=19$t=1,m=64,p=1$",
        "$argon2id$v=19$m=64,t=1$",
        "$argon2id$v=19$m=64,t=1,p=1,x=1$",
        "$argon2id$v=19$m=64,t=1,p=99999999999$",
        "$argon2id$v=19$m=64,t=1,p=1$$",
    ] {
        let hash = format!("{head}{salt_and_hash}");
        let result = verify(&hash, b"password", &Unstoppable);
        assert!(matches!(result, Err(KernelError::Corrupt(_))), "{hash}: {result:?}");
    }
    for tail in [
        "c29tZXNhbHQ",
        "c29tZXNhbHQ$",
        "c29tZXNhbHQ$AA",
        "c29tZXNhbHQ=$CTFhFdXPJO1a",
        "c29t$%%%%%%%%",
        "c29tZXNhbHQ$CTFhFdXPJO1a$",
        "c29tZXNhbHQ$CTFhFdXPJO1aé",
    ] {
        let hash = format!("$argon2id$v=19$m=64,t=1,p=1${tail}");
        let result = verify(&hash, b"password", &Unstoppable);
        assert!(matches!(result, Err(KernelError::Corrupt(_))), "{hash}: {result:?}");
    }
    for cost in ["m=4294967295,t=1,p=1", "m=65536,t=4294967295,p=1", "m=8,t=1,p=2"] {
        let hash = format!("$argon2id$v=19${cost}${salt_and_hash}");
        let result = verify(&hash, b"password", &Unstoppable);
        assert!(matches!(result, Err(KernelError::Range(_))), "{hash}: {result:?}");
    }
}

#[test]
fn a_stopped_task_does_not_start() {
    let result = argon2id(b"password", None, Cost::default(), &StopAfter(Cell::new(0)));
    assert_eq!(result, Err(KernelError::Stopped));
}
