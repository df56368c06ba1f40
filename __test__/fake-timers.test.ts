/** Timers and clocks that a test runner has replaced: the package has its own, whenever that happened. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { cleanEnd, ended } from './child.ts'
import type { ChildOptions } from './child.ts'
import { behaviours } from './executors.ts'
import type { ChildPackage } from './executors.ts'

const behaviour = behaviours(test)

const fakes = new URL('./fixtures/fakes.mjs', import.meta.url).href

/** Everything that waits or looks at a clock; gives what came of it. `url`: of the fakes, to be used now. */
async function everyWait({ create, wait, asCompleted }: ChildPackage, url: string | null): Promise<Record<string, unknown>> {
  if (url === 'node:test') {
    const { mock } = await import('node:test')
    mock.timers.enable()
  } else if (url !== null) {
    const { fakeAll } = (await import(url)) as { fakeAll(): void }
    fakeAll()
  }
  const executor = create({ maxWorkers: 2, maxQueue: 4 })
  const seen: Record<string, unknown> = {}
  const see = async (what: string, run: () => unknown): Promise<void> => {
    try {
      seen[what] = (await run()) ?? null
    } catch (error) {
      seen[what] = (error as Error).name
    }
  }
  const file = executor.submit(() => 1)
  await see('result', () => file.result(20_000))
  const never = executor.submit(() => new Promise(() => {}))
  await see('result(ms)', () => never.result(30))
  await see('exception(ms)', () => never.exception(30))
  await see('resultSync(ms)', () => never.resultSync(30))
  await see('wait', async () => (await wait([never], { timeout: 30 })).notDone.size)
  await see('asCompleted', () => asCompleted([never], { timeout: 30 }).next())
  await see('map', async () =>
    executor
      .with({ timeout: 30 })
      .map((n: number) => new Promise((resolve) => setTimeout(resolve, 500, n)), [1])
      .next(),
  )
  await see('ready', () => executor.ready())
  await see('ready again', () => executor.ready())
  // The first worker is taken, and the one that was started for the map may have been given up when its time
  // was over.
  await see('second', () => executor.submit(() => 2).result(20_000))
  await see('dump', async () => (await executor.dump()).length)
  await see('cancel', () => never.cancel({ interrupt: true }))
  await see('timeout', () =>
    executor.with({ timeout: 50 }).submit(() => {
      for (;;);
    }),
  )
  await see('lost', () => executor.submit(() => process.exit(3)))
  await see('shutdown', () => executor.shutdown())
  return seen
}

const expected = {
  ...{ result: 1, 'result(ms)': 'TimeoutError', 'exception(ms)': 'TimeoutError', 'resultSync(ms)': 'TimeoutError' },
  ...{ wait: 1, asCompleted: 'TimeoutError', map: 'TimeoutError', ready: null, 'ready again': null, second: 2, dump: 2 },
  ...{ cancel: true, timeout: 'TimeoutError', lost: 'WorkerLostError', shutdown: null },
}

const preload: ChildOptions = { nodeArguments: ['--import', fakes] }
const ways: Record<string, { url: string | null; options: ChildOptions }> = {
  'all of them, after the import': { url: fakes, options: {} },
  'all of them, before the import': { url: null, options: { ...preload, env: { FAKES_IN: 'main' } } },
  "node:test's, after the import": { url: 'node:test', options: { nodeArguments: ['--no-warnings'] } },
}

for (const [way, { url, options }] of Object.entries(ways)) {
  behaviour(`fake timers (${way}) hold up no wait`, async (t, { inChild }) => {
    const end = await inChild(everyWait, [url], options)
    t.deepEqual(cleanEnd(end), ended(expected as Record<string, unknown>))
  })
}

behaviour('with fake timers what tasks have printed comes before the process ends', async (t, { inChild }) => {
  const end = await inChild(
    async ({ create }) => {
      const { mock } = await import('node:test')
      mock.timers.enable()
      await create(1).submit(() => {
        for (let line = 0; line < 5; line++) console.log(`line ${line}`)
      })
    },
    [],
    { nodeArguments: ['--no-warnings'] },
  )
  t.deepEqual(cleanEnd(end), { ...ended(undefined) })
  t.deepEqual(
    end.output.split('\n'),
    [0, 1, 2, 3, 4].map((line) => `line ${line}`),
  )
})

