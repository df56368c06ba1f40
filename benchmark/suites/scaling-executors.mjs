import { load, ours } from '../contestants.mjs'
import { addOne, keepInFlight, startWorkers, withCpu } from '../flow.mjs'
import { COST, perTask, seriesSuite } from '../series.mjs'

export default seriesSuite({
  title: 'A task by the number of executors',
  about: 'n → n + 1, 1,000 in flight in all, warm, on so many executors of one worker each, by turns.',
  x: { label: 'executors', points: [1, 2, 5, 10, 20, 50, 100], quickPoints: [1, 10, 100] },
  values: COST,
  async at(executors, { quick }) {
    const { start } = await load(ours)
    const pools = Array.from({ length: executors }, () => start({ workers: 1 }))
    for (const pool of pools) await startWorkers(pool, 1, 1)
    let turn = 0
    const run = (n) => pools[turn++ % executors].run('addOne', n)
    const go = (tasks) => keepInFlight(run, { tasks, inFlight: 1000, ...addOne })
    await go(quick ? 10_000 : 40_000 * Math.min(executors, 8))
    const tasks = quick ? 20_000 : 300_000
    const took = await withCpu(() => go(tasks))
    await Promise.all(pools.map((pool) => pool.stop()))
    return perTask(took, tasks)
  },
})
