import { plainPools } from '../contestants.mjs'
import { addOne, oneByOne, percentile, startWorkers } from './flow.mjs'

export default {
  title: 'Sequential round trip, 1 worker',
  about: 'n → n + 1, the next task submitted when the result is there.',
  contestants: [...plainPools, 'piscina:async-1024'],
  rows: [
    { key: 'p50', label: 'p50', unit: 'µs', better: 'lower' },
    { key: 'p99', label: 'p99', unit: 'µs', better: 'lower' },
  ],
  async measure({ start, quick }) {
    const pool = await start({ workers: 1 })
    await startWorkers(pool, 1)
    const run = (n) => pool.run('addOne', n)
    await oneByOne(run, { tasks: 2000, ...addOne })
    const times = await oneByOne(run, { tasks: quick ? 3000 : 20_000, ...addOne })
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
  },
}
