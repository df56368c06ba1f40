/**
 * Flags of Node's that the user has not given as `execArgv`: none of them keeps workers from starting, also
 * where the program is no file.
 */
import test from 'ava'
import { cleanEnd, ended, runNode } from './child.ts'
import type { ChildOptions } from './child.ts'
import { behaviours } from './executors.ts'

const behaviour = behaviours(test)

/** Uses an executor of class `name`, also from within a task, and a child that a task forks. */
function programFor(name: string, isModule: boolean): string {
  const load = isModule ? `import { ${name} } from 'concurrent-futures'` : `const { ${name} } = require('concurrent-futures')`
  return `${load}
    const executor = new ${name}(1)
    const work = async () => {
      const simple = await executor.submit((n) => n + 1, 1)
      const stopped = await executor.with({ timeout: 50 }).submit(() => { for (;;); }).exception()
      const nested = await executor.submit(async () => {
        const { ${name} } = await import('concurrent-futures')
        const inner = new ${name}(1)
        const value = await inner.submit(() => 40)
        await inner.shutdown()
        return value
      })
      const forked = await executor.submit(async (file) => {
        const { fork } = await import('node:child_process')
        const child = fork(file, { env: { CHILD_BODY: JSON.stringify({ source: '() => 3', args: [] }) }, silent: true })
        let text = ''
        for await (const piece of child.stdout) text += piece
        return text.trim()
      }, ${JSON.stringify(new URL('./fixtures/child-entry.mjs', import.meta.url).pathname)})
      await executor.shutdown()
      console.log('@@value ' + JSON.stringify([simple, stopped.name, nested, forked]))
    }
    work()`
}

const expected = [2, 'TimeoutError', 40, '@@value 3']

/** Of V8, of the process, of each thread; the first only the process can have. */
const FLAGS = ['--title=x', '--expose-gc', '--max-old-space-size=300', '--stack-size=900', '--no-warnings', '--stack-trace-limit=5']
const ALLOWED_IN_ENV = FLAGS.filter((flag) => flag !== '--expose-gc' && flag !== '--stack-size=900')

const TYPES: Record<string, string[]> = {
  'a module': ['--input-type=module'],
  CommonJS: ['--input-type', 'commonjs'],
  'no type': [],
}

for (const [type, typeFlags] of Object.entries(TYPES)) {
  const isModule = type === 'a module'
  const givenBy: Record<string, (program: string) => [string[], ChildOptions]> = {
    '-e': (program) => [['-e', program], {}],
    // Node prints nothing of a module.
    ...(isModule ? {} : { '-p': (program: string) => [['-p', program], {}] as [string[], ChildOptions] }),
    'standard input': (input) => [[], { input }],
  }
  for (const [how, give] of Object.entries(givenBy)) {
    for (const where of ['the command line', 'NODE_OPTIONS']) {
      behaviour(
        `a program given by ${how} (${type}) with flags of V8 and of the process on ${where} uses an executor`,
        async (t, { name }) => {
          const [nodeArguments, options] = give(programFor(name, isModule))
          const inEnv = [...ALLOWED_IN_ENV, ...(isModule ? typeFlags : [])].join(' ')
          const end =
            where === 'NODE_OPTIONS'
              ? await runNode([...(isModule ? [] : typeFlags), ...nodeArguments], { ...options, env: { NODE_OPTIONS: inEnv } })
              : await runNode([...FLAGS, ...typeFlags, ...nodeArguments], options)
          t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(expected), end.errors)
        },
      )
    }
  }
}

behaviour('an env with NODE_OPTIONS that only a process takes breaks no executor, and arrives', async (t, { create }) => {
  const text = '--title "two words" --no-deprecation --stack-trace-limit=7 --max-old-space-size=300 --v8-pool-size=1'
  await using executor = create({ maxWorkers: 1, env: { NODE_OPTIONS: text } })
  const seen = await executor.submit(() => [process.env['NODE_OPTIONS'], process.noDeprecation]).result()
  t.deepEqual(seen, [text, true])
})

test('flags that the user has given as execArgv, and Node refuses, break the executor', async (t) => {
  const { BrokenThreadPool, ThreadPoolExecutor } = await import('concurrent-futures')
  const executor = new ThreadPoolExecutor({ maxWorkers: 1, execArgv: ['--expose-gc'] })
  const error = (await executor.submit(() => 1).exception()) as Error
  t.true(error instanceof BrokenThreadPool)
  t.is((error.cause as { code?: string }).code, 'ERR_WORKER_INVALID_EXEC_ARGV')
})

behaviour('a program that throws at what is deprecated, also what is only to be, runs its tasks', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }) => {
      const executor = create(1)
      const results = [await executor.submit(() => 1), await executor.submit(async () => 2)]
      await executor.shutdown()
      return results
    },
    [],
    { nodeArguments: ['--pending-deprecation', '--throw-deprecation'] },
  )
  t.deepEqual(cleanEnd(end), ended([1, 2]))
})
