import { load, ours } from '../contestants.mjs'
import { addOne, keepInFlight, startWorkers, withCpu } from '../flow.mjs'
import { COST, perTask, seriesSuite } from '../series.mjs'

export default seriesSuite({
  title: 'A task by the number of workers',
  about: 'n → n + 1, 1,000 in flight, warm, on a pool of so many workers, also where there are fewer cores.',
  x: { label: 'workers', points: [1, 2, 4, 8, 16, 32, 64], quickPoints: [1, 2, 8, 64] },
  values: COST,
  async at(workers, { quick }) {
    const { start } = await load(ours)
    const pool = start({ workers })
    await startWorkers(pool, workers, 100)
    const run = (n) => pool.run('addOne', n)
    const go = (tasks) => keepInFlight(run, { tasks, inFlight: 1000, ...addOne })
    await go(quick ? 10_000 : 40_000 * Math.min(workers, 8))
    const tasks = quick ? 20_000 : 300_000
    const took = await withCpu(() => go(tasks))
    await pool.stop()
    return perTask(took, tasks)
  },
})
