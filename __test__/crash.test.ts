/**
 * Faults that end a worker's thread, at every moment of the task that it holds. Those that end none, and
 * which cells there are not: crash-alive.test.ts.
 */
import ava from 'ava'
import type { WorkerLostError } from 'concurrent-futures'
import { cleanEnd, ended, inChild } from './child.ts'
import type { ChildEnd } from './child.ts'
import { behaviours } from './executors.ts'
import type { Pool } from './executors.ts'
import { Folder } from './gate.ts'
import { SOON } from './limits.ts'

const test = ava
const behaviour = behaviours(test)
/**
 * Faults that only a thread of this process meets: a limit of its heap that ends it alone, and an end from
 * outside by `worker_threads`.
 */
const ofThreads = behaviours(test, ['pool', 'threads'])

const url = new URL('./fixtures/faults.mjs', import.meta.url).href
const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href

/** What a stray error or an exit leaves in the WorkerLostError of the task that the worker held. */
const CAUSES: Record<string, { cause?: string; exitCode?: number }> = {
  exit: { exitCode: 3 },
  exitZero: { exitCode: 0 },
  exception: { cause: 'stray exception', exitCode: 1 },
  rejection: { cause: 'stray rejection', exitCode: 1 },
  memory: { cause: 'ERR_WORKER_OUT_OF_MEMORY', exitCode: 1 },
  terminated: { exitCode: 1 },
}
const threadFaults = ['memory', 'terminated']
const stated = (fault: string): typeof behaviour => (threadFaults.includes(fault) ? ofThreads : behaviour)

type Seen = {
  victim: string
  exitCode?: number
  cause?: string
  log: string[]
  after: number
  parallel: number
  lost: number
  failed: number
}

/**
 * One fault at one moment: a victim that should meet it, a task that was queued behind the victim, a native
 * one beside it. Then two healthy tasks and a clean close.
 */
async function crash({ inChild, smallHeap }: Pool, fault: string, moment: string): Promise<ChildEnd<Seen>> {
  return inChild(
    async ({ create, moduleTasks, native }, smallHeap: object, url: string, workUrl: string, fault: string, moment: string) => {
      process.on('worker', (worker) => worker.on('message', (message) => message === 'terminate' && void worker.terminate()))
      const executor = create({ maxWorkers: 2, ...smallHeap })
      const tasks = moduleTasks<Record<string, (...args: unknown[]) => unknown>>(url)
      const work = moduleTasks<Record<string, (...args: unknown[]) => unknown>>(workUrl)
      const { mkdtempSync, readFileSync, rmSync } = await import('node:fs')
      const { tmpdir } = await import('node:os')
      const folder = mkdtempSync(`${tmpdir()}/crash-`)
      const log = `${folder}/log`
      if (moment !== 'starting') await executor.submit(tasks['healthy']!, 1).result(15_000)
      const [first] = await executor.dump()
      const victims: Record<string, () => ReturnType<typeof executor.submit>> = {
        starting: () => executor.submit(tasks['atOnce']!, fault),
        'running sync': () => executor.submit(tasks['atOnce']!, fault),
        awaiting: () => executor.submit(tasks['whileAwaiting']!, fault),
        finished: () => executor.submit(tasks['afterwards']!, fault),
        'right after its end': () => executor.submit(tasks['rightAfterwards']!, fault),
        'inside a native task': () =>
          executor.submit(native.matmul, new Float64Array(1e6), new Float64Array(1e6), {
            m: 1_000,
            k: 1_000,
            n: 1_000,
          }),
        queued: () => executor.submit(work['note']!, log, 'victim'),
      }
      let killers: ReturnType<typeof executor.submit>[] = []
      if (moment === 'queued') killers = [executor.submit(tasks['whileAwaiting']!, fault), executor.submit(tasks['whileAwaiting']!, fault)]
      const victim = victims[moment]!()
      if (moment === 'inside a native task') killers = [executor.submit(tasks['whileAwaiting']!, fault)]
      // Whatever a dying worker holds is lost: after an end, nothing is to be held when the fault comes.
      const isAfter = moment === 'finished' || moment === 'right after its end'
      let behind = isAfter ? undefined : executor.submit(work['note']!, log, 'behind')
      const error = (await victim.exception(25_000)) as {
        name: string
        exitCode?: number
        cause?: { message?: string; code?: string }
      } | null
      for (const killer of killers) await killer.exception(15_000)
      const hasDied = async (): Promise<boolean> => (await executor.dump()).every(({ threadId }) => threadId !== first!.threadId)
      while (isAfter && !(await hasDied())) await new Promise((resolve) => setTimeout(resolve, 10))
      behind ??= executor.submit(work['note']!, log, 'behind')
      await behind.result(15_000)
      const after = (await executor.submit(tasks['healthy']!, 1).result(15_000)) as number
      const pair = [executor.submit(work['pause']!, 50), executor.submit(work['pause']!, 50)]
      for (const future of pair) await future.result(15_000)
      const { lost, failed } = executor.stats()
      await executor.shutdown()
      const lines = readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
      rmSync(folder, { recursive: true })
      return {
        victim: error === null ? 'result' : error.name,
        ...(error?.exitCode === undefined ? {} : { exitCode: error.exitCode }),
        ...(error?.cause === undefined ? {} : { cause: error.cause.code ?? error.cause.message ?? '?' }),
        ...{ log: lines.sort(), after, parallel: pair.length, lost, failed },
      }
    },
    [smallHeap, url, workUrl, fault, moment] as [object, string, string, string, string],
  )
}

