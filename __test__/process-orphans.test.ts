/** What is left of children: nothing, whatever has become of the process that has started them. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { cleanEnd, ended, inChild } from './child.ts'
import { Folder, until } from './gate.ts'
import { HARD } from './limits.ts'

const test = process.platform === 'linux' ? ava : ava.skip
const workUrl = new URL('./fixtures/work.mjs', import.meta.url).href
const parent = fileURLToPath(new URL('./fixtures/parent.mjs', import.meta.url))

/** Whether it runs: who is dead and not reaped, because its parent is dead, does not. */
function isAlive(pid: string): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

interface Program {
  process: ChildProcess
  lines: string[]
  /** The pids of the children that have begun to start. */
  children: () => string[]
  ended: Promise<void>
}

function start(t: ExecutionContext, folder: Folder, what: string, preload: string): Program {
  const [pids, file] = [folder.file('pids'), folder.file('preload.cjs')]
  writeFileSync(file, `require('node:fs').appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n')\n${preload}`)
  const child = spawn(process.execPath, [parent, what, file, folder.gate()], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines: string[] = []
  child.stdout!.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')))
  const end = new Promise<void>((resolve) => child.on('close', () => resolve()))
  return { process: child, lines, children: () => folder.notes(pids), ended: end }
}

const stuckAtStart = 'for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'

for (const [what, preload] of [
  ['idle', ''],
  ['spinning', ''],
  ['starting', stuckAtStart],
] as const) {
  test(`a parent that is killed leaves no child behind (${what})`, async (t) => {
    const program = start(t, new Folder(t), what, preload)
    await until(() => program.lines.includes('ready') && program.children().length === 2, 'the children run')
    const children = program.children()
    t.true(children.every(isAlive))
    program.process.kill('SIGKILL')
    await until(() => !children.some(isAlive), 'they end')
    t.pass()
  })
}

test('a signal of the terminal reaches the parent only: what runs in children ends well', async (t) => {
  const program = start(t, new Folder(t), 'interrupted', '')
  await until(() => program.lines.includes('ready'), 'the task runs')
  process.kill(-program.process.pid!, 'SIGINT')
  await program.ended
  t.deepEqual(JSON.parse(program.lines[1]!), { signals: ['SIGINT'], isSame: true, lost: 0 })
})

test('300 children, a third of them killed, leave no zombie, no descriptor and no thread', async (t) => {
  t.timeout(4 * HARD)
  const end = await inChild(
    async ({ ProcessPoolExecutor }) => {
      const { readdirSync, readFileSync } = await import('node:fs')
      const count = (folder: string): number => readdirSync(`/proc/self/${folder}`).length
      const parentOf = (pid: string): string | undefined => {
        try {
          return /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
        } catch {
          return undefined
        }
      }
      const children = (): string[] => readdirSync('/proc').filter((pid) => parentOf(pid) === `${process.pid}`)
      const use = async (tasks: number): Promise<{ pids: Set<unknown>; lost: number }> => {
        const executor = new ProcessPoolExecutor({ maxWorkers: 4, maxTasksPerWorker: 1 })
        const one = (n: number): number => {
          if (n % 3 === 2) process.kill(process.pid, 'SIGKILL')
          return process.pid
        }
        const futures = Array.from({ length: tasks }, (_, n) => executor.submit(one, n))
        const pids = new Set(await Promise.all(futures.map((future) => future.result().catch(() => 0))))
        const { lost } = executor.stats()
        await executor.shutdown()
        return { pids, lost }
      }
      await use(6)
      const before = [count('fd'), count('task')]
      const { pids, lost } = await use(300)
      const end = performance.now() + 10_000
      // A thread has said all, and is not gone yet.
      while (count('task') > before[1]! && performance.now() < end) await new Promise((go) => setTimeout(go, 5))
      const after = [count('fd'), count('task')]
      return { pids: pids.size, lost, more: after.map((n, i) => n > before[i]!), children: children() }
    },
    [],
    { limit: 4 * HARD },
  )
  t.deepEqual(cleanEnd(end), ended({ pids: 201, lost: 100, more: [false, false], children: [] }))
})

test("a child's standard input is empty, and the parent's is its own", async (t) => {
  const end = await inChild(
    async ({ ProcessPoolExecutor }) => {
      const executor = new ProcessPoolExecutor(1)
      const read = async (): Promise<string> => (await import('node:fs')).readFileSync(0, 'utf8')
      const texts = [await executor.submit(read), await read()]
      await executor.shutdown()
      return texts
    },
    [],
    { input: 'for the parent' },
  )
  t.deepEqual(cleanEnd(end), ended(['', 'for the parent']))
})

const SIZE = 1 << 20

for (const how of ['shutdown', 'natural end', 'exit of the child', 'exit of the parent'] as const) {
  // What a process that exits has printed Node writes as far as a pipe takes it at once.
  if (how !== 'exit of the child')
    test(`what children print arrives whole (${how})`, async (t) => {
      const end = await inChild(
        async ({ ProcessPoolExecutor }, how: string, size: number) => {
          const executor = new ProcessPoolExecutor(1)
          const print = (size: number): void => {
            process.stdout.write(`<${'o'.repeat(size)}>`)
            process.stderr.write(`<${'e'.repeat(size)}>`)
          }
          await executor.submit(print, size)
          if (how === 'shutdown') await executor.shutdown()
          if (how === 'exit of the parent') process.exit(0)
        },
        [how, SIZE],
      )
      t.is(end.code, 0)
      t.true(end.output === `<${'o'.repeat(SIZE)}>`, `${end.output.length} characters`)
      t.true(end.errors === `<${'e'.repeat(SIZE)}>`, `${end.errors.length} characters: ${end.errors.slice(-200)}`)
    })

  test(`children write their coverage (${how})`, async (t) => {
    const folder = new Folder(t).file('coverage')
    mkdirSync(folder)
    const end = await inChild(
      async ({ moduleTasks, ProcessPoolExecutor }, how: string, url: string) => {
        const executor = new ProcessPoolExecutor(1)
        const pid = await executor.submit(moduleTasks<{ thread(): number }>(url).thread)
        if (how === 'shutdown') await executor.shutdown()
        if (how === 'exit of the child') await executor.submit(() => process.exit(0)).exception()
        if (how === 'exit of the parent') process.on('beforeExit', () => process.exit(0))
        return pid
      },
      [how, workUrl],
      { env: { NODE_V8_COVERAGE: folder } },
    )
    t.is(end.code, 0, end.errors)
    const [file] = readdirSync(folder).filter((name) => name.startsWith(`coverage-${end.value}-`))
    t.truthy(file, readdirSync(folder).join())
    t.true(readFileSync(`${folder}/${file}`, 'utf8').includes('fixtures/work.mjs'))
  })
}

test('a grandchild that stays in the group of its child ends with that', async (t) => {
  const end = await inChild(async ({ ProcessPoolExecutor }) => {
    const executor = new ProcessPoolExecutor(1)
    const start = async (): Promise<number> => {
      const { spawn } = await import('node:child_process')
      return spawn('sleep', ['300'], { stdio: 'ignore' }).pid!
    }
    const pid = await executor.submit(start)
    await executor.terminateWorkers()
    const { existsSync } = await import('node:fs')
    // One that is dead and that nobody has reaped runs no program.
    const end = performance.now() + 10_000
    const runs = (): boolean => existsSync(`/proc/${pid}/exe`)
    while (runs() && performance.now() < end) await new Promise((go) => setTimeout(go, 5))
    return runs()
  }, [])
  t.deepEqual(cleanEnd(end), ended(false))
})
