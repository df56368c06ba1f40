/**
 * The engine of `Executor.map`: reads argument lists from iterables, submits them in chunks as far as it may, and hands out the results in
 * the order of the input.
 *
 * Tasks are *outstanding* from their submission until the reader reaches them. How many may be is the limit: `bufferSize`; without it any
 * number for sync iterables, 4 × maxWorkers as soon as one is async. A failure of any kind (an item's, a source's, a refused submission,
 * time) ends the feeding, and is thrown when the reader has had the results before it.
 */
import { duration, integer, options as checkOptions, signal as checkSignal } from './check.ts'
import { CancelledError, QueueFullError, TimeoutError } from './errors.ts'
import { storedOutcome } from './future.ts'
import type { Future } from './future.ts'
import { protocolOf } from './future-protocol.ts'
import { VALUE } from './future-states.ts'
import { Limit } from './limit.ts'
import { beginWait } from './wait-hook.ts'

/** The argument lists of one task. */
type Chunk = unknown[][]

/** What the future of a task with a `chunkSize` above 1 resolves to. */
export interface ChunkResult {
  /** The results of the items before the one that failed, or of all. */
  values: unknown[]
  failed: boolean
  /** What the failed item threw. */
  error: unknown
}

/** Where `mapTasks` sends its tasks. */
export interface MapFeed {
  /**
   * Submits one task, or throws as `Executor.submit` does. With `chunkSize` 1 the list has one element, and the future gives that item's
   * result; above 1 it gives a {@link ChunkResult}, also for a last chunk of one item.
   */
  submit(argsList: unknown[][]): Future<unknown>
  /** Whether `submit` would not throw QueueFullError now. */
  hasRoom(): boolean
  /** Resolves when there may be room again; rejects when there never will be. */
  room(): Promise<void>
  readonly maxWorkers: number
}

/** The options of a map, of which each task knows nothing. */
export interface MapOptions {
  /** Items per task, an integer >= 1; default 1. */
  chunkSize?: number | undefined
  /** At most so many tasks outstanding, an integer >= 1; default: see above. */
  bufferSize?: number | undefined
  /** Milliseconds for the whole iteration, from the call; default no limit. */
  timeout?: number | undefined
  /** Aborting it ends the feeding, with CancelledError; what was submitted is cancelled by its own signal. */
  signal?: AbortSignal | undefined
}

type Source = Iterable<unknown> | AsyncIterable<unknown>

interface Cursor {
  readonly iterator: Iterator<unknown> | AsyncIterator<unknown>
  readonly isAsync: boolean
  isOpen: boolean
}

function openCursor(source: Source): Cursor {
  if (isAsync(source)) return { iterator: source[Symbol.asyncIterator](), isAsync: true, isOpen: true }
  return { iterator: source[Symbol.iterator](), isAsync: false, isOpen: true }
}

function isAsync(source: Source): source is AsyncIterable<unknown> {
  return typeof (source as AsyncIterable<unknown>)[Symbol.asyncIterator] === 'function'
}

function ignore(): void {}

/** First in, first out, in constant time also when it is long. */
class Queue<T> {
  #items: T[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  peek(): T | undefined {
    return this.#items[this.#head]
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (this.size > 0) this.#items[this.#head++] = undefined as T
    if (this.#head > 1_000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  /** Empties it and returns what was in it. */
  clear(): T[] {
    const items = this.#items.slice(this.#head)
    this.#items = []
    this.#head = 0
    return items
  }
}

/** Several iterables read side by side, like Python's zip: it stops with the shortest and closes the others. */
class ChunkReader {
  readonly #cursors: Cursor[] = []
  readonly #chunkSize: number
  readonly #hasAsync: boolean
  /** Read ahead by `drain`. */
  readonly #ahead: Queue<Chunk> = new Queue()
  /** Thrown once the chunks before it have been read. */
  #failure: { error: unknown } | undefined
  #isEnded: boolean
  #isReading = false

  constructor(sources: readonly Source[], chunkSize: number) {
    this.#chunkSize = chunkSize
    this.#isEnded = sources.length === 0
    this.#hasAsync = sources.some(isAsync)
    try {
      for (const source of sources) this.#cursors.push(openCursor(source))
    } catch (error) {
      this.#closeQuietly()
      throw error
    }
  }

  /** The next chunk, undefined at the end; a promise of it if a source is async. */
  read(): Chunk | undefined | Promise<Chunk | undefined> {
    const ahead = this.#ahead.shift()
    if (ahead !== undefined) return ahead
    const steps = this.#readChunk()
    if (this.#hasAsync) return this.#drive(steps)
    return steps.next().value as Chunk | undefined
  }

  /** Reads all that is left, now; only for sync sources. */
  drain(): void {
    try {
      for (;;) {
        const chunk = this.#readChunk().next().value as Chunk | undefined
        if (chunk === undefined) return
        this.#ahead.push(chunk)
      }
    } catch (error) {
      this.#failure = { error }
    }
  }

  async #drive(steps: Generator<unknown, Chunk | undefined, unknown>): Promise<Chunk | undefined> {
    this.#isReading = true
    try {
      let step = steps.next()
      while (step.done !== true) {
        let value: unknown
        try {
          value = await step.value
        } catch (error) {
          step = steps.throw(error)
          continue
        }
        step = steps.next(value)
      }
      return step.value
    } finally {
      this.#isReading = false
    }
  }

