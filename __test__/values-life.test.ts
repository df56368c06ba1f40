/** How long values live, how large they may be, and in whose context they arrive: with real workers. */
import { AsyncLocalStorage } from 'node:async_hooks'
import ava from 'ava'
import { asCompleted, moduleTasks, ThreadPoolExecutor, wait, WorkerLostError } from 'concurrent-futures'
import { cleanEnd, ended, inChild } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder } from './gate.ts'
import { SOON } from './limits.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)
const everywhere = behaviours(test, [])
const sharing = behaviours(test, ['pool', 'sharedMemory'])

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))
const options = { nodeArguments: ['--expose-gc'] }

everywhere('callbacks, continuations and iterations run in the async context of the submitter', async (t, { create }) => {
  await using executor = create(2)
  const storage = new AsyncLocalStorage<number>()
  const seen: unknown[] = []
  const runs = Array.from({ length: 10 }, (_, n) =>
    storage.run(n, async () => {
      const future = executor.submit(work.add, n, 0)
      future.addDoneCallback(() => seen.push([n, storage.getStore()]))
      future.onProgress(() => seen.push('never'))
      const kept = [storage.getStore()]
      await future
      kept.push(storage.getStore())
      await future.result(SOON)
      kept.push(storage.getStore())
      await wait([executor.submit(work.add, 1, 1)], { timeout: SOON })
      kept.push(storage.getStore())
      for await (const _done of asCompleted([executor.submit(work.add, 1, 1)])) kept.push(storage.getStore())
      for await (const _value of executor.map(work.double, [1])) kept.push(storage.getStore())
      return kept
    }),
  )
  for (const [n, kept] of (await Promise.all(runs)).entries()) t.deepEqual(kept, Array(6).fill(n))
  t.is(seen.length, 10)
  for (const [own, store] of seen as [number, number][]) t.is(store, own)
})

everywhere('the sources of a map are read in the async context of its call, whoever makes it go on', async (t, { create }) => {
  await using executor = create(1)
  const storage = new AsyncLocalStorage<string>()
  for (const options of [{ bufferSize: 1 }, { bufferSize: 2, chunkSize: 2 }, {}]) {
    const seen: unknown[] = []
    const note = <T>(value: T): T => (seen.push(storage.getStore()), value)
    function* sync(): Generator<number> {
      try {
        for (let n = 0; n < 8; n++) yield note(n)
      } finally {
        note(0)
      }
    }
    async function* later(): AsyncGenerator<number> {
      try {
        for (let n = 0; n < 20; n++) yield note(await Promise.resolve(n))
      } finally {
        note(0)
      }
    }
    for (const source of 'bufferSize' in options ? [sync, later] : [later]) {
      seen.length = 0
      const results = storage.run('caller', () => executor.with(options).map(work.double, source()))
      await storage.run('reader', async () => {
        for await (const value of results) if (value === 6) break
      })
      t.true(seen.length >= 5)
      t.deepEqual(seen, Array(seen.length).fill('caller'))
    }
  }
})

behaviour('progress listeners run in the async context of whoever added them', async (t, { create }) => {
  await using executor = create(1)
  const storage = new AsyncLocalStorage<string>()
  const seen: unknown[] = []
  const report = async (): Promise<void> => (await import('concurrent-futures')).currentTask()?.progress(1)
  const future = storage.run('submitter', () => executor.submit(report))
  storage.run('listener', () => future.onProgress(() => seen.push(storage.getStore())))
  await future.result(SOON)
  t.deepEqual(seen, ['listener'])
})

behaviour('progress from a synchronous loop arrives while it runs, all of it before the result', async (t, { create }) => {
  await using executor = create(1)
  const folder = new Folder(t)
  const gate = folder.gate()
  const loop = async (gate: string, count: number): Promise<string> => {
    const { existsSync } = await import('node:fs')
    const { currentTask } = await import('concurrent-futures')
    for (let n = 0; n < count; n++) currentTask()?.progress(n)
    // Ends only once the other side has heard of the first.
    const end = Date.now() + 20_000
    while (!existsSync(gate) && Date.now() < end);
    for (let n = count; n < 2 * count; n++) currentTask()?.progress({ n })
    return 'done'
  }
  const future = executor.submit(loop, gate, 500)
  const seen: unknown[] = []
  future.onProgress((value) => {
    seen.push(value)
    folder.open(gate)
  })
  future.addDoneCallback(() => seen.push('callback'))
  t.is(await future.result(SOON), 'done')
  t.deepEqual(seen, [...Array(500).keys(), ...Array.from({ length: 500 }, (_, n) => ({ n: n + 500 })), 'callback'])
})

