import ava from 'ava'
import { SHARE_ENV } from 'node:worker_threads'
import { Future, InvalidStateError, moduleTasks, native, QueueFullError, ThreadPoolExecutor } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { PROMPT, SOON } from './limits.ts'
import * as named from './fixtures/tasks.mjs'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)
const everywhere = behaviours(test, [])

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

/** Keeps the calling thread busy. */
function block(ms: number): void {
  const end = Date.now() + ms
  while (Date.now() < end);
}

everywhere('submit returns a future of the result at once', async (t, { create }) => {
  const executor = create(1)
  const future = executor.submit(work.add, 1, 2)
  t.true(future instanceof Future)
  t.false(future.done())
  t.is(await future.result(SOON), 3)
  t.is(await future, 3)
  t.is(future.state, 'finished')
  await executor.shutdown()
})

everywhere('a task takes any number of arguments', async (t, { create }) => {
  const executor = create(1)
  for (const count of [0, 1, 2, 7, 8, 9, 10, 100]) {
    const args = Array.from({ length: count }, (_, index) => index)
    t.deepEqual(await executor.submit(work.all, ...args).result(SOON), args)
    t.deepEqual(
      await executor
        .with({ name: 'named' })
        .submit(work.all, ...args)
        .result(SOON),
      args,
    )
    const texts = args.map((arg) => [`item ${arg}`])
    t.deepEqual(await executor.submit(work.all, ...texts).result(SOON), texts)
  }
  await executor.shutdown()
})

behaviour('missing arguments are undefined, and the count of arguments is kept', async (t, { create }) => {
  const executor = create(1)
  const count = (...args: unknown[]): number => args.length
  t.is(await executor.submit(count).result(SOON), 0)
  t.is(await executor.submit(count, undefined).result(SOON), 1)
  t.is(await executor.submit(count, undefined, undefined).result(SOON), 2)
  await executor.shutdown()
})

behaviour('what a task returns a promise of is its result', async (t, { create }) => {
  const executor = create(1)
  t.is(await executor.submit(work.addLater, 1, 2).result(SOON), 3)
  t.is(await executor.submit(() => ({ then: (resolve: (value: number) => void) => resolve(7) })).result(SOON), 7)
  t.is(await executor.submit(async () => Promise.resolve(Promise.resolve(8))).result(SOON), 8)
  await executor.shutdown()
})

behaviour('two idle workers run two tasks at the same time', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 2, minWorkers: 2 })
  for (let round = 0; round < 100; round++) {
    const files = [folder.file(`${round} left`), folder.file(`${round} right`)] as const
    const pair = [executor.submit(work.meet, ...files), executor.submit(work.meet, files[1], files[0])]
    for (const future of pair) if (!(await future.result(SOON))) return t.fail(`round ${round}: one ran after the other`)
  }
  t.pass()
  await executor.shutdown()
})

behaviour('tasks run while the thread that submitted them is blocked, also when no worker had started', async (t, { create }) => {
  for (const isWarm of [false, true]) {
    const executor = create(2)
    if (isWarm) await executor.submit(work.add, 1, 1).result(SOON)
    const futures = [executor.submit(work.interval, 1), executor.submit(work.interval, 1)]
    block(3_000)
    const after = Date.now()
    for (const future of futures) {
      const [, end] = (await future.result(SOON)) as [number, number]
      t.true(end <= after, `${isWarm ? 'warm' : 'cold'}: ended ${end - after} ms after the block`)
    }
    await executor.shutdown()
  }
})

behaviour('native tasks run while the thread that submitted them is blocked', async (t, { create }) => {
  const executor = create(2)
  const future = executor.submit(native.countPrimes, 1_000)
  const end = Date.now() + PROMPT
  while (!future.done() && Date.now() < end);
  t.true(future.done())
  t.is(await future.result(SOON), 168)
  await executor.shutdown()
})

behaviour('a future can be polled in a loop that never yields', async (t, { create }) => {
  const executor = create(1)
  const future = executor.submit(work.pause, 20)
  const end = Date.now() + SOON
  while (!future.done() && Date.now() < end);
  t.is(future.state, 'finished')
  t.is(await future, 20)
  await executor.shutdown()
})

everywhere('tasks start in the order of their submission', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [gate, log] = [folder.gate(), folder.file('log')]
  const first = executor.submit(work.waitFor, gate)
  const futures = Array.from({ length: 50 }, (_, index) => executor.submit(work.note, log, String(index)))
  folder.open(gate)
  await first.result(SOON)
  for (const future of futures) await future.result(SOON)
  t.deepEqual(
    folder.notes(log),
    futures.map((_, index) => String(index)),
  )
  await executor.shutdown()
})

