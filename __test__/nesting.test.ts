import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ava from 'ava'
import {
  asCompleted,
  CancelledError,
  currentExecutor,
  currentTask,
  Future,
  moduleTasks,
  native,
  tasks,
  ThreadPoolExecutor,
  TimeoutError,
  wait,
} from 'concurrent-futures'
import type { Executor } from 'concurrent-futures'
import { Folder, until } from './gate.ts'
import { PROMPT, SOON, WHILE } from './limits.ts'
import { runNode } from './child.ts'
import { behaviours } from './executors.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)

/** Enough for a nest of 1,000 tasks, for which the pool starts some fifteen workers. */
const DEEP = 60_000

const store: AsyncLocalStorage<unknown> = new AsyncLocalStorage()
const cell = new Int32Array(new SharedArrayBuffer(4))
const left: Map<string, Executor> = new Map()
const buried: Map<string, unknown> = new Map()

function here(): Executor {
  const executor = currentExecutor()
  if (executor === null) throw new Error('not in a task')
  return executor
}

/** Another executor, this worker's own. */
function other(): ThreadPoolExecutor {
  let executor = left.get('other') as ThreadPoolExecutor | undefined
  if (executor === undefined) left.set('other', (executor = new ThreadPoolExecutor(1)))
  return executor
}

function pause(ms: number): number {
  Atomics.wait(cell, 0, 0, ms)
  return ms
}

function one(): number {
  return 1
}

function spin(): void {
  for (;;);
}

function fail(text: string): never {
  throw Object.assign(new RangeError(text), { code: 'E_INNER' })
}

function downSync(n: number): number {
  return n === 0
    ? 0
    : 1 +
        here()
          .submit(downSync, n - 1)
          .resultSync()
}

async function downLater(n: number): Promise<number> {
  return n === 0 ? 0 : 1 + (await here().submit(downLater, n - 1))
}

/** Turns by turns: a task that blocks, two that await, … */
function mixedSync(n: number): number {
  return n === 0
    ? 0
    : 1 +
        here()
          .submit(mixedLater, n - 1)
          .resultSync()
}

async function mixedLater(n: number): Promise<number> {
  if (n === 0) return 0
  return 1 + (n % 3 === 0 ? await here().submit(mixedSync, n - 1) : await here().submit(mixedLater, n - 1))
}

function fibSync(n: number): number {
  if (n < 2) return n
  const [a, b] = [here().submit(fibSync, n - 1), here().submit(fibSync, n - 2)]
  return a.resultSync() + b.resultSync()
}

async function fibLater(n: number): Promise<number> {
  if (n < 2) return n
  const [a, b] = [here().submit(fibLater, n - 1), here().submit(fibLater, n - 2)]
  return (await a) + (await b)
}

async function everyWait(): Promise<unknown[]> {
  const executor = here()
  const { done } = await wait([executor.submit(one), executor.submit(one)])
  const completed: number[] = []
  for await (const future of asCompleted([executor.submit(one), executor.submit(one)])) completed.push(await future.result())
  const mapped: number[] = []
  for await (const ms of executor.map(pause, [3, 2, 1])) mapped.push(ms)
  return [done.size, completed, mapped]
}

/** Stops the task that runs on top of it, and says what it finds itself to be before and after. */
function outlives(limited: boolean): unknown[] {
  const view = currentTask()
  const look = (): unknown[] => [currentTask()?.name, currentTask()?.id === view?.id, currentTask()?.cancelled, store.getStore()]
  return store.run('outer', () => {
    const before = look()
    const inner = limited ? here().with({ timeout: 60, name: 'inner' }).submit(spin) : here().with({ name: 'inner' }).submit(spin)
    if (!limited) here().submit(one)
    let error: unknown
    try {
      inner.resultSync(limited ? undefined : 60)
    } catch (thrown) {
      error = thrown
    }
    if (!limited) inner.cancel({ interrupt: true })
    const after = look()
    return [(error as Error).name, before, after, here().submit(one).resultSync(), inner.done()]
  })
}

