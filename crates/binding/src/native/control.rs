//! What native code may ask of the task that it runs for, and tell it.

use std::time::{Duration, Instant};

use kernels::Control;

use crate::native::stop_sign::StopSign;
use crate::values::value::Packed;

/// The task that runs, as native code sees it. `check` fails once the task has settled otherwise, and its
/// result would be dropped.
pub(crate) trait TaskControl: Control + Sync {
    fn is_stopped(&self) -> bool {
        self.check().is_err()
    }

    /// The run time that is left, if it is limited.
    fn remaining(&self) -> Option<Duration>;

    /// Blocks until the task has settled, or until then.
    fn wait_until_settled(&self, limit: Instant);

    fn report_progress(&self, value: Packed);

    /// What tells a plug-in that its task has ended.
    fn stop_sign(&self) -> &StopSign;
}
