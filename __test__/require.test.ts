/** The package in CommonJS: in Node, in a task, under a `require` of a runner of tests, in a bundle. */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { moduleTasks } from 'concurrent-futures'
import { rolldown } from 'rolldown'
import { cleanEnd, ended, inChild, runNode } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder } from './gate.ts'
import { SOON } from './limits.ts'

const behaviour = behaviours(test)
const file = fileURLToPath(new URL('../dist/index.cjs', import.meta.url))
const fixture = (name: string): string => new URL(`./fixtures/${name}`, import.meta.url).href
const requiring = moduleTasks<{ isTheWorkers: () => Promise<unknown[]> }>(fixture('requiring.cjs'))

/** Of versions that can require ES modules. */
const flag = '--no-experimental-require-module'
const nodeArguments = process.allowedNodeEnvironmentFlags.has(flag) ? [flag] : []

test('require works where it takes no ES modules, and what it gives is what import gives', async (t) => {
  const end = await inChild(
    async (imported, file: string, cjs: string) => {
      const required = process.getBuiltinModule('node:module').createRequire(file)('concurrent-futures')
      const names = Object.keys(imported) as (keyof typeof imported)[]
      const executor = new required.ThreadPoolExecutor(1)
      const sum: unknown = await executor.submit((a: number, b: number) => a + b, 1, 2)
      await executor.shutdown()
      const resolved = process.getBuiltinModule('node:module').createRequire(file).resolve('concurrent-futures')
      return [
        names.filter((name) => imported[name] !== required[name]),
        Object.keys(required).length === names.length,
        sum,
        resolved === cjs,
      ]
    },
    [fileURLToPath(import.meta.url), file],
    { nodeArguments },
  )
  t.deepEqual(cleanEnd(end), ended([[], true, 3, true]))
})

behaviour("a module of a task that requires the package gets its worker's", async (t, { shared }) => {
  const executor = shared(1)
  t.deepEqual(await executor.submit(requiring.isTheWorkers).result(SOON), [[], true, executor.constructor.name])
})

test('a runner of tests that requires it in a vm context gets the classes of the context', async (t) => {
  const end = await inChild(
    async ({}, contexts: string, requires: string, file: string) => {
      const { makeContext } = (await import(contexts)) as { makeContext: (replaced: string[]) => object }
      const { requireIn } = await import(requires)
      const context = makeContext([])
      const { ThreadPoolExecutor, TimeoutError } = requireIn(context, file)
      const executor = new ThreadPoolExecutor(1)
      const run = process.getBuiltinModule('node:vm').runInContext('(value, name) => value instanceof globalThis[name]', context)
      const value = await executor.submit(() => ({ map: new Map([[1, new Date(0)]]), bytes: new Uint8Array(2), list: [1] }))
      const error: unknown = await executor
        .submit(() => {
          throw new RangeError('no')
        })
        .exception()
      const late: unknown = await executor
        .with({ timeout: 20 })
        .submit(() => {
          for (;;);
        })
        .exception()
      const isOf = [
        [value, 'Object'],
        [value.map, 'Map'],
        [value.map.get(1), 'Date'],
        [value.bytes, 'Uint8Array'],
        [value.list, 'Array'],
        [error, 'RangeError'],
      ]
      await executor.shutdown()
      return [isOf.map(([value, name]) => run(value, name)), late instanceof TimeoutError]
    },
    [fixture('vm-context.mjs'), fixture('vm-require.mjs'), file],
    { nodeArguments: ['--no-warnings'] },
  )
  t.deepEqual(cleanEnd(end), ended([[true, true, true, true, true, true], true]))
})

test('a CommonJS program that was bundled with the package in it is told to leave it out', async (t) => {
  const folder = new Folder(t)
  const [entry, out] = [folder.file('entry.cjs'), folder.file('bundle.cjs')]
  writeFileSync(entry, "const { ThreadPoolExecutor } = require('concurrent-futures')\nnew ThreadPoolExecutor(1)")
  const bundle = await rolldown({ input: entry, platform: 'node', resolve: { alias: { 'concurrent-futures': file } }, onLog: () => {} })
  await bundle.write({ file: out, format: 'cjs', codeSplitting: false })
  await bundle.close()
  t.regex((await runNode([out])).errors, /Error: a bundler has put the code of concurrent-futures elsewhere: mark it as external/)
})

test('its names can be told without running it, as bundlers and import of CommonJS do', async (t) => {
  const imported = (await import(new URL('../dist/index.cjs', import.meta.url).href)) as object
  const required = createRequire(import.meta.url)('concurrent-futures') as object
  t.deepEqual(
    Object.keys(required).filter((name) => !(name in imported)),
    [],
  )
})
