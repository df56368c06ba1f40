import ava from 'ava'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { runInThisContext } from 'node:vm'
import { currentExecutor, currentTask, moduleTasks, native, tasks, ThreadPoolExecutor } from 'concurrent-futures'
import { runNode } from './child.ts'
import { behaviours } from './executors.ts'
import { Folder } from './gate.ts'
import { PROMPT, SOON } from './limits.ts'
import { hidden as hiddenUnexported } from './fixtures/unexported.mjs'
import * as named from './fixtures/tasks.mjs'
import { greet, triple } from './fixtures/typed-tasks.ts'

// One at a time: workers that start at once slow each other down.
const test = ava.serial
const behaviour = behaviours(test)
const everywhere = behaviours(test, [])

const workUrl = new URL('./fixtures/work.mjs', import.meta.url)
const work = moduleTasks<typeof import('./fixtures/work.mjs')>(workUrl)

test('tasks() gives the functions back: called directly they run here', (t) => {
  t.is(named.square(4), 16)
  const functions = { one: () => 1 }
  t.is(tasks(import.meta, functions).one, functions.one)
})

everywhere('a function named by tasks() runs in a worker', async (t, { shared }) => {
  const executor = shared(2)
  t.is(await executor.submit(named.square, 5).result(SOON), 25)
  t.is(await executor.submit(named.later, 'x').result(SOON), 'x')
})

behaviour('tasks() works in TypeScript modules', async (t, { shared }) => {
  const executor = shared(2)
  t.is(await executor.submit(triple, 5).result(SOON), 15)
  t.is(await executor.submit(greet, 'you').result(SOON), 'hello you')
})

behaviour('tasks() takes { url }, for CommonJS', async (t, { shared }) => {
  const executor = shared(2)
  const common = createRequire(import.meta.url)('./fixtures/common-tasks.cjs') as { load(): Promise<{ negate(n: number): number }> }
  const { negate } = await common.load()
  t.is(await executor.submit(negate, 5).result(SOON), -5)
})

behaviour('a function that tasks() has named need not be exported', async (t, { shared }) => {
  const executor = shared(2)
  t.is(await executor.submit(hiddenUnexported(), 2).result(SOON), 'hidden 2')
})

test('tasks() takes only functions, and an absolute URL', (t) => {
  t.throws(() => tasks(import.meta, { one: 1 } as never), { instanceOf: TypeError, message: /one/ })
  t.throws(() => tasks(import.meta, null as never), { instanceOf: TypeError })
  t.throws(() => tasks(null as never, {}), { instanceOf: TypeError })
  t.throws(() => tasks({} as never, { one: () => 1 }), { instanceOf: TypeError })
  t.throws(() => tasks({ url: './relative.js' }, { one: () => 1 }), { instanceOf: TypeError, message: /absolute/ })
})

everywhere('moduleTasks() runs functions of a module that knows nothing of us and is not imported here', async (t, { shared }) => {
  const executor = shared(2)
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
  const byText = moduleTasks<typeof import('./fixtures/work.mjs')>(workUrl.href)
  t.is(await executor.submit(byText.add, 3, 4).result(SOON), 7)
})

everywhere('moduleTasks() works with CommonJS modules', async (t, { shared }) => {
  const executor = shared(2)
  const common = moduleTasks<{ negate(n: number): number }>(new URL('./fixtures/common-tasks.cjs', import.meta.url))
  t.is(await executor.submit(common.negate, 4).result(SOON), -4)
})

test('moduleTasks() has no then: it can be awaited and returned from async functions', async (t) => {
  t.false('then' in work)
  t.is((work as { then?: unknown }).then, undefined)
  t.is(await work, work)
})

test('moduleTasks() gives the same function for the same key', (t) => {
  t.is(work.add, work.add)
  t.is(moduleTasks<typeof import('./fixtures/work.mjs')>(workUrl).add, work.add)
})

test('moduleTasks() of a relative or malformed URL is a TypeError', (t) => {
  for (const url of ['./work.js', 'work', '', 5, null, undefined]) t.throws(() => moduleTasks(url as string), { instanceOf: TypeError })
})

everywhere('a key that the module does not have fails the future with an error that names it and the module', async (t, { shared }) => {
  const executor = shared(2)
  const wrong = moduleTasks(workUrl)
  for (const key of ['doesNotExist', 'notAFunction', 'toString', '__proto__', 'constructor']) {
    const error = (await executor.submit(wrong[key] as () => unknown).exception(PROMPT)) as Error
    t.true(error instanceof TypeError, key)
    t.true(error.message.includes(key) && error.message.includes('work.mjs'), error.message)
  }
})

