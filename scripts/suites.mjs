// The suites of `npm test`. Each runs something, reads its report and answers { passed, failed, details }.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { binOf, root, run } from './command.mjs'
import { rustEnv } from './toolchain.mjs'

/** A suite that hangs must not hang the run. */
const LIMIT = 15 * 60_000

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
  return cargoTest(note, ['-p', 'concurrent-futures-pool', '--release', '--test', 'loom'], env)
}

/** The library and its tests, type tests included, pass the compiler. */
async function types() {
  const results = []
  for (const project of ['tsconfig.json', '__test__/tsconfig.json', 'scripts/tsconfig.test.json']) {
    if (!existsSync(join(root, project))) continue
    results.push(
      await run(process.execPath, [
        binOf('typescript', 'tsc'),
        '-p',
        project,
        '--noEmit',
        '--incremental',
        'false',
      ]),
    )
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

/** What a TAP report says about the tests that failed: from their line to the end of the block under it. */
function failuresOf(tap) {
  const kept = []
  let isKept = false
  for (const line of tap.split('\n')) {
    if (/^(not )?ok /.test(line)) isKept = line.startsWith('not ok') && !/# (TODO|SKIP)/.test(line)
    if (isKept) kept.push(line)
  }
  return kept.join('\n')
}

/**
 * Everything that is written in TypeScript, on this Node. The lines are counted, not the summary: a run that
 * breaks off has none, and that counts as a failure.
 */
async function ava(note) {
  const onLine = (line) => note(line.replace(/^(not )?ok \d+ - /, ''))
  const result = await run(process.execPath, [binOf('ava', 'ava'), '--tap'], { onLine, limit: LIMIT })
  const { stdout, output, code, signal } = result
  const counted = (pattern) => (stdout.match(pattern) ?? []).length
  const passed = counted(/^ok (?!.*# (SKIP|TODO))/gm)
  const failed = counted(/^not ok (?!.*# (SKIP|TODO))/gm)
  if (/^# pass \d+$/m.test(stdout)) return judge(result, passed, failed, failuresOf(output))
  const end = `ava broke off (${signal ?? `exit code ${code}`}) after:\n${output.slice(-2_000)}`
  return judge(result, passed, failed + 1, `${failuresOf(output)}\n${end}`)
}

export const suites = { rust, loom, types, layers, ava }

/** The version of Node that runs a suite stands in the report, since .ci/run comes with several. */
export function title(name) {
  return name === 'ava' ? `ava, Node ${process.versions.node}` : name
}
