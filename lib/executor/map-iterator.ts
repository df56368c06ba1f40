/**
 * The engine of `Executor.map`: reads argument lists from iterables, submits them in chunks as far as it may,
 * and hands out the results in the order of the input.
 *
 * Tasks are *outstanding* from their submission until the reader reaches them. How many may be is the limit:
 * `bufferSize`; without it any number for sync iterables, 4 × maxWorkers as soon as one is async. A failure
 * of any kind (an item's, a source's, a refused submission, time) ends the feeding, and is thrown when the
 * reader has had the results before it.
 */
import { AsyncResource } from 'node:async_hooks'
import { CancelledError, QueueFullError, TimeoutError } from '../errors/errors.ts'
import { bindToThread, READ_IT } from '../errors/thread-bound.ts'
import { expire, storedOutcome } from '../future/future.ts'
import type { Future } from '../future/future.ts'
import { protocolOf } from '../future/protocol.ts'
import { VALUE } from '../future/states.ts'
import { beginWait } from '../future/wait-hook.ts'
import { WaitLimit } from '../future/wait-limit.ts'
import { Fifo } from './fifo.ts'
import type { ChunkResult, MapFeed } from './map-feed.ts'
import type { Chunk, ChunkReader } from './map-source.ts'

function ignore(): void {}

const NONE: never[] = []

interface Reader {
  resolve(result: IteratorResult<any, any>): void
  reject(error: unknown): void
}

/** What the options of a map come to. */
export interface Plan {
  readonly isChunked: boolean
  /** How many tasks may be outstanding. */
  readonly most: number
  /** Whether all input is read at the call. */
  readonly isEager: boolean
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

export class MapIterator implements AsyncIterableIterator<any> {
  static {
    bindToThread(this.prototype, READ_IT)
  }

  readonly #feed: MapFeed
  readonly #source: ChunkReader
  readonly #plan: Plan
  readonly #outstanding: Fifo<Future<unknown>> = new Fifo()
  readonly #readers: Fifo<Reader> = new Fifo()
  /** The results of the chunk that is being read, and how many of them have been. */
  #values: unknown[] | Float64Array = NONE
  #read = 0
  /** Thrown once the values and the outstanding tasks before it have been read. */
  #failure: { error: unknown } | undefined
  /** Read from the source, and waiting for room. */
  #refused: Chunk | undefined
  #isFilling = false
  /**
   * Whether the filling waits for a source or for room: it is still the same filling, and no other may start.
   */
  #isAwaiting = false
  /** Whether the failure came from `submit`. */
  #isRefusal = false
  /** Nothing will be submitted any more. */
  #isFed = false
  /** The outstanding task that our callback is on. */
  #watched: Future<unknown> | undefined
  readonly #limit: WaitLimit
  /**
   * The async context of the call of `map`, in which the source's code runs whoever reads on. Undefined when
   * all is read at the call.
   */
  readonly #context: AsyncResource | undefined
  #endWait: (() => void) | undefined
  readonly #noteDone = (): void => {
    this.#watched = undefined
    this.#serve()
  }

