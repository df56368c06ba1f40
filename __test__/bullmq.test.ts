/**
 * Tasks on executors whose workers are hosts: `BullMQExecutor` and `BullMQWorker`, with a Redis of the file's
 * own. The life of executors, jobs and hosts: bullmq-jobs.test.ts. What happens when hosts, or Redis, die:
 * bullmq-faults.test.ts.
 */
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import {
  asCompleted,
  CancelledError,
  Executor,
  FIRST_COMPLETED,
  Future,
  InvalidStateError,
  moduleTasks,
  native,
  repeat,
  share,
  TimeoutError,
  wait,
} from 'concurrent-futures'
import { BullMQExecutor, BullMQWorker } from 'concurrent-futures/bullmq'
import type { BullMQExecutorOptions } from 'concurrent-futures/bullmq'
import { errorOf, holds, modules, pairOn, Place, poolOf, work } from './bullmq-place.ts'
import type { Pair } from './bullmq-place.ts'
import { collect } from './collect.ts'
import { jobs } from './fixtures/jobs.mjs'
import { Folder, until } from './gate.ts'
import { PROMPT, SHORT, SOON } from './limits.ts'
import { redisOf } from './redis.ts'

// One at a time: the hosts share two pools.
const test = ava.serial
const redis = redisOf(ava)

const pair = (t: ExecutionContext, options?: Partial<BullMQExecutorOptions>): Pair => pairOn(t, redis(), options)

// Tasks and values.

test('a task of a module runs on a host, and its result comes back', async (t) => {
  const { own } = pair(t)
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  t.is(await own.submit(work.addLater, 1, 2), 3)
  t.is(await own.submit(jobs.pid).result(SOON), process.pid)
})

test('the executor is an Executor, and its futures are Futures of the package', async (t) => {
  const { own } = pair(t)
  t.true(own instanceof Executor)
  const future = own.submit(work.fail, 'no')
  t.true(future instanceof Future)
  t.is(typeof future.id, 'string')
  t.true((await errorOf(future)) instanceof RangeError)
  t.true((await errorOf(own.future('none-of-this-name'))) instanceof InvalidStateError)
})

test('native tasks run on a host', async (t) => {
  const { own } = pair(t)
  t.deepEqual(await own.submit(native.sha256, 'abc').result(SOON), await poolOf(1).submit(native.sha256, 'abc').result(SOON))
  t.is(await own.submit(native.crc32, new Uint8Array([1, 2, 3])).result(SOON), 0x55bc801d)
  t.deepEqual(await own.submit(native.sort, Float64Array.of(3, -0, 1, NaN, 0)).result(SOON), Float64Array.of(-0, 0, 1, 3, NaN))
  t.throws(() => own.submit(native.gzip, 'x', { levels: 3 } as never), { instanceOf: TypeError, message: /levels/ })
  t.throws(() => own.submit(native.matmul, new Float64Array(3), new Float64Array(4), { m: 2, k: 2, n: 2 }), { instanceOf: RangeError })
})

const circular: { self?: unknown; list: unknown[] } = { list: [] }
circular.self = circular
circular.list.push(circular, circular.list)
const shared = { n: 1 }

const VALUES: Record<string, unknown> = {
  undefined,
  null: null,
  'a number': 1.5,
  NaN,
  '-0': -0,
  Infinity,
  'a bigint': -(2n ** 70n),
  'a lone surrogate': 'a\ud800b',
  'a long text': 'ä'.repeat(100_000),
  'a Map': new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'x'])]]),
  'a Date': new Date(12_345),
  'a RegExp': /a+/giu,
  bytes: new Uint8Array([0, 255, 7]),
  'a large typed array': new Float64Array(30_000).fill(0.1),
  'an ArrayBuffer': new Uint8Array([1, 2, 3]).buffer,
  'an error': new RangeError('a value', { cause: 'for once' }),
  'a list with a hole': [1, , 3], // prettier-ignore
  'undefined in an object': { a: undefined, b: [undefined] },
  'what looks as encoded': { $bytes: 'AAAA', text: 'x' },
  'what looks as put elsewhere': { $key: 'bull:x', text: 'x', length: 3 },
  'what looks as a job': { 'concurrent-futures': 1, args: [1] },
  'a key __proto__': JSON.parse('{"__proto__":{"a":1}}') as unknown,
  'an object': { a: { b: [1, 'two', true, null] } },
}

