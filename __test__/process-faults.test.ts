/** The deaths of a child, at every stage of its life and of the task that it holds. */
import { readFileSync, writeFileSync } from 'node:fs'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { BrokenProcessPool, ProcessPoolExecutor } from 'concurrent-futures'
import type { ProcessPoolOptions } from 'concurrent-futures'
import { cleanEnd, ended, inChild } from './child.ts'
import { Folder } from './gate.ts'
import { SOON } from './limits.ts'

const test = ava
const url = new URL('./fixtures/deaths.mjs', import.meta.url).href

/** How the task of a child that has died like this ends. */
const ends: Record<string, { victim: string; exitCode?: number; signal?: string }> = {
  SIGKILL: { victim: 'WorkerLostError', signal: 'SIGKILL' },
  SIGSEGV: { victim: 'WorkerLostError', signal: 'SIGSEGV' },
  abort: { victim: 'WorkerLostError', signal: 'SIGABRT' },
  exit: { victim: 'WorkerLostError', exitCode: 3 },
  memory: { victim: 'WorkerLostError', signal: 'SIGABRT' },
  stuck: { victim: 'TimeoutError' },
}
const all = Object.keys(ends)
const fromOutside = ['SIGKILL', 'SIGSEGV', 'SIGABRT']
/** What is stuck while it starts has half a minute. */
const atStart = all.filter((death) => death !== 'stuck')

/** Whether the child holds the task when it dies. */
const stages: Record<string, { holds: boolean; deaths: string[] }> = {
  starting: { holds: false, deaths: atStart },
  initializer: { holds: false, deaths: atStart },
  idle: { holds: false, deaths: all },
  running: { holds: true, deaths: all },
  awaiting: { holds: true, deaths: all },
  leaving: { holds: false, deaths: all },
}

type Seen = {
  victim: string
  exitCode?: number
  signal?: string
  isBystanderThere: boolean
  runs: string
  ends: string
  stats: Record<string, number | boolean>
}

async function meet(t: ExecutionContext, stage: string, death: string) {
  const log = new Folder(t).file('log')
  return inChild<[string, string, string, string], Seen>(
    async ({}, url, stage, death, log) => (await import(url)).meet(stage, death, log),
    [url, stage, death, log],
  )
}

const none = { failed: 0, cancelled: 0, queued: 0, running: 0, broken: false }

for (const [stage, { holds, deaths }] of Object.entries(stages)) {
  for (const death of deaths) {
    const what = holds ? 'fails the task that it holds, once, and nothing else' : 'costs no task, and each runs once'
    test(`a child that dies (${death}, ${stage}) ${what}`, async (t) => {
      const end = await meet(t, stage, death)
      const isTimedOut = holds && death === 'stuck'
      const isLost = holds && !isTimedOut
      const expected: Seen = {
        ...(holds ? (ends[death] ?? { victim: 'WorkerLostError', signal: death }) : { victim: 'result' }),
        isBystanderThere: true,
        runs: 'a b bystander c victim',
        ends: 'a b bystander c victim',
        stats: { completed: holds ? 4 : 5, ...none, timedOut: Number(isTimedOut), lost: Number(isLost) },
      }
      t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(expected), end.errors)
    })
  }
}

for (const signal of fromOutside) {
  test(`a child that dies (${signal}) while it receives a large argument has not run the task: another does, or it is lost`, async (t) => {
    const end = await meet(t, 'receiving', signal)
    // Some signals let it read on for a moment: what it has read whole is lost with it.
    const isLost = end.value?.victim !== 'result'
    const expected: Seen = {
      ...(isLost ? { victim: 'WorkerLostError', signal } : { victim: 'result' }),
      isBystanderThere: true,
      runs: `a b bystander c${isLost ? '' : ' victim'}`,
      ends: 'a b bystander c victim',
      stats: { completed: isLost ? 4 : 5, ...none, timedOut: 0, lost: Number(isLost) },
    }
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(expected), end.errors)
  })
}

for (const death of atStart) {
  test(`a child that dies (${death}) while its large result leaves ends its task once, with all of the result or as lost`, async (t) => {
    const end = await meet(t, 'replying', death)
    const isLost = end.value?.victim !== 'result'
    const expected: Seen = {
      ...(isLost ? ends[death] : { victim: 'result' }),
      ...{ isBystanderThere: true, runs: 'a b bystander c victim', ends: 'a b bystander c victim' },
      stats: { completed: isLost ? 4 : 5, ...none, timedOut: 0, lost: Number(isLost) },
    } as Seen
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended(expected), end.errors)
    // An exit waits for what a task has returned before it.
    if (death === 'exit') t.false(isLost)
  })
}

