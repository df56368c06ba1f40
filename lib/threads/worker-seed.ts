/** What a thread of a pool is told at its start. */
import type { MessagePort } from 'node:worker_threads'
import { isChild, ownStart } from '../tasks/recursion.ts'
import type { WorkerStart } from '../tasks/recursion.ts'

/** What the worker runs before its first task. */
export interface Initializer {
  /** The number of the function. */
  readonly fn: number
  readonly form: number
  readonly args: unknown
  /** Places among the arguments, each with the number of its shared value after it. */
  readonly shared: unknown[]
}

export interface WorkerSeed extends WorkerStart {
  readonly pool: number
  readonly worker: number
  /** As which of the pool's workers it was asked for, counted from 1. */
  readonly start: number
  /** Closed by the worker once it has attached; see exit-probe.ts. */
  readonly exitProbe: MessagePort
  readonly idleTimeout: number
  readonly tasksPerWorker: number
  /** To the owner; see ports/channel.ts. */
  readonly channel: MessagePort
  readonly initializer: Initializer | undefined
  /** The NODE_OPTIONS of the worker's environment, if Node did not start it with all of them. */
  readonly nodeOptions?: string
}

/** Set in the threads of a pool. */
export const seed: WorkerSeed | undefined = isChild ? undefined : (ownStart as WorkerSeed | undefined)
