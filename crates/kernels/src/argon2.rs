//! Password hashing with Argon2id (RFC 9106), as PHC strings.
//!
//! A call cannot be stopped half-way, so its cost is capped: see `MAX_WORK_KIB`. The control is asked before
//! the work starts.

use crate::{Control, KernelError};
use argon2::{Algorithm, Argon2, Params, Version};
use base64ct::{Base64Unpadded, Encoding};
use std::hint::black_box;

/// 2 GiB: the first choice of RFC 9106.
pub const MAX_MEMORY_KIB: u32 = 2 * 1024 * 1024;

/// Memory times passes, 4 GiB in all: what bounds the time of a call that nothing can stop.
pub const MAX_WORK_KIB: u64 = 4 * 1024 * 1024;

pub const MAX_PARALLELISM: u32 = 255;
pub const MIN_HASH_LENGTH: usize = 4;
pub const MAX_HASH_LENGTH: usize = 1024;
pub const MIN_SALT_LENGTH: usize = 8;
pub const MAX_SALT_LENGTH: usize = 1024;

/// The length of a random salt, as RFC 9106 recommends.
const SALT_LENGTH: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// KiB, at least 8 a lane.
    pub memory: u32,
    /// Passes over the memory.
    pub time: u32,
    /// Lanes. They are filled one after the other on the calling thread.
    pub parallelism: u32,
    /// Bytes of the hash.
    pub hash_length: usize,
}

impl Default for Cost {
    fn default() -> Self {
        Self { memory: 19_456, time: 2, parallelism: 1, hash_length: 32 }
    }
}

/// Hashes a password with the given salt, or a random one, into
/// `$argon2id$v=19$m=<memory>,t=<time>,p=<parallelism>$<salt>$<hash>`.
///
/// # Errors
/// `Range` for a cost, salt or password out of bounds, `System`, `OutOfMemory`, `Stopped` (only before the
/// work starts).
pub fn argon2id(
    password: &[u8],
    salt: Option<&[u8]>,
    cost: Cost,
    control: &dyn Control,
) -> Result<String, KernelError> {
    check_cost(cost).map_err(KernelError::Range)?;
    let mut random = [0; SALT_LENGTH];
    let salt = match salt {
        Some(salt) => salt,
        None => {
            getrandom::fill(&mut random)
                .map_err(|error| KernelError::System(format!("no random salt: {error}")))?;
            &random
        }
    };
    check_salt(salt).map_err(KernelError::Range)?;
    let hash = run(Algorithm::Argon2id, Version::V0x13, password, salt, cost, control)?;
    Ok(format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        cost.memory,
        cost.time,
        cost.parallelism,
        Base64Unpadded::encode_string(salt),
        Base64Unpadded::encode_string(&hash)
    ))
}

/// Whether `hash` is the PHC string of `password`. Takes argon2id, argon2i and argon2d, also of version 16,
/// but no string whose cost is above the caps: whoever can choose the hash could stall the pool with it.
///
/// # Errors
/// `Corrupt` for a malformed hash, `Range` for one above the caps, `OutOfMemory`, `Stopped` (only before the
/// work starts).
pub fn verify(hash: &str, password: &[u8], control: &dyn Control) -> Result<bool, KernelError> {
    let parsed =
        parse(hash).ok_or_else(|| KernelError::Corrupt("the hash is not a PHC string of Argon2".into()))?;
    check_cost(parsed.cost).map_err(KernelError::Range)?;
    check_salt(&parsed.salt).map_err(KernelError::Range)?;
    let Parsed { algorithm, version, cost, salt, hash } = parsed;
    let computed = run(algorithm, version, password, &salt, cost, control)?;
    Ok(equal(&computed, &hash))
}

fn run(
    algorithm: Algorithm,
    version: Version,
    password: &[u8],
    salt: &[u8],
    cost: Cost,
    control: &dyn Control,
) -> Result<Vec<u8>, KernelError> {
    let params = Params::new(cost.memory, cost.time, cost.parallelism, Some(cost.hash_length))
        .map_err(|error| KernelError::Range(error.to_string()))?;
    control.check()?;
    let mut hash = vec![0; cost.hash_length];
    match Argon2::new(algorithm, version, params).hash_password_into(password, salt, &mut hash) {
        Ok(()) => Ok(hash),
        Err(argon2::Error::OutOfMemory) => Err(KernelError::OutOfMemory),
        Err(error) => Err(KernelError::Range(error.to_string())),
    }
}

fn check_cost(cost: Cost) -> Result<(), String> {
    let Cost { memory, time, parallelism, hash_length } = cost;
    let check = |name: &str, value: u64, min: u64, max: u64| {
        if (min..=max).contains(&value) {
            return Ok(());
        }
        Err(format!("{name} must be an integer from {min} to {max}, not {value}"))
    };
    check("parallelism", parallelism.into(), 1, MAX_PARALLELISM.into())?;
    check("memoryCost", memory.into(), 8 * u64::from(parallelism), MAX_MEMORY_KIB.into())?;
    check("timeCost", time.into(), 1, MAX_WORK_KIB / u64::from(memory))?;
    check("hashLength", hash_length as u64, MIN_HASH_LENGTH as u64, MAX_HASH_LENGTH as u64)
}

fn check_salt(salt: &[u8]) -> Result<(), String> {
    if (MIN_SALT_LENGTH..=MAX_SALT_LENGTH).contains(&salt.len()) {
        return Ok(());
    }
    Err(format!("salt must have from {MIN_SALT_LENGTH} to {MAX_SALT_LENGTH} bytes, not {}", salt.len()))
}

struct Parsed {
    algorithm: Algorithm,
    version: Version,
    cost: Cost,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// Reads `$<algorithm>[$v=<version>]$m=<n>,t=<n>,p=<n>$<salt>$<hash>`; without a version it is 16.
fn parse(text: &str) -> Option<Parsed> {
    let (algorithm, rest) = text.strip_prefix('$')?.split_once('$')?;
    let algorithm = match algorithm {
        "argon2id" => Algorithm::Argon2id,
        "argon2i" => Algorithm::Argon2i,
        "argon2d" => Algorithm::Argon2d,
        _ => return None,
    };
    let (version, rest) = match rest.strip_prefix("v=") {
        Some(rest) => rest.split_once('$')?,
        None => ("16", rest),
    };
    let version = match version {
        "16" => Version::V0x10,
        "19" => Version::V0x13,
        _ => return None,
    };
    let mut fields = rest.split('$');
    let mut costs = fields.next()?.split(',');
    let mut number = |name| parse_number(costs.next()?.strip_prefix(name)?);
    let (memory, time, parallelism) = (number("m=")?, number("t=")?, number("p=")?);
    let salt = Base64Unpadded::decode_vec(fields.next()?).ok()?;
    let hash = Base64Unpadded::decode_vec(fields.next()?).ok()?;
    if costs.next().is_some() || fields.next().is_some() || hash.len() < MIN_HASH_LENGTH {
        return None;
    }
    let cost = Cost { memory, time, parallelism, hash_length: hash.len() };
    Some(Parsed { algorithm, version, cost, salt, hash })
}

/// A decimal as the PHC format writes it: no sign, no leading zeros.
fn parse_number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Takes the same time wherever the first difference is.
fn equal(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |difference, (a, b)| black_box(difference | (a ^ b)));
    a.len() == b.len() && difference == 0
}