/** After the await that follows an interrupted inner task. */
async function outlivesLater(): Promise<unknown[]> {
  const id = currentTask()?.id
  return await store.run('outer', async () => {
    const error = await here().with({ timeout: 60 }).submit(spin).exception()
    let second: unknown
    try {
      here().with({ timeout: 60 }).submit(spin).resultSync()
    } catch (thrown) {
      second = thrown
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
    return [(error as Error).name, (second as Error).name, currentTask()?.id === id, currentTask()?.name, store.getStore()]
  })
}

/** Runs `noteThenPause` on top of itself. */
function outer(file: string, ms: number, gate?: string): string {
  here().submit(noteThenPause, file, ms, gate).resultSync()
  process.getBuiltinModule('node:fs').appendFileSync(file, 'outer went on\n')
  return 'outer'
}

function noteThenPause(file: string, ms: number, gate?: string): number {
  const fs = process.getBuiltinModule('node:fs')
  fs.appendFileSync(file, 'inner began\n')
  do pause(ms)
  while (gate !== undefined && !fs.existsSync(gate))
  fs.appendFileSync(file, 'inner ended\n')
  return ms
}

/** Three frames; the outermost is stopped while the innermost runs. */
function threeDeep(file: string, depth: number): number {
  if (depth > 0)
    return here()
      .submit(threeDeep, file, depth - 1)
      .resultSync()
  return noteThenPause(file, 600)
}

function outerOfSpin(file: string): string {
  const inner = here().submit(noteThenSpin, file)
  try {
    inner.resultSync()
  } catch {}
  return 'never seen'
}

function noteThenSpin(file: string): void {
  process.getBuiltinModule('node:fs').appendFileSync(file, 'inner began\n')
  for (;;);
}

/**
 * Has another task run on top of it that waits for a task beneath: `below` is the middle one of the three
 * frames.
 */
function buries(): unknown {
  const below = here().submit(relay)
  buried.set('below', below)
  return below.resultSync()
}

function relay(): unknown {
  return here().submit(waitsForBelow).resultSync()
}

/** Undefined where it was run by another thread, which knows nothing of `below`. */
function waitsForBelow(): unknown {
  const below = buried.get('below') as Future<unknown> | undefined
  if (below === undefined) return undefined
  try {
    return below.resultSync()
  } catch (error) {
    return [(error as Error).name, (error as { code?: string }).code]
  }
}

function failing(text: string): unknown {
  return here().submit(fail, text).resultSync()
}

async function failingLater(text: string): Promise<unknown> {
  return await here().submit(failing, text)
}

function catching(text: string): unknown {
  const future = here().submit(failing, text)
  const error = future.exceptionSync() as RangeError & { code: string }
  return [error instanceof RangeError, error.message, error.code, here().submit(one).resultSync()]
}

function submitsAfter(gate: string): unknown {
  const fs = process.getBuiltinModule('node:fs')
  const end = Date.now() + 20_000
  while (!fs.existsSync(gate)) {
    if (Date.now() > end) throw new Error('the gate stayed closed')
    pause(2)
  }
  try {
    return here().submit(one).resultSync()
  } catch (error) {
    return [(error as Error).name, (error as Error).message]
  }
}

/** Its inner task is accepted before the shutdown. */
function waitsOver(file: string): unknown {
  const inner = here().submit(pause, 400)
  process.getBuiltinModule('node:fs').appendFileSync(file, 'accepted\n')
  pause(100)
  return inner.resultSync()
}

function order(file: string): void {
  const note = (text: string): Future<string> =>
    here()
      .with({ priority: Number(text) })
      .submit(write, file, text)
  for (const future of ['1', '3', '2'].map(note)) future.resultSync()
}

async function orderLater(file: string): Promise<void> {
  const note = (text: string): Future<string> =>
    here()
      .with({ priority: Number(text) })
      .submit(write, file, text)
  await wait(['1', '3', '2'].map(note))
}

function write(file: string, text: string): string {
  process.getBuiltinModule('node:fs').appendFileSync(file, `${text}\n`)
  return text
}

function elsewhere(): number {
  return other().submit(one).resultSync(15_000) + other().submit(one).resultSync(15_000)
}

async function elsewhereLater(): Promise<number> {
  return (await other().submit(one)) + (await other().submit(one))
}

function handMade(): unknown[] {
  const made = new Future<number>()
  const errors: string[] = []
  for (const timeout of [undefined, 30]) {
    try {
      made.resultSync(timeout)
    } catch (error) {
      errors.push((error as Error).name)
    }
  }
  made.setResult(7)
  return [...errors, made.resultSync()]
}

/** A hand-made future that a second task of this worker finishes. */
async function handMadeLater(): Promise<unknown> {
  const made = new Future<number>()
  const inner = here().submit(one)
  inner.addDoneCallback((future) => made.setResult(41 + future.resultSync()))
  return await made
}

function nativeInside(): number {
  return here().submit(native.countPrimes, 1_000).resultSync()
}

function timesOutThenGoesOn(): unknown[] {
  const inner = here().submit(pauseLater, 300)
  const errors: string[] = []
  for (let n = 0; n < 3; n++) {
    try {
      inner.resultSync(30)
    } catch (error) {
      errors.push((error as Error).name)
    }
  }
  return [errors, inner.resultSync()]
}

async function pauseLater(ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return ms
}

/** Gives futures back, and thenables that wait for one: nobody else than the worker awaits them. */
function givesFuture(depth: number): PromiseLike<number> {
  return depth === 0 ? here().submit(one) : (here().submit(givesFuture, depth - 1) as PromiseLike<number>)
}

function givesThenable(): PromiseLike<number> {
  return { then: (resolve, reject) => here().submit(one).then(resolve, reject) }
}

/** Waits for a hand-made future that nobody finishes. */
async function waitsForGood(file: string): Promise<void> {
  process.getBuiltinModule('node:fs').appendFileSync(file, 'waits\n')
  await new Future().result()
}

/**
 * The tasks, as a module that the workers load: the functions above, by their source. A worker cannot import
 * this file, which is a test.
 */
const source = `
import {
  asCompleted, currentExecutor, currentTask, Future, native, tasks, ThreadPoolExecutor, wait
} from ${JSON.stringify(import.meta.resolve('concurrent-futures'))}
import { AsyncLocalStorage } from 'node:async_hooks'
import fs from 'node:fs'
process.getBuiltinModule ??= () => fs
const store = new AsyncLocalStorage()
const cell = new Int32Array(new SharedArrayBuffer(4))
const left = new Map()
const buried = new Map()
${here}
${other}
`

const functions = {
  ...{
    pause,
    one,
    spin,
    fail,
    downSync,
    downLater,
    mixedSync,
    mixedLater,
    fibSync,
    fibLater,
    everyWait,
    outlives,
    outlivesLater,
  },
  ...{
    outer,
    noteThenPause,
    threeDeep,
    outerOfSpin,
    noteThenSpin,
    buries,
    relay,
    waitsForBelow,
    failing,
    failingLater,
  },
  ...{
    catching,
    submitsAfter,
    waitsOver,
    order,
    orderLater,
    write,
    elsewhere,
    elsewhereLater,
    handMade,
    handMadeLater,
    nativeInside,
  },
  ...{ timesOutThenGoesOn, pauseLater, waitsForGood, givesFuture, givesThenable },
}

const text = `${source}${Object.values(functions).join('\n')}\ntasks({ url: import.meta.url }, { ${Object.keys(functions).join(', ')} })\n`
const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
writeFileSync(join(folder, 'tasks.mjs'), text)
tasks({ url: pathToFileURL(join(folder, 'tasks.mjs')) }, functions)
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/** How the tasks of an executor ended, in all. */
function ends(executor: Executor): number {
  const { completed, failed, cancelled, timedOut, lost } = executor.stats()
  return completed + failed + cancelled + timedOut + lost
}

behaviour('fork and join with one worker ends at depth 1,000 when the tasks await each other', async (t, { create }) => {
  const executor = create(1)
  t.is(await executor.submit(downLater, 1_000).result(DEEP), 1_000)
  t.like(executor.stats(), { completed: 1_001, failed: 0, lost: 0, queued: 0, running: 0 })
  t.is(await executor.submit(fibLater, 12).result(DEEP), 144)
  await executor.shutdown()
})

for (const depth of [63, 64, 65, 100, 1_000]) {
  behaviour(`fork and join with one worker ends at depth ${depth} when the tasks block in resultSync`, async (t, { create }) => {
    const executor = create(1)
    t.is(await executor.submit(downSync, depth).result(DEEP), depth)
    t.like(executor.stats(), { completed: depth + 1, failed: 0, lost: 0, queued: 0, running: 0 })
    t.is(await executor.submit(one).result(SOON), 1)
    await executor.shutdown()
  })
}

behaviour('a tree of blocking tasks ends with one worker and with two', async (t, { create }) => {
  for (const workers of [1, 2]) {
    const executor = create(workers)
    t.is(await executor.submit(fibSync, 12).result(DEEP), 144)
    await executor.shutdown()
  }
})

behaviour('tasks that block and tasks that await mix, with one worker, to a depth of 60', async (t, { create }) => {
  const executor = create(1)
  t.is(await executor.submit(mixedLater, 60).result(DEEP), 60)
  t.is(await executor.submit(mixedSync, 60).result(DEEP), 60)
  await executor.shutdown()
})

behaviour('wait, asCompleted and map in a task give up its place', async (t, { create }) => {
  const executor = create(1)
  t.deepEqual(await executor.submit(everyWait).result(SOON), [2, [1, 1], [3, 2, 1]])
  await executor.shutdown()
})

behaviour(
  'a task that gives a future back, or a thenable that waits for one, gives up its place, with one worker',
  async (t, { create }) => {
    const executor = create(1)
    for (const depth of [0, 1, 20]) t.is(await executor.submit(givesFuture, depth).result(SOON), 1)
    t.is(await executor.submit(givesThenable).result(SOON), 1)
    for await (const value of executor.with({ chunkSize: 2 }).map(givesFuture, [0, 1, 2])) t.is(value, 1)
    t.like(executor.stats(), { failed: 0, lost: 0, queued: 0, running: 0 })
    await executor.shutdown()
  },
)

behaviour('a native task is waited for in a JavaScript task with one worker', async (t, { create }) => {
  const executor = create(1)
  t.is(await executor.submit(nativeInside).result(SOON), 168)
  await executor.shutdown()
})

behaviour('an inner task that times out leaves the outer one as it was: currentTask and AsyncLocalStorage', async (t, { create }) => {
  const executor = create(1)
  const view = executor.with({ name: 'outer' })
  await executor.submit(one).result(SOON)
  for (let round = 0; round < 3; round++) {
    const same = ['outer', true, false, 'outer']
    t.deepEqual(await view.submit(outlives, true).result(SOON), ['TimeoutError', same, same, 1, true])
  }
  t.deepEqual(await view.submit(outlivesLater).result(SOON), ['TimeoutError', 'TimeoutError', true, 'outer', 'outer'])
  await executor.shutdown()
})

behaviour('an inner task that another task stops leaves the outer one as it was', async (t, { create }) => {
  const executor = create(2)
  const folder = new Folder(t)
  const log = folder.file('log')
  const future = executor.submit(outerOfSpin, log)
  await until(() => folder.notes(log).length === 1, 'the inner task runs')
  t.true(future.cancel({ interrupt: true }))
  t.true(future.cancelled())
  t.true((await future.exception(SOON).catch((error: unknown) => error)) instanceof CancelledError)
  // The inner one is nobody's to stop any more: the executor goes on without that thread.
  t.is(await executor.submit(one).result(SOON), 1)
  await executor.terminateWorkers()
})

behaviour('a blocking wait of a task that runs out of time leaves the inner task alone', async (t, { create }) => {
  const executor = create(1)
  t.deepEqual(await executor.submit(timesOutThenGoesOn).result(SOON), [['TimeoutError', 'TimeoutError', 'TimeoutError'], 300])
  await executor.shutdown()
})

for (const kind of ['blocksLater', 'blocksWhileWaiting'] as const) {
  for (const options of [
    { maxWorkers: 1 },
    { maxWorkers: 2 },
    { maxWorkers: 1, tasksPerWorker: 2 },
    { maxWorkers: 2, tasksPerWorker: 2 },
  ]) {
    behaviour(`a continuation may block for an asynchronous task: ${kind}, ${JSON.stringify(options)}`, async (t, { create }) => {
      const stuck = moduleTasks<Record<typeof kind, () => Promise<string>>>(new URL('./fixtures/stuck.mjs', import.meta.url))
      await using executor = create(options)
      for (let round = 0; round < 3; round++) t.is(await executor.submit(stuck[kind]).result(SOON), 'ended well')
    })
  }
}

behaviour(
  'an outer task that times out while an inner one runs on top of it is settled at once, and its worker lives on',
  async (t, { create }) => {
    const folder = new Folder(t)
    const executor = create(1)
    await executor.submit(outer, folder.file('warm'), 1).result(SOON)
    const before = (await executor.dump()).map(({ threadId }) => threadId)
    const log = folder.file('log')
    const gate = folder.gate()
    // The inner one has begun by then.
    const future = executor.with({ timeout: 2 * WHILE }).submit(outer, log, 2, gate)
    await until(() => folder.notes(log).includes('inner began'), 'the inner task runs')
    const error = await future.exception(SOON)
    t.true(error instanceof TimeoutError)
    t.false(folder.notes(log).includes('inner ended'), 'settled before the inner one ended')
    folder.open(gate)
    await until(() => folder.notes(log).includes('inner ended'), 'the inner task runs to its end')
    t.is(await executor.submit(one).result(SOON), 1)
    t.false(folder.notes(log).includes('outer went on'), 'the outer one was unwound')
    t.deepEqual(
      (await executor.dump()).map(({ threadId }) => threadId),
      before,
    )
    t.like(executor.stats(), { timedOut: 1, lost: 0, workers: { abandoned: 0 } })
    await executor.shutdown()
  },
)

behaviour('of three frames the outermost can be stopped; the inner ones run to their end', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  await executor.submit(downSync, 1).result(SOON)
  const log = folder.file('log')
  const future = executor.submit(threeDeep, log, 2)
  await until(() => folder.notes(log).includes('inner began'), 'the innermost runs')
  const start = performance.now()
  t.true(future.cancel({ interrupt: true, reason: 'enough' }))
  const error = (await future.result(SOON).catch((thrown: unknown) => thrown)) as CancelledError
  t.true(performance.now() - start < PROMPT)
  t.is(error.cause, 'enough')
  await until(() => folder.notes(log).includes('inner ended'), 'the innermost ends')
  t.is(await executor.submit(downSync, 5).result(SOON), 5)
  t.like(executor.stats(), { cancelled: 1, lost: 0 })
  await executor.shutdown()
})

