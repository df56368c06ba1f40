//! Errors that the addon makes itself, as values: a description that TypeScript makes an error of
//! (lib/errors/description.ts).

use std::sync::Arc;

use crate::js::{self, Env, Fault, OUT_OF_MEMORY, no_memory};
use crate::values::value::{FORM_ERROR, Packed, Value};

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
    Arc::new(Packed { form: FORM_ERROR, value: Value::Text(text.into()) })
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

/// The error for what came from another process and had no room here.
pub(crate) fn without_memory(bytes: usize) -> Arc<Packed> {
    failure("Error", OUT_OF_MEMORY, &no_memory(bytes))
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

/// The error for a value that cannot leave its process.
pub(crate) fn unsendable(what: &str) -> Arc<Packed> {
    let message = format!("{what} cannot leave its process");
    let text = format!(r#"{{"class":"DOMException","name":"DataCloneError","message":"{message}"}}"#);
    Arc::new(Packed { form: FORM_ERROR, value: Value::Text(text.into()) })
}