  /** Yields what has to be awaited: nothing when all sources are sync. A failure in mid-chunk is kept until the items before it are read. */
  *#readChunk(): Generator<unknown, Chunk | undefined, unknown> {
    const chunk: Chunk = []
    try {
      if (this.#failure !== undefined) throw this.#failure.error
      while (!this.#isEnded && chunk.length < this.#chunkSize) {
        const row = yield* this.#readRow()
        if (row !== undefined) chunk.push(row)
      }
    } catch (error) {
      this.#closeQuietly()
      if (chunk.length === 0) {
        this.#failure = undefined
        throw error
      }
      this.#failure = { error }
    }
    return chunk.length === 0 ? undefined : chunk
  }

  *#readRow(): Generator<unknown, unknown[] | undefined, unknown> {
    const row: unknown[] = []
    for (const cursor of this.#cursors) {
      try {
        const step = cursor.iterator.next()
        const result = (cursor.isAsync ? yield step : step) as IteratorResult<unknown>
        // Closed while it was read: nobody wants the rest.
        if (this.#isEnded) return undefined
        if (typeof result !== 'object' || result === null) throw new TypeError(`the iterator's result ${String(result)} is not an object`)
        if (result.done === true) {
          cursor.isOpen = false
          this.#isReading = false
          const closing = this.close()
          if (closing !== undefined) yield closing
          return undefined
        }
        row.push(result.value)
      } catch (error) {
        // An iterator that threw is not asked to return, as in for…of.
        cursor.isOpen = false
        throw error
      }
    }
    return row
  }

  /**
   * Ends the reading and gives the iterators that are still open their `return()`. What one throws, or the rejection, is the caller's to
   * handle. An iterator that is being read at the moment is not waited for: it may never answer.
   */
  close(): Promise<unknown> | undefined {
    this.#isEnded = true
    const closing: unknown[] = []
    let failure: { error: unknown } | undefined
    for (const cursor of this.#cursors) {
      if (!cursor.isOpen) continue
      cursor.isOpen = false
      try {
        const result = cursor.iterator.return?.()
        if (cursor.isAsync) closing.push(result)
      } catch (error) {
        failure ??= { error }
      }
    }
    const closed = closing.length === 0 ? undefined : Promise.all(closing)
    if (failure !== undefined || this.#isReading) closed?.catch(ignore)
    if (failure !== undefined) throw failure.error
    return this.#isReading ? undefined : closed
  }

  /** Nothing will be read any more. */
  discard(): void {
    this.#ahead.clear()
    this.#closeQuietly()
  }

  /** For when another error is on its way already. */
  #closeQuietly(): void {
    try {
      this.close()?.catch(ignore)
    } catch {
      // The first error is the one to tell.
    }
  }
}

interface Reader {
  resolve(result: IteratorResult<any, any>): void
  reject(error: unknown): void
}

interface Plan {
  readonly isChunked: boolean
  /** How many tasks may be outstanding. */
  readonly most: number
  /** Whether all input is read at the call. */
  readonly isEager: boolean
  readonly timeout: number
  readonly signal: AbortSignal | undefined
}

class MapIterator implements AsyncIterableIterator<any> {
  readonly #feed: MapFeed
  readonly #source: ChunkReader
  readonly #plan: Plan
  readonly #outstanding: Queue<Future<unknown>> = new Queue()
  readonly #readers: Queue<Reader> = new Queue()
  /** The results of the chunk that is being read. */
  readonly #values: Queue<unknown> = new Queue()
  /** Thrown once the values and the outstanding tasks before it have been read. */
  #failure: { error: unknown } | undefined
  /** Read from the source, and waiting for room. */
  #refused: Chunk | undefined
  #isFilling = false
  /** Whether the filling waits for a source or for room: it is still one filling, and nobody else starts another. */
  #isAwaiting = false
  /** Whether the failure came from `submit`. */
  #isRefusal = false
  /** Nothing will be submitted any more. */
  #isFed = false
  /** The outstanding task that has our callback. */
  #watched: Future<unknown> | undefined
  readonly #limit: Limit
  #endWait: (() => void) | undefined
  readonly #noteDone = (): void => {
    this.#watched = undefined
    this.#serve()
  }

