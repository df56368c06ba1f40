//! A string that no isolate owns.

use napi::sys;

use crate::engine::v8;
use crate::js::{self, Env, Fault};
use crate::values::elements::memory_of;
use crate::values::recycled::{self, Recycled};
use crate::values::room;

/// Ending a batch costs more than strings of so many characters.
const SHORT: usize = 512;

/// In one byte a character where that loses nothing.
pub(crate) enum Text {
    /// No character above U+00FF.
    Latin1(Box<[u8]>),
    Utf16(Box<[u16]>),
    /// Like `Latin1`, for a long one.
    LongLatin1(Recycled),
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        if text.is_ascii() {
            Text::Latin1(text.into_bytes().into_boxed_slice())
        } else {
            Text::Utf16(text.encode_utf16().collect())
        }
    }
}

impl Text {
    /// Copies a string. With `recycled` a long one is in memory that is used again.
    pub(crate) fn read(env: Env, value: sys::napi_value, recycled: bool) -> Result<Text, Fault> {
        let length = js::string_length(env, value)?;
        // SAFETY: N-API has said how long it is, so it is a string.
        if unsafe { v8::is_one_byte(value) } {
            let recycled = recycled && recycled::is_recyclable(length + 1);
            let mut text = if recycled { recycled::take(length + 1) } else { js::with_room(length + 1)? };
            js::get_latin1(env, value, length, &mut text)?;
            return Ok(if recycled {
                Text::LongLatin1(Recycled::new(text))
            } else {
                Text::Latin1(text.into_boxed_slice())
            });
        }
        let text = js::get_utf16(env, value, length)?;
        if text.iter().all(|&unit| unit < 256) {
            let mut narrow = js::with_room(length)?;
            narrow.extend(text.iter().map(|&unit| unit as u8));
            return Ok(Text::Latin1(narrow.into_boxed_slice()));
        }
        Ok(Text::Utf16(text.into_boxed_slice()))
    }

    /// A copy, where there is memory for it.
    pub(crate) fn copy(&self) -> Option<Text> {
        match self {
            Text::Latin1(text) => copied(text).map(Text::Latin1),
            Text::Utf16(text) => copied(text).map(Text::Utf16),
            Text::LongLatin1(text) => copied(text.bytes()).map(Text::Latin1),
        }
    }

    /// Makes the string anew in an isolate.
    pub(crate) fn write(&self, env: Env) -> Result<sys::napi_value, Fault> {
        // V8 ends the process where a string is refused.
        room::require_in_heap(env, self.bytes())?;
        match self {
            Text::Latin1(text) => js::string_latin1(env, text),
            Text::Utf16(text) => js::string_utf16(env, text),
            Text::LongLatin1(text) => js::string_latin1(env, text.bytes()),
        }
    }

    /// The same for a text that may be missing: '' then.
    pub(crate) fn write_or_empty(text: Option<&Text>, env: Env) -> Result<sys::napi_value, Fault> {
        text.map_or_else(|| js::string(env, ""), |text| text.write(env))
    }

    /// As it lies in memory.
    pub(crate) fn memory(&self) -> &[u8] {
        match self {
            Text::Latin1(text) => text,
            Text::Utf16(text) => memory_of(text),
            Text::LongLatin1(text) => text.bytes(),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.memory().len()
    }

    /// How many bytes its copy takes in the heap of an isolate; none if it is short.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Text::Latin1(text) if text.len() > SHORT => text.len(),
            Text::Utf16(text) if text.len() > SHORT => size_of_val(&**text),
            Text::LongLatin1(text) => text.bytes().len(),
            Text::Latin1(_) | Text::Utf16(_) => 0,
        }
    }
}

/// A copy of a list, where there is memory for it.
pub(crate) fn copied<T: Copy>(list: &[T]) -> Option<Box<[T]>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(list.len()).ok()?;
    copy.extend_from_slice(list);
    Some(copy.into_boxed_slice())
}
