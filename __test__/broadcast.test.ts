/**
 * A task for each JavaScript worker. What the core decides without JavaScript:
 * crates/pool/tests/broadcast.rs.
 */
import ava from 'ava'
import {
  CancelledError,
  InvalidStateError,
  moduleTasks,
  native,
  QueueFullError,
  share,
  ThreadPoolExecutor,
  TimeoutError,
  WorkerLostError,
} from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { broadcasts } from './fixtures/broadcasts.mjs'
import { Folder, until } from './gate.ts'
import { SHORT, SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)
const ofThreads = behaviours(test, ['pool', 'ports'])
const streams = moduleTasks<typeof import('./fixtures/streams.mjs')>(new URL('./fixtures/streams.mjs', import.meta.url))
const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

behaviour('each worker runs it once, and keeps what it was told', async (t, { create }) => {
  await using executor = create(3)
  t.deepEqual(executor.broadcast(broadcasts.set, 'early'), [], 'there is none yet')
  await executor.warmUp()
  const workers = await Promise.all(executor.broadcast(broadcasts.set, 'now'))
  t.is(workers.length, 3)
  t.is(new Set(workers).size, 3)
  const seen = await Promise.all(Array.from({ length: 9 }, () => executor.submit(broadcasts.setting)))
  for (const [worker, setting] of seen as [number, string][]) {
    t.true(workers.includes(worker))
    t.is(setting, 'now')
  }
  const { completed, queued, running } = executor.stats()
  t.deepEqual([completed, queued, running], [12, 0, 0])
})

behaviour('a busy worker runs it before its next task, several in order', async (t, { create }) => {
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  await using executor = create(1)
  const busy = executor.submit(work.waitFor, gate)
  await until(() => executor.stats().running === 1, 'it runs')
  const later = executor.submit(broadcasts.note, log, 'later')
  const first = executor.with({ priority: -5 }).broadcast(broadcasts.note, log, 'one')
  const second = executor.with({ queueTimeout: 0 }).broadcast(broadcasts.note, log, 'two')
  t.is(executor.stats().queued, 3)
  folder.open(gate)
  await Promise.all([busy, later, ...first, ...second])
  const order = folder.notes(log).map((line) => line.split(' ')[0])
  t.deepEqual(order, ['one', 'two', 'later'])
})

behaviour('a worker that is starting runs it before its first task', async (t, { create }) => {
  await using executor = create(2)
  const tasks = [1, 2].map(() => executor.submit(broadcasts.setting))
  const futures = executor.broadcast(broadcasts.set, 'at start')
  t.is(futures.length, 2)
  for (const [, setting] of await Promise.all(tasks)) t.is(setting, 'at start')
  t.is(new Set(await Promise.all(futures)).size, 2)
})

behaviour('workers that are asked for after a broadcast do not run it, whichever is there first', async (t, { create }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const slow = folder.gate('slow')
  await using executor = create({ maxWorkers: 3, initializer: work.noteAndWait, initargs: [log, 'starts', slow] })
  const warm = executor.warmUp(2)
  await until(() => folder.notes(log).length === 2, 'two are starting')
  const futures = executor.broadcast(broadcasts.set, 'told')
  const all = executor.warmUp(3)
  folder.open(slow)
  await Promise.all([warm, all])
  const told = await Promise.all(futures)
  t.is(new Set(told).size, 2)
  const seen = await Promise.all(executor.broadcast(broadcasts.setting))
  for (const [worker, setting] of seen as [number, string][]) t.is(setting, told.includes(worker) ? 'told' : 'none')
  t.is(seen.length, 3)
})

behaviour('workers that start and whose initializer throws fail it as it fails every task', async (t, { create, broken }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const gate = folder.gate('gate')
  await using executor = create({ maxWorkers: 3, initializer: work.noteAndThrow, initargs: [log, gate] })
  const warm = executor.warmUp(3).catch((error: unknown) => error)
  await until(() => folder.notes(log).length === 3, 'three are starting')
  const futures = executor.broadcast(broadcasts.setting)
  folder.open(gate)
  for (const error of [await warm, ...(await Promise.all(futures.map((future) => future.exception(SOON))))])
    t.like(error, { name: broken.name, cause: { message: 'not initialized' } })
  t.is(futures.length, 3)
})

