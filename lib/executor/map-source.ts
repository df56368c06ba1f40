/** What `map` reads: several iterables, sync or async, side by side and in chunks. */
import { defer } from '../future/deferred.ts'
import { now } from '../host/clocks.ts'
import { clearTimeout, setTimeout } from '../host/timers.ts'
import type { Timer } from '../host/timers.ts'
import type { Source } from './executor.ts'
import { Fifo } from './fifo.ts'
import { lengthOf } from './length.ts'

/** The argument lists of one task. */
export type Chunk = unknown[][]

interface Cursor {
  readonly iterator: Iterator<unknown> | AsyncIterator<unknown>
  readonly isAsync: boolean
  isOpen: boolean
}

function openCursor(source: Source<unknown>): Cursor {
  if (isAsync(source)) return { iterator: source[Symbol.asyncIterator](), isAsync: true, isOpen: true }
  return { iterator: source[Symbol.iterator](), isAsync: false, isOpen: true }
}

/** Whether a source has to be awaited; an iterable of both kinds is read as an async one. */
export function isAsync(source: Source<unknown>): source is AsyncIterable<unknown> {
  return typeof (source as AsyncIterable<unknown>)[Symbol.asyncIterator] === 'function'
}

function ignore(): void {}

/** A limit of time for reading is looked at after so many rows at the latest. */
const MOST_BETWEEN_LOOKS = 16

const LATE: unique symbol = Symbol('late')

/** How long rows of one chunk are waited for. */
class ReadingLimit {
  readonly #over: Promise<typeof LATE>
  readonly #timer: Timer

  constructor(ms: number) {
    const { promise, resolve } = defer()
    this.#over = promise
    this.#timer = setTimeout(() => resolve(LATE), ms)
  }

