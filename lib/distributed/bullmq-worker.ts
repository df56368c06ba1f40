/** What runs the jobs of a queue on an executor of its host. */
import type { PoolExecutor } from '../pool/pool-executor.ts'
import { Worker } from './peer.ts'
import type { BullMQExecutorOptions } from './bullmq-executor.ts'

/** What `new BullMQWorker` takes. */
export interface BullMQWorkerOptions extends BullMQExecutorOptions {
  /** What runs the tasks. */
  executor: PoolExecutor
}

/** How a worker is closed. */
export interface CloseOptions {
  /** How long what runs may go on, in ms. Default: no limit. */
  grace?: number | undefined
}

/** Runs the jobs of a queue. */
export class BullMQWorker {
  constructor(options: BullMQWorkerOptions) {
    void options
    throw new TypeError(`there is no ${Worker.name} yet`)
  }

  close(options?: CloseOptions): Promise<void> {
    void options
    return Promise.resolve()
  }
}
