/**
 * Futures in the order in which they are done. The iterator is made by hand: an async generator would await
 * what it yields, and a future is thenable, so the loop would get results instead of futures. Here promises
 * are resolved with iterator results only.
 */
import { TimeoutError } from '../errors/errors.ts'
import { bindToThread, READ_IT } from '../errors/thread-bound.ts'
import { readWaitOptions } from '../options/wait-options.ts'
import type { WaitOptions } from '../options/wait-options.ts'
import type { DoneFuture, Future } from './future.ts'
import type { FutureProtocol } from './protocol.ts'
import { beginWait } from './wait-hook.ts'
import { WaitLimit } from './wait-limit.ts'
import { readFutures } from './wait.ts'

interface Reader {
  resolve(result: IteratorResult<any, any>): void
  reject(error: unknown): void
}

class CompletionIterator implements AsyncIterableIterator<any> {
  static {
    bindToThread(this.prototype, READ_IT)
  }

  readonly #total: number
  readonly #pending: Map<unknown, FutureProtocol>
  /** Done and not yet read; a Set keeps the order and removes its first in constant time. */
  readonly #ready: Set<unknown> = new Set()
  #readers: Reader[] = []
  #limit: WaitLimit | undefined
  /** Thrown once what is ready has been read. */
  #failure: { error: unknown } | undefined
  #endWait: (() => void) | undefined
  readonly #noteDone = (future: unknown): void => {
    if (!this.#pending.delete(future)) return
    this.#ready.add(future)
    if (this.#pending.size === 0) this.#limit?.dispose()
    this.#serve()
  }

  constructor(futures: Map<unknown, FutureProtocol>, timeout: number, signal: AbortSignal | undefined) {
    this.#total = futures.size
    this.#pending = futures
    if (signal?.aborted === true) {
      this.#abort(signal.reason)
      return
    }
    this.#takeDone()
    if (this.#pending.size === 0) return
    if (timeout === 0) {
      this.#expire()
      return
    }
    for (const [future, protocol] of this.#pending) protocol.add(future, this.#noteDone)
    this.#limit = new WaitLimit(
      timeout,
      signal,
      () => this.#expire(),
      (reason) => this.#abort(reason),
    )
    // An iterator that nobody reads does not keep the process alive.
    this.#limit.hold(false)
  }

  /** Moves what is done to the ready ones, after a look at the live state of each. */
  #takeDone(): void {
    for (const [future, protocol] of this.#pending) {
      if (protocol.outcome(future) === undefined) continue
      protocol.remove(future, this.#noteDone)
      this.#pending.delete(future)
      this.#ready.add(future)
    }
  }

  #expire(): void {
    this.#takeDone()
    const unfinished = this.#pending.size
    if (unfinished > 0) {
      this.#failure = { error: new TimeoutError(`${unfinished} (of ${this.#total}) futures unfinished`) }
    }
    this.#letGo()
    this.#serve()
  }

  #abort(reason: unknown): void {
    this.#ready.clear()
    this.#failure = { error: reason }
    this.#letGo()
    this.#serve()
  }

  /** Leaves nothing behind: no callback, no timer, no listener. */
  #letGo(): void {
    this.#limit?.dispose()
    for (const [future, protocol] of this.#pending) protocol.remove(future, this.#noteDone)
    this.#pending.clear()
  }

  /** Serves waiting readers, first come first served, as far as possible. */
  #serve(): void {
    while (this.#readers.length > 0) {
      const failure = this.#failure
      if (this.#ready.size === 0 && this.#pending.size > 0) return
      const reader = this.#readers.shift() as Reader
      if (this.#ready.size > 0) {
        reader.resolve(this.#takeReady())
      } else if (failure !== undefined) {
        this.#failure = undefined
        reader.reject(failure.error)
      } else {
        reader.resolve({ done: true, value: undefined })
      }
    }
    this.#limit?.hold(false)
    this.#endWait?.()
    this.#endWait = undefined
  }

  #takeReady(): IteratorResult<unknown, undefined> {
    for (const future of this.#ready) {
      this.#ready.delete(future)
      return { done: false, value: future }
    }
    return { done: true, value: undefined }
  }

  next(): Promise<IteratorResult<any, any>> {
    const promise = new Promise<IteratorResult<any, any>>((resolve, reject) =>
      this.#readers.push({ resolve, reject }),
    )
    if (this.#readers.length === 1) {
      this.#serve()
      if (this.#readers.length === 1) {
        this.#limit?.hold(true)
        this.#endWait = beginWait()
      }
    }
    return promise
  }

  return(value?: unknown): Promise<IteratorResult<any, any>> {
    this.#ready.clear()
    this.#failure = undefined
    this.#letGo()
    this.#serve()
    return Promise.resolve({ done: true, value })
  }

  throw(error?: unknown): Promise<IteratorResult<any, any>> {
    void this.return()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}

/**
 * Iterates over futures as they are done; those that are done already come first, in their order. They may
 * belong to different executors, or be made by hand; duplicates come once. It yields the Future objects
 * themselves: ask each for its `result()`.
 *
 * @param futures - read once, at the call
 * @param options - `timeout` in milliseconds from this call (default: no limit), `signal`
 * @returns an iterator. When time runs out it yields what is done by then and throws `TimeoutError` ('2 (of
 * 5) futures unfinished'); when the signal aborts it throws `signal.reason`. Leaving the loop early leaves
 * nothing behind; the tasks go on.
 * @throws TypeError or RangeError, synchronously, for wrong arguments
 * @example
 * ```ts
 * for await (const future of asCompleted(futures, { timeout: 10_000 })) {
 *   console.log(await future.result())
 * }
 * ```
 */
export function asCompleted<T>(
  futures: Iterable<Future<T>>,
  options?: WaitOptions,
): AsyncIterableIterator<DoneFuture<T>>
/** The same for futures of several types: `Iterable<Future<string> | Future<number>>`. */
export function asCompleted<F extends Future<any>>(
  futures: Iterable<F>,
  options?: WaitOptions,
): AsyncIterableIterator<DoneFuture<Awaited<F>>>
export function asCompleted(
  futures: Iterable<Future<any>>,
  options?: WaitOptions,
): AsyncIterableIterator<DoneFuture<any>> {
  const { timeout, signal } = readWaitOptions(options)
  return new CompletionIterator(readFutures(futures), timeout, signal)
}
