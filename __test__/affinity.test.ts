import ava from 'ava'
import { InvalidStateError, moduleTasks, native, TimeoutError, WorkerLostError } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { SHORT, SOON, WHILE } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial)

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))
const packageUrl = new URL('../dist/index.js', import.meta.url).href

behaviour('the tasks of a key run on one worker, one after another, in order', async (t, { create }) => {
  await using executor = create(3)
  const keys = ['a', 'b', 'c', 'd', 1, '1']
  const futures = Array.from({ length: 120 }, (_, i) =>
    executor.with({ affinity: keys[i % keys.length]! }).submit(work.pauseWhere, i % 3, i),
  )
  const results = await Promise.all(futures.map((future) => future.result(SOON)))
  for (const [k] of keys.entries()) {
    const own = results.filter((_, i) => i % keys.length === k)
    t.is(new Set(own.map(([, worker]) => worker)).size, 1)
  }
  t.deepEqual(
    results.map(([which]) => which),
    results.map((_, i) => i),
  )
})

behaviour('other tasks pass those of a key whose worker is busy', async (t, { create }) => {
  const folder = new Folder(t)
  await using executor = create(2)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const keyed = executor.with({ affinity: 'customer 7' })
  keyed.submit(work.noteAndWait, log, 'first', gate)
  await until(() => folder.notes(log).length === 1, 'the first runs')
  const waiting = Array.from({ length: 1000 }, (_, i) => keyed.submit(work.add, i, 1))
  const others = Array.from({ length: 50 }, (_, i) => executor.submit(work.add, i, 2))
  for (const [i, future] of others.entries()) t.is(await future.result(SOON), i + 2)
  t.is(executor.stats().queued, 1000)
  t.is(waiting[0]?.state, 'pending')
  folder.open(gate)
  for (const [i, future] of waiting.entries()) t.is(await future.result(SOON), i + 1)
})

behaviour('a key whose worker dies goes on with another, and nothing runs twice', async (t, { create }) => {
  const folder = new Folder(t)
  await using executor = create(2)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const keyed = executor.with({ affinity: 'k' })
  const before = await keyed.submit(work.thread).result(SOON)
  const blocking = keyed.submit(work.noteAndWait, log, 'blocks', gate)
  const lost = keyed.submit((): never => process.exit(3))
  const rest = Array.from({ length: 20 }, (_, i) => keyed.submit(work.pauseWhere, 1, i))
  folder.open(gate)
  await blocking.result(SOON)
  t.true((await lost.exception(SOON)) instanceof WorkerLostError)
  const results = await Promise.all(rest.map((future) => future.result(SOON)))
  t.deepEqual(
    results.map(([i]) => i),
    rest.map((_, i) => i),
  )
  t.is(new Set(results.map(([, worker]) => worker)).size, 1)
  t.not(results[0]?.[1], before)
})

behaviour('a task of a key that runs too long is stopped, and the next runs on the same worker', async (t, { create }) => {
  await using executor = create(2)
  const keyed = executor.with({ affinity: 5 })
  const before = await keyed.submit(work.thread).result(SOON)
  const late = keyed.with({ timeout: SHORT }).submit(work.spin)
  const next = keyed.submit(work.thread)
  const expired = keyed.with({ queueTimeout: 1 }).submit(work.thread)
  t.true((await late.exception(SOON)) instanceof TimeoutError)
  t.true((await expired.exception(SOON)) instanceof TimeoutError)
  t.is(await next.result(SOON), before)
})

behaviour('within a key a higher priority comes first, and cancelled tasks are passed over', async (t, { create }) => {
  const folder = new Folder(t)
  await using executor = create(2)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const keyed = executor.with({ affinity: 'k' })
  keyed.submit(work.noteAndWait, log, 'first', gate)
  await until(() => folder.notes(log).length === 1, 'the first runs')
  const low = keyed.with({ priority: -1 }).submit(work.note, log, 'low')
  const plain = keyed.submit(work.note, log, 'plain')
  const never = keyed.submit(work.note, log, 'never')
  const high = keyed.with({ priority: 3 }).submit(work.note, log, 'high')
  t.true(never.cancel())
  folder.open(gate)
  await Promise.all([low, plain, high].map((future) => future.result(SOON)))
  t.deepEqual(folder.notes(log), ['first', 'high', 'plain', 'low'])
})

