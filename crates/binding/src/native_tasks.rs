//! The kernels as tasks: arguments in, a packed value out. TypeScript has checked the arguments, made
//! them positional and filled in the defaults (lib/native.ts).

use std::sync::Arc;

use kernels::KernelError;
use kernels::argon2::{self, Cost};
use kernels::matmul::Shape;
use kernels::statistics::{Element, Statistics};
use kernels::{gzip, hash, primes, select, sort, statistics, zstd};
use pool::Control;

use crate::js::{
    self, Env, FLOAT32_ARRAY, FLOAT64_ARRAY, Fault, INT8_ARRAY, INT16_ARRAY, INT32_ARRAY, OUT_OF_MEMORY,
    UINT8_ARRAY, UINT8_CLAMPED_ARRAY, UINT16_ARRAY, UINT32_ARRAY,
};
use crate::native_arguments::{Plain, bytes, copy, memory_of, number, numbers, numbers_in, size, take_bytes};
use crate::plugins;
use crate::value::{Args, Packed, Value};
use crate::work::JsWork;

/// How TypeScript reads a value (lib/codec.ts): as it is; bytes of `v8.Serializer`; a description of an error
/// as JSON (lib/error-codec.ts).
pub(crate) const AS_IS: u8 = 0;
const CLONED: u8 = 2;
const FORM_ERROR: u8 = 33;

/// Node's own code for a result that is longer than it may be.
pub(crate) const TOO_LARGE: &str = "ERR_BUFFER_TOO_LARGE";

/// An error of class `name` for JavaScript.
pub(crate) fn failure(name: &str, code: &str, message: &str) -> Arc<Packed> {
    let mut text = String::from("{\"class\":");
    quote(&mut text, name);
    text.push_str(",\"message\":");
    quote(&mut text, message);
    if !code.is_empty() {
        text.push_str(",\"code\":");
        quote(&mut text, code);
    }
    text.push('}');
    Arc::new(Packed { form: FORM_ERROR, value: string(text) })
}

