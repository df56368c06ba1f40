import { everybody } from '../contestants.mjs'
import { addOne, batches, flatten, inTurn, keepInFlight, producers, startWorkers, warmUp, withCpu } from '../flow.mjs'

// 20 characters, different for all in flight, so that a swapped result shows.
const text = inTurn(
  (i) => flatten(`task-${String(i).padStart(15, '0')}`),
  (result, i) => result.length === 20 && Number(result.slice(-4)) === i,
)

const FLOWS = {
  flight1k: { label: '1,000 in flight', flow: keepInFlight, inFlight: 1000 },
  flight10k: { label: '10,000 in flight', flow: keepInFlight, inFlight: 10_000 },
  batch10k: { label: 'batches of 10,000', flow: batches, inFlight: 10_000 },
  text: { label: '20-byte string both ways, 1,000 in flight', flow: keepInFlight, inFlight: 1000, isText: true },
  producers: { label: '64 producers', flow: producers, inFlight: 64 },
}

const CPU = 'CPU time of all threads, µs a task'

const rows = Object.entries(FLOWS).map(([key, { label }]) => ({ key, label, unit: 'tasks/s', better: 'higher' }))
const cpuRows = rows.map(({ key, label }) => ({ key: `${key}Cpu`, label, better: 'lower', group: CPU }))

/**
 * Until V8 has compiled the way of a task and the heap has grown to what it needs: some 40,000 tasks of
 * ours.
 */
const WARM_UP_MS = { quick: 100, full: 400 }
// As long for every contestant, so that a fast one is not measured while it warms up.
const MEASURED_MS = { quick: 150, full: 700 }

/** Items a second by a map of some `ms`; for a pool without one, its best rate of single tasks. */
async function mapRate({ map }, ms, single) {
  if (map === undefined) return single
  const read = async (items) => {
    const start = performance.now()
    let sum = 0
    for await (const result of map('addOne', items)) sum += result
    if (sum !== (items.length * (items.length + 1)) / 2) throw new Error('a result is wrong or missing')
    return (items.length / (performance.now() - start)) * 1000
  }
  const count = (rate) => Array.from({ length: Math.ceil((rate * ms) / 1000) }, (_, i) => i)
  return read(count(await read(count(1_000_000))))
}

export default {
  title: 'Throughput of no-op tasks, warm, 2 workers',
  about:
    'n → n + 1 unless said; "in flight": each result submits the next task; "batches": submitted in one go and awaited ' +
    'with Promise.all; "producers": 64 async functions that await each result. Each column after 0.4 s of the same. The ' +
    'ring carries numbers only. "map auto": `for await` over a map that sizes its chunks; for others, which have ' +
    'none, their best rate of single tasks.',
  contestants: everybody,
  rows: [...rows, { key: 'mapAuto', label: 'map auto', unit: 'items/s', better: 'higher' }, ...cpuRows],
  async measure({ start, quick, contestant }) {
    const pool = await start({ workers: 2 })
    await startWorkers(pool, 2)
    const length = quick ? 'quick' : 'full'
    const result = {}
    for (const [key, { flow, inFlight, isText }] of Object.entries(FLOWS)) {
      if (isText && contestant === 'atomics-ring') continue
      const run = isText ? (value) => pool.run('echo', value) : (n) => pool.run('addOne', n)
      const go = (tasks) => flow(run, { tasks, inFlight, ...(isText ? text : addOne) })
      const perMs = await warmUp(go, 3000 + inFlight, WARM_UP_MS[length])
      const batchesOf = Math.max(2, Math.round((perMs * MEASURED_MS[length]) / inFlight))
      const tasks = batchesOf * inFlight
      const { ms, cpu } = await withCpu(() => go(tasks))
      result[key] = (tasks / ms) * 1000
      result[`${key}Cpu`] = cpu / tasks
    }
    const { flight1k, flight10k, batch10k } = result
    return { ...result, mapAuto: await mapRate(pool, MEASURED_MS[length], Math.max(flight1k, flight10k, batch10k)) }
  },
}
