/**
 * What holds between two tasks that a worker runs one right after the other, in one callback scope of Node or
 * in one for each: which it is, is chosen once, by what Node and the flags allow.
 */
import ava from 'ava'
import type { ChildOptions } from './child.ts'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'

const behaviour = behaviours(ava)
const url = new URL('./fixtures/between.mjs', import.meta.url).href

const WAYS: Record<string, ChildOptions> = {
  'as Node allows': {},
  'with a scope for each': { env: { CONCURRENT_FUTURES_NO_INTERRUPT: '1' } },
}
if (process.allowedNodeEnvironmentFlags.has('--async-context-frame')) {
  WAYS['without frames'] = { nodeArguments: ['--no-async-context-frame'] }
}

type Between = typeof import('./fixtures/between.mjs')

for (const [way, options] of Object.entries(WAYS)) {
  behaviour(`ticks and microtasks of a task run before the next task begins: ${way}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string) => {
        const { leaves, takeLog } = moduleTasks<Between>(url)
        const executor = create(1)
        await executor.submit(takeLog)
        const results = await Promise.all(Array.from({ length: 200 }, (_, n) => executor.submit(leaves, n)))
        const log = await executor.submit(takeLog)
        await executor.shutdown()
        return { results, log }
      },
      [url],
      options,
    )
    const order = ['runs', 'tick', 'microtask', 'reaction', 'second reaction', 'last tick']
    const results = Array.from({ length: 200 }, (_, n) => n)
    const log = results.flatMap((n) => order.map((what) => `${n} ${what}`))
    t.deepEqual(cleanEnd(end), ended({ results, log }))
  })

  behaviour(`no task sees the store that one before it has entered: ${way}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string) => {
        const { entersStores } = moduleTasks<Between>(url)
        const executor = create(1)
        const found = await Promise.all(Array.from({ length: 300 }, (_, n) => executor.submit(entersStores, n)))
        await executor.shutdown()
        return [...new Set(found)]
      },
      [url],
      options,
    )
    t.deepEqual(cleanEnd(end), ended<unknown>(['none']))
  })

  behaviour(`each part of a task knows its own task: ${way}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string) => {
        const { ids, idOfTick } = moduleTasks<Between>(url)
        const executor = create({ maxWorkers: 1, tasksPerWorker: 8 })
        const seen = await Promise.all(Array.from({ length: 100 }, () => executor.submit(ids)))
        const ofTicks = await Promise.all(Array.from({ length: 100 }, (_, n) => executor.submit(idOfTick, n % 2 === 0)))
        await executor.shutdown()
        return {
          wrong: seen.filter((list) => new Set(list).size !== 1),
          distinct: new Set(seen.map(([id]) => id)).size,
          wrongTicks: ofTicks.filter((pair) => Array.isArray(pair) && pair[0] !== pair[1]),
        }
      },
      [url],
      options,
    )
    t.deepEqual(cleanEnd(end), ended<unknown>({ wrong: [], distinct: 100, wrongTicks: [] }))
  })

  behaviour(`a stop hits the loop that it means, and nothing that runs before or after it: ${way}`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, url: string) => {
        const { loop, square } = moduleTasks<Between>(url)
        const executor = create(2)
        const loops: string[] = []
        const wrong: unknown[] = []
        for (let round = 0; round < 10; round++) {
          const futures = Array.from({ length: 200 }, (_, n) =>
            n % 100 === 50 ? executor.with({ timeout: 5 }).submit(loop) : executor.submit(square, n),
          )
          for (const [n, future] of futures.entries()) {
            const outcome = await (future as import('concurrent-futures').Future<unknown>)
              .result(20_000)
              .catch((error: Error) => error.name)
            if (n % 100 === 50) loops.push(String(outcome))
            else if (outcome !== n * n) wrong.push(outcome)
          }
        }
        await executor.shutdown()
        return { loops: [...new Set(loops)], wrong }
      },
      [url],
      options,
    )
    t.deepEqual(cleanEnd(end), ended<unknown>({ loops: ['TimeoutError'], wrong: [] }))
  })
}
