import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import vm from 'node:vm'
import { Worker } from 'node:worker_threads'
import ava from 'ava'
import * as api from 'concurrent-futures'
import { cleanEnd, ended, inChild } from './child.ts'
import { behaviours } from './executors.ts'
import type { ChildPackage, Pool } from './executors.ts'
import { Folder } from './gate.ts'
import { SOON } from './limits.ts'
import { buildC } from './plugin-builder.ts'

const test = ava.serial
const behaviour = behaviours(test)

const { moduleTasks, native, ThreadPoolExecutor } = api
const packageUrl = import.meta.resolve('concurrent-futures')
const root = fileURLToPath(new URL('..', import.meta.url))
const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href
const work = moduleTasks<typeof import('./fixtures/work.mjs')>(workUrl)

/**
 * A Worker that runs this code with the package and a `create` as `api`, and the ordinary module as `work`,
 * and posts what it returns.
 */
const ENTRY = `
const { parentPort, workerData } = require('node:worker_threads')
void (async () => {
  const exported = await import(workerData.packageUrl)
  const api = { ...exported, create: (options) => new exported[workerData.executor](options) }
  const work = api.moduleTasks(workerData.workUrl)
  const value = await eval('(' + workerData.source + ')')(api, work, parentPort)
  if (value !== undefined) parentPort.postMessage(value)
})()`

type Body = (api: ChildPackage, work: Work, port: { postMessage(value: unknown): void }) => unknown
type Package = typeof api
type Work = typeof work

/** Without the loader of the tests, which would make each start dear. */
function start(executor: string, body: Body): Worker {
  const workerData = { packageUrl, workUrl, executor, source: body.toString() }
  const worker = new Worker(ENTRY, { eval: true, execArgv: [], workerData })
  // Heard from the start: it may come before anybody asks for it.
  exits.set(worker, new Promise((resolve) => worker.once('exit', resolve)))
  return worker
}

const exits: WeakMap<Worker, Promise<number>> = new WeakMap()

function message(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error('no message from the Worker')), SOON)
    worker.once('message', (value) => (clearTimeout(limit), resolve(value)))
    worker.once('error', reject)
  })
}

function exit(worker: Worker): Promise<number> {
  return exits.get(worker) as Promise<number>
}

behaviour('user Workers have executors of their own, and what they run does not mix', async (t, { name }) => {
  const workers = [1, 2, 3].map(() =>
    start(name, async ({ create, native }, work) => {
      const executor = create(1)
      const sums = await Promise.all([1, 2, 3].map((n) => executor.submit(work.add, n, n).result(15_000)))
      const primes = await executor.submit(native.countPrimes, 100).result(15_000)
      await executor.shutdown()
      return [sums, primes]
    }),
  )
  const exits = workers.map(exit)
  for (const value of await Promise.all(workers.map(message))) t.deepEqual(value, [[2, 4, 6], 25])
  t.deepEqual(await Promise.all(exits), [0, 0, 0])
})

behaviour('resultSync in a user Worker works for JavaScript and native tasks of cold pools', async (t, { name }) => {
  const worker = start(name, ({ create, TimeoutError, native }, work) => {
    const [first, second] = [create(1), create(1)]
    const values: unknown[] = [first.submit(work.add, 1, 2).resultSync(15_000), second.submit(native.countPrimes, 100).resultSync(15_000)]
    try {
      first.submit(work.pause, 400).resultSync(20)
    } catch (error) {
      values.push(error instanceof TimeoutError)
    }
    values.push(first.submit(work.fail, 'x').exceptionSync(15_000) instanceof RangeError)
    return values
  })
  t.deepEqual(await message(worker), [3, 25, true, true])
  t.is(await exit(worker), 0)
})

behaviour('resultSync on the main thread works for native and JavaScript tasks of cold pools', async (t, { inChild }) => {
  const end = await inChild(
    ({ create, moduleTasks, native }, url: string) => {
      const work = moduleTasks<{ add(a: number, b: number): number }>(url)
      const values: unknown[] = []
      for (let round = 0; round < 3; round++) {
        values.push(create(1).submit(work.add, round, 1).resultSync(30_000))
        values.push(create(1).submit(native.countPrimes, 100).resultSync(30_000))
      }
      return values
    },
    [workUrl],
  )
  t.deepEqual(cleanEnd(end), ended([1, 25, 2, 25, 3, 25]))
})

