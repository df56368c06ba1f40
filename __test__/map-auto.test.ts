/** `map` with `chunkSize: 'auto'`, over every executor. How sizes are chosen: chunk-sizer.test.ts. */
import ava from 'ava'
import { CancelledError, InvalidStateError, moduleTasks, native, TimeoutError } from 'concurrent-futures'
import type { TaskOptions } from 'concurrent-futures'
import { collect } from './collect.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { SHORT, SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial)
const everywhere = behaviours(ava.serial, [])

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

const AUTO: TaskOptions = { chunkSize: 'auto' }

function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, n) => from + n)
}

async function* later(count: number): AsyncGenerator<number> {
  for (let n = 0; n < count; n++) {
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    yield n
  }
}

everywhere("chunkSize 'auto' gives what single tasks give, from iterables of every kind", async (t, { create }) => {
  const executor = create(2)
  const view = executor.with(AUTO)
  const doubles = range(3_000).map((n) => 2 * n)
  t.deepEqual(await collect(view.map(work.double, range(3_000))), doubles)
  t.deepEqual(await collect(view.map(work.double, new Set(range(3_000)))), doubles)
  t.deepEqual(await collect(view.map(work.double, range(3_000).values())), doubles)
  t.deepEqual(await collect(view.map(work.double, Float64Array.from(range(3_000)))), doubles)
  t.deepEqual(await collect(view.map(work.double, later(3_000))), doubles)
  t.deepEqual(await collect(view.map(work.add, range(500), later(400))), doubles.slice(0, 400))
  t.deepEqual(await collect(view.map(work.addLater, range(20), range(30), Array<number>(40).fill(1))), doubles.slice(0, 20))
  t.deepEqual(await collect(view.map(work.all, ['a', null], [{ b: [1] }, undefined])), [
    ['a', { b: [1] }],
    [null, undefined],
  ])
  t.deepEqual(await collect(view.map(work.double, [])), [])
  t.deepEqual(await collect(view.map(work.double, later(0))), [])
  await executor.shutdown()
})

behaviour("chunkSize 'auto' runs native tasks in chunks, too", async (t, { create }) => {
  const executor = create(2)
  const counts = await collect(executor.with(AUTO).map(native.countPrimes, Array<number>(5_000).fill(10)))
  t.deepEqual(counts, Array(5_000).fill(4))
  t.true(executor.stats().completed < 2_000, `${executor.stats().completed} tasks`)
  const texts = ['', 'abc', 'zwölf']
  t.deepEqual(await collect(executor.with(AUTO).map(native.sha256, texts)), await collect(executor.map(native.sha256, texts)))
  await executor.shutdown()
})

everywhere('many quick items are few tasks', async (t, { create }) => {
  const executor = create(2)
  t.deepEqual(
    await collect(executor.with(AUTO).map(work.double, range(20_000))),
    range(20_000).map((n) => 2 * n),
  )
  t.true(executor.stats().completed < 5_000, `${executor.stats().completed} tasks`)
  await executor.shutdown()
})

everywhere('an item that takes a millisecond or more is a task of its own', async (t, { create }) => {
  const executor = create(2)
  t.deepEqual(await collect(executor.with(AUTO).map(work.pause, Array<number>(40).fill(4))), Array(40).fill(4))
  t.is(executor.stats().completed, 40)
  await executor.shutdown()
})

behaviour('items that turn out long after quick ones are spread over all workers', async (t, { create }) => {
  const executor = create(2)
  await Promise.all([executor.submit(work.pause, SHORT), executor.submit(work.pause, SHORT)])
  const before = executor.stats().completed
  const items = [...Array<number>(5_000).fill(0), ...Array<number>(40).fill(15)]
  const results = await collect(executor.with(AUTO).map(work.pauseWhere, items, range(5_040)))
  t.deepEqual(
    results.map(([n]) => n),
    range(5_040),
  )
  const slow = results.slice(-40).map(([, worker]) => worker)
  const shares = [...new Set(slow)].map((worker) => slow.filter((other) => other === worker).length)
  t.is(shares.length, 2)
  t.true(Math.min(...shares) >= 8, `of 40 items ${shares.join(' and ')}`)
  t.true(executor.stats().completed - before >= 30)
  await executor.shutdown()
})

for (const bad of [0, 1, 17, 2_500]) {
  everywhere(
    `with chunkSize 'auto' the results before an error are delivered, then the error, then nothing: item ${bad}`,
    async (t, { create }) => {
      const executor = create(2)
      const results = executor.with(AUTO).map(work.failAt, range(4_000), Array<number>(4_000).fill(bad))
      const seen: number[] = []
      const error = await t.throwsAsync(async () => {
        for await (const result of results) seen.push(result)
      })
      t.true(error instanceof RangeError)
      t.is(error?.message, `item ${bad}`)
      t.deepEqual(seen, range(bad))
      t.deepEqual(await results.next(), { done: true, value: undefined })
      await executor.shutdown()
    },
  )
}

