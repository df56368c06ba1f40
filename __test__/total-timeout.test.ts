import ava from 'ava'
import { asCompleted, Future, moduleTasks, native, TimeoutError, wait } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { longProduct } from './native-work.ts'
import { PROMPT, SHORT, SOON, WHILE } from './limits.ts'

// One at a time: what is measured is when tasks end.
const behaviour = behaviours(ava.serial)
const everywhere = behaviours(ava.serial, [])

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))
const packageUrl = new URL('../dist/index.js', import.meta.url).href

async function phaseOf(future: Future<unknown>): Promise<string> {
  const error = await future.exception(SOON)
  return error instanceof TimeoutError ? error.phase : String(error)
}

everywhere('the last of eight tasks that wait for one worker is not later than its totalTimeout', async (t, { create }) => {
  await using executor = create(1)
  await executor.submit(work.add, 1, 2)
  const limit = 300
  const start = performance.now()
  const futures = Array.from({ length: 8 }, () => executor.with({ totalTimeout: limit }).submit(work.pause, 100))
  const phases = await Promise.all(futures.map(async (future) => [await phaseOf(future), performance.now() - start] as const))
  t.true(phases.filter(([phase]) => phase === 'null').length <= 3)
  const late = phases.filter(([phase]) => phase === 'total')
  t.true(late.length >= 5)
  for (const [, took] of late) t.true(took >= limit - 2 && took < limit + PROMPT, String(took))
  t.is(executor.stats().timedOut, late.length)
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
})

everywhere('a task that runs when its totalTimeout is over is stopped, and its worker goes on', async (t, { create }) => {
  await using executor = create(1)
  const before = await executor.submit(work.thread).result(SOON)
  const error = (await executor.with({ totalTimeout: SHORT }).submit(work.spin).exception(SOON)) as TimeoutError
  t.true(error instanceof TimeoutError)
  t.is(error.phase, 'total')
  t.is(error.message, "the task 'spin' was not done within its totalTimeout")
  t.is(await executor.submit(work.thread).result(SOON), before)
})

behaviour('a task that was stopped by its totalTimeout tells where it was', async (t, { create }) => {
  await using executor = create(1)
  await executor.submit(work.add, 1, 2)
  // A thread that has no processor just then cannot tell.
  for (let round = 0; round < 20; round++) {
    const error = (await executor.with({ totalTimeout: SHORT }).submit(work.spin).exception(SOON)) as TimeoutError
    if (error.taskStack === undefined) continue
    t.regex(error.taskStack, /at spin \(.*work\.mjs/)
    return
  }
  t.fail('it was never told')
})

everywhere('TimeoutError.phase says what ran out', async (t, { create }) => {
  await using executor = create(1)
  await executor.submit(work.add, 1, 2)
  t.is(await phaseOf(executor.with({ timeout: SHORT }).submit(work.spin)), 'run')
  t.is(await phaseOf(executor.with({ timeout: SHORT, totalTimeout: SOON }).submit(work.spin)), 'run')
  t.is(await phaseOf(executor.with({ timeout: SOON, totalTimeout: SHORT }).submit(work.spin)), 'total')
  t.is(await phaseOf(executor.with({ timeout: SHORT }).submit(work.never)), 'run')
  t.is(await phaseOf(executor.with({ totalTimeout: SHORT }).submit(work.never)), 'total')
  const folder = new Folder(t)
  const gate = folder.gate()
  const running = executor.submit(work.waitFor, gate)
  t.is(await phaseOf(executor.with({ queueTimeout: SHORT }).submit(work.add, 1, 2)), 'queue')
  t.is(await phaseOf(executor.with({ queueTimeout: SOON, totalTimeout: 1 }).submit(work.add, 1, 2)), 'total')
  const waited = (await t.throwsAsync(running.result(1))) as TimeoutError
  t.is(waited.phase, 'wait')
  folder.open(gate)
  t.is(typeof (await running.result(SOON)), 'number')
})

everywhere('a limit of 0 fails without running, and says which', async (t, { create }) => {
  await using executor = create(1)
  t.is(await phaseOf(executor.with({ totalTimeout: 0 }).submit(work.add, 1, 2)), 'total')
  t.is(await phaseOf(executor.with({ timeout: 0 }).submit(work.add, 1, 2)), 'run')
  t.is(await phaseOf(executor.with({ queueTimeout: 0 }).submit(work.add, 1, 2)), 'queue')
  t.like(executor.stats(), { timedOut: 3, completed: 0, workers: { idle: 0, busy: 0, starting: 0 } })
})

ava('waits that run out say that it was only the waiting', async (t) => {
  const pending = new Future<number>()
  const errors = await Promise.all([
    t.throwsAsync(pending.result(0)),
    t.throwsAsync(pending.result({ timeout: 5 })),
    t.throwsAsync(pending.exception(5)),
    t.throwsAsync(asCompleted([pending], { timeout: 5 }).next()),
  ])
  for (const error of errors) t.is((error as TimeoutError).phase, 'wait')
  t.is((await wait([pending], { timeout: 5 })).notDone.size, 1)
  t.is(new TimeoutError().phase, 'wait')
  t.is(new TimeoutError('late', { phase: 'total' }).phase, 'total')
})

everywhere('a native task ends with its totalTimeout', async (t, { create }) => {
  await using executor = create(1)
  t.is(await phaseOf(executor.with({ totalTimeout: SHORT }).submit(native.matmul, ...longProduct())), 'total')
})

behaviour('a totalTimeout holds while the thread that has submitted is blocked', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [log, gate] = [folder.file('log'), folder.gate()]
  executor.submit(work.noteAndWait, log, 'first', gate)
  await until(() => folder.notes(log).length === 1, 'the first task runs')
  const future = executor.with({ totalTimeout: SHORT }).submit(work.add, 1, 2)
  const end = performance.now() + SOON
  while (!future.done() && performance.now() < end);
  t.is(await phaseOf(future), 'total')
  folder.open(gate)
  await executor.shutdown()
})

