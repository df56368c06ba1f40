/** The executor of the tasks that this worker runs. */
import type { Executor } from '../executor/executor.ts'
import { currentContext } from '../tasks/current-task.ts'
import { taskHost } from '../tasks/host.ts'
import type { PoolKind } from './kind.ts'
import { Pool } from './pool.ts'

/** The pool whose worker this isolate is. */
export interface OwnPool {
  /** Its number, for `Pool.open`. */
  readonly pool: number
  readonly tasksPerWorker: number
}

/** Set in the workers of a pool. */
let own: OwnPool | undefined
let open: () => Executor | undefined = () => undefined
let executor: Executor | undefined

/** This isolate is a worker of a pool of this kind; `make` makes an executor for it. */
export function setOwnPool(given: OwnPool, kind: PoolKind, make: (pool: Pool) => Executor): void {
  own = given
  open = () => {
    const pool = Pool.open(given.pool, given, kind)
    return pool === undefined ? undefined : make(pool)
  }
}

/** Whether this isolate is a worker of the pool of this number. */
export function isOwnPool(pool: number): boolean {
  return own?.pool === pool
}

/**
 * The executor that runs the calling task, for submitting more from within it; `null` outside of tasks.
 *
 * @example
 * ```ts
 * const half = currentExecutor()?.submit(sort, left)
 * ```
 */
export function currentExecutor(): Executor | null {
  return ownExecutor() ?? (taskHost()?.executor() as Executor | null | undefined) ?? null
}

/** The same, of a task that a worker of this copy of the package runs. */
export function ownExecutor(): Executor | null {
  if (own === undefined || currentContext() === undefined) return null
  return (executor ??= open()) ?? null
}
