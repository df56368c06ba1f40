//! Plain data that TypeScript has taken apart (lib/values/plain/codes.ts), on its way. Here it is bytes,
//! doubles and one long text.
//!
//! The text reaches the receiver in pieces; where they end TypeScript says.

use napi::sys;

use crate::js::{self, Env, FLOAT64_ARRAY, Fault};
use crate::values::elements::memory_of;
use crate::values::room;
use crate::values::text::Text;

pub(crate) struct Plain {
    structure: Box<[u8]>,
    fractions: Box<[f64]>,
    /// Those of lists are the second.
    texts: [JoinedTexts; 2],
}

/// Texts one after the other, and where the pieces end but for the last.
pub(crate) struct JoinedTexts {
    joined: Text,
    ends: Box<[usize]>,
}

impl JoinedTexts {
    pub(crate) fn new(joined: Text, ends: Box<[usize]>) -> JoinedTexts {
        JoinedTexts { joined, ends }
    }

    pub(crate) fn joined(&self) -> &Text {
        &self.joined
    }

    pub(crate) fn into_parts(self) -> (Text, Box<[usize]>) {
        (self.joined, self.ends)
    }

    pub(crate) fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Appends the pieces to a list; gives their number.
    fn write(&self, env: Env, list: sys::napi_value, at: u32) -> Result<u32, Fault> {
        match &self.joined {
            Text::Latin1(text) => self.write_pieces(env, list, at, text, js::string_latin1),
            Text::LongLatin1(text) => self.write_pieces(env, list, at, text.bytes(), js::string_latin1),
            Text::Utf16(text) => self.write_pieces(env, list, at, text, js::string_utf16),
        }
    }

    fn write_pieces<T>(
        &self,
        env: Env,
        list: sys::napi_value,
        at: u32,
        text: &[T],
        write: fn(Env, &[T]) -> Result<sys::napi_value, Fault>,
    ) -> Result<u32, Fault> {
        let mut count = 0;
        for piece in pieces(text, &self.ends) {
            js::set_element(env, list, at + count, write(env, piece)?)?;
            count += 1;
        }
        Ok(count)
    }
}

impl Plain {
    pub(crate) fn new(structure: Box<[u8]>, fractions: Box<[f64]>, texts: [JoinedTexts; 2]) -> Plain {
        Plain { structure, fractions, texts }
    }

    /// The structure, the fractions and the texts.
    pub(crate) fn into_parts(self) -> (Box<[u8]>, Box<[f64]>, [JoinedTexts; 2]) {
        (self.structure, self.fractions, self.texts)
    }

    pub(crate) fn structure(&self) -> &[u8] {
        &self.structure
    }

    pub(crate) fn fractions(&self) -> &[f64] {
        &self.fractions
    }

    pub(crate) fn texts(&self) -> &[JoinedTexts; 2] {
        &self.texts
    }

    /// How many bytes there are in it.
    pub(crate) fn bytes(&self) -> usize {
        let texts = self.texts.iter().map(|texts| texts.joined.bytes() + size_of_val(&*texts.ends));
        self.structure.len() + size_of_val(&*self.fractions) + texts.sum::<usize>()
    }

    /// About as many bytes as there are in it.
    pub(crate) fn weight(&self) -> usize {
        let texts: usize = self.texts.iter().map(|texts| texts.joined.weight()).sum();
        self.structure.len() + size_of_val(&*self.fractions) + texts
    }

    /// An array of the structure, the fractions, the number of pieces of the texts outside of lists, and
    /// all pieces.
    pub(crate) fn write(&self, env: Env) -> Result<sys::napi_value, Fault> {
        const OWN: u32 = 3;
        room::require_in_heap(env, self.bytes())?;
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

/// The parts of a text between these ends, and the rest of it. An end that cannot be makes an empty part.
fn pieces<'a, T>(text: &'a [T], ends: &'a [usize]) -> impl Iterator<Item = &'a [T]> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let ends = ends.iter().copied().chain(std::iter::once(text.len()));
    starts.zip(ends).map(|(start, end)| text.get(start..end).unwrap_or(&[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut<'a>(text: &'a str, ends: &'a [usize]) -> Vec<&'a [u8]> {
        pieces(text.as_bytes(), ends).collect()
    }

    #[test]
    fn a_text_is_cut_where_its_pieces_end() {
        assert_eq!(cut("", &[]), [b""]);
        assert_eq!(cut("abcd", &[]), [b"abcd"]);
        assert_eq!(cut("abcd", &[1, 3]), [b"a".as_slice(), b"bc", b"d"]);
    }

    #[test]
    fn wrong_ends_do_no_harm() {
        assert_eq!(cut("abcd", &[3, 1, 9]), [b"abc".as_slice(), b"", b"", b""]);
    }
}