behaviour('the deadline of a task is the nearer end of its timeout and its totalTimeout', async (t, { create }) => {
  await using executor = create(1)
  const left = async (url: string) => {
    const { currentTask } = (await import(url)) as typeof import('concurrent-futures')
    const deadline = currentTask()?.deadline
    return deadline === undefined ? undefined : deadline - Date.now()
  }
  await executor.submit(left, packageUrl)
  for (const limits of [{ totalTimeout: 60_000 }, { totalTimeout: 60_000, timeout: 600_000 }, { totalTimeout: 600_000, timeout: 60_000 }]) {
    const ms = (await executor.with(limits).submit(left, packageUrl).result(SOON)) as number
    t.true(ms > 40_000 && ms <= 60_000, String(ms))
  }
  t.is(await executor.submit(left, packageUrl).result(SOON), undefined)
})

behaviour('a nested task has a totalTimeout of its own', async (t, { create }) => {
  await using executor = create(2)
  const nest = async (url: string, limit: number) => {
    const { currentExecutor, TimeoutError } = (await import(url)) as typeof import('concurrent-futures')
    const future = currentExecutor()!
      .with({ totalTimeout: limit })
      .submit(() => {
        for (;;);
      })
    const error = await future.exception()
    return error instanceof TimeoutError ? error.phase : String(error)
  }
  t.is(await executor.submit(nest, packageUrl, SHORT).result(SOON), 'total')
})

behaviour('each task of a map has the totalTimeout, and the time that a map has is its own', async (t, { create }) => {
  await using executor = create(1)
  await executor.submit(work.add, 1, 2)
  const seen: unknown[] = []
  const read = async () => {
    for await (const value of executor.with({ totalTimeout: SOON }).map(work.pause, [1, 2])) seen.push(value)
    for await (const value of executor.with({ totalTimeout: 2 * WHILE }).map(work.pause, [1, SOON])) seen.push(value)
  }
  const error = (await t.throwsAsync(read())) as TimeoutError
  t.deepEqual(seen, [1, 2, 1])
  t.is(error.phase, 'total')
  const whole = (await t.throwsAsync(executor.with({ timeout: SHORT }).map(work.pause, [SOON]).next())) as TimeoutError
  t.is(whole.phase, 'total')
})

everywhere('a totalTimeout that is no duration is refused at the call', async (t, { create }) => {
  await using executor = create(1)
  for (const totalTimeout of [-1, NaN]) t.throws(() => executor.with({ totalTimeout }), { instanceOf: RangeError, message: /totalTimeout/ })
  t.throws(() => executor.with({ totalTimeout: '5' as never }), { instanceOf: TypeError, message: /totalTimeout/ })
  for (const totalTimeout of [Infinity, undefined, 2 ** 40]) {
    t.is(await executor.with({ totalTimeout }).submit(work.add, 1, 2).result(SOON), 3)
  }
})

behaviour('the phase crosses with the error', async (t, { create }) => {
  await using executor = create(1)
  const throws = async (url: string) => {
    const { TimeoutError } = (await import(url)) as typeof import('concurrent-futures')
    throw new TimeoutError('late', { phase: 'queue' })
  }
  const error = await executor.submit(throws, packageUrl).exception(SOON)
  t.true(error instanceof TimeoutError)
  t.is((error as TimeoutError).phase, 'queue')
})
