/**
 * Executors that become larger or smaller while they work. What the core decides without JavaScript:
 * crates/pool/tests/size.rs.
 */
import ava from 'ava'
import { InvalidStateError, moduleTasks, native } from 'concurrent-futures'
import type { PoolExecutor } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { sizes } from './fixtures/sizes.mjs'
import { Folder, until } from './gate.ts'
import { SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)
const streams = moduleTasks<typeof import('./fixtures/streams.mjs')>(new URL('./fixtures/streams.mjs', import.meta.url))
const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

const living = ({ workers }: ReturnType<PoolExecutor['stats']>): number => workers.idle + workers.busy

behaviour('a larger executor runs at once what is queued', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  await using executor = create(1)
  const futures = [1, 2, 3].map(() => executor.submit(work.waitFor, gate))
  await until(() => executor.stats().running === 1, 'one runs')
  t.is(executor.maxWorkers, 1)
  executor.resize(3)
  t.is(executor.maxWorkers, 3)
  await until(() => executor.stats().running === 3, 'all run')
  folder.open(gate)
  const workers = await Promise.all(futures)
  t.is(new Set(workers).size, 3)
})

behaviour('in a smaller executor what runs goes on, and the workers beyond leave when they are idle', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  await using executor = create({ maxWorkers: 3, idleTimeout: 600_000 })
  const futures = [1, 2, 3].map(() => executor.submit(work.waitFor, gate))
  await until(() => executor.stats().running === 3, 'all run')
  executor.resize(1)
  const later = [1, 2, 3].map(() => executor.submit(work.interval, 20))
  t.is(executor.stats().running, 3)
  t.is(executor.stats().queued, 3)
  folder.open(gate)
  await Promise.all(futures)
  const times = (await Promise.all(later)) as [number, number][]
  for (const [at, [start]] of times.entries()) t.true(at === 0 || start >= times[at - 1]![1], 'one at a time')
  await until(() => living(executor.stats()) === 1, 'two have left')
  t.is(executor.stats().workers.died, 0)
})

behaviour('idle workers beyond a smaller maxWorkers leave at once, whatever idleTimeout says', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  await using executor = create({ maxWorkers: 3, idleTimeout: Infinity })
  const futures = [1, 2, 3].map(() => executor.submit(work.waitFor, gate))
  await until(() => executor.stats().running === 3, 'all run')
  folder.open(gate)
  await Promise.all(futures)
  await until(() => executor.stats().workers.idle === 3, 'all are idle')
  executor.resize(2)
  await until(() => living(executor.stats()) === 2, 'one has left')
  t.is(await executor.submit(work.add, 1, 2), 3)
  executor.resize(1)
  await until(() => living(executor.stats()) === 1, 'two have left')
  t.is(await executor.submit(work.add, 1, 2), 3)
})

behaviour('native tasks are bounded by the new maxWorkers as well', async (t, { create }) => {
  await using executor = create({ maxWorkers: 3, idleTimeout: 600_000 })
  // Of a sixth of a second each: on a busy machine the first has ended before the third worker has started.
  const long = Array.from({ length: 60 }, () => executor.submit(native.countPrimes, 1e12))
  await until(() => executor.stats().running === 3, 'three run')
  executor.resize(1)
  const later = Array.from({ length: 9 }, () => executor.submit(native.countPrimes, 1e8))
  for (const future of long) future.cancel({ interrupt: true })
  await later[0]!.result(SOON)
  let most = 0
  while (later.some((future) => !future.done())) most = Math.max(most, executor.stats().running)
  t.true(most <= 1, `${most} ran at once`)
  await until(() => living(executor.stats()) === 1, 'two have left')
})

behaviour('maxWorkers is from 1 to 1024, an integer, and not below minWorkers', async (t, { create }) => {
  await using executor = create({ maxWorkers: 4, minWorkers: 2 })
  for (const wrong of [0, -1, 1025, 1.5, NaN, Infinity]) {
    t.throws(() => executor.resize(wrong), { instanceOf: RangeError, message: /maxWorkers/ }, String(wrong))
  }
  for (const wrong of ['2', undefined, null, 2n]) {
    t.throws(() => executor.resize(wrong as never), { instanceOf: TypeError, message: /maxWorkers/ })
  }
  t.throws(() => executor.resize(1), { instanceOf: RangeError, message: /minWorkers, 2/ })
  t.is(executor.maxWorkers, 4)
  executor.resize(2)
  t.is(executor.with({ priority: 1 }).maxWorkers, 2)
  executor.with({ priority: 1 }).resize(1024)
  t.is(executor.maxWorkers, 1024)
})

