//! Plain data that TypeScript has taken apart (lib/plain-codes.ts), on its way. Here it is bytes, doubles and one long text.
//!
//! The text reaches the receiver in pieces: V8 makes of a part of a string a view of it, so whoever keeps one text keeps the piece that it
//! was a part of, and no more.

use std::ops::Range;

use napi::sys;

use crate::js::{self, Env, Fault};
use crate::value::Value;

const FLOAT64_ARRAY: i32 = 8;

/// A piece has no more characters, unless it is a single text.
const PIECE: usize = 1024;

pub(crate) struct Plain {
    structure: Box<[u8]>,
    fractions: Box<[f64]>,
    /// The texts, with a NUL between each two; a string's value.
    text: Value,
    count: usize,
}

impl Plain {
    /// `None` if there are more NULs in the text than stand between its `count` texts.
    pub(crate) fn new(
        structure: Box<[u8]>,
        fractions: Box<[f64]>,
        text: Value,
        count: usize,
    ) -> Option<Plain> {
        let separators = match &text {
            Value::Latin1(text) => count_nuls(text),
            Value::LongLatin1(text) => count_nuls(text.bytes()),
            Value::Utf16(text) => count_nuls(text),
            _ => return None,
        };
        (separators == count.saturating_sub(1)).then_some(Plain { structure, fractions, text, count })
    }

    /// An array of the structure, the fractions, and the pieces of the text.
    pub(crate) fn write(&self, env: Env) -> Result<sys::napi_value, Fault> {
        let list = js::array(env)?;
        js::set_element(env, list, 0, js::string_latin1(env, &self.structure)?)?;
        if !self.fractions.is_empty() {
            let bytes = crate::native_arguments::memory_of(&self.fractions);
            js::set_element(env, list, 1, js::bytes(env, FLOAT64_ARRAY, bytes)?)?;
        } else {
            js::set_element(env, list, 1, js::undefined(env)?)?;
        }
        if self.count > 0 {
            match &self.text {
                Value::Latin1(text) => write_pieces(env, list, text, js::string_latin1)?,
                Value::LongLatin1(text) => write_pieces(env, list, text.bytes(), js::string_latin1)?,
                Value::Utf16(text) => write_pieces(env, list, text, js::string_utf16)?,
                _ => {}
            }
        }
        Ok(list)
    }
}

fn count_nuls<T: Copy + Into<u32>>(text: &[T]) -> usize {
    text.iter().filter(|&&unit| unit.into() == 0).count()
}

fn write_pieces<T: Copy + Into<u32>>(
    env: Env,
    list: sys::napi_value,
    text: &[T],
    write: fn(Env, &[T]) -> Result<sys::napi_value, Fault>,
) -> Result<(), Fault> {
    for (index, piece) in pieces(text).enumerate() {
        js::set_element(env, list, index as u32 + 2, write(env, &text[piece])?)?;
    }
    Ok(())
}

/// The parts of a text between some of its NULs: as few as there can be.
fn pieces<T: Copy + Into<u32>>(text: &[T]) -> impl Iterator<Item = Range<usize>> {
    let is_nul = |unit: &T| (*unit).into() == 0;
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let rest = &text[start..];
        let end = if rest.len() <= PIECE {
            None
        } else {
            let last = rest[..PIECE].iter().rposition(is_nul);
            last.or_else(|| rest.iter().position(is_nul)).map(|length| start + length)
        };
        next = end.map(|end| end + 1);
        Some(start..end.unwrap_or(text.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        pieces(text.as_bytes()).map(|piece| &text[piece]).collect()
    }

    #[test]
    fn pieces_end_at_separators_and_are_as_long_as_may_be() {
        assert_eq!(cut(""), [""]);
        assert_eq!(cut("a\0b\0"), ["a\0b\0"]);
        let long = "x".repeat(PIECE);
        assert_eq!(cut(&format!("{long}\0a\0b")), [&*long, "a\0b"]);
        assert_eq!(cut(&format!("a\0{long}\0b")), ["a", &*long, "b"]);
        assert_eq!(cut(&format!("{long}y\0")), [&*format!("{long}y"), ""]);
        let many = vec!["text"; 1000].join("\0");
        let joined = cut(&many).join("\0");
        assert!(joined == many && cut(&many).iter().all(|piece| piece.len() <= PIECE));
    }

    #[test]
    fn texts_with_separators_of_their_own_are_refused() {
        let text = |text: &str| Value::Latin1(text.as_bytes().into());
        let make = |value, count| Plain::new(Box::new([]), Box::new([]), value, count).is_some();
        assert!(make(text(""), 0) && make(text(""), 1) && make(text("a\0b"), 2));
        assert!(!make(text("a\0b"), 1) && !make(text("a"), 2) && !make(Value::Null, 0));
        assert!(make(Value::Utf16(Box::from([0x141, 0, 0x41])), 2));
    }
}
