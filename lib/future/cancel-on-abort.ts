/** Futures that are cancelled when a signal aborts. */
import { offAbort, onAbort } from './abort-listeners.ts'
import { addOwnCallback } from './future.ts'
import type { Future } from './future.ts'

/** The unfinished futures that follow one signal. */
class CancelGroup {
  readonly #signal: AbortSignal
  readonly #futures: Set<Future<any>> = new Set()
  readonly #abort = (): void => {
    const { reason } = this.#signal
    // Those that wait go first: a worker that a running one leaves would take the next of them, and might
    // finish it before its turn comes.
    for (const future of this.#futures) future.cancel({ reason })
    for (const future of this.#futures) future.cancel({ interrupt: true, reason })
  }
  readonly #leave = (future: Future<any>): void => {
    this.#futures.delete(future)
    if (this.#futures.size === 0) offAbort(this.#signal, this.#abort)
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(future: Future<any>): void {
    if (this.#futures.size === 0) onAbort(this.#signal, this.#abort)
    this.#futures.add(future)
    // Nothing may be delivered before the caller has the future and could add listeners.
    addOwnCallback(future, this.#leave)
  }
}

const bySignal: WeakMap<AbortSignal, CancelGroup> = new WeakMap()

/** Cancels the future, running or not, when the signal aborts. */
export function cancelOnAbort(future: Future<any>, signal: AbortSignal): void {
  let group = bySignal.get(signal)
  if (group === undefined) {
    group = new CancelGroup(signal)
    bySignal.set(signal, group)
  }
  group.add(future)
}
