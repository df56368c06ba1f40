//! What TypeScript asks of values before they are sent.

use crate::calls::call::{Answer, Call};
use crate::engine::serializer;
use crate::engine::v8;
use crate::js::{self, Fault};
use crate::values::array_keys;
use crate::values::plain::{JoinedTexts, Plain};
use crate::values::text::Text;
use crate::values::value::Value;
use crate::values::writing;

/// `write(value)`: the number of what V8's serializer made of it, for the next call that takes a value of
/// the form WRITTEN; 0 if it cannot write this one.
pub(crate) fn write(call: &Call<'_>) -> Answer {
    // SAFETY: in a call from JavaScript the context is entered and a handle scope open.
    let written = unsafe { serializer::serialize(call.value(0)?) }.map(Value::Serialized);
    keep(call, written)
}

/// `keepPlain(structure, fractions, texts, ends, lists, listEnds)`: the number of a value that was taken
/// apart, of which so much is in the header, for the next call that takes a value of the form WRITTEN. The
/// ends of pieces are there after the fractions.
pub(crate) fn keep_plain(call: &Call<'_>) -> Answer {
    let count = |index: usize| -> Result<usize, Fault> { Ok(call.u32(index)? as usize) };
    let (structure, fractions, ends, list_ends) = (count(0)?, count(1)?, count(3)?, count(5)?);
    let (structure, doubles) = call.state.header.parts(structure, fractions + ends + list_ends);
    let cut = || Fault::internal("more fractions than there is room for");
    let (fractions, all_ends) = doubles.split_at_checked(fractions).ok_or_else(cut)?;
    let (ends, list_ends) = all_ends.split_at_checked(ends).ok_or_else(cut)?;
    let joined = |text: usize, ends: &[f64]| -> Result<JoinedTexts, Fault> {
        let ends = ends.iter().map(|&end| end as usize).collect();
        Ok(JoinedTexts::new(Text::read(call.env, call.value(text)?, true)?, ends))
    };
    let (texts, lists) = (joined(2, ends)?, joined(4, list_ends)?);
    let plain = Plain::new(structure, fractions.into(), [texts, lists]);
    keep(call, Some(Value::Plain(Box::new(plain))))
}

fn keep(call: &Call<'_>, written: Option<Value>) -> Answer {
    js::double(call.env, written.map_or(0.0, |written| f64::from(call.state.written.keep(written))))
}

/// `readBack(number)`: a copy of the value that was written; of one that was taken apart, the parts.
pub(crate) fn read_back(call: &Call<'_>) -> Answer {
    match call.state.written.take(call.u32(0)?)? {
        Value::Serialized(serialized) => {
            // SAFETY: as in `write`.
            let copy = unsafe { serializer::deserialize(&serialized) };
            copy.ok_or_else(|| Fault::internal("a copy could not be read"))
        }
        other => writing::write_ref(call.env, &other),
    }
}

/// `hasNames(array)`: whether an array, no proxy, has enumerable properties besides its elements;
/// `undefined` where that cannot be asked.
pub(crate) fn has_named_keys(call: &Call<'_>) -> Answer {
    // SAFETY: TypeScript has seen to it that this is an array and no proxy.
    match unsafe { array_keys::has_named_keys(call.env, call.value(0)?) }? {
        Some(has) => js::boolean(call.env, has),
        None => js::undefined(call.env),
    }
}

/// `isDetachable(buffer)`: whether an ArrayBuffer can move.
pub(crate) fn is_detachable(call: &Call<'_>) -> Answer {
    let buffer = call.value(0)?;
    // SAFETY: it is an ArrayBuffer.
    let is_detachable = !js::is_arraybuffer(call.env, buffer)? || unsafe { v8::is_detachable(buffer) };
    js::boolean(call.env, is_detachable)
}