behaviour('tasks see and change the size of their executor, and are refused as others are', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  await using executor = create({ maxWorkers: 2, minWorkers: 1 })
  t.is(await executor.submit(sizes.most).result(SOON), 2)
  t.is(await executor.submit(sizes.resize, 3).result(SOON), 3)
  t.is(executor.maxWorkers, 3)
  const late = executor.submit(sizes.mostAfter, gate)
  await until(() => executor.stats().running === 1, 'it runs')
  executor.resize(5)
  folder.open(gate)
  t.is(await late.result(SOON), 5)
  t.regex(await executor.submit(sizes.refused, 0).result(SOON), /^RangeError: maxWorkers/)
  executor.resize(5)
})

behaviour('resize works while a shutdown drains, and does nothing afterwards', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  const executor = create(1)
  const futures = [1, 2, 3].map(() => executor.submit(work.waitFor, gate))
  await until(() => executor.stats().running === 1, 'one runs')
  const over = executor.shutdown()
  executor.resize(3)
  await until(() => executor.stats().running === 3, 'all run')
  folder.open(gate)
  await Promise.all(futures)
  await over
  executor.resize(7)
  t.is(executor.maxWorkers, 3)
  t.throws(() => executor.resize(0), { instanceOf: RangeError })
  t.throws(() => executor.submit(work.add, 1, 2), { instanceOf: InvalidStateError })
})

behaviour('tasks that wait for others inside of an executor that shrinks and grows are all done', async (t, { create }) => {
  await using executor = create(4)
  const futures = Array.from({ length: 24 }, (_, n) => (n % 2 === 0 ? executor.submit(sizes.nest, 3) : executor.submit(sizes.nestLater, 3)))
  const end = Promise.all(futures.map((future) => future.result(SOON)))
  let size = 4
  const timer = setInterval(() => executor.resize((size = (size % 4) + 1)), 5)
  try {
    t.deepEqual(await end, Array(24).fill(3))
  } finally {
    clearInterval(timer)
  }
  executor.resize(1)
  await until(() => living(executor.stats()) === 1, 'the others have left')
})

behaviour('workers that hold several tasks do not go on claiming beyond a smaller maxWorkers', async (t, { create }) => {
  const folder = new Folder(t)
  const gates = [folder.gate('one'), folder.gate('two')] as const
  await using executor = create({ maxWorkers: 2, tasksPerWorker: 2 })
  const first = [1, 2].map(() => executor.submit(work.waitForLater, gates[0]))
  const second = [1, 2].map(() => executor.submit(work.waitForLater, gates[1]))
  await until(() => executor.stats().running === 4, 'all run')
  executor.resize(1)
  const later = Array.from({ length: 20 }, () => executor.submit(work.addLater, 1, 2, 1))
  folder.open(gates[0])
  await Promise.all(first)
  folder.open(gates[1])
  await Promise.all(second)
  t.deepEqual(await Promise.all(later), Array(20).fill(3))
  await until(() => living(executor.stats()) === 1, 'one has left')
})

behaviour('a worker on which a stream lives stays in a smaller executor until that has ended, then leaves', async (t, { create }) => {
  await using executor = create({ maxWorkers: 2, idleTimeout: 600_000 })
  await executor.warmUp()
  const narrow = executor.with({ bufferSize: 1 })
  const [one, two] = [narrow.stream(streams.count, 20), narrow.stream(streams.count, 20)]
  t.deepEqual([(await one.next()).value, (await two.next()).value], [0, 0])
  executor.resize(1)
  t.deepEqual([(await one.next()).value, (await two.next()).value], [1, 1])
  t.is(living(executor.stats()), 2)
  await one.return()
  await until(() => living(executor.stats()) === 1, 'its worker has left')
  const rest: number[] = []
  for await (const value of two) rest.push(value)
  t.is(rest.length, 18)
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
})

behaviour('the read-ahead of map follows maxWorkers', async (t, { create }) => {
  await using executor = create(1)
  let read = 0
  const source = async function* (): AsyncGenerator<number> {
    while (read < 200) yield read++
  }
  const results = executor.map(work.double, source())
  await until(() => executor.stats().completed === 4, 'four are done')
  executor.resize(3)
  t.is((await results.next()).value, 0)
  await until(() => executor.stats().completed === 13, 'four for each worker, ahead of the reader')
  executor.resize(1)
  for (let n = 1; n < 13; n++) t.is((await results.next()).value, 2 * n)
  await until(() => executor.stats().completed === 17, 'four again')
  t.true(read <= 18, `${read} were read`)
  await results.return?.()
})
