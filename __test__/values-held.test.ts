/** Nothing that was delivered is held by the package, while the pool is idle. */
import ava from 'ava'
import { existsSync, readFileSync } from 'node:fs'
import { cleanEnd, ended } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder } from './gate.ts'

const test = ava.serial
const behaviour = behaviours(test, ['pool', 'sharedMemory', 'ports'])

const fixture = (name: string): string => new URL(`./fixtures/${name}.mjs`, import.meta.url).href
const fixtures = [fixture('retained-cases'), fixture('retained')]
const options = { nodeArguments: ['--expose-gc'], limit: 90_000 }

behaviour(
  'a result, an error, progress, an argument or an item of map is collected when its user drops it, in the caller and in the worker',
  async (t, { inChild }) => {
    const reports = new Folder(t).file('reports')
    const end = await inChild(
      async ({ create, moduleTasks }, [casesUrl, tasksUrl]: string[], reports: string) => {
        const { cases, kinds, left } = await import(casesUrl as string)
        const tasks = moduleTasks<any>(tasksUrl as string)
        const executor = create(1)
        await executor.submit(tasks.reportTo, reports)
        const held: string[] = []
        for (const [name, run] of Object.entries<any>(cases)) {
          for (const kind of kinds) {
            const count = await left(await run(executor, tasks, kind))
            if (count > 0) held.push(`${name}, ${kind}: ${count}`)
            // The worker looks by itself, and no further task comes before it has looked.
            await new Promise((resolve) => setTimeout(resolve, 50))
          }
        }
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        await executor.shutdown()
        return held
      },
      [fixtures, reports],
      options,
    )
    t.deepEqual(cleanEnd(end), ended([]))
    t.true(existsSync(reports))
    const lines = readFileSync(reports, 'utf8').trim().split('\n')
    t.true(lines.length > 100, `${lines.length} looks`)
    t.deepEqual(
      lines.filter((line) => !line.startsWith('0 of')),
      [],
    )
  },
)

behaviour('so is what was refused or cancelled, and what moves or goes to a native task', async (t, { inChild }) => {
  const reports = new Folder(t).file('reports')
  const end = await inChild(
    async ({ create, moduleTasks }, [casesUrl, tasksUrl]: string[], reports: string) => {
      const { bytes, inside, kinds, left } = await import(casesUrl as string)
      const tasks = moduleTasks<any>(tasksUrl as string)
      const executor = create(1)
      await executor.submit(tasks.reportTo, reports)
      const held: string[] = []
      for (const [name, run] of Object.entries<any>(inside)) {
        for (const kind of kinds) {
          const count = await left(await run(executor, tasks, kind))
          if (count > 0) held.push(`${name}, ${kind}: ${count}`)
        }
      }
      for (const [name, run] of Object.entries<any>(bytes)) {
        const count = await left(await run(executor, tasks))
        if (count > 0) held.push(`${name}: ${count}`)
      }
      await executor.shutdown()
      return held
    },
    [fixtures, reports],
    options,
  )
  t.deepEqual(cleanEnd(end), ended([]))
})

behaviour('the memory of the last large result is given back while the pool is idle', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }) => {
      const executor = create(1)
      const sizes: number[] = []
      const large = (): Uint8Array => new Uint8Array(200_000_000)
      const used = async (use: () => unknown): Promise<void> => {
        await use()
        let bytes = Infinity
        for (let round = 0; round < 40 && bytes > 100_000_000; round++) {
          await new Promise((resolve) => setTimeout(resolve, 10))
          globalThis.gc?.()
          bytes = process.memoryUsage().arrayBuffers
        }
        sizes.push(bytes)
      }
      await used(async () => void (await executor.submit(large)))
      await used(async () => void (await executor.submit(large).result(20_000)))
      await used(() => void executor.submit(large).resultSync(20_000))
      await used(async () => {
        for await (const _ of executor.map(large as (_: unknown) => Uint8Array, []));
        for await (const _ of executor.map((_n: number) => new Uint8Array(200_000_000), [1]));
      })
      await executor.shutdown()
      return sizes.filter((bytes) => bytes > 100_000_000)
    },
    [],
    options,
  )
  t.deepEqual(cleanEnd(end), ended([]))
})
