/**
 * node --expose-gc __test__/stress/shared-stress.mjs [seconds] [thread|process]
 *
 * Shares, uses, releases and drops values while workers exit, are killed, and are stopped: each task gets the
 * value that it was given, and in the end none is left.
 */
import { moduleTasks, ProcessPoolExecutor, share, ThreadPoolExecutor } from 'concurrent-futures'

const EXPECTED = ['ok', 'CancelledError', 'TimeoutError', 'WorkerLostError']
const TASKS = 150
const VALUES = 5
/** How long the end of the last isolates, and what they tell, may take. */
const LIMIT = 20_000

const tasks = moduleTasks(new URL('./sharing-tasks.mjs', import.meta.url))
const expectedOf = ({ id, round }) => [round, id, 20_000 * id]
const maybe = (chance) => Math.random() < chance

function submit(executor, isProcess, values) {
  const [first, second] = [0, 1].map(() => values[Math.floor(VALUES * Math.random())])
  if (maybe(0.015)) return executor.submit(tasks.dies, first.shared, isProcess && maybe(0.5))
  if (maybe(0.015)) return executor.with({ timeout: 5 }).submit(tasks.spins, first.shared)
  if (maybe(0.05)) return executor.submit(tasks.sharesItself, first.shared, maybe(0.5), maybe(0.5))
  const expected = [...expectedOf(first), ...expectedOf(second)]
  return executor.submit(tasks.check, first.shared, second.shared, expected)
}

async function play(executor, isProcess, round, counts) {
  const values = Array.from({ length: VALUES }, (_, id) => {
    return { id, round, shared: share({ id, round, data: 'x'.repeat(20_000 * id) }) }
  })
  const futures = Array.from({ length: TASKS }, () => submit(executor, isProcess, values))
  for (const future of futures) if (maybe(0.02)) future.cancel()
  // The others are for the garbage collector.
  for (const { shared } of values) if (maybe(0.8)) shared.release()
  const problems = []
  for (const future of futures) {
    const error = await future.exception().catch((error) => error)
    const name = error === null ? 'ok' : error.name
    counts[name] = (counts[name] ?? 0) + 1
    if (!EXPECTED.includes(name)) problems.push(`${error}`)
  }
  return problems
}

async function run(kind, seconds) {
  const executor = kind === 'thread' ? new ThreadPoolExecutor(3) : new ProcessPoolExecutor(3)
  const counts = {}
  const problems = []
  const end = performance.now() + 1_000 * seconds
  for (let round = 0; performance.now() < end && problems.length === 0; round++) {
    problems.push(...(await play(executor, kind === 'process', round, counts)))
    globalThis.gc?.()
  }
  await executor.shutdown()
  const limit = performance.now() + LIMIT
  while (executor.stats().shared.values > 0 && performance.now() < limit) {
    globalThis.gc?.()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const { values } = executor.stats().shared
  if (values > 0 && globalThis.gc !== undefined) problems.push(`${values} values are left`)
  console.log(kind, counts, problems.length === 0 ? 'no problems' : problems.slice(0, 10))
  if (problems.length > 0) process.exitCode = 1
}

const [seconds = '10', ...kinds] = process.argv.slice(2)
for (const kind of kinds.length > 0 ? kinds : ['thread', 'process']) await run(kind, Number(seconds))
