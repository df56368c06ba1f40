/** Python's concurrent.futures for Node.js. This file only says what is public. */
export { asCompleted } from './future/as-completed.ts'
export { currentTask } from './tasks/current-task.ts'
export type { CurrentTask } from './tasks/current-task.ts'
export {
  BrokenExecutor,
  BrokenProcessPool,
  BrokenThreadPool,
  CancelledError,
  FutureError,
  InvalidStateError,
  QueueFullError,
  TimeoutError,
  WorkerLostError,
} from './errors/errors.ts'
export type { TimeoutErrorOptions, TimeoutPhase } from './errors/errors.ts'
export { Executor } from './executor/executor.ts'
export type { OrShared, ShutdownOptions, Source, Sources } from './executor/executor.ts'
export type { StreamTask, Task } from './tasks/functions.ts'
export { Future } from './future/future.ts'
export type { CancelOptions, DoneFuture } from './future/future.ts'
export type { FutureState } from './future/states.ts'
export { transfer } from './values/transfer.ts'
export { share, Shared } from './values/shared.ts'
export type { ShareOptions } from './values/shared.ts'
export { repeat } from './executor/repeat.ts'
export { loadNative } from './tasks/load-native.ts'
export type { PluginTask, PluginTasks } from './tasks/load-native.ts'
export { native } from './tasks/native.ts'
export type { NativeTasks, Statistics } from './tasks/native.ts'
export type {
  Argon2idOptions,
  Bytes,
  CompressOptions,
  DecompressOptions,
  MatmulShape,
  Numbers,
} from './tasks/native-arguments.ts'
export type { ThreadPoolOptions } from './options/pool-options.ts'
export type { Trace, TraceFile } from './diagnostics/trace.ts'
export type { TraceEvent } from './diagnostics/trace-events.ts'
export type { RunMessage, TaskMessage, WorkerMessage } from './diagnostics/channels.ts'
export type { ExecutorStats, Histogram, WorkerDump } from './executor/stats.ts'
export type { TaskStream } from './executor/task-stream.ts'
export type { TaskOptions } from './options/task-options.ts'
export { moduleTasks, tasks } from './tasks/module-tasks.ts'
export type { ModuleTasks } from './tasks/module-tasks.ts'
export { currentExecutor } from './pool/current-executor.ts'
export { PoolExecutor } from './pool/pool-executor.ts'
export { ThreadPoolExecutor } from './threads/thread-pool-executor.ts'
export { ProcessPoolExecutor } from './processes/process-pool-executor.ts'
export type { ProcessPermission, ProcessPoolOptions } from './options/process-pool-options.ts'
export type { WaitOptions } from './options/wait-options.ts'
export { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, wait } from './future/wait.ts'
export type { ReturnWhen, WaitForOptions, WaitResult } from './future/wait.ts'
