import { pools } from '../contestants.mjs'
import { addOne, batches, flatten, inTurn, keepInFlight, producers, startWorkers } from './flow.mjs'

// 20 characters, different for all in flight, so that a swapped result shows.
const text = inTurn(
  (i) => flatten(`task-${String(i).padStart(15, '0')}`),
  (result, i) => result.length === 20 && Number(result.slice(-4)) === i,
)

export default {
  title: 'Throughput of no-op tasks, 2 workers',
  about:
    'n → n + 1 unless said; "in flight": each result submits the next task; "batches": submitted in one go and awaited ' +
    'with Promise.all; "producers": 64 async functions that await each result.',
  contestants: pools,
  rows: [
    { key: 'flight1k', label: '1,000 in flight', unit: 'tasks/s', better: 'higher' },
    { key: 'flight10k', label: '10,000 in flight', unit: 'tasks/s', better: 'higher' },
    { key: 'batch10k', label: 'batches of 10,000', unit: 'tasks/s', better: 'higher' },
    { key: 'text', label: '20-byte string both ways, 1,000 in flight', unit: 'tasks/s', better: 'higher' },
    { key: 'producers', label: '64 producers', unit: 'tasks/s', better: 'higher' },
  ],
  async measure({ start, quick }) {
    const pool = await start({ workers: 2 })
    await startWorkers(pool, 2)
    const one = (n) => pool.run('addOne', n)
    const same = (value) => pool.run('echo', value)
    // As long for every contestant: some 0.7 s a row, so that a fast one is not measured while it warms up.
    const target = quick ? 150 : 700
    const rate = async (flow, run, inFlight, kind) => {
      const trial = 3000 + inFlight
      await flow(run, { tasks: trial, inFlight, ...kind })
      const ms = await flow(run, { tasks: trial, inFlight, ...kind })
      const wanted = Math.ceil((trial * target) / ms)
      const tasks = flow === batches ? Math.max(1, Math.round(wanted / inFlight)) * inFlight : Math.max(wanted, 2 * inFlight)
      return (tasks / (await flow(run, { tasks, inFlight, ...kind }))) * 1000
    }
    const result = {
      flight1k: await rate(keepInFlight, one, 1000, addOne),
      flight10k: await rate(keepInFlight, one, 10_000, addOne),
      batch10k: await rate(batches, one, 10_000, addOne),
      text: await rate(keepInFlight, same, 1000, text),
      producers: await rate(producers, one, 64, addOne),
    }
    return result
  },
}
