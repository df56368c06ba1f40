import { ours } from '../contestants.mjs'
import { batches, keepInFlight, oneByOne, percentile } from './flow.mjs'

const zero = { argument: () => 0, check: (result) => result === 0 }

export default {
  title: 'Native tasks that do nothing',
  about:
    "Ours is `native.countPrimes` of 0 on a pool of 2; the peer is a no-op as napi-rs' `AsyncTask`, which runs on libuv's " +
    '4 threads. "In flight": each result submits the next; "at once": all submitted, then awaited with Promise.all.',
  contestants: [ours, 'napi-rs'],
  rows: [
    { key: 'flight1k', label: '1,000 in flight', unit: 'µs a task', better: 'lower' },
    { key: 'batch10k', label: 'batches of 10,000', unit: 'µs a task', better: 'lower' },
    { key: 'million', label: '1,000,000 at once', unit: 'µs a task', better: 'lower' },
    { key: 'p50', label: 'one after the other, p50', unit: 'µs', better: 'lower' },
  ],
  async measure({ start, quick }) {
    const { noop } = await start({ workers: 2, minWorkers: 0 })
    const each = async (flow, tasks, inFlight) => (await flow(noop, { tasks, inFlight, ...zero })) * 1000 / tasks
    const tasks = quick ? 50_000 : 400_000
    await each(keepInFlight, 50_000, 1000)
    const result = {
      flight1k: await each(keepInFlight, tasks, 1000),
      batch10k: await each(batches, tasks, 10_000),
      million: await each(batches, quick ? 100_000 : 1_000_000, 1_000_000),
    }
    await oneByOne(noop, { tasks: 2000, ...zero })
    return { ...result, p50: percentile(await oneByOne(noop, { tasks: quick ? 3000 : 20_000, ...zero }), 0.5) }
  },
}
