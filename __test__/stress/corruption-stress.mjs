/**
 * node __test__/stress/corruption-stress.mjs [rounds] [kinds] [hard]
 *
 * Stops loops that live inside Node's own JavaScript, and looks after every stop whether the thread is as
 * sound as before.
 */
import { moduleTasks, ThreadPoolExecutor } from 'concurrent-futures'
import { setEnvironmentData } from 'node:worker_threads'
import { loops } from './work.mjs'

const ROUNDS = Number(process.argv[2] ?? 1_000)
const kinds = process.argv[3]?.split(',') ?? Object.keys(loops)
const PROBE_LIMIT = 20_000
/** Loops that end in a replacement by design: an interrupted `require` leaves half-built exports. */
const APART = new Set(['modules'])

const work = moduleTasks(new URL('./work.mjs', import.meta.url))
const sum = { stops: 0, replaced: 0, broken: 0 }

const within = (promise, what) => {
  let timer
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no answer: ${what}`)), PROBE_LIMIT)))
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
  let last = await executor.submit(work.probe).result()
  const counts = { stops: 0, replaced: 0, broken: 0 }
  const delays = []
  const problems = []
  for (let round = 1; round <= ROUNDS && problems.length < 20; round++) {
    const looping = executor.submit(work.loop, kind, round)
    const end = performance.now() + PROBE_LIMIT
    while (Atomics.load(shared, 0) !== round && performance.now() < end) if (looping.done()) break
    spinFor(Math.random() * 1_000)
    const at = performance.now()
    if (!looping.cancel({ interrupt: true })) problems.push(`round ${round}: not cancelled: ${await looping.exception()}`)
    try {
      const probe = await within(executor.submit(work.probe).result(), 'probe')
      delays.push(performance.now() - at)
      counts.stops++
      if (probe.threadId !== last.threadId) {
        counts.replaced++
      } else if (probe.calls !== last.calls + 1) problems.push(`round ${round}: the module was loaded again`)
      if (probe.wrong.length > 0) problems.push(`round ${round}: ${probe.wrong.join(', ')}`)
      last = probe
    } catch (error) {
      problems.push(`round ${round}: ${error}`)
      counts.stops++
      if (/no answer/.test(error.message)) break
    }
  }
  counts.broken = problems.length
  delays.sort((a, b) => a - b)
  const at = (q) => (delays[Math.min(delays.length - 1, Math.floor(delays.length * q))] ?? NaN).toFixed(2)
  console.log(
    `${kind.padEnd(17)} ${counts.stops} stops, ${counts.replaced} replaced (${((counts.replaced / counts.stops) * 100).toFixed(2)} %), ` +
      `${counts.broken} broken; answer of the next task p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`,
  )
  for (const problem of problems) console.log(`  ${problem}`)
  if (!APART.has(kind)) {
    sum.stops += counts.stops
    sum.replaced += counts.replaced
  }
  sum.broken += counts.broken
  if (problems.length > 0) await within(executor.terminateWorkers(), 'terminate')
  else {
    await executor.submit(work.cleanUp).result()
    await within(executor.shutdown(), 'shutdown')
  }
}

for (const kind of kinds) await run(kind)
console.log(
  `corruption-stress ${process.version}: ${sum.stops} stops apart from module loading, ${sum.replaced} replaced workers ` +
    `(${((sum.replaced / sum.stops) * 100).toFixed(2)} %), ${sum.broken} broken`,
)
if (sum.broken > 0 || sum.replaced >= sum.stops / 100) process.exitCode = 1
