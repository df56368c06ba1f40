import ava from 'ava'
import { CancelledError, moduleTasks, share, TimeoutError, WorkerLostError } from 'concurrent-futures'
import { collect } from './collect.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { SOON } from './limits.ts'
import { inside } from './fixtures/streams-inside.mjs'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial)

const streams = moduleTasks<typeof import('./fixtures/streams.mjs')>(new URL('./fixtures/streams.mjs', import.meta.url))

behaviour('each stretch runs in the async context of the stream, with what it has entered itself', async (t, { create }) => {
  const executor = create(1)
  const one = executor.with({ bufferSize: 1 }).stream(streams.contexts)
  const two = executor.with({ bufferSize: 1 }).stream(streams.contextsLater)
  const seen: unknown[] = []
  for (let n = 0; n < 4; n++) {
    seen.push((await one.next()).value, (await two.next()).value)
    await executor.submit(() => 1)
  }
  t.deepEqual(seen, [undefined, 'own', 0, 'own', 1, 'own', 2, 'own'])
  await Promise.all([one.return(), two.return()])
  await executor.shutdown()
})

behaviour('currentTask() is the same in each stretch, and progress arrives beside the values', async (t, { create }) => {
  const executor = create(1)
  const stream = executor.with({ bufferSize: 2, name: 'rows' }).stream(inside.named, 5)
  const progress: unknown[] = []
  stream.future.onProgress((value) => progress.push(value))
  const values = await collect(stream)
  t.deepEqual(
    values,
    Array.from({ length: 5 }, () => [true, true, false]),
  )
  t.is(await stream.future.result(SOON), 'rows')
  t.deepEqual(progress, [0, 1, 2, 3, 4])
  await executor.shutdown()
})

behaviour('transfer() around a value moves it', async (t, { create }) => {
  const executor = create(1)
  const values = await collect(executor.stream(inside.buffers, 3))
  t.deepEqual(
    values.map((value) => (typeof value === 'number' ? value : value[9])),
    [0, 0, 1, 0, 2, 0],
  )
  await executor.shutdown()
})

behaviour('a yielded future is awaited, and its task runs also with one worker', async (t, { create }) => {
  const executor = create(1)
  t.deepEqual(await collect(executor.stream(inside.futures, 5)), [0, 1, 4, 9, 16])
  await executor.shutdown()
})

behaviour('a task reads a stream of its own executor, also with one worker', async (t, { create }) => {
  for (const workers of [1, 2]) {
    const executor = create(workers)
    t.is(await executor.submit(inside.sum, 100, 16).result(SOON), 4950)
    t.is(await executor.submit(inside.sum, 100, 1).result(SOON), 4950)
    t.deepEqual(await executor.submit(inside.leaves, 100).result(SOON), [true, { done: true, value: undefined }])
    t.deepEqual(await executor.submit(inside.fails).result(SOON), [1, 2, 3, 'RangeError: no more'])
    t.deepEqual(
      await collect(executor.stream(inside.doubled, 40)),
      Array.from({ length: 40 }, (_, i) => 2 * i),
    )
    await executor.shutdown()
    t.is(executor.stats().running, 0)
  }
})

behaviour('many streams side by side share their workers', async (t, { create }) => {
  const executor = create(2)
  const sums = await Promise.all(
    Array.from({ length: 50 }, async () => {
      let sum = 0
      for await (const value of executor.with({ bufferSize: 3 }).stream(inside.count, 50)) sum += value
      return sum
    }),
  )
  t.deepEqual(new Set(sums), new Set([1225]))
  await executor.shutdown()
  t.is(executor.stats().completed, 50)
})

behaviour('a generator that polls its task hears that its reader has left', async (t, { create }) => {
  const executor = create(1)
  const stream = executor.stream(inside.polls)
  await stream.next()
  await stream.return()
  t.true(stream.future.cancelled())
  t.is(await executor.submit(inside.square, 3).result(SOON), 9)
  t.is(executor.stats().workers.died, 0)
  await executor.shutdown()
})

behaviour('a worker that dies fails the streams that live on it, after their values', async (t, { create }) => {
  const executor = create(1)
  const standing = executor.with({ bufferSize: 2 }).stream(inside.count, 10)
  await until(() => standing.future.running() && executor.stats().running === 0, 'it stands still')
  const dying = executor.stream(streams.dies)
  t.deepEqual(await dying.next(), { done: false, value: 1 })
  t.deepEqual(await dying.next(), { done: false, value: 2 })
  const error = await t.throwsAsync(dying.next(), { instanceOf: WorkerLostError })
  t.is(error?.exitCode, 7)
  t.deepEqual(await standing.next(), { done: false, value: 0 })
  t.deepEqual(await standing.next(), { done: false, value: 1 })
  await t.throwsAsync(standing.next(), { instanceOf: WorkerLostError })
  t.deepEqual(await standing.return(), { done: true, value: undefined as never })
  t.is(await executor.submit(inside.square, 3).result(SOON), 9)
  await executor.shutdown()
})

