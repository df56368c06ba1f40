/** The pool whose worker this isolate is, as far as a worker without the library knows it. */
import type { Executor } from '../executor/executor.ts'
import type { PoolKind } from './kind.ts'

/** Where a worker belongs. */
export interface OwnPool {
  /** The number of the pool, for `Pool.open`. */
  readonly pool: number
  readonly tasksPerWorker: number
  readonly kind: PoolKind
}

/** Set in the workers of a pool. */
let own: OwnPool | undefined

/** This isolate is a worker of this pool. */
export function setOwnPool(given: OwnPool): void {
  own = given
}

/** The pool whose worker this isolate is; undefined where it is none. */
export function ownPool(): OwnPool | undefined {
  return own
}

/** Whether this isolate is a worker of the pool of this number. */
export function isOwnPool(pool: number): boolean {
  return own?.pool === pool
}

let findExecutor: () => Executor | null = () => null

/** `find` gives the executor of the task that calls: the library says so when it is loaded. */
export function findOwnExecutorBy(find: () => Executor | null): void {
  findExecutor = find
}

/** The executor of the task that calls; `null` where the library was not loaded. */
export function ownExecutor(): Executor | null {
  return findExecutor()
}