const faults = Object.keys(CAUSES)
/** A fault that needs the event loop cannot come while the function's synchronous part runs. */
const needsLoop = ['exception', 'rejection', 'terminated']

for (const fault of faults) {
  for (const moment of ['starting', 'running sync', 'awaiting']) {
    if (moment !== 'awaiting' && needsLoop.slice(0, 2).includes(fault)) continue
    stated(fault)(
      `a worker that dies (${fault}) fails the task it holds (${moment}) with WorkerLostError, and nothing else`,
      async (t, pool) => {
        const expected: Seen = {
          victim: 'WorkerLostError',
          ...CAUSES[fault],
          log: ['behind'],
          after: 2,
          parallel: 2,
          lost: 1,
          failed: 0,
        }
        const end = await crash(pool, fault, moment)
        t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(expected), end.errors)
      },
    )
  }

  for (const moment of ['finished', 'right after its end']) {
    stated(fault)(`a worker that dies (${fault}) after a task (${moment}) takes nothing back, and is replaced`, async (t, pool) => {
      const end = await crash(pool, fault, moment)
      const expected: Seen = { victim: 'result', log: ['behind'], after: 2, parallel: 2, lost: 0, failed: 0 }
      t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(expected), end.errors)
    })
  }

  stated(fault)(`a worker that dies (${fault}) leaves queued tasks to others: each runs once`, async (t, pool) => {
    const end = await crash(pool, fault, 'queued')
    const expected: Seen = { victim: 'result', log: ['behind', 'victim'], after: 2, parallel: 2, lost: 2, failed: 0 }
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(expected), end.errors)
  })

  stated(fault)(`a worker that dies (${fault}) does not touch a native task`, async (t, pool) => {
    const end = await crash(pool, fault, 'inside a native task')
    const expected: Seen = { victim: 'result', log: ['behind'], after: 2, parallel: 2, lost: 1, failed: 0 }
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(expected), end.errors)
  })
}

for (const fault of ['exit', 'exception', 'rejection', 'memory', 'terminated']) {
  stated(fault)(
    `a module whose loading ends the worker (${fault}) fails its task, and no worker is started again and again for it`,
    async (t, { inChild, smallHeap }) => {
      const folder = new Folder(t)
      const log = folder.file('log')
      const end = await inChild(
        async ({ create, moduleTasks }, smallHeap: object, module: string, url: string) => {
          let starts = 0
          process.on('worker', (worker) => {
            starts++
            worker.on('message', (message) => message === 'terminate' && void worker.terminate())
          })
          const executor = create({ maxWorkers: 1, ...smallHeap })
          const bad = moduleTasks<{ any(): unknown }>(module)
          const good = moduleTasks<{ healthy(n: number): number }>(url)
          const futures = [executor.submit(bad.any), executor.submit(bad.any)]
          const next = executor.submit(good.healthy, 1)
          const names: string[] = []
          for (const future of futures) names.push(((await future.exception(15_000)) as Error).name)
          const sum = await next.result(15_000)
          await executor.shutdown()
          return { names, sum, fewStarts: starts <= 4 }
        },
        [smallHeap, new URL(`./fixtures/loads-with-${fault}.mjs`, import.meta.url).href, url],
        { env: { FAULTS_LOG: log } },
      )
      t.deepEqual(
        { ...cleanEnd(end), errors: '' },
        ended({ names: ['WorkerLostError', 'WorkerLostError'], sum: 2, fewStarts: true }),
        end.errors,
      )
      t.true(folder.notes(log).length <= 4)
    },
  )
}

