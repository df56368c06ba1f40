/** What the channels of `node:diagnostics_channel` tell of tasks and workers. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { CancelledError, native, QueueFullError, ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'
import type { RunMessage, TaskMessage, WorkerMessage } from 'concurrent-futures'
import { collect } from './collect.ts'
import { behaviours } from './executors.ts'
import type { Create } from './executors.ts'
import { observed } from './fixtures/observed.mjs'
import { Folder, until } from './gate.ts'
import { SHORT, SOON } from './limits.ts'

const test = ava.serial
const behaviour = behaviours(test)

const PARTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const
type Part = (typeof PARTS)[number]

interface Told {
  readonly part: Part
  readonly message: TaskMessage
  readonly id: number | string | undefined
}

/** Notes what is told of submissions, until the test ends. */
function watchTasks(t: ExecutionContext, onStart: (message: TaskMessage) => void = () => {}): Told[] {
  const told: Told[] = []
  for (const part of PARTS) {
    const listen = (message: unknown): void => {
      if (part === 'start') onStart(message as TaskMessage)
      told.push({ part, message: message as TaskMessage, id: (message as TaskMessage).id })
    }
    const one = channel(`tracing:concurrent-futures:task:${part}`)
    one.subscribe(listen)
    t.teardown(() => one.unsubscribe(listen))
  }
  return told
}

const partsOf = (told: readonly { part: string }[]): string[] => told.map(({ part }) => part)

behaviour('a submission is told from its start to its delivery', async (t, { create, kind }) => {
  const told = watchTasks(t)
  await using executor = create({ maxWorkers: 1, name: 'mine' })
  const future = executor.with({ priority: 3 }).submit(observed.add, 1, 2)
  t.deepEqual(partsOf(told), ['start', 'end'])
  t.is(await future, 3)
  t.deepEqual(partsOf(told), ['start', 'end', 'asyncStart', 'asyncEnd'])
  const { message } = told[0] as Told
  t.true(
    told.every((one) => one.message === message),
    'it is one object',
  )
  const { id, carrier, ...rest } = message
  t.deepEqual(rest, { executor: 'mine', kind, name: 'add', priority: 3, result: 3 } as never)
  t.deepEqual([Object.getPrototypeOf(carrier), Object.keys(carrier)], [null, []])
  t.is(told[0]?.id, undefined, 'the id is there from end on')
  t.is(told[1]?.id, id)
  const [own, name] = await executor.with({ name: 'called' }).submit(observed.idAndName)
  t.is(told[5]?.id, own)
  t.deepEqual([name, told[4]?.message.name], ['called', 'called'])
})