behaviour('a worker that dies before it attaches is seen while the main thread blocks', async (t, { broken, inChild }) => {
  const end = await inChild(({ create }) => {
    const executor = create({ maxWorkers: 1, execArgv: ['--import', 'data:text/javascript,process.exit(3)'] })
    const error = executor.submit(() => 1).exceptionSync(30_000) as Error
    return error.name
  }, [])
  t.deepEqual(cleanEnd(end), ended(broken.name))
})

behaviour('a worker that dies before it attaches is seen by the event loop', async (t, { broken, inChild }) => {
  const end = await inChild(async ({ create }) => {
    const executor = create({ maxWorkers: 1, execArgv: ['--import', 'data:text/javascript,process.exit(3)'] })
    return ((await executor.submit(() => 1).exception(30_000)) as Error).name
  }, [])
  t.deepEqual(cleanEnd(end), ended(broken.name))
})

behaviour('a Worker that owns an executor may be terminated at any moment', async (t, { inChild, name }) => {
  // Tasks wait, run, are submitted, settle and block all the while.
  const source: Body = async ({ create, native }, work, port) => {
    const executor = create({ maxWorkers: 2, minWorkers: 1 })
    void executor.submit(work.spin)
    void executor.submit(work.never)
    port.postMessage('begun')
    for (;;) {
      for (let n = 0; n < 20; n++) void executor.submit(native.countPrimes, 1_000)
      try {
        executor.submit(native.countPrimes, 10_000).resultSync(3)
      } catch {}
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const end = await inChild(
    async ({ create }, entry: string, workerData: object) => {
      const { Worker } = await import('node:worker_threads')
      const { setTimeout: sleep } = await import('node:timers/promises')
      for (let round = 0; round < 24; round++) {
        const worker = new Worker(entry, { eval: true, execArgv: [], workerData })
        worker.on('error', () => {})
        if (round % 2 === 0) await new Promise((resolve) => worker.once('message', resolve))
        await sleep(round * 4)
        await worker.terminate()
      }
      const executor = create(1)
      return executor.submit((a: number, b: number) => a + b, 1, 2).resultSync(20_000)
    },
    [ENTRY, { packageUrl, workUrl, executor: name, source: source.toString() }],
  )
  t.deepEqual(cleanEnd(end), ended(3))
})

/** A second copy of the package. */
function copy(folder: string): string {
  const target = join(folder, 'copy')
  mkdirSync(target)
  const names = ['dist', 'index.js', 'package.json', ...readdirSync(root).filter((name) => name.endsWith('.node'))]
  for (const name of names) cpSync(join(root, name), join(target, name), { recursive: true })
  return pathToFileURL(join(target, 'dist', 'index.js')).href
}

behaviour('two copies of the package work in one process, and tell each other by their errors', async (t, { inChild, name }) => {
  const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const end = await inChild(
    async (first, copyUrl: string, workUrl: string, name: Pool['name']) => {
      const second = (await import(copyUrl)) as typeof first
      const values: unknown[] = [first[name] === second[name]]
      const pools = [first, second].map((copy) => ({
        copy,
        executor: new copy[name](1),
        work: copy.moduleTasks<any>(workUrl),
      }))
      for (const { copy, executor, work } of pools) {
        values.push(executor.submit(work.add, 1, 2).resultSync(20_000), await executor.submit(copy.native.countPrimes, 100))
        const error = await executor.with({ timeout: 50 }).submit(work.spin).exception(20_000)
        values.push(error instanceof first.TimeoutError, error instanceof second.TimeoutError)
      }
      for (const { executor } of pools) await executor.shutdown()
      return values
    },
    [copy(folder), workUrl, name],
  )
  t.deepEqual(cleanEnd(end), ended([false, 3, 25, true, true, 3, 25, true, true]))
})

behaviour(
  'a task whose module has loaded another copy of the package knows itself and its executor, and gives up its place for a future of that copy',
  async (t, { create }) => {
    const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const gate = new Folder(t).file('gate')
    const path = join(folder, 'of-a-copy.mjs')
    const lines = [
      `import { currentExecutor, currentTask, ThreadPoolExecutor } from ${JSON.stringify(copy(folder))}`,
      `import { writeFileSync } from 'node:fs'`,
      `export async function looks(fn) {`,
      `  const task = currentTask()`,
      `  task.progress('half')`,
      `  await new Promise((resolve) => setTimeout(resolve, 5))`,
      `  const later = currentTask()`,
      `  return [task.name, later.id === task.id, task.cancelled, task.signal.aborted,`,
      `    await currentExecutor().submit((n) => n + 1, 1)]`,
      `}`,
      `export async function waits(gate) {`,
      `  const other = new ThreadPoolExecutor(1)`,
      `  const future = other.submit(async (gate) => {`,
      `    const { existsSync } = await import('node:fs')`,
      `    while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 2))`,
      `  }, gate)`,
      `  await future`,
      `  await other.shutdown()`,
      `  return 'waited'`,
      `}`,
      `export const opens = (gate) => writeFileSync(gate, '')`,
    ]
    writeFileSync(path, lines.join('\n'))
    const work = moduleTasks<Record<string, (...args: any[]) => unknown>>(pathToFileURL(path).href) as any
    await using executor = create(1)
    const progress: unknown[] = []
    const future = executor.with({ name: 'known' }).submit(work.looks)
    future.onProgress((value) => progress.push(value))
    t.deepEqual(await future.result(SOON), ['known', true, false, false, 2])
    t.deepEqual(progress, ['half'])
    const waiting = executor.submit(work.waits, gate)
    await executor.submit(work.opens, gate).result(SOON)
    t.is(await waiting.result(SOON), 'waited')
  },
)

behaviour(
  'native tasks of another copy of the package are ours of that name; those of a plug-in that it has loaded are refused',
  async (t, { inChild }) => {
    const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const end = await inChild(
      async (first, copyUrl: string, plugin: string) => {
        const second = (await import(copyUrl)) as typeof first
        const executor = first.create(1)
        const values: unknown[] = [
          await executor.submit(second.native.crc32, 'x'),
          executor.submit(second.native.countPrimes, 100).resultSync(20_000),
        ]
        for await (const count of executor.with({ chunkSize: 2 }).map(second.native.countPrimes, [10, 20, 30])) values.push(count)
        const [task] = Object.values(second.loadNative(plugin))
        const newer = Object.defineProperty(() => {}, Symbol.for('concurrent-futures.native'), {
          value: { name: 'newer', isShipped: true },
        })
        for (const attempt of [
          () => executor.submit(second.native.crc32, 1 as never),
          () => executor.submit(task as () => unknown),
          () => executor.submit(newer),
        ]) {
          try {
            attempt()
          } catch (error) {
            values.push((error as Error).name, (error as Error).message)
          }
        }
        return values
      },
      [copy(folder), buildC('examples/plugin-c/plugin.c', 'plugin_of_a_copy')],
    )
    const cure = "load its plug-in with this copy's loadNative()"
    const of = (name: string, cure: string): string => `the native task ${name} is that of another copy of concurrent-futures: ${cure}`
    t.like(cleanEnd(end), { code: 0, errors: '' })
    const [name, message] = (end.value ?? []).splice(5, 2)
    t.is(name, 'TypeError')
    t.regex(String(message), /^bytes must be/)
    t.deepEqual(end.value, [
      2_363_233_923,
      25,
      4,
      8,
      10,
      'TypeError',
      of('sum_bytes', cure),
      'TypeError',
      of('newer', 'this one does not have it'),
    ])
  },
)

test('where addons are switched off, the error says so', async (t) => {
  const end = await inChild(async () => {}, [], { nodeArguments: ['--no-addons'] })
  t.is(end.code, 1)
  t.regex(end.errors, /Error: The addon of concurrent-futures could not be loaded: .*disabled\. \(it is native: .*--no-addons/)
  t.notRegex(end.errors, /npm i/)
})

test('require and import give the same copy', (t) => {
  const required = createRequire(import.meta.url)('concurrent-futures') as Package
  t.is(required.ThreadPoolExecutor, ThreadPoolExecutor)
  t.is(required.TimeoutError, api.TimeoutError)
})

behaviour('functions and values of other vm contexts can be submitted', async (t, { create }) => {
  const executor = create(1)
  const context = vm.createContext({ executor, native })
  const fn = vm.runInContext('(a, b) => a.concat(b)', context) as (a: number[], b: number[]) => number[]
  t.deepEqual(await executor.submit(fn, [1], vm.runInContext('[2, 3]', context) as number[]).result(SOON), [1, 2, 3])
  const future = vm.runInContext('executor.submit((o) => o.a + 1, { a: 1 })', context) as api.Future<number>
  t.is(await future.result(SOON), 2)
  t.is(vm.runInContext('executor.submit((n) => n + 1, 1).resultSync(20000)', context), 2)
  t.is(await (vm.runInContext('executor.submit(native.countPrimes, 100)', context) as api.Future<number>).result(SOON), 25)
  await executor.shutdown()
})

// From here on: what is a thread pool's alone.

test('where a bundler has left the entry of the workers out, the error says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'concurrent-futures-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const url = copy(folder)
  rmSync(new URL('worker', url), { recursive: true })
  const end = await inChild(
    async ({}, url: string) => {
      const { BrokenThreadPool, ThreadPoolExecutor } = (await import(url)) as Package
      const executor = new ThreadPoolExecutor(1)
      const error = (await executor.submit(() => 1).exception()) as Error
      const { message } = (error.cause as Error).cause as Error
      return [error instanceof BrokenThreadPool, error.message, message.split(' ', 3).join(' ')]
    },
    [url],
  )
  const path = fileURLToPath(new URL('worker/main.cjs', url))
  const hint = `there is no ${path}, which workers run: a bundler must leave concurrent-futures out (mark it as external)`
  t.deepEqual(cleanEnd(end), ended([true, `the pool could not run the task: ${hint}`, 'Cannot find module']))
})

for (const ending of ['shut down', 'dropped']) {
  test(`1,000 executors that are made, used and ${ending} leave no thread, no handle and no memory behind`, async (t) => {
    const end = await inChild(
      async ({ native, ThreadPoolExecutor }, ending: string) => {
        const { readdirSync } = await import('node:fs')
        const { setTimeout: sleep } = await import('node:timers/promises')
        const handles = (): number =>
          (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0) + process.getActiveResourcesInfo().length
        const threads = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/task').length : 0)
        const collect = globalThis.gc as () => void
        const round = async (n: number): Promise<void> => {
          const executor = new ThreadPoolExecutor({ maxWorkers: 1, idleTimeout: 50 })
          await executor.submit(native.countPrimes, 100)
          // A JavaScript worker takes longer to start: in some of them.
          if (n % 25 === 0) await executor.submit((a: number) => a, n)
          if (ending === 'shut down') await executor.shutdown()
        }
        const settle = async (): Promise<[number, number, number]> => {
          const end = Date.now() + 8_000
          for (let last = Infinity; Date.now() < end;) {
            collect()
            await sleep(300)
            if (threads() === last) break
            last = threads()
          }
          return [threads(), process.memoryUsage().rss, handles()]
        }
        for (let n = 0; n < 40; n++) await round(n)
        const [threadsBefore, before, handlesBefore] = await settle()
        for (let n = 0; n < 1_000; n++) await round(n)
        const [threadsAfter, after, handlesAfter] = await settle()
        // What the most threads at once make the allocators take is there after one stretch or two; what is
        // left behind for each executor comes with every one.
        const megabytes: number[] = []
        for (let last = after; megabytes.length < 3 && !(megabytes.at(-1)! < 8);) {
          for (let n = 0; n < 1_000; n++) await round(n)
          const [, now] = await settle()
          megabytes.push((now - last) / 2 ** 20)
          last = now
        }
        return {
          threads: threadsAfter - threadsBefore,
          handles: handlesAfter - handlesBefore,
          first: (after - before) / 2 ** 20,
          later: Math.min(...megabytes),
        }
      },
      [ending],
      // The allocators keep free memory for each thread that there was at once, and V8 a young space of up to
      // 48 MB: neither is what is asked for here.
      { nodeArguments: ['--expose-gc', '--max-semi-space-size=1'], env: { MALLOC_ARENA_MAX: '1' } },
    )
    t.deepEqual({ code: end.code, isHung: end.isHung, errors: end.errors }, { code: 0, isHung: false, errors: '' })
    const { threads, handles, first, later } = end.value ?? { threads: NaN, handles: NaN, first: NaN, later: NaN }
    t.true(threads <= 2, `${threads} threads more`)
    t.true(handles <= 2, `${handles} handles more`)
    // 40 isolates of 12 MB each would be 480.
    t.true(first < 60, `${first.toFixed(1)} MB more`)
    // 8 KB for each executor.
    t.true(later < 8, `${later.toFixed(1)} MB more after as many more`)
  })
}