for (const fault of ['exit', 'exception', 'rejection', 'memory', 'terminated', 'throws']) {
  stated(fault)(
    `an initializer that fails (${fault}) breaks the executor: pending futures and later submits get a BrokenExecutor`,
    async (t, { broken, inChild, smallHeap }) => {
      const folder = new Folder(t)
      const log = folder.file('log')
      const end = await inChild(
        async ({ broken, BrokenExecutor, create, moduleTasks }, smallHeap: object, url: string, fault: string) => {
          let starts = 0
          process.on('worker', (worker) => {
            starts++
            worker.on('message', (message) => message === 'terminate' && void worker.terminate())
          })
          const tasks = moduleTasks<{ start(name: string): void; healthy(n: number): number }>(url)
          const throws = (): void => {
            process.getBuiltinModule('node:fs').appendFileSync(process.env['FAULTS_LOG']!, 'throws\n')
            throw new RangeError('from the initializer')
          }
          const executor = create({
            maxWorkers: 2,
            ...smallHeap,
            initializer: fault === 'throws' ? throws : tasks.start,
            initargs: [fault],
          })
          const futures = [executor.submit(tasks.healthy, 1), executor.submit(tasks.healthy, 2), executor.submit(tasks.healthy, 3)]
          const errors = [] as Error[]
          for (const future of futures) errors.push((await future.exception(20_000)) as Error)
          let later: unknown
          try {
            executor.submit(tasks.healthy, 4)
          } catch (error) {
            later = error
          }
          const cause = (later as Error).cause as { message?: string } | undefined
          await executor.shutdown()
          return {
            names: errors.map((error) => error.name),
            later: later instanceof broken && later instanceof BrokenExecutor,
            hasCause: errors.every((error) => error.cause !== undefined) && cause !== undefined,
            ...(fault === 'throws' ? { message: cause?.message } : {}),
            fewStarts: starts <= 12,
          }
        },
        [smallHeap, url, fault],
        { env: { FAULTS_LOG: log } },
      )
      const expected = { names: Array(3).fill(broken.name), later: true, hasCause: true, fewStarts: true }
      t.deepEqual(
        { ...cleanEnd(end), errors: '' },
        ended(fault === 'throws' ? { ...expected, message: 'from the initializer' } : expected),
        end.errors,
      )
      t.true(folder.notes(log).length <= 12)
    },
  )
}

behaviour('workers that cannot start at all break the executor', async (t, { broken, inChild }) => {
  const end = await inChild(async ({ create }) => {
    const names: string[] = []
    for (const execArgv of [['--no-such-flag'], ['--import', './no-such-module.mjs'], ['--require', './no-such-module.cjs']]) {
      const executor = create({ maxWorkers: 1, execArgv })
      let error: unknown
      try {
        error = await executor.submit(() => 1).exception(20_000)
      } catch (thrown) {
        error = thrown
      }
      names.push((error as Error).name + ((error as Error).cause === undefined ? ' without a cause' : ''))
      await executor.shutdown()
    }
    return names
  }, [])
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(Array(3).fill(broken.name)), end.errors)
})

behaviour('a hundred deaths in a row lose only the tasks that met them', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string) => {
      const executor = create(2)
      const tasks = moduleTasks<Record<string, (...args: unknown[]) => unknown>>(url)
      const futures = Array.from({ length: 100 }, (_, n) =>
        n % 2 === 0 ? executor.submit(tasks['atOnce']!, 'exit') : executor.submit(tasks['healthy']!, n),
      )
      let [lost, well] = [0, 0]
      for (const [n, future] of futures.entries()) {
        const error = (await future.exception(35_000)) as Error | null
        if (error?.name === 'WorkerLostError') lost++
        else if (error === null && (await future) === n + 1) well++
      }
      const stats = executor.stats()
      await executor.shutdown()
      return [lost, well, stats.lost, stats.completed]
    },
    [url],
  )
  t.deepEqual(cleanEnd(end), ended([50, 50, 50, 50]))
})

behaviour('a worker that ends by an exit code given as a text loses its task with that code', async (t, { create }) => {
  await using executor = create(1)
  const exit = (): void => {
    process.exitCode = '7'
    process.exit()
  }
  const error = (await executor.submit(exit).exception(SOON)) as WorkerLostError
  t.deepEqual([error.name, error.exitCode], ['WorkerLostError', 7])
})

