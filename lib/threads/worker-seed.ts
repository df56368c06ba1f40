/** What a worker of a pool is told at its start. */
import { workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { PackedInitializer } from '../pool/fleet.ts'

export interface WorkerSeed {
  readonly concurrentFutures: true
  readonly pool: number
  readonly worker: number
  /** How far its start is: one of the numbers below. */
  readonly progress: Int32Array
  /** Closed by the worker once it has attached; see exit-probe.ts. */
  readonly exitProbe: MessagePort
  readonly idleTimeout: number
  readonly maxWorkers: number
  /** To the owner; see ports/channel.ts. */
  readonly channel: MessagePort
  readonly initializer: PackedInitializer | undefined
}

/** What is in `progress`: at first; once the worker has attached; once it has said why it cannot. */
export const STARTING = 0
export const ATTACHED = 1
export const REFUSED = 2

/** Set in the workers of a pool. */
export const seed: WorkerSeed | undefined =
  (workerData as Partial<WorkerSeed> | null)?.concurrentFutures === true
    ? (workerData as WorkerSeed)
    : undefined