  constructor(feed: MapFeed, source: ChunkReader, plan: Plan) {
    this.#feed = feed
    this.#source = source
    this.#plan = plan
    this.#context = plan.isEager ? undefined : new AsyncResource('FutureMap')
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
    this.#fill()
    if (this.#failure === undefined || this.#outstanding.size > 0 || !this.#isRefusal) return
    const { error } = this.#failure
    this.#stop()
    throw error
  }

  /**
   * Submits as much as may be outstanding, and goes on by itself when it has to wait for a source or for
   * room.
   */
  #fill(): void {
    if (this.#isFilling || this.#isFed) return
    this.#isFilling = true
    try {
      while (!this.#isFed && this.#outstanding.size < this.#plan.most) {
        const chunk = this.#refused ?? this.#inContext(() => this.#source.read())
        this.#refused = undefined
        if (chunk instanceof Promise) {
          return this.#fillAfter(chunk, (read) =>
            read === undefined ? this.#endFeeding() : this.#submit(read),
          )
        }
        if (this.#isFed) return // the source's code has closed this iterator
        if (chunk === undefined) return this.#endFeeding()
        if (!this.#submit(chunk)) {
          if (this.#plan.isEager) this.#source.drain()
          return this.#fillAfter(this.#feed.room(), ignore)
        }
      }
    } catch (error) {
      this.#endFeeding({ error })
    } finally {
      if (!this.#isAwaiting) this.#isFilling = false
    }
  }

  #fillAfter<V>(promise: Promise<V>, proceed: (value: V) => unknown): void {
    this.#isAwaiting = true
    const goOn = (step: () => void): void => {
      this.#isAwaiting = false
      this.#isFilling = false
      if (this.#isFed) return
      step()
      this.#fill()
      this.#serve()
    }
    promise.then(
      (value) => goOn(() => proceed(value)),
      (error) => goOn(() => this.#endFeeding({ error })),
    )
  }

  /** Submits a chunk; false when there is no room: it is kept, to be tried again. */
  #submit(chunk: Chunk): boolean {
    if (this.#feed.hasRoom()) {
      try {
        this.#outstanding.push(this.#feed.submit(chunk))
        return true
      } catch (error) {
        if (!(error instanceof QueueFullError)) return this.#submitGood(chunk, error)
      }
    }
    this.#refused = chunk
    return false
  }

  /**
   * A chunk was refused because of one of its items, or of the pool: those before it are submitted one by
   * one.
   */
  #submitGood(chunk: Chunk, refusal: unknown): true {
    let error = refusal
    try {
      if (chunk.length > 1) for (const item of chunk) this.#outstanding.push(this.#feed.submit([item]))
    } catch (first) {
      if (!(first instanceof QueueFullError)) error = first
    }
    this.#isRefusal = true
    this.#endFeeding({ error })
    return true
  }

  #endFeeding(failure?: { error: unknown }): void {
    this.#isFed = true
    this.#refused = undefined
    this.#failure ??= failure
    // Submitted tasks are cancelled by the signal themselves. And this iterator may never be read to its end:
    // its listener would stay on the signal.
    this.#limit.dropSignal()
    this.#inContext(() => this.#source.discard())
  }

  #inContext<V>(fn: () => V): V {
    return this.#context === undefined ? fn() : this.#context.runInAsyncScope(fn)
  }

  /** Ends the feeding, and cancels what has not started; with `expired` also ends what runs. */
  #stop(expired: boolean = false): void {
    this.#endFeeding()
    this.#limit.dispose()
    if (this.#watched !== undefined) protocolOf(this.#watched)?.remove(this.#watched, this.#noteDone)
    this.#watched = undefined
    for (const future of this.#outstanding.clear()) if (!future.cancel() && expired) expire(future)
  }

  #expire(): void {
    // A result that is there wins over the time-out: the tasks that are done, up to the first that is not,
    // are still delivered.
    const done: Future<unknown>[] = []
    let head = this.#outstanding.peek()
    while (head !== undefined && protocolOf(head)?.outcome(head) !== undefined) {
      done.push(head)
      this.#outstanding.shift()
      head = this.#outstanding.peek()
    }
    if (head !== undefined || !this.#isFed) {
      this.#failure = { error: new TimeoutError(`map was not done within ${this.#plan.timeout} ms`) }
    }
    this.#stop(true)
    for (const future of done) this.#outstanding.push(future)
    this.#serve()
  }

  #abort(reason: unknown): void {
    if (!this.#isFed) {
      this.#endFeeding({ error: new CancelledError('the map was cancelled', { cause: reason }) })
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
      const head = this.#outstanding.peek()
      if (head !== undefined) return this.#watch(head)
      if (!this.#isFed) return
      const reader = this.#readers.shift()
      const failure = this.#failure
      this.#failure = undefined
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
      const head = this.#outstanding.peek()
      const outcome = head === undefined ? undefined : storedOutcome(head)
      if (outcome === undefined) return undefined
      this.#outstanding.shift()
      this.#unpack(outcome.kind === VALUE, outcome.value)
      this.#fill()
    }
  }

  #watch(head: Future<unknown>): void {
    if (this.#watched === head) return
    this.#watched = head
    protocolOf(head)?.add(head, this.#noteDone)
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
    this.#failure = failure
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
      const closing = this.#inContext(() => this.#source.close())
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
    this.#failure = undefined
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