behaviour('terminateWorkers ends every stream', async (t, { create }) => {
  const executor = create(2)
  const stream = executor.with({ bufferSize: 2 }).stream(inside.count, 10)
  await until(() => stream.future.running() && executor.stats().running === 0, 'it stands still')
  await executor.terminateWorkers()
  await stream.next()
  await stream.next()
  await t.throwsAsync(stream.next(), { instanceOf: WorkerLostError })
})

behaviour('a worker on which a stream lives does not leave, and takes no more tasks than it may', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, idleTimeout: 20, maxTasksPerWorker: 2 })
  const stream = executor.with({ bufferSize: 2 }).stream(streams.places, 10)
  const first = await stream.next()
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.is(await executor.submit(streams.place).result(SOON), first.value as string)
  t.not(await executor.submit(streams.place).result(SOON), first.value as string)
  t.deepEqual(new Set(await collect(stream)), new Set([first.value]))
  await executor.shutdown()
})

behaviour('a stream that stands still does not keep the process alive, and one that runs does', async (t, pool) => {
  const end = await pool.inChild(async ({ create }) => {
    const executor = create(1)
    const values: number[] = []
    const stream = executor.with({ bufferSize: 2 }).stream(function* (n: number) {
      for (let i = 0; i < n; i++) yield i
    }, 10)
    // Standing still, with nobody who reads.
    process.once('beforeExit', () => console.log(`state ${stream.future.state}`))
    for (let i = 0; i < 3; i++) values.push((await stream.next()).value as number)
    return values
  }, [])
  t.deepEqual([end.code, end.isHung, end.value], [0, false, [0, 1, 2]], end.errors)
  t.true(end.output.includes('state running'), end.output)
  const read = await pool.inChild(async ({ create }) => {
    const executor = create(1)
    let sum = 0
    const stream = executor.with({ bufferSize: 2 }).stream(async function* (n: number) {
      for (let i = 0; i < n; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        yield i
      }
    }, 10)
    void (async () => {
      for await (const value of stream) sum += value
      console.log(`sum ${sum}`)
    })()
  }, [])
  t.deepEqual([read.code, read.isHung], [0, false], read.errors)
  t.true(read.output.includes('sum 45'), read.output)
})

behaviour('a stream that is collected before its end is ended', async (t, pool) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const end = await pool.inChild(
    async ({ create }, url: string, log: string) => {
      const { moduleTasks } = await import('concurrent-futures')
      const { existsSync, readFileSync } = await import('node:fs')
      const streams = moduleTasks(new URL(url)) as any
      const executor = create(1)
      const begin = async (): Promise<{ future: any }> => {
        const stream = executor.stream(streams.logged, log)
        await stream.next()
        return { future: stream.future }
      }
      const { future } = await begin()
      const isDone = (): boolean => existsSync(log) && readFileSync(log, 'utf8').includes('finally')
      for (let n = 0; n < 1_000 && !isDone(); n++) {
        ;(globalThis as any).gc()
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      await executor.shutdown()
      return [isDone(), future.cancelled()]
    },
    [new URL('./fixtures/streams.mjs', import.meta.url).href, log],
    { nodeArguments: ['--expose-gc'] },
  )
  t.deepEqual([end.code, end.value], [0, [true, true]], end.errors)
})

behaviour('what a stream is cannot be passed as a value', async (t, { shared }) => {
  const stream = shared(2).stream(inside.count, 3)
  t.throws(() => shared(2).submit(inside.square, stream as never), { any: true, name: 'DataCloneError' })
  await stream.return()
  await t.throwsAsync(stream.future.result(SOON), { instanceOf: CancelledError })
})

behaviour('a task that blocks for one that reads a stream of the same worker gets an InvalidStateError', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(2)
  for (let n = 0; n < 3; n++) {
    t.deepEqual(await executor.submit(inside.blocks, folder.file(`log-${n}`)).result(SOON), ['InvalidStateError', 10])
  }
  await executor.shutdown()
})

behaviour('a generator may block for tasks of its executor', async (t, { create }) => {
  const executor = create(1)
  t.deepEqual(await collect(executor.stream(inside.circles)), [4])
  await executor.shutdown()
})

behaviour('a forced stop of another task leaves the streams of its worker alone', async (t, { create }) => {
  const executor = create(1)
  const stream = executor.with({ bufferSize: 2 }).stream(streams.places, 10)
  const first = await stream.next()
  await until(() => executor.stats().running === 0, 'it stands still')
  const endless = executor.with({ timeout: 100 }).submit(() => {
    for (;;);
  })
  await t.throwsAsync(endless.result(SOON), { instanceOf: TimeoutError })
  t.deepEqual(new Set(await collect(stream)), new Set([first.value]))
  await executor.shutdown()
})

