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
  const code = program('workers.md', 'quota')
    .replace('/sys/fs/cgroup/cpu.max', quota)
    .replace('5_000', '5')
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
