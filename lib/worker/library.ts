/**
 * The library of the package, which a worker has only when a task imports it: tasks that do not need what
 * reads and runs in a worker, and no more.
 */
import { createRequire } from 'node:module'
import type { Executor } from '../executor/executor.ts'

/** What a worker asks the library for, by the names that inner.ts gives. */
interface Library {
  ownExecutor(): Executor | null
}

/** Loads the library, if no task has. */
export function library(): Library {
  const { Executor } = createRequire(import.meta.url)('./library.cjs') as { Executor: object }
  return (Executor as { [key: symbol]: Library })[Symbol.for('concurrent-futures.inner')] as Library
}
