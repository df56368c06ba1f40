/**
 * Tasks that are sent ahead to a child whose tasks are short: nobody is to notice. Each test makes the
 * children fast first.
 */
import { writeFileSync } from 'node:fs'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { moduleTasks, ProcessPoolExecutor, WorkerLostError } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import { Folder, until } from './gate.ts'
import { SHORT, SOON } from './limits.ts'

const test = ava
const url = new URL('./fixtures/work.mjs', import.meta.url)
const work = moduleTasks<typeof import('./fixtures/work.mjs')>(url)

/** A pool of children whose last tasks were short. */
async function fast(t: ExecutionContext, maxWorkers: number): Promise<ProcessPoolExecutor> {
  const executor = new ProcessPoolExecutor({ maxWorkers })
  t.teardown(() => executor.terminateWorkers())
  await Promise.all(Array.from({ length: 400 }, (_, n) => executor.submit(work.add, n, 1).result()))
  return executor
}

/** So many short tasks, whose results are their numbers. */
function shortOnes(executor: ProcessPoolExecutor, count: number): Future<number>[] {
  return Array.from({ length: count }, (_, n) => executor.submit(work.add, n, 0))
}

const values = (futures: Future<number>[]): Promise<number[]> => Promise.all(futures.map((future) => future.result(SOON)))

test('what waits behind a long task is queued, does not run, and can be cancelled', async (t) => {
  const executor = await fast(t, 1)
  const gate = new Folder(t).gate()
  const before = shortOnes(executor, 50)
  const long = executor.submit(work.waitFor, gate)
  const behind = shortOnes(executor, 50)
  await until(() => long.running(), 'the long one runs')
  t.deepEqual(
    behind.filter((future) => future.running() || future.done()),
    [],
  )
  t.like(executor.stats(), { queued: 50, running: 1 })
  t.true(behind.every((future, n) => n % 2 === 0 || future.cancel()))
  t.like(executor.stats(), { queued: 25, cancelled: 25 })
  new Folder(t).open(gate)
  t.is((await values(before)).length, 50)
  t.deepEqual(
    await values(behind.filter((_, n) => n % 2 === 0)),
    behind.flatMap((_, n) => (n % 2 === 0 ? [n] : [])),
  )
})

test('cancel() says at once whether a short task among many has begun, and is right', async (t) => {
  const executor = await fast(t, 2)
  const log = new Folder(t).file('log')
  for (let round = 0; round < 10; round++) {
    const futures = Array.from({ length: 100 }, (_, n) => executor.submit(work.note, log, `${round} ${n}`))
    const isCancelled = futures.map((future, n) => n % 3 === round % 3 && future.cancel())
    const ends = await Promise.allSettled(futures.map((future) => future.result(SOON)))
    t.deepEqual(
      ends.map(({ status }) => status === 'rejected'),
      isCancelled,
    )
    const ran = new Folder(t).notes(log).filter((line) => line.startsWith(`${round} `))
    const expected = futures.flatMap((_, n) => (isCancelled[n] ? [] : [`${round} ${n}`]))
    t.deepEqual(ran.toSorted(), expected.toSorted())
  }
})

test('long tasks that come after short ones run side by side', async (t) => {
  const executor = await fast(t, 2)
  const folder = new Folder(t)
  for (let round = 0; round < 5; round++) {
    const [one, two] = [folder.file(`one ${round}`), folder.file(`two ${round}`)]
    await values(shortOnes(executor, 60))
    await Promise.all([executor.submit(work.meet, one, two).result(SOON), executor.submit(work.meet, two, one).result(SOON)])
  }
  t.is(executor.stats().lost, 0)
})

test('a child that is killed costs the task that it runs, and each of the others runs once', async (t) => {
  const executor = await fast(t, 2)
  const folder = new Folder(t)
  for (let round = 0; round < 8; round++) {
    const log = folder.file(`log ${round}`)
    const dies = (file: string): void => {
      process.getBuiltinModule('node:fs').appendFileSync(file, 'dies\n')
      process.kill(process.pid, 'SIGKILL')
    }
    const futures = Array.from({ length: 200 }, (_, n) =>
      n === 90 ? executor.submit(dies, log) : executor.submit(work.note, log, String(n)),
    )
    const ends = await Promise.allSettled(futures.map((future) => future.result(SOON)))
    t.deepEqual(
      ends.flatMap((end, n) => (end.status === 'rejected' ? [n] : [])),
      [90],
    )
    t.true((ends[90] as PromiseRejectedResult).reason instanceof WorkerLostError)
    const expected = futures.map((_, n) => (n === 90 ? 'dies' : String(n)))
    t.deepEqual(folder.notes(log).toSorted(), expected.toSorted())
  }
  t.is(executor.stats().lost, 8)
})

test('a loop that is stopped among short tasks costs none of them, and its child lives on', async (t) => {
  const executor = await fast(t, 1)
  const pid = await executor.submit(() => process.pid)
  for (let round = 0; round < 5; round++) {
    const before = shortOnes(executor, 20)
    const stuck = executor.with({ timeout: SHORT }).submit(work.spin)
    const behind = shortOnes(executor, 60)
    t.is(((await stuck.exception(SOON)) as Error).name, 'TimeoutError')
    t.deepEqual(
      await values([...before, ...behind]),
      [...before, ...behind].map((_, n) => (n < 20 ? n : n - 20)),
    )
  }
  t.is(await executor.submit(() => process.pid), pid)
  t.is(executor.stats().lost, 0)
})