behaviour('a wait for a task that lies under the waiter throws InvalidStateError', async (t, { create }) => {
  const executor = create(1)
  // A function runs on top only where it is loaded: in the first rounds a second thread may take it.
  await executor.submit(relay).result(SOON)
  const outcomes: unknown[] = []
  for (let round = 0; round < 5; round++) outcomes.push(await executor.submit(buries).result(SOON))
  t.deepEqual(outcomes.at(-1), ['InvalidStateError', 'ERR_FUTURE_INVALID_STATE'])
  await executor.shutdown()
})

behaviour('an exception passes through nested tasks with its class, message and code', async (t, { create }) => {
  const executor = create(1)
  for (const task of [failing, failingLater]) {
    const error = (await executor.submit(task, 'deep').exception(SOON)) as RangeError & { code: string }
    t.true(error instanceof RangeError)
    t.deepEqual([error.message, error.code], ['deep', 'E_INNER'])
  }
  t.deepEqual(await executor.submit(catching, 'caught').result(SOON), [true, 'caught', 'E_INNER', 1])
  await executor.shutdown()
})

behaviour('a nested submit after shutdown throws InvalidStateError', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  const future = executor.submit(submitsAfter, gate)
  const end = executor.shutdown()
  folder.open(gate)
  t.deepEqual(await future.result(SOON), ['InvalidStateError', 'cannot schedule new futures after shutdown'])
  await end
})

