/**
 * The library of the package, which a worker has only when a task imports it: tasks that do not need what
 * reads and runs in a worker, and no more.
 */
import { createRequire } from 'node:module'

/** Loads the library, if no task has. */
export function loadLibrary(): void {
  createRequire(import.meta.url)('./library.cjs')
}