behaviour('a task that dies is not run again', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const { mkdtempSync, readFileSync, rmSync } = await import('node:fs')
    const folder = mkdtempSync(`${(await import('node:os')).tmpdir()}/once-`)
    const executor = create(2)
    const once = async (file: string): Promise<void> => {
      const { appendFileSync } = await import('node:fs')
      appendFileSync(file, 'ran\n')
      process.exit(9)
    }
    const error = (await executor.submit(once, `${folder}/log`).exception(15_000)) as { exitCode?: number }
    await executor.submit(() => 1).result(15_000)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const log = readFileSync(`${folder}/log`, 'utf8')
    await executor.shutdown()
    rmSync(folder, { recursive: true })
    return [log, error.exitCode]
  }, [])
  t.deepEqual(cleanEnd(end), ended(['ran\n', 9]))
})

behaviour('all asynchronous tasks that share a dying worker fail with it', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string, workUrl: string) => {
      const executor = create({ maxWorkers: 3, tasksPerWorker: 3, minWorkers: 0 })
      const tasks = moduleTasks<Record<string, (...args: unknown[]) => unknown>>(url)
      const work = moduleTasks<Record<string, (...args: unknown[]) => unknown>>(workUrl)
      const futures = [executor.submit(work['never']!), executor.submit(work['never']!), executor.submit(tasks['whileAwaiting']!, 'exit')]
      await futures[2]!.exception(15_000)
      const states = await Promise.all(
        futures.map((future) =>
          future.exception(1_000).then(
            (error) => (error as Error).name,
            (error) => error.name,
          ),
        ),
      )
      const after = await executor.submit(tasks['healthy']!, 1).result(15_000)
      for (const future of futures) future.cancel({ interrupt: true })
      await executor.shutdown()
      return {
        hasLost: states.includes('WorkerLostError'),
        noOther: states.every((name) => ['WorkerLostError', 'TimeoutError'].includes(name)),
        after,
      }
    },
    [url, workUrl],
  )
  t.deepEqual(cleanEnd(end), ended({ hasLost: true, noOther: true, after: 2 }))
})

behaviour('errors of several ticks that the user handles cost nothing', async (t, { inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create(1)
    const strays = (): number => {
      process.on('uncaughtException', () => {})
      for (const name of ['a', 'b', 'c']) {
        process.nextTick(() => {
          throw new Error(name)
        })
      }
      return 1
    }
    const results = [await executor.submit(strays).result(15_000), await executor.submit(() => 2).result(15_000)]
    await executor.shutdown()
    return results
  }, [])
  t.deepEqual(cleanEnd(end), ended([1, 2]))
})

// From here on: what is a thread pool's alone.

test('a system that refuses one more thread does not break a pool that has some', async (t) => {
  const end = await inChild(async ({ ThreadPoolExecutor }) => {
    const threads = process.getBuiltinModule('node:worker_threads')
    const executor = new ThreadPoolExecutor(2)
    await executor.submit(() => 1)
    const { Worker } = threads
    let refused = 0
    threads.Worker = class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        if (refused++ === 0) throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' })
        super(...args)
      }
    }
    process.getBuiltinModule('node:module').syncBuiltinESMExports()
    const busy = (ms: number): number => {
      const end = performance.now() + ms
      while (performance.now() < end);
      return ms
    }
    const results = await Promise.all([1, 2, 3, 4].map(() => executor.submit(busy, 50).result(20_000)))
    await executor.shutdown()
    return [results, refused > 0]
  }, [])
  t.deepEqual(cleanEnd(end), ended([[50, 50, 50, 50], true]))
})

test('a worker that is terminated from outside while it starts is replaced, and the task runs, once', async (t) => {
  const end = await inChild(
    async ({ moduleTasks, ThreadPoolExecutor }, url: string) => {
      let starts = 0
      process.on('worker', (worker) => {
        if (++starts === 1) void worker.terminate()
      })
      const executor = new ThreadPoolExecutor(1)
      const { count } = moduleTasks<{ count(): number }>(url)
      const calls = [await executor.submit(count).result(20_000), await executor.submit(count).result(20_000)]
      const { completed, lost } = executor.stats()
      await executor.shutdown()
      return { calls, completed, lost, starts }
    },
    [workUrl],
  )
  t.deepEqual({ ...cleanEnd(end), errors: '' }, ended({ calls: [1, 2], completed: 2, lost: 0, starts: 2 }), end.errors)
})
