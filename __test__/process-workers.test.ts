/** The options of a process pool, as its children see them. */
import { writeFileSync } from 'node:fs'
import ava from 'ava'
import { moduleTasks, ProcessPoolExecutor } from 'concurrent-futures'
import { Folder, until } from './gate.ts'
import { SOON } from './limits.ts'

const test = ava
const work = moduleTasks<typeof import('./fixtures/work.mjs')>(new URL('./fixtures/work.mjs', import.meta.url))

const pid = (): number => process.pid
const isLinux = process.platform === 'linux'

;(isLinux ? test : test.skip)('a child with more memory than maxMemoryPerWorker after a task is replaced', async (t) => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, maxMemoryPerWorker: 200 * 2 ** 20 })
  const first = await executor.submit(pid)
  t.is(await executor.submit(pid), first)
  const fatten = (bytes: number): [number, number] => {
    const held = globalThis as { held?: Buffer }
    held.held = Buffer.alloc(bytes, 1)
    return [process.pid, process.memoryUsage.rss()]
  }
  const [fat, resident] = await executor.submit(fatten, 300 * 2 ** 20)
  t.is(fat, first)
  t.true(resident > 300 * 2 ** 20)
  const next = await executor.submit(pid)
  t.not(next, first)
  t.is(await executor.submit(pid), next)
  t.is(executor.stats().lost, 0)
})

test('a child is replaced after maxTasksPerWorker tasks', async (t) => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, maxTasksPerWorker: 2 })
  const pids: number[] = []
  for (let n = 0; n < 6; n++) pids.push(await executor.submit(pid))
  t.deepEqual(
    pids.map((one) => pids.indexOf(one)),
    [0, 0, 2, 2, 4, 4],
  )
})

test('env is the whole environment of a child, and neither changes the other', async (t) => {
  const see = (): unknown[] => {
    const { CF_OWN, CF_PARENT } = process.env
    process.env['CF_CHANGED'] = '1'
    return [CF_OWN, CF_PARENT, Object.keys(process.env).filter((name) => name.startsWith('CONCURRENT_FUTURES'))]
  }
  process.env['CF_PARENT'] = 'of the parent'
  await using inherits = new ProcessPoolExecutor(1)
  t.deepEqual(await inherits.submit(see), [undefined, 'of the parent', []])
  await using own = new ProcessPoolExecutor({ maxWorkers: 1, env: { CF_OWN: 'a=b', PATH: process.env['PATH'] } })
  t.deepEqual(await own.submit(see), ['a=b', undefined, []])
  t.is(process.env['CF_CHANGED'], undefined)
})

test('argv stands behind the entry in process.argv, execArgv in process.execArgv', async (t) => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, argv: ['a b', '', 'ü'], execArgv: ['--expose-gc'] })
  const see = (): unknown => [process.argv.slice(2), process.execArgv, typeof (globalThis as { gc?: unknown }).gc]
  t.deepEqual(await executor.submit(see), [['a b', '', 'ü'], ['--expose-gc'], 'function'])
})

test('a child leaves after idleTimeout, down to minWorkers', async (t) => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 3, minWorkers: 1, idleTimeout: 30 })
  const folder = new Folder(t)
  const gate = folder.gate()
  const futures = [1, 2, 3].map(() => executor.submit(work.waitFor, gate))
  await until(() => executor.stats().running === 3, 'three children run')
  folder.open(gate)
  t.is(new Set(await Promise.all(futures)).size, 3)
  await until(() => executor.stats().workers.idle === 1, 'two have left')
  while ((await executor.dump()).length > 1) await new Promise((resolve) => setImmediate(resolve))
  t.is(await executor.submit(work.add, 1, 2), 3)
})

test('minWorkers start with the pool, and are replaced when they die', async (t) => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 3, minWorkers: 2 })
  await until(() => executor.stats().workers.idle === 2, 'both are there')
  const [first] = await executor.dump()
  process.kill(first!.threadId, 'SIGKILL')
  await until(() => executor.stats().workers.died === 1 && executor.stats().workers.idle === 2, 'one is new')
  const now = await executor.dump()
  t.is(now.length, 2)
  t.false(now.some(({ threadId }) => threadId === first!.threadId))
})