test('values arrive as structuredClone has them, as arguments and as results', async (t) => {
  const { own } = pair(t)
  const names = Object.keys(VALUES)
  const futures = names.map((name) => own.submit(work.all, VALUES[name], [VALUES[name]]))
  for (const [index, name] of names.entries()) {
    t.deepEqual(await futures[index]!.result(SOON), structuredClone([VALUES[name], [VALUES[name]]]), name)
  }
  t.deepEqual(await collect(own.map(work.all, [VALUES['a Map']])), [[VALUES['a Map']]])
})

test('each value arrives also as the result itself', async (t) => {
  const { own } = pair(t)
  const names = Object.keys(VALUES)
  const futures = names.map((name) => own.submit(jobs.same, VALUES[name]))
  for (const [index, name] of names.entries()) t.deepEqual(await futures[index]!.result(SOON), structuredClone(VALUES[name]), name)
})

test('what is circular, or the same twice, is that on the other side', async (t) => {
  const { own } = pair(t)
  const [copy, one, other] = (await own.submit(work.all, circular, shared, shared).result(SOON)) as [typeof circular, object, object]
  t.is(copy.self, copy)
  t.is(copy.list[0], copy)
  t.is(copy.list[1], copy.list)
  t.is(one, other)
})

test('arguments are taken as they are at the call', async (t) => {
  const { own } = pair(t)
  const list = [1, 2]
  const future = own.submit(work.all, list, Buffer.from('ab'))
  list.push(3)
  const [first] = (await future.result(SOON)) as unknown[]
  t.deepEqual(first, [1, 2])
})

test('an argument that cannot leave the process is a DataCloneError at submit that names it', async (t) => {
  const { own } = pair(t)
  const { port1 } = new MessageChannel()
  t.teardown(() => port1.close())
  const cases: Record<string, unknown> = {
    function: () => 1,
    symbol: Symbol('s'),
    SharedArrayBuffer: new SharedArrayBuffer(4),
    'a view of shared memory': new Int32Array(new SharedArrayBuffer(4)),
    'a port': port1,
    'a future': new Future(),
    'an executor': own,
    'an AbortSignal': new AbortController().signal,
  }
  for (const [name, value] of Object.entries(cases)) {
    for (const [argument, place] of [
      [value, /argument 2\b/],
      [{ deep: [value] }, /argument 2\.deep\[0\]/],
    ] as const) {
      const error = t.throws(() => own.submit(work.all, 1, argument), { any: true } as object, name) as DOMException
      t.is(error.name, 'DataCloneError', name)
      t.regex(error.message, place, name)
    }
  }
  t.is(own.stats().queued, 0)
})

test('a result that cannot be cloned fails the future with a DataCloneError, at the first start', async (t) => {
  const { own } = pair(t)
  const file = new Folder(t).file('log')
  const error = await errorOf(own.submit(jobs.returnsFunction))
  t.is(error.name, 'DataCloneError')
  t.regex(error.message, /deep\[0\]/)
  t.is((await errorOf(own.with({ jobOptions: { attempts: 3 } }).submit(jobs.returnsFunctionOnce, file))).name, 'DataCloneError')
})

