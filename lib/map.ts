/** `Executor.map`, for any executor: its options, and the check of what it is given. */
import { duration, integer, options as checkOptions, signal as checkSignal } from './check.ts'
import { MapIterator } from './map-iterator.ts'
import type { MapFeed } from './map-iterator.ts'
import { ChunkReader, isAsync } from './map-source.ts'
import type { Source } from './map-source.ts'

/** The options of a map, of which each task knows nothing. */
export interface MapOptions {
  /** Items per task, an integer >= 1; default 1. */
  chunkSize?: number | undefined
  /** At most so many tasks outstanding, an integer >= 1; default: any number for sync iterables, 4 × maxWorkers as soon as one is async. */
  bufferSize?: number | undefined
  /** Milliseconds for the whole iteration, from the call; default no limit. */
  timeout?: number | undefined
  /** Aborting it ends the feeding, with CancelledError; what was submitted is cancelled by its own signal. */
  signal?: AbortSignal | undefined
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
