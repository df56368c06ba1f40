/** Programs that make functions, or names of modules, without end: what is not used any more is forgotten. */
import ava from 'ava'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder } from './gate.ts'
import { SOON } from './limits.ts'

const test = ava.serial
const behaviour = behaviours(test)

const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href

for (const way of ['submit', 'map in chunks', 'in a task'] as const) {
  behaviour(`functions with a source each do not fill the memory: ${way}`, async (t, { inChild, smallHeap }) => {
    const end = await inChild(
      async ({ create }, way: string, smallHeap: object) => {
        const executor = create({ maxWorkers: 1, ...smallHeap })
        // 2 KB each: 60 MB in all would be too much for either heap, and is seen in the process.
        const rule = (n: number): ((a: number) => number) => new Function('a', `return a + ${n} // ${'-'.repeat(2_000)}`) as never
        const nest = async (from: number, to: number): Promise<number> => {
          const { currentExecutor } = await import('concurrent-futures')
          let sum = 0
          for (let n = from; n < to; n++) {
            const made = new Function('a', `return a + ${n} // ${'-'.repeat(2_000)}`) as (a: number) => number
            sum += (await currentExecutor()?.submit(made, 1)) ?? NaN
          }
          return sum
        }
        const run = async (from: number, to: number): Promise<number> => {
          if (way === 'in a task') return executor.submit(nest, from, to)
          let sum = 0
          for (let n = from; n < to; n++) {
            if (way === 'submit') sum += await executor.submit(rule(n), 1)
            else for await (const value of executor.with({ chunkSize: 2 }).map(rule(n), [1])) sum += value
          }
          return sum
        }
        await run(0, 3_000)
        const before = process.memoryUsage().rss
        let sum = 0
        for (let n = 3_000; n < 33_000; n += 1_000) sum += await run(n, n + 1_000)
        const grown = (process.memoryUsage().rss - before) / 1e6
        return [sum, grown < 60 || grown]
      },
      [way, smallHeap] as const,
      { nodeArguments: ['--max-old-space-size=48'] },
    )
    t.deepEqual(cleanEnd(end), ended([30_000 * 18_001 - 15_000, true]))
  })
}

behaviour('a function runs again after its worker has forgotten it for many others, and has its name', async (t, { create }) => {
  await using executor = create(1)
  const named = async function known(n: number): Promise<unknown[]> {
    const { currentTask } = await import('concurrent-futures')
    return [currentTask()?.name, n]
  }
  const plain = (n: number): number => 2 * n
  for (let round = 0; round < 3; round++) {
    t.deepEqual(await executor.submit(named, round).result(SOON), ['known', round])
    t.is(await executor.submit(plain, round).result(SOON), 2 * round)
    const others = Array.from({ length: 1_200 }, (_, n) =>
      executor.submit(new Function('a', `return a + ${round * 10_000 + n}`) as (a: number) => number, 1),
    )
    for (const [n, future] of others.entries()) t.is(await future.result(SOON), round * 10_000 + n + 1)
  }
})

behaviour('what is queued runs, and errors name it, also when nobody holds its function any more', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, moduleTasks }, url: string, gate: string) => {
      const collect = async (): Promise<void> => {
        for (let n = 0; n < 6; n++) {
          ;(globalThis as unknown as { gc(): void }).gc()
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
      }
      const { waitFor, touch } = moduleTasks<any>(url)
      const executor = create({
        maxWorkers: 1,
        idleTimeout: 50,
        initializer: new Function('globalThis.initialized = 7') as () => void,
      })
      const blocker = executor.submit(waitFor, gate)
      const make = (text: string): any => new Function('a', text)
      const queued = [1, 2, 3].map((n) => executor.submit(make(`return a + ${n} + globalThis.initialized`), 1))
      const late = executor.with({ queueTimeout: 50 }).submit(
        (() => {
          const fn = { tooLate: (a: number) => a }
          return fn.tooLate
        })(),
        1,
      )
      await collect()
      const { message } = (await late.exception()) as Error
      const { writeFileSync } = await import('node:fs')
      writeFileSync(gate, '')
      await blocker
      const values = await Promise.all(queued)
      // A new worker runs the initializer.
      while (executor.stats().workers.idle > 0) await collect()
      values.push(await executor.submit(make('return a + globalThis.initialized'), 1))
      void touch
      return [values, message]
    },
    [workUrl, new Folder(t).file('gate')] as const,
    { nodeArguments: ['--expose-gc'] },
  )
  t.deepEqual(cleanEnd(end), ended([[9, 10, 11, 8], "the task 'tooLate' was not started in time"]))
})

behaviour('what a task has submitted runs also when its worker has died since', async (t, { create }) => {
  await using executor = create(1)
  const folder = new Folder(t)
  const log = folder.file('log')
  const leaves = async (file: string): Promise<void> => {
    const { currentExecutor } = await import('concurrent-futures')
    for (let n = 0; n < 50; n++) {
      const note = new Function(
        'file',
        `process.getBuiltinModule?.('node:fs').appendFileSync(file, '${n}\\n'); return import('node:fs').then((fs) => process.getBuiltinModule === undefined && fs.appendFileSync(file, '${n}\\n'))`,
      ) as (file: string) => unknown
      currentExecutor()?.submit(note, file)
    }
    process.exit(3)
  }
  const error = (await executor.submit(leaves, log).exception(SOON)) as Error
  t.is(error.name, 'WorkerLostError')
  await executor.shutdown()
  t.deepEqual(folder.notes(log).sort(), Array.from({ length: 50 }, (_, n) => `${n}`).sort())
})
