//! The arguments of a task, read from what another process has written.

use crate::values::shared_use::{SharedPlace, SharedSource};
use crate::values::value::{self, ArgList, Args, Value};
use crate::values::value_reader::is_of_form;
use crate::values::wire::tag;
use crate::values::wire_reader::{Malformed, Read, Reader};

impl Reader<'_> {
    /// The arguments of a task; `source` has the shared values that they name. Where there is no memory for
    /// them they are a missing value.
    pub(crate) fn args(&mut self, source: &dyn SharedSource) -> Read<Args> {
        self.whole_args(source).or_else(|Malformed| self.missing_args())
    }

    pub(crate) fn missing_args(&mut self) -> Read<Args> {
        Ok(Args { form: value::FORM_AS_IS, values: ArgList::One(self.missing()?) })
    }

    fn whole_args(&mut self, source: &dyn SharedSource) -> Read<Args> {
        let form = self.u8()?;
        let count = self.count(1)?;
        if value::has_shared(form) {
            return self.args_with_shared(form, count, source);
        }
        let values = match count {
            0 => ArgList::None,
            1 => ArgList::One(self.whole_value()?),
            _ => ArgList::Many(self.list(count, Self::whole_value)?),
        };
        let is_right = match &values {
            ArgList::One(value) => is_of_form(form, value),
            _ => form == value::FORM_AS_IS,
        };
        if is_right { Ok(Args { form, values }) } else { Err(Malformed) }
    }

    /// All other arguments as one value, then one shared value at least.
    fn args_with_shared(&mut self, form: u8, count: usize, source: &dyn SharedSource) -> Read<Args> {
        let others = self.whole_value()?;
        if count < 2 || !is_of_form(form & !value::FORM_WITH_SHARED, &others) {
            return Err(Malformed);
        }
        let mut values = vec![others];
        for _ in 1..count {
            values.push(Value::Shared(self.shared_place(source)?));
        }
        Ok(Args { form, values: ArgList::Many(values.into_boxed_slice()) })
    }

    fn shared_place(&mut self, source: &dyn SharedSource) -> Read<SharedPlace> {
        if self.u8()? != tag::SHARED {
            return Err(Malformed);
        }
        let (place, number) = (self.u32()?, self.u64()?);
        let value = source.shared(number).ok_or(Malformed)?;
        Ok(SharedPlace { place, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::shared_value::SentValues;
    use crate::values::value::Packed;

    /// Arguments with one shared value.
    fn with_shared(form: u8, number: u64) -> Vec<u8> {
        let mut bytes = vec![form, 2, 0, 0, 0];
        bytes.push(tag::LATIN1);
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend([b'x', tag::SHARED, 3, 0, 0, 0]);
        bytes.extend(number.to_le_bytes());
        bytes
    }

    #[test]
    fn arguments_name_only_shared_values_that_were_sent() {
        let sent = SentValues::default();
        sent.keep(7, Packed { form: value::FORM_AS_IS, value: Value::Number(1.0) });
        let form = value::FORM_JSON | value::FORM_WITH_SHARED;
        let bytes = with_shared(form, 7);
        let args = Reader::new(&bytes).args(&sent).unwrap();
        assert_eq!(args.form, form);
        let [Value::Text(_), Value::Shared(SharedPlace { place: 3, .. })] = args.values.as_slice() else {
            panic!()
        };
        assert!(Reader::new(&with_shared(form, 8)).args(&sent).is_err(), "another number");
        assert!(Reader::new(&with_shared(value::FORM_JSON, 7)).args(&sent).is_err(), "not announced");
        for end in 0..bytes.len() {
            assert!(Reader::new(&bytes[..end]).args(&sent).is_err());
        }
        let mut alone = bytes[..14].to_vec();
        alone.push(b'x');
        alone[1] = 1;
        assert!(Reader::new(&alone).args(&sent).is_err(), "announced and not there");
        assert!(Reader::new(&bytes[15..]).whole_value().is_err(), "no value by itself");
    }

    #[test]
    fn what_is_changed_is_refused_or_read_and_never_panics() {
        let sent = SentValues::default();
        sent.keep(7, Packed::as_is(Value::Null));
        let bytes = with_shared(value::FORM_JSON | value::FORM_WITH_SHARED, 7);
        let mut seed = 1_u32;
        for _ in 0..20_000 {
            let mut changed = bytes.clone();
            for _ in 0..2 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (seed >> 8) as usize % changed.len();
                changed[at] = (seed >> 24) as u8;
            }
            let _ = Reader::new(&changed).args(&sent);
        }
    }
}