everywhere("with chunkSize 'auto' a sync iterable is read as sizes become known: an endless one can be left", async (t, { create }) => {
  const executor = create(2)
  let isClosed = false
  let read = 0
  const endless = function* (): Generator<number> {
    try {
      for (;;) yield read++
    } finally {
      isClosed = true
    }
  }
  const results = executor.with(AUTO).map(work.double, endless())
  t.true(read > 0 && read <= 16, `read ${read}`)
  const seen: number[] = []
  for await (const result of results) if (seen.push(result) === 2_000) break
  t.deepEqual(
    seen,
    range(2_000).map((n) => 2 * n),
  )
  t.true(isClosed)
  const before = read
  await executor.shutdown()
  t.is(read, before)
})

everywhere("with chunkSize 'auto' a sync iterable is run to its end without a reader", async (t, { create }) => {
  const executor = create(2)
  let isRead = false
  const source = function* (): Generator<number> {
    yield* range(3_000)
    isRead = true
  }
  const results = executor.with(AUTO).map(work.double, source())
  await until(() => isRead && executor.stats().running + executor.stats().queued === 0, 'all have run')
  t.deepEqual(
    await collect(results),
    range(3_000).map((n) => 2 * n),
  )
  await executor.shutdown()
})

everywhere("with chunkSize 'auto' bufferSize bounds the tasks that are outstanding ahead of the reader", async (t, { create }) => {
  const executor = create(2)
  const results = executor.with({ ...AUTO, bufferSize: 3 }).map(work.double, range(500))
  await until(() => executor.stats().completed === 3, 'three are done')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.is(executor.stats().completed, 3)
  t.deepEqual(
    await collect(results),
    range(500).map((n) => 2 * n),
  )
  await executor.shutdown()
})

behaviour("with chunkSize 'auto' an async iterable is read at most 4 × maxWorkers tasks ahead of the reader", async (t, { create }) => {
  const executor = create(2)
  const results = executor.with(AUTO).map(work.double, later(5_000))
  await until(() => executor.stats().completed === 8, 'eight are done')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.is(executor.stats().completed, 8)
  t.deepEqual(
    await collect(results),
    range(5_000).map((n) => 2 * n),
  )
  await executor.shutdown()
})

everywhere('items of an async iterable do not wait for a chunk to be full', async (t, { create }) => {
  const executor = create(2)
  let seen = 0
  const quickThenSlow = async function* (): AsyncGenerator<number> {
    yield* range(2_000)
    // Each of these comes when the result of the one before it has been read.
    for (let n = 2_000; n < 2_010; n++) {
      await until(() => seen === n, `result ${n - 1} is read`)
      yield n
    }
  }
  for await (const result of executor.with(AUTO).map(work.double, quickThenSlow())) t.is(result, 2 * seen++)
  t.is(seen, 2_010)
  await executor.shutdown()
})

behaviour("map with chunkSize 'auto' waits for room in a bounded queue", async (t, { create }) => {
  const executor = create({ maxWorkers: 1, maxQueue: 2 })
  t.deepEqual(
    await collect(executor.with(AUTO).map(work.double, range(3_000))),
    range(3_000).map((n) => 2 * n),
  )
  const mixed = range(600).map((n) => (n % 100 === 99 ? 6 : 0))
  t.deepEqual(await collect(executor.with(AUTO).map(work.spinFor, mixed)), mixed)
  await executor.shutdown()
})

everywhere("the timeout of map with chunkSize 'auto' is one for the whole iteration", async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  await executor.submit(work.add, 1, 1)
  const files = [...Array<string>(100).fill('/'), gate, ...Array<string>(100).fill('/')]
  const results = executor.with({ ...AUTO, timeout: 1_500 }).map(work.waitFor, files)
  const seen: number[] = []
  await t.throwsAsync(
    async () => {
      for await (const result of results) seen.push(result)
    },
    { instanceOf: TimeoutError },
  )
  t.true(seen.length <= 100)
  t.true((await results.next()).done)
  folder.open(gate)
  await executor.shutdown()
})

everywhere("an aborted signal cancels a map with chunkSize 'auto'", async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const controller = new AbortController()
  const files = [...Array<string>(50).fill('/'), folder.gate(), ...Array<string>(500).fill('/')]
  const results = executor.with({ ...AUTO, signal: controller.signal }).map(work.waitFor, files)
  await results.next()
  const rest = collect(results)
  controller.abort('enough')
  t.is((await t.throwsAsync(rest, { instanceOf: CancelledError }))?.cause, 'enough')
  await executor.shutdown()
})

