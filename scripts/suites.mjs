// The suites of `npm test`. Each runs something, reads its report and answers { passed, failed, details }.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { binOf, root, run } from './command.mjs'
import { withRedis } from './redis.mjs'
import { rustEnv } from './toolchain.mjs'

/** A suite that hangs must not hang the run. */
const LIMIT = 25 * 60_000

/** A run that says it failed, or that ended without a report, has failed once at least. */
function judge({ code, output }, passed, failed, details = output) {
  const isBad = code !== 0 || passed + failed === 0
  const failures = isBad ? Math.max(failed, 1) : failed
  return { passed, failed: failures, details: failures > 0 ? details : '' }
}

function total(text, pattern) {
  let sum = 0
  for (const match of text.matchAll(pattern)) sum += Number(match[1])
  return sum
}

const PASSED = / \.\.\. ok$|^running \d+ tests?$|^$|^test result: ok/
const ON_THE_WAY = /^\s*(Running|Doc-tests|Compiling|Downloaded|Finished) /

/** Drops the lines of tests that passed, so that those that did not can be found. */
function withoutPassed(output) {
  return output
    .split('\n')
    .filter((line) => !PASSED.test(line) && !ON_THE_WAY.test(line))
    .join('\n')
}

async function cargoTest(note, args, env) {
  const result = await run('cargo', ['test', '--no-fail-fast', ...args], { env: rustEnv(env), onLine: note, limit: LIMIT })
  const passed = total(result.stdout, /^test result: .* (\d+) passed/gm)
  const failed = total(result.stdout, /^test result: .* (\d+) failed/gm)
  return judge(result, passed, failed, withoutPassed(result.output))
}

/** All crates: the core, the kernels, the plug-in interface, the binding. */
async function rust(note) {
  return cargoTest(note, ['--workspace'])
}

/**
 * The core's models: loom runs them in every order of their threads. Built without the link-time optimization
 * of the release.
 */
async function loom(note) {
  const env = {
    RUSTFLAGS: '--cfg pool_loom',
    CARGO_TARGET_DIR: join(root, 'target/loom'),
    CARGO_PROFILE_RELEASE_LTO: 'off',
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  }
  const models = ['loom', 'loom_crew', 'loom_keys'].flatMap((name) => ['--test', name])
  return cargoTest(note, ['-p', 'concurrent-futures-pool', '--release', ...models], env)
}

/** The library and its tests, type tests included, pass the compiler. */
async function types() {
  const results = []
  for (const project of ['tsconfig.json', '__test__/tsconfig.json']) {
    results.push(await run(process.execPath, [binOf('typescript', 'tsc'), '-p', project, '--noEmit', '--incremental', 'false']))
  }
  const bad = results.filter(({ code }) => code !== 0)
  const details = bad.map(({ output }) => output).join('\n')
  return { passed: results.length - bad.length, failed: bad.length, details }
}

/**
 * The folders of lib/ import downwards only. The module is loaded here: its packages may not have been
 * installed before.
 */
async function layers() {
  const { checkLayers } = await import('./layers.mjs')
  return checkLayers()
}

const TEST_PASSED = /^ {2}✔ /
const TEST_FAILED = /^ {2}✘ /
const TEST_ASIDE = /^ {2}- \[(skip|todo)\]|^ {4}ℹ /

/** The files that two variables name; none for all. ava takes no list of those that are left out alone. */
function chosenFiles() {
  const named = (variable) => (process.env[variable] ?? '').split(/\s+/).filter(Boolean)
  const [chosen, leftOut] = [named('TEST_FILES'), named('LEFT_OUT')]
  const all = () => readdirSync(join(root, '__test__')).flatMap((file) => /^(.*)\.test\.ts$/.exec(file)?.[1] ?? [])
  const names = leftOut.length > 0 && chosen.length === 0 ? all() : chosen
  return names.filter((name) => !leftOut.includes(name)).map((name) => `__test__/${name}.test.ts`)
}

/**
 * Everything that is written in TypeScript, on this Node; with the variable TEST_FILES the files of these
 * names, with LEFT_OUT all but these. The lines are counted, not the summary: a run that breaks off has none,
 * and that counts as a failure. AVA's own report is read and not its TAP, for that does not tell which tests
 * were running when one hangs.
 */
async function ava(note) {
  const onLine = (line) => note(line.replace(/^ {2}(✔|✘ \[fail\]:) /, ''))
  const files = chosenFiles()
  if (files.length === 0 || files.some((file) => file.includes('/bullmq'))) await withRedis()
  // Node 20 reads these certificates at the start of every process, and the tests start thousands.
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: undefined }
  const result = await run(process.execPath, [binOf('ava', 'ava'), ...files], { env, onLine, limit: LIMIT })
  const { output, code, signal } = result
  const stdout = stripVTControlCharacters(result.stdout)
  const lines = stdout.split('\n')
  const passed = lines.filter((line) => TEST_PASSED.test(line)).length
  const failed = lines.filter((line) => TEST_FAILED.test(line)).length
  const details = lines.filter((line) => !TEST_PASSED.test(line) && !TEST_ASIDE.test(line)).join('\n')
  if (/^ {2}\d+ tests? (passed|failed)$/m.test(stdout)) return judge(result, passed, failed, details)
  const end = `ava broke off (${signal ?? `exit code ${code}`}) after:\n${output.slice(-2_000)}`
  return judge(result, passed, failed + 1, `${details}\n${end}`)
}

export const suites = { rust, loom, types, layers, ava }

/** The version of Node that runs a suite stands in the report, since .ci/run comes with several. */
export function title(name) {
  return name === 'ava' ? `ava, Node ${process.versions.node}` : name
}
