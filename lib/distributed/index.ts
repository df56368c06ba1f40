/** What `concurrent-futures/bullmq` gives; this file only says what is public. */
export { BullMQExecutor } from './bullmq-executor.ts'
export { BullMQWorker } from './bullmq-worker.ts'
export type { CloseOptions } from './bullmq-worker.ts'
export type { JobFuture } from './job-future.ts'
export type { Modules } from './modules.ts'
export type { BullMQExecutorOptions, BullMQTaskOptions, BullMQWorkerOptions, Connection } from './options.ts'
