import { plainPools, split } from '../contestants.mjs'
import { sharedFlag, startWorkers } from '../flow.mjs'

const SMALL = 10_000
const LARGE = 1_000_000
// Their queues are arrays from whose front they take: the cost of a task grows with the queue. A million
// would take tinypool most of an hour and workerpool hours.
const largest = { tinypool: 100_000, workerpool: 50_000 }

/** Queues `tasks` behind a closed gate, weighs them, opens the gate and awaits them all. */
async function fill(pool, workers, tasks) {
  const submit = pool.submit ?? pool.run
  const gate = sharedFlag()
  const held = Array.from({ length: workers }, () => pool.run('gate', gate))
  // Filled first, so that the array that keeps the results does not count as theirs.
  const outstanding = new Array(tasks).fill(null)
  globalThis.gc()
  const heap = process.memoryUsage().heapUsed
  const rss = process.memoryUsage().rss

  const start = performance.now()
  for (let i = 0; i < tasks; i++) outstanding[i] = submit('addOne', i)
  const submitted = performance.now() - start
  globalThis.gc()
  const heapAfter = process.memoryUsage().heapUsed
  const rssAfter = process.memoryUsage().rss

  const release = performance.now()
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  for (let i = 0; i < tasks; i++) {
    const result = await outstanding[i]
    if (result !== i + 1) throw new Error(`task ${i} came back wrong: ${result}`)
  }
  await Promise.all(held)
  const drained = performance.now() - release
  return {
    cost: ((submitted + drained) / tasks) * 1000,
    heap: (heapAfter - heap) / tasks,
    rss: (rssAfter - rss) / tasks,
  }
}

export default {
  title: '1,000,000 queued tasks, 2 workers',
  about:
    'n → n + 1 queued behind a closed gate, then all awaited; cost is submission and completion together, by the number ' +
    'of tasks; heap and resident memory are per queued task, after a garbage collection; resident is what compares, for ' +
    'concurrent-futures keeps waiting tasks outside of the JavaScript heap. Queues whose cost grows with ' +
    `their length get fewer tasks: tinypool ${largest.tinypool.toLocaleString('en')}, workerpool ` +
    `${largest.workerpool.toLocaleString('en')}; with --quick nobody gets more than 100,000.`,
  // multithreading loses what is beyond 65,536 tasks.
  contestants: [...plainPools.filter((name) => name !== 'multithreading'), 'piscina:1024', 'poolifier:queue'],
  rows: [
    { key: 'costSmall', label: 'cost with 10,000 queued', unit: 'µs', better: 'lower' },
    { key: 'cost', label: 'cost with 1,000,000', unit: 'µs', better: 'lower' },
    { key: 'heap', label: 'heap', unit: 'B', better: 'lower' },
    { key: 'rss', label: 'resident', unit: 'B', better: 'lower' },
  ],
  nodeArguments: ['--expose-gc', '--max-old-space-size=8192'],
  timeout: 600_000,
  async measure({ start, quick, contestant }) {
    const workers = 2
    const pool = await start({ workers })
    await startWorkers(pool, workers)
    await fill(pool, workers, 2000)
    const limit = largest[split(contestant).name] ?? LARGE
    const large = await fill(pool, workers, quick ? Math.min(limit, 100_000) : limit)
    // Afterwards, or its memory would be there for the large one to use again.
    const small = await fill(pool, workers, SMALL)
    return { costSmall: small.cost, cost: large.cost, heap: large.heap, rss: large.rss }
  },
}
