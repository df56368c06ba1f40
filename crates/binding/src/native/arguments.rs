//! Arguments of native tasks as Rust sees them. TypeScript has checked them and made them positional
//! (lib/tasks/native-arguments.ts), so what is missing or of another type here reads as nothing.

use std::borrow::Cow;
use std::sync::Arc;

use kernels::{Control, KernelError};

use crate::values::bytes::Bytes;
use crate::values::elements::Pod;
use crate::values::failure::without_memory;
use crate::values::text::Text;
use crate::values::value::{ArgList, Packed, Value};

/// Characters of a string to encode between two looks at the control.
const CHARACTERS_PER_CHECK: usize = 64 * 1024;

/// Refuses arguments that came from another process and had no room here.
pub(crate) fn require(args: &[Value]) -> Result<(), Arc<Packed>> {
    let missing = args.iter().find_map(|value| match value {
        Value::Missing(bytes) => Some(*bytes),
        _ => None,
    });
    missing.map_or(Ok(()), |bytes| Err(without_memory(bytes)))
}

/// A number.
pub(crate) fn float(args: &[Value], index: usize) -> f64 {
    match args.get(index) {
        Some(Value::Number(number)) => *number,
        _ => 0.0,
    }
}

/// A number that TypeScript has checked to be an integer >= 0; what is larger than a `usize` is the largest
/// one.
pub(crate) fn size(args: &[Value], index: usize) -> usize {
    float(args, index) as usize
}

/// Bytes, or the UTF-8 of a string. Encoded here and not by TypeScript, to leave that work to the pool's
/// thread.
pub(crate) fn bytes<'a>(
    args: &'a [Value],
    index: usize,
    control: &dyn Control,
) -> Result<Cow<'a, [u8]>, KernelError> {
    Ok(match args.get(index) {
        Some(Value::Bytes { bytes, .. }) => Cow::Borrowed(bytes),
        Some(Value::Lent(lent)) => Cow::Borrowed(lent.bytes()),
        Some(Value::Text(Text::Latin1(text))) if is_ascii(text, control)? => Cow::Borrowed(text),
        Some(Value::Text(Text::Latin1(text))) => {
            Cow::Owned(encode(text.iter().map(|byte| char::from(*byte)), control)?)
        }
        Some(Value::Text(Text::Utf16(text))) => {
            // As TextEncoder does it: half a surrogate pair becomes U+FFFD.
            let characters = char::decode_utf16(text.iter().copied());
            let characters = characters.map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER));
            Cow::Owned(encode(characters, control)?)
        }
        _ => Cow::Borrowed(&[]),
    })
}

