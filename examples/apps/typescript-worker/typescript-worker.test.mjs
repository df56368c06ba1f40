import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const here = import.meta.dirname
const strips = Boolean(process.features.typescript)

const run = (args, cwd = here) =>
  promisify(execFile)(process.execPath, args, { cwd }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  )

const line =
  1 +
  readFileSync(`${here}/tasks.ts`, 'utf8')
    .split('\n')
    .findIndex((text) => text.includes('needs a place'))
const EXPECTED = [
  'the north: Oslo, Copenhagen, Riga, Tallinn, Helsinki, Stockholm: 2381 km',
  'the Alps: Bern, Innsbruck, Ljubljana, Turin, Grenoble: 1508 km',
  `a tour needs a place: tasks.ts:${line}`,
]

for (const [way, args, cwd] of [
  ['main.mjs from another folder', [`${here}/main.mjs`], tmpdir()],
  [strips ? 'types that Node.js strips' : 'tsx', [...(strips ? [] : ['--import', 'tsx']), 'program.ts'], here],
]) {
  test(`a worker runs a module in TypeScript: ${way}`, { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await run(args, cwd)
    assert.equal(stderr.replace(/^.*(ExperimentalWarning|--trace-warnings).*$\n?/gm, ''), '')
    assert.deepEqual(stdout.trimEnd().split('\n'), EXPECTED)
    assert.equal(code, 0)
  })
}

test('the compiler knows the types of the tasks', { timeout: 60_000 }, async () => {
  const tsc = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url))
  const wrong = join(here, 'wrong.ts')
  const program = readFileSync(`${here}/program.ts`, 'utf8')
  await writeFile(wrong, program.replace('submit(shortestTour, places)', 'submit(shortestTour, name)'))
  try {
    const options = '--ignoreConfig --noEmit --strict --skipLibCheck --erasableSyntaxOnly --allowImportingTsExtensions'
    const modules = '--target es2022 --module nodenext --lib es2024,esnext.disposable --types node'
    const { stdout } = await run([tsc, ...options.split(' '), ...modules.split(' '), 'program.ts', 'wrong.ts'])
    assert.match(stdout, /^wrong\.ts.*error TS\d+: .*\n/)
    assert.doesNotMatch(stdout, /^(program|tasks)\.ts/m)
  } finally {
    await rm(wrong)
  }
})
