/** The entry concurrent-futures/bullmq: one package with the main one, wherever it is loaded. */
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { rolldown } from 'rolldown'
import { cleanEnd, ended, inChild, runNode } from './child.ts'
import { Folder } from './gate.ts'

const here = fileURLToPath(import.meta.url)
const dist = (name: string): string => fileURLToPath(new URL(`../dist/${name}`, import.meta.url))
const fixture = (name: string): string => new URL(`./fixtures/${name}.mjs`, import.meta.url).href

test('imported or required it gives the same classes, and they are those of the main entry', async (t) => {
  const end = await inChild(
    async ({ Executor }, file: string, esm: string) => {
      const require = process.getBuiltinModule('node:module').createRequire(file)
      const imported = (await import(esm)) as Record<string, Function>
      const required = require('concurrent-futures/bullmq') as Record<string, Function>
      const byRequireOfEsm = require(esm) as Record<string, Function>
      return [
        Object.keys(required),
        ...Object.keys(imported).map((name) => [required[name], byRequireOfEsm[name]].every((one) => one === imported[name])),
        Object.getPrototypeOf(imported.BullMQExecutor) === Executor,
        (require('concurrent-futures') as { Executor: unknown }).Executor === Executor,
        Object.keys(Executor),
      ]
    },
    [here, dist('bullmq.js')],
  )
  t.deepEqual(cleanEnd(end), ended([['BullMQExecutor', 'BullMQWorker'], true, true, true, true, []]))
})

test('what it takes of the main entry is all there', async (t) => {
  const end = await inChild(({ Executor }) => {
    const inner = (Executor as unknown as Record<symbol, Record<string, unknown>>)[Symbol.for('concurrent-futures.inner')]!
    return Object.keys(inner).filter((name) => inner[name] === undefined)
  }, [])
  t.deepEqual(cleanEnd(end), ended([]))
})

test('the main entry loads neither it nor bullmq, and it loads bullmq as it is loaded itself', async (t) => {
  const end = await inChild(
    async (_api, file: string, esm: string) => {
      const { cache } = process.getBuiltinModule('node:module').createRequire(file)
      const loaded = () => ['bullmq', 'distributed.cjs'].map((name) => Object.keys(cache).some((path) => path.includes(name)))
      const before = loaded()
      await import(esm)
      return [before, loaded()]
    },
    [here, dist('bullmq.js')],
  )
  t.deepEqual(
    cleanEnd(end),
    ended([
      [false, false],
      [true, true],
    ]),
  )
})

for (const kind of ['ThreadPoolExecutor', 'ProcessPoolExecutor'] as const) {
  test(`in a task of a ${kind} it has the classes of the worker`, async (t) => {
    const end = await inChild(
      async (api, kind: 'ThreadPoolExecutor' | 'ProcessPoolExecutor', file: string, entries: string[]) => {
        const executor = new api[kind](1)
        const look = async (file: string, [main, bullmq]: string[]) => {
          const require = process.getBuiltinModule('node:module').createRequire(file)
          const { Executor } = await import(main!)
          const imported = await import(bullmq!)
          const required = require('concurrent-futures/bullmq')
          return [Object.getPrototypeOf(imported.BullMQExecutor) === Executor, imported.BullMQWorker === required.BullMQWorker]
        }
        const found: unknown = await executor.submit(look, file, entries)
        await executor.shutdown()
        return found
      },
      [kind, here, [dist('index.js'), dist('bullmq.js')]],
    )
    t.deepEqual(cleanEnd(end), ended([true, true]))
  })
}

test('in a vm context its classes are of the context, and extend those of the main entry there', async (t) => {
  const end = await inChild(
    async ({}, contexts: string, file: string) => {
      const { loadIn, makeContext } = await import(contexts)
      return (await loadIn(makeContext(), file)).look() as boolean[]
    },
    [fixture('vm-context'), fixture('entry-in-context')],
    { nodeArguments: ['--experimental-vm-modules', '--no-warnings'] },
  )
  t.deepEqual(cleanEnd(end), ended([true, true, true, true]))
})