behaviour('an asynchronous task keeps its key while it awaits something else than a future', async (t, { create }) => {
  await using executor = create({ maxWorkers: 1, tasksPerWorker: 4 })
  const keyed = executor.with({ affinity: 'k' })
  const times = async (ms: number) => {
    const start = Date.now()
    await new Promise((resolve) => setTimeout(resolve, ms))
    return [start, Date.now()] as const
  }
  const spans = await Promise.all(Array.from({ length: 4 }, () => keyed.submit(times, 30).result(SOON)))
  for (let i = 1; i < spans.length; i++) t.true(spans[i]![0] >= spans[i - 1]![1], JSON.stringify(spans))
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const meets = async (file: string, hold: string): Promise<void> => {
    const { appendFileSync, existsSync } = await import('node:fs')
    appendFileSync(file, 'here\n')
    while (!existsSync(hold)) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const others = Array.from({ length: 4 }, (_, i) => executor.with({ affinity: i }).submit(meets, log, gate))
  await until(() => folder.notes(log).length === 4, 'those of other keys run beside each other')
  folder.open(gate)
  for (const other of others) await other.result(SOON)
})

behaviour('a task that waits for one of its own key gets it, blocking or not', async (t, { create }) => {
  await using executor = create(2)
  const keyed = executor.with({ affinity: 'k' })
  const blocks = async (url: string) => {
    const { currentExecutor } = (await import(url)) as typeof import('concurrent-futures')
    return currentExecutor()!
      .with({ affinity: 'k' })
      .submit((a: number) => a + 1, 1)
      .resultSync()
  }
  const limited = async (url: string) => {
    const { currentExecutor } = (await import(url)) as typeof import('concurrent-futures')
    return currentExecutor()!
      .with({ affinity: 'k' })
      .submit((a: number) => a + 1, 2)
      .resultSync(10_000)
  }
  const awaits = async (url: string) => {
    const { currentExecutor } = (await import(url)) as typeof import('concurrent-futures')
    return currentExecutor()!
      .with({ affinity: 'k' })
      .submit(async (a: number) => a + 1, 3)
      .result()
  }
  t.is(await keyed.submit(blocks, packageUrl).result(SOON), 2)
  t.is(await keyed.submit(limited, packageUrl).result(SOON), 3)
  t.is(await keyed.submit(awaits, packageUrl).result(SOON), 4)
})

behaviour('a blocking wait for an asynchronous task of its own key throws: only its own thread could run that', async (t, { create }) => {
  await using executor = create(2)
  const blocks = async (url: string) => {
    const { currentExecutor } = (await import(url)) as typeof import('concurrent-futures')
    const future = currentExecutor()!
      .with({ affinity: 'k' })
      .submit(async (a: number) => a + 1, 1)
    try {
      return future.resultSync()
    } catch (error) {
      return (error as Error).name
    } finally {
      future.cancel()
    }
  }
  t.is(await executor.with({ affinity: 'k' }).submit(blocks, packageUrl).result(SOON), 'InvalidStateError')
})

behaviour('of two tasks that block for tasks of each other’s keys the one that closes the circle is refused', async (t, { create }) => {
  const folder = new Folder(t)
  await using executor = create(2)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const crosses = async (url: string, other: string, file: string, hold: string) => {
    const { currentExecutor } = (await import(url)) as typeof import('concurrent-futures')
    const { appendFileSync, existsSync } = await import('node:fs')
    appendFileSync(file, 'here\n')
    const end = Date.now() + 20_000
    while (!existsSync(hold) && Date.now() < end);
    try {
      return currentExecutor()!
        .with({ affinity: other })
        .submit((a: number) => a, 1)
        .resultSync()
    } catch (error) {
      return (error as Error).name
    }
  }
  const both = [
    executor.with({ affinity: 'a' }).submit(crosses, packageUrl, 'b', log, gate),
    executor.with({ affinity: 'b' }).submit(crosses, packageUrl, 'a', log, gate),
  ]
  await until(() => folder.notes(log).length === 2, 'both run')
  folder.open(gate)
  const results = await Promise.all(both.map((future) => future.result(SOON)))
  t.true(results.includes('InvalidStateError'), String(results))
  t.true(results.includes(1), String(results))
})

behaviour('a map with a key runs on one worker, in chunks too', async (t, { create }) => {
  await using executor = create(3)
  for (const chunkSize of [1, 7, 'auto'] as const) {
    const workers = new Set<unknown>()
    for await (const [, worker] of executor.with({ affinity: 'k', chunkSize }).map(work.pauseWhere, Array(40).fill(1), Array(40).fill(0)))
      workers.add(worker)
    t.is(workers.size, 1)
  }
})

behaviour('tasks with keys count against maxQueue, and shutdown runs them', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, maxQueue: 3 })
  const keyed = executor.with({ affinity: 'k' })
  const futures = [keyed.submit(work.pause, 50)]
  await until(() => futures[0]!.running(), 'the first runs')
  for (let i = 0; i < 3; i++) futures.push(keyed.submit(work.pause, 1))
  t.throws(() => keyed.submit(work.pause, 1), { code: 'ERR_FUTURE_QUEUE_FULL' })
  await executor.shutdown()
  for (const future of futures) t.is(future.state, 'finished')
  t.throws(() => keyed.submit(work.pause, 1), { instanceOf: InvalidStateError })
  t.like(executor.stats(), { completed: 4, queued: 0 })
})

