/**
 * The iterator of `Executor.map`, as its reader sees it: it hands out the results in the order of the input,
 * while map-feeding.ts reads the iterables and submits.
 *
 * A failure of any kind (an item's, a source's, a refused submission, time) ends the feeding, and is thrown
 * when the reader has had the results before it.
 */
import { CancelledError, TimeoutError } from '../errors/errors.ts'
import { bindToThread, READ_IT } from '../errors/thread-bound.ts'
import { expire, storedOutcome } from '../future/future.ts'
import type { Future } from '../future/future.ts'
import { protocolOf } from '../future/protocol.ts'
import { VALUE } from '../future/states.ts'
import { beginWait } from '../future/wait-hook.ts'
import { WaitLimit } from '../future/wait-limit.ts'
import { Fifo } from './fifo.ts'
import type { ChunkResult, MapFeed } from './map-feed.ts'
import { Feeding } from './map-feeding.ts'
import type { FeedingPlan } from './map-feeding.ts'
import type { ChunkReader } from './map-source.ts'
import type { Place } from './outstanding.ts'

const NONE: never[] = []

interface Reader {
  resolve(result: IteratorResult<any, any>): void
  reject(error: unknown): void
}

/** What the options of a map come to. */
export interface Plan extends FeedingPlan {
  /** Whether a task gives a {@link ChunkResult}. */
  readonly isChunked: boolean
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

export class MapIterator implements AsyncIterableIterator<any> {
  static {
    bindToThread(this.prototype, READ_IT)
  }

  readonly #plan: Plan
  readonly #feeding: Feeding
  readonly #readers: Fifo<Reader> = new Fifo()
  /** The results of the chunk that is being read, and how many of them have been. */
  #values: unknown[] | Float64Array = NONE
  #read = 0
  /** The outstanding task that our callback is on. */
  #watched: Future<unknown> | undefined
  readonly #limit: WaitLimit
  #endWait: (() => void) | undefined
  readonly #noteDone = (): void => {
    this.#watched = undefined
    this.#serve()
  }

