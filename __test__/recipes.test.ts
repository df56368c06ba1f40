/** The programs on pages of docs/ that say `<!-- run: NAME -->` above them are run as they stand there. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { runNode } from './child.ts'
import type { ChildEnd } from './child.ts'
import { Folder } from './gate.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The program of this name on a page. */
function program(page: string, name: string): string {
  const text = readFileSync(join(root, 'docs', page), 'utf8')
  const [, code] = new RegExp(`<!-- run: ${name} -->\\n\`\`\`js\\n([^]*?)\`\`\``).exec(text) ?? []
  if (code === undefined) throw new Error(`${page} has no program ${name}`)
  return code
}

/** Runs it, with what comes after it. */
function run(code: string, after: string, ...args: string[]): Promise<ChildEnd<unknown>> {
  return runNode(['--input-type=module', '-e', `${code}\n${after}`, ...args])
}

test('an executor follows the quota of its container', async (t) => {
  const folder = new Folder(t)
  const quota = folder.file('cpu.max')
  writeFileSync(quota, '100000 100000\n')
  const code = program('workers.md', 'quota').replace('/sys/fs/cgroup/cpu.max', quota).replace('5_000', '5')
  const end = await run(
    code,
    `
    import { writeFileSync } from 'node:fs'
    const until = async (workers) => {
      while (executor.maxWorkers !== workers) await new Promise((resolve) => setTimeout(resolve, 5))
      console.log(workers === 1 ? 'one' : 'all')
    }
    await until(1)
    writeFileSync(QUOTA, 'max 100000')
    await until(Math.max(availableParallelism(), 1))
    `,
  )
  t.is(end.errors, '')
  t.is(end.code, 0)
  t.regex(end.output, /^one\n(all|one)$/)
})

test('a service that has warmed up answers its first request with what the initializer has made', async (t) => {
  const end = await run(
    program('workers.md', 'warm'),
    `
    await new Promise((resolve) => server.once('listening', resolve))
    const { idle, busy } = executor.stats().workers
    const answer = await (await fetch('http://localhost:' + server.address().port + '/here')).text()
    console.log(idle + busy, answer)
    server.close()
    server.closeAllConnections()
    `,
  )
  t.is(end.errors, '')
  t.deepEqual([end.output, end.code], ['2 /here: the model is loaded', 0])
})

test('new settings are in every worker', async (t) => {
  const folder = new Folder(t)
  const end = await run(program('workers.md', 'settings'), '', folder.file('settings.json'))
  t.is(end.errors, '')
  t.deepEqual([end.output, end.code], ['[ 2, 2, 2 ]', 0])
})

test('what a subscriber writes into the carrier is there where the task runs', async (t) => {
  const end = await run(program('observability.md', 'carrier'), '')
  t.is(end.errors, '')
  t.is(end.output.trim(), 'request 7: render')
})

test('a task that runs for long, and a queue that keeps growing, are warned of', async (t) => {
  const end = await run(
    program('observability.md', 'watchdog'),
    `
    import { ThreadPoolExecutor } from 'concurrent-futures'
    const executor = new ThreadPoolExecutor({ maxWorkers: 1, name: 'watched' })
    const warnings = []
    const stop = watch(executor, { every: 10, longest: 100, looks: 5, warn: (text) => warnings.push(String(text)) })
    const running = executor.with({ name: 'endless' }).submit(() => {
      for (;;);
    })
    const until = async (what) => {
      while (!warnings.some((text) => text.includes(what))) {
        executor.submit(() => 1)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    await until('the queue keeps growing')
    await until('(endless) has run for')
    await new Promise((resolve) => setTimeout(resolve, 100))
    stop()
    const long = warnings.filter((text) => text.includes('endless'))
    console.log(long.length, long[0].split('\\n')[0].replace(/\\d+/g, 'N'), long[0].includes('[submitted'))
    await executor.terminateWorkers()
    `,
  )
  t.is(end.errors, '')
  t.is(end.output.trim(), '1 watched: task N (endless) has run for N s on N true')
})
