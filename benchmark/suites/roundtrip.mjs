import { handWritten, plainPools } from '../contestants.mjs'
import { addOne, oneByOne, percentile, startWorkers, withCpu } from '../flow.mjs'

export default {
  title: 'Sequential round trip, 1 worker',
  about: 'n → n + 1, the next task submitted when the result is there.',
  contestants: [...plainPools, 'piscina:async-1024', ...handWritten],
  rows: [
    { key: 'p50', label: 'p50', unit: 'µs', better: 'lower' },
    { key: 'p99', label: 'p99', unit: 'µs', better: 'lower' },
    { key: 'cold', label: 'the first 300, p50', unit: 'µs', better: 'lower' },
    { key: 'cpu', label: 'CPU time of all threads', unit: 'µs', better: 'lower' },
  ],
  async measure({ start, quick }) {
    const pool = await start({ workers: 1 })
    await startWorkers(pool, 1)
    const run = (n) => pool.run('addOne', n)
    const cold = await oneByOne(run, { tasks: 300, ...addOne })
    await oneByOne(run, { tasks: 2000, ...addOne })
    const tasks = quick ? 3000 : 20_000
    let times
    const { cpu } = await withCpu(async () => (times = await oneByOne(run, { tasks, ...addOne })))
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), cold: percentile(cold, 0.5), cpu: cpu / tasks }
  },
}
