import ava from 'ava'
import { Executor, moduleTasks, native, ThreadPoolExecutor } from 'concurrent-futures'
import type { WorkerLostError } from 'concurrent-futures'
import { cleanEnd, ended, inChild } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { longProduct } from './native-work.ts'
import { PROMPT, SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

for (const workers of [1, 2, 3, 5]) {
  behaviour(`maxWorkers ${workers} is how many tasks run at once, of all kinds together`, async (t, { create }) => {
    const folder = new Folder(t)
    const executor = create(workers)
    const [gate, log] = [folder.gate(), folder.file('log')]
    const futures = Array.from({ length: workers + 3 }, (_, n) => executor.submit(work.noteAndWait, log, String(n), gate))
    await until(() => folder.notes(log).length === workers, 'as many run as may')
    const natives = [executor.submit(native.countPrimes, 10), executor.submit(native.countPrimes, 20)]
    await new Promise((resolve) => setTimeout(resolve, 60))
    t.is(folder.notes(log).length, workers)
    t.like(executor.stats(), { running: workers, queued: 5 })
    t.false(natives[0]!.done())
    folder.open(gate)
    for (const future of [...futures, ...natives]) await future.result(SOON)
    t.like(executor.stats(), { running: 0, queued: 0, completed: workers + 5 })
    await executor.shutdown()
  })
}

behaviour('native tasks and JavaScript tasks share one queue and one budget', async (t, { create }) => {
  const executor = create(1)
  const running = executor.submit(native.matmul, ...longProduct())
  await until(() => executor.stats().running === 1, 'the native task runs')
  const behind = executor.submit(work.add, 1, 2)
  await new Promise((resolve) => setTimeout(resolve, 200))
  t.is(behind.state, 'pending')
  t.true(running.cancel({ interrupt: true }))
  t.is(await behind.result(SOON), 3)
  await executor.shutdown()
})

behaviour('idle workers beyond minWorkers leave after idleTimeout, and others start when work comes again', async (t, { create }) => {
  const executor = create({ maxWorkers: 3, minWorkers: 1, idleTimeout: 80 })
  const total = (): number => {
    const { idle, busy, starting } = executor.stats().workers
    return idle + busy + starting
  }
  for (let round = 0; round < 3; round++) {
    const gate = new Folder(t).gate()
    const futures = [1, 2, 3].map(() => executor.submit(work.waitFor, gate))
    await until(() => executor.stats().running === 3, 'all three run')
    t.is(total(), 3)
    new Folder(t).open(gate)
    await Promise.all(futures)
    await until(() => total() === 1, 'all but one have left')
  }
  await executor.shutdown()
  const toZero = create({ maxWorkers: 2, idleTimeout: 50 })
  for (let round = 0; round < 3; round++) {
    t.is(await toZero.submit(work.add, round, 1).result(SOON), round + 1)
    t.is(await toZero.submit(native.countPrimes, 10).result(SOON), 4)
    await until(() => Object.values(toZero.stats().workers).every((count) => count === 0), 'all have left')
  }
  await toZero.shutdown()
})

behaviour('work that comes at the very moment when workers leave is not lost', async (t, { create }) => {
  const executor = create({ maxWorkers: 2, idleTimeout: 1 })
  for (let round = 0; round < 150; round++) {
    t.is(await executor.submit(work.add, round, 1).result(SOON), round + 1)
    await new Promise((resolve) => setTimeout(resolve, round % 5))
  }
  await executor.shutdown()
})

behaviour('after maxTasksPerWorker tasks a worker is replaced by a fresh one', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, maxTasksPerWorker: 3 })
  const counts: number[] = []
  for (let n = 0; n < 9; n++) counts.push(await executor.submit(work.count).result(SOON))
  t.deepEqual(counts, [1, 2, 3, 1, 2, 3, 1, 2, 3])
  await executor.shutdown()
})

behaviour('maxTasksPerWorker with a long queue, several workers and failing tasks loses nothing', async (t, { create }) => {
  const executor = create({ maxWorkers: 2, maxTasksPerWorker: 2 })
  const futures = Array.from({ length: 24 }, (_, n) => executor.submit(work.failAt, n, n % 4 === 1 ? n : -1))
  for (const [n, future] of futures.entries()) {
    if (n % 4 === 1) t.true((await future.exception(SOON)) instanceof RangeError)
    else t.is(await future.result(SOON), n)
  }
  await executor.shutdown()
  t.like(executor.stats(), { completed: 18, failed: 6, lost: 0 })
})

/** What the error of a task says. */
async function message(submitted: { exception(ms: number): Promise<unknown> }): Promise<string> {
  return ((await submitted.exception(SOON)) as Error).message
}

