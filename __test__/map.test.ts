import ava from 'ava'
import { getEventListeners } from 'node:events'
import { CancelledError, InvalidStateError, QueueFullError, TimeoutError } from '../lib/errors/errors.ts'
import { Future } from '../lib/future/future.ts'
import { mapTasks as mapChecked } from '../lib/executor/map.ts'
import type { ChunkResult, MapFeed } from '../lib/executor/map-feed.ts'
import { checkTaskOptions, NO_OPTIONS } from '../lib/options/task-options.ts'
import type { TaskOptions } from '../lib/options/task-options.ts'
import { setWaitHook } from '../lib/future/wait-hook.ts'

// One at a time: some watch the process's timers, and the wait hook is the thread's.
const test = ava.serial

/** As executors do it: `with()` checks the options, `map()` the rest. */
function mapTasks(feed: MapFeed, iterables: readonly unknown[], options: TaskOptions = {}): AsyncIterableIterator<any> {
  return mapChecked(feed, iterables, checkTaskOptions(options, NO_OPTIONS))
}

/** An executor in JavaScript: tasks wait in `tasks` until the test runs them. */
class FakeFeed implements MapFeed {
  readonly maxWorkers = 2
  readonly tasks: { args: unknown[][]; future: Future<any> }[] = []
  /** How many tasks may wait. */
  capacity = Infinity
  refusal: unknown
  readonly #wakeUps: (() => void)[] = []

  get waiting(): number {
    return this.tasks.filter(({ future }) => future.state === 'pending').length
  }

  submit(args: unknown[][]): Future<any> {
    if (this.refusal !== undefined) throw this.refusal
    if (!this.hasRoom()) throw new QueueFullError()
    const future = new Future<any>()
    this.tasks.push({ args, future })
    return future
  }

  hasRoom(): boolean {
    return this.waiting < this.capacity
  }