behaviour('a nested task that was accepted before the shutdown is run and waited for', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const log = folder.file('log')
  const future = executor.submit(waitsOver, log)
  await until(() => folder.notes(log).length === 1, 'the inner task is accepted')
  await executor.shutdown()
  t.true(future.done())
  t.is(await future, 400)
})

behaviour('nested tasks are run by priority when the waiter awaits; a blocking one runs what it waits for first', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  await executor.submit(write, folder.file('warm'), 'x').result(SOON)
  await executor.submit(orderLater, folder.file('later')).result(SOON)
  t.deepEqual(folder.notes(folder.file('later')), ['3', '2', '1'])
  await executor.submit(order, folder.file('sync')).result(SOON)
  t.deepEqual(folder.notes(folder.file('sync')), ['1', '3', '2'])
  await executor.shutdown()
})

behaviour('the counts of nested tasks add up, whatever their end', async (t, { create }) => {
  const executor = create(2)
  const futures = [
    ...[executor.submit(downSync, 20), executor.submit(downLater, 20), executor.submit(fibSync, 6)],
    ...[executor.submit(failing, 'x'), executor.submit(outlives, true), executor.submit(elsewhere)],
  ]
  await wait(futures, { timeout: DEEP })
  // 21 + 21 + 25 calls of fib(6), 2, 3, 1.
  t.like(executor.stats(), {
    completed: 21 + 21 + 25 + 2 + 1,
    failed: 2,
    timedOut: 1,
    cancelled: 0,
    lost: 0,
    queued: 0,
    running: 0,
  })
  t.is(ends(executor), 73)
  t.is(executor.stats().runTime.count >= 73, true)
  await executor.shutdown()
})