behaviour('a failure, a cancel, a time-out and a refusal are errors', async (t, { create }) => {
  const told = watchTasks(t)
  await using executor = create({ maxWorkers: 1, maxQueue: 1 })
  await executor.submit(observed.fails).exception()
  t.deepEqual(partsOf(told.splice(0)), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  const slow = executor.submit(observed.spin)
  await until(() => slow.running(), 'it runs')
  const busy = (await executor.dump()).find(({ task }) => task !== undefined)
  t.is(busy?.task?.name, 'spin', 'the carrier is none of the name')
  const waiting = executor.submit(observed.add, 1, 1)
  told.splice(0)
  t.throws(() => executor.submit(observed.add, 1, 1), { instanceOf: QueueFullError })
  t.deepEqual(partsOf(told), ['start', 'error', 'end'])
  t.true(told[0]?.message.error instanceof QueueFullError)
  t.is(told[0]?.message.id, undefined)
  told.splice(0)
  t.true(waiting.cancel())
  t.deepEqual(partsOf(told), ['error', 'asyncStart', 'asyncEnd'])
  t.true(told[0]?.message.error instanceof CancelledError)
  told.splice(0)
  t.true(slow.cancel({ interrupt: true }))
  t.deepEqual(partsOf(told), ['error', 'asyncStart', 'asyncEnd'])
  t.true(told[0]?.message.error instanceof CancelledError)
  const late = executor.with({ timeout: SHORT }).submit(observed.spin)
  told.splice(0)
  t.true((await late.exception()) instanceof TimeoutError)
  t.deepEqual(partsOf(told), ['error', 'asyncStart', 'asyncEnd'])
  t.true(told.splice(0)[0]?.message.error instanceof TimeoutError)
  t.throws(() => executor.submit('add' as never), { instanceOf: TypeError })
  t.deepEqual(partsOf(told), ['start', 'error', 'end'])
  told.splice(0)
  const reason = new Error('gone')
  const aborted = executor.with({ signal: AbortSignal.abort(reason) }).submit(observed.add, 1, 1)
  t.true(aborted.cancelled())
  t.deepEqual(partsOf(told), ['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  t.is((told[0]?.message.error as Error | undefined)?.cause, reason)
  await executor.shutdown()
  told.splice(0)
  t.throws(() => executor.submit(observed.add, 1, 1))
  t.deepEqual(partsOf(told), ['start', 'error', 'end'])
})

behaviour('streams, broadcasts, chunks of maps and native tasks are told, each task', async (t, { create }) => {
  const told = watchTasks(t)
  await using executor = create(2)
  const stream = executor.stream(observed.count, 3)
  t.deepEqual(await collect(stream), [0, 1, 2])
  t.deepEqual(partsOf(told), ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.deepEqual([told[0]?.message.name, told[0]?.message.result], ['count', 'end'])
  told.splice(0)
  const chunks = executor.with({ chunkSize: 2 }).map(observed.double, [0, 1, 2, 3])
  await t.throwsAsync(async () => {
    for await (const value of chunks) t.true(value <= 4)
  })
  await until(() => told.length === 9, 'both chunks have been delivered')
  const [one, other] = new Set(told.map(({ message }) => message))
  t.deepEqual([one?.name, one?.result, one?.error], ['double', [0, 2], undefined])
  t.deepEqual([other?.result, (other?.error as Error | undefined)?.message], [[4], 'three'])
  told.splice(0)
  await executor.warmUp()
  const futures = executor.broadcast(observed.idAndName)
  t.deepEqual(partsOf(told), ['start', 'start', 'end', 'end'])
  const ids = (await Promise.all(futures)).map(([id]) => id as number)
  t.deepEqual(new Set(told.map(({ message }) => message.id)), new Set<unknown>(ids))
  t.is(told.length, 8)
  told.splice(0)
  t.throws(() => executor.broadcast(native.crc32 as never, 'x'), { instanceOf: TypeError })
  t.deepEqual(partsOf(told), ['start', 'error', 'end'])
  told.splice(0)
  await executor.submit(native.crc32, 'x')
  t.deepEqual(partsOf(told), ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.deepEqual([told[0]?.message.name, typeof told[0]?.message.result], ['crc32', 'number'])
})

behaviour('a blocking wait delivers in the next turn, and a callback that is added in time at once', async (t, { create }) => {
  const told = watchTasks(t)
  await using executor = create(1)
  t.is(executor.submit(observed.add, 1, 2).resultSync(SOON), 3)
  t.deepEqual(partsOf(told), ['start', 'end'])
  await until(() => told.length === 4, 'it is delivered')
  told.splice(0)
  const future = executor.submit(observed.add, 1, 2)
  while (!future.done());
  const order: string[] = []
  future.addDoneCallback(() => order.push(...partsOf(told)))
  t.deepEqual(order, ['start', 'end', 'asyncStart', 'asyncEnd'])
})

behaviour('stores that are bound to the start hold at the submission, and at its end', async (t, { create }) => {
  const store = new AsyncLocalStorage<string>()
  const { start, asyncEnd } = tracingChannel<unknown, TaskMessage>('concurrent-futures:task')
  start.bindStore(store, ({ name }) => `bound to ${name}`)
  const atEnd: unknown[] = []
  const listen = (): void => void atEnd.push(store.getStore())
  asyncEnd.subscribe(listen)
  t.teardown(() => {
    start.unbindStore(store)
    asyncEnd.unsubscribe(listen)
  })
  await using executor = create(1)
  await store.run('outer', async () => {
    await executor.submit(observed.add, 1, 2)
    t.is(store.getStore(), 'outer')
  })
  t.deepEqual(atEnd, ['bound to add'])
})

behaviour('runs are told where they happen, with the carrier of their submission', async (t, { create }) => {
  const told = watchTasks(t, ({ carrier, name }) => {
    carrier['trace'] = `of ${name}`
    carrier['__proto__'] = 'a key like any other'
    Object.assign(carrier, { number: 1, nothing: undefined })
  })
  await using executor = create({ maxWorkers: 1, initializer: observed.watchRuns })
  const runs = async (): Promise<(RunMessage & Record<string, unknown>)[]> => (await executor.submit(observed.runs)) as never
  t.is(await executor.submit(observed.add, 1, 2), 3)
  const [start, end, ...none] = await runs()
  t.deepEqual(none, [])
  t.is(start?.id, told[0]?.message.id as number)
  t.like(start, { part: 'start', name: 'add', task: start?.id, store: 'add of add', error: undefined })
  t.deepEqual(Object.entries(start?.carrier ?? {}), [
    ['trace', 'of add'],
    ['__proto__', 'a key like any other'],
  ])
  const dumps = await executor.dump()
  t.true(dumps.some(({ threadId }) => threadId === start?.threadId))
  t.like(end, { part: 'end', id: start?.id, result: 3 })

  t.deepEqual(await executor.with({ name: '\0odd:name' }).submit(observed.later, 'x'), ['x', '\0odd:name of \0odd:name'])
  const later = await runs()
  t.deepEqual(partsOf(later as never), ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.is(later[0]?.name, '\0odd:name')
  t.true(later.every(({ store, task }) => store === '\0odd:name of \0odd:name' && task === later[0]?.id))

  await executor.submit(observed.fails).exception()
  await executor.submit(observed.failsLater).exception()
  const failed = await runs()
  t.deepEqual(partsOf(failed as never), ['start', 'error', 'end', 'start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  t.deepEqual([failed[1]?.error, failed[5]?.error], ['RangeError: no', 'RangeError: later'])

  await collect(executor.stream(observed.count, 40))
  const stream = await runs()
  t.deepEqual(partsOf(stream as never), ['start', 'end', 'asyncStart', 'asyncEnd'])
  t.is(stream[3]?.result, 'end')
  await collect(executor.with({ chunkSize: 2 }).map(observed.double, [1, 2])).catch(() => {})
  t.like((await runs())[1], { part: 'end', name: 'double', result: [2, 4] })

  t.deepEqual(
    await executor.submit(observed.carrier),
    Object.fromEntries([
      ['trace', 'of carrier'],
      ['__proto__', 'a key like any other'],
    ]),
  )
})

behaviour('a run that a stop has cut off has an end', async (t, { create }) => {
  await using executor = create({ maxWorkers: 1, initializer: observed.watchRuns })
  await executor.submit(observed.add, 1, 1)
  await executor.submit(observed.runs)
  const [first] = await executor.dump()
  await executor.with({ timeout: SHORT }).submit(observed.spin).exception()
  const after = (await executor.submit(observed.runs)) as Record<string, unknown>[]
  const [second] = await executor.dump()
  if (first?.threadId !== second?.threadId) {
    t.pass('the worker was replaced')
    return
  }
  t.deepEqual(partsOf(after as never), ['start', 'error', 'end'])
  t.regex(after[1]?.['error'] as string, /^CancelledError/)
})

behaviour('without subscribers there is no carrier', async (t, { create }) => {
  await using executor = create({ maxWorkers: 1, initializer: observed.watchRuns })
  t.false(await executor.submit(observed.hasCarrier))
  const [start] = (await executor.submit(observed.runs)) as Record<string, unknown>[]
  t.is(start?.['carrier'], undefined)
  t.is(start?.['name'], 'hasCarrier')
})

behaviour('a task that submits is told in its own thread, by the id of the executor', async (t, { create }) => {
  await using executor = create(2)
  // Ids of the executor, and not of what a child keeps of it.
  for (let at = 0; at < 5; at++) await executor.submit(observed.add, at, at)
  const { told, id, carrier } = (await executor.submit(observed.nested)) as Record<string, any>
  t.like(told[0], { id, name: 'idAndCarrier', executor: executor.stats().name, kind: executor.stats().kind })
  t.deepEqual(carrier, { trace: 'nested' })
})

behaviour('stats() tells name and kind of the executor, also in its tasks', async (t, { create, kind }) => {
  await using executor = create({ name: 'images' })
  t.deepEqual([executor.stats().name, executor.stats().kind], ['images', kind])
  t.deepEqual(await executor.submit(observed.stats), ['images', kind])
  await using other = create()
  t.regex(other.stats().name, new RegExp(`^${kind}-pool-\\d+$`))
  t.throws(() => create({ name: 1 as never }), { instanceOf: TypeError })
})

behaviour('histograms have sums, and cumulative buckets whose last has no bound', async (t, { create }) => {
  await using executor = create(1)
  const empty = executor.stats().runTime
  t.true(empty.buckets.every(({ count }) => count === 0))
  for (let at = 0; at < 5; at++) await executor.submit(observed.add, at, at)
  for (const { count, sum, mean, min, max, buckets } of [executor.stats().runTime, executor.stats().waitTime]) {
    t.is(count, 5)
    t.true(Math.abs(sum - 5 * mean) < 1e-6 * sum + 1e-9)
    t.deepEqual(buckets.at(-1), { le: Infinity, count: 5 })
    for (const [at, { le, count }] of buckets.entries()) {
      const before = buckets[at - 1]
      if (before !== undefined) t.true(le > before.le && count >= before.count)
      if (le >= max) t.is(count, 5)
      if (le < min) t.is(count, 0)
    }
  }
})

/**
 * Notes what is told of the workers of these executors, until the test ends: those of others may still leave.
 */
function watchWorkers(t: ExecutionContext, ...names: string[]): WorkerMessage[] {
  const told: WorkerMessage[] = []
  const listen = (message: unknown): void => {
    if (names.includes((message as WorkerMessage).executor)) told.push(message as WorkerMessage)
  }
  channel('concurrent-futures:worker').subscribe(listen)
  t.teardown(() => channel('concurrent-futures:worker').unsubscribe(listen))
  return told
}

behaviour('the life of workers is told where the executor was made', async (t, { create, workerKind, nativeKind }) => {
  const told = watchWorkers(t, 'watched')
  const executor = create({ name: 'watched', maxWorkers: 1 })
  await executor.submit(observed.add, 1, 1)
  const threadId = (await executor.dump()).find(({ kind }) => kind === workerKind)?.threadId
  await until(() => told.length > 0, 'the start is told')
  t.deepEqual(told[0], { executor: 'watched', event: 'start', threadId, exitCode: undefined, task: undefined } as never)
  const slow = executor.with({ timeout: SHORT }).submit(observed.spin)
  await slow.exception()
  await until(() => told.some(({ event }) => event === 'interrupt'), 'the interrupt is told')
  const interrupts = told.filter(({ event }) => event === 'interrupt')
  t.is(interrupts.length, 1)
  t.like(interrupts[0], { executor: 'watched', threadId, exitCode: undefined })
  t.is(typeof interrupts[0]?.task, 'number')
  if (nativeKind === 'native') {
    told.splice(0)
    await executor.submit(native.crc32, 'x')
    await until(() => told.some((one) => one.event === 'start' && one.threadId === 0), 'a native thread is told')
  }
  await executor.shutdown()
  await until(() => told.some((one) => one.event === 'exit' && one.threadId === threadId), 'the exit is told')
  t.is(told.find((one) => one.event === 'exit' && one.threadId === threadId)?.exitCode, 0)
})

behaviour('a worker that dies is told with its exit code', async (t, { create }) => {
  const told = watchWorkers(t, 'dies')
  await using executor = create({ maxWorkers: 1, name: 'dies' })
  await executor.submit(() => process.exit(7)).exception()
  const exit = (): WorkerMessage | undefined => told.find(({ event }) => event === 'exit')
  await until(() => exit() !== undefined, 'the exit is told')
  t.is(exit()?.exitCode, 7)
})

test('a thread that does not come back is told to be abandoned, by the number that its start had', async (t) => {
  const told = watchWorkers(t, 'stuck')
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, name: 'stuck' })
  const folder = new Folder(t)
  const file = folder.file('stuck')
  const stuck = executor.submit((file) => {
    process.getBuiltinModule('node:child_process').execSync(`touch ${file}; sleep 5`)
  }, file)
  await until(() => folder.exists(file), 'it is in the call')
  stuck.cancel({ interrupt: true })
  await executor.submit(() => 1)
  await until(() => told.some(({ event }) => event === 'abandon'), 'it is told')
  const abandoned = told.find(({ event }) => event === 'abandon')
  t.like(abandoned, { executor: 'stuck', threadId: told.find(({ event }) => event === 'start')?.threadId })
  await executor.shutdown()
})

behaviour('NODE_DEBUG logs the life of workers, and nothing else does', async (t, { inChild }) => {
  const life = async ({ create }: { create: Create }): Promise<number> => {
    const executor = create({ maxWorkers: 1, name: 'logged' })
    const value = await executor.submit(() => 1)
    await executor.shutdown()
    return value
  }
  const logged = await inChild(life, [], { env: { NODE_DEBUG: 'concurrent-futures' } })
  const quiet = await inChild(life, [])
  t.regex(logged.errors, /CONCURRENT-FUTURES \d+: logged: made, of at most 1 workers/)
  t.regex(logged.errors, /logged: start \d+\n/)
  t.regex(logged.errors, /logged: exit \d+ with exit code 0\n/)
  t.regex(logged.errors, /logged: closed\n/)
  t.notRegex(quiet.errors, /logged/)
})