  constructor(feed: MapFeed, source: ChunkReader, plan: Plan) {
    this.#feed = feed
    this.#source = source
    this.#plan = plan
    this.#limit = new Limit(
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

  /** Submits as much as may be outstanding, and goes on by itself when it has to wait for a source or for room. */
  #fill(): void {
    if (this.#isFilling) return
    this.#isFilling = true
    try {
      while (!this.#isFed && this.#outstanding.size < this.#plan.most) {
        const chunk = this.#refused ?? this.#source.read()
        this.#refused = undefined
        if (chunk instanceof Promise) return this.#fillAfter(chunk, (read) => (read === undefined ? this.#endFeeding() : this.#submit(read)))
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
        if (!(error instanceof QueueFullError)) {
          this.#isRefusal = true
          this.#endFeeding({ error })
          return true
        }
      }
    }
    this.#refused = chunk
    return false
  }

  #endFeeding(failure?: { error: unknown }): void {
    this.#isFed = true
    this.#refused = undefined
    this.#failure ??= failure
    this.#source.discard()
  }

  /** Ends the feeding, and cancels what has not started. */
  #stop(): void {
    this.#endFeeding()
    this.#limit.dispose()
    if (this.#watched !== undefined) protocolOf(this.#watched)?.remove(this.#watched, this.#noteDone)
    this.#watched = undefined
    for (const future of this.#outstanding.clear()) future.cancel()
  }

  #expire(): void {
    // A result that is there wins over the time-out: the tasks that are done, up to the first that is not, are still delivered.
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
    this.#stop()
    for (const future of done) this.#outstanding.push(future)
    this.#serve()
  }

  #abort(reason: unknown): void {
    if (!this.#isFed) this.#endFeeding({ error: new CancelledError('the map was cancelled', { cause: reason }) })
    this.#serve()
  }

  /** Serves waiting readers, first come first served, as far as possible. */
  #serve(): void {
    while (this.#readers.size > 0) {
      if (this.#values.size > 0) {
        this.#readers.shift()?.resolve({ done: false, value: this.#values.shift() })
        continue
      }
      const head = this.#outstanding.peek()
      if (head !== undefined) {
        const outcome = storedOutcome(head)
        if (outcome === undefined) return this.#watch(head)
        this.#outstanding.shift()
        this.#unpack(outcome.kind === VALUE, outcome.value)
        this.#fill()
        continue
      }
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
      for (const item of chunk.values) this.#values.push(item)
      if (chunk.failed) failure = { error: chunk.error }
    } else if (succeeded) {
      this.#values.push(value)
    }
    if (failure === undefined) return
    this.#stop()
    this.#failure = failure
  }

  next(): Promise<IteratorResult<any, any>> {
    const promise = new Promise<IteratorResult<any, any>>((resolve, reject) => this.#readers.push({ resolve, reject }))
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
      const closing = this.#source.close()
      this.#leave()
      await closing
    } finally {
      this.#leave()
    }
    return { done: true, value }
  }

  #leave(): void {
    this.#stop()
    this.#values.clear()
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

/**
 * Runs one task for each row of the iterables, or for each `chunkSize` rows, and gives the results in the order of the input.
 *
 * @param feed - where the tasks go
 * @param iterables - sync or async, as many as the function has arguments; the shortest ends the map, and the others get `return()`
 * @param options - see {@link MapOptions}
 * @returns an iterator of the results. It throws what the first failing item threw, what a source threw, `TimeoutError` when time runs out,
 * and InvalidStateError when the executor was shut down while it was fed, each after the results before it. Leaving the loop
 * early, like an error, cancels what has not started.
 * @throws TypeError or RangeError for wrong arguments, and what `feed.submit` throws for the first task
 * @example
 * ```ts
 * for await (const size of mapTasks(feed, [paths], { chunkSize: 10 })) console.log(size)
 * ```
 */
export function mapTasks(feed: MapFeed, iterables: readonly unknown[], options?: MapOptions): AsyncIterableIterator<any> {
  const given = checkOptions<MapOptions>(options, 'options', ['chunkSize', 'bufferSize', 'timeout', 'signal'])
  const chunkSize = given.chunkSize === undefined ? 1 : integer(given.chunkSize, 'chunkSize', 1)
  const bufferSize = given.bufferSize === undefined ? undefined : integer(given.bufferSize, 'bufferSize', 1)
  const timeout = duration(given.timeout, 'timeout')
  const signal = checkSignal(given.signal, 'signal')
  for (const [index, source] of iterables.entries()) {
    const candidate = source as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined
    if (typeof candidate?.[Symbol.asyncIterator] !== 'function' && typeof candidate?.[Symbol.iterator] !== 'function') {
      throw new TypeError(`map's iterable ${index} is neither iterable nor async iterable`)
    }
  }
  const sources = iterables as readonly Source[]
  const hasAsync = sources.some(isAsync)
  return new MapIterator(feed, new ChunkReader(sources, chunkSize), {
    isChunked: chunkSize > 1,
    most: bufferSize ?? (hasAsync ? 4 * feed.maxWorkers : Infinity),
    isEager: bufferSize === undefined && !hasAsync,
    timeout,
    signal,
  })
}
