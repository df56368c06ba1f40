import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { everybody, floor } from '../contestants.mjs'
import { addOne, calibrate, keepInFlight, startWorkers } from '../flow.mjs'
import { work } from '../tasks/functions.mjs'

const IN_FLIGHT = 20_000
/** Tasks a millisecond where all get the same number. */
const EVEN_RATE = 50
/** Who has done less than this part of them has not been given the same work. */
const KEPT_UP = 0.95
const CONTINUATION_US = 50
const WORK_US = 20

const WAYS = {
  noop: 'no-ops, 20,000 in flight',
  work: 'tasks of 20 µs, 20,000 in flight',
  continuation: 'no-ops, 50 µs of continuation a result',
  even: `no-ops, ${EVEN_RATE} a ms`,
}

const columns = (suffix, more) => Object.entries(WAYS).map(([key, label]) => ({ key: `${key}${suffix}`, label, ...more }))

/** Event-loop delay while `go` runs; what it resolves with is the number of tasks. */
async function delayed(go) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await sleep(5)
  const start = performance.now()
  const tasks = await go()
  const ms = performance.now() - start
  // A loop that did not turn once has no sample yet: let it end the last one.
  await sleep(5)
  delay.disable()
  return { '-p99': delay.percentile(99) / 1e6, '-max': delay.max / 1e6, '-rate': (tasks / ms) * 1000 }
}

/** As many as a contestant can do in so many milliseconds, and all of the flight twice at least. */
async function flight(run, kind, wanted) {
  const trial = 2 * IN_FLIGHT
  const ms = await keepInFlight(run, { tasks: trial, inFlight: IN_FLIGHT, ...kind })
  const tasks = Math.max(trial, Math.ceil((trial * wanted) / ms))
  return delayed(async () => {
    await keepInFlight(run, { tasks, inFlight: IN_FLIGHT, ...kind })
    return tasks
  })
}

/** Submits what is due at each turn of a timer of 1 ms; the tasks that came back while it did so. */
async function evenly(run, wanted) {
  return delayed(async () => {
    let [submitted, done, failed] = [0, 0, undefined]
    const start = performance.now()
    while (performance.now() - start < wanted && failed === undefined) {
      const due = Math.floor((performance.now() - start) * EVEN_RATE)
      // What cannot keep up is not buried.
      for (; submitted < due && submitted - done < IN_FLIGHT; submitted++) {
        const n = submitted
        run(n).then(
          (result) => (result === n + 1 ? done++ : (failed = new Error(`task ${n} came back wrong`))),
          (error) => (failed = error),
        )
      }
      await sleep(1)
    }
    const inTime = done
    while (done < submitted && failed === undefined) await sleep(1)
    if (failed !== undefined) throw failed
    return inTime
  })
}

export default {
  title: 'Event-loop delay of the main thread, 2 workers',
  about:
    'p99 and the longest of perf_hooks.monitorEventLoopDelay with a resolution of 1 ms, which is part of the figures: an ' +
    'idle loop shows about 1 ms. "In flight": each result submits the next. "Continuation": so much arithmetic on the main ' +
    `thread for each result, 1,000 in flight. "${EVEN_RATE} a ms": every contestant gets the same number of tasks in the ` +
    'same time; who cannot do as many has no delay to compare. What was done meanwhile is shown, for a pool can also be ' +
    'calm by being slow. `promises` has no pool and no threads: as many pending promises, settled for a millisecond in ' +
    'each turn, which is what they cost the collector, whoever settles them.',
  contestants: [...everybody, floor],
  timeout: 600_000,
  rows: [
    ...columns('-p99', { unit: 'p99 ms', better: 'lower' }),
    ...columns('-max', { better: 'lower', group: 'The longest delay, ms' }),
    ...columns('-rate', { better: 'higher', group: 'Tasks a second meanwhile', reference: true }),
  ],
  async measure({ start, contestant, quick }) {
    const pool = await start({ workers: 2 })
    await startWorkers(pool, 2)
    const wanted = quick ? 500 : 2500
    const [short, long] = [calibrate(WORK_US), calibrate(CONTINUATION_US)]
    const expected = work(short)
    const addOneOf = (n) => pool.run('addOne', n)
    const busy = { argument: () => short, check: (result) => result === expected }
    const ways = {
      noop: () => flight(addOneOf, addOne, wanted),
      work: () => flight(() => pool.run('work', short), busy, wanted),
      continuation: () => continued(addOneOf, long, wanted),
      even: () => evenly(addOneOf, wanted),
    }
    const result = {}
    for (const way of contestant === floor ? ['noop'] : Object.keys(ways)) {
      const { '-rate': rate, ...delays } = await ways[way]()
      const isSame = way !== 'even' || rate > EVEN_RATE * 1000 * KEPT_UP
      const measured = { '-rate': rate, ...(isSame && delays) }
      for (const [suffix, value] of Object.entries(measured)) result[`${way}${suffix}`] = value
    }
    return result
  },
}

/** 1,000 in flight, and each result is worked on for as long as `iterations` take. */
async function continued(run, iterations, wanted) {
  const tasks = Math.max(4000, Math.ceil((wanted * 1000) / CONTINUATION_US))
  return delayed(async () => {
    await keepInFlight(run, { tasks, inFlight: 1000, ...addOne, onResult: () => work(iterations) })
    return tasks
  })
}
