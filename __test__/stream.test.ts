import ava from 'ava'
import { CancelledError, InvalidStateError, moduleTasks, native, TimeoutError } from 'concurrent-futures'
import { collect } from './collect.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { PROMPT, SHORT, SOON, WHILE } from './limits.ts'
import { setTimeout as sleep } from 'node:timers/promises'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial)

const streams = moduleTasks<typeof import('./fixtures/streams.mjs')>(new URL('./fixtures/streams.mjs', import.meta.url))

const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

behaviour('the values of a generator arrive in order, and then what it returns', async (t, { shared }) => {
  const executor = shared(2)
  for (const fn of [streams.count, streams.countLater]) {
    const stream = executor.stream(fn, 100)
    t.deepEqual(await collect(stream), numbers(100))
    t.is(await stream.future.result(SOON), '100 in all')
    t.deepEqual(await stream.next(), { done: true, value: undefined })
    const other = executor.stream(fn, 1)
    t.deepEqual(await other.next(), { done: false, value: 0 })
    t.deepEqual(await other.next(), { done: true, value: '1 in all' })
  }
})

behaviour('numbers arrive as they are, many at once, and among other values', async (t, { shared }) => {
  const executor = shared(2)
  const run = [-0, 0, NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 31), 0.1, Number.MIN_VALUE, 7]
  const values = [...run, 'text', 1, 2, 3, { at: 4 }, ...run, ...run, 5n, null, 6]
  for (const bufferSize of [4, 16, 256]) {
    const stream = executor.with({ bufferSize }).stream(function* (list: unknown[]) {
      yield* list
    }, values)
    t.deepEqual(await collect(stream), values)
    const many = numbers(3_000)
    const all = executor.with({ bufferSize }).stream(function* (n: number) {
      for (let i = 0; i < n; i++) yield i
    }, 3_000)
    t.deepEqual(await collect(all), many)
  }
})

behaviour('a function that gives an iterable makes a stream, and so does one sent as source', async (t, { shared }) => {
  const executor = shared(2)
  t.deepEqual(await collect(executor.stream(streams.list, 40)), numbers(40))
  t.deepEqual(await collect(executor.stream(streams.listLater, 40)), numbers(40))
  t.deepEqual(
    await collect(
      executor.stream(function* (n: number) {
        yield* [n, n + 1]
      }, 5),
    ),
    [5, 6],
  )
  t.deepEqual(
    await collect(
      executor.stream(async function* (n: number) {
        yield n
      }, 5),
    ),
    [5],
  )
  const methods = {
    *squares(n: number) {
      for (let i = 1; i <= n; i++) yield i * i
    },
  }
  t.deepEqual(await collect(executor.stream(methods.squares, 3)), [1, 4, 9])
  t.deepEqual(await collect(executor.stream(streams.promises)), [1, 2, 3])
  const none = executor.stream(((): unknown => 5) as () => Iterable<number>)
  await t.throwsAsync(none.next(), { instanceOf: TypeError, message: /iterable/ })
})

behaviour('no more than bufferSize values are made ahead of the reader, sixteen by default', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  for (const fn of [streams.logged, streams.loggedLater]) {
    for (const bufferSize of [undefined, 1, 3]) {
      const log = folder.file(`log-${fn.name}-${bufferSize}`)
      const most = bufferSize ?? 16
      const stream = executor.with({ bufferSize }).stream(fn, log)
      await until(() => folder.notes(log).length === most, 'the buffer is full')
      await sleep(SHORT)
      t.is(folder.notes(log).length, most)
      for (let read = 1; read <= 3; read++) {
        t.deepEqual(await stream.next(), { done: false, value: read - 1 })
        await until(() => folder.notes(log).length === most + read, 'one more is made')
      }
      await stream.return()
      t.is(folder.notes(log).at(-1), 'finally')
    }
  }
  await executor.shutdown()
})

behaviour('a stream that stands still is neither queued nor running, and its worker runs other tasks', async (t, { create }) => {
  const executor = create(1)
  const stream = executor.stream(streams.places, 100)
  // Nobody reads it yet: then it would go on for a moment.
  await until(() => stream.future.state === 'running' && executor.stats().running === 0, 'it stands still')
  t.is(stream.future.state, 'running')
  t.false(stream.future.cancel())
  const { workers, queued } = executor.stats()
  t.deepEqual([workers.idle, workers.busy, queued], [1, 0, 0])
  t.deepEqual(
    (await executor.dump()).map(({ state, task }) => [state, task]),
    [['idle', undefined]],
  )
  const place = await executor.submit(streams.place).result(SOON)
  t.deepEqual(new Set(await collect(stream)), new Set([place]))
  await executor.shutdown()
  t.is(executor.stats().completed, 2)
})