test('the initializer runs once in each child, before its first task, with initargs', async (t) => {
  const log = new Folder(t).file('log')
  await using executor = new ProcessPoolExecutor({
    maxWorkers: 1,
    maxTasksPerWorker: 2,
    initializer: async (log: string, value: Map<string, number>) => {
      ;(globalThis as { value?: unknown }).value = value.get('a')
      process.getBuiltinModule('node:fs').appendFileSync(log, `${process.pid}\n`)
    },
    initargs: [log, new Map([['a', 1]])],
  })
  const see = (): unknown[] => [(globalThis as { value?: unknown }).value, process.pid]
  const pids = new Set<unknown>()
  for (let n = 0; n < 4; n++) {
    const [value, pid] = await executor.submit(see)
    t.is(value, 1)
    pids.add(pid)
  }
  const lines = process.getBuiltinModule('node:fs').readFileSync(log, 'utf8').trim().split('\n')
  t.deepEqual(lines.slice(0, 2).map(Number), [...pids] as number[])
})

test('dump() tells of each child its pid, its memory, its task and where its JavaScript is', async (t) => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 2, minWorkers: 2 })
  await until(() => executor.stats().workers.idle === 2, 'both are there')
  const future = executor.with({ name: 'turns', timeout: SOON }).submit(function turning() {
    for (;;);
  })
  await until(() => future.running(), 'it runs')
  let all = await executor.dump()
  t.is(all.length, 2)
  // A machine that is busy may not let the child answer in the 50 ms of a dump.
  while (all.every(({ stack }) => stack === undefined) && future.running()) all = await executor.dump()
  for (const { kind, memory, threadId } of all) {
    t.is(kind, 'process')
    t.notThrows(() => process.kill(threadId, 0))
    if (isLinux) t.true(memory! > 10 * 2 ** 20 && memory! < 2 ** 31, `${memory}`)
  }
  const busy = all.find(({ state }) => state === 'busy')!
  t.is(busy.task?.name, 'turns')
  t.regex(busy.stack!, /turning/)
  t.is(all.find(({ state }) => state === 'idle')?.task, undefined)
  future.cancel({ interrupt: true })
  await executor.submit(pid).result(SOON)
  const left = (await executor.dump()).map(({ threadId }) => threadId)
  t.true(left.includes(busy.threadId), 'an interrupted loop costs no child')
})

test('what asks for a stop and blocks where no interrupt reaches costs its child, in time', async (t) => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, interruptGrace: 50 })
  const first = await executor.submit(pid)
  const stuck = (): void => {
    process.getBuiltinModule('node:child_process').execSync('sleep 100', { stdio: 'ignore' })
  }
  const future = executor.with({ timeout: 100 }).submit(stuck)
  const error = (await future.exception(SOON)) as Error
  t.is(error.name, 'TimeoutError')
  t.not(await executor.submit(pid).result(SOON), first)
  t.is(executor.stats().workers.abandoned, 0)
})

test('terminateWorkers ends what runs at once, wherever that is', async (t) => {
  const executor = new ProcessPoolExecutor(2)
  const futures = [executor.submit(work.spin), executor.submit(work.pause, 60_000), executor.submit(work.add, 1, 2)]
  await until(() => executor.stats().running === 2, 'two run')
  const [one, two] = (await executor.dump()).map(({ threadId }) => threadId)
  await executor.terminateWorkers()
  const errors = (await Promise.all(futures.map((future) => future.exception().catch((error: Error) => error)))) as Error[]
  t.deepEqual(
    errors.map(({ name }) => name),
    ['WorkerLostError', 'WorkerLostError', 'CancelledError'],
  )
  for (const pid of [one!, two!]) await until(() => !isRunning(pid), 'they have ended')
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a module of TypeScript or CommonJS, an inline function and a native task run in a child', async (t) => {
  const folder = new Folder(t)
  const file = folder.file('common.cjs')
  writeFileSync(file, 'exports.name = (who) => `${who} in ${module.id === __filename}`')
  await using executor = new ProcessPoolExecutor(1)
  t.is(await executor.submit(moduleTasks<{ name(who: string): string }>(file.replace(/^/, 'file://')).name, 'it'), 'it in true')
  t.is(await executor.submit((a: number) => a + 1, 1), 2)
})
