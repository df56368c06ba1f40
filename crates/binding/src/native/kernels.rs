//! The kernels as tasks: arguments in, a packed value out. TypeScript has checked the arguments, made
//! them positional and filled in the defaults (lib/tasks/native-arguments.ts).

use std::sync::Arc;

use kernels::argon2::{self, Cost};
use kernels::matmul::Shape;
use kernels::statistics::{Element, Statistics};
use kernels::{Control, KernelError, gzip, hash, primes, select, sort, statistics, zstd};

use crate::js::{
    FLOAT32_ARRAY, FLOAT64_ARRAY, INT8_ARRAY, INT16_ARRAY, INT32_ARRAY, OUT_OF_MEMORY, UINT8_ARRAY,
    UINT8_CLAMPED_ARRAY, UINT16_ARRAY, UINT32_ARRAY, shared_enum, shared_numbers,
};
use crate::native::arguments::{bytes, copy, float, numbers, numbers_in, size, take_bytes};
use crate::values::elements::{Pod, memory_of};
use crate::values::failure::{TOO_LARGE, failure};
use crate::values::value::{Args, FORM_CLONED, Packed, Value};

shared_enum! {
    pub(crate) enum Kernel = "KERNEL": u32 {
        CountPrimes = 1,
        Sha256 = 2,
        Blake3 = 3,
        Xxh3 = 4,
        Crc32 = 5,
        Gzip = 6,
        Gunzip = 7,
        Zstd = 8,
        Unzstd = 9,
        Sort = 10,
        Select = 11,
        Statistics = 12,
        Matmul = 13,
        Argon2id = 14,
        Argon2Verify = 15,
    }
}

shared_numbers! {
    /// The bounds and the defaults of their options that TypeScript checks and fills in.
    pub(crate) LEVELS = "LEVEL": i32 {
        GZIP_MIN = gzip::MIN_LEVEL,
        GZIP_MAX = gzip::MAX_LEVEL,
        GZIP_DEFAULT = gzip::DEFAULT_LEVEL,
        ZSTD_MIN = zstd::MIN_LEVEL,
        ZSTD_MAX = zstd::MAX_LEVEL,
        ZSTD_DEFAULT = zstd::DEFAULT_LEVEL,
    }
}

/// Runs kernel number `kernel`.
pub(crate) fn run(kernel: u32, args: Args, control: &dyn Control) -> Result<Packed, Arc<Packed>> {
    let Some(kernel) = Kernel::from_number(kernel) else {
        return Err(explain(&no_such_task()));
    };
    let result = match kernel {
        Kernel::Sort => {
            take_bytes(args.values, control).and_then(|memory| sorted(memory, control)).map(Packed::as_is)
        }
        Kernel::Statistics => summary(args.values.as_slice(), control).map(cloned),
        _ => run_kernel(kernel, args.values.as_slice(), control).map(Packed::as_is),
    };
    result.map_err(|error| explain(&error))
}

fn no_such_task() -> KernelError {
    KernelError::Type("no such native task".into())
}

fn cloned(value: Value) -> Packed {
    Packed { form: FORM_CLONED, value }
}

fn run_kernel(kernel: Kernel, args: &[Value], control: &dyn Control) -> Result<Value, KernelError> {
    let input = || bytes(args, 0, control);
    Ok(match kernel {
        Kernel::CountPrimes => Value::Number(primes::count_primes(float(args, 0) as u64, control)? as f64),
        Kernel::Sha256 => uint8(hash::sha256(&input()?, control)?.into()),
        Kernel::Blake3 => uint8(hash::blake3(&input()?, control)?.into()),
        Kernel::Xxh3 => Value::BigInt { negative: false, words: Box::new([hash::xxh3(&input()?, control)?]) },
        Kernel::Crc32 => Value::Number(hash::crc32(&input()?, control)?.into()),
        Kernel::Gzip => uint8(gzip::gzip(&input()?, float(args, 1) as i32, size(args, 2), control)?),
        Kernel::Gunzip => uint8(gzip::gunzip(&input()?, size(args, 1), control)?),
        Kernel::Zstd => uint8(zstd::zstd(&input()?, float(args, 1) as i32, size(args, 2), control)?),
        Kernel::Unzstd => uint8(zstd::unzstd(&input()?, size(args, 1), control)?),
        Kernel::Select => Value::Number(select::select(&numbers(args, 0)?, size(args, 1), control)?),
        Kernel::Matmul => {
            let shape = Shape { m: size(args, 2), k: size(args, 3), n: size(args, 4) };
            let product = kernels::matmul::matmul(&numbers(args, 0)?, &numbers(args, 1)?, shape, control)?;
            float64(&product, control)?
        }
        Kernel::Argon2id => argon2id(args, control)?,
        Kernel::Argon2Verify => {
            let hash = input()?;
            Value::Bool(argon2::verify(&String::from_utf8_lossy(&hash), &bytes(args, 1, control)?, control)?)
        }
        // See `run`.
        Kernel::Sort | Kernel::Statistics => return Err(no_such_task()),
    })
}