test('the results have the types of the function, and the arguments are checked', async (t) => {
  await using executor = new ThreadPoolExecutor(1)
  const none: Future<number>[] = executor.broadcast((a: number, b: string) => a + b.length, 1, 'b')
  const later: Future<string>[] = executor.broadcast(async (a: string) => a, 'a')
  // @ts-expect-error: the argument is no number
  t.deepEqual([...none, ...later, ...executor.broadcast((a: number) => a, 'a')], [])
  const warm: Promise<void> = executor.warmUp(0)
  const none2: void = executor.resize(executor.maxWorkers)
  t.deepEqual([await warm, none2], [undefined, undefined])
})

behaviour('functions sent as source, asynchronous ones and ones that throw are broadcast as well', async (t, { create }) => {
  await using executor = create(2)
  await executor.warmUp()
  t.deepEqual(await Promise.all(executor.broadcast((a: number, b: number[]) => a + b[0]!, 1, [2])), [3, 3])
  const workers = await Promise.all(executor.broadcast(broadcasts.setLater, 'later'))
  t.is(new Set(workers).size, 2)
  for (const future of executor.broadcast(work.fail, 'no')) {
    await t.throwsAsync(future.result(SOON), { instanceOf: RangeError, message: 'no' })
  }
})

behaviour('name, timeout and signal of with() hold', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  await using executor = create(2)
  await executor.warmUp()
  t.deepEqual(await Promise.all(executor.with({ name: 'reload' }).broadcast(broadcasts.name)), ['reload', 'reload'])
  for (const future of executor.with({ timeout: SHORT }).broadcast(broadcasts.spin)) {
    await t.throwsAsync(future.result(SOON), { instanceOf: TimeoutError })
  }
  const busy = [1, 2].map(() => executor.submit(work.waitFor, gate))
  await until(() => executor.stats().running === 2, 'both are busy')
  const controller = new AbortController()
  const futures = executor.with({ signal: controller.signal }).broadcast(broadcasts.set, 'never')
  t.is(futures.length, 2)
  controller.abort('enough')
  for (const future of futures) {
    const error = await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError })
    t.is(error!.cause, 'enough')
  }
  const aborted = executor.with({ signal: controller.signal }).broadcast(broadcasts.set, 'never')
  t.deepEqual(
    aborted.map((future) => future.state),
    ['cancelled', 'cancelled'],
  )
  for (const future of executor.with({ timeout: 0 }).broadcast(broadcasts.set, 'never')) {
    await t.throwsAsync(future.result(SOON), { instanceOf: TimeoutError })
  }
  for (const totalTimeout of [0, SHORT]) {
    for (const future of executor.with({ totalTimeout }).broadcast(broadcasts.set, 'never')) {
      await t.throwsAsync(future.result(SOON), { instanceOf: TimeoutError })
    }
  }
  const cancelled = executor.broadcast(broadcasts.set, 'never')
  t.true(cancelled.every((future) => future.cancel()))
  folder.open(gate)
  await Promise.all(busy)
  const seen = await Promise.all(executor.broadcast(broadcasts.setting))
  t.true(seen.every(([, setting]) => setting === 'none'))
})

behaviour('a worker on which a stream stands still runs it, and the stream goes on', async (t, { create }) => {
  await using executor = create(1)
  const stream = executor.with({ bufferSize: 1 }).stream(streams.count, 20)
  t.is((await stream.next()).value, 0)
  const [worker] = await Promise.all(executor.broadcast(broadcasts.set, 'told'))
  t.deepEqual(await executor.submit(broadcasts.setting).result(SOON), [worker, 'told'])
  const rest: number[] = []
  for await (const value of stream) rest.push(value)
  t.is(rest.length, 19)
})

behaviour('a function that is a generator is refused, and named at its future where only the worker knows it', async (t, { create }) => {
  await using executor = create(1)
  await executor.warmUp()
  const generator = function* (n: number): Generator<number> {
    yield n
  }
  t.throws(() => executor.broadcast(generator, 1), { instanceOf: TypeError, message: /stream/ })
  const [future] = executor.broadcast(streams.count as never)
  await t.throwsAsync(future!.result(SOON), { instanceOf: TypeError, message: /stream/ })
})

behaviour('a shared value is an argument as any other, also of a broadcast in a task', async (t, { create }) => {
  await using executor = create(2)
  using table = share({ rows: [1, 2, 3] })
  await executor.warmUp()
  const sizes = executor.broadcast((by: number, { rows }: { rows: number[] }) => by * rows.length, 2, table)
  t.deepEqual(await Promise.all(sizes), [6, 6])
  t.deepEqual(await executor.submit(broadcasts.shareWithAll, [1, 2]).result(SOON), [2, 2])
})