  /** What is awaited, or {@link LATE} when the time is over. */
  within<V>(promise: Promise<V>): Promise<V | typeof LATE> {
    return Promise.race([promise, this.#over])
  }

  dispose(): void {
    clearTimeout(this.#timer)
  }
}

/**
 * Several iterables read side by side, like Python's zip: it stops with the shortest and closes the others.
 */
export class ChunkReader {
  readonly #cursors: Cursor[] = []
  readonly #hasAsync: boolean
  /** How many rows there will be, as far as that is known: else Infinity. */
  readonly #length: number
  #rows = 0
  /** Read ahead by `drain`. */
  readonly #ahead: Fifo<Chunk> = new Fifo()
  /** Thrown once the chunks before it have been read. */
  #failure: { error: unknown } | undefined
  #isEnded: boolean
  /** The end of the others, when one of the iterators has ended. */
  #closing: Promise<unknown> | undefined
  #isReading = false
  /** A row that was not there in time, and begins the next chunk. */
  #late: Promise<unknown[] | undefined> | undefined

  constructor(sources: readonly Source<unknown>[]) {
    this.#isEnded = sources.length === 0
    this.#hasAsync = sources.some(isAsync)
    this.#length = Math.min(...sources.map(lengthOf))
    try {
      for (const source of sources) this.#cursors.push(openCursor(source))
    } catch (error) {
      this.#closeQuietly()
      throw error
    }
  }

  /** How many rows are left, as far as that is known: Infinity where it is not. */
  get left(): number {
    return this.#isEnded ? 0 : Math.max(0, this.#length - this.#rows)
  }

  /**
   * The next chunk, undefined at the end; a promise of it if a source is async.
   *
   * @param size - of the chunk
   * @param ms - for how long it is read at most, so that rows do not wait for others that a source is slow
   * to give: then it is smaller. The first row is waited for without a limit
   */
  read(size: number, ms: number = Infinity): Chunk | undefined | Promise<Chunk | undefined> {
    const ahead = this.#ahead.shift()
    if (ahead !== undefined) return ahead
    return this.#hasAsync ? this.#readChunk(size, ms) : this.#readChunkNow(size, ms)
  }

  /** Reads all that is left, now, in chunks of this size; only for sync sources. */
  drain(size: number): void {
    try {
      for (;;) {
        const chunk = this.#readChunkNow(size, Infinity)
        if (chunk === undefined) return
        this.#ahead.push(chunk)
      }
    } catch (error) {
      this.#failure = { error }
    }
  }

  /** As {@link #readChunk}, of sources that are all sync. */
  #readChunkNow(size: number, ms: number): Chunk | undefined {
    const chunk: Chunk = []
    const end = ms === Infinity ? Infinity : now() + ms
    let look = 1
    try {
      if (this.#failure !== undefined) throw this.#failure.error
      while (!this.#isEnded && chunk.length < size) {
        const row = this.#readRowNow()
        if (row !== undefined) chunk.push(row)
        if (chunk.length < look || end === Infinity) continue
        if (now() > end) break
        look += Math.min(look, MOST_BETWEEN_LOOKS)
      }
    } catch (error) {
      this.#fail(chunk, error)
    }
    return this.#given(chunk)
  }

  #given(chunk: Chunk): Chunk | undefined {
    this.#rows += chunk.length
    return chunk.length === 0 ? undefined : chunk
  }

  #readRowNow(): unknown[] | undefined {
    const row: unknown[] = []
    for (let index = 0; index < this.#cursors.length; index++) {
      const cursor = this.#cursors[index] as Cursor
      try {
        if (!this.#takeResult(cursor, cursor.iterator.next(), row)) return undefined
      } catch (error) {
        cursor.isOpen = false
        throw error
      }
    }
    return row
  }

  /**
   * Puts what an iterator gave into a row; false if there is none any more: it was the end, or the reader was
   * closed meanwhile.
   */
  #takeResult(cursor: Cursor, given: unknown, row: unknown[]): boolean {
    // Closed while it was read.
    if (this.#isEnded) return false
    if (typeof given !== 'object' || given === null) {
      throw new TypeError(`the iterator's result ${String(given)} is not an object`)
    }
    const result = given as IteratorResult<unknown>
    if (result.done === true) {
      cursor.isOpen = false
      this.#isReading = false
      this.#closing = this.close()
      return false
    }
    row.push(result.value)
    return true
  }

  /** A failure in mid-chunk is kept until the items before it are read. */
  #fail(chunk: Chunk, error: unknown): void {
    this.#closeQuietly()
    if (chunk.length === 0) {
      this.#failure = undefined
      throw error
    }
    this.#failure = { error }
  }

  async #readChunk(size: number, ms: number): Promise<Chunk | undefined> {
    this.#isReading = true
    const chunk: Chunk = []
    const limit = ms === Infinity ? undefined : new ReadingLimit(ms)
    try {
      if (this.#failure !== undefined) throw this.#failure.error
      while (!this.#isEnded && chunk.length < size) {
        const reading: Promise<unknown[] | undefined> = this.#late ?? this.#readRow()
        this.#late = undefined
        const row = chunk.length === 0 ? await reading : await (limit?.within(reading) ?? reading)
        if (row === LATE) {
          this.#keepLate(reading)
          break
        }
        if (row !== undefined) chunk.push(row)
      }
    } catch (error) {
      this.#fail(chunk, error)
    } finally {
      limit?.dispose()
      this.#isReading = this.#late !== undefined
    }
    return this.#given(chunk)
  }

  /** The iterators are being read until the row is there. Its error is that of the next chunk. */
  #keepLate(reading: Promise<unknown[] | undefined>): void {
    this.#late = reading
    const settled = (): void => {
      if (this.#late === reading) this.#isReading = false
    }
    reading.then(settled, settled)
  }

  async #readRow(): Promise<unknown[] | undefined> {
    const row: unknown[] = []
    for (const cursor of this.#cursors) {
      try {
        const step = cursor.iterator.next()
        if (!this.#takeResult(cursor, cursor.isAsync ? await step : step, row)) {
          await this.#closing
          return undefined
        }
      } catch (error) {
        // `return()` of an iterator that threw is not called, as in for…of.
        cursor.isOpen = false
        throw error
      }
    }
    return row
  }

  /**
   * Ends the reading and gives the iterators that are still open their `return()`. What one throws, or the
   * rejection, is the caller's to handle. An iterator that is being read at the moment is not waited for: it
   * may never answer.
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

  /** Closes the iterators while another error is being thrown, which theirs must not replace. */
  #closeQuietly(): void {
    try {
      this.close()?.catch(ignore)
    } catch {
      // The first error is the one that is thrown.
    }
  }
}
