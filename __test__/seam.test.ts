// What both languages must agree on is typed once, in Rust, and a drift between the two is an error at load.
import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { seam } from '../index.js'
import { requireSameSeam } from '../lib/addon/drift.ts'
import { SEAM } from '../lib/addon/seam.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

test('what TypeScript was built with is what the addon says', (t) => {
  t.is(SEAM, seam())
  t.notThrows(() => requireSameSeam(SEAM, seam()))
})

test('each constant of the seam has the number that the addon says', async (t) => {
  const constants = (await import('../lib/addon/seam.ts')) as Record<string, unknown>
  const lines = seam()
    .split('\n')
    .filter((line) => line.includes(' = '))
  t.true(lines.length > 100)
  for (const line of lines) {
    const [name, number] = line.split(' = ') as [string, string]
    t.is(constants[name], Number(number), name)
  }
})

test('a drift is named: another number, one more line, one less', (t) => {
  const text = 'A = 1\nB = 2\ncall one'
  for (const [other, ours, theirs] of [
    ['A = 1\nB = 3\ncall one', 'B = 2', 'B = 3'],
    ['A = 1\nB = 2\ncall one\ncall two', 'nothing more', 'call two'],
    ['A = 1\nB = 2', 'call one', 'nothing more'],
    ['', 'A = 1', ''],
  ] as const) {
    const message = `here it is '${ours}', in the addon '${theirs}'`
    t.true(t.throws(() => requireSameSeam(text, other)).message.includes(message))
  }
})

test('a package whose JavaScript has another number than its addon cannot be loaded, and says which', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'seam-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  for (const name of ['index.js', 'package.json']) copyFileSync(join(root, name), join(folder, name))
  for (const name of readdirSync(root)) {
    if (name.endsWith('.node')) symlinkSync(join(root, name), join(folder, name))
  }
  const path = join(folder, 'dist/library.cjs')
  const planted = readFileSync(path, 'utf8').replace(/ROW_LOST = 8(?=\\n|\n)/, 'ROW_LOST = 88')
  t.not(planted, readFileSync(path, 'utf8'))
  writeFileSync(path, planted)
  const entry = pathToFileURL(join(folder, 'dist/index.js')).href
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', `await import('${entry}')`])
  const { stderr } = (await t.throwsAsync(run)) as unknown as { stderr: string }
  t.true(stderr.includes("here it is 'ROW_LOST = 88', in the addon 'ROW_LOST = 8'"), stderr)
})
