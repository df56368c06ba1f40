import { ours } from '../contestants.mjs'
import { batches, keepInFlight, oneByOne, percentile } from '../flow.mjs'

const zero = { argument: () => 0, check: (result) => result === 0 }

async function timed(run, tasks) {
  await run()
  const start = performance.now()
  if ((await run()) !== tasks) throw new Error('a result is wrong or missing')
  return ((performance.now() - start) * 1000) / tasks
}

export default {
  title: 'Native tasks that do nothing',
  about:
    "Ours is `native.countPrimes` of 0 on a pool of 2; the peer is a no-op as napi-rs' `AsyncTask`, which runs on libuv's " +
    '4 threads. "In flight": each result submits the next; "at once": all submitted, then awaited with Promise.all; ' +
    '"map": `for await` over `with({ chunkSize: 1000 }).map(…)`, for which `AsyncTask` has no counterpart but all at once.',
  contestants: [ours, 'napi-rs'],
  rows: [
    { key: 'flight1k', label: '1,000 in flight', unit: 'µs a task', better: 'lower' },
    { key: 'batch10k', label: 'batches of 10,000', unit: 'µs a task', better: 'lower' },
    { key: 'million', label: '1,000,000 at once', unit: 'µs a task', better: 'lower' },
    { key: 'map', label: '1,000,000 by map, 1,000 a chunk', unit: 'µs a task', better: 'lower' },
    { key: 'p50', label: 'one after the other, p50', unit: 'µs', better: 'lower' },
  ],
  async measure({ start, quick }) {
    const { noop, mapNoops } = await start({ workers: 2, minWorkers: 0 })
    const each = async (flow, tasks, inFlight) => ((await flow(noop, { tasks, inFlight, ...zero })) * 1000) / tasks
    const tasks = quick ? 50_000 : 400_000
    await each(keepInFlight, 50_000, 1000)
    const result = {
      flight1k: await each(keepInFlight, tasks, 1000),
      batch10k: await each(batches, tasks, 10_000),
      million: await each(batches, quick ? 100_000 : 1_000_000, 1_000_000),
    }
    const many = quick ? 100_000 : 1_000_000
    result.map = mapNoops === undefined ? result.million : await timed(() => mapNoops(many, 1000), many)
    await oneByOne(noop, { tasks: 2000, ...zero })
    return { ...result, p50: percentile(await oneByOne(noop, { tasks: quick ? 3000 : 20_000, ...zero }), 0.5) }
  },
}
