import test from 'ava'
import { cleanEnd, ended, inChild } from './child.ts'
import { behaviours } from './executors.ts'

const behaviour = behaviours(test)

const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href
/** V8's symbols cannot be looked up there. */
const canCollect = process.platform !== 'win32'
/** Twice as long as lib/worker/idle-heap.ts takes at most, and some. */
const LONGEST_IDLE = 60_000

const options = { nodeArguments: ['--expose-gc'] }

behaviour('an executor that is collected with work outstanding runs it all', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string) => {
      const { addLater } = moduleTasks<{ addLater(a: number, b: number, ms: number): Promise<number> }>(url)
      const futures = (() => {
        const executor = create(2)
        return Array.from({ length: 10 }, (_, n) => executor.submit(addLater, n, n, 30))
      })()
      for (let n = 0; n < 10; n++) {
        ;(globalThis as unknown as { gc(): void }).gc()
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      return Promise.all(futures.map((future) => future.result(20_000)))
    },
    [workUrl],
    options,
  )
  t.deepEqual(cleanEnd(end), ended(Array.from({ length: 10 }, (_, n) => 2 * n)))
})

behaviour('a callback of a future whose future and executor nobody holds still runs', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string) => {
      const { addLater } = moduleTasks<{ addLater(a: number, b: number, ms: number): Promise<number> }>(url)
      const called = new Promise((resolve) => {
        create(1)
          .submit(addLater, 1, 2, 200)
          .addDoneCallback((future) => void future.result().then(resolve))
      })
      for (let n = 0; n < 5; n++) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        ;(globalThis as unknown as { gc(): void }).gc()
      }
      return called
    },
    [workUrl],
    options,
  )
  t.deepEqual(cleanEnd(end), ended(3))
})

behaviours(test, ['pool', 'sharedMemory'])(
  'shared memory that went to a worker and back is freed when nobody has it any more',
  async (t, { inChild }) => {
    const end = await inChild(
      async ({ create }) => {
        const executor = create(1)
        for (let n = 0; n < 300; n++) {
          await executor.submit((buffer: SharedArrayBuffer) => buffer, new SharedArrayBuffer(1 << 20)).result()
          await executor.submit((held: { view: Uint8Array }) => held, { view: new Uint8Array(new SharedArrayBuffer(1 << 16)) })
        }
        const collect = globalThis.gc as () => void
        for (let n = 0; n < 5; n++) {
          collect()
          await executor.submit(() => (globalThis as unknown as { gc(): void }).gc())
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        const left = process.memoryUsage().arrayBuffers / 2 ** 20
        return left < 16 || left
      },
      [],
      options,
    )
    t.deepEqual(cleanEnd(end), ended(true))
  },
)

behaviour('a view made by with() keeps its executor alive', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }) => {
      const view = (() => create(1).with({ name: 'view' }))()
      for (let n = 0; n < 5; n++) {
        ;(globalThis as unknown as { gc(): void }).gc()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return view.submit((a: number, b: number) => a + b, 1, 2).result(20_000)
    },
    [],
    options,
  )
  t.deepEqual(cleanEnd(end), ended(3))
})

behaviour('finished futures and their values are collected', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }) => {
      const executor = create(1)
      const make = (): Uint8Array => new Uint8Array(4_000_000)
      await executor.submit(make).result(20_000)
      const memory = (): number => {
        ;(globalThis as unknown as { gc(): void }).gc()
        return process.memoryUsage.rss() / 1e6
      }
      for (let n = 0; n < 20; n++) await executor.submit(make).result(20_000)
      const before = memory()
      for (let n = 0; n < 200; n++) await executor.submit(make).result(20_000)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return memory() - before < 300
    },
    [],
    options,
  )
  t.deepEqual(cleanEnd(end), ended(true))
})

// From here on: what is a thread pool's alone.