behaviour('a task waits for tasks of another executor, blocking and not', async (t, { create }) => {
  const executor = create(1)
  t.is(await executor.submit(elsewhere).result(SOON), 2)
  t.is(await executor.submit(elsewhereLater).result(SOON), 2)
  await executor.shutdown()
})

behaviour('a hand-made future in a task: no blocking wait without a time-out, and any other ends', async (t, { create }) => {
  const executor = create(1)
  t.deepEqual(await executor.submit(handMade).result(SOON), ['InvalidStateError', 'TimeoutError', 7])
  t.is(await executor.submit(handMadeLater).result(SOON), 42)
  await executor.shutdown()
})

behaviour('a task that waits takes no place: others run meanwhile, and the waiting counts as run time', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const log = folder.file('log')
  const future = executor.with({ timeout: WHILE }).submit(waitsForGood, log)
  await until(() => folder.notes(log).length === 1, 'it waits')
  t.is(await executor.submit(one).result(SOON), 1)
  t.false(future.done() && future.cancelled())
  t.true((await future.exception(SOON)) instanceof TimeoutError)
  t.is(await executor.submit(one).result(SOON), 1)
  await executor.terminateWorkers()
})

for (const [name, line] of [
  ['quicksort', /^quicksort: 1000000 numbers by \d+ tasks: sorted$/],
  ['queens', /^queens: 11 queens can be placed in 2680 ways by \d+ tasks: right$/],
  ['siblings', /^siblings: cancelled, cancelled, finished, cancelled, because this part is missing: right$/],
] as const) {
  test(`examples/${name}.mjs does what it says`, async (t) => {
    const end = await runNode([`examples/${name}.mjs`])
    t.deepEqual({ code: end.code, isHung: end.isHung, errors: end.errors }, { code: 0, isHung: false, errors: '' })
    t.regex(end.output, line)
  })
}

for (const maxWorkers of [1, 2]) {
  behaviour(`tasks that await others are done also where workers are soon worn out: ${maxWorkers} workers`, async (t, { create }) => {
    const executor = create({ maxWorkers, maxTasksPerWorker: 2 })
    const nest = async (n: number): Promise<number> => {
      const { currentExecutor } = await import('concurrent-futures')
      return 1 + ((await currentExecutor()?.submit((m: number) => m * 2, n)) ?? NaN)
    }
    const numbers = Array.from({ length: 12 }, (_, n) => n)
    const futures = numbers.map((n) => executor.submit(nest, n))
    t.deepEqual(
      await Promise.all(futures.map((future) => future.result(SOON))),
      numbers.map((n) => 2 * n + 1),
    )
    await executor.shutdown()
  })
}