test('an error keeps its class, code, cause, data and stack', async (t) => {
  const { own } = pair(t)
  const range = await errorOf(own.submit(jobs.throws, 'range'))
  t.is(Object.getPrototypeOf(range), RangeError.prototype)
  t.is(range.message, 'too far')
  t.true(range.cause instanceof TypeError && range.cause.message === 'the cause')
  t.regex(range.stack, /jobs\.mjs/)
  const coded = await errorOf(own.submit(jobs.throws, 'coded'))
  t.like(coded, { message: 'with a code', code: 'ERR_OWN', data: { at: new Date(5), list: [1, 2] } })
  const several = await errorOf(own.submit(jobs.throws, 'aggregate'))
  t.true(several instanceof AggregateError && several.errors[0] instanceof RangeError)
  t.is(several.errors[1], 'two')
  const mine = await errorOf(own.submit(jobs.throws, 'own'))
  t.true(mine instanceof TypeError)
  t.like(mine, { name: 'ValidationError', message: 'not valid', field: 'age' })
})

test('what is thrown and no error arrives as it was thrown', async (t) => {
  const { own } = pair(t)
  const thrown = async (kind: string): Promise<unknown> => {
    try {
      await own.submit(jobs.throws, kind).result(SOON)
    } catch (error) {
      return error
    }
    return t.fail('it has not thrown')
  }
  t.is(await thrown('null'), null)
  t.is(await thrown('undefined'), undefined)
  t.is(await thrown('text'), 'a text')
  t.deepEqual(await thrown('object'), { reason: new Map([['a', 1n]]) })
})

test('a result of some megabytes arrives', async (t) => {
  const { own } = pair(t)
  const bytes = await own.submit(jobs.bytes, 3_000_000).result(SOON)
  t.is(bytes.length, 3_000_000)
  t.is(bytes[2_998_272], 732 % 256)
})

// What is refused at the call.

test('a function of no module, or of a module without a name, is a TypeError at submit', async (t) => {
  const { own } = pair(t)
  t.throws(() => own.submit((a: number) => a, 1), { instanceOf: TypeError, message: /modul/ })
  const other = moduleTasks<{ square(n: number): number }>(new URL('./fixtures/tasks.mjs', import.meta.url))
  t.throws(() => own.submit(other.square, 1), { instanceOf: TypeError, message: /tasks\.mjs/ })
  t.throws(() => own.map((a: number) => a, [1]), { instanceOf: TypeError })
  t.throws(() => own.submit(5 as never), { instanceOf: TypeError })
  t.throws(() => own.submit(jobs.many as never, 1), { instanceOf: TypeError })
})

test('stream, transfer, affinity and shared values are a TypeError', async (t) => {
  const { own } = pair(t)
  t.throws(() => own.stream(jobs.many, 2), { instanceOf: TypeError })
  const bytes = new Uint8Array(8)
  t.throws(() => own.with({ transfer: [bytes.buffer] }).submit(work.all, bytes), { instanceOf: TypeError, message: /transfer/ })
  t.is(bytes.length, 8, 'untouched')
  t.throws(() => own.with({ affinity: 'a' }).submit(work.add, 1, 2), { instanceOf: TypeError, message: /affinity/ })
  using value = share({ a: 1 })
  t.throws(() => own.submit(work.all, value as never), { instanceOf: TypeError, message: /shared/i })
  t.throws(() => own.map(work.all, repeat(value, 2) as never), { instanceOf: TypeError, message: /shared/i })
  t.is(own.stats().queued, 0)
})