test('the threads of a collected executor leave', async (t) => {
  const end = await inChild(
    async ({ native, ThreadPoolExecutor }) => {
      let [started, exited] = [0, 0]
      process.on('worker', (worker) => {
        started++
        worker.on('exit', () => exited++)
      })
      const run = async (): Promise<void> => {
        const executor = new ThreadPoolExecutor(2)
        await executor.submit(() => 1)
        await executor.submit(native.countPrimes, 10)
      }
      await run()
      const end = Date.now() + 20_000
      while (exited < started && Date.now() < end) {
        ;(globalThis as unknown as { gc(): void }).gc()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return [started, exited]
    },
    [],
    options,
  )
  t.deepEqual(cleanEnd(end), ended([1, 1]))
})

test('executors that come and go leave no memory and no thread behind', async (t) => {
  const end = await inChild(
    async ({ native, ThreadPoolExecutor }) => {
      const { readdirSync } = await import('node:fs')
      const threads = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0)
      const round = async (): Promise<void> => {
        const executor = new ThreadPoolExecutor(2)
        await Promise.all([executor.submit(() => 1), executor.submit(native.countPrimes, 10)])
        await executor.shutdown()
      }
      for (let n = 0; n < 5; n++) await round()
      const before = threads()
      for (let n = 0; n < 40; n++) await round()
      return threads() - before <= 2
    },
    [],
    options,
  )
  t.deepEqual(cleanEnd(end), ended(true))
})

behaviours(test, ['pool', 'sharedMemory'])('a worker that stays idle lets go of what its last task was given', async (t, { create }) => {
  if (!canCollect) {
    t.pass()
    return
  }
  await using executor = create(1)
  const flag = new Int32Array(new SharedArrayBuffer(4))
  await executor.submit(
    (bytes: Uint8Array, flag: Int32Array) => {
      const collected = new FinalizationRegistry(() => Atomics.store(flag, 0, 1))
      collected.register(bytes, undefined)
      Object.assign(globalThis, { collected })
    },
    new Uint8Array(1 << 24),
    flag,
  )
  const until = Date.now() + LONGEST_IDLE
  while (Atomics.load(flag, 0) === 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 100))
  t.is(Atomics.load(flag, 0), 1)
})

behaviour('what is being read keeps its executor, which nobody else holds', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }) => {
      const collect = (): void => (globalThis as unknown as { gc(): void }).gc()
      const stream = (): AsyncIterable<number> =>
        create(1).stream(function* () {
          for (let n = 0; n < 300; n++) yield n
        })
      const map = (): AsyncIterable<number> =>
        create(1)
          .with({ bufferSize: 4 })
          .map(
            (n: number) => n,
            Array.from({ length: 300 }, (_, n) => n),
          )
      const counts = []
      for (const make of [stream, map]) {
        let count = 0
        for await (const value of make()) {
          if (value !== count++) throw new Error(`${value} is out of order`)
          if (count % 10 === 0) {
            await new Promise((resolve) => setTimeout(resolve, 1))
            collect()
          }
        }
        counts.push(count)
      }
      return counts
    },
    [],
    options,
  )
  t.deepEqual(cleanEnd(end), ended([300, 300]))
})

behaviour('streams that are left early leave nothing on the heap', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }) => {
      const executor = create(1)
      const leave = async (count: number): Promise<number> => {
        for (let n = 0; n < count; n++) {
          const stream = executor.stream(function* () {
            for (let n = 0; ; n++) yield n
          })
          for await (const value of stream) if (value >= 0) break
        }
        for (let n = 0; n < 4; n++) {
          await new Promise((resolve) => setTimeout(resolve, 20))
          ;(globalThis as unknown as { gc(): void }).gc()
        }
        return process.memoryUsage().heapUsed
      }
      const before = await leave(500)
      const grown = ((await leave(1_500)) - before) / 1_500
      await executor.shutdown()
      // Bytes a stream; an error with its stack alone has 1,000.
      return grown < 500 || grown
    },
    [],
    options,
  )
  t.deepEqual(cleanEnd(end), ended(true))
})
