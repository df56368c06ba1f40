// What the error of a task says that was lost with its worker, however it is asked for.
import ava from 'ava'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'

const ofThreads = behaviours(ava, ['pool', 'threads'])

const faultsUrl = new URL('./fixtures/faults.mjs', import.meta.url).href

const told = ['WorkerLostError', 1, 'ERR_WORKER_OUT_OF_MEMORY'].join(' ')

for (const way of [
  'result()',
  'result(0)',
  'exception(0)',
  'exception(ms)',
  'wait',
  'asCompleted',
  'a done callback',
  'inspect',
  'resultSync',
  'exceptionSync',
]) {
  ofThreads(
    `the exit code and the cause of a task lost to a lack of memory are there when asked by ${way}`,
    async (t, { inChild, smallHeap }) => {
      const end = await inChild(
        async ({ asCompleted, create, moduleTasks, wait }, smallHeap: object, url: string, way: string) => {
          const { inspect } = await import('node:util')
          const { atOnce } = moduleTasks<{ atOnce(name: string): void }>(url)
          const executor = create({ maxWorkers: 1, ...smallHeap })
          const future = executor.submit(atOnce, 'memory')
          const say = (error: unknown): string => {
            const { name, exitCode, cause } = error as { name: string; exitCode?: number; cause?: { code: string } }
            return [name, exitCode, cause?.code].join(' ')
          }
          if (!way.endsWith('Sync')) while (!future.done());
          const ask: Record<string, () => Promise<unknown>> = {
            'result()': () => future.result().catch((error: unknown) => error),
            'result(0)': () => future.result(0).catch((error: unknown) => error),
            'exception(0)': () => future.exception(0),
            'exception(ms)': () => future.exception(15_000),
            wait: async () => (await [...(await wait([future])).done][0]!.exception()) as Error,
            async asCompleted() {
              for await (const done of asCompleted([future])) return done.exception()
              return undefined
            },
            'a done callback': () => new Promise((resolve) => future.addDoneCallback((done) => resolve(done.exception()))),
            inspect: async () => (inspect(future).includes('WorkerLostError') ? future.exception() : undefined),
            // A thread that blocks hears of no exit: what is thrown there gets the rest when its loop turns.
            async resultSync() {
              try {
                return future.resultSync(15_000)
              } catch (error) {
                await future.exception()
                return error
              }
            },
            async exceptionSync() {
              const error = future.exceptionSync(15_000)
              await future.exception()
              return error
            },
          }
          const said = say(await ask[way]!())
          // Asked again, it is the same object.
          const isSame = (await future.exception()) === (await future.exception(0))
          await executor.shutdown()
          return [said, isSame]
        },
        [smallHeap, faultsUrl, way] as [object, string, string],
      )
      t.deepEqual({ ...cleanEnd(end), errors: '' }, ended([told, true]), end.errors)
    },
  )
}

ofThreads(
  'done callbacks that were added before hear of a lost task when its error is complete, also after it was collected',
  async (t, { inChild, smallHeap }) => {
    const end = await inChild(
      async ({ create, moduleTasks }, smallHeap: object, url: string) => {
        const { atOnce } = moduleTasks<{ atOnce(name: string): void }>(url)
        const executor = create({ maxWorkers: 1, ...smallHeap })
        const future = executor.submit(atOnce, 'memory')
        const heard = new Promise((resolve) =>
          future.addDoneCallback((done) => resolve((done.exceptionSync() as { exitCode?: number }).exitCode)),
        )
        const isLost = (future.exceptionSync(15_000) as Error).name
        const exitCode = await heard
        await executor.shutdown()
        return [isLost, exitCode]
      },
      [smallHeap, faultsUrl] as [object, string],
    )
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(['WorkerLostError', 1]), end.errors)
  },
)