behaviour('what makes no sense for all workers is a TypeError', async (t, { create }) => {
  await using executor = create(1)
  t.throws(() => executor.broadcast(native.countPrimes, 10), { instanceOf: TypeError })
  const buffer = new ArrayBuffer(8)
  t.throws(() => executor.with({ transfer: [buffer] }).broadcast((b: ArrayBuffer) => b.byteLength, buffer), {
    instanceOf: TypeError,
    message: /transfer/,
  })
  t.is(buffer.byteLength, 8)
  t.throws(() => executor.with({ affinity: 'a' }).broadcast((n: number) => n, 1), {
    instanceOf: TypeError,
    message: /affinity/,
  })
  t.throws(() => executor.broadcast(undefined as never), { instanceOf: TypeError })
  const identity = (f: unknown): unknown => f
  t.throws(() => executor.broadcast(identity, () => {}), { any: true, name: 'DataCloneError' })
  await executor.warmUp()
  t.throws(() => executor.broadcast(identity, () => {}), { any: true, name: 'DataCloneError' })
  t.is(executor.stats().queued, 0)
  t.deepEqual(await Promise.all(executor.broadcast((n: number) => n, 3)), [3])
})

ofThreads('what only a MessagePort can carry is not broadcast', async (t, { create }) => {
  await using executor = create(1)
  await executor.warmUp()
  t.throws(() => executor.broadcast((b: Blob) => b.size, new Blob(['a'])), {
    any: true,
    name: 'DataCloneError',
    message: /MessagePort/,
  })
})

behaviour('it waits beside maxQueue, and wears no worker out', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  await using executor = create({ maxWorkers: 1, maxQueue: 1, maxTasksPerWorker: 2 })
  const busy = executor.submit(work.waitFor, gate)
  await until(() => executor.stats().running === 1, 'it runs')
  const before = executor.broadcast(broadcasts.set, 'one')
  const waiting = executor.submit(broadcasts.setting)
  t.throws(() => executor.submit(broadcasts.setting), { instanceOf: QueueFullError })
  const more = [1, 2, 3].flatMap((n) => executor.broadcast(broadcasts.set, `more ${n}`))
  t.is(executor.stats().queued, 5)
  folder.open(gate)
  const worker = await busy
  t.deepEqual(await Promise.all(before), [worker])
  t.deepEqual(new Set(await Promise.all(more)), new Set([worker]))
  t.deepEqual(await waiting, [worker, 'more 3'])
})

