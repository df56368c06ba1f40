//! Plain data that TypeScript has taken apart (lib/plain-codes.ts), on its way. Here it is bytes, doubles and one long text.
//!
//! The text reaches the receiver in pieces: V8 makes of a part of a string a view of it, so whoever keeps one text keeps the piece that it
//! was a part of, and no more.

use std::ops::Range;

use napi::sys;

use crate::js::{self, Env, Fault};
use crate::native_arguments::memory_of;
use crate::value::Value;

const FLOAT64_ARRAY: i32 = 8;

/// A piece has no more characters, unless it is a single text.
const PIECE: usize = 1024;

pub(crate) struct Plain {
    structure: Box<[u8]>,
    fractions: Box<[f64]>,
    /// Those of lists are the second.
    texts: [Texts; 2],
}

/// Some texts, with a NUL between each two; a string's value.
pub(crate) struct Texts {
    joined: Value,
    count: usize,
}

impl Texts {
    /// `None` if there are more NULs in the string than stand between its `count` texts.
    pub(crate) fn new(joined: Value, count: usize) -> Option<Texts> {
        let separators = match &joined {
            Value::Latin1(text) => count_nuls(text),
            Value::LongLatin1(text) => count_nuls(text.bytes()),
            Value::Utf16(text) => count_nuls(text),
            _ => return None,
        };
        (separators == count.saturating_sub(1)).then_some(Texts { joined, count })
    }

    /// Appends the pieces to a list; gives their number.
    fn write(&self, env: Env, list: sys::napi_value, at: u32) -> Result<u32, Fault> {
        if self.count == 0 {
            return Ok(0);
        }
        match &self.joined {
            Value::Latin1(text) => write_pieces(env, list, at, text, js::string_latin1),
            Value::LongLatin1(text) => write_pieces(env, list, at, text.bytes(), js::string_latin1),
            Value::Utf16(text) => write_pieces(env, list, at, text, js::string_utf16),
            _ => Ok(0),
        }
    }
}

impl Plain {
    pub(crate) fn new(structure: Box<[u8]>, fractions: Box<[f64]>, texts: [Texts; 2]) -> Plain {
        Plain { structure, fractions, texts }
    }

    /// About as many bytes as there are in it.
    pub(crate) fn weight(&self) -> usize {
        let texts: usize = self.texts.iter().map(|texts| texts.joined.weight()).sum();
        self.structure.len() + size_of_val(&*self.fractions) + texts
    }

    /// An array of the structure, the fractions, the number of pieces of the texts outside of lists, and all pieces.
    pub(crate) fn write(&self, env: Env) -> Result<sys::napi_value, Fault> {
        const OWN: u32 = 3;
        let list = js::array(env)?;
        js::set_element(env, list, 0, js::string_latin1(env, &self.structure)?)?;
        let fractions = match &*self.fractions {
            [] => js::undefined(env)?,
            some => js::bytes(env, FLOAT64_ARRAY, memory_of(some))?,
        };
        js::set_element(env, list, 1, fractions)?;
        let [texts, lists] = &self.texts;
        let count = texts.write(env, list, OWN)?;
        js::set_element(env, list, 2, js::int(env, count as i32)?)?;
        lists.write(env, list, OWN + count)?;
        Ok(list)
    }
}

/// In runs whose count fits a byte, which the compiler turns into instructions for many characters at once.
fn count_nuls<T: Copy + Into<u32>>(text: &[T]) -> usize {
    let in_run = |run: &[T]| run.iter().map(|&unit| u8::from(unit.into() == 0)).sum::<u8>();
    text.chunks(usize::from(u8::MAX)).map(|run| usize::from(in_run(run))).sum()
}

fn write_pieces<T: Copy + Into<u32>>(
    env: Env,
    list: sys::napi_value,
    at: u32,
    text: &[T],
    write: fn(Env, &[T]) -> Result<sys::napi_value, Fault>,
) -> Result<u32, Fault> {
    let mut count = 0;
    for piece in pieces(text) {
        js::set_element(env, list, at + count, write(env, &text[piece])?)?;
        count += 1;
    }
    Ok(count)
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
        let make = |value, count| Texts::new(value, count).is_some();
        assert!(make(text(""), 0) && make(text(""), 1) && make(text("a\0b"), 2));
        assert!(!make(text("a\0b"), 1) && !make(text("a"), 2) && !make(Value::Null, 0));
        assert!(make(Value::Utf16(Box::from([0x141, 0, 0x41])), 2));
    }
}