test('a task that blocks, or awaits, for one behind it gets its result', async (t) => {
  const executor = await fast(t, 1)
  const blocks = async (n: number): Promise<number> => {
    const { currentExecutor } = await import('concurrent-futures')
    return currentExecutor()!
      .submit((n: number) => n + 1, n)
      .resultSync(10_000)
  }
  const awaits = async (n: number): Promise<number> => {
    const { currentExecutor } = await import('concurrent-futures')
    return currentExecutor()!.submit((n: number) => n + 2, n)
  }
  const futures = shortOnes(executor, 90).map((future, n) => (n % 3 === 0 ? future : executor.submit(n % 3 === 1 ? blocks : awaits, n)))
  t.deepEqual(
    await values(futures),
    futures.map((_, n) => n + (n % 3)),
  )
})

test('queueTimeout goes on behind a long task', async (t) => {
  const executor = await fast(t, 1)
  const folder = new Folder(t)
  const gate = folder.gate()
  const before = shortOnes(executor, 20)
  const long = executor.submit(work.waitFor, gate)
  const limited = Array.from({ length: 20 }, () => executor.with({ queueTimeout: SHORT }).submit(work.add, 1, 1))
  const errors = await Promise.all(limited.map((future) => future.exception(SOON)))
  t.deepEqual(
    errors.map((error) => (error as Error).name),
    Array(20).fill('TimeoutError'),
  )
  folder.open(gate)
  await long.result(SOON)
  t.is((await values(before)).length, 20)
})

test('a shutdown that cancels leaves nothing behind', async (t) => {
  const executor = await fast(t, 2)
  const futures = shortOnes(executor, 500)
  await executor.shutdown({ cancelFutures: true })
  t.true(futures.every((future) => future.done()))
  const { completed, cancelled, queued, running, lost } = executor.stats()
  t.deepEqual([completed + cancelled, queued, running, lost], [900, 0, 0, 0])
})

test('native tasks and errors that are thrown come in their order among the others', async (t) => {
  const { countPrimes } = (await import('concurrent-futures')).native
  const executor = await fast(t, 2)
  const kinds = Array.from({ length: 300 }, (_, n) => n % 3)
  const futures = kinds.map((kind, n) => {
    if (kind === 0) return executor.submit(work.add, n, 0)
    return kind === 1 ? executor.submit(countPrimes, 10) : executor.submit(work.fail, `no ${n}`)
  })
  const ends = await Promise.allSettled(futures.map((future) => future.result(SOON)))
  const expected = kinds.map((kind, n) => (kind === 0 ? n : kind === 1 ? 4 : `no ${n}`))
  t.deepEqual(
    ends.map((end) => (end.status === 'fulfilled' ? end.value : (end.reason as Error).message)),
    expected,
  )
})

for (const ms of [0, 2]) {
  test(`a child that dies between two tasks costs one of them at most: tasks of ${ms} ms`, async (t) => {
    const executor = await fast(t, 1)
    const leaves = (): void => void setImmediate(() => process.kill(process.pid, 'SIGKILL'))
    for (let round = 0; round < 6; round++) {
      const before = shortOnes(executor, 10)
      const last = executor.submit(leaves)
      const behind = Array.from({ length: 60 }, () => executor.submit(ms === 0 ? work.interval : work.spinFor, ms))
      t.is((await values(before)).length, 10)
      const ends = await Promise.allSettled([last, ...behind].map((future) => future.result(SOON)))
      t.true(ends.filter(({ status }) => status === 'rejected').length <= 1)
    }
    t.true(executor.stats().lost <= 6)
  })
}

test('a large result that is not written yet is not lost with the next task', async (t) => {
  const executor = await fast(t, 1)
  const large = (): Uint8Array => new Uint8Array(8 * 2 ** 20).fill(7)
  const dies = (): void => void process.kill(process.pid, 'SIGKILL')
  for (let round = 0; round < 5; round++) {
    const before = shortOnes(executor, 30)
    const result = executor.submit(large)
    const lost = executor.submit(dies)
    const after = shortOnes(executor, 30)
    t.is((await result.result(SOON)).length, 8 * 2 ** 20)
    t.true((await lost.exception(SOON)) instanceof WorkerLostError)
    t.is((await values([...before, ...after])).length, 60)
  }
  t.is(executor.stats().lost, 5)
})

test('cancelling everything at once, again and again, leaves the children as they are', async (t) => {
  const executor = await fast(t, 2)
  const pids = new Set<number>()
  for (let round = 0; round < 30; round++) {
    const futures = shortOnes(executor, 200)
    if (round % 2 === 0) await futures[0]!.result(SOON)
    for (const future of futures) future.cancel({ interrupt: round % 3 === 0 })
    await Promise.allSettled(futures.map((future) => future.result(SOON)))
    pids.add(await executor.submit(() => process.pid).result(SOON))
  }
  t.true(pids.size <= 2)
  t.like(executor.stats(), { lost: 0, queued: 0, running: 0 })
})

test('a child without the memory for marks does all the same, one task after the other', async (t) => {
  const folder = new Folder(t)
  const preload = folder.file('close.cjs')
  writeFileSync(preload, `try { require('node:fs').closeSync(4) } catch {}`)
  const executor = new ProcessPoolExecutor({ maxWorkers: 1, execArgv: ['--require', preload] })
  t.teardown(() => executor.terminateWorkers())
  t.is((await values(shortOnes(executor, 500))).length, 500)
  const lost = executor.submit(() => process.kill(process.pid, 'SIGKILL'))
  t.true((await lost.exception(SOON)) instanceof WorkerLostError)
  t.is((await values(shortOnes(executor, 50))).length, 50)
  t.is(executor.stats().lost, 1)
})
