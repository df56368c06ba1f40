/**
 * Workers that die before their first task, and starts that fail: who is blamed, how often they are tried
 * again, and what breaks an executor. What the core decides without JavaScript: crates/pool/tests/starts.rs.
 */
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import ava from 'ava'
import { cleanEnd, ended, runNode } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder } from './gate.ts'

const test = ava
const behaviour = behaviours(test)
/** `process` tells of the workers, and how they share its limits. */
const ofThreads = behaviours(test, ['pool', 'threads'])

const url = (kind: string): string => new URL(`./fixtures/leaves-behind.mjs?kind=${kind}`, import.meta.url).href
const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href

/** A port at which somebody listens. */
async function takenPort(): Promise<{ port: string; server: Server }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, resolve))
  return { port: String((server.address() as AddressInfo).port), server }
}

const LEFTOVERS: Record<string, string> = {
  tick: 'stray',
  microtask: 'stray',
  rejection: 'stray',
  rejectionAfterAwaits: 'stray',
  listen: 'EADDRINUSE',
}
/** Whether a task of the module begins before is the luck of the draw. */
const LATE: Record<string, string | number> = { immediate: 'stray', exit: 7, timer: 'stray' }

for (const [kind, reason] of Object.entries({ ...LEFTOVERS, ...LATE })) {
  for (const workers of [1, 2]) {
    behaviour(
      `a module that leaves behind what ends its worker (${kind}) loses its own tasks, and no others, with ${workers} workers`,
      async (t, { inChild }) => {
        const folder = new Folder(t)
        const log = folder.file('log')
        const { port, server } = await takenPort()
        const end = await inChild(
          async ({ create, moduleTasks, native }, workers: number, url: string, workUrl: string) => {
            const executor = create(workers)
            const bad = moduleTasks<{ one(): number; two(): number }>(url)
            const work = moduleTasks<{ add(a: number, b: number): number }>(workUrl)
            const lost = [1, 2, 3, 4].map((n) => executor.submit(n % 2 === 0 ? bad.two : bad.one))
            const others = [executor.submit(work.add, 1, 2), executor.submit(() => 4), executor.submit(native.countPrimes, 10)]
            const values: unknown[] = []
            for (const other of others) values.push(await other.result(20_000))
            const reasons: unknown[] = []
            for (const future of lost) {
              const error = (await future.exception(20_000)) as
                (Error & { exitCode?: number; cause?: { code?: string; message?: string } }) | null
              if (error === null) continue
              reasons.push([error.name, error.cause?.code ?? error.cause?.message ?? error.exitCode])
            }
            const stats = executor.stats()
            const again = await executor.submit(work.add, 3, 4).result(20_000)
            await executor.shutdown()
            const isCounted = stats.lost === reasons.length && stats.workers.died >= reasons.length
            return { values, reasons, again, broken: stats.broken, isCounted }
          },
          [workers, url(kind), workUrl],
          { env: { FAULTS_LOG: log, TAKEN_PORT: port } },
        )
        server.close()
        const { reasons, ...rest } = end.value ?? { reasons: [] }
        t.deepEqual(
          { ...cleanEnd({ ...end, value: rest }), errors: '' },
          ended({ values: [3, 4, 4], again: 7, broken: false, isCounted: true }),
          end.errors,
        )
        if (kind in LEFTOVERS) t.is(reasons.length, 4)
        t.true(
          reasons.every((one) => JSON.stringify(one) === JSON.stringify(['WorkerLostError', reason])),
          JSON.stringify(reasons),
        )
        t.true(folder.notes(log).length <= 4 + 2 * workers)
      },
    )
  }
}

