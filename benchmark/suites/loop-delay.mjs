import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { pools } from '../contestants.mjs'
import { addOne, keepInFlight, startWorkers } from './flow.mjs'

const IN_FLIGHT = 20_000

export default {
  title: 'Event-loop delay of the main thread, 20,000 no-ops in flight, 2 workers',
  about:
    'perf_hooks.monitorEventLoopDelay with a resolution of 1 ms, which is part of the figures: an idle loop shows about ' +
    '1 ms. Each result submits the next task. What was done meanwhile is shown, for a pool can also be calm by being slow.',
  contestants: pools,
  rows: [
    { key: 'p99', label: 'p99', unit: 'ms', better: 'lower' },
    { key: 'max', label: 'longest', unit: 'ms', better: 'lower' },
    { key: 'rate', label: 'meanwhile', unit: 'tasks/s', better: 'higher' },
  ],
  async measure({ start, quick }) {
    const pool = await start({ workers: 2 })
    await startWorkers(pool, 2)
    const run = (n) => pool.run('addOne', n)
    const trial = 2 * IN_FLIGHT
    const ms = await keepInFlight(run, { tasks: trial, inFlight: IN_FLIGHT, ...addOne })
    const tasks = Math.max(2 * IN_FLIGHT, Math.ceil((trial * (quick ? 500 : 2500)) / ms))

    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await sleep(5)
    const took = await keepInFlight(run, { tasks, inFlight: IN_FLIGHT, ...addOne })
    // A loop that did not turn once has no sample yet: let it end the last one.
    await sleep(5)
    delay.disable()
    return { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6, rate: (tasks / took) * 1000 }
  },
}