fn argon2id(args: &[Value], control: &dyn Control) -> Result<Value, KernelError> {
    let password = bytes(args, 0, control)?;
    let given = bytes(args, 1, control)?;
    let salt = (!matches!(args.get(1), Some(Value::Undefined))).then_some(&*given);
    let cost = Cost {
        memory: float(args, 2) as u32,
        time: float(args, 3) as u32,
        parallelism: float(args, 4) as u32,
        hash_length: size(args, 5),
    };
    argon2::argon2id(&password, salt, cost, control).map(|text| Value::Text(text.into()))
}

/// Sorts in the memory of the argument, which becomes the result.
fn sorted(mut memory: Vec<u8>, control: &dyn Control) -> Result<Value, KernelError> {
    if let Some(numbers) = numbers_in(&mut memory) {
        sort::sort(numbers, control)?;
        return Ok(Value::Bytes { view: FLOAT64_ARRAY, bytes: memory.into() });
    }
    let args = [Value::Bytes { view: FLOAT64_ARRAY, bytes: memory.into() }];
    let mut list = numbers::<f64>(&args, 0)?.into_owned();
    sort::sort(&mut list, control)?;
    float64(&list, control)
}

/// Any of the typed arrays whose elements are numbers.
fn summary(args: &[Value], control: &dyn Control) -> Result<Value, KernelError> {
    fn of<T: Pod + Element>(args: &[Value], control: &dyn Control) -> Result<Statistics, KernelError> {
        statistics::statistics(&numbers::<T>(args, 0)?, control)
    }
    let view = match args.first() {
        Some(Value::Bytes { view, .. }) => *view,
        Some(Value::Lent(lent)) => lent.view,
        _ => -1,
    };
    let found = match view {
        INT8_ARRAY => of::<i8>(args, control),
        UINT8_ARRAY | UINT8_CLAMPED_ARRAY => of::<u8>(args, control),
        INT16_ARRAY => of::<i16>(args, control),
        UINT16_ARRAY => of::<u16>(args, control),
        INT32_ARRAY => of::<i32>(args, control),
        UINT32_ARRAY => of::<u32>(args, control),
        FLOAT32_ARRAY => of::<f32>(args, control),
        FLOAT64_ARRAY => of::<f64>(args, control),
        _ => Err(KernelError::Type("statistics takes a typed array of numbers".into())),
    }?;
    let Statistics { count, sum, min, max, mean, variance } = found;
    Ok(uint8(serialize_object(&[
        ("count", count as f64),
        ("sum", sum),
        ("min", min),
        ("max", max),
        ("mean", mean),
        ("variance", variance),
    ])))
}

/// An object of numbers in the format of `v8.Serializer`, since JSON has neither NaN nor -0. Each reader of
/// V8 reads all older versions of the format; 13 is older than any Node that can load this.
fn serialize_object(properties: &[(&str, f64)]) -> Vec<u8> {
    const HEADER: [u8; 3] = [0xff, 13, b'o'];
    let mut out = Vec::from(HEADER);
    for (key, value) in properties {
        out.extend([b'"', key.len() as u8]);
        out.extend(key.as_bytes());
        out.push(b'N');
        out.extend(value.to_ne_bytes());
    }
    out.extend([b'{', properties.len() as u8]);
    out
}

fn uint8(bytes: Vec<u8>) -> Value {
    Value::Bytes { view: UINT8_ARRAY, bytes: bytes.into() }
}

fn float64(numbers: &[f64], control: &dyn Control) -> Result<Value, KernelError> {
    Ok(Value::Bytes { view: FLOAT64_ARRAY, bytes: copy(memory_of(numbers), control)?.into() })
}

pub(crate) fn explain(error: &KernelError) -> Arc<Packed> {
    let message = error.to_string();
    match error {
        KernelError::Type(_) => failure("TypeError", "", &message),
        KernelError::Range(_) => failure("RangeError", "", &message),
        KernelError::TooLarge { .. } => failure("RangeError", TOO_LARGE, &message),
        KernelError::OutOfMemory => failure("Error", OUT_OF_MEMORY, &message),
        KernelError::Stopped | KernelError::Corrupt(_) | KernelError::System(_) => {
            failure("Error", "", &message)
        }
    }
}
