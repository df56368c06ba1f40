/** What a worker loads of the package: what runs tasks, and the library when a task imports it. */
import { fileURLToPath } from 'node:url'
import ava from 'ava'
import { behaviours } from './executors.ts'
import { SOON } from './limits.ts'

const test = ava.serial
const behaviour = behaviours(test)

/** What the worker has loaded of the package's code, and what its tasks find in the package. */
async function look(name: string, isImported: boolean, isForgotten: boolean): Promise<unknown[]> {
  const { createRequire } = process.getBuiltinModule('node:module')
  const own = createRequire(name)
  const loaded = (): string[] =>
    Object.keys(own.cache)
      .map((file) => /\/dist\/(.*\.cjs)$/.exec(file.replaceAll('\\', '/'))?.[1])
      .filter((file) => file !== undefined)
      .sort()
  if (isForgotten) for (const file of Object.keys(own.cache)) delete own.cache[file]
  if (!isImported) return loaded()
  const { currentExecutor, currentTask } = isForgotten
    ? (own(name.replace(/\.js$/, '.cjs')) as typeof import('concurrent-futures'))
    : await import('concurrent-futures')
  const inner = await currentExecutor()?.submit((n: number) => n + 1, 41)
  return [...loaded(), currentTask()?.name, inner]
}

const entry = fileURLToPath(import.meta.resolve('concurrent-futures'))

behaviour('a worker has the library when a task imports it, and its own core in it', async (t, { create }) => {
  await using executor = create({ maxWorkers: 1 })
  const named = executor.with({ name: 'looks' })
  t.deepEqual(await named.submit(look, entry, false, false).result(SOON), ['worker/main.cjs'])
  const all = ['worker/library.cjs', 'worker/main.cjs', 'looks', 42]
  t.deepEqual(await named.submit(look, entry, true, false).result(SOON), all)
  t.deepEqual(await named.submit(look, entry, true, false).result(SOON), all)
})

behaviour('a task that has emptied the cache of require gets a library for the same worker', async (t, { create }) => {
  await using executor = create({ maxWorkers: 1 })
  const named = executor.with({ name: 'looks' })
  const found = (await named.submit(look, entry, true, true).result(SOON)) as string[]
  t.deepEqual(found.slice(-2), ['looks', 42])
  t.false(found.includes('worker/main.cjs'), 'the entry does not run again')
  t.is(await named.submit(() => 1).result(SOON), 1)
})