behaviour('a higher priority goes first, equal ones in the order of submission', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const [gate, log] = [folder.gate(), folder.file('log')]
  executor.submit(work.noteAndWait, log, 'first', gate)
  await until(() => folder.notes(log).length === 1, 'the first task runs')
  const priorities = [0, 5, -1, 5, Infinity, 0, -Infinity, 1.5, 0, Infinity, -0]
  const futures = priorities.map((priority, index) => executor.with({ priority }).submit(work.note, log, `${priority}#${index}`))
  folder.open(gate)
  for (const future of futures) await future.result(SOON)
  t.deepEqual(folder.notes(log).slice(1), [
    'Infinity#4',
    'Infinity#9',
    '5#1',
    '5#3',
    '1.5#7',
    '0#0',
    '0#5',
    '0#8',
    '0#10',
    '-1#2',
    '-Infinity#6',
  ])
  await executor.shutdown()
})

everywhere('arguments are taken as they are at the call', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  executor.submit(work.waitFor, gate)
  const object = { list: [1, 2], nested: { name: 'before' } }
  const bytes = new Uint8Array([1, 2, 3])
  const map = new Map([['key', 1]])
  const futures = [executor.submit(work.all, object), executor.submit(work.all, bytes), executor.submit(work.all, map, bytes)] as const
  const digest = executor.submit(native.sha256, bytes)
  object.nested.name = 'after'
  object.list.push(3)
  bytes.fill(9)
  map.set('key', 2)
  folder.open(gate)
  t.deepEqual(await futures[0].result(SOON), [{ list: [1, 2], nested: { name: 'before' } }])
  t.deepEqual(await futures[1].result(SOON), [new Uint8Array([1, 2, 3])])
  t.deepEqual(await futures[2].result(SOON), [new Map([['key', 1]]), new Uint8Array([1, 2, 3])])
  t.deepEqual(await digest.result(SOON), await executor.submit(native.sha256, new Uint8Array([1, 2, 3])).result(SOON))
  await executor.shutdown()
})

everywhere('an argument that cannot be cloned is a DataCloneError that names it, and nothing is submitted', async (t, { create }) => {
  const executor = create(1)
  for (const [position, args] of [
    [1, [() => {}]],
    [2, [1, () => {}]],
    [3, ['a', 2, { deep: [Symbol('s')] }]],
    [2, [{}, new WeakMap()]],
    [1, [Promise.resolve()]],
  ] as [number, unknown[]][]) {
    const error = t.throws(() => executor.submit(work.all, ...args), { any: true } as object) as DOMException
    t.is(error.name, 'DataCloneError')
    t.true(error instanceof DOMException)
    t.regex(error.message, new RegExp(`argument ${position}`))
  }
  const stats = executor.stats()
  t.is(stats.queued + stats.running + stats.failed + stats.completed, 0)
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

everywhere('a getter that throws while an argument is cloned reaches the caller, and nothing is submitted', async (t, { create }) => {
  const executor = create(1)
  const argument = {
    get field(): never {
      throw new RangeError('from the getter')
    },
  }
  t.throws(() => executor.submit(work.all, argument), { message: /from the getter/ })
  t.is(executor.stats().queued, 0)
  await executor.shutdown()
})

behaviour('a result that cannot be cloned fails the future with a DataCloneError, and the worker goes on', async (t, { create }) => {
  const executor = create(1)
  const thread = await executor.submit(work.thread).result(SOON)
  for (const fn of [
    () => () => {},
    () => ({ deep: [Symbol('s')] }),
    async () => new WeakMap(),
    async () => Symbol('s'),
    () => Symbol('s'),
  ]) {
    const error = (await executor.submit(fn as () => unknown).exception(SOON)) as DOMException
    t.is(error.name, 'DataCloneError')
  }
  t.is(await executor.submit(work.thread).result(SOON), thread)
  t.is(executor.stats().failed, 5)
  await executor.shutdown()
})

behaviour(
  'beyond maxQueue waiting tasks submit throws QueueFullError, also with a signal, a priority or a native task',
  async (t, { create }) => {
    const folder = new Folder(t)
    const executor = create({ maxWorkers: 1, maxQueue: 2 })
    const [gate, log] = [folder.gate(), folder.file('log')]
    executor.submit(work.noteAndWait, log, 'runs', gate)
    await until(() => folder.notes(log).length === 1, 'the first task runs')
    const queued = [executor.submit(work.add, 1, 1), executor.with({ signal: new AbortController().signal }).submit(work.add, 2, 2)]
    t.throws(() => executor.submit(work.add, 3, 3), { instanceOf: QueueFullError, code: 'ERR_FUTURE_QUEUE_FULL' })
    t.throws(() => executor.with({ signal: new AbortController().signal }).submit(work.add, 3, 3), {
      instanceOf: QueueFullError,
    })
    t.throws(() => executor.with({ priority: 5 }).submit(work.add, 3, 3), { instanceOf: QueueFullError })
    t.throws(() => executor.submit(native.countPrimes, 5), { instanceOf: QueueFullError })
    t.is(executor.stats().queued, 2)
    folder.open(gate)
    t.deepEqual(await Promise.all(queued.map((future) => future.result(SOON))), [2, 4])
    t.is(await executor.submit(work.add, 3, 3).result(SOON), 6)
    await executor.shutdown()
  },
)

behaviour('a task that is cancelled while it waits makes room in the queue', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, maxQueue: 1 })
  const [gate, log] = [folder.gate(), folder.file('log')]
  executor.submit(work.noteAndWait, log, 'runs', gate)
  await until(() => folder.notes(log).length === 1, 'the first task runs')
  const waiting = executor.submit(work.note, log, 'cancelled')
  t.true(waiting.cancel())
  const next = executor.submit(work.note, log, 'next')
  folder.open(gate)
  t.is(await next.result(SOON), 'next')
  t.deepEqual(folder.notes(log), ['runs', 'next'])
  await executor.shutdown()
})

