/** Values that many tasks need: `share`, and `repeat`. */
import ava from 'ava'
import { moduleTasks, native, repeat, share, Shared } from 'concurrent-futures'
import type { Executor, Future } from 'concurrent-futures'
import type { ExecutionContext } from 'ava'
import { inspect } from 'node:util'
import { collect } from './collect.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { SOON } from './limits.ts'

// What is shared is counted for the process.
const test = ava.serial
const behaviour = behaviours(test)
const onThreads = behaviours(test, ['pool', 'sharedMemory', 'ports'])

const tasks = moduleTasks<typeof import('./fixtures/shared.mjs')>(new URL('./fixtures/shared.mjs', import.meta.url))

const valuesOf = (executor: Executor): number => executor.stats().shared.values

/** The message of the DataCloneError that `fn` throws. */
function refusal(t: ExecutionContext, fn: () => unknown): string {
  try {
    fn()
  } catch (error) {
    t.is((error as Error).name, 'DataCloneError')
    return (error as Error).message
  }
  t.fail('nothing was thrown')
  return ''
}

async function* late<T>(value: T): AsyncGenerator<T> {
  yield value
}

const range = (length: number): number[] => Array.from({ length }, (_, index) => index)

behaviour('a value that was shared crosses once to each worker, whatever number of tasks gets it', async (t, { create }) => {
  await using executor = create(2)
  using table = share(Array.from({ length: 20_000 }, (_, id) => ({ id, name: `row ${id}` })))
  const { values, bytes } = executor.stats().shared
  t.is(values, 1)
  t.true(bytes > 200_000 && bytes < 2_000_000, `${bytes} bytes`)
  const seen = await collect(executor.map(tasks.markFor, repeat(table), range(3_000)))
  t.deepEqual(
    seen.map(([, , item]) => item),
    range(3_000),
  )
  const workers = new Set(seen.map(([worker]) => worker))
  t.is(seen.filter(([, before]) => before === 0).length, workers.size, 'made once in each')
  t.deepEqual(executor.stats().shared, { values, bytes })
})

behaviour('each task of a worker gets the same object', async (t, { create }) => {
  await using executor = create(1)
  using object = share({ uses: 0 })
  for (const index of range(5)) {
    const [, before] = await executor.submit(tasks.mark, object).result(SOON)
    t.is(before, index)
  }
})

behaviour('any value is shared as structuredClone would give it', async (t, { create }) => {
  await using executor = create(1)
  const part = Buffer.from('a part of a pool').subarray(2, 6)
  const values: [unknown, unknown][] = [
    [undefined, ['undefined', 'undefined']],
    [7, ['number', '7']],
    [-0n, ['bigint', '0']],
    ['x'.repeat(200_000), ['string', 'x'.repeat(200_000)]],
    [
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
      ['Map', 'a', 'b'],
    ],
    [new Float64Array([1.5, 2]), ['Float64Array', 2, 1.5, 2]],
    [new Uint8Array(300_000).fill(9), ['Uint8Array', 300_000, 9, 9]],
    [part, ['Uint8Array', 4, 112, 116]],
    [new RangeError('too far'), ['RangeError', 'too far']],
    [new DOMException('what', 'AbortError'), ['AbortError', 'what']],
  ]
  for (const [value, expected] of values) {
    using shared = share(value)
    for (let again = 0; again < 2; again++) {
      t.deepEqual(await executor.submit(tasks.describe, shared).result(SOON), expected)
    }
  }
  const deep = { list: range(50).map((id) => ({ id, date: new Date(id), set: new Set([id]) })), text: '\u{1f600}' }
  using shared = share(deep)
  t.deepEqual(await executor.submit(tasks.get, shared).result(SOON), deep)
  t.is(valuesOf(executor), 1)
})

behaviour('a value is shared as it is at the call', async (t, { create }) => {
  await using executor = create(1)
  const list = [1]
  using shared = share(list)
  list.push(2)
  t.deepEqual(await executor.submit(tasks.get, shared).result(SOON), [1])
})

