/** The executor of the tasks that this worker runs. */
import type { Executor } from '../executor/executor.ts'
import { currentContext } from '../tasks/current-task.ts'
import { taskHost } from '../tasks/host.ts'
import type { PoolKind } from './kind.ts'
import { findOwnExecutorBy, ownPool } from './own-pool.ts'
import { Pool } from './pool.ts'

type Make = (pool: Pool) => Executor

const makers: Map<PoolKind, Make> = new Map()
let executor: Executor | undefined

/** In workers of pools of this kind, `make` makes the executor of a task. */
export function ownExecutorBy(kind: PoolKind, make: Make): void {
  makers.set(kind, make)
}

function open(): Executor | undefined {
  const own = ownPool()
  const pool = own && Pool.open(own.pool, own, own.kind)
  return pool && makers.get(pool.kind)?.(pool)
}

/** That of a task which a worker of this copy of the package runs. */
function ofOwnWorker(): Executor | null {
  if (currentContext() === undefined) return null
  return (executor ??= open()) ?? null
}

findOwnExecutorBy(ofOwnWorker)

/**
 * The executor that runs the calling task, for submitting more from within it; `null` outside of tasks.
 *
 * @example
 * ```ts
 * const half = currentExecutor()?.submit(sort, left)
 * ```
 */
export function currentExecutor(): Executor | null {
  return ofOwnWorker() ?? (taskHost()?.executor() as Executor | null | undefined) ?? null
}
