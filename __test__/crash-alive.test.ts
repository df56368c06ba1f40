/**
 * Faults that end no thread, at every moment of another task's life, each followed by a healthy task and a
 * clean close. Faults that do end a thread are in crash.test.ts. Cells of the two tables that make no sense:
 *
 * - A stray exception or rejection needs the event loop: not while a function's synchronous part runs, nor
 *   before the function is called. (While a module is loaded, or an initializer runs, they can come:
 *   crash.test.ts has both.)
 * - A module is loaded before its function is called: "throws while loading" is never a fault of the task at
 *   the other moments. There it happens beside it.
 * - A native task has no worker of JavaScript: it panics, or is stuck, by itself. At the other moments it
 *   does so beside the task.
 * - What has finished holds nothing: there the fault is what it has left behind.
 */
import ava from 'ava'
import { cleanEnd, ended, inChild } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder } from './gate.ts'
import { HARD } from './limits.ts'
import { buildRust } from './plugin-builder.ts'

const test = ava
const behaviour = behaviours(test)

const fixture = (name: string): string => new URL(`./fixtures/${name}`, import.meta.url).href

let plugin: string
test.before((t) => {
  t.timeout(10 * HARD)
  plugin = buildRust()
})

const moments = ['queued', 'starting', 'running sync', 'awaiting', 'inside a native task', 'finished'] as const
const faults = ['throws while loading', 'native panic', 'stuck for good'] as const
type Moment = (typeof moments)[number]
type Urls = Record<'stuck' | 'loadsStuck' | 'throws', string>
type Fault = (typeof faults)[number]

/** How the task that the table names ends; the others end well. */
function outcome(fault: Fault, moment: Moment): string {
  if (fault === 'throws while loading' && moment === 'starting') return 'RangeError: thrown while loading'
  if (fault === 'native panic' && moment === 'inside a native task') return 'Error: the native task panicked: on purpose, with 3 bytes'
  const isStuck = fault === 'stuck for good' && ['running sync', 'awaiting', 'starting'].includes(moment)
  return isStuck ? 'TimeoutError' : 'ended well'
}

const urls: Urls = {
  stuck: fixture('stuck.mjs'),
  loadsStuck: fixture('loads-stuck.mjs'),
  throws: fixture('throws-on-load.mjs'),
}

