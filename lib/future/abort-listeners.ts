/**
 * What is called when a signal aborts: by one listener on the signal, however many the calls are, since Node
 * 20 warns of a leak from the eleventh listener on. It is one of those that another listener's
 * `stopImmediatePropagation()` does not keep from being called.
 */
import { addAbortListener } from 'node:events'

class AbortListeners {
  readonly #signal: AbortSignal
  readonly #calls: Set<() => void> = new Set()
  readonly #abort = (): void => {
    // An event that somebody has dispatched: it has used the listener up, which is called once.
    if (!this.#signal.aborted) {
      if (this.#calls.size > 0) addAbortListener(this.#signal, this.#abort)
      return
    }
    for (const call of [...this.#calls]) call()
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(call: () => void): void {
    if (this.#calls.size === 0) addAbortListener(this.#signal, this.#abort)
    this.#calls.add(call)
  }

  delete(call: () => void): void {
    if (this.#calls.delete(call) && this.#calls.size === 0) {
      this.#signal.removeEventListener('abort', this.#abort)
    }
  }
}

const bySignal: WeakMap<AbortSignal, AbortListeners> = new WeakMap()

/** Calls `call` when the signal aborts, until `offAbort` takes it back. It must not throw. */
export function onAbort(signal: AbortSignal, call: () => void): void {
  let listeners = bySignal.get(signal)
  if (listeners === undefined) {
    listeners = new AbortListeners(signal)
    bySignal.set(signal, listeners)
  }
  listeners.add(call)
}

export function offAbort(signal: AbortSignal, call: () => void): void {
  bySignal.get(signal)?.delete(call)
}
