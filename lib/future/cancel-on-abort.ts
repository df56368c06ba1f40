/** Futures that are cancelled when a signal aborts. */
import { offAbort, onAbort } from './abort-listeners.ts'
import { addOwnCallback } from './future.ts'
import type { Future } from './future.ts'

/** The unfinished futures that one signal cancels. */
class CancelGroup {
  readonly #signal: AbortSignal
  readonly #futures: Set<Future<any>> = new Set()
  readonly #abort = (): void => {
    const { reason } = this.#signal
    // Pending ones first: the worker of a running one that is cancelled would claim the next pending one, and
    // might finish it before that is cancelled.
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
    // `addOwnCallback` does not look whether the task has ended: nothing may be delivered before the caller
    // has the future and could add listeners.
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
