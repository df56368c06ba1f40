/** How `map` with `chunkSize: 'auto'` chooses sizes, and what becomes of a chunk that a worker hands back. */
import ava from 'ava'
import { CancelledError, TimeoutError } from '../lib/errors/errors.ts'
import { ChunkSizer } from '../lib/executor/chunk-sizer.ts'
import type { ChunkResult, MapFeed } from '../lib/executor/map-feed.ts'
import { mapTasks } from '../lib/executor/map.ts'
import { Future } from '../lib/future/future.ts'
import { checkTaskOptions, NO_OPTIONS } from '../lib/options/task-options.ts'
import type { TaskOptions } from '../lib/options/task-options.ts'

// One at a time, as other tests of map.
const test = ava.serial

/** The sizes for an endless input whose items take so many ms, each chunk coming back before the next. */
function sizes(count: number, each: number): number[] {
  const sizer = new ChunkSizer({ workers: 2, tasksPerWorker: 1 })
  return Array.from({ length: count }, () => {
    const size = sizer.size(Infinity)
    sizer.note(size, size * each)
    return size
  })
}

test('the first chunk has one item, and each at most twice the items of the largest that has come back', (t) => {
  t.deepEqual(sizes(12, 0.000_1), [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 1_024])
  const sizer = new ChunkSizer({ workers: 2, tasksPerWorker: 1 })
  for (let n = 0; n < 16; n++) sizer.note(1, 0)
  t.is(sizer.size(Infinity), 2)
})

test('a chunk takes about a millisecond', (t) => {
  const quick = sizes(20, 0.02).slice(6)
  t.true(
    quick.every((size) => size >= 40 && size <= 75),
    String(quick),
  )
  t.deepEqual(sizes(4, 0.5), [1, 2, 2, 2])
  t.deepEqual(sizes(4, 1.5), [1, 1, 1, 1])
  t.deepEqual(sizes(4, 50), [1, 1, 1, 1])
})

test('a chunk that takes long makes those after it small at once, and they grow again by and by', (t) => {
  const sizer = new ChunkSizer({ workers: 2, tasksPerWorker: 1 })
  for (let n = 0; n < 12; n++) sizer.note(1_024, 0.1)
  t.is(sizer.size(Infinity), 1_024)
  sizer.note(5, 200)
  t.true(sizer.size(Infinity) <= 20)
  const seen: number[] = []
  for (let n = 0; n < 40; n++) {
    const size = sizer.size(Infinity)
    seen.push(size)
    sizer.note(size, size * 0.000_1)
  }
  for (const [n, size] of seen.entries()) t.true(n === 0 || size <= 2 * (seen[n - 1] as number))
  t.is(seen.at(-1), 1_024)
})

test('the last chunks are smaller, so that all workers have some, but not so small that it does not pay', (t) => {
  const sizer = new ChunkSizer({ workers: 4, tasksPerWorker: 1 })
  for (let n = 0; n < 20; n++) sizer.note(100, 1)
  const taken: number[] = []
  for (let left = 1_000; left > 0; left -= taken.at(-1) as number) taken.push(Math.min(left, sizer.size(left)))
  t.true((taken[0] as number) >= 75)
  t.deepEqual(
    taken,
    taken.toSorted((a, b) => b - a),
  )
  t.true(taken.filter((size) => size < 20).length >= 4)
  t.true((taken.at(-2) as number) >= 5)
  t.is(
    taken.reduce((sum, size) => sum + size),
    1_000,
  )
})

/** An executor whose tasks end when the test says so, with as many items run as it says. */
class FakeFeed implements MapFeed {
  readonly maxWorkers = 1
  readonly tasks: { items: number[]; future: Future<any> }[] = []
  refusal: unknown
  isFull = false

  submit(lists: unknown[][], limit?: number): Future<any> {
    if (this.refusal !== undefined) throw this.refusal
    if (!(limit !== undefined && limit > 0)) throw new Error('no limit')
    const future = new Future<any>()
    this.tasks.push({ items: lists.map(([item]) => item as number), future })
    return future
  }

  hasRoom(): boolean {
    return !this.isFull
  }

  room(): Promise<void> {
    return new Promise(() => {})
  }

  /** Ends the first task that is pending, with the results of its first `count` items. */
  end(count: number = Infinity, runTime: number = 0): number[] {
    const { items, future } = this.pending()[0] as { items: number[]; future: Future<any> }
    const values = items.slice(0, count)
    future.setResult({ values, failed: false, error: undefined, runTime } satisfies ChunkResult)
    return items
  }

  pending(): { items: number[]; future: Future<any> }[] {
    return this.tasks.filter(({ future }) => future.state === 'pending')
  }

  /** Ends all tasks that are pending and what comes after them. */
  endAll(): void {
    while (this.pending().length > 0) this.end()
  }
}

