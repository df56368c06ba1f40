/**
 * Putting an isolate right after a stop has cut off its JavaScript. What the stop skipped are the `finally` blocks of Node's own scopes: the
 * stack of async ids is out of balance, which Node punishes with the end of the process as soon as the outer callback closes. Node empties
 * that stack itself after an uncaught exception that was handled, so we have it handle one.
 */
import { binding } from '../binding.ts'
import { forgetRunning } from './dispatch.ts'

/** How long nextTick, a promise and an immediate may take to show that the event loop is sound. */
const HEALTH_LIMIT = 200

/** Called by the addon on the stack on which the task ran. */
export function recover(unharmed: boolean): void {
  forgetRunning()
  if (!unharmed || !emptyAsyncStack()) {
    binding.recovered(false)
    return
  }
  checkHealth()
}

function emptyAsyncStack(): boolean {
  if (process.hasUncaughtExceptionCaptureCallback()) return false
  try {
    process.setUncaughtExceptionCaptureCallback(() => {})
  } catch {
    // The task has loaded node:domain.
    return false
  }
  try {
    binding.fatal()
  } finally {
    process.setUncaughtExceptionCaptureCallback(null)
  }
  return true
}

function checkHealth(): void {
  let missing = 3
  let isOver = false
  const finish = (ok: boolean): void => {
    if (isOver) return
    isOver = true
    clearTimeout(limit)
    binding.recovered(ok)
  }
  const one = (): void => {
    if (--missing === 0) finish(true)
  }
  const limit = setTimeout(() => finish(false), HEALTH_LIMIT)
  process.nextTick(one)
  void Promise.resolve().then(one)
  setImmediate(one)
}
