/** Where a map sends its tasks, and what their futures resolve to. */
import type { Future } from '../future/future.ts'

/** What the future of a chunk resolves to. */
export interface ChunkResult {
  /**
   * The results of the items before the one that failed, or of those that were run within the limit, or of
   * all.
   */
  values: unknown[] | Float64Array
  failed: boolean
  /** What the failed item threw. */
  error: unknown
  /** How long the items ran, in ms; known where there was a limit. */
  runTime?: number
  /** How long it took to unpack the results, in ms. */
  unpackTime?: number
}

/** Where `mapTasks` sends its tasks. */
export interface MapFeed {
  /**
   * Submits one task, or throws as `Executor.submit` does. With `chunkSize` 1 the list has one element, and
   * the future gives that item's result; above 1, or with 'auto', it gives a {@link ChunkResult}, also for a
   * chunk of one item.
   *
   * @param limit - after how many milliseconds a chunk begins no further item, and ends without those that
   * are left; with 'auto' only
   * @param isRest - whether these have come back, or were read together with others that were accepted, so
   * that a shutdown that came meanwhile does not refuse them
   */
  submit(argsList: unknown[][], limit?: number, isRest?: boolean): Future<unknown>
  /**
   * Told before chunks with a limit are submitted, and once none of them can come back in part any more. In
   * between a shutdown that waits for what runs waits for those parts as well.
   */
  expectRests?(areExpected: boolean): void
  /** Whether `submit` would not throw QueueFullError now. */
  hasRoom(): boolean
  /** Resolves when there may be room again; rejects when there never will be. */
  room(): Promise<void>
  /** As many as there may be now. */
  readonly maxWorkers: number
  /** How many tasks a worker holds at once; default 1. */
  readonly tasksPerWorker?: number
  /** Whether a chunk that has begun always runs to its end; default false. */
  readonly runsWholeChunks?: boolean
}