behaviour('a self-contained function is sent as source, whatever its form', async (t, { shared }) => {
  const executor = shared(2)
  const methods = {
    method(n: number) {
      return n + 1
    },
    async later(n: number) {
      return n + 2
    },
    ['computed name'](n: number) {
      return n + 3
    },
    'quoted-name'(n: number) {
      return n + 4
    },
    async(n: number) {
      return n + 5
    },
    get(n: number) {
      return n + 6
    },
    property: (n: number) => n + 7,
  }
  const symbolic = {
    [Symbol.iterator](n: number) {
      return n + 8
    },
  }
  t.is(await executor.submit(symbolic[Symbol.iterator], 10).result(SOON), 18)
  for (const [index, fn] of (Object.values(methods) as ((n: number) => unknown)[]).entries())
    t.is(await executor.submit(fn, 10).result(SOON), 11 + index)
  t.is(
    await executor
      .submit(function named(n: number): number {
        return n < 2 ? 1 : n * named(n - 1)
      }, 5)
      .result(SOON),
    120,
  )
  t.is(await executor.submit(async (n: number) => n, 5).result(SOON), 5)
  t.deepEqual(await executor.submit((...rest: number[]) => rest, 1, 2).result(SOON), [1, 2])
  t.deepEqual(await executor.submit(({ a, b = 2 }: { a: number; b?: number }) => ({ a, b }), { a: 1 }).result(SOON), { a: 1, b: 2 })
  t.is(await executor.submit(new Function('a', 'b', 'return a * b') as (a: number, b: number) => number, 6, 7).result(SOON), 42)
})

behaviour('a function sent as source stays strict: a method that misses its this fails', async (t, { shared }) => {
  const executor = shared(2)
  class Scale {
    readonly factor = 2
    by(n: number): number {
      return n * this.factor
    }
  }
  t.true((await executor.submit(new Scale().by, 4).exception(SOON)) instanceof TypeError)
  t.false(
    await executor
      .submit(function (this: unknown) {
        return typeof this === 'object' && this !== null
      })
      .result(SOON),
  )
  t.true(await executor.submit(new Function('return typeof this === "object" && this !== null') as () => boolean).result(SOON))
  t.is(await executor.submit(new Function('return 010') as () => number).result(SOON), 8)
})

behaviour('a function sent as source is compiled once in each worker', async (t, { create }) => {
  const one = create(1)
  const fn = function self(): number {
    const own = self as unknown as { calls?: number }
    return (own.calls = (own.calls ?? 0) + 1)
  }
  t.deepEqual([await one.submit(fn), await one.submit(fn), await one.submit(fn)], [1, 2, 3])
  await one.shutdown()
})

function getterOf(object: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.get
}

everywhere('a function that cannot be sent is a TypeError at submit that says what to do', async (t, { shared }) => {
  const executor = shared(2)
  class Base {
    value(): number {
      return 1
    }
  }
  class Derived extends Base {
    override value(): number {
      return super.value()
    }
  }
  const refused: [string, unknown][] = [
    ['native', Math.max],
    ['bound', ((a: number) => a).bind(null, 1)],
    [
      'generator',
      function* () {
        yield 1
      },
    ],
    [
      'async generator',
      async function* () {
        yield 1
      },
    ],
    [
      'generator method',
      {
        *items() {
          yield 1
        },
      }.items,
    ],
    ['class', Base],
    ['class expression', class {}],
    ['method with super', new Derived().value],
    [
      'getter',
      getterOf(
        {
          get value() {
            return 1
          },
        },
        'value',
      ),
    ],
    ['getter with a quoted name', getterOf(runInThisContext('({get"value"() { return 1 }})') as object, 'value')],
  ]
  for (const [what, fn] of refused) {
    const error = t.throws(() => executor.submit(fn as () => unknown), { instanceOf: TypeError }, what)
    t.true((error as Error).message.length > 20, what)
    t.throws(() => executor.map(fn as (n: number) => unknown, [1]), { instanceOf: TypeError }, what)
  }
  for (const fn of [null, undefined, 5, 'code', {}, [], Symbol('s')]) {
    t.throws(() => executor.submit(fn as unknown as () => unknown), { instanceOf: TypeError })
  }
  t.is(await executor.submit(work.add, 1, 2).result(SOON), 3)
})