test('options that others decide, and unknown ones, are a TypeError that names them', (t) => {
  const connection = redis().url
  const executor = poolOf(1)
  const given = { queue: 'q', connection, modules }
  const refused = (make: () => unknown, name: RegExp): void => void t.throws(make, { instanceOf: TypeError, message: name })
  for (const name of ['concurrency', 'maxStalledCount', 'autorun', 'repeat']) {
    const options = { [name]: name === 'autorun' ? true : 3 }
    refused(() => new BullMQExecutor({ ...given, jobOptions: options as never }), new RegExp(name))
    refused(() => new BullMQWorker({ ...given, executor, workerOptions: options as never }), new RegExp(name))
  }
  refused(() => new BullMQExecutor({ ...given, maxWorkers: 3 } as never), /maxWorkers/)
  refused(() => new BullMQWorker({ ...given, executor, concurrency: 3 } as never), /concurrency/)
  refused(() => new BullMQExecutor({ ...given, queue: 5 } as never), /queue/)
  refused(() => new BullMQExecutor({ ...given, queue: 'a:b' }), /queue/)
  refused(() => new BullMQExecutor({ connection, modules } as never), /queue/)
  refused(() => new BullMQExecutor({ ...given, connection: 5 } as never), /connection/)
  refused(() => new BullMQExecutor({ queue: 'q', modules } as never), /connection/)
  refused(() => new BullMQExecutor({ ...given, modules: undefined } as never), /modules/)
  refused(() => new BullMQExecutor({ ...given, modules: { work: 5 } } as never), /./)
  refused(() => new BullMQExecutor({ ...given, jobOptions: 3 } as never), /jobOptions/)
  refused(() => new BullMQExecutor(undefined as never), /options/)
  refused(() => new BullMQWorker(given as never), /executor/)
  refused(() => new BullMQWorker({ ...given, executor: {} } as never), /executor/)
})

test('the options of with() are checked at the call, with those of jobs', async (t) => {
  const { own } = pair(t)
  t.throws(() => own.with({ jobOptions: { repeat: { every: 5 } } } as never), { instanceOf: TypeError, message: /repeat/ })
  t.throws(() => own.with({ jobOption: {} } as never), { instanceOf: TypeError, message: /jobOption/ })
  t.throws(() => own.with({ timeout: -1 }), { instanceOf: RangeError })
  for (const priority of [1_048_576, -1_048_576, 1.5, NaN])
    t.throws(() => own.with({ priority }).submit(work.add, 1, 2), { instanceOf: RangeError })
  t.throws(() => own.with({ priority: '1' } as never), { instanceOf: TypeError })
  for (const priority of [1_048_575, -1_048_575])
    t.is(await own.with({ priority }).submit(work.add, 1, priority).result(SOON), 1 + priority)
})

// Order, names, progress.

test('submit returns at once, and tasks reach the queue in the order of their submission', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const file = new Folder(t).file('log')
  const futures = Array.from({ length: 50 }, (_, n) => own.submit(work.note, file, String(n)))
  place.host()
  await Promise.all(futures)
  t.deepEqual(
    new Folder(t).notes(file),
    Array.from({ length: 50 }, (_, n) => String(n)),
  )
})

test('tasks of a higher priority run first, equal ones in order, and jobs of others without one before all', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const folder = new Folder(t)
  const file = folder.file('log')
  const submit = (priority: number, text: string): Future<string> => own.with({ priority }).submit(work.note, file, text)
  const futures = [submit(-5, 'low'), submit(0, 'usual'), submit(7, 'high 1'), submit(1_048_575, 'highest'), submit(7, 'high 2')]
  futures.push(submit(-1_048_575, 'lowest'), own.submit(work.note, file, 'usual 2'))
  const queue = place.queue()
  await until(() => own.stats().queued === futures.length, 'all are accepted')
  await holds(queue, futures.length)
  await queue.add('work#note', { args: [file, 'of others'] })
  place.host()
  await Promise.all(futures)
  t.deepEqual(folder.notes(file), ['of others', 'highest', 'high 1', 'high 2', 'usual', 'usual 2', 'low', 'lowest'])
})

test('a task has its name and its deadline on the host', async (t) => {
  const { own } = pair(t)
  t.like(await own.submit(jobs.about).result(SOON), { name: 'about', aborted: false, cancelled: false, left: undefined })
  const { name, left } = await own.with({ name: 'mine', timeout: SOON }).submit(jobs.about).result(SOON)
  t.is(name, 'mine')
  t.true(left! > 0 && left! <= SOON, String(left))
  const total = await own.with({ totalTimeout: SOON }).submit(jobs.about).result(SOON)
  t.true(total.left! > 0 && total.left! <= SOON, String(total.left))
})