ofThreads(
  'tasks of a module that always ends its worker are tried ever more rarely, and can be cancelled meanwhile',
  async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string) => {
        let starts = 0
        process.on('worker', () => starts++)
        const executor = create(1)
        const bad = moduleTasks<{ one(): number }>(url)
        const futures = Array.from({ length: 50 }, () => executor.submit(bad.one))
        const limited = executor.with({ queueTimeout: 700 }).submit(bad.one)
        const names: string[] = []
        for (const future of futures.slice(0, 4)) names.push(((await future.exception(20_000)) as Error).name)
        names.push(((await limited.exception(20_000)) as Error).name)
        const isFew = starts <= 12
        const isCancelled = futures[49]!.cancel()
        await executor.shutdown({ cancelFutures: true })
        return { names, isFew, isCancelled, cancelled: executor.stats().cancelled > 30 }
      },
      [url('tick')],
    )
    const names = [...Array<string>(4).fill('WorkerLostError'), 'TimeoutError']
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended({ names, isFew: true, isCancelled: true, cancelled: true }), end.errors)
  },
)

const initializers = {
  'connects in vain': async () => {
    const { connect } = await import('node:net')
    connect(1, '127.0.0.1')
  },
  'throws two immediates later': () => {
    setImmediate(() =>
      setImmediate(() => {
        throw new RangeError('stray')
      }),
    )
  },
  'exits two immediates later': () => {
    setImmediate(() => setImmediate(() => process.exit(4)))
  },
}

for (const [what, initializer] of Object.entries(initializers)) {
  for (const of of ['a module', 'a source', 'none']) {
    ofThreads(`an initializer that ${what} breaks the executor after some tries, with tasks of ${of}`, async (t, { broken, inChild }) => {
      const end = await inChild(
        async ({ create, moduleTasks }, initializer: string, of: string, workUrl: string) => {
          let starts = 0
          process.on('worker', () => starts++)
          const executor = create({
            maxWorkers: 2,
            minWorkers: of === 'none' ? 2 : 0,
            initializer: (0, eval)(`(${initializer})`) as () => void,
          })
          const work = moduleTasks<{ add(a: number, b: number): number }>(workUrl)
          const futures =
            of === 'none' ? [] : [1, 2, 3].map(() => (of === 'a module' ? executor.submit(work.add, 1, 2) : executor.submit(() => 1)))
          const errors: Error[] = []
          for (const future of futures) errors.push((await future.exception(20_000)) as Error)
          for (let look = 0; look < 1_000 && !executor.stats().broken; look++) {
            await new Promise((resolve) => setTimeout(resolve, 20))
          }
          let later: Error | undefined
          try {
            executor.submit(() => 1)
          } catch (error) {
            later = error as Error
          }
          await executor.shutdown()
          const { broken, workers } = executor.stats()
          return {
            names: errors.map(({ name }) => name),
            later: later?.name,
            hasCause: [...errors, later].every((error) => error?.cause !== undefined),
            fewStarts: starts <= 8,
            broken,
            died: workers.died >= 3,
          }
        },
        [initializer.toString(), of, workUrl],
      )
      t.deepEqual(
        { ...cleanEnd(end), errors: '' },
        ended({
          names: of === 'none' ? [] : Array<string>(3).fill(broken.name),
          later: broken.name,
          hasCause: true,
          fewStarts: true,
          broken: true,
          died: true,
        }),
        end.errors,
      )
    })
  }
}

behaviour('an initializer that fails for a while in an executor that has worked costs time only', async (t, { inChild }) => {
  const folder = new Folder(t)
  const end = await inChild(
    async ({ create }, down: string) => {
      const { rmSync, writeFileSync } = await import('node:fs')
      const executor = create({
        maxWorkers: 1,
        initializer: async (down: string) => {
          const { existsSync } = await import('node:fs')
          if (existsSync(down)) throw new RangeError('the database is down')
        },
        initargs: [down],
      })
      const values = [await executor.submit(() => 1).result(20_000)]
      writeFileSync(down, '')
      const exit = (): void => process.exit(3)
      const names = [((await executor.submit(exit).exception(20_000)) as Error).name]
      const waiting = executor.submit(() => 2)
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      names.push(waiting.state, String(executor.stats().broken))
      rmSync(down)
      values.push(await waiting.result(20_000))
      const { broken, workers } = executor.stats()
      await executor.shutdown()
      return { values, names, broken, died: workers.died }
    },
    [folder.file('down')],
  )
  t.deepEqual(
    { ...cleanEnd(end), errors: '' },
    ended({ values: [1, 2], names: ['WorkerLostError', 'pending', 'false'], broken: false, died: 1 }),
    end.errors,
  )
})

