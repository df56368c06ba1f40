/** The stream of a task's values, as `Executor.stream` gives it. */
import type { Future } from '../future/future.ts'

/**
 * The values that a task makes, in order, for one reader; several `next()` at once are answered in order. The
 * task runs ahead of the reader, and stands still when `bufferSize` values wait for it.
 *
 * `return()`, which `break` calls, ends the task; `throw(error)` does the same, and rejects with the error.
 * So does the collection of a stream that nobody has read to its end.
 *
 * @example
 * ```ts
 * const rows = executor.stream(parseCsv, bytes)
 * for await (const row of rows) console.log(row)
 * const count = await rows.future.result()
 * ```
 */
export interface TaskStream<Y, R> extends AsyncIterableIterator<Y, R> {
  /**
   * Of what the generator returns. It is running from the first value to the end, also while the stream
   * stands still; it fails with what the generator throws.
   */
  readonly future: Future<R>
  next(): Promise<IteratorResult<Y, R>>
  return(value?: any): Promise<IteratorResult<Y, R>>
  throw(error?: any): Promise<IteratorResult<Y, R>>
  [Symbol.asyncIterator](): TaskStream<Y, R>
  [Symbol.asyncDispose](): Promise<void>
}