/// Looks at the control now and then: a text of 512 MB takes long enough to be stopped.
fn is_ascii(text: &[u8], control: &dyn Control) -> Result<bool, KernelError> {
    for chunk in text.chunks(BYTES_PER_CHECK) {
        control.check()?;
        if !chunk.is_ascii() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn encode(characters: impl Iterator<Item = char>, control: &dyn Control) -> Result<Vec<u8>, KernelError> {
    let mut out = Vec::new();
    out.try_reserve(characters.size_hint().0).map_err(|_| KernelError::OutOfMemory)?;
    for (index, character) in characters.enumerate() {
        if index % CHARACTERS_PER_CHECK == 0 {
            control.check()?;
        }
        out.try_reserve(character.len_utf8()).map_err(|_| KernelError::OutOfMemory)?;
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(out)
}

/// The bytes of the only argument, in memory that may be written to.
pub(crate) fn take_bytes(args: ArgList, control: &dyn Control) -> Result<Vec<u8>, KernelError> {
    match args {
        ArgList::One(Value::Bytes { bytes: Bytes::Own(bytes), .. }) => Ok(bytes),
        ArgList::One(Value::Bytes { bytes, .. }) => copy(&bytes, control),
        ArgList::One(Value::Lent(lent)) => copy(lent.bytes(), control),
        _ => Ok(Vec::new()),
    }
}

/// Bytes to read or copy between two looks at the control. Fresh memory is slow: the system clears it page
/// by page.
const BYTES_PER_CHECK: usize = 256 * 1024;

pub(crate) fn copy(bytes: &[u8], control: &dyn Control) -> Result<Vec<u8>, KernelError> {
    let mut out = Vec::new();
    out.try_reserve_exact(bytes.len()).map_err(|_| KernelError::OutOfMemory)?;
    for chunk in bytes.chunks(BYTES_PER_CHECK) {
        control.check()?;
        out.extend_from_slice(chunk);
    }
    Ok(out)
}

/// The elements of an argument that is a typed array; copied only if its bytes are not aligned.
pub(crate) fn numbers<T: Pod>(args: &[Value], index: usize) -> Result<Cow<'_, [T]>, KernelError> {
    let bytes = match args.get(index) {
        Some(Value::Bytes { bytes, .. }) => bytes,
        Some(Value::Lent(lent)) => lent.bytes(),
        _ => return Ok(Cow::Borrowed(&[])),
    };
    // SAFETY: `T` takes any bytes.
    match unsafe { bytes.align_to::<T>() } {
        ([], numbers, _) => Ok(Cow::Borrowed(numbers)),
        _ => {
            let mut copy = Vec::new();
            copy.try_reserve_exact(bytes.len() / size_of::<T>()).map_err(|_| KernelError::OutOfMemory)?;
            // SAFETY: a chunk has the size of a `T`, which takes any bytes; nothing is said of its alignment.
            let number = |chunk: &[u8]| unsafe { chunk.as_ptr().cast::<T>().read_unaligned() };
            copy.extend(bytes.chunks_exact(size_of::<T>()).map(number));
            Ok(Cow::Owned(copy))
        }
    }
}

/// The numbers in bytes that can be written to, if the allocator has aligned them.
pub(crate) fn numbers_in(bytes: &mut [u8]) -> Option<&mut [f64]> {
    // SAFETY: every bit pattern is a number.
    match unsafe { bytes.align_to_mut::<f64>() } {
        ([], numbers, _) => Some(numbers),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use kernels::{Stopped, Unstoppable};

    use super::*;
    use crate::values::elements::memory_of;

    #[test]
    fn strings_are_encoded_as_text_encoder_does() {
        let latin1 = Value::Text(Text::Latin1(Box::from([b'a', 0xe9, 0xff])));
        let utf16 = Value::Text(Text::Utf16(Box::from([0x61, 0xd83d, 0xde00, 0xd800, 0x62])));
        let args = [latin1, utf16];
        assert_eq!(bytes(&args, 0, &Unstoppable).unwrap(), "aéÿ".as_bytes());
        assert_eq!(bytes(&args, 1, &Unstoppable).unwrap(), "a😀\u{fffd}b".as_bytes());
    }

    struct After(std::cell::Cell<usize>);

    impl Control for After {
        fn check(&self) -> Result<(), Stopped> {
            self.0.set(self.0.get().checked_sub(1).ok_or(Stopped)?);
            Ok(())
        }
    }

    #[test]
    fn a_text_can_be_stopped_in_the_middle() {
        let text = |last| {
            let mut text = vec![b'a'; 3 * BYTES_PER_CHECK + 1];
            text[3 * BYTES_PER_CHECK] = last;
            [Value::Text(Text::Latin1(text.into()))]
        };
        assert!(matches!(bytes(&text(b'a'), 0, &After(2.into())), Err(KernelError::Stopped)));
        assert_eq!(bytes(&text(b'a'), 0, &After(4.into())).unwrap().len(), 3 * BYTES_PER_CHECK + 1);
        assert_eq!(bytes(&text(0xe9), 0, &Unstoppable).unwrap().len(), 3 * BYTES_PER_CHECK + 2);
    }

    #[test]
    fn a_copy_can_be_stopped_in_the_middle() {
        let bytes = vec![7; 3 * BYTES_PER_CHECK + 1];
        let stopped = copy(&bytes, &After(2.into()));
        assert!(matches!(stopped, Err(KernelError::Stopped)));
        assert_eq!(copy(&bytes, &After(4.into())).unwrap(), bytes);
    }

    #[test]
    fn numbers_are_read_wherever_they_lie() {
        let list = [1.5, -0.0, f64::NAN, 4e300];
        let args = [Value::Bytes { view: 8, bytes: memory_of(&list).to_vec().into() }];
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&numbers::<f64>(&args, 0).unwrap()), bits(&list));
        assert!(numbers::<f64>(&args, 1).unwrap().is_empty());
    }
}
