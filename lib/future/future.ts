/**
 * The future: a live view of a task, and the place where its outcome is kept.
 *
 * Two kinds exist. A hand-made one (`new Future()`) holds its state itself. A linked one asks its
 * {@link TaskLink} for the state of the native task, until the outcome is *stored* here and the link dropped.
 * Storing runs no code of the user: callbacks, promises and listeners get the outcome when the future is
 * *delivered*, once, by the pool in a turn of its own, by `cancel()`, `setResult()` and `setException()`, or
 * by `addDoneCallback()` on a future that has settled but was not delivered yet.
 */
import { inspect } from 'node:util'
import { CancelledError, InvalidStateError, TimeoutError } from '../errors/errors.ts'
import { bindToThread } from '../errors/thread-bound.ts'
import { now } from '../host/clocks.ts'
import { define } from '../host/define.ts'
import { setImmediate } from '../host/timers.ts'
import { boolean, callable, duration, options as checkOptions } from '../options/check.ts'
import { readWait } from '../options/wait-options.ts'
import type { WaitOptions } from '../options/wait-options.ts'
import { defer } from './deferred.ts'
import type { Deferred } from './deferred.ts'
import { describeFuture } from './inspect.ts'
import { Listeners, call } from './listeners.ts'
import { brand } from './protocol.ts'
import type { FutureProtocol } from './protocol.ts'
import { CANCEL, ERROR, STATE_NAMES, VALUE } from './states.ts'
import { STATE_CANCELLED, STATE_FINISHED, STATE_PENDING, STATE_RUNNING } from '../addon/seam.ts'
import type { FutureState, OutcomeKind, StoredOutcome } from './states.ts'
import type { TaskLink } from './task-link.ts'
import { beginWait } from './wait-hook.ts'
import { WaitLimit } from './wait-limit.ts'

/** What `cancel()` takes. */
export interface CancelOptions {
  /** Also cancel a task that runs already; default false. */
  interrupt?: boolean | undefined
  /** Becomes the `cause` of the CancelledError. */
  reason?: unknown
}

/**
 * A Future whose `then`, `catch` and `finally` are hidden from the compiler. `asCompleted` yields the Future
 * objects themselves; typed as thenables they would make TypeScript unwrap them in `for await`.
 */
export type DoneFuture<T> = Omit<Future<T>, 'then' | 'catch' | 'finally'>

// Bits of #state beside the two of the state itself, of which DONE is set in STATE_CANCELLED and
// STATE_FINISHED. COMPLETING: the error that is stored gets properties yet; see `completeLater`.
const STATE = 3
const DONE = 2
const FAILED = 4
const DELIVERED = 8
const DELIVERING = 16
const COMPLETING = 32

/** The slot of a future that has no native task. */
const HAND_MADE = -1

/**
 * The future whose outcome is being collected at the moment: its progress is held back until it is delivered.
 */
let collecting: Future<any> | undefined

/** What resolves when an error that is stored is complete. */
const completions: WeakMap<Future<any>, Promise<void>> = new WeakMap()

const sleeper = new Int32Array(new SharedArrayBuffer(4))

export let createLinkedFuture: (link: TaskLink<Future<any>>, slot?: number) => Future<any>
/** The slot of a linked future, where it is known later. */
export let setSlot: (future: Future<any>, slot: number) => void
export let storeOutcome: (future: Future<any>, kind: OutcomeKind, value: unknown) => void
export let deliver: (future: Future<any>) => void
export let deliverProgress: (future: Future<any>, value: unknown) => void
/**
 * Adds a callback of ours to a future that was not delivered yet, without a look at whether it has settled.
 */
export let addOwnCallback: (future: Future<any>, fn: (future: any) => void) => void
/** Has the delivery of a future that was not delivered yet called by `around`. */
export let watchDelivery: (future: Future<any>, around: (deliver: () => void) => void) => void
export let removeDoneCallback: (future: Future<any>, fn: (future: any) => void) => void
/** The `kind` of the link of a future whose outcome is not stored yet. */
export let linkKindOf: (future: Future<any>) => unknown
/** Stops the task of a linked future, if it runs, as if its run time were over. */
export let expire: (future: Future<any>) => void
export let isDelivered: (future: Future<any>) => boolean
/** The error that is stored will be complete when `end` resolves: waits that do not block end then. */
export let completeLater: (future: Future<any>, end: Promise<void>) => void
/** Resolves when that is so; undefined where nothing is missing. */
export let completionOf: (future: Future<any>) => Promise<void> | undefined
/** The stored value or error, without a look at the native state: undefined until the outcome is stored. */
export let storedOutcome: (future: Future<any>) => StoredOutcome | undefined