behaviour('ready() resolves when submit would not throw QueueFullError', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, maxQueue: 1 })
  const [gate, log] = [folder.gate(), folder.file('log')]
  await executor.ready()
  executor.submit(work.noteAndWait, log, 'runs', gate)
  await until(() => folder.notes(log).length === 1, 'the first task runs')
  executor.submit(work.add, 1, 1)
  let isReady = false
  const ready = executor.ready().then(() => (isReady = true))
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.false(isReady)
  folder.open(gate)
  await ready
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

behaviour('ready() lets a producer fill a bounded queue without a single refusal', async (t, { create }) => {
  const executor = create({ maxWorkers: 2, maxQueue: 3 })
  const futures = []
  for (let n = 0; n < 300; n++) {
    await executor.ready()
    futures.push(executor.submit(work.double, n))
  }
  t.deepEqual(
    await Promise.all(futures),
    futures.map((_, n) => 2 * n),
  )
  await executor.shutdown()
})

behaviour('after shutdown submit throws InvalidStateError, whatever the task', async (t, { create }) => {
  const executor = create(1)
  await executor.submit(work.add, 1, 2)
  await executor.shutdown()
  const expected = { instanceOf: InvalidStateError, message: 'cannot schedule new futures after shutdown' }
  t.throws(() => executor.submit(work.add, 1, 2), expected)
  t.throws(() => executor.submit(native.countPrimes, 2), expected)
  t.throws(() => executor.submit(() => 1), expected)
  t.throws(() => executor.with({ signal: AbortSignal.abort() }).submit(work.add, 1, 2), expected)
  t.throws(() => executor.with({ timeout: 0 }).submit(work.add, 1, 2), expected)
  t.throws(() => executor.with({ queueTimeout: 0 }).submit(work.add, 1, 2), expected)
  t.throws(() => executor.map(work.double, [1, 2]), expected)
  await t.throwsAsync(executor.ready(), { instanceOf: InvalidStateError })
})

behaviour('10,000 tasks in flight all come back, each to its own future', async (t, { create }) => {
  const executor = create(2)
  const futures = Array.from({ length: 10_000 }, (_, n) => executor.submit(work.double, n))
  const results = await Promise.all(futures)
  t.true(results.every((result, n) => result === 2 * n))
  t.is(executor.stats().completed, 10_000)
  await executor.shutdown()
})

behaviour('several executors run side by side', async (t, { create }) => {
  const executors = Array.from({ length: 4 }, () => create(1))
  const futures = executors.flatMap((executor, index) => [executor.submit(work.add, index, 1), executor.submit(work.add, index, 2)])
  t.deepEqual(await Promise.all(futures.map((future) => future.result(SOON))), [1, 2, 2, 3, 3, 4, 4, 5])
  await Promise.all(executors.map((executor) => executor.shutdown()))
})

behaviour(
  'after resultSync() callbacks run in the next turn, from wherever it was called, and progress comes before what awaits the result',
  async (t, { create }) => {
    const executor = create(1)
    const folder = new Folder(t)
    const seen: unknown[] = []
    for (let round = 0; round < 20; round++) {
      // From here on in a callback of the loop's poll phase, after which immediates come first.
      await executor.submit(named.square, 1)
      const gate = folder.gate(`round ${round}`)
      const before = executor.submit(work.waitFor, gate)
      const future = executor.submit(named.send, [1, 2])
      future.onProgress((value) => seen.push(value))
      // What has settled by now would call back at once: the gate in front is shut until it is added.
      future.addDoneCallback(() => seen.push('done'))
      folder.open(gate)
      future.resultSync(SOON)
      t.deepEqual(seen, [])
      const awaited = [future.result().then(() => seen.push('awaited')), future.result(SOON).then(() => {})]
      await new Promise((resolve) => setImmediate(resolve))
      t.deepEqual(seen.splice(0), [1, 2, 'done', 'awaited'])
      await Promise.all([before, ...awaited])
    }
    await executor.shutdown()
  },
)

// From here on: what is a thread pool's alone.

test('two idle workers run two tasks in parallel, always', async (t) => {
  const executor = new ThreadPoolExecutor({ maxWorkers: 2, minWorkers: 2, env: SHARE_ENV })
  for (let round = 0; round < 400; round++) {
    const pair = [executor.submit(work.meetInEnvironment, round, 0), executor.submit(work.meetInEnvironment, round, 1)]
    for (const future of pair) if (!(await future.result(SOON))) return t.fail(`round ${round}: one ran after the other`)
  }
  t.pass()
  await executor.shutdown()
})
