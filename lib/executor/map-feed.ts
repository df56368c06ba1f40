/** Where a map sends its tasks, and what their futures resolve to. */
import type { Future } from '../future/future.ts'

/** What the future of a task with a `chunkSize` above 1 resolves to. */
export interface ChunkResult {
  /** The results of the items before the one that failed, or of all. */
  values: unknown[] | Float64Array
  failed: boolean
  /** What the failed item threw. */
  error: unknown
}

/** Where `mapTasks` sends its tasks. */
export interface MapFeed {
  /**
   * Submits one task, or throws as `Executor.submit` does. With `chunkSize` 1 the list has one element, and
   * the future gives that item's result; above 1 it gives a {@link ChunkResult}, also for a last chunk of one
   * item.
   */
  submit(argsList: unknown[][]): Future<unknown>
  /** Whether `submit` would not throw QueueFullError now. */
  hasRoom(): boolean
  /** Resolves when there may be room again; rejects when there never will be. */
  room(): Promise<void>
  readonly maxWorkers: number
}
