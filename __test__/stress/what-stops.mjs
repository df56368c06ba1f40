/**
 * node __test__/stress/what-stops.mjs [rounds] [kinds] [node …]
 *
 * Runs everything that a task can be stuck in with a `timeout`, under each of the given executables of Node,
 * and prints a markdown table: whether the thread lived on or was replaced, and how long after the deadline
 * the result of the next task came (median). Each round is a process of its own, because what cannot be
 * stopped goes on using a core.
 */
import { moduleTasks, ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { setEnvironmentData } from 'node:worker_threads'
import { kinds } from './endless.mjs'

const TIMEOUT = 200
/** A process that lives longer is killed. */
const HARD = 120_000

/** One round, in a process of its own. */
async function round(kind) {
  if (kinds[kind].flags !== undefined) setFlagsFromString(kinds[kind].flags)
  const work = moduleTasks(new URL('./endless.mjs', import.meta.url))
  const began = new BigInt64Array(new SharedArrayBuffer(8))
  setEnvironmentData('began', began)
  const executor = new ThreadPoolExecutor(1)
  const [thread, calls] = await executor.submit(work.prepare, kind).result()
  await executor.submit(work.here).result()
  const future = executor.with({ timeout: TIMEOUT }).submit(work.run, kind)
  const next = executor.submit(work.here)
  const error = await future.exception()
  const due = began[0] + BigInt(TIMEOUT * 1e6)
  const late = Number(process.hrtime.bigint() - due) / 1e6
  const [thread2, calls2] = await next.result()
  const after = Number(process.hrtime.bigint() - due) / 1e6
  const isSame = thread2 === thread && calls2 === calls + 2
  const { abandoned } = executor.stats().workers
  const ending = error instanceof TimeoutError ? 'stopped' : error === null ? 'ended' : String(error)
  process.stdout.write(JSON.stringify({ ending, late, after, isSame, abandoned }), () => process.exit())
}

const isChild = process.argv[2] === '--round'
if (isChild) await round(process.argv[3])
else table()

function table() {
  const rounds = Number(process.argv[2] ?? 5)
  const chosen = process.argv[3] === undefined || process.argv[3] === 'all' ? Object.keys(kinds) : process.argv[3].split(',')
  const nodes = process.argv.length > 4 ? process.argv.slice(4) : [process.execPath]
  const versions = nodes.map((node) => execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1))
  const latest = nodes.map(() => 0)
  console.log(`| a task in | ${versions.map((version) => `Node ${version}`).join(' | ')} |`)
  console.log(`|---|${'---|'.repeat(nodes.length)}`)
  for (const kind of chosen) {
    const cells = nodes.map((node, column) => {
      const runs = Array.from({ length: rounds }, () => runChild(node, kind))
      latest[column] = Math.max(latest[column], ...runs.map(({ late }) => late ?? 0))
      return cell(runs)
    })
    console.log(`| ${kinds[kind].label} | ${cells.join(' | ')} |`)
  }
  console.log(
    `\nThe latest that a future was settled after its deadline: ${latest.map((ms, at) => `${ms.toFixed(1)} ms (${versions[at]})`).join(', ')}`,
  )
}

function runChild(node, kind) {
  try {
    const output = execFileSync(node, [fileURLToPath(import.meta.url), '--round', kind], {
      encoding: 'utf8',
      timeout: HARD,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return JSON.parse(output)
  } catch (error) {
    return { ending: error.code ?? `exit ${error.status ?? error.signal}` }
  }
}

function cell(runs) {
  const strange = runs.find(({ ending }) => ending !== 'stopped')
  if (strange !== undefined) return strange.ending === 'ended' ? 'was over before' : strange.ending
  const after = runs.map((run) => run.after).sort((a, b) => a - b)[runs.length >> 1]
  const same = runs.filter(({ isSame }) => isSame).length
  const thread = same === runs.length ? 'same thread' : same === 0 ? 'replaced' : `same thread in ${same} of ${runs.length}`
  return `${thread}, ${after < 10 ? after.toFixed(1) : after.toFixed(0)} ms`
}