const atOnce: Record<string, { code: string; message: RegExp }> = {
  'by its exit code': { code: 'process.exit(7)', message: /exit code 7/ },
  'by a signal': { code: "process.kill(process.pid, 'SIGKILL')", message: /SIGKILL|signal 9/ },
  'by an error': { code: "throw new RangeError('not today')", message: /not today|exit code 1/ },
}

for (const [how, { code, message }] of Object.entries(atOnce)) {
  test(`children that a preload ends at every start (${how}) break the pool, and are not started for ever`, async (t) => {
    const folder = new Folder(t)
    const [preload, log] = [folder.file('preload.cjs'), folder.file('log')]
    writeFileSync(preload, `require('node:fs').appendFileSync(${JSON.stringify(log)}, 'start\\n')\n${code}`)
    const end = await inChild(
      async ({ ProcessPoolExecutor }, preload: string) => {
        const executor = new ProcessPoolExecutor({ maxWorkers: 2, execArgv: ['--require', preload] })
        const futures = [executor.submit(() => 1), executor.submit(() => 2)]
        const errors = await Promise.all(futures.map((future) => future.exception(30_000)))
        let later = 'accepted'
        try {
          executor.submit(() => 3)
        } catch (error) {
          later = (error as Error).name
        }
        const { broken, queued, running } = executor.stats()
        await executor.shutdown()
        const names = (errors as Error[]).map(({ name }) => name)
        const cause = String((errors[0] as Error).cause)
        return { names, cause, later, broken, queued, running }
      },
      [preload],
    )
    const { cause, ...rest } = end.value ?? { cause: end.errors }
    t.regex(cause, message)
    const name = 'BrokenProcessPool'
    t.deepEqual(rest, { names: [name, name], later: name, broken: true, queued: 0, running: 0 })
    const starts = readFileSync(log, 'utf8').trim().split('\n').length
    t.true(starts <= 12, `${starts} starts`)
  })
}

const refused: Record<string, ProcessPoolOptions> = {
  'a flag that Node does not know': { execArgv: ['--no-such-flag-at-all'] },
  'a preload that is not there': { execArgv: ['--require', './no-such-file.cjs'] },
}

for (const [what, options] of Object.entries(refused)) {
  test(`children that Node refuses to start (${what}) break the pool`, async (t) => {
    const end = await inChild(
      async ({ ProcessPoolExecutor }, options: ProcessPoolOptions) => {
        const executor = new ProcessPoolExecutor({ maxWorkers: 1, ...options })
        const error = (await executor.submit(() => 1).exception(30_000)) as Error
        await executor.shutdown()
        return error.name
      },
      [options],
    )
    t.deepEqual({ ...cleanEnd(end), errors: '' }, ended('BrokenProcessPool'), end.errors)
  })
}

test('an initializer that always dies breaks the pool', async (t) => {
  await using executor = new ProcessPoolExecutor({ maxWorkers: 1, initializer: () => process.exit(4) })
  const error = await executor.submit(() => 1).exception(SOON)
  t.true(error instanceof BrokenProcessPool)
  t.true(executor.stats().broken)
})

test("a pool's process that was held up hears what a child has said before it takes it for stuck", async (t) => {
  const end = await inChild(async ({ ProcessPoolExecutor }) => {
    const { spawn } = await import('node:child_process')
    const executor = new ProcessPoolExecutor(1)
    const pid = await executor.submit(() => process.pid)
    const seen: boolean[] = []
    for (let round = 0; round < 3; round++) {
      const task = executor.submit(async () => {
        const { currentTask } = await import('concurrent-futures')
        const { progress, signal } = currentTask()!
        // There is always something on its way.
        const timer = setInterval(() => progress(0), 1)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        clearInterval(timer)
      })
      await new Promise((resolve) => task.onProgress(resolve))
      const go = spawn('/bin/sh', ['-c', `read line; sleep 1.5; kill -CONT ${process.pid}`], {
        detached: true,
        stdio: ['pipe', 'ignore', 'ignore'],
      })
      await new Promise((resolve) => go.stdin.write('go\n', resolve))
      task.cancel({ interrupt: true })
      process.kill(process.pid, 'SIGSTOP')
      seen.push((await executor.submit(() => process.pid).result(20_000)) === pid)
    }
    await executor.shutdown()
    return seen
  }, [])
  t.deepEqual(cleanEnd(end), ended([true, true, true]))
})
