import { ours, split } from '../contestants.mjs'
import { percentile } from '../flow.mjs'
import { isRight, keyOf, makeTable } from '../tasks/table.mjs'

const WORKERS = 2
const MANY = 10_000
/** Of those that send the table with each task. */
const FEW = 20
const IN_FLIGHT = 100

/** Runs tasks up to this number, so many at once. */
async function runAll(pool, count, inFlight) {
  let next = 0
  const work = async () => {
    while (next < count) {
      const i = next++
      if (!isRight(await pool.run(keyOf(i)), i)) throw new Error(`task ${i} came back wrong`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, work))
}

export default {
  title: 'A table that all tasks need',
  about:
    'A Map of 50,000 rows, some 4 MB serialized, and tasks that look one row up, on 2 workers. `share` against what a ' +
    'program does without it: piscina hands the table to each worker at its start (`workerData`), for as long as the pool ' +
    'lives; `copied` sends it with each task. First: from making the pool, or sharing, to the first result of each worker. ' +
    `Then the time of a task, ${MANY.toLocaleString('en')} of them, ${IN_FLIGHT} in flight; of those that copy, ${FEW} and 2.`,
  peers: 'share',
  stopsPools: true,
  contestants: [ours, `${ours}:copied`, 'piscina', 'piscina:copied'],
  rows: [
    { key: 'first', label: 'first results, ms', better: 'lower' },
    { key: 'task', label: 'a task', unit: 'µs', better: 'lower' },
    { key: 'p50', label: 'round trip, p50', unit: 'µs', better: 'lower' },
  ],
  async measure({ start, contestant, quick }) {
    const isCopied = split(contestant).mode === 'copied'
    const table = makeTable()
    const began = performance.now()
    const pool = await start({ workers: WORKERS, table })
    await runAll(pool, WORKERS, WORKERS)
    const first = performance.now() - began
    const count = isCopied ? FEW : quick ? MANY / 10 : MANY
    await runAll(pool, isCopied ? WORKERS : count, IN_FLIGHT)
    const since = performance.now()
    await runAll(pool, count, isCopied ? WORKERS : IN_FLIGHT)
    const task = ((performance.now() - since) / count) * 1_000
    const times = []
    for (let i = 0; i < (isCopied ? FEW : 2_000); i++) {
      const at = performance.now()
      await pool.run(keyOf(i))
      times.push((performance.now() - at) * 1_000)
    }
    await pool.stop()
    return {
      first,
      task,
      p50: percentile(
        times.sort((a, b) => a - b),
        0.5,
      ),
    }
  },
}
