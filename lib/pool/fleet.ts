/**
 * The workers that run the JavaScript of one pool, threads or others: what the pool asks of the class that
 * starts and ends them.
 */
import type { PoolIndex } from '../addon/pool-index.ts'
import type { PortValues } from '../ports/owner.ts'
import type { Submittable } from '../tasks/functions.ts'

export interface Fleet {
  /** Starts one more. */
  start(): void
  /** Ends a worker that was given up. */
  end(worker: number): void
  /** Ends those that are not ready for tasks yet. */
  endStarts(): void
  /** Ends all of them. */
  endAll(): void
  /** This isolate ends, and the pool has been terminated. */
  exit(): void
  /** Resolves when the last one has gone; meanwhile they keep the process alive. */
  gone(): Promise<void>
  /** The same, without keeping the process alive. */
  empty(): Promise<void>
  /** What the workers have printed until now, as promises that it is here. */
  output(): Promise<unknown>[]
  /** Node's number of a worker's thread, or -1. */
  threadId(worker: number): number
  /** Node's numbers of the threads that are not ready for tasks yet. */
  starting(): number[]
}

/** What each worker runs before its first task. */
export interface PackedInitializer {
  readonly task: Submittable
  readonly form: number
  readonly args: unknown
  /** Places among the arguments, each with the number of its shared value after it. */
  readonly shared: readonly number[]
}

/** The pool that a fleet is for. */
export interface FleetPool {
  readonly index: PoolIndex
  /** The pool's number in the process. */
  readonly number: number
  readonly initializer: PackedInitializer | undefined
  readonly portValues: PortValues
}

/** Makes the fleet of a new pool. */
export type MakeFleet = (pool: FleetPool) => Fleet
