/** `Executor.map`, for any executor: the check of its iterables, and how far it reads ahead. */
import type { CheckedTaskOptions } from '../options/task-options.ts'
import { ChunkSizer } from './chunk-sizer.ts'
import type { Crew } from './chunk-sizer.ts'
import type { Source } from './executor.ts'
import type { MapFeed } from './map-feed.ts'
import { MapIterator } from './map-iterator.ts'
import { ChunkReader, isAsync } from './map-source.ts'
import { isEndless } from './repeat.ts'

/** The most items of a chunk that runs to its end even if they turn out long. */
const MOST_OF_WHOLE = 16

/**
 * Runs one task for each row of the iterables, or for each `chunkSize` rows, and gives the results in the
 * order of the input.
 *
 * @param feed - where the tasks go
 * @param iterables - sync or async, as many as the function has arguments; the shortest ends the map, and the
 * others get `return()`
 * @param options - of which `chunkSize`, `bufferSize`, `timeout` and `signal` are the map's; the last ends
 * the feeding, with CancelledError: what was submitted is cancelled by its own signal
 * @returns an iterator of the results. It throws what the first failing item threw, what a source threw,
 * `TimeoutError` when time runs out, and InvalidStateError when the executor was shut down while it was fed,
 * each after the results before it. Leaving the loop early, like an error, cancels what has not started; when
 * time runs out what runs is stopped as well, since nobody else could stop it.
 * @throws TypeError for something that is no iterable, RangeError for iterables of `repeat` that have no end
 * and would all be read at the call, and what `feed.submit` throws for the first task
 * @example
 * ```ts
 * const options = checkTaskOptions({ chunkSize: 10 }, NO_OPTIONS)
 * for await (const size of mapTasks(feed, [paths], options)) console.log(size)
 * ```
 */
export function mapTasks(
  feed: MapFeed,
  iterables: readonly unknown[],
  options: CheckedTaskOptions,
): AsyncIterableIterator<any> {
  for (const [index, source] of iterables.entries()) {
    const candidate = source as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined
    if (
      typeof candidate?.[Symbol.asyncIterator] !== 'function' &&
      typeof candidate?.[Symbol.iterator] !== 'function'
    ) {
      throw new TypeError(`map's iterable ${index} is neither iterable nor async iterable`)
    }
  }
  const sources = iterables as readonly Source<unknown>[]
  const hasAsync = sources.some(isAsync)
  const { chunkSize = 1, bufferSize, timeout, signal } = options
  const isAuto = chunkSize === 'auto'
  const isEager = bufferSize === undefined && !hasAsync && !isAuto
  if (isEager && iterables.length > 0 && iterables.every(isEndless)) {
    throw new RangeError('a map of endless iterables would read them for ever: give it a bufferSize')
  }
  return new MapIterator(feed, new ChunkReader(sources), {
    chunkSize: isAuto ? sizerFor(feed) : chunkSize,
    isChunked: isAuto || chunkSize > 1,
    get mostOutstanding() {
      return bufferSize ?? (hasAsync ? 4 * feed.maxWorkers : Infinity)
    },
    isEager,
    timeout: timeout < 0 ? Infinity : timeout,
    signal,
  })
}

function sizerFor(feed: MapFeed): ChunkSizer {
  const crew: Crew = {
    get workers() {
      return feed.maxWorkers
    },
    tasksPerWorker: feed.tasksPerWorker ?? 1,
  }
  return new ChunkSizer(crew, feed.runsWholeChunks ? MOST_OF_WHOLE : undefined)
}