for (const fault of faults) {
  for (const moment of moments) {
    behaviour(`${fault}, ${moment}: nothing else fails, the pool has its capacity back and closes`, async (t, { inChild }) => {
      const folder = new Folder(t)
      const files = [folder.file('left'), folder.file('right')]
      const end = await inChild(
        async ({ create, loadNative, moduleTasks, native }, urls: Urls, plugin: string, files: string[], fault: string, moment: string) => {
          type Tasks = Record<string, (...args: unknown[]) => unknown>
          const tasks = moduleTasks<Tasks>(urls.stuck)
          const rust = loadNative(plugin) as Record<string, (bytes: string) => Uint8Array>
          const bad: Record<string, () => unknown> = {
            'throws while loading': () => executor.submit(moduleTasks<Tasks>(urls.throws)['any']!),
            'native panic': () => executor.submit(rust['panic']!, 'abc'),
            'stuck for good': () => executor.with({ timeout: 150 }).submit(tasks['stuck']!),
          }
          const executor = create({ maxWorkers: 2, tasksPerWorker: 1 })
          const isFresh = moment === 'starting'
          if (!isFresh) for (const n of [1, 2]) await executor.submit(tasks['healthy']!, n).result(15_000)
          let victim: { exception(ms: number): Promise<unknown>; result(ms: number): Promise<unknown> }
          if (moment === 'queued') {
            for (let n = 0; n < 2; n++) bad[fault]!()
            victim = executor.submit(tasks['sleepFor']!, 5)
          } else if (moment === 'starting') {
            if (fault === 'throws while loading') victim = executor.submit(moduleTasks<Tasks>(urls.throws)['any']!)
            else if (fault === 'stuck for good')
              victim = executor.with({ queueTimeout: 500 }).submit(moduleTasks<Tasks>(urls.loadsStuck)['any']!)
            else {
              bad[fault]!()
              victim = executor.submit(tasks['sleepFor']!, 5)
            }
          } else if (moment === 'inside a native task') {
            if (fault === 'native panic') victim = executor.submit(rust['panic']!, 'abc')
            else {
              victim = executor.submit(native.matmul, new Float64Array(250_000), new Float64Array(250_000), {
                m: 500,
                k: 500,
                n: 500,
              })
              bad[fault]!()
            }
          } else if (moment === 'finished') {
            victim = executor.submit(tasks[fault === 'stuck for good' ? 'leavesStuck' : 'sleepFor']!, 5)
            await victim.result(15_000)
            if (fault !== 'stuck for good') bad[fault]!()
          } else if (fault === 'stuck for good') {
            victim = executor.with({ timeout: 150 }).submit(tasks[moment === 'awaiting' ? 'stuckAfterAwait' : 'stuck']!)
          } else {
            victim = executor.submit(tasks[moment === 'awaiting' ? 'sleepFor' : 'spinFor']!, 100)
            bad[fault]!()
          }
          const error = (await victim.exception(30_000)) as Error | null
          const isBare = error?.name === 'TimeoutError'
          const seen = error === null ? 'ended well' : isBare ? error.name : `${error.name}: ${error.message}`
          // Both places are there again: two tasks that need each other at the same time.
          const pair = [executor.submit(tasks['meet']!, files[0], files[1]), executor.submit(tasks['meet']!, files[1], files[0])]
          const met = await Promise.all(pair.map((future) => future.result(30_000)))
          const after = await executor.submit(tasks['healthy']!, 1).result(15_000)
          const { lost, queued, running } = executor.stats()
          await executor.shutdown()
          return { seen, met, after, lost, queued, running }
        },
        [urls, plugin, files, fault, moment] as [Urls, string, string[], string, string],
      )
      const expected = {
        seen: outcome(fault, moment),
        met: [true, true],
        after: 2,
        lost: 0,
        queued: 0,
        running: 0,
      }
      t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(expected), end.errors)
    })
  }
}

for (const kind of ['leavesStuck', 'leavesSpinning', 'waitsAndSpins']) {
  behaviour(`what an ended task has left behind and does not end costs a worker, not the pool: ${kind}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string, kind: string) => {
        const tasks = moduleTasks<Record<string, (...args: unknown[]) => unknown>>(url)
        const executor = create(1)
        const first = await executor.submit(tasks[kind]!).result(15_000)
        await new Promise((resolve) => setTimeout(resolve, 500))
        const next = await executor.submit(tasks['healthy']!, 1).result(30_000)
        await executor.shutdown()
        return [first, next]
      },
      [fixture('stuck.mjs'), kind],
    )
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(['ended well', 2]), end.errors)
  })
}

for (const kind of ['exitSpins', 'exitStuck', 'ticksWithoutEnd']) {
  behaviour(
    `shutdown() does not wait for ever for a thread that leaves and is kept by what a task has left behind: ${kind}`,
    async (t, { inChild }) => {
      const end = await inChild(
        async ({ create, moduleTasks }, url: string, kind: string) => {
          const tasks = moduleTasks<Record<string, (...args: unknown[]) => unknown>>(url)
          // One worker leaves because it is worn out, one because of the shutdown.
          const executor = create({ maxWorkers: 1, maxTasksPerWorker: 1 })
          const results = [await executor.submit(tasks[kind]!).result(15_000), await executor.submit(tasks['healthy']!, 1).result(15_000)]
          const second = create(1)
          results.push(await second.submit(tasks[kind]!).result(15_000))
          await Promise.all([executor.shutdown(), second.shutdown()])
          return results
        },
        [fixture('stuck.mjs'), kind],
      )
      t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(['ended well', 2, 'ended well']), end.errors)
    },
  )
}

for (const kind of ['slowTicksWithoutEnd', 'asyncTicksWithoutEnd', 'callbackWithoutEnd']) {
  behaviour(`what an ended task has left behind may also keep a worker for which tasks wait: ${kind}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string, kind: string) => {
        const tasks = moduleTasks<Record<string, (...args: unknown[]) => unknown>>(url)
        const executor = create(1)
        await executor.submit(tasks['healthy']!, 1).result(15_000)
        const futures = [executor.submit(tasks[kind]!), ...Array.from({ length: 100 }, () => executor.submit(tasks['spinFor']!, 5))]
        const results = await Promise.all(futures.map((future) => future.result(30_000)))
        const { lost, queued, running } = executor.stats()
        await executor.shutdown()
        return [new Set(results).size, results[0], lost, queued, running]
      },
      [fixture('stuck.mjs'), kind],
    )
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended([1, 'ended well', 0, 0, 0]), end.errors)
  })
}