  constructor(feed: MapFeed, source: ChunkReader, plan: Plan) {
    this.#plan = plan
    this.#feeding = new Feeding(feed, source, plan, {
      changed: () => this.#serve(),
      // Submitted tasks are cancelled by the signal themselves. And this iterator may never be read to its
      // end: its listener would stay on the signal.
      ended: () => this.#limit.dropSignal(),
    })
    this.#limit = new WaitLimit(
      plan.timeout,
      plan.signal,
      () => this.#expire(),
      (reason) => this.#abort(reason),
    )
    // An iterator that nobody reads does not keep the process alive; its tasks do.
    this.#limit.hold(false)
    if (plan.timeout === 0) this.#expire()
    else if (plan.signal?.aborted === true) this.#abort(plan.signal.reason)
    else this.#start()
  }

  /** The first filling. A refusal of the first task is the caller's, as that of `submit` would be. */
  #start(): void {
    this.#feeding.fill()
    const { failure, isRefusal, outstanding } = this.#feeding
    if (failure === undefined || !isRefusal || outstanding.head !== undefined) return
    this.#stop()
    throw failure.error
  }

  /** Ends the feeding, and cancels what has not started. */
  #stop(): void {
    this.#stopFrom(this.#feeding.outstanding.head, false)
  }

  /** The same from this place on, if there is one; with `expired` it also ends what runs. */
  #stopFrom(from: Place | undefined, expired: boolean): void {
    this.#limit.dispose()
    if (this.#watched !== undefined) protocolOf(this.#watched)?.remove(this.#watched, this.#noteDone)
    this.#watched = undefined
    const begun = this.#feeding.stop(from).filter((future) => !future.cancel())
    // Now that none waits: the worker of one that is ended would have begun it.
    if (expired) for (const future of begun) expire(future)
  }

  #expire(): void {
    // A result that is there wins over the time-out: the tasks that are done, up to the first that is not,
    // are still delivered.
    const feeding = this.#feeding
    let place = feeding.outstanding.head
    for (; place?.future !== undefined; place = place.next) {
      if (protocolOf(place.future)?.outcome(place.future) === undefined) break
      feeding.noteEnd(place)
    }
    if (place !== undefined || !feeding.isFed) {
      const message = `map was not done within ${this.#plan.timeout} ms`
      feeding.failure = { error: new TimeoutError(message, { phase: 'total' }) }
    }
    this.#stopFrom(place, true)
    this.#serve()
  }

  #abort(reason: unknown): void {
    const { isFed, outstanding } = this.#feeding
    if (!isFed || outstanding.waiting !== undefined) {
      this.#feeding.endWaiting(new CancelledError('the map was cancelled', { cause: reason }))
    }
    this.#serve()
  }

  /** Serves waiting readers, first come first served, as far as possible. */
  #serve(): void {
    while (this.#readers.size > 0) {
      const result = this.#take()
      if (result !== undefined) {
        this.#readers.shift()?.resolve(result)
        continue
      }
      const { head } = this.#feeding.outstanding
      if (head !== undefined) return this.#watch(head)
      if (!this.#feeding.isFed) return
      const reader = this.#readers.shift()
      const { failure } = this.#feeding
      this.#feeding.failure = undefined
      this.#limit.dispose()
      if (failure === undefined) reader?.resolve({ done: true, value: undefined })
      else reader?.reject(failure.error)
    }
    this.#limit.hold(false)
    this.#endWait?.()
    this.#endWait = undefined
  }

  /** The next result, if it is there. */
  #take(): IteratorResult<any, any> | undefined {
    for (;;) {
      if (this.#read < this.#values.length) {
        const value = this.#values[this.#read]
        // What the reader has must not be kept alive here.
        if (Array.isArray(this.#values)) this.#values[this.#read] = undefined
        this.#read++
        return { done: false, value }
      }
      const { outstanding } = this.#feeding
      const { head } = outstanding
      const outcome = head?.future === undefined ? undefined : storedOutcome(head.future)
      if (head === undefined || outcome === undefined) return undefined
      this.#feeding.noteEnd(head)
      outstanding.shift()
      this.#unpack(outcome.kind === VALUE, outcome.value)
      this.#feeding.fill()
    }
  }

  /** Has `#serve` called when the first task is done, where the feeding does not do that. */
  #watch({ future }: Place): void {
    if (future === undefined || this.#watched === future || this.#feeding.watchesTasks) return
    this.#watched = future
    protocolOf(future)?.add(future, this.#noteDone)
  }

  /** Takes the results of the task that the reader has reached. Nothing after a failed item is delivered. */
  #unpack(succeeded: boolean, value: unknown): void {
    let failure = succeeded ? undefined : { error: value }
    if (succeeded && this.#plan.isChunked) {
      const chunk = value as ChunkResult
      this.#values = chunk.values
      this.#read = 0
      if (chunk.failed) failure = { error: chunk.error }
    } else if (succeeded) {
      this.#values = [value]
      this.#read = 0
    }
    if (failure === undefined) return
    this.#stop()
    this.#feeding.failure = failure
  }

  next(): Promise<IteratorResult<any, any>> {
    if (this.#readers.size === 0) {
      const result = this.#take()
      if (result !== undefined) return Promise.resolve(result)
    }
    const promise = new Promise<IteratorResult<any, any>>((resolve, reject) =>
      this.#readers.push({ resolve, reject }),
    )
    if (this.#readers.size === 1) {
      this.#serve()
      if (this.#readers.size > 0 && this.#endWait === undefined) {
        this.#limit.hold(true)
        this.#endWait = beginWait()
      }
    }
    return promise
  }

  async return(value?: unknown): Promise<IteratorResult<any, any>> {
    try {
      const closing = this.#feeding.close()
      this.#leave()
      await closing
    } finally {
      this.#leave()
    }
    return { done: true, value }
  }

  #leave(): void {
    this.#stop()
    this.#values = NONE
    this.#read = 0
    this.#feeding.failure = undefined
    this.#serve()
  }

  async throw(error?: unknown): Promise<IteratorResult<any, any>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