behaviour('a stream that stands still on a busy worker is ended when the worker comes to it', async (t, { create }) => {
  const folder = new Folder(t)
  const [log, gate, busy] = [folder.file('log'), folder.gate(), folder.file('busy')]
  const executor = create({ maxWorkers: 1, interruptGrace: 20 })
  const stream = executor.with({ bufferSize: 2 }).stream(streams.logged, log)
  await until(() => folder.notes(log).length === 2 && executor.stats().running === 0, 'it stands still')
  const blocker = executor.stream(streams.spinsAfter, 0, gate, busy)
  // What counts as running may not have come to its worker yet.
  await until(() => folder.exists(busy), 'the worker is busy')
  const left = stream.return()
  t.true(stream.future.cancelled())
  await new Promise((resolve) => setTimeout(resolve, 400))
  t.deepEqual(folder.notes(log), ['made 0', 'made 1'])
  folder.open(gate)
  await left
  t.deepEqual(folder.notes(log).slice(2), ['finally'])
  t.deepEqual(await collect(blocker), ['on'])
  t.is(executor.stats().workers.died, 0)
  await executor.shutdown()
})

behaviour('return() in a task resolves when finally has run', async (t, { create }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  for (const workers of [1, 2]) {
    // The block takes a while, and longer on a busy machine.
    const executor = create({ maxWorkers: workers, interruptGrace: SOON })
    t.is(await executor.submit(inside.leavesLogged, `${log}-${workers}`).result(SOON), 'finally')
    await executor.shutdown()
  }
})

behaviour('totalTimeout ends a stream in every state, and what was made arrives first', async (t, { create }) => {
  const executor = create(1)
  await executor.submit(streams.place).result(SOON)
  const stream = executor.with({ totalTimeout: 1_000, bufferSize: 2 }).stream(streams.count, 10)
  await until(() => stream.future.done(), 'its time is over')
  t.deepEqual(await stream.next(), { done: false, value: 0 })
  t.deepEqual(await stream.next(), { done: false, value: 1 })
  const error = await t.throwsAsync(stream.next(), { instanceOf: TimeoutError })
  t.is(error?.phase, 'total')
  await executor.shutdown()
})

behaviour('others of its key run while a stream stands still', async (t, { create }) => {
  const executor = create(2)
  const keyed = executor.with({ affinity: 'a', bufferSize: 2 })
  const stream = keyed.stream(streams.places, 10)
  const first = await stream.next()
  t.is(await keyed.submit(streams.place).result(SOON), first.value as string)
  t.deepEqual(new Set(await collect(stream)), new Set([first.value]))
  await executor.shutdown()
})

behaviour('a shared value is an argument of a stream', async (t, { shared }) => {
  const table = share([1, 2, 3])
  t.deepEqual(await collect(shared(2).stream(streams.same, table)), [1, 2, 3])
  table.release()
})

behaviour('a stream whose reader dies is ended', async (t, { create }) => {
  const folder = new Folder(t)
  const log = folder.file('log')
  const executor = create(2)
  const lost = executor.submit(inside.readsAndDies, log)
  await t.throwsAsync(lost.result(SOON), { instanceOf: WorkerLostError })
  await until(() => {
    const { cancelled, lost } = executor.stats()
    return cancelled + lost === 2
  }, 'the stream is over')
  await executor.shutdown()
})

behaviour('return() is over in time also when a `finally` block hangs beside a stream that stands still', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, interruptGrace: 50 })
  const standing = executor.with({ bufferSize: 1 }).stream(function* () {
    for (let n = 0; ; n++) yield n
  })
  t.deepEqual(await standing.next(), { done: false, value: 0 })
  const hangs = executor.with({ bufferSize: 1 }).stream(async function* () {
    try {
      yield 1
      yield 2
      yield 3
    } finally {
      await new Promise(() => {})
    }
  })
  t.deepEqual(await hangs.next(), { done: false, value: 1 })
  t.deepEqual(await hangs.return(), { done: true, value: undefined })
  // Its worker is replaced, once the other one has ended there.
  t.is(await executor.submit(() => 2).result(SOON), 2)
  for (let n = 1; n < 5; n++) t.deepEqual(await standing.next(), { done: false, value: n })
  await standing.return()
  await executor.shutdown()
})

behaviour('to block for the end of a stream that only the same thread could read is refused', async (t, { create }) => {
  const executor = create(2)
  const blocks = async (count: number): Promise<unknown> => {
    const { currentExecutor } = await import('concurrent-futures')
    const stream = currentExecutor()!.stream(function* (count: number) {
      for (let n = 0; n < count; n++) yield n
      return 'ended'
    }, count)
    try {
      return stream.future.resultSync()
    } catch (error) {
      await stream.return()
      return `${(error as Error).name}: ${(error as Error).message}`
    }
  }
  t.is(await executor.submit(blocks, 10).result(SOON), 'ended')
  t.regex(
    String(await executor.submit(blocks, 100).result(SOON)),
    /^InvalidStateError: the stream stands still until the thread that waits/,
  )
  const stream = executor.stream(function* () {
    for (let n = 0; n < 100; n++) yield n
  })
  t.throws(() => stream.future.resultSync(), { name: 'InvalidStateError' })
  t.is((await collect(stream)).length, 100)
  t.is(stream.future.resultSync(), undefined)
  await executor.shutdown()
})
