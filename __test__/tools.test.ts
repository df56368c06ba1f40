/** What tools make of a program on its way: compilers, bundlers, counters of coverage, installers. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import test from 'ava'
import { moduleTasks, tasks } from 'concurrent-futures'
import type { Executor } from 'concurrent-futures'
import { rolldown } from 'rolldown'
import { runNode } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder, until } from './gate.ts'
import { SOON } from './limits.ts'

const behaviour = behaviours(test)
const root = fileURLToPath(new URL('..', import.meta.url))

/** A function with this source, which mentions names that a tool has left in it. */
function compiled(source: string): () => unknown {
  return (0, eval)(`(${source})`) as () => unknown
}

async function messageOf(executor: Executor, source: string): Promise<string> {
  return ((await executor.submit(compiled(source)).exception(SOON)) as Error).message
}

behaviour("a function in which esbuild has kept names (keepNames, so tsx's) runs, and its functions have them", async (t, { shared }) => {
  const source = `() => {
    const a = __name(() => 1, 'inner'), b = __name(class {}, 'Kept')
    class C { static { __name(this, 'Named') } }
    return [a.name, a(), b.name, C.name, Object.getOwnPropertyDescriptor(a, 'name').enumerable]
  }`
  t.deepEqual(await shared(1).submit(compiled(source)).result(SOON), ['inner', 1, 'Kept', 'Named', false])
  t.is(await shared(1).submit(compiled(`() => { const __name = 4; return __name }`)).result(SOON), 4)
  t.is(await shared(1).submit(compiled(`() => typeof __names`)).result(SOON), 'undefined')
})

behaviour('a function in which Vite has rewritten import() imports what that says', async (t, { shared }) => {
  const load = (specifier: string): Promise<unknown> =>
    shared(1)
      .submit(compiled(`async () => Object.keys(await __vite_ssr_dynamic_import__(${JSON.stringify(specifier)}))`))
      .result(SOON)
  t.true(((await load('node:path')) as string[]).includes('sep'))
  t.true(((await load('concurrent-futures')) as string[]).includes('Future'))
  const path = '/__test__/fixtures/tasks.mjs'
  const keys = await load(`.${path}`)
  t.deepEqual(await load(path), keys)
  t.deepEqual(await load(`/@fs${root}${path.slice(1)}`), keys)
})

const left: Record<string, RegExp> = {
  'cov_1x2y3z().s[0]++': /istanbul.*istanbul ignore next/,
  '__vite_ssr_import_0__.value': /Vite, so Vitest/,
  '__vite_ssr_import_meta__.url': /Vite, so Vitest/,
  '__vi_import_0__.value': /Vite, so Vitest/,
  'stryMutAct_9fa48("0")': /Stryker/,
  '__webpack_require__(5)': /webpack/,
  'work__WEBPACK_IMPORTED_MODULE_0__.f()': /webpack/,
  '__spreadValues({}, {})': /esbuild/,
  '__awaiter(this)': /TypeScript/,
  'tslib_1.__assign({})': /importHelpers/,
  '_asyncToGenerator(function* () {})': /Babel or SWC/,
  '_object_spread({})': /Babel or SWC/,
}