  room(): Promise<void> {
    return new Promise((resolve) => this.#wakeUps.push(resolve))
  }

  /** Finishes task `index` with the sum of its arguments, or with the sums of its chunk. */
  finish(index: number, chunked = false): void {
    const task = this.tasks[index]
    if (task === undefined) throw new Error(`no task ${index}`)
    const sums = task.args.map((args) => (args as number[]).reduce((sum, value) => sum + value))
    task.future.setResult(chunked ? ({ values: sums, failed: false, error: undefined } satisfies ChunkResult) : sums[0])
    this.wake()
  }

  wake(): void {
    for (const resolve of this.#wakeUps.splice(0)) resolve()
  }

  /** Finishes every task, those to come too, a turn after its submission. */
  runAll(chunked = false): this {
    const submit = this.submit.bind(this)
    this.submit = (args) => {
      const future = submit(args)
      const index = this.tasks.length - 1
      setImmediate(() => future.state === 'pending' && this.finish(index, chunked))
      return future
    }
    return this
  }
}

async function read(iterator: AsyncIterable<unknown>): Promise<{ values: unknown[]; error: unknown }> {
  const values: unknown[] = []
  try {
    for await (const value of iterator) values.push(value)
  } catch (error) {
    return { values, error }
  }
  return { values, error: undefined }
}

/** A source that counts how often it is read, and notes that it was closed. */
function counting(length = Infinity): { source: Iterable<number>; reads: number; closed: number } {
  const seen = {
    reads: 0,
    closed: 0,
    source: {
      [Symbol.iterator]: () => ({
        next: () => (seen.reads < length ? { done: false as const, value: seen.reads++ } : { done: true as const, value: undefined }),
        return: () => {
          seen.closed++
          return { done: true as const, value: undefined }
        },
      }),
    },
  }
  return seen
}

function countingAsync(length = Infinity): { source: AsyncIterable<number>; reads: number; closed: number } {
  const { source, ...rest } = counting(length)
  const inner = source[Symbol.iterator]()
  const seen = {
    ...rest,
    source: {
      [Symbol.asyncIterator]: () => ({
        async next() {
          const result = inner.next()
          if (result.done !== true) seen.reads++
          return result
        },
        async return() {
          seen.closed++
          return { done: true as const, value: undefined }
        },
      }),
    },
  }
  return seen
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('results come in the order of the input, whatever the order in which the tasks end', async (t) => {
  const feed = new FakeFeed()
  const reading = read(mapTasks(feed, [[1, 2, 3]]))
  for (const index of [2, 0, 1]) {
    feed.finish(index)
    await turn()
  }
  t.deepEqual(await reading, { values: [1, 2, 3], error: undefined })
})

test('several iterables are read side by side, stop with the shortest, and the others are closed', async (t) => {
  const feed = new FakeFeed().runAll()
  const long = counting()
  const { values } = await read(mapTasks(feed, [long.source, [10, 20], new Set([100, 200, 300])]))
  t.deepEqual(values, [110, 221])
  t.is(long.closed, 1)
})

test('sync and async iterables mix', async (t) => {
  const long = countingAsync()
  const { values } = await read(mapTasks(new FakeFeed().runAll(), [long.source, [10, 20]]))
  t.deepEqual(values, [10, 21])
  t.is(long.closed, 1)
  const short = countingAsync(2)
  const sync = counting()
  t.deepEqual((await read(mapTasks(new FakeFeed().runAll(), [sync.source, short.source]))).values, [0, 2])
  t.is(sync.closed, 1)
  t.is(short.closed, 0)
})

test('no iterable and an empty one give nothing', async (t) => {
  t.deepEqual(await read(mapTasks(new FakeFeed(), [])), { values: [], error: undefined })
  t.deepEqual(await read(mapTasks(new FakeFeed(), [[]])), { values: [], error: undefined })
  t.deepEqual(await read(mapTasks(new FakeFeed(), [(async function* () {})()])), {
    values: [],
    error: undefined,
  })
})

test('without bufferSize sync iterables are read and submitted at the call', (t) => {
  const feed = new FakeFeed()
  const { source } = counting(100)
  mapTasks(feed, [source])
  t.is(feed.tasks.length, 100)
})

test('with a full queue sync iterables are still read at the call, and submitted as room comes', async (t) => {
  const feed = new FakeFeed()
  feed.capacity = 3
  const seen = counting(10)
  const iterator = mapTasks(feed, [seen.source])
  t.is(seen.reads, 10)
  t.is(feed.tasks.length, 3)
  feed.finish(0)
  await turn()
  t.is(feed.tasks.length, 4)
  const reading = read(iterator)
  for (let index = 1; index < 10; index++) {
    feed.finish(index)
    await turn()
  }
  t.deepEqual((await reading).values, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('a source that fails while a full queue is read ahead delivers what came before', async (t) => {
  const feed = new FakeFeed()
  feed.capacity = 1
  const boom = new Error('boom')
  const iterator = mapTasks(feed, [
    (function* () {
      yield* [1, 2, 3]
      throw boom
    })(),
  ])
  const reading = read(iterator)
  for (let index = 0; index < 3; index++) {
    feed.finish(index)
    await turn()
  }
  t.deepEqual(await reading, { values: [1, 2, 3], error: boom })
})

test('a QueueFullError that comes in spite of room is waited out', async (t) => {
  const feed = new FakeFeed()
  feed.capacity = 1
  feed.hasRoom = () => true
  const submit = feed.submit.bind(feed)
  feed.submit = (args) => {
    if (feed.waiting >= 1) throw new QueueFullError()
    return submit(args)
  }
  const reading = read(mapTasks(feed, [[1, 2]]))
  t.is(feed.tasks.length, 1)
  feed.finish(0)
  await turn()
  feed.finish(1)
  t.deepEqual((await reading).values, [1, 2])
})

test('bufferSize bounds the tasks that are outstanding ahead of the reader', async (t) => {
  const feed = new FakeFeed()
  const seen = counting()
  const iterator = mapTasks(feed, [seen.source], { bufferSize: 4 })
  t.is(seen.reads, 4)
  for (let index = 0; index < 4; index++) feed.finish(index)
  await turn()
  t.is(seen.reads, 4)
  t.is((await iterator.next()).value, 0)
  t.is(seen.reads, 5)
  t.is((await iterator.next()).value, 1)
  t.is(seen.reads, 6)
  await iterator.return?.()
  t.is(seen.closed, 1)
})

test('async iterables are read at most 4 × maxWorkers tasks ahead', async (t) => {
  const feed = new FakeFeed()
  const seen = countingAsync()
  const iterator = mapTasks(feed, [seen.source], { chunkSize: 3 })
  await turn()
  t.is(feed.tasks.length, 8)
  t.is(seen.reads, 24)
  feed.finish(0, true)
  t.is((await iterator.next()).value, 0)
  await turn()
  t.is(feed.tasks.length, 9)
  await iterator.return?.()
  t.is(seen.closed, 1)
})

test('chunkSize puts so many items into a task, the rest into the last', async (t) => {
  const feed = new FakeFeed().runAll(true)
  const { values } = await read(mapTasks(feed, [[1, 2, 3, 4, 5]], { chunkSize: 2 }))
  t.deepEqual(values, [1, 2, 3, 4, 5])
  t.deepEqual(
    feed.tasks.map(({ args }) => args.length),
    [2, 2, 1],
  )
})

test('the first failing item ends the map, after the results before it, and what has not started is cancelled', async (t) => {
  const feed = new FakeFeed()
  const boom = new Error('boom')
  const reading = read(mapTasks(feed, [[1, 2, 3, 4]]))
  feed.tasks[3]?.future.setRunningOrNotifyCancel()
  feed.tasks[1]?.future.setException(boom)
  await turn()
  t.is(feed.tasks[2]?.future.state, 'pending')
  feed.finish(0)
  t.deepEqual(await reading, { values: [1], error: boom })
  t.deepEqual(
    feed.tasks.map(({ future }) => future.state),
    ['finished', 'finished', 'cancelled', 'running'],
  )
})

test('the items of a chunk before the failing one are delivered', async (t) => {
  const feed = new FakeFeed()
  const iterator = mapTasks(feed, [[1, 2, 3, 4]], { chunkSize: 3 })
  feed.tasks[0]?.future.setResult({ values: [1, 2], failed: true, error: null } satisfies ChunkResult)
  t.deepEqual(await read(iterator), { values: [1, 2], error: null })
  t.is(feed.tasks[1]?.future.state, 'cancelled')
  t.true((await iterator.next()).done)
})

test('a chunk that is lost as a whole fails at its place', async (t) => {
  const feed = new FakeFeed()
  const boom = new Error('worker lost')
  const reading = read(mapTasks(feed, [[1, 2, 3, 4]], { chunkSize: 2 }))
  feed.finish(0, true)
  feed.tasks[1]?.future.setException(boom)
  t.deepEqual(await reading, { values: [1, 2], error: boom })
})

test('results that are thenable, null or undefined come as they are', async (t) => {
  const feed = new FakeFeed()
  const iterator = mapTasks(feed, [[1, 2, 3]])
  const thenable = { then: () => t.fail() }
  feed.tasks[0]?.future.setResult(thenable)
  feed.tasks[1]?.future.setResult(undefined)
  feed.tasks[2]?.future.setResult(null)
  t.is((await iterator.next()).value, thenable as never)
  t.deepEqual(await iterator.next(), { done: false, value: undefined })
  t.deepEqual(await iterator.next(), { done: false, value: null })
})

test('a source that throws ends the map after the results before it, and the other sources are closed', async (t) => {
  const boom = new Error('boom')
  const failing = (async: boolean): Iterable<number> | AsyncIterable<number> => {
    function* sync() {
      yield* [1, 2, 3]
      throw boom
    }
    return async
      ? (async function* () {
          yield* sync()
        })()
      : sync()
  }
  for (const async of [false, true]) {
    for (const chunkSize of [1, 2]) {
      const other = counting()
      const result = await read(mapTasks(new FakeFeed().runAll(chunkSize > 1), [failing(async), other.source], { chunkSize }))
      t.deepEqual(result, { values: [1, 3, 5], error: boom })
      t.is(other.closed, 1)
    }
  }
})

test('leaving the loop cancels what has not started and closes the sources', async (t) => {
  const feed = new FakeFeed().runAll()
  const seen = counting(5)
  for await (const value of mapTasks(feed, [seen.source], { bufferSize: 3 })) {
    t.is(value, 0)
    break
  }
  t.is(seen.closed, 1)
  t.deepEqual(
    feed.tasks.map(({ future }) => future.state === 'pending'),
    [false, false, false, false],
  )
  const reads = seen.reads
  await turn()
  await turn()
  t.is(seen.reads, reads)
})

test('an async source that never answers does not hold up whoever leaves', async (t) => {
  let closed = 0
  const silent = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => {}),
      return: () => {
        closed++
        return new Promise<never>(() => {})
      },
    }),
  }
  const iterator = mapTasks(new FakeFeed(), [silent])
  const reading = iterator.next()
  await iterator.return?.()
  t.true((await reading).done)
  t.is(closed, 1)
})

test('an async source that is between two reads is closed before the loop is left', async (t) => {
  let isClosed = false
  async function* numbers() {
    try {
      for (let value = 0; ; value++) yield value
    } finally {
      await turn()
      isClosed = true
    }
  }
  for await (const _ of mapTasks(new FakeFeed().runAll(), [numbers()])) {
    await turn()
    await turn()
    break
  }
  t.true(isClosed)
})

test('an error of a source that is closed reaches whoever leaves', async (t) => {
  const iterator = mapTasks(
    new FakeFeed(),
    [
      {
        [Symbol.iterator]: () => ({
          next: () => ({ done: false as const, value: 1 }),
          return: () => {
            throw new Error('not closed')
          },
        }),
      },
    ],
    { bufferSize: 1 },
  )
  await t.throwsAsync(async () => iterator.return?.(), { message: 'not closed' })
  t.true((await iterator.next()).done)
})

test('calls of next() queue up', async (t) => {
  const feed = new FakeFeed()
  const iterator = mapTasks(feed, [[1, 2]])
  const reads = [iterator.next(), iterator.next(), iterator.next()]
  feed.finish(1)
  feed.finish(0)
  t.deepEqual(await Promise.all(reads), [
    { done: false, value: 1 },
    { done: false, value: 2 },
    { done: true, value: undefined },
  ])
})

test('the time-out ends the whole iteration, after the results that are there, and cancels the rest', async (t) => {
  const feed = new FakeFeed()
  const seen = counting()
  const iterator = mapTasks(feed, [seen.source], { timeout: 20, bufferSize: 4 })
  feed.finish(0)
  feed.finish(1)
  const end = performance.now() + 40
  while (performance.now() < end);
  await new Promise((resolve) => setTimeout(resolve, 30))
  t.is(feed.tasks[2]?.future.state, 'cancelled')
  t.is(seen.closed, 1)
  const { values, error } = await read(iterator)
  t.deepEqual(values, [0, 1])
  t.true(error instanceof TimeoutError)
  t.true((await iterator.next()).done)
})

test('the time-out reaches a reader that waits for a silent source', async (t) => {
  const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
  await t.throwsAsync(mapTasks(new FakeFeed(), [silent], { timeout: 5 }).next(), { instanceOf: TimeoutError })
})

test('a map that has all its results when time runs out ends without an error', async (t) => {
  const feed = new FakeFeed()
  const iterator = mapTasks(feed, [[1, 2]], { timeout: 5 })
  feed.finish(0)
  feed.finish(1)
  await new Promise((resolve) => setTimeout(resolve, 30))
  t.deepEqual(await read(iterator), { values: [1, 2], error: undefined })
})

test('a time-out of 0 fails without running anything', async (t) => {
  const feed = new FakeFeed()
  const { values, error } = await read(mapTasks(feed, [[1, 2]], { timeout: 0 }))
  t.deepEqual(values, [])
  t.true(error instanceof TimeoutError)
  t.is(feed.tasks.length, 0)
})

test('a shutdown while the map is fed delivers what was submitted, then rejects', async (t) => {
  const feed = new FakeFeed()
  const seen = counting()
  const reading = read(mapTasks(feed, [seen.source], { bufferSize: 2 }))
  feed.refusal = new InvalidStateError('cannot schedule new futures after shutdown')
  feed.finish(0)
  feed.finish(1)
  t.deepEqual(await reading, { values: [0, 1], error: feed.refusal })
  t.is(seen.closed, 1)
})

test('a shutdown while the map waits for room ends it likewise', async (t) => {
  const feed = new FakeFeed()
  feed.capacity = 1
  const reading = read(mapTasks(feed, [[1, 2, 3]]))
  feed.refusal = new InvalidStateError('cannot schedule new futures after shutdown')
  feed.finish(0)
  t.deepEqual(await reading, { values: [1], error: feed.refusal })
  const rejecting = new FakeFeed()
  rejecting.capacity = 1
  const broken = new Error('broken')
  rejecting.room = () => Promise.reject(broken)
  const next = read(mapTasks(rejecting, [[1, 2]]))
  rejecting.finish(0)
  t.deepEqual(await next, { values: [1], error: broken })
})

test('a refusal of the first task is thrown by the call itself', (t) => {
  const feed = new FakeFeed()
  feed.refusal = new InvalidStateError('cannot schedule new futures after shutdown')
  const seen = counting()
  t.is(
    t.throws(() => mapTasks(feed, [seen.source], { timeout: 100_000 })),
    feed.refusal as Error,
  )
  t.is(seen.closed, 1)
})

test('an aborted signal ends the feeding with CancelledError', async (t) => {
  const controller = new AbortController()
  const feed = new FakeFeed()
  const silent = (async function* () {
    yield 1
    await new Promise(() => {})
  })()
  const reading = read(mapTasks(feed, [silent], { signal: controller.signal }))
  await turn()
  feed.finish(0)
  await turn()
  controller.abort('enough')
  const { values, error } = await reading
  t.deepEqual(values, [1])
  t.true(error instanceof CancelledError)
  t.is((error as Error).cause, 'enough')
  const late = await read(mapTasks(feed, [[1]], { signal: controller.signal }))
  t.true(late.error instanceof CancelledError)
  t.is(feed.tasks.length, 1)
})

test('a map that is over leaves no timer and no listener', async (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const { signal } = new AbortController()
  await read(mapTasks(new FakeFeed().runAll(), [[1, 2]], { timeout: 100_000, signal }))
  t.is(getEventListeners(signal, 'abort').length, 0)
  const iterator = mapTasks(new FakeFeed(), [[1, 2]], { bufferSize: 1, timeout: 100_000, signal })
  t.is(getEventListeners(signal, 'abort').length, 1)
  await iterator.return?.()
  t.is(getEventListeners(signal, 'abort').length, 0)
  t.is(timers(), before)
})

test('a map that nobody reads leaves no listener once it is fed, nor when its time is over', async (t) => {
  const { signal } = new AbortController()
  const listeners = (): number => getEventListeners(signal, 'abort').length
  mapTasks(new FakeFeed(), [[1, 2]], { signal })
  t.is(listeners(), 0)
  const feed = new FakeFeed()
  mapTasks(feed, [countingAsync(3).source], { signal })
  t.is(listeners(), 1)
  for (let turns = 0; turns < 20; turns++) await turn()
  t.deepEqual([feed.tasks.length, listeners()], [3, 0])
  mapTasks(new FakeFeed(), [[1, 2, 3]], { bufferSize: 2, timeout: 20, signal })
  t.is(listeners(), 1)
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.is(listeners(), 0)
})

test('wrong arguments are thrown synchronously', (t) => {
  const feed = new FakeFeed()
  const call = (iterables: unknown[], options?: unknown): unknown => mapTasks(feed, iterables, options as never)
  for (const value of [undefined, null, 5, {}]) t.throws(() => call([[1], value]), { instanceOf: TypeError })
  for (const name of ['chunkSize', 'bufferSize']) {
    for (const value of [0, -1, 1.5, NaN, Infinity])
      t.throws(() => call([[1]], { [name]: value }), { instanceOf: RangeError, message: new RegExp(name) })
    for (const value of ['1', null, 1n]) t.throws(() => call([[1]], { [name]: value }), { instanceOf: TypeError })
  }
  t.throws(() => call([[1]], { timeout: -1 }), { instanceOf: RangeError })
  t.throws(() => call([[1]], { chunksize: 1 }), { instanceOf: TypeError, message: /chunksize/ })
  t.is(feed.tasks.length, 0)
})

test('a long map is fed and read in linear time', async (t) => {
  const feed = new FakeFeed()
  feed.submit = (args) => {
    const future = new Future<unknown>()
    future.setResult(args[0]?.[0])
    return future
  }
  const { source } = counting(300_000)
  let sum = 0
  for await (const value of mapTasks(feed, [source])) sum += value as number
  t.is(sum, (300_000 * 299_999) / 2)
})

test('the wait hook hears of a reader that waits, and of its end', async (t) => {
  let waiting = 0
  setWaitHook(() => {
    waiting++
    return () => void waiting--
  })
  t.teardown(() => setWaitHook(undefined))
  const feed = new FakeFeed()
  const iterator = mapTasks(feed, [[1, 2]])
  feed.finish(0)
  await iterator.next()
  t.is(waiting, 0)
  const reading = iterator.next()
  t.is(waiting, 1)
  feed.finish(1)
  t.is(waiting, 0)
  await reading
})
