/** What `concurrent-futures/bullmq` gives; this file only says what is public. */
export { BullMQExecutor } from './bullmq-executor.ts'
export { BullMQWorker } from './bullmq-worker.ts'
export type { CloseOptions } from './bullmq-worker.ts'
export type { BullMQExecutorOptions } from './bullmq-executor.ts'
export type { BullMQWorkerOptions } from './bullmq-worker.ts'
