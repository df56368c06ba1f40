//! Memory for results, asked for so that a refusal is an error and no abort.

use crate::{Control, KernelError};

/// Numbers to clear between two looks at the control. Fresh memory is slow: the system clears it page by
/// page.
const CLEAR_CHUNK: usize = 128 * 1024;

/// As many zeros.
pub(crate) fn zeros(length: usize, control: &dyn Control) -> Result<Vec<f64>, KernelError> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(length).map_err(|_| KernelError::OutOfMemory)?;
    while zeros.len() < length {
        control.check()?;
        zeros.resize(length.min(zeros.len() + CLEAR_CHUNK), 0.0);
    }
    Ok(zeros)
}

/// Bytes that a codec may produce between two looks at the control: a fraction of a millisecond for a
/// decoder.
pub(crate) const WINDOW: usize = 256 * 1024;

/// The result of a codec, whose length is not known beforehand. Grows by doubling, never beyond `limit`.
pub(crate) struct Output {
    bytes: Vec<u8>,
    /// `bytes[filled..]` is zeroed space for the next window.
    filled: usize,
    limit: usize,
    /// Where the codec writes when `limit` is reached: whether it still has a byte to give decides between
    /// success and `TooLarge`.
    probe: [u8; 1],
}

impl Output {
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), filled: 0, limit, probe: [0] }
    }

    /// Space for the next bytes, never empty. `written` must be called with what was used.
    pub(crate) fn window(&mut self) -> Result<&mut [u8], KernelError> {
        if self.filled == self.limit {
            return Ok(&mut self.probe);
        }
        if self.filled == self.bytes.len() {
            let wanted = self.limit.min(self.filled.saturating_add(WINDOW));
            if wanted > self.bytes.capacity() {
                let capacity = self.limit.min(wanted.max(self.filled.saturating_mul(2)));
                self.bytes.try_reserve_exact(capacity - self.filled).map_err(|_| KernelError::OutOfMemory)?;
            }
            self.bytes.resize(wanted, 0);
        }
        Ok(&mut self.bytes[self.filled..])
    }

    /// Takes the first `count` bytes of the last window.
    pub(crate) fn written(&mut self, count: usize) -> Result<(), KernelError> {
        if self.filled == self.limit && count > 0 {
            return Err(KernelError::TooLarge { limit: self.limit });
        }
        self.filled += count;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bytes.truncate(self.filled);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(output: &mut Output, mut total: usize) -> Result<(), KernelError> {
        while total > 0 {
            let window = output.window()?;
            let count = window.len().min(total);
            window[..count].fill(7);
            output.written(count)?;
            total -= count;
        }
        Ok(())
    }

    #[test]
    fn capacity_never_exceeds_the_limit() {
        for limit in [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 5 * WINDOW + 3] {
            let mut output = Output::new(limit);
            assert_eq!(fill(&mut output, limit), Ok(()));
            assert_eq!(fill(&mut output, 1), Err(KernelError::TooLarge { limit }));
            assert!(output.bytes.capacity() <= limit);
            assert_eq!(output.finish(), vec![7; limit]);
        }
    }
}
