/**
 * node __test__/stress/interrupt-stress.mjs [rounds]
 *
 * Stops that come at random moments: before the task, within it, after it. In every round a task that is to
 * be stopped is followed, on the same worker, by one that nobody stops. A wrong hit is one that the second
 * feels, or that the first feels when it was not cancelled.
 */
import { moduleTasks, ThreadPoolExecutor, TimeoutError } from 'concurrent-futures'
import { setEnvironmentData } from 'node:worker_threads'
import { expectedSum } from './work.mjs'

const ROUNDS = Number(process.argv[2] ?? 10_000)
const LOST_AFTER = 30_000
/** About so many of the stops shall hit; the delays follow. */
const SHARE = 1 / 3

const work = moduleTasks(new URL('./work.mjs', import.meta.url))
const tasks = {
  turn: work.turnFor,
  count: work.countFor,
  wasm: work.wasmFor,
  swallow: work.swallowFor,
  edge: work.untilTold,
  deadline: work.countFor,
}

const sum = { rounds: 0, hits: 0, wrong: 0, lost: 0, replaced: 0 }
const first = (promise) => {
  let timer
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error('lost')), LOST_AFTER)))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

function spinFor(us) {
  const end = performance.now() + us / 1e3
  while (performance.now() < end);
}

async function run(kind) {
  const executor = new ThreadPoolExecutor({ maxWorkers: 1 })
  const shared = new Int32Array(new SharedArrayBuffer(8))
  setEnvironmentData('stress', shared)
  let [thread] = await executor.submit(work.innocent, 1).result()
  const counts = { rounds: 0, hits: 0, wrong: 0, lost: 0, replaced: 0 }
  const problems = []
  let scale = 1
  const begun = performance.now()

  for (let round = 1; round <= ROUNDS; round++) {
    const length = 50 + Math.random() * 400
    // Twice as likely early as late: the aim is moved until about a third hits.
    const delay = Math.random() * 900 * scale
    const target =
      kind === 'edge'
        ? executor.submit(tasks.edge, round)
        : kind === 'deadline'
          ? executor.with({ timeout: delay / 1e3 }).submit(tasks.deadline, round, length)
          : executor.submit(tasks[kind], round, length)
    const after = executor.submit(work.innocent, round)
    let isCancelled = false
    if (kind === 'edge') {
      while (Atomics.load(shared, 0) !== round && !target.done());
      Atomics.store(shared, 1, round)
      spinFor(Math.random() * 4 * scale)
      isCancelled = target.cancel({ interrupt: true })
    } else if (kind !== 'deadline') {
      spinFor(delay)
      isCancelled = target.cancel({ interrupt: true })
    }
    try {
      const error = await first(target.exception().catch((error) => error))
      if (error?.message === 'lost') throw error
      const wasHit = kind === 'deadline' ? error instanceof TimeoutError : target.cancelled()
      const isRight = wasHit ? kind === 'deadline' || isCancelled : !isCancelled && error === null && (await target.result()) === round
      if (!isRight) {
        counts.wrong++
        problems.push(`round ${round}: ${isCancelled} ${target.state} ${error}`)
      }
      if (wasHit) counts.hits++
      // A third of hits is aimed at: later when too many hit.
      scale = Math.min(20, Math.max(0.02, scale * (wasHit ? 1 + 0.02 * (1 - SHARE) * 2 : 1 - 0.02 * SHARE * 2)))
    } catch (error) {
      counts.lost++
      problems.push(`round ${round}: ${error}`)
    }
    try {
      const [id, , checksum] = await first(after.result())
      if (checksum !== expectedSum(round)) {
        counts.wrong++
        problems.push(`round ${round}: the task after it gave ${checksum}`)
      }
      if (id !== thread) {
        counts.replaced++
        thread = id
      }
    } catch (error) {
      if (error.message === 'lost') counts.lost++
      else counts.wrong++
      problems.push(`round ${round}: the task after it: ${error}`)
    }
    counts.rounds++
    if (problems.length > 20) break
  }

  const ms = performance.now() - begun
  const { completed, failed, cancelled, timedOut, lost } = executor.stats()
  await first(executor.shutdown())
  for (const name of Object.keys(sum)) sum[name] += counts[name]
  const share = ((counts.hits / counts.rounds) * 100).toFixed(1)
  console.log(
    `${kind.padEnd(9)} ${counts.rounds} rounds, ${share} % hit, ${counts.wrong} wrong, ${counts.lost} lost, ${counts.replaced} replaced; ` +
      `stats ${completed}/${failed}/${cancelled}/${timedOut}/${lost}; ${(ms / counts.rounds).toFixed(2)} ms a round`,
  )
  for (const problem of problems) console.log(`  ${problem}`)
}

for (const kind of process.argv[3]?.split(',') ?? Object.keys(tasks)) await run(kind)
console.log(
  `interrupt-stress ${process.version}: ${sum.rounds} rounds, ${((sum.hits / sum.rounds) * 100).toFixed(1)} % hit, ` +
    `${sum.wrong} wrong hits, ${sum.lost} lost futures, ${sum.replaced} replaced workers`,
)
if (sum.wrong + sum.lost > 0) process.exitCode = 1
