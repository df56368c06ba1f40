//! What both languages must agree on, as one text: the numbers of every family, then the names of the calls.
//! lib/addon/seam.ts is written from it by the build; lib/addon/drift.ts compares the two at load.

use std::ffi::CStr;

use crate::calls::call::Callback;
use crate::calls::{future, pool, snapshot, submit};
use crate::isolate::{header, row, run};
use crate::js::Family;
use crate::native::kernels;
use crate::tasks::{counts, news, pool_event, port_value, recorder};
use crate::values::value;
use crate::worker::loaded_functions;

const FAMILIES: &[Family] = &[
    header::LAYOUT,
    header::scratch::PLACES,
    row::RowKind::SHARED,
    row::KIND_BITS,
    row::UNITS,
    pool_event::PoolEvent::SHARED,
    run::DISPATCH,
    submit::SUBMIT_FLAGS,
    submit::REFUSALS,
    future::STATES,
    value::FORMS,
    port_value::UNITS,
    loaded_functions::Loaded::SHARED,
    pool::StartFailed::SHARED,
    counts::STATS,
    news::WorkerEvent::SHARED,
    recorder::TraceRow::SHARED,
    recorder::CELLS,
    counts::SUMMARY,
    snapshot::DUMP,
    snapshot::DumpState::SHARED,
    snapshot::KINDS,
    kernels::Kernel::SHARED,
    kernels::LEVELS,
];

/// A line for each: `NAME = number`; `call name`; and, for the build only, `# file` before the numbers that
/// are declared in it.
pub(crate) fn text(calls: &[(&CStr, Callback)], with_files: bool) -> String {
    let mut lines = Vec::new();
    for Family { prefix, file, numbers } in FAMILIES {
        if with_files {
            lines.push(format!("# {}", file.replace('\\', "/")));
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}_") };
        lines.extend(numbers.iter().map(|(name, number)| format!("{prefix}{} = {number}", constant(name))));
    }
    lines.extend(calls.iter().map(|(name, _)| format!("call {}", name.to_string_lossy())));
    lines.join("\n")
}

/// The name of a constant: `TimedOut` is `TIMED_OUT`; one that is in capitals stays as it is.
fn constant(name: &str) -> String {
    let mut out = String::new();
    let mut was_small = false;
    for character in name.chars() {
        if character.is_uppercase() && was_small {
            out.push('_');
        }
        was_small = character.is_lowercase() || character.is_ascii_digit();
        out.extend(character.to_uppercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_those_of_constants() {
        for (name, expected) in [
            ("TimedOut", "TIMED_OUT"),
            ("Argon2Verify", "ARGON2_VERIFY"),
            ("Sha256", "SHA256"),
            ("FORM_AS_IS", "FORM_AS_IS"),
            ("P50", "P50"),
        ] {
            assert_eq!(constant(name), expected);
        }
    }

    #[test]
    fn no_name_is_given_twice() {
        let text = text(&[], false);
        let names: Vec<&str> =
            text.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
        assert!(names.len() > 100);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }
}