behaviour(
  'a function that reads a variable of its surroundings fails with the ReferenceError of the worker and a hint',
  async (t, { shared }) => {
    const executor = shared(2)
    const outside = 5
    for (const fn of [() => outside, async () => outside] as (() => unknown)[]) {
      const error = (await executor.submit(fn).exception(SOON)) as Error
      t.true(error instanceof ReferenceError)
      t.regex(error.message, /outside is not defined/)
      t.regex(error.message, /argument|surrounding|tasks\(|moduleTasks/)
    }
    for await (const error of failures(executor.with({ chunkSize: 2 }).map((n: number) => outside + n, [1, 2])))
      t.regex(error.message, /surroundings/)
  },
)

async function* failures(results: AsyncIterable<unknown>): AsyncGenerator<Error> {
  try {
    for await (const result of results) yield new Error(`no failure, but ${String(result)}`)
  } catch (error) {
    yield error as Error
  }
}

behaviour("a task's own ReferenceError gets no hint, and may be frozen", async (t, { shared }) => {
  const executor = shared(2)
  const own = (await executor
    .submit(() => {
      throw new ReferenceError('no such reference')
    })
    .exception(SOON)) as Error
  t.is(own.message, 'no such reference')
  const frozen = (await executor
    .submit(() => {
      throw Object.freeze(new ReferenceError('x is not defined'))
    })
    .exception(SOON)) as Error
  t.is(frozen.message, 'x is not defined')
})

behaviour('in a function sent as source import() of packages and of node: modules works', async (t, { shared }) => {
  const executor = shared(2)
  const seen = await executor
    .submit(async () => {
      const { basename } = await import('node:path')
      const { moduleTasks } = await import('concurrent-futures')
      return [basename('/a/b'), typeof moduleTasks]
    })
    .result(SOON)
  t.deepEqual(seen, ['b', 'function'])
})

behaviour(
  'a module that does not exist or throws while it loads fails the future with that error, and the worker goes on',
  async (t, { create }) => {
    const one = create(1)
    const thread = await one.submit(work.thread).result(SOON)
    const missing = moduleTasks(new URL('./fixtures/missing.mjs', import.meta.url))
    t.is(((await one.submit(missing['any'] as () => unknown).exception(SOON)) as { code?: string }).code, 'ERR_MODULE_NOT_FOUND')
    const broken = moduleTasks(new URL('./fixtures/throws-on-load.mjs', import.meta.url))
    for (let round = 0; round < 3; round++) {
      const error = (await one.submit(broken['any'] as () => unknown).exception(SOON)) as Error
      t.true(error instanceof RangeError)
      t.is(error.message, 'thrown while loading')
    }
    t.is(await one.submit(work.thread).result(SOON), thread)
    t.is(one.stats().failed, 4)
    await one.shutdown()
  },
)

behaviour('a module with a syntax error fails the future with a SyntaxError', async (t, { create }) => {
  const broken = moduleTasks(new URL('./fixtures/syntax-error.cjs', import.meta.url))
  // Without the tests' own loader, which reports syntax errors in its own way.
  await using executor = create({ maxWorkers: 1, execArgv: [] })
  t.true((await executor.submit(broken['f'] as () => unknown).exception(SOON)) instanceof SyntaxError)
})

everywhere('a module that takes its time to load holds up only its own tasks, and all of them run', async (t, { shared }) => {
  const executor = shared(2)
  const slow = moduleTasks<{ value(): string }>(new URL('./fixtures/slow-to-load.mjs', import.meta.url))
  const futures = [executor.submit(slow.value), executor.submit(slow.value), executor.submit(slow.value)]
  t.deepEqual(await Promise.all(futures.map((future) => future.result(SOON))), ['slow', 'slow', 'slow'])
})

test('outside of a task currentTask() and currentExecutor() are null', (t) => {
  t.is(currentTask(), null)
  t.is(currentExecutor(), null)
})

everywhere('currentTask() tells a task its id, name, signal and deadline, also after an await', async (t, { shared }) => {
  const executor = shared(2)
  const ids = new Set<number>()
  for (const fn of [named.report, named.reportLater] as (() => unknown)[]) {
    const plain = (await executor.submit(fn).result(SOON)) as { id: number }
    t.like(plain, { name: fn.name, cancelled: false, aborted: false, isSignal: true, hasDeadline: false })
    const full = (await executor.with({ name: 'mine', timeout: SOON }).submit(fn).result(SOON)) as { id: number }
    t.like(full, { name: 'mine', cancelled: false, aborted: false, isSignal: true, hasDeadline: true })
    ids.add(plain.id).add(full.id)
  }
  t.is(ids.size, 4)
})

everywhere("a deadline is on Date.now()'s clock, timeout after the call of the function", async (t, { shared }) => {
  const executor = shared(2)
  const before = Date.now()
  const deadline = (await executor.with({ timeout: 10_000 }).submit(named.deadlineOf).result(SOON)) as number
  t.true(deadline >= before + 9_990 && deadline <= Date.now() + 10_010, String(deadline - before))
})

behaviour('currentExecutor() gives a task the executor that runs it, for submitting more', async (t, { shared }) => {
  const executor = shared(2)
  t.true(await executor.submit(named.executorIsSame).result(SOON))
  t.true(await executor.submit(named.nested, 4).result(SOON))
})

everywhere('progress values arrive all, in order, before the result', async (t, { shared }) => {
  const executor = shared(2)
  for (const fn of [named.send, named.sendLater] as ((values: unknown[]) => unknown)[]) {
    const events: unknown[] = []
    const future = executor.submit(fn, [1, 'two', { three: 3 }, null, undefined])
    future.onProgress((value) => events.push(value))
    future.addDoneCallback(() => events.push('done'))
    t.is(await future.result(SOON), 'sent')
    t.deepEqual(events, [1, 'two', { three: 3 }, null, undefined, 'done'])
  }
})

everywhere('no progress arrives after unsubscribing', async (t, { shared }) => {
  const executor = shared(2)
  const events: unknown[] = []
  const future = executor.submit(named.sendLater, [1, 2, 3, 4])
  const unsubscribe = future.onProgress((value) => {
    events.push(value)
    if (value === 2) unsubscribe()
  })
  await future.result(SOON)
  t.deepEqual(events, [1, 2])
})

behaviour('a progress value that cannot be cloned throws a DataCloneError inside the task', async (t, { shared }) => {
  const executor = shared(2)
  const error = (await executor
    .submit(async () => (await import('concurrent-futures')).currentTask()?.progress(() => {}))
    .exception(SOON)) as Error
  t.is(error.name, 'DataCloneError')
})

behaviour('tasks do not see each other: module state lives in each worker', async (t, { create }) => {
  const one = create(1)
  t.deepEqual([await one.submit(work.count), await one.submit(work.count)], [1, 2])
  const other = create(1)
  t.is(await other.submit(work.count), 1)
  await Promise.all([one.shutdown(), other.shutdown()])
})

test('calling a stub of moduleTasks() or a native task directly is a TypeError that says what to do', (t) => {
  t.throws(() => work.add(1, 2), { instanceOf: TypeError, message: /submit/ })
  t.throws(() => native.countPrimes(5), { instanceOf: TypeError, message: /submit/ })
})

behaviour('code generation from strings may be forbidden', async (t, { name }) => {
  const program = fileURLToPath(new URL('./fixtures/no-eval.mjs', import.meta.url))
  const end = await runNode(['--disallow-code-generation-from-strings', program, name])
  t.deepEqual({ output: end.output, errors: end.errors, code: end.code }, { output: '3\ntitle 19', errors: '', code: 0 })
})

behaviour('a program given to node --eval with --input-type=module can use an executor', async (t, { name }) => {
  const program = `
    import { ${name} } from 'concurrent-futures'
    console.log(await new ${name}(1).submit((a, b) => a + b, 1, 2).result(20_000))
  `
  const end = await runNode(['--input-type=module', '--eval', program])
  t.deepEqual({ output: end.output, errors: end.errors, code: end.code }, { output: '3', errors: '', code: 0 })
})

behaviour('an absolute path names a module too', async (t, { shared }) => {
  const executor = shared(2)
  const byPath = moduleTasks<typeof import('./fixtures/work.mjs')>(workUrl.pathname)
  t.is(await executor.submit(byPath.add, 1, 2).result(SOON), 3)
  t.is(pathToFileURL(workUrl.pathname).href, workUrl.href)
})

behaviour('a class or a generator is a TypeError, also one that a module has', async (t, { shared }) => {
  const executor = shared(2)
  const { registered } = await import('./fixtures/kinds.mjs')
  t.throws(() => executor.submit(registered.Registered as never), {
    instanceOf: TypeError,
    message: /class Registered/,
  })
  t.throws(() => executor.submit(registered.generated as never), {
    instanceOf: TypeError,
    message: /generated is a generator/,
  })
  const found = moduleTasks(new URL('./fixtures/kinds.mjs', import.meta.url))
  for (const [key, message] of Object.entries({
    Kind: /class Kind/,
    many: /many is a generator/,
    later: /later is a generator/,
  })) {
    const error = (await executor.submit(found[key] as () => unknown).exception(SOON)) as Error
    t.true(error instanceof TypeError)
    t.regex(error.message, message)
  }
})

behaviour('a method with a computed name is sent like any other', async (t, { shared }) => {
  const executor = shared(2)
  const key = ['a', 'b']
  const methods = {
    [key[0] as string](a: number, b: number) {
      return [a, b][1]
    },
    async [`]${key[1]}[`](a: string[]) {
      await null
      return a[0]
    },
  }
  t.is(await executor.submit(methods['a'] as (a: number, b: number) => number, 1, 2).result(SOON), 2)
  t.is(await executor.submit(methods[']b['] as (a: string[]) => Promise<string>, ['x']).result(SOON), 'x')
  const named = {
    ['to' + 'fail']() {
      throw new Error('on purpose')
    },
  }
  const error = (await executor.submit(named['tofail'] as () => never).exception(SOON)) as Error
  t.regex(error.stack ?? '', /at .*tofail/)
})

behaviour('the hint at surroundings is not for the errors of a module that the function imports', async (t, { shared }) => {
  const executor = shared(2)
  const url = new URL('./fixtures/kinds.mjs', import.meta.url).href
  const inside = executor.submit(async (url: string) => ((await import(url)) as { readsGlobal(): Promise<void> }).readsGlobal(), url)
  t.is(((await inside.exception(SOON)) as Error).message, 'missingInTheModule is not defined')
  const own = executor.submit(() => url)
  t.regex(((await own.exception(SOON)) as Error).message, /surroundings/)
})

behaviour('a method that only speaks of super, or is named class, can be sent', async (t, { create }) => {
  const executor = create(1)
  const methods = {
    log() {
      return 'super.user logged in'
    },
    note() {
      /* no super here */
      return 1
    },
    role(user: { super: string }) {
      return user.super
    },
    async later(user: { super: string }) {
      return `${user.super}(`
    },
    ['com(puted)']() {
      return 'super'
    },
    class() {
      return 7
    },
  }
  const user = { super: 'admin' }
  t.is(await executor.submit(methods.log), 'super.user logged in')
  t.is(await executor.submit(methods.note), 1)
  t.is(await executor.submit(methods.role, user), 'admin')
  t.is(await executor.submit(methods.later, user), 'admin(')
  t.is(await executor.submit(methods['com(puted)']), 'super')
  t.is(await executor.submit(methods.class), 7)
  await executor.shutdown()
})

test('the URL of a module that is not absolute: the error says how it becomes so', (t) => {
  const advice = (url: string): string => t.throws(() => moduleTasks(url), { instanceOf: TypeError })!.message.replace(/^.*: use /, '')
  for (const name of ['concurrent-futures', '@scope/name', '@scope/name/work.js', 'name/work', 'lodash.merge', '#work']) {
    t.is(advice(name), `import.meta.resolve('${name}')`)
  }
  for (const path of ['./work.js', '../work.mjs', 'work.js', 'lib/work.ts']) t.is(advice(path), `new URL('${path}', import.meta.url)`)
})

// From here on: what is a thread pool's alone.

test('import() of a function sent as source is resolved from the current directory', async (t) => {
  await using executor = new ThreadPoolExecutor({ maxWorkers: 1, execArgv: [] })
  const folder = new Folder(t)
  writeFileSync(folder.file('here.mjs'), 'export const where = "here"')
  const before = process.cwd()
  try {
    process.chdir(dirname(folder.file('here.mjs')))
    t.is(await executor.submit(async () => ((await import('./here.mjs' as string)) as { where: string }).where).result(SOON), 'here')
  } finally {
    process.chdir(before)
  }
})

test('an entry file that submits while a worker imports it gets InvalidStateError that names the cure', async (t) => {
  const end = await runNode<unknown>([new URL('./fixtures/entry-submits.mjs', import.meta.url).pathname])
  t.deepEqual({ code: end.code, isHung: end.isHung }, { code: 0, isHung: false }, end.errors)
  t.regex(end.output, /InvalidStateError/)
  t.regex(end.output, /isMainThread/)
})
