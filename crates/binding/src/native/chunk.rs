//! A chunk of `map` whose task is native: several calls, one after the other, as one task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::js::FLOAT64_ARRAY;
use crate::native::control::TaskControl;
use crate::values::elements::memory_of;
use crate::values::failure::{failure, without_memory};
use crate::values::text::copied;
use crate::values::value::{ArgList, Args, FORM_AS_IS, FORM_NATIVE_CHUNK, FORM_NUMBERS, Packed, Value};

/// The arguments of several calls of one native task.
pub(crate) struct Calls {
    /// How many arguments each call takes.
    pub(crate) width: usize,
    /// Those of the first call, then those of the second.
    pub(crate) values: Box<[Value]>,
    /// No call is begun once so much time is over.
    pub(crate) limit: Option<Duration>,
}

/// Makes each call by `run`, until one fails or the time is over.
pub(crate) fn run(
    calls: Calls,
    control: &dyn TaskControl,
    run: impl Fn(Args) -> Result<Packed, Arc<Packed>>,
) -> Result<Packed, Arc<Packed>> {
    let began = Instant::now();
    let finish = |results: Results, error: Option<Arc<Packed>>| {
        results.finish(error.and_then(Arc::into_inner), began.elapsed())
    };
    let mut results = Results::default();
    let mut values = calls.values.into_iter();
    while let Some(args) = next_call(&mut values, calls.width) {
        if control.is_stopped() {
            return Err(failure("Error", "", "the task was stopped"));
        }
        match pool::caught(|| run(args)) {
            Ok(Ok(result)) => {
                if !results.push(result) {
                    return Err(without_memory(results.bytes()));
                }
            }
            Ok(Err(error)) => return finish(results, Some(error)),
            Err(message) => {
                let error = failure("Error", "", &format!("the native task panicked: {message}"));
                return finish(results, Some(error));
            }
        }
        // What it hands back is submitted again.
        if calls.limit.is_some_and(|limit| began.elapsed() > limit) {
            break;
        }
    }
    finish(results, None)
}

fn next_call(values: &mut impl ExactSizeIterator<Item = Value>, width: usize) -> Option<Args> {
    let first = values.next()?;
    let values = match width {
        ..=1 => ArgList::One(first),
        _ => ArgList::Many(std::iter::once(first).chain(values.take(width - 1)).collect()),
    };
    Some(Args { form: FORM_AS_IS, values })
}

fn add<T>(list: &mut Vec<T>, one: T) -> bool {
    let has_room = list.try_reserve(1).is_ok();
    if has_room {
        list.push(one);
    }
    has_room
}

/// Numbers as long as all results are.
enum Results {
    Numbers(Vec<f64>),
    Other(u8, Vec<Value>),
}

impl Default for Results {
    fn default() -> Self {
        Results::Numbers(Vec::new())
    }
}

impl Results {
    /// False if there is no memory for one more.
    fn push(&mut self, result: Packed) -> bool {
        match (&mut *self, result) {
            (Results::Numbers(list), Packed { form: FORM_AS_IS, value: Value::Number(number) }) => {
                add(list, number)
            }
            (Results::Other(_, list), Packed { value, .. }) => add(list, value),
            (Results::Numbers(list), Packed { form, value }) => {
                let mut all = Vec::new();
                if all.try_reserve(list.len() + 1).is_err() {
                    return false;
                }
                all.extend(list.iter().map(|number| Value::Number(*number)));
                all.push(value);
                *self = Results::Other(form, all);
                true
            }
        }
    }

    /// About how many bytes they take.
    fn bytes(&self) -> usize {
        match self {
            Results::Numbers(list) => size_of_val(&**list),
            Results::Other(_, list) => size_of_val(&**list),
        }
    }

    fn finish(self, error: Option<Packed>, run_time: Duration) -> Result<Packed, Arc<Packed>> {
        let lacks = without_memory(self.bytes());
        let error = error.map_or(Value::Undefined, |packed| packed.value);
        let (form, mut list) = match self {
            Results::Numbers(list) => {
                let Some(bytes) = copied(memory_of(&list)) else { return Err(lacks) };
                let bytes = bytes.into_vec().into();
                (FORM_NUMBERS, vec![Value::Bytes { view: FLOAT64_ARRAY, bytes }])
            }
            Results::Other(form, list) => (form, list),
        };
        if list.try_reserve(2).is_err() {
            return Err(lacks);
        }
        list.splice(0..0, [error, Value::Number(run_time.as_secs_f64() * 1e3)]);
        Ok(Packed { form: FORM_NATIVE_CHUNK | form, value: Value::List(list.into_boxed_slice()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_take_their_arguments_in_turn() {
        let values: Vec<_> = (0..6).map(|number| Value::Number(number.into())).collect();
        let mut left = values.into_iter();
        let mut first = || match next_call(&mut left, 3)?.values {
            ArgList::Many(values) => match values[0] {
                Value::Number(number) => Some((number, values.len())),
                _ => None,
            },
            _ => None,
        };
        assert_eq!(first(), Some((0.0, 3)));
        assert_eq!(first(), Some((3.0, 3)));
        assert_eq!(first(), None);
    }

    #[test]
    fn numbers_stay_one_array_until_something_else_comes() {
        let mut results = Results::default();
        results.push(Packed::as_is(Value::Number(1.0)));
        results.push(Packed::as_is(Value::Number(2.0)));
        assert!(matches!(&results, Results::Numbers(list) if **list == [1.0, 2.0]));
        results.push(Packed::as_is(Value::Null));
        let Packed { form, value: Value::List(list) } = results.finish(None, Duration::ZERO).ok().unwrap()
        else {
            panic!("no list")
        };
        assert_eq!(form, FORM_NATIVE_CHUNK);
        assert!(matches!(
            *list,
            [Value::Undefined, Value::Number(0.0), Value::Number(_), Value::Number(_), Value::Null]
        ));
    }
}