behaviour('a buffer that is transferred to a shared value moves, and each worker has a copy', async (t, { create }) => {
  await using executor = create(2)
  const whole = new Float64Array(50_000).fill(3)
  const inner = new Uint8Array([1, 2, 3])
  const resizable = new Uint8Array(new (ArrayBuffer as any)(4, { maxByteLength: 8 }) as ArrayBuffer).fill(5)
  using one = share(whole, { transfer: [whole.buffer] })
  using two = share({ inner }, { transfer: [inner.buffer] })
  using three = share(resizable, { transfer: [resizable.buffer as ArrayBuffer] })
  t.deepEqual([whole.length, inner.length, resizable.length], [0, 0, 0])
  for (let again = 0; again < 6; again++) {
    t.deepEqual(await executor.submit(tasks.describe, one).result(SOON), ['Float64Array', 50_000, 3, 3])
    t.deepEqual(await executor.submit(tasks.get, two).result(SOON), { inner: new Uint8Array([1, 2, 3]) })
    t.deepEqual(await executor.submit(tasks.describe, three).result(SOON), ['Uint8Array', 4, 5, 5])
  }
  t.true(executor.stats().shared.bytes >= 400_000)
})

behaviour('shared values stand beside other arguments, which keep their places and what they share', async (t, { create }) => {
  await using executor = create(1)
  const inner = { deep: [1] }
  using shared = share({ text: 'shared' })
  using number = share(5)
  t.deepEqual(await executor.submit((...args: unknown[]) => args, 1, shared, { inner }, number, inner, shared).result(SOON), [
    1,
    { text: 'shared' },
    { inner },
    5,
    inner,
    { text: 'shared' },
  ])
  const same = (first: object, x: { inner: object }, y: object, second: object): boolean[] => [first === second, x.inner === y]
  t.deepEqual(await executor.submit(same, shared, { inner }, inner, shared).result(SOON), [true, true])
  const bytes = new Uint8Array(100_000).fill(1)
  const moving = executor.with({ transfer: [bytes.buffer], name: 'moving' })
  const sum = (table: { text: string }, given: Uint8Array): [string, number] => [table.text, given.length]
  t.deepEqual(await moving.submit(sum, shared, bytes).result(SOON), ['shared', 100_000])
  t.is(bytes.length, 0)
})

behaviour('map takes a shared value by repeat, in chunks of any size, and several as an iterable', async (t, { create }) => {
  await using executor = create(2)
  using ten = share({ n: 10 })
  using twenty = share({ n: 20 })
  const sum = (one: { n: number }, two: number, three: { n: number }): number => one.n + two + three.n
  for (const chunkSize of [1, 3, 'auto'] as const) {
    const view = executor.with({ chunkSize })
    t.deepEqual(
      await collect(view.map(sum, repeat(ten), range(7), repeat({ n: 1 }))),
      range(7).map((n) => n + 11),
    )
    const mixed = [ten, { n: 1 }, twenty, ten]
    t.deepEqual(await collect(view.map(sum, mixed, range(4), repeat(twenty))), [30, 22, 42, 33])
    t.deepEqual(await collect(view.map((one: { n: number }) => one.n, [ten, ten, ten])), [10, 10, 10])
    t.deepEqual(await collect(view.map((one: { n: number }) => one.n, repeat(ten, 2))), [10, 10])
  }
})

behaviour('a stream and a broadcast take a shared value, and get the object of their worker', async (t, { create }) => {
  await using executor = create(1)
  const list = share({ numbers: range(100) })
  for (const reads of [1, 2]) {
    const stream = executor.stream(tasks.greaterThan, list, 96)
    t.deepEqual(await collect(stream), [97, 98, 99])
    t.is(await stream.future.result(SOON), reads)
  }
  const [future] = executor.broadcast(tasks.mark, list)
  t.deepEqual((await future!.result(SOON))[1], 0)
  t.is((await executor.submit(tasks.mark, list).result(SOON))[1], 1)
  const stream = executor.stream(tasks.greaterThan, list, 50)
  list.release()
  t.is((await collect(stream)).length, 49)
  t.is(await stream.future.result(SOON), 3)
  t.throws(() => executor.stream(tasks.greaterThan, list, 1), { name: 'InvalidStateError' })
  t.throws(() => executor.broadcast(tasks.mark, list), { name: 'InvalidStateError' })
  await until(() => valuesOf(executor) === 0, 'the value is free')
})

