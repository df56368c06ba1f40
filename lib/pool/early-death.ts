/**
 * How a child of a process pool dies whose entry has not run: of what a preload (`--import`, `--require`) has
 * left uncaught. Of a thread Node would tell its owner; a child has to tell it itself.
 */
import { binding } from '../addon/binding.ts'
import type { StartFailure } from '../addon/binding.ts'
import { START_DIED } from '../addon/seam.ts'
import { isChild } from '../tasks/recursion.ts'
import { packThrown } from '../values/thrown.ts'

const exit = process.exit.bind(process)

/** Tells the pool why this worker, which it has asked for as number `start`, cannot start. */
export function failStart(number: number, failure: StartFailure, why: unknown, start: number = 0): void {
  const pool = binding.openPool(number)
  const { form, data } = packThrown(why)
  if (pool >= 0) binding.startFailed(pool, failure, form, data, start)
}

/** Has such a death told, in a child; once the entry has joined the pool, it tells it. */
export function watchEarlyDeath(): void {
  if (isChild) process.on('uncaughtExceptionMonitor', tell)
}

function tell(error: unknown): void {
  let pool: number
  try {
    ;[pool] = binding.joinParent()
  } catch {
    // The entry has joined.
    process.off('uncaughtExceptionMonitor', tell)
    return
  }
  failStart(pool, START_DIED, error)
  const isForUser = process.listenerCount('uncaughtException') > 0
  // The error is the parent's to tell.
  if (!isForUser && !process.hasUncaughtExceptionCaptureCallback()) {
    process.once('uncaughtException', () => exit(1))
  }
}