function start(feed: MapFeed, items: Iterable<number>, options: TaskOptions = {}): AsyncIterableIterator<number> {
  return mapTasks(feed, [items], checkTaskOptions({ chunkSize: 'auto', ...options }, NO_OPTIONS))
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

async function read(results: AsyncIterable<number>): Promise<{ values: number[]; error: unknown }> {
  const values: number[] = []
  try {
    for await (const value of results) values.push(value)
  } catch (error) {
    return { values, error }
  }
  return { values, error: undefined }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Until a chunk has four items: they stand first among those that are pending. */
function grow(feed: FakeFeed): void {
  while ((feed.pending()[0]?.items.length ?? 4) < 4) feed.end()
}

test('what a worker hands back of a chunk is submitted again, and its results come at their place', async (t) => {
  const feed = new FakeFeed()
  const reading = read(start(feed, range(200)))
  grow(feed)
  const before = feed.tasks.length
  const items = feed.end(1, 10)
  t.is(items.length, 4)
  // Each of the three that are left is worth a task of its own, before anything else is read.
  t.deepEqual(feed.tasks[before]?.items, [items[1]])
  while (feed.pending().length > 0) feed.end(1, 10)
  t.deepEqual(await reading, { values: range(200), error: undefined })
})

test('also when the reader comes to its place before, and with a bufferSize of 1', async (t) => {
  for (const bufferSize of [1, 2, 3]) {
    const feed = new FakeFeed()
    const reading = read(start(feed, range(100), { bufferSize }))
    for (let n = 0; feed.pending().length > 0; n++) {
      t.true(feed.pending().length <= bufferSize)
      feed.end(n % 3 === 2 ? 1 : Infinity)
      await turn()
    }
    t.deepEqual(await reading, { values: range(100), error: undefined })
  }
})

test('what was handed back and is refused ends the map at its place', async (t) => {
  const feed = new FakeFeed()
  const reading = read(start(feed, range(500)))
  grow(feed)
  const [first] = feed.pending()
  feed.refusal = new Error('shut down')
  feed.end(2)
  const { values, error } = await reading
  t.is(error, feed.refusal)
  t.deepEqual(values, range((first?.items[1] as number) + 1))
  t.true(feed.pending().length === 0)
})

test('a failure of what came later does not hide what was handed back', async (t) => {
  const feed = new FakeFeed()
  const boom = new Error('boom')
  const source = function* (): Generator<number> {
    yield* range(40)
    throw boom
  }
  const reading = read(start(feed, source()))
  let n = 0
  while (feed.pending().length > 0) feed.end(n++ % 2 === 0 ? 1 : Infinity)
  t.deepEqual(await reading, { values: range(40), error: boom })
})

test('when time runs out the results up to what was handed back are delivered', async (t) => {
  const feed = new FakeFeed()
  const reading = read(start(feed, range(500), { timeout: 50 }))
  grow(feed)
  const items = feed.end(2)
  const { values, error } = await reading
  t.true(error instanceof TimeoutError)
  t.deepEqual(values, range((items[1] as number) + 1))
  t.deepEqual(feed.pending(), [])
})

test('an aborted signal ends a map with what was handed back', async (t) => {
  const feed = new FakeFeed()
  const controller = new AbortController()
  const results = start(feed, range(500), { signal: controller.signal })
  grow(feed)
  feed.isFull = true
  const items = feed.end(2)
  controller.abort()
  const { values, error } = await read(results)
  t.true(error instanceof CancelledError)
  t.deepEqual(values, range((items[1] as number) + 1))
  t.deepEqual(feed.pending(), [])
})

test('leaving a map submits nothing any more, also of what is handed back later', async (t) => {
  const feed = new FakeFeed()
  const results = start(feed, range(500))
  grow(feed)
  const running = feed.pending()[0]
  running?.future.setRunningOrNotifyCancel()
  await results.return?.()
  const before = feed.tasks.length
  running?.future.setResult({ values: [0], failed: false, error: undefined } satisfies ChunkResult)
  t.is(feed.tasks.length, before)
  t.deepEqual(feed.pending(), [])
  t.true((await results.next()).done)
})

test('no more than a few tasks for each worker are under way, whoever reads', (t) => {
  const feed = new FakeFeed()
  // So many that chunks come to their size also where this thread is held up now and then, which it takes for
  // the time of a submission.
  start(feed, range(300_000))
  t.is(feed.pending().length, 2)
  while ((feed.tasks.at(-1)?.items.length ?? 0) < 1_024) {
    feed.end()
    t.true(feed.pending().length <= 8)
  }
  t.is(feed.pending().length, 8)
  feed.endAll()
  t.is(feed.tasks.flatMap(({ items }) => items).length, 300_000)
})