behaviour('a shared value is accepted by its initializer, and kept until the executor has shut down', async (t, { create }) => {
  const shared = share({ text: 'x'.repeat(5_000) })
  const options = { maxWorkers: 2, initializer: tasks.initialize, initargs: ['a', shared, 'b'] }
  const executor = create({ ...options, maxTasksPerWorker: 1 })
  shared.release()
  const workers = new Set<number>()
  for (let again = 0; again < 3; again++) {
    const [worker, left] = await executor.submit(tasks.initialized).result(SOON)
    t.deepEqual(left, ['a', 'x'.repeat(5_000), 'b'])
    workers.add(worker)
  }
  t.true(workers.size > 1, 'workers that came later got it, too')
  t.is(valuesOf(executor), 1)
  await executor.shutdown()
  t.is(valuesOf(executor), 0)
  t.throws(() => create(options), { name: 'InvalidStateError' })
})

behaviour('a released value is refused at submit, and release is once for all', async (t, { create }) => {
  await using executor = create(1)
  const shared = share([1])
  {
    using same = shared
    t.deepEqual(await executor.submit(tasks.get, same).result(SOON), [1])
  }
  shared.release()
  const released = { name: 'InvalidStateError', message: 'the shared value was released' }
  t.throws(() => executor.submit(tasks.get, shared), released)
  t.throws(() => executor.submit(tasks.both, 1, shared), released)
  t.throws(() => executor.map(tasks.get, [shared]), released)
  t.throws(() => executor.with({ chunkSize: 5 }).map(tasks.get, [shared, shared]), released)
  await t.throwsAsync(collect(executor.map(tasks.get, late(shared))), released)
  t.is(valuesOf(executor), 0)
})

behaviour('a task that was accepted before the release gets the value', async (t, { create }) => {
  await using executor = create(1)
  const folder = new Folder(t)
  const [note, gate] = [folder.file('note'), folder.gate()]
  const shared = share({ list: [1, 2, 3] })
  const running = executor.submit(tasks.waitAndGive, shared, note, gate)
  await until(() => folder.exists(note), 'the task runs')
  const queued = executor.submit(tasks.get, shared)
  shared.release()
  t.is(valuesOf(executor), 1)
  folder.open(gate)
  t.deepEqual(await running.result(SOON), { list: [1, 2, 3] })
  t.deepEqual(await queued.result(SOON), { list: [1, 2, 3] })
  await until(() => valuesOf(executor) === 0, 'the value is free')
})

behaviour('a cancelled task lets the value go', async (t, { create }) => {
  await using executor = create(1)
  const folder = new Folder(t)
  const [note, gate] = [folder.file('note'), folder.gate()]
  const running = executor.submit(tasks.waitAndGive, {}, note, gate)
  await until(() => folder.exists(note), 'the task runs')
  const shared = share({})
  const queued = executor.submit(tasks.get, shared)
  shared.release()
  t.is(valuesOf(executor), 1)
  t.true(queued.cancel())
  await until(() => valuesOf(executor) === 0, 'the value is free')
  folder.open(gate)
  await running.result(SOON)
})

behaviour('what a worker has made of a value goes with it, also while the worker is idle', async (t, { create }) => {
  await using executor = create(2)
  const folder = new Folder(t)
  const shared = share({ large: range(10_000) })
  const files = range(4).map((index) => folder.file(`collected-${index}`))
  await Promise.all(files.map((file) => executor.submit(tasks.noteCollection, shared, file).result(SOON)))
  await new Promise((resolve) => setTimeout(resolve, 60))
  t.deepEqual(
    files.filter((file) => folder.exists(file)),
    [],
  )
  shared.release()
  await until(() => files.every((file) => folder.exists(file)), 'every worker has let it go')
})