for (const [expression, tool] of Object.entries(left)) {
  behaviour(`a function misses what a tool has put into it: the error says what it is (${expression})`, async (t, { shared }) => {
    const message = await messageOf(shared(1), `() => ${expression}`)
    t.regex(message, /^\S+ is not defined \(it is /)
    t.regex(message, tool)
    t.regex(message, /tasks\(\)/)
    t.notRegex(message, /surroundings/)
  })
}

behaviour('the hint is in the stack too, which is what logs show', async (t, { shared }) => {
  const error = (await shared(1).submit(compiled('() => helper()')).exception(SOON)) as Error
  t.regex(error.message, /^helper is not defined \(a function sent as source cannot use variables/)
  t.true(error.stack?.startsWith(`ReferenceError: ${error.message}\n`))
})

behaviour('a task that is no function: the error says what was meant', async (t, { shared }) => {
  const said = (task: unknown): string => t.throws(() => shared(1).submit(task as () => void), { instanceOf: TypeError }).message
  const what = 'a task must be a function, got'
  t.is(said('./work.js'), `${what} './work.js': one that a file exports is moduleTasks(new URL('./work.js', import.meta.url)).NAME`)
  for (const url of ['file:///x/work.js', new URL('file:///x/work.js')]) {
    t.is(said(url), `${what} 'file:///x/work.js': one that a file exports is moduleTasks('file:///x/work.js').NAME`)
  }
  for (const object of [{}, moduleTasks('file:///x/work.js'), [], Promise.resolve(() => 1)]) {
    t.is(said(object), `${what} an object: name one of its functions, as in moduleTasks(url).NAME`)
  }
  t.is(said(undefined), `${what} undefined`)
  t.is(said(5), `${what} 5`)
})

test('an import.meta that a bundler has left empty: tasks() and moduleTasks() say so', (t) => {
  for (const wrong of [() => tasks({} as { url: string }, {}), () => moduleTasks(undefined as never)]) {
    t.regex(t.throws(wrong, { instanceOf: TypeError }).message, /CommonJS.*import\.meta is empty.*__filename/)
  }
  t.regex(t.throws(() => tasks({ url: 5 as never }, {})).message, /must be a URL or a string, got 5/)
})

behaviour('a task whose worker has run out of memory: the message says so', async (t, { inChild, smallHeap }) => {
  const end = await inChild(
    async ({ create }, smallHeap: object) => {
      const executor = create({ maxWorkers: 1, ...smallHeap })
      const future = executor.with({ name: 'greedy' }).submit(() => {
        // Not a loop without stack checks: Node 24 could not end that.
        let kept: unknown
        for (let n = 0; ; n++) kept = { kept, text: JSON.stringify({ n }) }
      })
      const { message, stack } = (await future.exception()) as Error
      return { message, isInStack: stack?.includes(`: ${message}\n`) }
    },
    [smallHeap],
  )
  t.regex(end.value?.message ?? end.errors, /^the worker died while it ran the task 'greedy': it ran out of memory \([^)]*\)$/)
  t.true(end.value?.isInStack)
})

behaviour('a name of a task is the same everywhere, whatever is in it', async (t, { create }) => {
  for (const name of ['lone \ud800 surrogate', 'pair 😀', 'nul \0', 'Ünïcödé']) {
    await using executor = create(1)
    const named = executor.with({ name })
    const seen = named.submit(async () => {
      const { currentTask } = await import('concurrent-futures')
      return currentTask()?.name
    })
    t.is(await seen, name)
    const folder = new Folder(t)
    const gate = folder.gate()
    const waiting = named.submit(async (file: string) => {
      const { existsSync } = process.getBuiltinModule('node:fs')
      while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 2))
    }, gate)
    await until(() => waiting.running(), 'it waits')
    const names = (await executor.dump()).map(({ task }) => task?.name)
    t.true(names.includes(name), names.join())
    folder.open(gate)
    await waiting
    const stopped = named.with({ timeout: 20 }).submit(() => new Promise(() => {}))
    t.true(((await stopped.exception()) as Error).message.includes(`'${name}'`))
  }
})

test('without a binding the error names the package that is missing, and nothing of WebAssembly', async (t) => {
  const folder = new Folder(t)
  const copy = folder.file('node_modules/concurrent-futures')
  mkdirSync(copy, { recursive: true })
  for (const name of ['dist', 'index.js', 'package.json']) cpSync(`${root}${name}`, `${copy}/${name}`, { recursive: true })
  const load = await runNode<unknown>([
    '--input-type=module',
    '-e',
    `await import(${JSON.stringify(pathToFileURL(`${copy}/dist/index.js`).href)})`,
  ])
  t.is(load.code, 1)
  t.regex(load.errors, /Error: Cannot find native binding: the package @concurrent-futures\/binding-[\w-]+ is not installed/)
  t.notRegex(load.errors.replaceAll(/\.wasm?\b.*index\.js/g, ''), /wasm|wasi/i)
})

const program = `
  import { tasks, ThreadPoolExecutor } from 'concurrent-futures'
  const { double } = tasks(import.meta, { double: (n) => 2 * n })
  new ThreadPoolExecutor(1).submit(double, 1)`

/** Bundles the program, and runs what comes of it. */
async function runBundled(folder: Folder, format: 'cjs' | 'esm', external: string[]): Promise<string> {
  const entry = folder.file('entry.mjs')
  writeFileSync(entry, program)
  const alias = { 'concurrent-futures': `${root}dist/index.js` }
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    external,
    ...(external.length > 0 ? {} : { resolve: { alias } }),
    onLog: () => {},
  })
  const file = folder.file(`bundle.${format === 'cjs' ? 'cjs' : 'mjs'}`)
  await bundle.write({ file, format, codeSplitting: false })
  await bundle.close()
  if (external.length > 0) {
    // In place of a node_modules that has it.
    const code = readFileSync(file, 'utf8')
    writeFileSync(file, code.replace(/(["'])concurrent-futures\1/, JSON.stringify(`${root}dist/index.js`)))
  }
  return (await runNode([file])).errors
}

test('a program that was bundled into CommonJS is told that its import.meta is empty', async (t) => {
  t.regex(await runBundled(new Folder(t), 'cjs', ['concurrent-futures']), /TypeError: .*import\.meta is empty/)
})

for (const format of ['cjs', 'esm'] as const) {
  test(`a program that was bundled with the package in it (${format}) is told to leave it out`, async (t) => {
    t.regex(await runBundled(new Folder(t), format, []), /Error: .*bundle.*as external/)
  })
}
