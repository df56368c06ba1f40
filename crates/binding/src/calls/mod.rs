//! The functions that JavaScript calls, by the names that lib/addon/binding.ts declares.

mod attach;
mod broadcast;
pub(crate) mod call;
mod children;
mod debugger;
mod functions;
mod future;
mod mirror;
mod observe;
mod plugins;
mod pool;
mod seam;
mod shapes;
mod share;
mod size;
mod snapshot;
mod stream;
mod submit;
mod values;
mod worker;

use std::ffi::CStr;

use crate::calls::call::{Callback, calls};

pub(crate) const TABLE: &[(&CStr, Callback)] = &calls! {
        c"submit" => submit::submit,
        c"payloadReady" => submit::payload_ready,
        c"withdraw" => submit::withdraw,
        c"refusal" => submit::refusal,
        c"countCancelled" => submit::count_cancelled,
        c"state" => future::state,
        c"collect" => future::collect,
        c"progress" => future::progress,
        c"cancel" => future::cancel,
        c"expire" => future::expire,
        c"park" => future::park,
        c"release" => future::release,
        c"write" => values::write,
        c"keepKey" => submit::keep_key,
        c"keepPlain" => values::keep_plain,
        c"hasNames" => values::has_named_keys,
        c"isDetachable" => values::is_detachable,
        c"readBack" => values::read_back,
        c"services" => future::services,
        c"keepAlive" => future::keep_alive,
        c"assign" => pool::assign,
        c"delivered" => pool::delivered,
        c"createPool" => pool::create_pool,
        c"openPool" => pool::open_pool,
        c"releasePool" => pool::release_pool,
        c"maxWorkers" => size::max_workers,
        c"resize" => size::resize,
        c"warmUp" => size::warm_up,
        c"audience" => broadcast::audience,
        c"addCopy" => broadcast::add_copy,
        c"dropCopies" => broadcast::drop_copies,
        c"broadcast" => broadcast::broadcast,
        c"shutdown" => pool::shutdown,
        c"terminate" => pool::terminate,
        c"isClosed" => pool::is_closed,
        c"wantRoom" => pool::want_room,
        c"expectRests" => pool::expect_rests,
        c"startFailed" => pool::start_failed,
        c"endChildren" => children::end_children,
        c"joinParent" => children::join_parent,
        c"mayLoadNative" => children::may_load_native,
        c"forbidChildren" => children::forbid_children,
        c"resumeStarts" => pool::resume_starts,
        c"stats" => snapshot::stats,
        c"dump" => snapshot::dump,
        c"holdClocks" => debugger::hold_clocks,
        c"noteInspector" => debugger::note_inspector,
        c"isInspected" => debugger::is_inspected,
        c"exitAfter" => pool::exit_after,
        c"mustForceExit" => pool::must_force_exit,
        c"functionNumber" => functions::number,
        c"functionText" => functions::text,
        c"functionName" => functions::name,
        c"releaseFunction" => functions::release,
        c"shapeNumber" => shapes::number,
        c"shapeKeys" => shapes::keys,
        c"share" => share::share,
        c"keepShared" => share::keep,
        c"releaseShared" => share::release,
        c"sharedBytes" => share::bytes,
        c"unpackBy" => share::unpack_by,
        c"openShared" => share::open,
        c"loadPlugin" => plugins::load,
        c"attach" => attach::attach,
        c"beginTask" => worker::begin_task,
        c"endTask" => worker::end_task,
        c"settle" => worker::settle,
        c"prepared" => worker::prepared,
        c"loadRefused" => worker::load_refused,
        c"forgetFunction" => worker::forget_function,
        c"recovered" => worker::recovered,
        c"retire" => worker::retire,
        c"raiseUncaught" => worker::raise_uncaught,
        c"leaveIfIdle" => worker::leave_if_idle,
        c"collectIfIdle" => worker::collect_if_idle,
        c"detach" => worker::detach,
        c"suspend" => worker::suspend,
        c"requestPassOn" => worker::request_pass_on,
        c"workerNumber" => worker::worker_number,
        c"quit" => worker::quit,
        c"giveBack" => worker::give_back,
        c"gaveBack" => worker::gave_back,
        c"resume" => worker::resume,
        c"taskId" => worker::task_id,
        c"taskInfo" => worker::task_info,
        c"stopReason" => worker::stop_reason,
        c"isCancelled" => worker::is_cancelled,
        c"yieldValue" => stream::yield_value,
        c"standStill" => stream::stand_still,
        c"requestStretch" => stream::request_stretch,
        c"allow" => stream::allow,
        c"leaveStream" => stream::leave_stream,
        c"holdStream" => stream::hold_stream,
        c"beginReading" => stream::begin_reading,
        c"endReading" => stream::end_reading,
        c"reportProgress" => worker::report_progress,
        c"noteOrigin" => worker::note_origin,
        c"noteExit" => worker::note_exit,
        c"mustDieOf" => worker::must_die_of,
        c"noteStray" => worker::note_stray,
        c"takeNews" => observe::take_news,
        c"traceStart" => observe::trace_start,
        c"traceTake" => observe::trace_take,
        c"traceDropped" => observe::trace_dropped,
        c"traceForget" => observe::trace_forget,
        c"poolName" => pool::pool_name,
        c"takeStrays" => pool::take_strays,
        c"noteCause" => worker::note_cause,
};

/// What both languages must agree on; see [`seam`].
pub(crate) fn agreement(with_files: bool) -> String {
    seam::text(TABLE, with_files)
}
