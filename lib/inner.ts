/**
 * What the other entries of the package take from the main one, by name: they have no copy of it, so that
 * classes, registries and channels are the same in all of them. The build hangs these on `Executor`
 * (scripts/entry.mjs), as they are when the main entry has been loaded: what changes later is not here.
 */
export { carrierIn, labelOf } from './diagnostics/label.ts'
export { areTasksWatched } from './diagnostics/channels.ts'
export { makeTrace } from './diagnostics/trace.ts'
export { log } from './diagnostics/workers.ts'
export {
  BrokenExecutor,
  CancelledError,
  InvalidStateError,
  QueueFullError,
  TimeoutError,
  WorkerLostError,
} from './errors/errors.ts'
export { bindToThread } from './errors/thread-bound.ts'
export { Executor } from './executor/executor.ts'
export { mapTasks } from './executor/map.ts'
export { cancelOnAbort } from './future/cancel-on-abort.ts'
export { createLinkedFuture, deliver, deliverProgress, storeOutcome } from './future/future.ts'
export { CANCEL, ERROR, VALUE } from './future/states.ts'
export { WaitLimit } from './future/wait-limit.ts'
export { STATE_CANCELLED, STATE_FINISHED, STATE_PENDING, STATE_RUNNING } from './addon/seam.ts'
export { now, wallClock } from './host/clocks.ts'
export { define } from './host/define.ts'
export { parseJson, toJson } from './host/json.ts'
export { clearTimeout, setImmediate, setTimeout } from './host/timers.ts'
export { hrefOf, URL } from './host/url.ts'
export {
  boolean,
  duration,
  integer,
  object as checkObject,
  options as checkOptions,
  show,
  string,
  wrongType,
} from './options/check.ts'
export { checkTaskOptions, NO_OPTIONS } from './options/task-options.ts'
export { PoolExecutor, poolOf } from './pool/pool-executor.ts'
export { readStats } from './pool/snapshot.ts'
export { watch } from './pool/watched.ts'
export { chunkOf, moduleUrl, submittable, textOf } from './tasks/functions.ts'
export { moduleTasks } from './tasks/module-tasks.ts'
export { native } from './tasks/native.ts'
export { refuseSubmission } from './tasks/recursion.ts'
export { readBytes, readThrown, writeBytes, writeThrown } from './values/bytes.ts'
export { chunkArgumentError, placedArgumentError, placedError } from './values/clone-error.ts'
export { someShared } from './values/shared-arguments.ts'