behaviour('a worker that dies first fails its future with WorkerLostError, and the others go on', async (t, { create, broken }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  await using executor = create(2)
  await executor.warmUp()
  const dies = executor.submit(
    (file: string, fs: string) => {
      const { existsSync } = process.getBuiltinModule(fs as 'fs')
      while (!existsSync(file)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
      process.exit(7)
    },
    gate,
    'fs',
  )
  await until(() => executor.stats().running === 1, 'it runs')
  const futures = executor.broadcast(broadcasts.set, 'told')
  t.is(futures.length, 2)
  folder.open(gate)
  await t.throwsAsync(dies.result(SOON), { instanceOf: WorkerLostError })
  const ends = await Promise.all(futures.map((future) => future.exception(SOON)))
  t.is(ends.filter((error) => error === null).length, 1)
  t.is(ends.filter((error) => error instanceof WorkerLostError).length, 1)
  for (let round = 0; round < 4; round++) {
    await executor.warmUp()
    const lost = await Promise.all(executor.broadcast(broadcasts.exit, 3).map((future) => future.exception(SOON)))
    t.true(lost.every((error) => error instanceof WorkerLostError && !(error instanceof broken)))
  }
  t.false(executor.stats().broken)
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
})

behaviour('a task broadcasts to its own executor, and awaits that or blocks for it', async (t, { create }) => {
  await using executor = create(2)
  await executor.warmUp()
  t.deepEqual(await executor.submit(broadcasts.tellAll, 'awaited').result(SOON), [true, 2, 'awaited'])
  t.deepEqual(await executor.submit(broadcasts.tellAllSync, 'blocked').result(SOON), [true, 2, 'blocked'])
  await using alone = create(1)
  t.deepEqual(await alone.submit(broadcasts.tellAllSync, 'alone').result(SOON), [true, 1, 'alone'])
  t.deepEqual(await alone.submit(broadcasts.tellAll, 'alone').result(SOON), [true, 1, 'alone'])
})

behaviour('a wait for a promise that needs the blocked thread itself is refused, or ends in time', async (t, { create }) => {
  await using executor = create(2)
  await executor.warmUp()
  t.deepEqual(await executor.submit(broadcasts.tellAllLaterSync, 'a').result(SOON), ['InvalidStateError'])
  const names = await executor.submit(broadcasts.tellAllLaterInTime, 'b', 400).result(SOON)
  t.deepEqual(names.toSorted(), ['TimeoutError', 'done'])
})

behaviour("of two workers that block for each other's broadcast one is refused, and both go on", async (t, { create }) => {
  const folder = new Folder(t)
  const [one, two] = [folder.file('one'), folder.file('two')]
  await using executor = create(2)
  await executor.warmUp()
  const first = executor.submit(broadcasts.tellTheOther, one, two, 'first')
  const second = executor.submit(broadcasts.tellTheOther, two, one, 'second')
  const ends = [...(await first.result(SOON)), ...(await second.result(SOON))]
  t.true(
    ends.every((end: string) => end === 'done' || end === 'InvalidStateError'),
    String(ends),
  )
  t.true(ends.filter((end: string) => end === 'InvalidStateError').length <= 2, String(ends))
  const seen = await Promise.all(executor.broadcast(broadcasts.setting))
  t.is(seen.length, 2)
})

behaviour('a task that runs on the stack of one that waits for it does not wait for a broadcast', async (t, { create }) => {
  const folder = new Folder(t)
  const [began, told] = [folder.file('began'), folder.gate('told')]
  await using executor = create(1)
  await executor.submit(broadcasts.setting)
  const outer = executor.submit(broadcasts.nested, began, told)
  await until(() => folder.exists(began), 'it runs')
  const futures = executor.broadcast(broadcasts.set, 'told')
  folder.open(told)
  t.deepEqual(await outer.result(SOON), ['none', true])
  await Promise.all(futures)
  t.deepEqual((await executor.submit(broadcasts.setting))[1], 'told')
})

behaviour('what was accepted is run before a shutdown is over; afterwards it throws as submit does', async (t, { create }) => {
  const folder = new Folder(t)
  const [log, gate] = [folder.file('log'), folder.gate()]
  const executor = create(2)
  await executor.warmUp()
  const busy = executor.submit(work.waitFor, gate)
  await until(() => executor.stats().running === 1, 'it runs')
  const futures = executor.broadcast(broadcasts.note, log, 'told')
  const over = executor.shutdown()
  t.throws(() => executor.broadcast(broadcasts.note, log, 'late'), { instanceOf: InvalidStateError, message: /after shutdown/ })
  folder.open(gate)
  await Promise.all([busy, ...futures])
  await over
  t.is(folder.notes(log).length, 2)
  t.throws(() => executor.broadcast(broadcasts.note, log, 'late'), { instanceOf: InvalidStateError })
  t.throws(() => executor.with({ signal: AbortSignal.abort() }).broadcast(broadcasts.note, log, 'late'), { instanceOf: InvalidStateError })
})

behaviour('cancelFutures and terminateWorkers end what waits', async (t, { create }) => {
  const folder = new Folder(t)
  for (const way of ['cancelFutures', 'terminateWorkers'] as const) {
    const gate = folder.gate(way)
    const executor = create(1)
    const busy = executor.submit(work.waitFor, gate)
    await until(() => executor.stats().running === 1, 'it runs')
    const [future] = executor.broadcast(broadcasts.set, 'never')
    const over = way === 'cancelFutures' ? executor.shutdown({ cancelFutures: true }) : executor.terminateWorkers()
    await t.throwsAsync(future!.result(SOON), { instanceOf: CancelledError })
    if (way === 'cancelFutures') folder.open(gate)
    await busy.exception(SOON)
    await over
  }
})

behaviour('broadcasts among tasks, while workers come and go, reach each worker in order', async (t, { create }) => {
  await using executor = create({ maxWorkers: 3, maxTasksPerWorker: 40, idleTimeout: 5 })
  const all: Promise<unknown>[] = []
  for (let round = 0; round < 30; round++) {
    for (let n = 0; n < 8; n++) all.push(executor.submit(broadcasts.setting).result(SOON))
    for (const future of executor.broadcast(broadcasts.set, String(round))) all.push(future.exception(SOON))
    if (round % 10 === 9) executor.resize((round % 4) + 1)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
  const ends = await Promise.all(all)
  t.true(ends.every((end) => !(end instanceof Error) || end instanceof WorkerLostError))
  const last = new Map<number, number>()
  for (const end of ends) {
    if (!Array.isArray(end) || end[1] === 'none') continue
    const [worker, round] = [end[0] as number, Number(end[1])]
    t.true(round >= (last.get(worker) ?? 0), 'a later task sees no earlier setting')
    last.set(worker, round)
  }
})