behaviour('the name of a task is in the messages about its end', async (t, { create }) => {
  await using executor = create(1)
  const named = executor.with({ name: 'resize' })
  t.is(
    await message(
      named.with({ timeout: 20 }).submit(() => {
        for (;;);
      }),
    ),
    "the task 'resize' ran longer than its timeout",
  )
  t.is(await message(named.with({ queueTimeout: 0 }).submit(() => 1)), "the task 'resize' was not started in time")
  t.is(await message(named.submit(() => process.exit(3))), "the worker died while it ran the task 'resize'")
  t.is(await message(executor.with({ queueTimeout: 0 }).submit(() => 1)), 'the task was not started in time')
})

behaviour('a task without a name has that of its function, where it runs and in messages', async (t, { create }) => {
  await using executor = create(1)
  const message = async (submitted: { exception(ms: number): Promise<unknown> }): Promise<string> =>
    ((await submitted.exception(SOON)) as Error).message
  const ask = async (): Promise<string | undefined> => (await import('concurrent-futures')).currentTask()?.name
  t.is(await executor.submit(ask), 'ask')
  t.is(await executor.submit(async () => (await import('concurrent-futures')).currentTask()?.name), '')
  const exit = (): never => process.exit(3)
  const limited = executor.with({ timeout: 20 })
  t.is(await message(limited.submit(work.spin)), "the task 'spin' ran longer than its timeout")
  t.is(await message(limited.submit(native.countPrimes, 1e12)), "the task 'countPrimes' ran longer than its timeout")
  t.is(await message(executor.with({ queueTimeout: 0 }).submit(work.spin)), "the task 'spin' was not started in time")
  const lost = (await executor.submit(exit).exception(SOON)) as WorkerLostError
  t.deepEqual([lost.message, lost.exitCode], ["the worker died while it ran the task 'exit'", 3])
  const kill = executor.submit(work.spin)
  await until(() => kill.running(), 'it runs')
  await executor.terminateWorkers()
  t.is(await message(kill), "the worker died while it ran the task 'spin'")
  const broken = create({ maxWorkers: 1, initializer: () => Promise.reject(new Error('no')) })
  t.is(await message(broken.submit(work.spin)), "the pool could not run the task 'spin': no")
})

behaviour('a task whose signal has already aborted is counted as cancelled, and refused where any other is', async (t, { create }) => {
  const executor = create(1)
  const aborted = executor.with({ signal: AbortSignal.abort() })
  t.true(aborted.submit(() => 1).cancelled())
  t.is(executor.stats().cancelled, 1)
  await executor.shutdown()
  t.throws(() => aborted.submit(() => 1), { name: 'InvalidStateError' })
})

behaviour('ready() of a broken executor rejects with the reason, whenever it is called', async (t, { broken, create }) => {
  const executor = create({
    maxWorkers: 1,
    maxQueue: 1,
    initializer: () => {
      throw new RangeError('from the initializer')
    },
  })
  const future = executor.submit(() => 1)
  const early = executor.ready()
  const expected = { name: broken.name }
  await t.throwsAsync(early, expected)
  await t.throwsAsync(future.result(SOON), expected)
  const error = await t.throwsAsync(executor.ready(), expected)
  t.is((error?.cause as Error | undefined)?.message, 'from the initializer')
  t.throws(() => executor.with({ signal: AbortSignal.abort() }).submit(() => 1), expected)
  await executor.shutdown()
  await t.throwsAsync(executor.ready(), expected)
})

behaviour('dump() shows workers that start', async (t, { create, workerKind }) => {
  await using executor = create({ maxWorkers: 2, minWorkers: 2 })
  const dump = await executor.dump()
  t.is(dump.length, 2)
  t.true(dump.every(({ threadId, kind, state }) => threadId > 0 && kind === workerKind && state === 'starting'))
  await executor.submit(() => 1).result(SOON)
  await until(() => executor.stats().workers.idle === 2, 'both are ready')
  t.deepEqual((await executor.dump()).map(({ threadId }) => threadId).sort(), dump.map(({ threadId }) => threadId).sort())
})

behaviour('an initializer may wait for what does not keep a thread alive', async (t, { create }) => {
  await using executor = create({
    maxWorkers: 1,
    initializer: async () => {
      await new Promise((resolve) => setTimeout(resolve, 50).unref())
    },
  })
  t.is(await executor.submit(() => 'ready').result(), 'ready')
})

