/** What moves instead of being copied. */
import { createHash } from 'node:crypto'
import { markAsUntransferable } from 'node:worker_threads'
import test from 'ava'
import { moduleTasks, native, QueueFullError, transfer } from '../dist/index.js'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'

const behaviour = behaviours(test)
const withPorts = behaviours(test, ['pool', 'ports'])
const sharing = behaviours(test, ['pool', 'sharedMemory'])

const carried = moduleTasks<any>(new URL('./fixtures/carried.mjs', import.meta.url))
const work = moduleTasks<any>(new URL('./fixtures/work.mjs', import.meta.url))

const look = (value: any): unknown[] => [value.constructor.name, value.byteLength, (value.buffer ?? value).byteLength]

for (const size of [8, 64, 1 << 16, 16 << 20]) {
  behaviour(`${size} bytes move to a task, whatever they are`, async (t, { shared }) => {
    const executor = shared(2)
    const made = [
      new ArrayBuffer(size),
      new Uint8Array(size),
      new Float64Array(size / 8),
      new DataView(new ArrayBuffer(size)),
      Buffer.from(new ArrayBuffer(size)),
    ]
    for (const value of made) {
      const name = Buffer.isBuffer(value) ? 'Uint8Array' : value.constructor.name
      const buffer = (value as Uint8Array).buffer ?? value
      t.deepEqual(
        await executor
          .with({ transfer: [buffer] })
          .submit(look, value)
          .result(),
        [name, size, size],
      )
      t.is(buffer.byteLength, 0)
    }
  })

  behaviour(`${size} bytes move to a task and back`, async (t, { shared }) => {
    const executor = shared(2)
    let bytes = new Uint8Array(size)
    bytes[size - 1] = 1
    for (let round = 2; round < 5; round++) {
      bytes = (await executor
        .with({ transfer: [bytes.buffer] })
        .submit(carried.bump, bytes)
        .result()) as Uint8Array<ArrayBuffer>
      t.is(bytes.length, size)
      t.is(bytes[size - 1], round)
    }
  })

  behaviour(`${size} bytes move to a native task, and so does a part of them`, async (t, { shared }) => {
    const executor = shared(2)
    for (const [from, to] of [
      [0, size],
      [3, size - 2],
      [5, 5],
    ] as const) {
      const bytes = new Uint8Array(size).fill(from + 1)
      const part = bytes.subarray(from, to)
      const expected = createHash('sha256').update(part).digest('hex')
      const digest = await executor
        .with({ transfer: [bytes.buffer] })
        .submit(native.sha256, part)
        .result()
      t.is(Buffer.from(digest).toString('hex'), expected)
      t.is(bytes.length, 0)
    }
  })
}

behaviour('numbers that lie askew move to a native task', async (t, { shared }) => {
  const executor = shared(2)
  const buffer = new ArrayBuffer(40)
  const numbers = new Float64Array(buffer, 8, 3)
  numbers.set([3, 1, 2])
  t.deepEqual(
    await executor
      .with({ transfer: [buffer] })
      .submit(native.sort, numbers)
      .result(),
    new Float64Array([1, 2, 3]),
  )
  t.is(buffer.byteLength, 0)
})

behaviour('what is in the list and is no argument moves too', async (t, { shared }) => {
  const executor = shared(2)
  const [one, two] = [new Uint8Array(4), new Uint8Array(4)]
  t.is(
    await executor
      .with({ transfer: [one.buffer, two.buffer] })
      .submit(native.crc32, one)
      .result(),
    558161692,
  )
  t.deepEqual([one.length, two.length], [0, 0])
})

behaviour('a task that is refused leaves the bytes untouched', async (t, { create }) => {
  const folder = new Folder(t)
  const gate = folder.gate()
  const narrow = create({ maxWorkers: 1, maxQueue: 1 })
  const busy = narrow.submit(work.waitFor, gate)
  await until(() => busy.running(), 'the first task runs')
  const queued = narrow.submit(work.waitFor, gate)
  const bytes = new Uint8Array([1, 2, 3])
  for (const fn of [native.sha256, look])
    t.throws(() => narrow.with({ transfer: [bytes.buffer] }).submit(fn as never, bytes as never), {
      instanceOf: QueueFullError,
    })
  t.deepEqual([...bytes], [1, 2, 3])
  folder.open(gate)
  await Promise.all([busy, queued])
  await narrow.shutdown()
  t.throws(() => narrow.with({ transfer: [bytes.buffer] }).submit(look, bytes))
  t.deepEqual([...bytes], [1, 2, 3])
})

