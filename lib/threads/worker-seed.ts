/** What a worker of a pool is told at its start. */
import { workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { PackedInitializer } from '../pool/fleet.ts'

export interface WorkerSeed {
  readonly concurrentFutures: true
  readonly pool: number
  readonly worker: number
  /** Set to 1 by the worker once it has attached, and to 2 once it has said why it cannot. */
  readonly progress: Int32Array
  /** Closed by the worker once it has attached; see exit-probe.ts. */
  readonly exitProbe: MessagePort
  readonly idleTimeout: number
  readonly maxWorkers: number
  /** To the owner; see ports/channel.ts. */
  readonly channel: MessagePort
  readonly initializer: PackedInitializer | undefined
}

/** Set in the workers of a pool. */
export const seed: WorkerSeed | undefined =
  (workerData as Partial<WorkerSeed> | null)?.concurrentFutures === true
    ? (workerData as WorkerSeed)
    : undefined