behaviour("leaving a map with chunkSize 'auto' cancels what has not started", async (t, { create }) => {
  const executor = create(1)
  for await (const result of executor.with(AUTO).map(work.pause, Array<number>(500).fill(5))) {
    t.is(result, 5)
    break
  }
  await executor.shutdown()
  const { completed, cancelled } = executor.stats()
  t.true(cancelled >= 3 && completed < 100, `${cancelled} cancelled, ${completed} completed`)
})

everywhere(
  "a map with chunkSize 'auto' that is feeding when the executor is shut down delivers what it has submitted, then rejects",
  async (t, { create }) => {
    const executor = create(1)
    const results = executor.with(AUTO).map(work.pause, Array<number>(200).fill(5))
    const seen = [(await results.next()).value]
    await executor.shutdown()
    await t.throwsAsync(
      async () => {
        for await (const result of results) seen.push(result)
      },
      { instanceOf: InvalidStateError },
    )
    t.true(seen.length >= 2 && seen.length < 200, `${seen.length} results`)
  },
)

behaviour("a map with chunkSize 'auto' moves what is in its transfer list, also where items turn out long", async (t, { create }) => {
  const executor = create(2)
  const items = range(300).map((n) => new Uint8Array(8).fill(n % 256))
  const transfer = items.map(({ buffer }) => buffer)
  const sums = executor.with({ ...AUTO, transfer }).map((bytes: Uint8Array) => {
    if (bytes[0] === 60) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    return bytes.reduce((sum, byte) => sum + byte, 0)
  }, items)
  t.deepEqual(
    await collect(sums),
    range(300).map((n) => 8 * (n % 256)),
  )
  t.deepEqual(
    items.map(({ length }) => length),
    Array(300).fill(0),
  )
  await executor.shutdown()
})

behaviour("a map with chunkSize 'auto' keeps workers that hold several asynchronous tasks busy", async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, tasksPerWorker: 12 })
  const gate = folder.gate()
  const results = executor.with(AUTO).map(work.waitForLater, Array<string>(30).fill(gate))
  const end = Date.now() + SOON
  while (executor.stats().running < 12 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5))
  t.is(executor.stats().running, 12)
  folder.open(gate)
  t.is((await collect(results)).length, 30)
  await executor.shutdown()
})

behaviour("a map with chunkSize 'auto' in a task of the same executor ends, also with one worker", async (t, { create }) => {
  const executor = create(1)
  const sum = await executor
    .submit(async (count: number) => {
      const { currentExecutor } = (await import('concurrent-futures')) as typeof import('concurrent-futures')
      let total = 0
      const items = Array.from({ length: count }, (_, n) => n)
      for await (const n of currentExecutor()!
        .with({ chunkSize: 'auto' })
        .map((n: number) => n + 1, items))
        total += n
      return total
    }, 2_000)
    .result(SOON)
  t.is(sum, (2_000 * 2_001) / 2)
  await executor.shutdown()
})

behaviour("the types take a number or 'auto' as chunkSize, and nothing else", async (t, { create }) => {
  const executor = create(1)
  const results: AsyncIterableIterator<number> = executor.with({ chunkSize: 'auto' }).map(work.double, [1])
  t.deepEqual(await collect(results), [2])
  // @ts-expect-error: only this word
  t.throws(() => executor.with({ chunkSize: 'all' }), { instanceOf: TypeError })
  // @ts-expect-error: only for chunkSize
  t.throws(() => executor.with({ bufferSize: 'auto' }), { instanceOf: TypeError })
  await executor.shutdown()
})

behaviour('items that a worker hands back are run also when the executor was shut down meanwhile', async (t, { create }) => {
  for (let round = 0; round < 8; round++) {
    const executor = create(2)
    // The last ones take much longer than the chunk in which they are was made for.
    const slow = (n: number): number => {
      const end = performance.now() + (n >= 300 ? 6 : 0)
      while (performance.now() < end);
      return n
    }
    let read = 0
    const items = (function* () {
      while (read < 350) yield read++
    })()
    // With a limit the map may hold as many tasks as it may have.
    const limit = round < 4 ? {} : { bufferSize: 3 }
    const results = executor.with({ chunkSize: 'auto', ...limit }).map(slow, items)
    const seen: number[] = []
    while (read < 350) seen.push((await results.next()).value)
    // All workers may be done by then, with what they hand back on its way.
    const end = performance.now() + 5 * (round % 4)
    while (performance.now() < end);
    const done = executor.shutdown({ wait: round % 2 === 0 })
    for await (const n of results) seen.push(n)
    t.deepEqual(
      seen,
      Array.from({ length: 350 }, (_, n) => n),
    )
    await done
    await executor.shutdown()
  }
})