test('so they are where a runner of tests requires it in a vm context', async (t) => {
  const end = await inChild(
    async ({}, [contexts, requires]: string[], main: string, bullmq: string) => {
      const { makeContext } = await import(contexts!)
      const { requireIn } = await import(requires!)
      const [context, loaded] = [makeContext(), new Map()]
      const { Executor } = requireIn(context, main, loaded)
      const { BullMQExecutor, BullMQWorker } = requireIn(context, bullmq, loaded)
      const ofContext = process.getBuiltinModule('node:vm').runInContext('Function.prototype', context)
      return [Object.getPrototypeOf(BullMQExecutor) === Executor, Object.getPrototypeOf(BullMQWorker) === ofContext]
    },
    [[fixture('vm-context'), fixture('vm-require')], dist('index.cjs'), dist('bullmq.cjs')],
    { nodeArguments: ['--no-warnings'] },
  )
  t.deepEqual(cleanEnd(end), ended([true, true]))
})

/** A project that has installed the package, and nothing else; its folder. */
function project(folder: Folder): string {
  const [root, name] = [fileURLToPath(new URL('..', import.meta.url)), folder.file('node_modules/concurrent-futures')]
  mkdirSync(name, { recursive: true })
  for (const path of ['dist', 'package.json']) cpSync(`${root}${path}`, `${name}/${path}`, { recursive: true })
  for (const path of readdirSync(root)) if (path.endsWith('.node')) symlinkSync(`${root}${path}`, `${name}/${path}`)
  return name
}

test('without bullmq the main entry works, and the error of this one says what to install', async (t) => {
  const folder = new Folder(t)
  project(folder)
  const tried = `.then(({ Executor }) => console.log(typeof Executor), (error) => console.log(error.message))`
  const program = `
    const load = async (name) => require(name)
    ;(async () => {
      await import('concurrent-futures')${tried}
      await import('concurrent-futures/bullmq')${tried}
      await load('concurrent-futures/bullmq')${tried}
    })()`
  const file = folder.file('program.cjs')
  writeFileSync(file, program)
  const { output, errors, code } = await runNode([file])
  const missing = 'concurrent-futures/bullmq needs bullmq, and ioredis or redis as its client for Redis: npm install bullmq ioredis'
  t.deepEqual([output.split('\n'), errors, code], [['function', missing, missing], '', 0])
})

test('what bullmq lacks in turn, and a bullmq that is too old, are told as such', async (t) => {
  const folder = new Folder(t)
  const name = project(folder)
  const bullmq = `${name}/../bullmq`
  mkdirSync(bullmq)
  const file = folder.file('program.cjs')
  writeFileSync(file, "try { require('concurrent-futures/bullmq') } catch (error) { console.log(error.message.split('\\n')[0]) }")
  const told = async (text: string): Promise<string> => {
    writeFileSync(`${bullmq}/index.js`, text)
    return (await runNode([file])).output
  }
  t.is(await told("require('msgpackr')"), "Cannot find module 'msgpackr'")
  t.is(await told('exports.Queue = class {}'), 'concurrent-futures/bullmq needs bullmq 6 or newer: npm install bullmq')
})

for (const format of ['cjs', 'es'] as const) {
  test(`a program that was bundled with it in it is told to leave the package out (${format})`, async (t) => {
    const folder = new Folder(t)
    const [entry, out] = [folder.file('entry.mjs'), folder.file(format === 'cjs' ? 'bundle.cjs' : 'bundle.mjs')]
    writeFileSync(entry, "import { BullMQExecutor } from 'concurrent-futures/bullmq'\nconsole.log(BullMQExecutor)")
    const alias = { 'concurrent-futures/bullmq': dist(format === 'cjs' ? 'bullmq.cjs' : 'bullmq.js') }
    const bundle = await rolldown({ input: entry, platform: 'node', external: ['bullmq'], resolve: { alias }, onLog: () => {} })
    await bundle.write({ file: out, format, codeSplitting: false })
    await bundle.close()
    t.regex((await runNode([out])).errors, /Error: a bundler has put the code of concurrent-futures elsewhere: mark it as external/)
  })
}