behaviour('the initializer runs once in each worker, before its first task, with initargs', async (t, { create }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const executor = create({
    maxWorkers: 2,
    initializer: async (file: string, tag: { name: string }) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      const { appendFileSync } = await import('node:fs')
      ;(globalThis as { initialized?: string }).initialized = tag.name
      appendFileSync(file, 'init\n')
    },
    initargs: [log, { name: 'ready' }],
  })
  const seen = await Promise.all(
    Array.from({ length: 10 }, () => executor.submit(() => (globalThis as { initialized?: string }).initialized)),
  )
  t.deepEqual(seen, Array(10).fill('ready'))
  t.true(folder.notes(log).length >= 1 && folder.notes(log).length <= 2)
  await executor.shutdown()
})

behaviour('an initializer may be a function of moduleTasks() or tasks(); a native task is a TypeError', async (t, { create }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const executor = create({ maxWorkers: 1, initializer: work.note, initargs: [log, 'started'] })
  await executor.submit(work.add, 1, 2).result(SOON)
  t.deepEqual(folder.notes(log), ['started'])
  await executor.shutdown()
  t.throws(() => create({ initializer: native.sha256 as never }), { instanceOf: TypeError })
  t.throws(() => create({ initializer: () => {}, initargs: [() => {}] }), { any: true, name: 'DataCloneError' } as object)
})

behaviour('a fresh worker is initialized too, after the death of another', async (t, { create }) => {
  const executor = create({
    maxWorkers: 1,
    initializer: () => void ((globalThis as { flag?: number }).flag = 7),
  })
  await executor.submit(() => process.exit(1)).exception(SOON)
  t.is(await executor.submit(() => (globalThis as { flag?: number }).flag).result(SOON), 7)
  await executor.shutdown()
})

behaviour('stats() counts each ended task once, and its times', async (t, { create }) => {
  const executor = create(1)
  const { buckets, ...empty } = executor.stats().runTime
  t.deepEqual(empty, { count: 0, sum: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, max: 0 })
  t.true(buckets.every(({ count }) => count === 0))
  await executor.submit(work.pause, 40)
  await executor.submit(work.fail, 'x').exception()
  await executor.with({ timeout: 20 }).submit(work.spin).exception()
  await executor.submit(() => process.exit()).exception()
  const running = executor.submit(work.pause, 100)
  const cancelled = executor.submit(work.add, 1, 2)
  t.true(cancelled.cancel())
  await running
  const stats = executor.stats()
  t.like(stats, { completed: 2, failed: 1, cancelled: 1, timedOut: 1, lost: 1, queued: 0, running: 0 })
  for (const histogram of [stats.waitTime, stats.runTime]) {
    t.true(histogram.count >= 4 && histogram.count <= 6)
    t.true(
      histogram.min <= histogram.p50 && histogram.p50 <= histogram.p90 && histogram.p90 <= histogram.p99 && histogram.p99 <= histogram.max,
    )
    t.true(histogram.mean >= histogram.min && histogram.mean <= histogram.max)
  }
  t.true(stats.runTime.max >= 90)
  await executor.shutdown()
})

behaviour('dump() of native tasks and of idle workers tells what they do', async (t, { create, nativeKind }) => {
  const executor = create(2)
  t.deepEqual(await executor.dump(), [])
  await executor.submit(work.add, 1, 2)
  const future = executor.with({ name: 'counting' }).submit(native.matmul, ...longProduct())
  await until(() => executor.stats().running === 1, 'it runs')
  const busy = (await executor.dump()).find((worker) => worker.state === 'busy')
  t.is(busy?.kind, nativeKind)
  t.is(busy?.task?.name, 'counting')
  future.cancel({ interrupt: true })
  await executor.shutdown()
})

behaviour('a task that is not named goes by the name of its function in a dump', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  const future = executor.submit(work.waitForLater, gate)
  await until(() => executor.stats().running === 1, 'it runs')
  t.is((await executor.dump())[0]?.task?.name, 'waitForLater')
  folder.open(gate)
  await future.result(SOON)
  await executor.shutdown()
})

behaviour('a result is delivered while its worker runs the next task, however short those before it were', async (t, { create }) => {
  await using executor = create(1)
  await executor.submit(work.spinFor, 1).result(SOON)
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 200; n++) executor.submit(work.add, n, 1)
    const first = executor.submit(work.spinFor, 100)
    const second = executor.submit(work.spinFor, 2_000)
    await first.result(SOON)
    t.false(second.done())
    second.cancel({ interrupt: true })
  }
})