behaviour('a value that was collected here is freed in the workers', async (t, { inChild }) => {
  const folder = new Folder(t)
  const url = new URL('./fixtures/shared.mjs', import.meta.url).href
  const end = await inChild(
    async ({ create, moduleTasks, share }, url: string, file: string) => {
      const { existsSync } = await import('node:fs')
      const tasks = moduleTasks<any>(url)
      const executor = create(1)
      let kept: unknown[] = [share({ a: [1] })]
      await executor.submit(tasks.noteCollection, ...kept, file).result(20_000)
      const before = executor.stats().shared.values
      kept = []
      const limit = Date.now() + 20_000
      while (!existsSync(file) && Date.now() < limit) {
        ;(globalThis as any).gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await executor.shutdown()
      return [before, executor.stats().shared.values, existsSync(file)]
    },
    [url, folder.file('collected')],
    { nodeArguments: ['--expose-gc'] },
  )
  t.deepEqual([end.value, end.code, end.errors], [[1, 0, true], 0, ''])
})

behaviour('a worker that takes the place of one that died makes the value anew', async (t, { create }) => {
  await using executor = create(1)
  using shared = share({ text: 'here' })
  const [first] = await executor.submit(tasks.mark, shared).result(SOON)
  t.is(((await executor.submit(tasks.exit).exception(SOON)) as Error).name, 'WorkerLostError')
  const [second, before] = await executor.submit(tasks.mark, shared).result(SOON)
  t.not(second, first)
  t.is(before, 0)
  t.is(valuesOf(executor), 1)
})

behaviour('a task that was stopped leaves the value to the next ones', async (t, { create }) => {
  await using executor = create(1)
  using shared = share({ n: 1 })
  const spin = (object: { n: number }): never => {
    object.n++
    for (;;);
  }
  for (let again = 0; again < 3; again++) {
    const error = await executor.with({ timeout: 30 }).submit(spin, shared).exception(SOON)
    t.is((error as Error).name, 'TimeoutError')
  }
  t.true(((await executor.submit(tasks.get, shared).result(SOON)) as { n: number }).n >= 1)
})

behaviour('tasks share for their own tasks, and the value goes with the isolate', async (t, { create }) => {
  await using executor = create({ maxWorkers: 2, maxTasksPerWorker: 50 })
  const { values, bytes, seen } = await executor.submit(tasks.shareForOthers, 20).result(SOON)
  t.is(values, 1)
  t.true(bytes >= 1_000 && bytes < 3_000, `${bytes} bytes`)
  t.is(seen.length, 20)
  t.is(seen.filter(([, before]: number[]) => before === 0).length, new Set(seen.map(([worker]: number[]) => worker)).size)
  t.is(await executor.submit(tasks.shareAndBlock).result(SOON), 42)
  await executor.shutdown()
  await until(() => valuesOf(executor) === 0, 'all isolates have ended')
})

behaviour('a value that a task keeps is counted for the process, until its isolate ends', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, maxTasksPerWorker: 1 })
  const inside = await executor.submit(tasks.keep).result(SOON)
  t.is(inside.values, 1)
  t.true(inside.bytes >= 10_000)
  await until(() => valuesOf(executor) === 0, 'the isolate has ended')
  await executor.shutdown()
})

behaviour('a nested task that was accepted before the release gets the value', async (t, { create }) => {
  await using executor = create(1)
  t.deepEqual((await executor.submit(tasks.releaseAtOnce).result(SOON))[0], { n: 1 })
  await until(() => valuesOf(executor) === 0, 'the value is free')
})

behaviour('one value serves several executors', async (t, { create }) => {
  using shared = share({ n: 1 })
  const executors = [create(1), create(1)]
  for (const executor of executors) {
    t.deepEqual(await executor.submit(tasks.get, shared).result(SOON), { n: 1 })
    t.deepEqual(executor.stats().shared, executors[0]!.stats().shared)
  }
  await Promise.all(executors.map((executor) => executor.shutdown()))
})

behaviour('the value is made while the thread that has shared it is blocked', (t, { create }) => {
  const executor = create(1)
  using shared = share({ n: 6 })
  t.is(executor.submit((object: { n: number }) => object.n * 7, shared).resultSync(SOON), 42)
  void executor.shutdown()
})

