/**
 * The listeners of a future, beside the promise that all waits without a limit share: waits with a limit,
 * done callbacks, and listeners for progress. Most futures have none, so the object is made when it is first
 * needed.
 */
import { AsyncResource } from 'node:async_hooks'
import { inspect } from 'node:util'

interface Listener<F> {
  fn: F | undefined
  /** The async context of whoever added it; undefined for our own, which only settle promises. */
  readonly context: AsyncResource | undefined
}

export class Listeners {
  readonly #waits: (() => void)[] = []
  readonly #callbacks: Listener<(future: any) => unknown>[] = []
  #progress: readonly Listener<(value: unknown) => unknown>[] = []
  /** Calls what it is given, the delivery, and does something around it. */
  around: ((deliver: () => void) => void) | undefined
  /** Progress that arrived where no code of the user may run; delivered before the outcome. */
  #held: unknown[] | undefined

  /** Calls `wait` once the outcome is stored, before callbacks: the ends of waits. */
  addWait(wait: () => void): void {
    this.#waits.push(wait)
  }

  removeWait(wait: () => void): void {
    this.#waits.splice(this.#waits.indexOf(wait), 1)
  }

  endWaits(): void {
    for (const wait of this.#waits) wait()
  }

  /** Adds a done callback of the user, to be called in the async context of now. */
  addCallback(fn: (future: any) => unknown): void {
    this.#callbacks.push({ fn, context: captureContext() })
  }

  /** Adds a done callback of ours. */
  addOwnCallback(fn: (future: any) => unknown): void {
    this.#callbacks.push({ fn, context: undefined })
  }

  removeCallback(fn: (future: any) => unknown): void {
    const index = this.#callbacks.findIndex((entry) => entry.fn === fn)
    if (index >= 0) this.#callbacks.splice(index, 1)
  }

  callBack(future: unknown): void {
    for (const { fn, context } of this.#callbacks) if (fn !== undefined) call(fn, future, context)
  }

  /** Adds a listener for progress; returns the function that takes it off again. */
  addProgressListener(fn: (value: unknown) => unknown): () => void {
    const listener: Listener<(value: unknown) => unknown> = { fn, context: captureContext() }
    // A new array each time: the one that `deliverProgress` iterates over must not change.
    this.#progress = [...this.#progress, listener]
    return () => {
      listener.fn = undefined
      this.#progress = this.#progress.filter((other) => other !== listener)
    }
  }

  /** Calls the listeners for progress. */
  deliverProgress(value: unknown): void {
    for (const listener of this.#progress) {
      if (listener.fn !== undefined) call(listener.fn, value, listener.context)
    }
  }

  /** Keeps progress until code of the user may run. */
  holdProgress(value: unknown): void {
    if (this.#progress.length > 0) (this.#held ??= []).push(value)
  }

  /** Whether there is progress to be delivered before the outcome. */
  holdsProgress(): boolean {
    return this.#held !== undefined
  }

  /** What was held, for the caller to deliver now; undefined when nothing was. */
  takeHeldProgress(): unknown[] | undefined {
    const held = this.#held
    this.#held = undefined
    return held
  }
}

/**
 * The async context of the caller. AsyncLocalStorage.snapshot() does the same at a hundred times the cost on
 * Node 20.
 */
function captureContext(): AsyncResource {
  return new AsyncResource('FutureCallback')
}

/** Calls code of the user, whose errors become warnings. */
export function call(
  fn: (argument: any) => unknown,
  argument: unknown,
  context: AsyncResource | undefined,
): void {
  try {
    if (context === undefined) fn(argument)
    else context.runInAsyncScope(fn, undefined, argument)
  } catch (error) {
    warn(error)
  }
}

function warn(thrown: unknown): void {
  const text = (): string => `a callback of a future threw ${inspect(thrown)}`
  try {
    process.emitWarning(thrown instanceof Error ? thrown : text())
  } catch {
    // In a vm context an error is none of those that Node takes.
    process.emitWarning(text())
  }
}