behaviour('several callers of ready() find room one after the other', async (t, { create }) => {
  for (const maxQueue of [1, 3]) {
    await using executor = create({ maxWorkers: 1, maxQueue })
    const produce = async (): Promise<number[]> => {
      const results: Promise<number>[] = []
      for (let n = 0; n < 20; n++) {
        await executor.ready()
        results.push(executor.submit(work.add, n, 1).result(SOON))
      }
      return Promise.all(results)
    }
    const all = await Promise.all([1, 2, 3, 4, 5, 6].map(produce))
    t.is(all.flat().length, 120)
    // One that does not submit keeps nobody else waiting.
    await Promise.all([executor.ready(), executor.ready(), executor.ready()])
  }
})

behaviour('dump() shows a task that waits at once', async (t, { create }) => {
  await using executor = create(1)
  const future = executor.submit((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), 2 * PROMPT)
  await until(() => future.running(), 'it runs')
  let [worker] = await executor.dump()
  // Its call may not be over yet: then it has a stack, until it waits.
  while (worker?.stack !== undefined) [worker] = await executor.dump()
  t.is(worker?.state, 'busy')
  t.true((worker?.task?.runningFor ?? Infinity) < PROMPT)
  t.is(worker?.stack, undefined)
  future.cancel({ interrupt: true })
})

behaviour('one signal may guard many waits without a warning', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const warnings: string[] = []
    process.on('warning', ({ name }) => warnings.push(name))
    const executor = create(1)
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 30 }, (_, n) => executor.submit((n: number) => n, n).result({ signal })))
    await executor.shutdown()
    return warnings
  }, [])
  t.deepEqual(cleanEnd(end), ended([]))
})

// From here on: what is a thread pool's alone.

test('a ThreadPoolExecutor is an Executor', (t) => {
  t.true(new ThreadPoolExecutor(1) instanceof Executor)
  t.throws(() => new (Executor as unknown as new () => Executor)(), {
    instanceOf: TypeError,
    message: /abstract/,
  })
  class Own extends ThreadPoolExecutor {}
  t.true(new Own(1) instanceof Executor)
})

test('a pool that runs only native tasks starts no JavaScript worker', async (t) => {
  const end = await inChild(async ({ native, ThreadPoolExecutor }) => {
    let started = 0
    process.on('worker', () => started++)
    const executor = new ThreadPoolExecutor(4)
    await Promise.all(Array.from({ length: 50 }, () => executor.submit(native.countPrimes, 1_000)))
    await executor.shutdown()
    return started
  }, [])
  t.deepEqual(cleanEnd(end), ended(0))
})

test('one task at a time needs one worker, whatever maxWorkers is', async (t) => {
  const end = await inChild(async ({ ThreadPoolExecutor }) => {
    let started = 0
    process.on('worker', () => started++)
    const executor = new ThreadPoolExecutor(8)
    for (let n = 0; n < 20; n++) await executor.submit(() => 1)
    await executor.shutdown()
    return started
  }, [])
  t.deepEqual(cleanEnd(end), ended(1))
})

test('native tasks need no initializer', async (t) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const executor = new ThreadPoolExecutor({ maxWorkers: 2, initializer: work.note, initargs: [log, 'init'] })
  t.is(await executor.submit(native.countPrimes, 10).result(SOON), 4)
  t.deepEqual(folder.notes(log), [])
  await executor.shutdown()
})

behaviour('stats() counts the workers that have died, not those that were replaced or have left', async (t, { create }) => {
  const executor = create({ maxWorkers: 2, maxTasksPerWorker: 1 })
  await executor.submit(() => 1).result(SOON)
  const endless = executor.with({ timeout: 50 }).submit(() => {
    for (;;);
  })
  t.is(((await endless.exception(SOON)) as Error).name, 'TimeoutError')
  t.is(executor.stats().workers.died, 0)
  const deaths = [
    () => process.exit(1),
    () =>
      new Promise(() =>
        setImmediate(() => {
          throw new Error('stray')
        }),
      ),
    () => new Promise(() => void Promise.reject(new Error('stray'))),
  ] as (() => unknown)[]
  for (const [index, death] of deaths.entries()) {
    t.is(((await executor.submit(death).exception(SOON)) as Error).name, 'WorkerLostError')
    t.is(executor.stats().workers.died, index + 1)
  }
  await executor.shutdown()
  t.like(executor.stats(), { broken: false, workers: { died: 3 } })
})

behaviour('stats() says whether an executor is broken, also after its end', async (t, { create }) => {
  const executor = create({
    maxWorkers: 1,
    initializer: () => {
      throw new RangeError('no')
    },
  })
  t.false(executor.stats().broken)
  await executor.submit(() => 1).exception(SOON)
  t.true(executor.stats().broken)
  await executor.shutdown()
  t.true(executor.stats().broken)
})