behaviour('several next() at once are answered in order', async (t, { shared }) => {
  const stream = shared(2).with({ bufferSize: 2 }).stream(streams.count, 5)
  const results = await Promise.all(Array.from({ length: 7 }, () => stream.next()))
  t.deepEqual(
    results.map(({ value }) => value),
    [0, 1, 2, 3, 4, '5 in all', undefined],
  )
  t.deepEqual(
    results.map(({ done }) => done),
    [false, false, false, false, false, true, true],
  )
})

behaviour('what a generator throws arrives after the values before it', async (t, { shared }) => {
  const stream = shared(2).with({ bufferSize: 2 }).stream(streams.fails, 5)
  const seen: unknown[] = []
  await t.throwsAsync(
    async () => {
      for await (const value of stream) seen.push(value)
    },
    { instanceOf: RangeError, message: 'no more' },
  )
  t.deepEqual(seen, numbers(5))
  await t.throwsAsync(stream.future.result(SOON), { instanceOf: RangeError })
  t.deepEqual(await stream.next(), { done: true, value: undefined })
})

behaviour('a value that cannot be cloned ends the generator, whose finally blocks run', async (t, { shared }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const stream = shared(2).stream(streams.bad, log)
  t.deepEqual(await stream.next(), { done: false, value: 1 })
  await t.throwsAsync(stream.next(), { any: true, name: 'DataCloneError' })
  await t.throwsAsync(stream.future.result(SOON), { any: true, name: 'DataCloneError' })
  t.deepEqual(folder.notes(log), ['finally'])
})

behaviour('leaving the loop ends the generator in its worker, standing still, running or awaiting', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  for (const [index, [fn, bufferSize]] of (
    [
      [streams.logged, 4],
      [streams.loggedLater, 4],
      [streams.logged, 1e6],
      [streams.loggedLater, 1e6],
    ] as const
  ).entries()) {
    const log = folder.file(`log-${index}`)
    const stream = executor.with({ bufferSize }).stream(fn, log)
    for await (const value of stream) if (value === 2) break
    t.is(folder.notes(log).at(-1), 'finally')
    t.true(stream.future.cancelled())
    await t.throwsAsync(stream.future.result(SOON), { instanceOf: CancelledError })
    t.deepEqual(await stream.next(), { done: true, value: undefined })
  }
  t.is(await executor.submit(() => 1).result(SOON), 1)
  t.is(executor.stats().workers.died, 0)
  await executor.shutdown()
  t.is(executor.stats().cancelled, 4)
})

behaviour('throw() ends the generator and rejects with its argument; return() gives its value', async (t, { shared }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const stream = shared(2).stream(streams.logged, log)
  await stream.next()
  const error = new Error('enough')
  t.is(await t.throwsAsync(stream.throw(error)), error)
  t.is(folder.notes(log).at(-1), 'finally')
  const other = shared(2).stream(streams.count, 5)
  t.deepEqual(await other.return('so' as never), { done: true, value: 'so' as never })
})

behaviour('a yield in a finally block does not bring the generator back', async (t, { shared }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const stream = shared(2).stream(streams.clingsTo, log)
  t.deepEqual(await stream.next(), { done: false, value: 1 })
  await stream.return()
  t.deepEqual(folder.notes(log), ['finally', 'end'])
})

behaviour('a finally block that does not end is stopped after interruptGrace, and the worker goes on', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, interruptGrace: 50 })
  const log = folder.file('log')
  const stream = executor.stream(streams.neverEnds, log)
  await stream.next()
  await stream.return()
  t.deepEqual(folder.notes(log), ['finally'])
  t.is(await executor.submit(() => 1).result(SOON), 1)
  await executor.shutdown()
})

behaviour('a stream that is cancelled before it starts never runs', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  const log = folder.file('log')
  const blocker = executor.stream(streams.spinsAfter, 0, gate)
  await until(() => executor.stats().running === 1, 'the first runs')
  const stream = executor.stream(streams.logged, log)
  const waiting = stream.next()
  t.true(stream.future.cancel())
  await t.throwsAsync(waiting, { instanceOf: CancelledError })
  const other = executor.stream(streams.logged, log)
  t.deepEqual(await other.return(), { done: true, value: undefined })
  t.true(other.future.cancelled())
  const expiring = executor.with({ queueTimeout: SHORT }).stream(streams.logged, log)
  await t.throwsAsync(expiring.next(), { instanceOf: TimeoutError })
  folder.open(gate)
  t.deepEqual(await collect(blocker), ['on'])
  t.false(folder.exists(log))
  await executor.shutdown()
})

