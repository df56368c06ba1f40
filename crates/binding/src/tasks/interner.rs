//! Texts by number, for the whole process: what one isolate says of something once, and others look up.

use std::collections::HashMap;
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct Interner {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl Interner {
    /// The number of a text, from 1. A new one if it has none; none if there would be more than `most`.
    pub(crate) fn number(&mut self, text: &str, most: usize) -> Option<u32> {
        if let Some(number) = self.numbers.get(text) {
            return Some(*number);
        }
        if self.texts.len() >= most {
            return None;
        }
        let text: Arc<str> = text.into();
        self.texts.push(text.clone());
        let number = self.texts.len() as u32;
        self.numbers.insert(text, number);
        Some(number)
    }

    pub(crate) fn text(&self, number: u32) -> Option<Arc<str>> {
        self.texts.get((number as usize).wrapping_sub(1)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_and_there_are_no_more_than_allowed() {
        let mut texts = Interner::default();
        assert_eq!(texts.number("a", 2), Some(1));
        assert_eq!(texts.number("b", 2), Some(2));
        assert_eq!(texts.number("a", 2), Some(1));
        assert_eq!(texts.number("c", 2), None);
        assert_eq!(texts.text(2).as_deref(), Some("b"));
        assert_eq!(texts.text(0), None);
        assert_eq!(texts.text(3), None);
    }
}
