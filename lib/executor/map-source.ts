/** What `map` reads: several iterables, sync or async, side by side and in chunks. */
import type { Source } from './executor.ts'
import { Fifo } from './fifo.ts'

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

/**
 * Several iterables read side by side, like Python's zip: it stops with the shortest and closes the others.
 */
export class ChunkReader {
  readonly #cursors: Cursor[] = []
  readonly #chunkSize: number
  readonly #hasAsync: boolean
  /** Read ahead by `drain`. */
  readonly #ahead: Fifo<Chunk> = new Fifo()
  /** Thrown once the chunks before it have been read. */
  #failure: { error: unknown } | undefined
  #isEnded: boolean
  /** The end of the others, when one of the iterators has ended. */
  #closing: Promise<unknown> | undefined
  #isReading = false

  constructor(sources: readonly Source<unknown>[], chunkSize: number) {
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
    return this.#hasAsync ? this.#readChunk() : this.#readChunkNow()
  }

  /** Reads all that is left, now; only for sync sources. */
  drain(): void {
    try {
      for (;;) {
        const chunk = this.#readChunkNow()
        if (chunk === undefined) return
        this.#ahead.push(chunk)
      }
    } catch (error) {
      this.#failure = { error }
    }
  }

  /** As {@link #readChunk}, of sources that are all sync. */
  #readChunkNow(): Chunk | undefined {
    const chunk: Chunk = []
    try {
      if (this.#failure !== undefined) throw this.#failure.error
      while (!this.#isEnded && chunk.length < this.#chunkSize) {
        const row = this.#readRowNow()
        if (row !== undefined) chunk.push(row)
      }
    } catch (error) {
      this.#fail(chunk, error)
    }
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

  async #readChunk(): Promise<Chunk | undefined> {
    this.#isReading = true
    const chunk: Chunk = []
    try {
      if (this.#failure !== undefined) throw this.#failure.error
      while (!this.#isEnded && chunk.length < this.#chunkSize) {
        const row = await this.#readRow()
        if (row !== undefined) chunk.push(row)
      }
    } catch (error) {
      this.#fail(chunk, error)
    } finally {
      this.#isReading = false
    }
    return chunk.length === 0 ? undefined : chunk
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