behaviour(
  'an initializer that throws and leaves something behind that goes on does not hold up shutdown()',
  async (t, { broken, create }) => {
    const executor = create({
      maxWorkers: 1,
      initializer: () => {
        setInterval(() => {}, 1_000)
        throw new RangeError('no')
      },
    })
    t.is(((await executor.submit(() => 1).exception(20_000)) as Error).name, broken.name)
    await executor.shutdown()
    t.true(executor.stats().broken)
  },
)

for (const [what, never] of Object.entries({
  'awaits for ever': () => new Promise<void>(() => {}),
  'loops for ever': () => {
    for (;;);
  },
})) {
  behaviour(`shutdown({ cancelFutures }) does not wait for an initializer that ${what}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create }, never: string) => {
        const executor = create({
          maxWorkers: 2,
          minWorkers: 1,
          initializer: (0, eval)(`(${never})`) as () => void,
        })
        const future = executor.submit(() => 1)
        await new Promise((resolve) => setTimeout(resolve, 300))
        const before = performance.now()
        await executor.shutdown({ cancelFutures: true })
        const { died, starting } = executor.stats().workers
        return { state: future.state, isSoon: performance.now() - before < 15_000, died, starting }
      },
      [never.toString()],
    )
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended({ state: 'cancelled', isSoon: true, died: 0, starting: 0 }), end.errors)
  })
}

// From here on: what is a thread pool's alone.

test('a program whose tasks are in its own file, which cannot be loaded twice, is told the cure', async (t) => {
  const { port, server } = await takenPort()
  await new Promise((resolve) => server.close(resolve))
  const file = fileURLToPath(new URL('./fixtures/served-by-itself.mjs', import.meta.url))
  const end = await runNode<never>([file], { env: { PORT: port } })
  t.deepEqual([end.code, end.isHung, end.errors], [0, false, ''])
  const seen = JSON.parse(end.output) as { name: string; message: string; cause: string; count: number; starts: number }
  t.like(seen, { name: 'WorkerLostError', cause: 'EADDRINUSE', count: 3 })
  t.regex(seen.message, /program itself .*served-by-itself\.mjs.* file of their own.*isMainThread/)
  t.true(seen.starts <= 5)
})

const onPosix = process.platform === 'win32' ? test.skip : test

onPosix('without enough descriptors for all workers, the tasks run on those that come', async (t) => {
  for (const descriptors of [60, 100]) {
    const end = await runNode<unknown>([fileURLToPath(new URL('./fixtures/without-descriptors.mjs', import.meta.url)), 'many'], {
      limits: `-n ${descriptors}`,
    })
    t.deepEqual([end.code, end.isHung, end.errors], [0, false, ''])
    t.deepEqual(JSON.parse(end.output), { completed: 96, failed: 0, broken: false, died: 0 })
  }
})

for (const what of ['start', 'load', 'native', 'blocked']) {
  onPosix(`a moment without descriptors costs time only (${what})`, async (t) => {
    const end = await runNode<unknown>([fileURLToPath(new URL('./fixtures/without-descriptors.mjs', import.meta.url)), what], {
      limits: '-n 60',
    })
    t.deepEqual([end.code, end.isHung, end.errors], [0, false, ''])
    t.deepEqual(JSON.parse(end.output), { value: 3, then: 7, broken: false, died: 0 })
  })
}

onPosix('in a removed directory a worker that has started runs new functions, and others start when there is one again', async (t) => {
  const folder = new Folder(t)
  const end = await runNode<unknown>([fileURLToPath(new URL('./fixtures/without-directory.mjs', import.meta.url)), folder.file('gone')])
  t.deepEqual([end.code, end.isHung, end.errors], [0, false, ''])
  t.deepEqual(JSON.parse(end.output), {
    warm: [1, 2, 3],
    cold: 'pending',
    late: 'TimeoutError',
    cancelled: true,
    native: 4,
    then: 5,
    broken: false,
  })
})
