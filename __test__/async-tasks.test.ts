import ava from 'ava'
import { moduleTasks } from 'concurrent-futures'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { PROMPT, SHORT, SOON } from './limits.ts'
import * as named from './fixtures/tasks.mjs'

// One at a time: workers that start at once slow each other down.
const behaviour = behaviours(ava.serial)

const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

behaviour('a task that awaits keeps the timers and messages of its worker going', async (t, { create }) => {
  const executor = create(1)
  const fn = async (): Promise<{ ticks: number; echoed: string }> => {
    const { MessageChannel } = await import('node:worker_threads')
    let ticks = 0
    const interval = setInterval(() => ticks++, 5)
    const { port1, port2 } = new MessageChannel()
    port2.on('message', (text: string) => port2.postMessage(`${text} back`))
    port1.postMessage('there and')
    const echoed = await new Promise<string>((resolve) => port1.on('message', resolve))
    await new Promise((resolve) => setTimeout(resolve, 150))
    clearInterval(interval)
    port1.close()
    return { ticks, echoed }
  }
  const { ticks, echoed } = await executor.submit(fn).result(SOON)
  t.true(ticks >= 5, `${ticks} ticks`)
  t.is(echoed, 'there and back')
  await executor.shutdown()
})

behaviour('timers that a task has left behind still run, between tasks and while the worker is idle', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const log = folder.file('log')
  const leave = (file: string): void => {
    for (const ms of [0, 30, 120])
      setTimeout(() => void import('node:fs').then(({ appendFileSync }) => appendFileSync(file, `${ms}\n`)), ms)
    setImmediate(() => void import('node:fs').then(({ appendFileSync }) => appendFileSync(file, 'immediate\n')))
  }
  await executor.submit(leave, log).result(SOON)
  for (let n = 0; n < 20; n++) await executor.submit(work.pause, 2)
  await until(() => folder.notes(log).length === 4, 'all timers have run')
  t.deepEqual(folder.notes(log).sort(), ['0', '120', '30', 'immediate'])
  await executor.shutdown()
})

behaviour('a stream of short tasks does not starve the timers of the worker', async (t, { create }) => {
  const executor = create(1)
  await executor.submit(() => {
    const own = globalThis as { ticks?: number }
    own.ticks = 0
    setInterval(() => own.ticks!++, 5).unref()
  })
  const end = Date.now() + 600
  while (Date.now() < end) await Promise.all(Array.from({ length: 200 }, (_, n) => executor.submit(work.double, n)))
  const ticks = await executor.submit(() => (globalThis as { ticks?: number }).ticks).result(SOON)
  t.true((ticks ?? 0) >= 10, `${ticks} ticks in 600 ms`)
  await executor.shutdown()
})

behaviour('with one asynchronous task at a time the next one waits for the promise', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create(1)
  const gate = folder.gate()
  const first = executor.submit(work.waitForLater, gate)
  const second = executor.submit(work.add, 1, 2)
  await until(() => executor.stats().running === 1, 'the first runs')
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.is(second.state, 'pending')
  folder.open(gate)
  await first.result(SOON)
  t.is(await second.result(SOON), 3)
  await executor.shutdown()
})

behaviour('tasksPerWorker lets one worker hold so many asynchronous tasks at once, and no more', async (t, { create }) => {
  const folder = new Folder(t)
  const executor = create({ maxWorkers: 1, tasksPerWorker: 4 })
  const gate = folder.gate()
  const futures = Array.from({ length: 6 }, () => executor.submit(work.waitForLater, gate))
  await until(() => executor.stats().running === 4, 'four run')
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.like(executor.stats(), { running: 4, queued: 2 })
  folder.open(gate)
  const threads = new Set<unknown>()
  for (const future of futures) threads.add(await future.result(SOON))
  t.is(threads.size, 1)
  await executor.shutdown()
})

behaviour('with tasksPerWorker each task has its own currentTask(), across awaits', async (t, { create }) => {
  const executor = create({ maxWorkers: 1, tasksPerWorker: 4 })
  const futures = Array.from({ length: 12 }, (_, n) => executor.with({ name: `task ${n}` }).submit(named.reportLater))
  const reports = (await Promise.all(futures)) as { id: number; name: string }[]
  t.deepEqual(
    reports.map(({ name }) => name),
    reports.map((_, n) => `task ${n}`),
  )
  t.is(new Set(reports.map(({ id }) => id)).size, 12)
  await executor.shutdown()
})

behaviour('each task’s microtasks run before the next task', async (t, { create }) => {
  const executor = create(1)
  const begin = (n: number): number => {
    const own = globalThis as { order?: string[] }
    own.order ??= []
    own.order.push(`task ${n}`)
    void Promise.resolve().then(() => own.order!.push(`micro ${n}`))
    process.nextTick(() => own.order!.push(`tick ${n}`))
    return n
  }
  await Promise.all([1, 2, 3, 4].map((n) => executor.submit(begin, n)))
  const order = (await executor.submit(() => (globalThis as { order?: string[] }).order).result(SOON)) as string[]
  t.deepEqual(
    order,
    [1, 2, 3, 4].flatMap((n) => [`task ${n}`, `tick ${n}`, `micro ${n}`]),
  )
  await executor.shutdown()
})

behaviour('an AsyncLocalStorage store of one task is not seen by the next', async (t, { create }) => {
  const executor = create(1)
  const enter = async (value: string): Promise<string | undefined> => {
    const { AsyncLocalStorage } = await import('node:async_hooks')
    const own = globalThis as { storage?: InstanceType<typeof AsyncLocalStorage<string>> }
    own.storage ??= new AsyncLocalStorage<string>()
    const before = own.storage.getStore()
    own.storage.enterWith(value)
    return before
  }
  t.deepEqual(
    [await executor.submit(enter, 'a'), await executor.submit(enter, 'b'), await executor.submit(enter, 'c')],
    [undefined, undefined, undefined],
  )
  const spin = (): void => {
    const own = globalThis as { storage?: { run(value: string, fn: () => void): void } }
    own.storage!.run('stale', () => {
      for (;;);
    })
  }
  await executor.with({ timeout: SHORT }).submit(spin).exception(SOON)
  t.is(await executor.submit(enter, 'd').result(SOON), undefined)
  await executor.shutdown()
})

behaviour('a promise that settles twice, or a thenable that throws, settles the future once', async (t, { create }) => {
  const executor = create(1)
  const twice = (): PromiseLike<number> =>
    ({
      then(resolve: any, reject: any) {
        resolve(1)
        resolve(2)
        reject(new Error('late'))
      },
    }) as PromiseLike<number>
  t.is(await executor.submit(twice).result(SOON), 1)
  const throwing = (): PromiseLike<number> =>
    ({
      then() {
        throw new RangeError('from then')
      },
    }) as PromiseLike<number>
  t.true((await executor.submit(throwing).exception(PROMPT)) instanceof RangeError)
  const getter = (): object => ({
    get then(): never {
      throw new RangeError('from the getter')
    },
  })
  t.true((await executor.submit(getter).exception(PROMPT)) instanceof RangeError)
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  await executor.shutdown()
})

behaviour('a rejection is the task’s error, and no unhandled one in the worker', async (t, { create }) => {
  const executor = create(1)
  const thread = await executor.submit(work.thread).result(SOON)
  for (const value of ['text', null, undefined, 0]) {
    const future = executor.submit(async (thrown: unknown) => {
      throw thrown
    }, value)
    t.is(await future.exception(SOON), value)
  }
  t.is(await executor.submit(work.thread).result(SOON), thread)
  await executor.shutdown()
})