/// The error for `what`, which could not be made in an isolate or read from it.
pub(crate) fn unmade(env: Env, fault: Fault, what: &str) -> Arc<Packed> {
    let _ = js::take_exception(env);
    match fault {
        Fault::Throw { code, message } => failure("Error", code, &message),
        // Only what needs memory throws by itself.
        Fault::Pending => failure("Error", OUT_OF_MEMORY, &format!("no memory for {what}")),
    }
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\u{0}'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", character as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}

fn string(text: String) -> Value {
    if text.is_ascii() {
        Value::Latin1(text.into_bytes().into_boxed_slice())
    } else {
        Value::Utf16(text.encode_utf16().collect())
    }
}

/// The pool's control as the kernels know it.
pub(crate) struct Stop<'a, 'b>(pub(crate) &'a Control<'b, JsWork>);

impl kernels::Control for Stop<'_, '_> {
    fn check(&self) -> Result<(), kernels::Stopped> {
        if self.0.cancelled() { Err(kernels::Stopped) } else { Ok(()) }
    }
}

/// Runs native task number `kernel`; the numbers of the kernels are shared with lib/native.ts.
pub(crate) fn run(kernel: u32, args: Args, control: &Control<'_, JsWork>) -> Result<Packed, Arc<Packed>> {
    if kernel >= plugins::FIRST {
        return plugins::run(kernel, &args, control);
    }
    let stop = Stop(control);
    let result = match kernel {
        11 => take_bytes(args.values, &stop).and_then(|memory| sorted(memory, &stop)).map(as_is),
        13 => summary(args.values.as_slice(), &stop).map(cloned),
        _ => run_kernel(kernel, args.values.as_slice(), &stop).map(as_is),
    };
    result.map_err(|error| explain(&error))
}

fn as_is(value: Value) -> Packed {
    Packed { form: AS_IS, value }
}

fn cloned(value: Value) -> Packed {
    Packed { form: CLONED, value }
}

fn run_kernel(kernel: u32, args: &[Value], stop: &Stop<'_, '_>) -> Result<Value, KernelError> {
    let input = || bytes(args, 0, stop);
    Ok(match kernel {
        1 => Value::Number(primes::count_primes(number(args, 0) as u64, stop)? as f64),
        2 => uint8(hash::sha256(&input()?, stop)?.into()),
        3 => uint8(hash::blake3(&input()?, stop)?.into()),
        4 => Value::BigInt { negative: false, words: Box::new([hash::xxh3(&input()?, stop)?]) },
        5 => Value::Number(hash::crc32(&input()?, stop)?.into()),
        6 => uint8(gzip::gzip(&input()?, number(args, 1) as i32, size(args, 2), stop)?),
        7 => uint8(gzip::gunzip(&input()?, size(args, 1), stop)?),
        8 => uint8(zstd::zstd(&input()?, number(args, 1) as i32, size(args, 2), stop)?),
        9 => uint8(zstd::unzstd(&input()?, size(args, 1), stop)?),
        12 => Value::Number(select::select(&numbers(args, 0), size(args, 1), stop)?),
        14 => {
            let shape = Shape { m: size(args, 2), k: size(args, 3), n: size(args, 4) };
            let product = kernels::matmul::matmul(&numbers(args, 0), &numbers(args, 1), shape, stop)?;
            float64(&product, stop)?
        }
        15 => argon2id(args, stop)?,
        16 => {
            let hash = input()?;
            Value::Bool(argon2::verify(&String::from_utf8_lossy(&hash), &bytes(args, 1, stop)?, stop)?)
        }
        _ => return Err(KernelError::Type("no such native task".into())),
    })
}

fn argon2id(args: &[Value], stop: &Stop<'_, '_>) -> Result<Value, KernelError> {
    let password = bytes(args, 0, stop)?;
    let given = bytes(args, 1, stop)?;
    let salt = (!matches!(args.get(1), Some(Value::Undefined))).then_some(&*given);
    let cost = Cost {
        memory: number(args, 2) as u32,
        time: number(args, 3) as u32,
        parallelism: number(args, 4) as u32,
        hash_length: size(args, 5),
    };
    argon2::argon2id(&password, salt, cost, stop).map(string)
}

/// Sorts in the memory of the argument, which becomes the result.
fn sorted(mut memory: Vec<u8>, stop: &Stop<'_, '_>) -> Result<Value, KernelError> {
    if let Some(numbers) = numbers_in(&mut memory) {
        sort::sort(numbers, stop)?;
        return Ok(Value::Bytes { view: FLOAT64_ARRAY, bytes: memory });
    }
    let args = [Value::Bytes { view: FLOAT64_ARRAY, bytes: memory }];
    let mut list = numbers::<f64>(&args, 0).into_owned();
    sort::sort(&mut list, stop)?;
    float64(&list, stop)
}

/// Any of the typed arrays whose elements are numbers.
fn summary(args: &[Value], stop: &Stop<'_, '_>) -> Result<Value, KernelError> {
    fn of<T: Plain + Element>(args: &[Value], stop: &Stop<'_, '_>) -> Result<Statistics, KernelError> {
        statistics::statistics(&numbers::<T>(args, 0), stop)
    }
    let view = match args.first() {
        Some(Value::Bytes { view, .. }) => *view,
        Some(Value::Lent(lent)) => lent.view,
        _ => -1,
    };
    let found = match view {
        INT8_ARRAY => of::<i8>(args, stop),
        UINT8_ARRAY | UINT8_CLAMPED_ARRAY => of::<u8>(args, stop),
        INT16_ARRAY => of::<i16>(args, stop),
        UINT16_ARRAY => of::<u16>(args, stop),
        INT32_ARRAY => of::<i32>(args, stop),
        UINT32_ARRAY => of::<u32>(args, stop),
        FLOAT32_ARRAY => of::<f32>(args, stop),
        FLOAT64_ARRAY => of::<f64>(args, stop),
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

/// An object of numbers in the format of `v8.Serializer`, since JSON has neither NaN nor -0. Each reader of V8
/// reads all older versions of the format; 13 is older than any Node that can load this.
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
    Value::Bytes { view: UINT8_ARRAY, bytes }
}

fn float64(numbers: &[f64], stop: &Stop<'_, '_>) -> Result<Value, KernelError> {
    Ok(Value::Bytes { view: FLOAT64_ARRAY, bytes: copy(memory_of(numbers), stop)? })
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