behaviour('a module or an initializer that leaves behind what does not end costs no more than its worker', async (t, { inChild }) => {
  const folder = new Folder(t)
  const end = await inChild(
    async ({ create, moduleTasks }, leaves: string, initialized: string) => {
      const { any } = moduleTasks<{ any(): string }>(leaves)
      const executor = create(1)
      const bad = executor.submit(any)
      const next = executor.submit(() => 'next')
      const seen = await Promise.all([bad, next].map((future) => future.result(30_000)))
      const other = create({
        maxWorkers: 1,
        initializer: (file: string) => {
          const fs = process.getBuiltinModule('node:fs')
          if (fs.existsSync(file)) return
          fs.writeFileSync(file, '')
          const next = (): Promise<void> => Promise.resolve().then(next)
          setTimeout(next, 0)
        },
        initargs: [initialized],
      })
      const last = await other.submit(() => 'initialized').result(45_000)
      await Promise.all([executor.shutdown(), other.shutdown()])
      return [...seen, last]
    },
    [fixture('loads-and-leaves.mjs'), folder.file('initialized')],
    { env: { LEAVES_ONCE: folder.file('loaded') } },
  )
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(['loaded', 'next', 'initialized']), end.errors)
})

for (const how of ['cancel', 'queueTimeout']) {
  for (const module of ['loads-stuck.mjs', 'loads-without-end.mjs']) {
    behaviour(
      `a module that never gets done with loading costs a worker, once nobody waits for it: ${module}, ${how}`,
      async (t, { inChild }) => {
        const end = await inChild(
          async ({ create, moduleTasks }, bad: string, url: string, how: string) => {
            const executor = create(1)
            const { any } = moduleTasks<{ any(): void }>(bad)
            const { healthy } = moduleTasks<{ healthy(n: number): number }>(url)
            const future = executor.with(how === 'cancel' ? {} : { queueTimeout: 400 }).submit(any)
            await new Promise((resolve) => setTimeout(resolve, 300))
            if (how === 'cancel') future.cancel()
            const names = [
              await future.exception(15_000).then(
                (error) => (error as Error).name,
                (error: Error) => error.name,
              ),
            ]
            const next = await executor.submit(healthy, 1).result(30_000)
            const { lost } = executor.stats()
            await executor.shutdown()
            return { names, next, lost }
          },
          [fixture(module), fixture('stuck.mjs'), how],
        )
        t.deepEqual(
          { ...cleanEnd(end), errors: '' },
          ended({ names: [how === 'cancel' ? 'CancelledError' : 'TimeoutError'], next: 2, lost: 0 }),
          end.errors,
        )
      },
    )
  }
}

// From here on: what is a thread pool's alone.

test('dump() names the thread of a worker that was given up and still runs', async (t) => {
  const end = await inChild(
    async ({ moduleTasks, ThreadPoolExecutor }, url: string, file: string) => {
      const { existsSync } = await import('node:fs')
      const { stuckFrom } = moduleTasks<{ stuckFrom(file: string): void }>(url)
      const executor = new ThreadPoolExecutor(1)
      const future = executor.submit(stuckFrom, file)
      // Then it is in the call, where no stop reaches it.
      while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 5))
      const [before] = await executor.dump()
      future.cancel({ interrupt: true })
      while (executor.stats().workers.abandoned === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      // Its owner has been told to end it.
      await new Promise((resolve) => setTimeout(resolve, 200))
      const after = (await executor.dump()).find((worker) => worker.state === 'abandoned')
      return [before!.threadId > 0, before!.threadId === after?.threadId]
    },
    [fixture('stuck.mjs'), new Folder(t).file('stuck')],
  )
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended([true, true]), end.errors)
})
