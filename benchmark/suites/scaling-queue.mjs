import { sharedFlag, startWorkers, withCpu } from '../flow.mjs'
import { COST, perTask, seriesSuite } from '../series.mjs'

const WORKERS = 2
/** So many tasks are measured at each length, so that a short queue is not one glance. */
const AT_LEAST = 200_000

async function fillAndDrain(pool, tasks) {
  const gate = sharedFlag()
  const held = Array.from({ length: WORKERS }, () => pool.run('gate', gate))
  const futures = new Array(tasks)
  const submitting = await withCpu(() => {
    const start = performance.now()
    for (let i = 0; i < tasks; i++) futures[i] = pool.submit('addOne', i)
    return performance.now() - start
  })
  const draining = await withCpu(async () => {
    const start = performance.now()
    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
    for (let i = 0; i < tasks; i++) if ((await futures[i]) !== i + 1) throw new Error(`task ${i} came back wrong`)
    return performance.now() - start
  })
  await Promise.all(held)
  return { ms: submitting.ms + draining.ms, cpu: submitting.cpu + draining.cpu, submit: submitting.ms }
}

let pool

export default seriesSuite({
  title: 'A task by the length of the queue',
  about:
    'n → n + 1 on 2 workers, so many of them queued behind a closed gate, then all awaited. "Submitting" is the part of ' +
    'the time before the gate opens.',
  x: { label: 'tasks in the queue', points: [1000, 10_000, 100_000, 1_000_000], quickPoints: [1000, 10_000, 100_000] },
  values: [...COST, { key: 'submit', label: 'submitting', unit: 'µs' }],
  nodeArguments: ['--max-old-space-size=8192'],
  async at(tasks, { start, quick }) {
    if (pool === undefined) {
      pool = await start({ workers: WORKERS })
      await startWorkers(pool, WORKERS)
      for (let i = 0; i < 40; i++) await fillAndDrain(pool, 1000)
    }
    const times = Math.max(1, Math.round((quick ? 20_000 : AT_LEAST) / tasks))
    const sum = { ms: 0, cpu: 0, submit: 0 }
    for (let i = 0; i < times; i++) {
      const one = await fillAndDrain(pool, tasks)
      for (const key of Object.keys(sum)) sum[key] += one[key]
    }
    return { ...perTask(sum, tasks * times), submit: (sum.submit * 1000) / (tasks * times) }
  },
})