behaviour(
  'a stream that stands still or runs is cancelled by interrupt or signal at once; what was made arrives',
  async (t, { create }) => {
    const folder = new Folder(t)
    const executor = create(1)
    const log = folder.file('log')
    const standing = executor.with({ bufferSize: 3 }).stream(streams.logged, log)
    await until(() => folder.notes(log).length === 3 && executor.stats().running === 0, 'it stands still')
    t.true(standing.future.cancel({ interrupt: true, reason: 'why not' }))
    for (const value of numbers(3)) t.deepEqual(await standing.next(), { done: false, value })
    const error = await t.throwsAsync(standing.next(), { instanceOf: CancelledError })
    t.is(error?.cause, 'why not')
    await until(() => folder.notes(log).includes('finally'), 'finally has run')
    t.deepEqual(await standing.next(), { done: true, value: undefined })
    const gate = folder.gate()
    const controller = new AbortController()
    const running = executor.with({ signal: controller.signal }).stream(streams.spinsAfter, 2, gate)
    for (const value of numbers(2)) t.deepEqual(await running.next(), { done: false, value })
    controller.abort('enough')
    await t.throwsAsync(running.next(), { instanceOf: CancelledError })
    t.is(await executor.submit(() => 1).result(PROMPT), 1)
    const aborted = executor.with({ signal: AbortSignal.abort('before') }).stream(streams.count, 3)
    await t.throwsAsync(aborted.next(), { instanceOf: CancelledError })
    t.deepEqual(await aborted.next(), { done: true, value: undefined })
    await executor.shutdown()
  },
)

behaviour('standing still is no run time: timeout ends only a stream that runs', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  await executor.submit(() => {}).result(SOON)
  const stream = executor.with({ timeout: WHILE, bufferSize: 2 }).stream(streams.spinsAfter, 5, gate)
  const start = performance.now()
  await sleep(WHILE * 2)
  const stood = performance.now() - start
  t.is(stream.future.state, 'running')
  const seen: unknown[] = []
  await t.throwsAsync(
    async () => {
      for await (const value of stream) seen.push(value)
    },
    { instanceOf: TimeoutError },
  )
  t.deepEqual(seen, numbers(5))
  const { timedOut, runTime } = executor.stats()
  t.is(timedOut, 1)
  t.true(runTime.max < stood + WHILE, `${runTime.max} ms`)
  t.is(await executor.submit(() => 1).result(SOON), 1)
  await executor.shutdown()
})

behaviour('shutdown ends what stands still, and what comes to stand still later', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(2)
  const log = folder.file('log')
  const gate = folder.gate()
  const standing = executor.with({ bufferSize: 3 }).stream(streams.logged, log)
  const running = executor.with({ bufferSize: 1 }).stream(streams.spinsAfter, 0, gate)
  await until(() => {
    const { running, queued } = executor.stats()
    return folder.notes(log).length === 3 && running === 1 && queued === 0
  }, 'one stands still, and one runs')
  const done = executor.shutdown()
  t.true(standing.future.cancelled())
  folder.open(gate)
  await done
  t.deepEqual(folder.notes(log).slice(3), ['finally'])
  for (const value of numbers(3)) t.deepEqual(await standing.next(), { done: false, value })
  await t.throwsAsync(standing.next(), { instanceOf: CancelledError })
  t.deepEqual(await running.next(), { done: false, value: 'on' as never })
  await t.throwsAsync(running.next(), { instanceOf: CancelledError })
  t.throws(() => executor.stream(streams.count, 1), { instanceOf: InvalidStateError })
})

behaviour('a generator is refused by submit, which names stream; a native task by stream, which names submit', async (t, { shared }) => {
  const executor = shared(2)
  t.throws(() => executor.submit(function* () {} as never), { instanceOf: TypeError, message: /stream\(\)/ })
  await t.throwsAsync(executor.submit(streams.count as never, 3).result(SOON), { instanceOf: TypeError, message: /stream\(\)/ })
  await t.throwsAsync(collect(executor.map(streams.count as never, [3])), { instanceOf: TypeError, message: /stream\(\)/ })
  t.throws(() => executor.stream(native.crc32 as never, 'a'), { instanceOf: TypeError, message: /submit\(\)/ })
  t.throws(() => executor.stream(5 as never), { instanceOf: TypeError })
})
