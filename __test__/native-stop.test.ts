import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { CancelledError, native, ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'
import type { Future, Task } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import type { PoolExecutor } from 'concurrent-futures'
import { until } from './gate.ts'
import { PROMPT, SOON } from './limits.ts'

const test = ava.serial
const behaviour = behaviours(test)

const LARGE = 256 << 20
let zeros: Uint8Array
let numbers: Float64Array
test.before(() => {
  zeros = new Uint8Array(LARGE)
  let state = 1
  numbers = new Float64Array(LARGE / 8)
  for (let index = 0; index < numbers.length; index++) numbers[index] = state = (state * 48_271) % 2_147_483_647
})

/** Each of these works for 100 ms and more. */
const heavy: Record<string, (executor: PoolExecutor) => Future<unknown>> = {
  sha256: (executor) => executor.submit(native.sha256, zeros),
  gzip: (executor) => executor.submit(native.gzip, zeros, { level: 9 }),
  zstd: (executor) => executor.submit(native.zstd, zeros, { level: 9 }),
  sort: (executor) => executor.submit(native.sort, numbers),
  'sort in memory that has moved': (executor) => {
    const moved = numbers.slice()
    return executor.with({ transfer: [moved.buffer] }).submit(native.sort, moved)
  },
  select: (executor) => executor.submit(native.select, numbers, 1000),
  matmul: (executor) =>
    executor.submit(native.matmul, numbers.subarray(0, 1 << 22), numbers.subarray(0, 1 << 22), {
      m: 2048,
      k: 2048,
      n: 2048,
    }),
  countPrimes: (executor) => executor.submit(native.countPrimes, 1e12),
}

async function capacityIsBack(t: ExecutionContext, executor: PoolExecutor): Promise<void> {
  const start = performance.now()
  t.is(await executor.submit(native.countPrimes, 10).result(SOON), 4)
  const took = performance.now() - start
  t.true(took < PROMPT)
  t.log(`the thread was back after ${took.toFixed(1)} ms`)
}

for (const [name, submit] of Object.entries(heavy)) {
  behaviour(`a time-out ends ${name} in the middle of large input`, async (t, { create }) => {
    const executor = create(1)
    await executor.submit(native.countPrimes, 10).result(SOON)
    await t.throwsAsync(submit(executor.with({ timeout: 10 })).result(SOON), { instanceOf: TimeoutError })
    await capacityIsBack(t, executor)
    await executor.shutdown()
  })
}

behaviour('a running native task is cancelled by interrupt', async (t, { create }) => {
  const executor = create(1)
  const future = executor.submit(native.gzip, zeros, { level: 9 })
  await until(() => future.running(), 'it runs')
  t.false(future.cancel())
  t.true(future.cancel({ interrupt: true, reason: 'no longer wanted' }))
  t.is(future.state, 'cancelled')
  const error = await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError })
  t.is(error.cause, 'no longer wanted')
  await capacityIsBack(t, executor)
  await executor.shutdown()
  t.is(executor.stats().cancelled, 1)
})

behaviour('priorities, queue times and signals hold for native tasks', async (t, { create }) => {
  const executor = create(1)
  const order: string[] = []
  const note = (name: string) => (): void => void order.push(name)
  const first = executor.submit(native.gzip, zeros, { level: 9 })
  await until(() => first.running(), 'it runs')
  const late = executor.with({ queueTimeout: 5 }).submit(native.countPrimes, 1)
  const low = executor.submit(native.countPrimes, 1)
  const high = executor.with({ priority: 1 }).submit(native.countPrimes, 1)
  low.addDoneCallback(note('low'))
  high.addDoneCallback(note('high'))
  await t.throwsAsync(late.result(SOON), { instanceOf: TimeoutError })
  const controller = new AbortController()
  const signalled = executor.with({ signal: controller.signal }).submit(native.countPrimes, 1)
  controller.abort()
  await t.throwsAsync(signalled.result(SOON), { instanceOf: CancelledError })
  first.cancel({ interrupt: true })
  await Promise.all([low.result(SOON), high.result(SOON)])
  t.deepEqual(order, ['high', 'low'])
  await executor.shutdown()
})

behaviour('a timeout of 0 fails without running', async (t, { create }) => {
  const executor = create(1)
  await t.throwsAsync(executor.with({ timeout: 0 }).submit(native.countPrimes, 10).result(SOON), {
    instanceOf: TimeoutError,
  })
  await executor.shutdown()
})

behaviour('a hundred thousand native tasks at once are all right', async (t, { create }) => {
  const executor = create(2)
  const task: Task<[number], number> = native.countPrimes
  const futures = Array.from({ length: 100_000 }, (_, index) => executor.submit(task, index & 7))
  const counts = await Promise.all(futures)
  t.true(counts.every((count, index) => count === [0, 0, 1, 2, 2, 3, 3, 4][index & 7]))
  await executor.shutdown()
})

behaviour('terminateWorkers stops native tasks', async (t, { create }) => {
  const executor = create(1)
  const future = executor.submit(native.gzip, zeros, { level: 9 })
  await until(() => future.running(), 'it runs')
  const start = performance.now()
  await executor.terminateWorkers()
  t.true(performance.now() - start < PROMPT)
  await t.throwsAsync(future.result(SOON), { name: 'WorkerLostError' })
})

// From here on: what is a thread pool's alone.

test('a pool that runs only native tasks starts no isolate', async (t) => {
  let workers = 0
  const count = (): void => void workers++
  process.on('worker', count)
  const executor = new ThreadPoolExecutor(4)
  const futures = Array.from({ length: 1000 }, (_, index) => executor.submit(native.countPrimes, index))
  t.is(futures[999]?.resultSync(SOON), 168)
  await Promise.all(futures.map((future) => future.result(SOON)))
  const dump = await executor.dump()
  t.true(dump.length >= 1 && dump.length <= 4)
  t.deepEqual([...new Set(dump.map(({ kind }) => kind))], ['native'])
  t.is(executor.stats().completed, 1000)
  await executor.shutdown()
  process.off('worker', count)
  t.is(workers, 0)
})
