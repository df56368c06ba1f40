//! The kernels as tasks: arguments in, a packed value out. TypeScript has checked the arguments, made
//! them positional and filled in the defaults (lib/native.ts).

use std::sync::Arc;

use kernels::KernelError;
use pool::Control;

use crate::value::{Args, Packed, Value};
use crate::work::JsWork;

/// The form of an error made here: a JSON object that TypeScript turns into an error (lib/errors-codec.ts).
const FORM_ERROR: u8 = 33;

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
    let value = if text.is_ascii() {
        Value::Latin1(text.into_bytes().into_boxed_slice())
    } else {
        Value::Utf16(text.encode_utf16().collect())
    };
    Arc::new(Packed { form: FORM_ERROR, value })
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

struct Stop<'a, 'b>(&'a Control<'b, JsWork>);

impl kernels::Control for Stop<'_, '_> {
    fn check(&self) -> Result<(), kernels::Stopped> {
        if self.0.cancelled() { Err(kernels::Stopped) } else { Ok(()) }
    }
}

/// Runs kernel number `kernel`; the numbers are shared with lib/native.ts.
pub(crate) fn run(kernel: u32, args: Args, control: &Control<'_, JsWork>) -> Result<Packed, Arc<Packed>> {
    let stop = Stop(control);
    let args = args.values.as_slice();
    let result = match kernel {
        0 => Ok(Value::Undefined),
        1 => kernels::primes::count_primes(number(args, 0) as u64, &stop)
            .map(|count| Value::Number(count as f64)),
        2 => kernels::hash::sha256(bytes(args, 0), &stop).map(|digest| uint8(&digest)),
        3 => kernels::hash::blake3(bytes(args, 0), &stop).map(|digest| uint8(&digest)),
        _ => Err(KernelError::Type("no such native task".into())),
    };
    match result {
        Ok(value) => Ok(Packed { form: 0, value }),
        Err(error) => Err(explain(&error)),
    }
}

fn explain(error: &KernelError) -> Arc<Packed> {
    let message = error.to_string();
    match error {
        KernelError::Type(_) => failure("TypeError", "", &message),
        KernelError::Range(_) => failure("RangeError", "", &message),
        KernelError::TooLarge { .. } => failure("RangeError", "ERR_BUFFER_TOO_LARGE", &message),
        _ => failure("Error", "", &message),
    }
}

fn number(args: &[Value], index: usize) -> f64 {
    match args.get(index) {
        Some(Value::Number(number)) => *number,
        _ => 0.0,
    }
}

fn bytes(args: &[Value], index: usize) -> &[u8] {
    match args.get(index) {
        Some(Value::Bytes { bytes, .. }) => bytes,
        _ => &[],
    }
}

fn uint8(bytes: &[u8]) -> Value {
    const UINT8_ARRAY: i32 = 1;
    Value::Bytes { view: UINT8_ARRAY, bytes: bytes.to_vec() }
}