behaviour('the memory of WebAssembly does not move: submit says so, and nothing is queued', async (t, { create }) => {
  await using executor = create(1)
  const { buffer } = new (globalThis as any).WebAssembly.Memory({ initial: 1 }) as { buffer: ArrayBuffer }
  for (const value of [new Uint8Array(buffer), buffer, [buffer]]) {
    for (const fn of [native.sha256, look]) {
      if (fn === native.sha256 && Array.isArray(value)) continue
      let name = ''
      try {
        executor.with({ transfer: [buffer] }).submit(fn as never, value as never)
      } catch (error) {
        name = (error as Error).name
      }
      t.is(name, 'DataCloneError')
    }
  }
  t.is(buffer.byteLength, 65_536)
  t.is(executor.stats().queued, 0)
  const error = (await executor.submit(carried.moveWasm).exception()) as Error
  t.is(error.name, 'DataCloneError')
  t.is(await executor.submit(() => 'well').result(), 'well')
})

withPorts(
  'a buffer that is marked as untransferable does not move, nor does the pool that small Buffers share: every other Buffer in it would break',
  async (t, { create }) => {
    await using executor = create(1)
    const marked = new ArrayBuffer(8)
    markAsUntransferable(marked)
    const small = Buffer.from('small')
    for (const [value, buffer] of [
      [small, small.buffer],
      [{ small }, small.buffer],
      [marked, marked],
      [[marked, new Blob([])], marked],
    ] as const) {
      const before = buffer.byteLength
      for (const fn of [native.sha256, look]) {
        if (fn === native.sha256 && value !== small && value !== marked) continue
        const error = t.throws(() => executor.with({ transfer: [buffer as ArrayBuffer] }).submit(fn as never, value as never), {
          any: true,
        }) as Error
        t.is(error.name, 'DataCloneError')
        t.regex(error.message, /^transfer\[0\] cannot be moved: it is marked as untransferable/)
        t.is(buffer.byteLength, before)
      }
    }
    t.is(small.toString(), 'small')
    t.is(Buffer.from('another').toString(), 'another')
    t.is(executor.stats().queued, 0)
    const error = (await executor.submit(carried.movePool).exception()) as Error
    t.is(error.name, 'DataCloneError')
    t.is(await executor.submit(() => Buffer.from('well').toString()).result(), 'well')
  },
)

behaviour('transfer() gives the value back: a function that uses it may be called directly, here and by a task', async (t, { shared }) => {
  const executor = shared(2)
  const bytes = new Uint8Array(4)
  t.is(transfer(bytes, [bytes.buffer]), bytes)
  t.is(transfer(5, [bytes.buffer]), 5)
  t.is(bytes.byteLength, 4)
  t.deepEqual(await executor.submit((value: Uint8Array) => value, bytes).result(), bytes)
  t.deepEqual(await executor.submit(carried.callDirectly).result(), [[new Uint8Array(3).fill(7)], 3])
})

behaviour('transfer() counts for one crossing: an object may move something, and later leave without', async (t, { create }) => {
  await using one = create(1)
  const results = [await one.submit(carried.moveOnce).result(), await one.submit(carried.moveOnce).result()]
  t.deepEqual(results, [{ bytes: new Uint8Array(3) }, { bytes: new Uint8Array(5) }])
})

behaviour('transfer() moves a progress value', async (t, { shared }) => {
  const executor = shared(2)
  const values: unknown[] = []
  const future = executor.submit(carried.moveProgress)
  future.onProgress((value) => values.push(value))
  t.is(await future.result(), 0)
  t.deepEqual(values, [{ bytes: new Uint8Array(3) }])
})

behaviour('what several results of a chunk move, moves once', async (t, { shared }) => {
  const executor = shared(2)
  const results: Uint8Array[] = []
  for await (const bytes of executor.with({ chunkSize: 3 }).map(carried.moveShared, ['one', 'one', 'one']))
    results.push(bytes as Uint8Array)
  t.deepEqual(results, [new Uint8Array(8), new Uint8Array(8), new Uint8Array(8)])
  t.is(results[0]?.buffer, results[2]?.buffer)
})

sharing('the shared memory of WebAssembly is shared, whichever way it travels', async (t, { create }) => {
  const executor = create(1)
  const { Memory } = (globalThis as any).WebAssembly
  const { buffer } = new Memory({ initial: 1, maximum: 2, shared: true }) as { buffer: SharedArrayBuffer }
  const first = new Uint8Array(buffer)
  const add = (bytes: Uint8Array): number => ++bytes[0]!
  t.is(await executor.submit(add, first), 1)
  t.is(await executor.submit((buffer: SharedArrayBuffer) => ++new Uint8Array(buffer)[0]!, buffer), 2)
  const value = { a: buffer, text: 'ä\u{1F600}'.repeat(3), b: [first, false, buffer], c: new SharedArrayBuffer(4) }
  const back = await executor.submit((value: any) => (++new Uint8Array(value.a)[0]!, value), value)
  t.deepEqual(
    [first[0], back.a === back.b[2], back.b[0].buffer === back.a, back.b[1], back.text, back.c.byteLength],
    [3, true, true, false, value.text, 4],
  )
  new Uint8Array(back.a)[0] = 9
  t.is(first[0], 9)
  const made = await executor.submit(() => ({
    memory: new (globalThis as any).WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }).buffer,
  }))
  t.is(made.memory.byteLength, 65_536)
  await executor.shutdown()
})
