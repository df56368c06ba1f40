/** How a process knows that it is a pool's child before anything else of the package runs there. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import ava from 'ava'

const test = ava.serial
const library = new URL('../dist/index.js', import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'child-start-'))
test.after.always('the folder goes', () => rmSync(folder, { recursive: true, force: true }))

/** What each executor says of a preloaded module that uses one. */
const body = `
  const said = []
  const attempt = (what) => {
    try {
      what()
      said.push('accepted')
    } catch (error) {
      said.push(error.name + ': ' + error.message)
    }
  }
  const executor = new ThreadPoolExecutor(1)
  attempt(() => executor.submit(() => 1))
  attempt(() => new ThreadPoolExecutor({ maxWorkers: 1, minWorkers: 1 }))
  if (said[0] !== 'accepted') attempt(() => new ProcessPoolExecutor({ maxWorkers: 1, minWorkers: 1 }))
  console.log(JSON.stringify(said))
`

const path = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const asModule = path('preload.mjs', `import { ProcessPoolExecutor, ThreadPoolExecutor } from '${library.href}'\n${body}`)
const asScript = path(
  'preload.cjs',
  `const { ProcessPoolExecutor, ThreadPoolExecutor } = require(${JSON.stringify(new URL('library.cjs', library).pathname)})\n${body}`,
)
const program = path('program.cjs', 'process.exit()')

function run(flags: string[], env: Record<string, string>): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, program], { env: { ...process.env, ...env } })
    let output = ''
    child.stdout.on('data', (data: Buffer) => (output += data.toString()))
    child.stderr.on('data', (data: Buffer) => (output += data.toString()))
    child.on('error', reject)
    child.on('close', () => {
      try {
        resolve(JSON.parse(output) as string[])
      } catch {
        reject(new Error(output))
      }
    })
  })
}

const ways: [way: string, flags: string[], env: Record<string, string>][] = [
  ['--import', ['--import', pathToFileURL(asModule).href], {}],
  ['--require', ['--require', asScript], {}],
  ['NODE_OPTIONS', [], { NODE_OPTIONS: `--import ${pathToFileURL(asModule).href}` }],
  ['NODE_OPTIONS with --require', [], { NODE_OPTIONS: `--require ${asScript}` }],
]

for (const [way, flags, env] of ways) {
  test(`a module preloaded in a child by ${way} uses no pool, and is told of the one cure`, async (t) => {
    const said = await run(flags, { NODE_OPTIONS: '', ...env, CONCURRENT_FUTURES_CHILD: `${process.pid}.1` })
    t.is(said.length, 3)
    for (const text of said) {
      t.regex(text, /^InvalidStateError: .*put the tasks into a file of their own$/)
      t.notRegex(text, /isMainThread/)
    }
  })
}

test('a process that has inherited the variable from a child, and was started by another, is none', async (t) => {
  const [first] = await run(['--require', asScript], {
    NODE_OPTIONS: '',
    CONCURRENT_FUTURES_CHILD: `${process.ppid}.1`,
  })
  t.is(first, 'accepted')
})
