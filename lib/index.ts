/** Python's concurrent.futures for Node.js. This file only says what is public. */
export { asCompleted } from './as-completed.ts'
export { currentTask } from './context.ts'
export type { CurrentTask } from './context.ts'
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
} from './errors.ts'
export { Executor } from './executor.ts'
export type { ShutdownOptions, Source, Sources } from './executor.ts'
export type { Task } from './functions.ts'
export { Future } from './future.ts'
export type { CancelOptions, DoneFuture } from './future.ts'
export type { FutureState } from './future-states.ts'
export { transfer } from './transfer.ts'
export { loadNative } from './load-native.ts'
export type { PluginTask, PluginTasks } from './load-native.ts'
export { native } from './native.ts'
export type { NativeTasks, Statistics } from './native.ts'
export type { Argon2idOptions, Bytes, CompressOptions, DecompressOptions, MatmulShape, Numbers } from './native-arguments.ts'
export type { ThreadPoolOptions } from './pool-options.ts'
export type { ExecutorStats, Histogram, WorkerDump } from './stats.ts'
export type { TaskOptions } from './task-options.ts'
export { moduleTasks, tasks } from './tasks.ts'
export type { ModuleTasks } from './tasks.ts'
export { currentExecutor, ThreadPoolExecutor } from './thread-pool.ts'
export type { WaitOptions } from './wait-options.ts'
export { ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, wait } from './wait.ts'
export type { ReturnWhen, WaitForOptions, WaitResult } from './wait.ts'