test('progress arrives all, in order, before the result', async (t) => {
  const { own } = pair(t)
  const seen: unknown[] = []
  const future = own.submit(jobs.counts, 1_000)
  future.onProgress((value) => seen.push(value))
  await future.result(SOON)
  t.deepEqual(
    seen,
    Array.from({ length: 1_000 }, (_, n) => n),
  )
})

test('progress arrives while the task runs, as the values that it gave', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const gate = folder.gate()
  const values = [undefined, new Map([[1, 2n]]), { done: 0.5 }, null]
  const seen: unknown[] = []
  const future = own.submit(jobs.tells, values, gate)
  const unsubscribe = future.onProgress((value) => seen.push(value))
  await until(() => seen.length === values.length, 'all are told')
  t.deepEqual(seen, values)
  t.true(future.running())
  unsubscribe()
  folder.open(gate)
  t.is(await future.result(SOON), 'told')
})

test('a future is pending, then running, then finished', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const folder = new Folder(t)
  const gate = folder.gate()
  const future = own.submit(work.waitForLater, gate)
  t.is(future.state, 'pending')
  place.host()
  await until(() => future.running(), 'it runs')
  t.is(future.state, 'running')
  t.false(future.done())
  folder.open(gate)
  await future.result(SOON)
  t.is(future.state, 'finished')
  t.true(future.done())
})

test('result(ms) ends the waiting alone, and resultSync() is of a finished future', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const gate = folder.gate()
  const future = own.submit(work.waitForLater, gate)
  const error = await t.throwsAsync(future.result(SHORT), { instanceOf: TimeoutError })
  t.is((error as TimeoutError).phase, 'wait')
  t.throws(() => future.resultSync(), { instanceOf: InvalidStateError })
  t.throws(() => future.resultSync(5), { instanceOf: InvalidStateError })
  t.throws(() => future.exceptionSync(), { instanceOf: InvalidStateError })
  folder.open(gate)
  const value = await future.result(SOON)
  t.is(future.resultSync(), value)
  t.is(future.exceptionSync(), null)
})

test('done callbacks run once each, in their order', async (t) => {
  const { own } = pair(t)
  const seen: unknown[] = []
  const future = own.submit(work.add, 1, 2)
  future.addDoneCallback((done) => seen.push(done === future, 1))
  future.addDoneCallback(() => seen.push(2))
  await future.result(SOON)
  future.addDoneCallback(() => seen.push(3))
  t.deepEqual(seen, [true, 1, 2, 3])
})

// Cancelling.

test('a pending task that was cancelled never runs, and its job leaves the queue', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const folder = new Folder(t)
  const file = folder.file('log')
  const queue = place.queue()
  const [first, second] = [own.submit(work.note, file, 'first'), own.submit(work.note, file, 'second')]
  t.true(first.cancel({ reason: 'not needed' }), 'in the turn of its submission')
  t.is(first.state, 'cancelled')
  await holds(queue, 1)
  t.true(second.cancel())
  t.true(second.cancel(), 'again')
  await holds(queue, 0)
  const last = own.submit(work.note, file, 'last')
  place.host()
  await last.result(SOON)
  t.deepEqual(folder.notes(file), ['last'])
  const error = (await t.throwsAsync(first.result(SOON), { instanceOf: CancelledError })) as CancelledError
  t.is(error.cause, 'not needed')
  t.is(own.stats().cancelled, 2)
})

test('cancel() of a running task is false, and with interrupt it stops the task on its host', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const file = folder.file('log')
  const future = own.submit(jobs.startsAndSpins, file, 'x')
  await until(() => future.running() && folder.notes(file).length === 1, 'it runs')
  t.false(future.cancel())
  t.true(future.running())
  t.true(future.cancel({ interrupt: true, reason: 'too long' }))
  t.is(future.state, 'cancelled')
  const error = (await t.throwsAsync(future.result(SOON), { instanceOf: CancelledError })) as CancelledError
  t.is(error.cause, 'too long')
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3, 'the one worker is free')
  t.deepEqual(folder.notes(file), ['x'])
})