/** Stops a task in a worker whose timers stand still, and leaves; tells whether it was the same worker. */
async function stopsInWorker({ create }: ChildPackage, url: string | null): Promise<unknown> {
  const fake = async (url: string | null): Promise<void> => {
    ;(globalThis as { isMine?: boolean }).isMine = true
    if (url !== null) ((await import(url)) as { fakeAll(): void }).fakeAll()
  }
  const idle = create({ maxWorkers: 1, idleTimeout: 20 })
  await idle.submit(fake, url)
  const executor = create(1)
  await executor.submit(fake, url)
  const names: string[] = []
  for (let round = 0; round < 2; round++) {
    const stopped = executor.with({ timeout: 50 }).submit(() => {
      for (;;);
    })
    names.push(((await stopped.exception()) as Error).name)
  }
  const isSame = await executor.submit(() => (globalThis as { isMine?: boolean }).isMine === true)
  while (idle.stats().workers.idle > 0) await new Promise((resolve) => setTimeout(resolve, 5))
  return { names, isSame }
}

for (const [way, url, options] of [
  ['by a task', fakes, {}],
  ['before the import', null, { ...preload, env: { FAKES_IN: 'workers' } }],
] as const) {
  behaviour(`a worker in which timers are fake (${way}) recovers from stops, and leaves when it is idle`, async (t, { inChild }) => {
    const end = await inChild(stopsInWorker, [url], options)
    t.deepEqual(cleanEnd(end), ended({ names: ['TimeoutError', 'TimeoutError'], isSame: true } as unknown))
  })
}

behaviour('the deadline of a task is on the real clock', async (t, { create }) => {
  await using executor = create(1)
  const left = executor.with({ timeout: 60_000 }).submit(async () => {
    const { currentTask } = await import('concurrent-futures')
    const { now } = Date
    Date.now = () => 0
    try {
      return (currentTask()?.deadline ?? 0) - now()
    } finally {
      Date.now = now
    }
  })
  t.true((await left) > 0 && (await left) <= 60_000)
})

const root = fileURLToPath(new URL('../lib/', import.meta.url))
/** The command line is a program of its own, in which nobody fakes a clock. */
const TAKES_THEM = /^(host|cli)[\\/]/
/** Puts one of its own in the place of the user's. */
const MAY_NAME = ['worker/strays.ts: queueMicrotask']
const TIMER = /(?<![.\w#])(set|clear)(Timeout|Interval|Immediate)\b/g
const OTHERS = /(?<![.\w#])(queueMicrotask|performance|Date)\b|\b(nextTick|hrtime)\b|node:(timers|perf_hooks)\b/
const COMMENTS = /\/\*[^]*?\*\/|\/\/.*$/gm

/** The timers and clocks that a text takes from anywhere else than from lib/host/. */
function globalsIn(text: string): string[] {
  const code = text.replace(COMMENTS, '')
  const imported = [...code.matchAll(/^import \{([^}]*)\} from '\.\.\/(?:host\/\w+|inner)\.ts'$/gm)].flatMap(([, names]) =>
    (names as string).split(',').map((name) => name.trim()),
  )
  const body = code.replace(/^(import|export \{)[^]*?'$/gm, '').replace(/'[^'\n]*'/g, '')
  const timers = [...body.matchAll(TIMER)].map(([name]) => name)
  const others = [...body.matchAll(new RegExp(OTHERS, 'g'))].map(([name]) => name)
  const modules = [...code.matchAll(/'node:(timers|perf_hooks)[^']*'/g)].map(([name]) => name)
  return [...timers, ...others].filter((name) => !imported.includes(name)).concat(modules)
}

test('no file of lib/ takes a timer or a clock but from lib/host/', (t) => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts') && !TAKES_THEM.test(name))
  const found = files.flatMap((name) => globalsIn(readFileSync(join(root, name), 'utf8')).map((global) => `${name}: ${global}`))
  t.deepEqual(found, MAY_NAME)
  const text = `import { setTimeout } from '../host/timers.ts'\nimport { now } from 'node:perf_hooks'
setTimeout(f)\nsetImmediate(f)\nprocess.nextTick(f)\nDate.now()\nperformance.now() // queueMicrotask\n`
  t.deepEqual(globalsIn(text), ['setImmediate', 'nextTick', 'Date', 'performance', "'node:perf_hooks'"])
})