behaviour('a stray rejection is blamed on the task that made it, not on those around it', async (t, { create }) => {
  await using executor = create(1)
  const stray = (n: number): number => {
    void Promise.reject(new RangeError(`stray ${n}`))
    return n
  }
  for (let round = 0; round < 3; round++) {
    const before = Array.from({ length: 5 }, (_, n) => executor.submit(work.add, n, 0))
    const culprit = executor.submit(stray, round)
    const after = Array.from({ length: 5 }, (_, n) => executor.submit(work.add, n, 1))
    const error = (await culprit.exception(SOON)) as WorkerLostError
    t.true(error instanceof WorkerLostError, `round ${round}: ${String(error)}`)
    t.is((error.cause as Error | undefined)?.message, `stray ${round}`)
    for (const [n, future] of before.entries()) t.is(await future.result(SOON), n)
    for (const [n, future] of after.entries()) t.is(await future.result(SOON), n + 1)
  }
})

sharing('the values of cancelled and failed tasks are given back at once', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }) => {
      const executor = create(1)
      const gate = new Int32Array(new SharedArrayBuffer(4))
      const first = executor.submit((flag: Int32Array) => void Atomics.wait(flag, 0, 0, 20_000), gate)
      const gc = (globalThis as unknown as { gc(): void }).gc
      const bytes = new Uint8Array(4 << 20).fill(1)
      gc()
      const before = process.memoryUsage.rss() / 1e6
      for (let n = 0; n < 200; n++) executor.submit((value: unknown) => value, bytes).cancel()
      gc()
      const after = process.memoryUsage.rss() / 1e6
      Atomics.store(gate, 0, 1)
      Atomics.notify(gate, 0)
      await first
      await executor.shutdown()
      return after - before < 200
    },
    [],
    options,
  )
  t.deepEqual(cleanEnd(end), ended(true))
})

// From here on: what is a thread pool's alone.

test('more than 2 GB are refused with a clear error, as argument and as result, and can be moved', async (t) => {
  await using executor = new ThreadPoolExecutor(1)
  // Pages that nobody touches cost nothing.
  const huge = new ArrayBuffer(2 ** 31)
  for (const value of [huge, new Uint8Array(huge), { deep: [new DataView(huge)] }]) {
    t.throws(() => executor.submit(work.all, value), {
      instanceOf: RangeError,
      message: /2147483648 bytes are too many to be copied/,
    })
  }
  t.is(executor.stats().queued + executor.stats().completed, 0)
  const make = (): Uint8Array => new Uint8Array(2 ** 31)
  await t.throwsAsync(executor.submit(make).result(SOON), { message: /too many to be copied/ })
  const size = (buffer: ArrayBuffer): number => buffer.byteLength
  t.is(
    await executor
      .with({ transfer: [huge] })
      .submit(size, huge)
      .result(SOON),
    2 ** 31,
  )
  t.is(huge.byteLength, 0)
  const fail = (): never => {
    throw Object.assign(new TypeError('small'), { huge: new Uint8Array(2 ** 31), code: 'HUGE' })
  }
  const error = await executor.submit(fail).exception(SOON)
  t.true(error instanceof TypeError)
  t.like(error as object, { message: 'small', code: 'HUGE', huge: undefined })
})

test('the memory of arguments and results is given back, and the values are collected', async (t) => {
  const end = await inChild(
    async ({ native, ThreadPoolExecutor }) => {
      const executor = new ThreadPoolExecutor({
        maxWorkers: 2,
        resourceLimits: { maxYoungGenerationSizeMb: 16 },
      })
      let collected = 0
      const registry = new FinalizationRegistry(() => collected++)
      const echo = (bytes: Uint8Array): Uint8Array => bytes
      const rounds = async (count: number, isWatched: boolean): Promise<void> => {
        for (let n = 0; n < count; n++) {
          const bytes = new Uint8Array(1 << 20)
          const future =
            n % 4 === 0
              ? executor.submit(native.crc32, bytes)
              : n % 4 === 1
                ? executor.submit(echo, bytes)
                : n % 4 === 2
                  ? executor.with({ transfer: [bytes.buffer] }).submit(echo, bytes)
                  : executor.submit((value: unknown) => value, { blob: new Blob([bytes]) })
          const value = await (future as PromiseLike<object | number>)
          if (!isWatched) continue
          registry.register(future, undefined)
          if (typeof value === 'object') registry.register(value, undefined)
        }
      }
      const gc = (globalThis as unknown as { gc(): void }).gc
      const memory = (): number => {
        gc()
        return process.memoryUsage.rss() / 1e6
      }
      await rounds(200, false)
      const before = memory()
      await rounds(800, true)
      const after = memory()
      for (let n = 0; n < 200 && collected < 1_300; n++) {
        await new Promise((resolve) => setTimeout(resolve, 10))
        gc()
      }
      await executor.shutdown()
      // 1,400 objects, 800 MB.
      return [after - before < 250, collected > 1_300]
    },
    [],
    options,
  )
  t.deepEqual(cleanEnd(end), ended([true, true]))
})