behaviour('an affinity that is no key, and one of a native task, are a TypeError at the call', async (t, { create }) => {
  await using executor = create(1)
  for (const affinity of [NaN, true, null, {}, 5n, Symbol('k')]) {
    t.throws(() => executor.with({ affinity: affinity as never }), { instanceOf: TypeError, message: /affinity/ })
  }
  const keyed = executor.with({ affinity: 'k' })
  t.throws(() => keyed.submit(native.countPrimes, 10), { instanceOf: TypeError, message: /affinity/ })
  t.throws(() => keyed.map(native.countPrimes, [10]), { instanceOf: TypeError, message: /affinity/ })
  for (const affinity of ['', '\ud800', '\udfff', -0, 0, Infinity, 1e21, undefined]) {
    t.is(await executor.with({ affinity }).submit(work.add, 1, 2).result(SOON), 3)
  }
})

behaviour(
  'a key without tasks is forgotten after idleTimeout, and its next task goes to whichever worker is free',
  async (t, { create }) => {
    const folder = new Folder(t)
    await using executor = create({ maxWorkers: 2, minWorkers: 2, idleTimeout: WHILE })
    const [log, gate] = [folder.file('log'), folder.gate()]
    const keyed = executor.with({ affinity: 'k' })
    const home = await keyed.submit(work.thread).result(SOON)
    await new Promise((resolve) => setTimeout(resolve, 2 * WHILE))
    // A task that is no key's keeps its worker busy: now and then that is the one.
    const blocking = executor.with({ affinity: 'other' }).submit(work.noteAndWait, log, 'blocks', gate)
    await until(() => folder.notes(log).length === 1, 'it blocks')
    const next = await keyed.submit(work.thread).result(SOON)
    folder.open(gate)
    const other = await blocking.result(SOON)
    if (other === home) t.not(next, home)
    else t.pass()
  },
)

behaviour('an actor a key: what a task keeps in its module is there for the next of its key', async (t, { create }) => {
  const { add } = moduleTasks<typeof import('./fixtures/actor.mjs')>(new URL('./fixtures/actor.mjs', import.meta.url))
  await using executor = create({ maxWorkers: 3 })
  const customers = Array.from({ length: 10 }, (_, customer) => customer)
  const futures = customers.flatMap((customer) =>
    Array.from({ length: 5 }, (_, n) => executor.with({ affinity: customer }).submit(add, customer, `item ${n}`)),
  )
  const counts = await Promise.all(futures.map((future) => future.result(SOON)))
  t.deepEqual(
    counts,
    customers.flatMap(() => [1, 2, 3, 4, 5]),
  )
})

behaviour('what lives on a worker is closed by its exit listeners when it leaves', async (t, { create }) => {
  const { opens } = moduleTasks<typeof import('./fixtures/actor.mjs')>(new URL('./fixtures/actor.mjs', import.meta.url))
  const folder = new Folder(t)
  const log = folder.file('log')
  const executor = create(2)
  t.deepEqual(
    await Promise.all(['a', 'b', 'a', 'b'].map((key) => executor.with({ affinity: key }).submit(opens, key, log).result(SOON))),
    [1, 1, 2, 2],
  )
  await executor.shutdown()
  t.deepEqual(folder.notes(log).sort(), ['closed a', 'closed b'])
})