behaviour('a Shared inside of another value, as a result or for a native task is an error that names it', async (t, { create }) => {
  await using executor = create(1)
  using shared = share(new Uint8Array(4))
  t.regex(
    refusal(t, () => executor.submit(tasks.get, { a: [shared] })),
    /^argument 1\.a\[0\] .* class Shared \(/,
  )
  refusal(t, () => executor.submit(tasks.get, [shared]))
  refusal(t, () => create({ initializer: tasks.get, initargs: [{ shared }] }))
  refusal(t, () => share({ shared }))
  t.throws(() => executor.submit(native.sha256, shared as never), { instanceOf: TypeError, message: /native task takes no shared/ })
  t.throws(() => executor.with({ chunkSize: 2 }).map(native.sha256, [shared as never, shared as never]), { instanceOf: TypeError })
  t.throws(() => executor.map(tasks.get, shared as never), { instanceOf: TypeError })
  t.is(await executor.submit(tasks.reportShared).result(SOON), 'DataCloneError')
  t.is(((await executor.submit(tasks.throwShared).exception(SOON)) as Error).name, 'DataCloneError')
  const error = (await executor.submit(tasks.giveShared).exception(SOON)) as Error
  t.deepEqual([error.name, /^result cannot be cloned: .*Shared/.test(error.message)], ['DataCloneError', true])
})

onThreads('memory that is shared stays shared, and what only a port carries goes beside a shared value', async (t, { create }) => {
  await using executor = create(2)
  const memory = new Int32Array(new SharedArrayBuffer(4))
  using shared = share({ memory })
  const add = (object: { memory: Int32Array }): number => Atomics.add(object.memory, 0, 1)
  await Promise.all(range(50).map(() => executor.submit(add, shared).result(SOON)))
  t.is(memory[0], 50)
  const { port1, port2 } = new MessageChannel()
  using table = share({ text: 'hello' })
  const send = (object: { text: string }, port: any): void => port.postMessage(object.text)
  const heard = new Promise((resolve) => port1.addEventListener('message', (event: any) => resolve(event.data), { once: true }))
  port1.start()
  await executor
    .with({ transfer: [port2] })
    .submit(send, table, port2)
    .result(SOON)
  t.is(await heard, 'hello')
  port1.close()
})

test('a process pool refuses a value with shared memory at submit', async (t) => {
  const { ProcessPoolExecutor } = await import('concurrent-futures')
  await using executor = new ProcessPoolExecutor(1)
  using shared = share({ memory: new SharedArrayBuffer(4) })
  const refused = /^argument 2 cannot be cloned: it holds shared memory/
  t.regex(
    refusal(t, () => executor.submit(tasks.both, 1, shared)),
    refused,
  )
  t.regex(
    refusal(t, () => new ProcessPoolExecutor({ initializer: tasks.both, initargs: [1, shared] })),
    refused,
  )
})

test('what only a MessagePort carries cannot be shared, and wrong options are refused', (t) => {
  const { port1 } = new MessageChannel()
  t.regex(
    refusal(t, () => share({ port: port1 })),
    /^the shared value\.port cannot be cloned/,
  )
  t.regex(
    refusal(t, () => share([new Blob([])])),
    /^the shared value\[0\] cannot be cloned: an object of class Blob/,
  )
  refusal(t, () => share(port1, { transfer: [port1 as never] }))
  refusal(t, () => share(() => 1))
  port1.close()
  t.throws(() => share(1, { transfre: [] } as never), { instanceOf: TypeError, message: /transfre/ })
  t.throws(() => share(1, { transfer: 5 } as never), { instanceOf: TypeError })
  t.throws(() => new Shared(), { instanceOf: TypeError })
  const detached = new ArrayBuffer(8)
  structuredClone(detached, { transfer: [detached] })
  refusal(t, () => share(detached))
})

test('what is refused is left as it is, and getters are called once', (t) => {
  let calls = 0
  const buffer = new ArrayBuffer(8)
  const bad = {
    buffer,
    get value() {
      calls++
      return 1
    },
    fn: () => 1,
  }
  refusal(t, () => share(bad, { transfer: [buffer] }))
  t.is(buffer.byteLength, 8)
  calls = 0
  share({
    get value() {
      return calls++
    },
    memory: new SharedArrayBuffer(4),
  }).release()
  t.is(calls, 1)
})

test('a Shared shows its size, or that it was released', (t) => {
  const shared = share(new Uint8Array(100))
  t.is(inspect(shared), 'Shared <100 bytes>')
  t.is(inspect({ shared }), '{ shared: Shared <100 bytes> }')
  shared.release()
  t.is(inspect(shared), 'Shared <released>')
  t.true(shared instanceof Shared)
})

test('repeat gives a value so many times, to each reader anew', (t) => {
  const twice = repeat('x', 2)
  t.deepEqual([[...twice], [...twice], [...repeat(1, 0)]], [['x', 'x'], ['x', 'x'], []])
  let count = 0
  for (const value of repeat(3)) if (value !== 3 || ++count === 1_000) break
  t.is(count, 1_000)
  t.throws(() => repeat(1, -1), { instanceOf: RangeError })
  t.throws(() => repeat(1, 1.5), { instanceOf: RangeError })
  t.throws(() => repeat(1, '2' as never), { instanceOf: TypeError })
})

behaviour('a map of nothing but endless iterables needs a bufferSize', async (t, { create }) => {
  await using executor = create(1)
  t.throws(() => executor.map(tasks.get, repeat(1)), { instanceOf: RangeError, message: /bufferSize/ })
  let count = 0
  for await (const value of executor.with({ bufferSize: 4 }).map(tasks.get, repeat(7))) {
    t.is(value, 7)
    if (++count === 10) break
  }
})

/** Compiles: each argument is a value or what stands for it. */
export function types(executor: Executor): void {
  const look = (table: Map<number, string>, key: number): string => table.get(key) ?? ''
  const table: Shared<Map<number, string>> = share(new Map([[1, 'one']]))
  const texts: Future<string>[] = [executor.submit(look, table, 1), executor.submit(look, new Map(), share(1))]
  const sizes: Future<number>[] = [executor.submit((map) => map.size, table)]
  const all: AsyncIterableIterator<string>[] = [executor.map(look, repeat(table), [1, 2])]
  // @ts-expect-error of another type
  texts.push(executor.submit(look, share(new Map([['a', 1]])), 1))
  // @ts-expect-error too few
  texts.push(executor.submit(look, table))
  // @ts-expect-error no iterable
  all.push(executor.map(look, table, [1]))
  void [texts, sizes, all]
}

behaviour('large values arrive whole in each of several workers', async (t, { create }) => {
  await using executor = create(2)
  const bytes = Uint8Array.from({ length: 100_000 }, (_, n) => n)
  const values = [
    bytes,
    bytes.buffer,
    new Float32Array(bytes.buffer, 0, 20_000),
    'é'.repeat(50_000),
    '–'.repeat(50_000),
    new Map([['all', bytes]]),
    [bytes, 'x'.repeat(100_000)],
  ]
  for (const value of values) {
    using shared = share<unknown>(value)
    const got = await Promise.all(range(4).map(() => executor.submit(tasks.get, shared).result(SOON)))
    for (const each of got) t.deepEqual(each, value)
  }
})

behaviour('what a stream was given is let go of when its worker dies', async (t, { create }) => {
  await using executor = create(1)
  const before = valuesOf(executor)
  for (let n = 0; n < 3; n++) {
    using table = share(new Uint8Array(50_000))
    const stream = executor.with({ bufferSize: 1 }).stream(function* (table: Uint8Array) {
      yield table.length
      if (table.length > 0) process.exit(1)
    }, table)
    t.deepEqual(await stream.next(), { done: false, value: 50_000 })
    await t.throwsAsync(stream.next(), { name: 'WorkerLostError' })
  }
  await until(() => valuesOf(executor) === before, 'they are freed')
  t.pass()
})