test('a task that heeds its signal gets to do so on the host', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const file = folder.file('log')
  const future = own.submit(jobs.notesAbort, file)
  await until(() => folder.notes(file).length === 1, 'it waits')
  future.cancel({ interrupt: true })
  await until(() => folder.notes(file).length === 2, 'it was told')
  t.deepEqual(folder.notes(file), ['waits', 'aborted'])
})

test('cancel() of a task that a host has just taken is final, and stops it', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const file = folder.file('log')
  for (let round = 0; round < 20; round++) {
    const future = own.submit(jobs.startsAndSpins, file, 'x')
    // Sometimes it is in the queue then, sometimes at the host, sometimes it runs.
    for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (future.cancel()) t.is(future.state, 'cancelled')
    else t.true(future.cancel({ interrupt: true }))
  }
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  t.is(own.stats().cancelled, 20)
})

test('a signal cancels a task, pending or running', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const folder = new Folder(t)
  const file = folder.file('log')
  const [pending, running] = [new AbortController(), new AbortController()]
  const first = own.with({ signal: pending.signal }).submit(work.note, file, 'pending')
  pending.abort(new Error('over'))
  t.is(first.state, 'cancelled')
  t.is(((await t.throwsAsync(first.result(SOON))) as Error).cause, pending.signal.reason)
  place.host()
  const second = own.with({ signal: running.signal }).submit(jobs.startsAndSpins, file, 'running')
  await until(() => second.running() && folder.notes(file).length === 1, 'it runs')
  running.abort()
  t.is(second.state, 'cancelled')
  const third = own.with({ signal: AbortSignal.abort('before') }).submit(work.note, file, 'before')
  t.is(third.state, 'cancelled')
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  t.deepEqual(folder.notes(file), ['running'])
})

// Limits of time.

test('timeout ends a task on its host, which tells where it was', async (t) => {
  const { own } = pair(t)
  await own.submit(work.add, 1, 2).result(SOON)
  const future = own.with({ timeout: 4 * SHORT }).submit(work.spin)
  const error = (await errorOf(future)) as TimeoutError
  t.true(error instanceof TimeoutError)
  t.is(error.phase, 'run')
  t.regex(String(error.taskStack), /at spin \(.*work\.mjs/)
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
  t.is(own.stats().timedOut, 1)
})

test('queueTimeout and totalTimeout end a task also where there is no host, and its job leaves the queue', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor()
  const queue = place.queue()
  const file = new Folder(t).file('log')
  const futures = [
    own.with({ queueTimeout: SHORT }).submit(work.note, file, 'x'),
    own.with({ totalTimeout: SHORT }).submit(work.note, file, 'y'),
  ]
  const errors = (await Promise.all(futures.map(errorOf))) as TimeoutError[]
  t.true(errors.every((error) => error instanceof TimeoutError))
  t.deepEqual(
    errors.map(({ phase }) => phase),
    ['queue', 'total'],
  )
  await holds(queue, 0)
  place.host()
  await own.submit(work.add, 1, 2).result(SOON)
  t.deepEqual(new Folder(t).notes(file), [])
  t.is(own.stats().timedOut, 2)
})

test('queueTimeout is over when the task begins, and totalTimeout stops one that runs', async (t) => {
  const { own } = pair(t)
  await own.submit(work.add, 1, 2).result(SOON)
  t.is(await own.with({ queueTimeout: 1_000 }).submit(work.pause, 1_100).result(SOON), 1_100)
  const error = (await errorOf(own.with({ totalTimeout: 4 * SHORT }).submit(work.spin))) as TimeoutError
  t.is(error.phase, 'total')
  t.is(await own.submit(work.add, 1, 2).result(SOON), 3)
})

