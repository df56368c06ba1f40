/** What Node has and other runtimes do not, taken away by environment variables: everything still works. */
import test from 'ava'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'

const behaviour = behaviours(test)

const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href

const missing: Record<string, Record<string, string>> = {
  libuv: { CONCURRENT_FUTURES_NO_LIBUV: '1' },
  interrupts: { CONCURRENT_FUTURES_NO_INTERRUPT: '1' },
  'libuv and interrupts': { CONCURRENT_FUTURES_NO_LIBUV: '1', CONCURRENT_FUTURES_NO_INTERRUPT: '1' },
}

for (const [what, env] of Object.entries(missing)) {
  behaviour(`without ${what} of the runtime everything works, and the process ends by itself`, async (t, { inChild }) => {
    const end = await inChild(
      async ({ create, moduleTasks, native, wait }, url: string) => {
        const { add, addLater, fail, never, spin } = moduleTasks<typeof import('./fixtures/work.mjs')>(url)
        const executor = create(2)
        const name = async (future: { exception(ms: number): Promise<unknown> }): Promise<string> => {
          const error = (await future.exception(15_000).catch((error: unknown) => error)) as Error | null
          return error?.name ?? 'none'
        }
        const values = [await executor.submit(add, 1, 2).result(15_000), executor.submit(add, 3, 4).resultSync(15_000)]
        values.push(...(await Promise.all(Array.from({ length: 2_000 }, (_, n) => executor.submit(add, n, 1)))).slice(-1))
        const { done } = await wait([executor.submit(addLater, 1, 1), executor.submit(native.countPrimes, 100)])
        const names = [await name(executor.submit(fail, 'x'))]
        for (const task of [spin, never]) names.push(await name(executor.with({ timeout: 100 }).submit(task)))
        const future = executor.submit(spin)
        while (!future.running()) await new Promise((resolve) => setTimeout(resolve, 5))
        future.cancel({ interrupt: true })
        names.push(await name(future))
        names.push(await name(executor.submit(() => process.exit(3))))
        values.push(await executor.submit(add, 5, 6).result(15_000))
        await executor.shutdown()
        // An idle executor does not keep the process.
        await create(1).submit(add, 1, 1)
        return { values, done: done.size, names }
      },
      [workUrl],
      { env },
    )
    const names = ['RangeError', 'TimeoutError', 'TimeoutError', 'CancelledError', 'WorkerLostError']
    t.deepEqual(cleanEnd(end), ended({ values: [3, 7, 2_000, 11], done: 2, names }))
  })

  behaviour(`without ${what} of the runtime a user’s own Worker with an executor ends as it should`, async (t, { inChild, name }) => {
    const end = await inChild(
      async ({}, url: string, executor: string) => {
        const { Worker } = await import('node:worker_threads')
        const codes: unknown[] = []
        for (const ending of ['natural', 'exit', 'terminate']) {
          const worker = new Worker(new URL('own-worker.mjs', url), { workerData: { ending, executor } })
          worker.on('message', () => ending === 'terminate' && void worker.terminate())
          codes.push(await new Promise((resolve) => worker.on('exit', resolve)))
        }
        return codes
      },
      [workUrl, name],
      { env },
    )
    t.deepEqual(cleanEnd(end), ended([0, 6, 1]))
  })
}

behaviour('with frozen intrinsics values arrive as they do otherwise', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create, native }) => {
      const executor = create(2)
      const small = { toString: 'own', constructor: 1, list: ['a'] }
      const large = { rows: Array.from({ length: 50 }, (_, id) => ({ ...small, id })) }
      let equal = 0
      for (const value of [...new Array(20).fill(small), large]) {
        const result = await executor.submit((value: unknown) => value, value)
        if (JSON.stringify(result) === JSON.stringify(value)) equal++
      }
      const error = (await executor.submit(() => Promise.reject(new RangeError('made', { cause: 1 }))).exception()) as Error
      const bytes = new Uint8Array(70_000)
      await executor.with({ transfer: [bytes.buffer] }).submit(native.crc32, bytes)
      await executor.shutdown()
      return [equal, error instanceof RangeError, error.message, error.cause, bytes.length]
    },
    [],
    // It says that it is experimental.
    { nodeArguments: ['--frozen-intrinsics', '--no-warnings'] },
  )
  t.deepEqual(cleanEnd(end), ended([21, true, 'made', 1, 0]))
})
