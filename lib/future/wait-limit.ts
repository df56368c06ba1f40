/** The limits of a wait, time and a signal, of which at most one ends it. */
import { now } from '../host/clocks.ts'
import { clearTimeout, LONGEST_TIMER, setTimeout } from '../host/timers.ts'
import type { Timer } from '../host/timers.ts'
import { offAbort, onAbort } from './abort-listeners.ts'

/**
 * The limits of one wait: its time and its signal. Who makes one disposes of it when the wait is over, or its
 * timer and its listener stay.
 */
export class WaitLimit {
  readonly #deadline: number
  readonly #expired: () => void
  readonly #signal: AbortSignal | undefined
  readonly #aborted: () => void
  #timer: Timer | undefined
  #held = true

  /**
   * Calls `expired` once `ms` have passed, `aborted` when the signal aborts; at most one of the two, once,
   * and never synchronously.
   */
  constructor(
    ms: number,
    signal: AbortSignal | undefined,
    expired: () => void,
    aborted: (reason: unknown) => void,
  ) {
    this.#deadline = ms === Infinity ? Infinity : now() + ms
    this.#expired = expired
    this.#signal = signal
    this.#aborted = (): void => {
      this.dispose()
      aborted(signal?.reason)
    }
    if (signal !== undefined) onAbort(signal, this.#aborted)
    if (ms !== Infinity) this.#arm(ms)
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => this.#fire(), Math.min(Math.ceil(ms), LONGEST_TIMER))
    if (!this.#held) this.#timer.unref()
  }

  #fire(): void {
    // Timers may come up to a millisecond early, and long limits take several.
    const left = this.#deadline - now()
    if (left > 0) {
      this.#arm(left)
      return
    }
    this.dispose()
    this.#expired()
  }

  /** Whether the timer keeps the process alive; it does at first. */
  hold(held: boolean): void {
    if (held === this.#held) return
    this.#held = held
    if (held) this.#timer?.ref()
    else this.#timer?.unref()
  }

  /** There is nothing left that the signal could end: takes the listener off it. */
  dropSignal(): void {
    if (this.#signal !== undefined) offAbort(this.#signal, this.#aborted)
  }

  /** Ends the limits: clears the timer and takes the listener off the signal. */
  dispose(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.dropSignal()
  }
}