/**
 * The outcome of a task that may not have run yet. Executors make them; `new Future()` makes a pending one by
 * hand, for authors of executors and for unit tests.
 *
 * It is thenable (`await future` is `await future.result()`), but no promise: a failed future that nobody
 * asks raises no `unhandledRejection`.
 *
 * @example
 * ```ts
 * const future = executor.submit(fib, 40)
 * future.addDoneCallback((future) => console.log(future.state))
 * console.log(await future.result(5_000))
 * ```
 */
export class Future<T> implements PromiseLike<T> {
  /** The state, and once the outcome is stored the bits FAILED and DELIVERED. Stale while there is a link. */
  #state: number = STATE_PENDING
  #slot: number = HAND_MADE
  #link: TaskLink<Future<any>> | null = null
  /** The result, the error, or the reason of a cancel. */
  #value: unknown = undefined
  /** The promise of all waits without a limit; made when first asked for, dropped at delivery. */
  #shared: Deferred | null = null
  /** Made when first asked for, dropped at delivery. */
  #listeners: Listeners | null = null

  static {
    createLinkedFuture = (link, slot = -1) => {
      const future = new Future<any>()
      future.#link = link
      future.#slot = slot
      return future
    }
    setSlot = (future, slot) => {
      future.#slot = slot
    }
    storeOutcome = (future, kind, value) => future.#store(kind, value)
    deliver = (future) => future.#deliver()
    deliverProgress = (future, value) => future.#progress(value)
    addOwnCallback = (future, fn) => future.#ensureListeners().addOwnCallback(fn)
    watchDelivery = (future, around) => {
      future.#ensureListeners().around = around
    }
    removeDoneCallback = (future, fn) => future.#listeners?.removeCallback(fn)
    completeLater = (future, end) => {
      future.#state |= COMPLETING
      const completed = end.then(() => {
        future.#state &= ~COMPLETING
        completions.delete(future)
      })
      completions.set(future, completed)
    }
    completionOf = (future) => ((future.#state & COMPLETING) === 0 ? undefined : completions.get(future))
    linkKindOf = (future) => future.#link?.kind
    expire = (future) => future.#link?.expire(future.#slot)
    isDelivered = (future) => (future.#state & DELIVERED) !== 0
    storedOutcome = (future) => {
      const state = future.#state
      if ((state & DONE) === 0) return undefined
      if ((state & STATE) === STATE_CANCELLED) return { kind: CANCEL, value: future.#error() }
      return { kind: (state & FAILED) !== 0 ? ERROR : VALUE, value: future.#value }
    }
    const protocol: FutureProtocol = {
      outcome(future) {
        const self = future as Future<any>
        if (!self.#collect()) return undefined
        return (self.#state & STATE) === STATE_CANCELLED
          ? 'cancelled'
          : (self.#state & FAILED) !== 0
            ? 'error'
            : 'value'
      },
      add: (future, fn) => (future as Future<any>).#ensureListeners().addOwnCallback(fn),
      remove: (future, fn) => (future as Future<any>).#listeners?.removeCallback(fn),
    }
    define(this.prototype, brand, { value: protocol })
    bindToThread(this.prototype, 'await it, and pass its result')
    define(this.prototype, inspect.custom, {
      value: this.#describe,
      writable: true,
      configurable: true,
    })
  }

  static #describe(this: Future<any>): string {
    return describeFuture(this, () => {
      this.#collect()
      return { state: this.state, outcome: storedOutcome(this) }
    })
  }

  /** The live state of the task. */
  get state(): FutureState {
    return STATE_NAMES[this.#live()] as FutureState
  }

  get [Symbol.toStringTag](): string {
    return 'Future'
  }

  /**
   * Waits for the result, without blocking the event loop.
   *
   * @param options - milliseconds, or `{ timeout, signal }`; default no limit. The task and the future go on
   * when the wait ends early. A result that is there when time runs out wins. A signal that has already
   * aborted wins over a result that is there.
   * @returns a promise of the result. It rejects with the task's error; with `CancelledError` when the future
   * was cancelled (`cause` is the reason); with `TimeoutError` when time ran out, for 0 on the next
   * microtask; with `signal.reason` when the signal aborted.
   * @throws TypeError or RangeError, synchronously, for wrong arguments.
   * @example
   * ```ts
   * const value = await future.result(1_000)
   * ```
   */
  result(options?: number | WaitOptions): Promise<T> {
    return options === undefined ? this.#ask() : (this.#askWithin(options, false) as Promise<T>)
  }

  /**
   * Waits like `result()`, but for the error: resolves with the thrown value, or with `null` if the task
   * returned. Rejects when the future was cancelled or the wait ended early, as `result()` does.
   *
   * @example
   * ```ts
   * const error = await future.exception()
   * if (error !== null) console.error(error)
   * ```
   */
  exception(options?: number | WaitOptions): Promise<unknown> {
    return this.#askWithin(options, true)
  }

  /**
   * Waits for the result and parks the calling thread meanwhile. Runs no callbacks: they run in the next
   * turn. In a task, a wait without a limit runs what it waits for on the same thread; one with a limit
   * leaves it to another worker, so that it ends in time.
   *
   * @param timeout - milliseconds, default no limit
   * @throws the task's error (of a lost task the exit code and the cause may be added to it a moment later,
   * when the event loop turns); CancelledError; TimeoutError when time runs out; InvalidStateError when the
   * wait could never end, such as without a time-out on an unfinished hand-made future.
   * @example
   * ```ts
   * const value = executor.submit(fib, 30).resultSync(1_000)
   * ```
   */
  resultSync(timeout?: number): T {
    this.#park(duration(timeout, 'timeout'))
    if (!this.#returned()) throw this.#error()
    return this.#value as T
  }

  /**
   * Waits like `resultSync()`, but returns the thrown value, or `null` if the task returned. Throws when
   * cancelled or out of time.
   */
  exceptionSync(timeout?: number): unknown {
    this.#park(duration(timeout, 'timeout'))
    if ((this.#state & STATE) === STATE_CANCELLED) throw this.#error()
    return (this.#state & FAILED) !== 0 ? this.#value : null
  }

  /**
   * Cancels the task if it has not started, or with `interrupt` also while it runs. Callbacks run before this
   * returns.
   *
   * @returns true when the future is cancelled, now or already; false when it runs (and `interrupt` is not
   * set) or is finished.
   * @throws TypeError for wrong options
   * @example
   * ```ts
   * future.cancel({ interrupt: true, reason: new Error('the client has gone') })
   * ```
   */
  cancel(options?: CancelOptions): boolean {
    let interrupt = false
    let reason: unknown
    if (options !== undefined) {
      const given = checkOptions<CancelOptions>(options, 'options', ['interrupt', 'reason'])
      interrupt = boolean(given.interrupt, 'interrupt')
      reason = given.reason
    }
    let cancelled: boolean
    if (this.#link !== null) {
      cancelled = this.#link.cancel(this.#slot, this, interrupt, reason)
    } else {
      const mayCancel = this.#state === STATE_PENDING || (this.#state === STATE_RUNNING && interrupt)
      if (mayCancel) this.#store(CANCEL, reason)
      cancelled = (this.#state & STATE) === STATE_CANCELLED
    }
    if (cancelled) this.#deliver()
    return cancelled
  }

  /** Whether the future was cancelled; live. */
  cancelled(): boolean {
    return this.#live() === STATE_CANCELLED
  }

  /** Whether the task is being run now; live. */
  running(): boolean {
    return this.#live() === STATE_RUNNING
  }

  /** Whether the future is cancelled or finished; live: `while (!future.done());` ends. */
  done(): boolean {
    return (this.#live() & DONE) !== 0
  }

  /**
   * Calls `fn` with the future, once, when it is done: in the order of addition, on this thread, in the async
   * context of this call; at once if it is done already. An error that `fn` throws is reported with
   * `process.emitWarning`.
   *
   * @throws TypeError when `fn` is not a function
   * @example
   * ```ts
   * future.addDoneCallback((future) => console.log(future.cancelled() ? 'cancelled' : 'done'))
   * ```
   */
  addDoneCallback(fn: (future: this) => void): void {
    callable(fn, 'fn')
    // What was added earlier must run first, so a future that has settled but was not delivered is delivered
    // now.
    if ((this.#state & DELIVERED) === 0 && this.#collect()) this.#deliver()
    if ((this.#state & DELIVERED) !== 0) call(fn, this, undefined)
    else this.#ensureListeners().addCallback(fn)
  }

  /**
   * Calls `fn` with each value that the task reports with `currentTask().progress(value)`: all of them, in
   * order, before the outcome. Add it right after `submit()`: values are not kept for listeners that come
   * later. An error that `fn` throws is reported with `process.emitWarning`.
   *
   * @returns the function that takes the listener off again
   * @throws TypeError when `fn` is not a function
   * @example
   * ```ts
   * const stop = future.onProgress((percent) => console.log(percent))
   * ```
   */
  onProgress(fn: (value: unknown) => void): () => void {
    callable(fn, 'fn')
    return this.#ensureListeners().addProgressListener(fn)
  }

  /** `result().then(…)`; what `await future` calls. */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: any) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.result().then(onFulfilled, onRejected)
  }

  /** `result().catch(…)`. */
  catch<B = never>(onRejected?: ((error: any) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.result().catch(onRejected)
  }

  /** `result().finally(…)`. */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.result().finally(onFinally)
  }

  /**
   * For authors of executors: call it before the task is run, and run it only if this returns true.
   *
   * @returns false for a cancelled future; true for a pending one, which is then running
   * @throws InvalidStateError in any other state, and for futures of this package's executors
   * @example
   * ```ts
   * if (future.setRunningOrNotifyCancel()) future.setResult(work())
   * ```
   */
  setRunningOrNotifyCancel(): boolean {
    this.#checkHandMade()
    if ((this.#state & STATE) === STATE_CANCELLED) return false
    if (this.#state !== STATE_PENDING) throw new InvalidStateError(`the future is ${this.state}, not pending`)
    this.#state = STATE_RUNNING
    return true
  }

  /**
   * For authors of executors: finishes the future with a result; callbacks run before this returns.
   *
   * @throws InvalidStateError when the future is done, and for futures of this package's executors; TypeError
   * for the future itself, which could never be waited for
   * @example
   * ```ts
   * const future = new Future<number>()
   * future.setResult(42)
   * ```
   */
  setResult(value: T): void {
    if (Object.is(value, this)) throw new TypeError('a future cannot be its own result')
    this.#finish(VALUE, value)
  }

  /**
   * For authors of executors: finishes the future with an error, which may be any value; otherwise like
   * `setResult()`.
   */
  setException(error: unknown): void {
    this.#finish(ERROR, error)
  }

  /** Whether the stored outcome is a result. */
  #returned(): boolean {
    return (this.#state & (STATE | FAILED)) === STATE_FINISHED
  }

  #checkHandMade(): void {
    if (this.#slot !== HAND_MADE) {
      throw new InvalidStateError("the future belongs to an executor's task, which alone decides its outcome")
    }
  }

  #finish(kind: typeof VALUE | typeof ERROR, value: unknown): void {
    this.#checkHandMade()
    if ((this.#state & DONE) !== 0) throw new InvalidStateError(`the future is already ${this.state}`)
    this.#store(kind, value)
    this.#deliver()
  }

  #live(): number {
    return this.#link === null ? this.#state & STATE : this.#link.state(this.#slot)
  }

  #ensureListeners(): Listeners {
    return (this.#listeners ??= new Listeners())
  }

  #store(kind: OutcomeKind, value: unknown): void {
    if ((this.#state & DONE) !== 0) return
    this.#state = kind === VALUE ? STATE_FINISHED : kind === ERROR ? STATE_FINISHED | FAILED : STATE_CANCELLED
    this.#value = value
    this.#link = null
  }

  /** Whether the outcome is stored here, after a look at the native task. Runs no code of the user. */
  #collect(): boolean {
    const link = this.#link
    if (link === null) return (this.#state & DONE) !== 0
    const outer = collecting
    collecting = this
    try {
      return link.collect(this.#slot, this)
    } finally {
      collecting = outer
    }
  }

  /** What a wait for the result throws: the task's error, or a CancelledError made here. */
  #error(): unknown {
    if ((this.#state & STATE) !== STATE_CANCELLED) return this.#value
    return new CancelledError(undefined, this.#value === undefined ? undefined : { cause: this.#value })
  }

  #progress(value: unknown): void {
    const listeners = this.#listeners
    if (listeners === null || (this.#state & DELIVERED) !== 0) return
    if (collecting === this) listeners.holdProgress(value)
    else listeners.deliverProgress(value)
  }

  #deliver(): void {
    if ((this.#state & DONE) === 0 || (this.#state & (DELIVERED | DELIVERING)) !== 0) return
    const listeners = this.#listeners
    const held = listeners?.takeHeldProgress()
    if (held !== undefined) {
      // A listener may add a callback, which would deliver the future: the progress that is left still comes
      // first.
      this.#state |= DELIVERING
      for (const value of held) this.#progress(value)
    }
    this.#state |= DELIVERED
    this.#listeners = null
    const around = listeners?.around
    if (around === undefined) this.#tell(listeners)
    else around(() => this.#tell(listeners))
  }

  #tell(listeners: Listeners | null): void {
    listeners?.endWaits()
    if (this.#shared !== null) this.#settleShared(this.#shared)
    listeners?.callBack(this)
  }

  #settleShared(shared: Deferred): void {
    this.#shared = null
    const completion = completionOf(this)
    if (completion !== undefined) void completion.then(() => this.#settleShared(shared))
    else if (this.#returned()) shared.resolve(this.#value)
    else shared.reject(this.#error())
  }

  /**
   * Whether a wait is over as soon as it begins: the outcome is stored, and no progress has to be delivered
   * before it.
   */
  #isReady(): boolean {
    return (
      (this.#state & DONE) !== 0 &&
      ((this.#state & DELIVERED) !== 0 || this.#listeners?.holdsProgress() !== true)
    )
  }

  /** A wait without limits: all share one promise. */
  #ask(): Promise<T> {
    const shared = this.#shared
    if (this.#isReady()) {
      if (shared === null) return this.#settled(false) as Promise<T>
      this.#settleShared(shared)
      return shared.promise
    }
    const end = beginWait()
    if (end !== undefined) this.#ensureListeners().addWait(end)
    if (shared !== null) return shared.promise
    this.#shared = defer()
    return this.#shared.promise
  }

  /** A wait of its own, with a limit or for the error. */
  #askWithin(wait: number | WaitOptions | undefined, wantsError: boolean): Promise<unknown> {
    const { timeout, signal } = readWait(wait)
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    // Only a wait that ends at once needs the native state now: others end by the delivery.
    if (timeout === 0 ? this.#collect() : this.#isReady()) return this.#settled(wantsError)
    if (timeout === 0) return Promise.reject(timedOut(0))
    return new Promise((resolve, reject) => {
      const end = beginWait()
      const listeners = this.#ensureListeners()
      const settle = (): void => {
        limit.dispose()
        end?.()
        resolve(this.#settled(wantsError))
      }
      const give = (error: unknown): void => {
        listeners.removeWait(settle)
        end?.()
        reject(error)
      }
      const expired = (): void => {
        if (this.#collect()) this.#deliver()
        else give(timedOut(timeout))
      }
      const limit = new WaitLimit(timeout, signal, expired, give)
      listeners.addWait(settle)
    })
  }

  /** The outcome as a promise; the outcome must be stored. */
  #settled(wantsError: boolean): Promise<unknown> {
    const completion = completionOf(this)
    if (completion !== undefined) return completion.then(() => this.#settled(wantsError))
    if (this.#returned()) return Promise.resolve(wantsError ? null : this.#value)
    if (wantsError && (this.#state & STATE) === STATE_FINISHED) return Promise.resolve(this.#value)
    return Promise.reject(this.#error())
  }

  /** Parks this thread until the outcome is stored. */
  #park(timeout: number): void {
    const link = this.#link
    if (!this.#collect()) this.#parkUntilStored(timeout)
    // Otherwise a program that only blocks, and never comes back to its event loop, would keep all its
    // futures. A failed one keeps its slot: the exit code of a lost worker comes with the delivery.
    if (link === null || !this.#returned()) return
    if (this.#listeners !== null || this.#shared !== null) {
      // In the next turn, even if that comes before the loop looks for completions.
      setImmediate(() => this.#deliver())
      return
    }
    this.#state |= DELIVERED
    link.release(this.#slot)
  }

  #parkUntilStored(timeout: number): void {
    const deadline = timeout === Infinity ? Infinity : now() + timeout
    if (this.#link === null && deadline === Infinity) {
      throw new InvalidStateError(
        'an unfinished hand-made future cannot be waited for without a time-out: ' +
          'nobody could finish it meanwhile',
      )
    }
    do {
      const left = deadline === Infinity ? Infinity : deadline - now()
      if (left <= 0) throw timedOut(timeout)
      const link = this.#link
      if (link !== null) link.park(this.#slot, left)
      else Atomics.wait(sleeper, 0, 0, left)
    } while (!this.#collect())
  }
}

function timedOut(timeout: number): TimeoutError {
  return new TimeoutError(`the future was not done within ${timeout} ms`)
}
