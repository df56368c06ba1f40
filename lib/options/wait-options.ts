/** The limits that a wait is given: read and checked here, kept by whoever waits. */
import { duration, options as checkOptions, signal as checkSignal } from './check.ts'

/** How long and for whom a wait goes on. */
export interface WaitOptions {
  /** Milliseconds, >= 0; default: no limit. */
  timeout?: number | undefined
  /**
   * Aborting it ends the wait with `signal.reason`; the task goes on. One that has already aborted wins over
   * a result that is there.
   */
  signal?: AbortSignal | undefined
}

/** The limits of a wait, checked. */
export interface WaitLimits {
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

/** Reads the options of a wait. */
export function readWaitOptions(options: WaitOptions | undefined): WaitLimits {
  const given = checkOptions<WaitOptions>(options, 'options', ['timeout', 'signal'])
  return { timeout: duration(given.timeout, 'timeout'), signal: checkSignal(given.signal, 'signal') }
}

/** Reads what `result()` and `exception()` take: milliseconds, or options. */
export function readWait(wait: number | WaitOptions | undefined): WaitLimits {
  if (wait === undefined || typeof wait === 'number') {
    return { timeout: duration(wait, 'timeout'), signal: undefined }
  }
  return readWaitOptions(wait)
}