test('a task that waits behind others is not later than its limits', async (t) => {
  const { own } = pair(t)
  const folder = new Folder(t)
  const gate = folder.gate()
  const first = own.submit(work.waitForLater, gate)
  await until(() => first.running(), 'the one worker is busy')
  const start = performance.now()
  const queued = (await errorOf(own.with({ queueTimeout: SHORT }).submit(work.add, 1, 2))) as TimeoutError
  const total = (await errorOf(own.with({ totalTimeout: SHORT, queueTimeout: SOON }).submit(work.add, 1, 2))) as TimeoutError
  t.deepEqual([queued.phase, total.phase], ['queue', 'total'])
  t.true(performance.now() - start < PROMPT)
  folder.open(gate)
  await first.result(SOON)
})

test('a limit of 0 fails without running', async (t) => {
  const { own } = pair(t)
  const file = new Folder(t).file('log')
  for (const limits of [{ timeout: 0 }, { queueTimeout: 0 }, { totalTimeout: 0 }]) {
    t.true((await errorOf(own.with(limits).submit(work.note, file, 'x'))) instanceof TimeoutError)
  }
  t.deepEqual(new Folder(t).notes(file), [])
})

// map, wait, with.

for (const chunkSize of [1, 3, 'auto'] as const) {
  test(`map gives the results in order, with chunkSize ${chunkSize}`, async (t) => {
    const { own } = pair(t)
    const view = own.with({ chunkSize })
    const numbers = Array.from({ length: 40 }, (_, n) => n)
    t.deepEqual(
      await collect(view.map(work.add, numbers, repeat(1))),
      numbers.map((n) => n + 1),
    )
    if (chunkSize !== 'auto') t.is(own.stats().completed, Math.ceil(40 / chunkSize))
    t.deepEqual(await collect(view.map(native.countPrimes, [10, 100])), [4, 25])
    const seen: number[] = []
    const error = await t.throwsAsync(async () => {
      for await (const value of view.map(work.failAt, numbers, repeat(17))) seen.push(value)
    })
    t.true(error instanceof RangeError && error.message === 'item 17')
    t.deepEqual(seen, numbers.slice(0, 17))
  })
}

test('a map that is left cancels what has not begun, and reads no further ahead than bufferSize', async (t) => {
  const { own } = pair(t)
  const source = async function* (): AsyncGenerator<number> {
    for (let n = 0; ; n++) yield n
  }
  for await (const value of own.with({ bufferSize: 3 }).map(work.double, source())) if (value === 10) break
  await until(() => own.stats().queued + own.stats().running === 0, 'nothing is outstanding')
  t.true(own.stats().completed <= 10)
})

test('with() is a view of the executor, and adds job options to those that there are', async (t) => {
  const place = new Place(t, redis())
  const own = place.executor({ jobOptions: { attempts: 2, removeOnFail: true } })
  const view = own.with({ name: 'named', jobOptions: { removeOnFail: false } })
  t.true(view instanceof BullMQExecutor)
  const future = view.with({ priority: 3 }).submit(work.add, 1, 2)
  const queue = place.queue()
  await holds(queue, 1)
  const job = await queue.getJob(future.id)
  t.is(job?.opts.attempts, 2)
  t.is(job?.opts.removeOnFail, false)
  t.is(own.stats().queued, 1)
  place.host()
  t.is(await future.result(SOON), 3)
})

test("wait and asCompleted mix these futures with a thread pool's and with hand-made ones", async (t) => {
  const { own } = pair(t)
  const made = new Future<number>()
  const remote = own.submit(work.add, 1, 2)
  const local = poolOf(2).submit(work.add, 3, 4)
  const { done, notDone } = await wait([remote, local, made], { returnWhen: FIRST_COMPLETED, timeout: SOON })
  t.true(done.size >= 1)
  t.true(notDone.has(made))
  made.setResult(5)
  const values: number[] = []
  for await (const future of asCompleted([remote, local, made], { timeout: SOON })) values.push(future.resultSync() as number)
  t.deepEqual(values.sort(), [3, 5, 7])
})
