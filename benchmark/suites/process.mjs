import { kill } from 'node:process'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownMemory, withCpuOfAll } from '../children.mjs'
import { apart, handWrittenProcesses, processPools, split } from '../contestants.mjs'
import { addOne, bytes, keepInFlight, median, oneByOne, percentile, startWorkers, warmUp } from '../flow.mjs'

const MIB = 2 ** 20
const IN_FLIGHT = 1000
/** Long enough that as many children start as there are calls. */
const HOLD_MS = 500
/** How long a task has run when its child is killed, and an idle child's memory has settled. */
const SETTLED_MS = 100
/** How long somebody waits for a pool to answer again. */
const GIVE_UP_MS = 5000
const ATTEMPTS = 3

const PAYLOAD = 'Bytes there and back, one task at a time, p50'
const CHILD = 'A child: its start, its death, its memory'

export default {
  title: 'Child processes',
  about:
    'Round trip: n → n + 1 on 1 child, the next task submitted when the result is there. Throughput: the same with ' +
    '1,000 in flight on 2 children; CPU time is that of the parent and both of them, all threads. Bytes: a Uint8Array ' +
    'echoed by 1 child, and for how long a timer of 1 ms of the parent is late meanwhile. Fresh pool: from making a pool of ' +
    '1 in a program that has loaded everything to its first result. SIGKILL: while a task runs on the only child; how ' +
    'long until that task is rejected, and until the result of the next one, submitted then. ' +
    "Memory: resident after the first result, and the part that the child shares with nobody. `json`: Node's other way of " +
    'writing messages, which cannot carry bytes. jest-worker does not replace a child that was killed; ' +
    'CPython gives the whole executor up, so there a new one is made.',
  peers: 'processes',
  stopsPools: true,
  contestants: [...processPools, ...handWrittenProcesses, ...apart],
  rows: [
    { key: 'p50', label: 'round trip, p50', unit: 'µs', better: 'lower' },
    { key: 'p99', label: 'round trip, p99', unit: 'µs', better: 'lower' },
    { key: 'flight1k', label: '1,000 in flight', unit: 'tasks/s', better: 'higher' },
    { key: 'cpu', label: 'CPU time a task', unit: 'µs', better: 'lower' },
    { key: 'bytes1m', label: '1 MiB, ms', better: 'lower', group: PAYLOAD },
    { key: 'bytes100m', label: '100 MiB, ms', better: 'lower', group: PAYLOAD },
    { key: 'late100m', label: '100 MiB: the event loop late by, ms', better: 'lower', group: PAYLOAD },
    { key: 'first', label: 'fresh pool to first result, ms', better: 'lower', group: CHILD },
    { key: 'lost', label: 'SIGKILL to the rejection, ms', better: 'lower', group: CHILD },
    { key: 'next', label: 'SIGKILL to the next result, ms', better: 'lower', group: CHILD },
    { key: 'rss', label: 'resident, MB', better: 'lower', group: CHILD },
    { key: 'own', label: 'not shared, MB', better: 'lower', group: CHILD },
  ],
  async measure({ start, contestant, quick }) {
    const { name, mode } = split(contestant)
    const result = await single(start, quick)
    Object.assign(result, await throughput(start, quick))
    if (!mode.startsWith('json')) Object.assign(result, await payloads(start, quick))
    Object.assign(result, await fresh(start, quick))
    if (name !== 'jest-worker') Object.assign(result, await deaths(start, quick))
    return result
  },
}

/** A pool that has answered, for `use`, and ended afterwards. */
async function withPool(start, workers, use) {
  const pool = await start({ workers })
  await startWorkers(pool, workers, workers === 1 ? 1 : HOLD_MS)
  const result = await use(pool)
  await stop(pool)
  return result
}

/** Not all pools come to an end. */
const stop = (pool) => Promise.race([pool.stop(), sleep(GIVE_UP_MS, undefined, { ref: false })])

const single = (start, quick) =>
  withPool(start, 1, async (pool) => {
    const run = (n) => pool.run('addOne', n)
    await oneByOne(run, { tasks: quick ? 500 : 3000, ...addOne })
    const times = await oneByOne(run, { tasks: quick ? 1000 : 15_000, ...addOne })
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) }
  })

const throughput = (start, quick) =>
  withPool(start, 2, async (pool) => {
    const go = (tasks) => keepInFlight((n) => pool.run('addOne', n), { tasks, inFlight: IN_FLIGHT, ...addOne })
    const perMs = await warmUp(go, 3 * IN_FLIGHT, quick ? 200 : 600)
    const tasks = Math.max(2, Math.round((perMs * (quick ? 300 : 2000)) / IN_FLIGHT)) * IN_FLIGHT
    const { ms, cpu } = await withCpuOfAll(() => go(tasks))
    return { flight1k: (tasks / ms) * 1000, cpu: cpu === undefined ? undefined : cpu / tasks }
  })

const payloads = (start, quick) =>
  withPool(start, 1, async (pool) => {
    const echo = (value) => pool.run('echo', value)
    const middle = async (tasks, kind) => percentile(await oneByOne(echo, { tasks, ...kind }), 0.5) / 1000
    const small = bytes(MIB)
    await middle(quick ? 10 : 50, small)
    const bytes1m = await middle(quick ? 30 : 300, small)
    const large = bytes(100 * MIB)
    await middle(1, large)
    const bytes100m = await middle(quick ? 2 : 5, large)
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    // It counts from its second tick: without this the copying in the first `submit` would go unseen.
    await sleep(20)
    await middle(quick ? 1 : 3, large)
    delay.disable()
    return { bytes1m, bytes100m, late100m: delay.max / 1e6 }
  })

/** Pools of one, one after the other. */
async function fresh(start, quick) {
  const samples = []
  for (let i = 0; i < (quick ? 3 : 7); i++) {
    const begin = performance.now()
    const pool = await start({ workers: 1 })
    if ((await pool.run('addOne', i)) !== i + 1) throw new Error('the first result is wrong')
    const first = performance.now() - begin
    await sleep(SETTLED_MS)
    const own = ownMemory(await pool.run('pid'))
    samples.push({ first, rss: (await pool.run('resident')) / 1e6, own: own === undefined ? undefined : own / 1e6 })
    await stop(pool)
  }
  return middles(samples)
}

const deaths = (start, quick) =>
  withPool(start, 1, async (pool) => {
    // The first runs code of the pool's that was never run before.
    await killOnce(pool)
    const samples = []
    for (let i = 0; i < (quick ? 2 : 8); i++) samples.push(await killOnce(pool))
    return middles(samples)
  })

async function killOnce(pool) {
  const victim = await pool.run('pid')
  let lostAt
  const lost = pool.run('spin').then(
    () => {
      throw new Error('an endless loop has returned')
    },
    () => (lostAt = performance.now()),
  )
  await sleep(SETTLED_MS)
  const begin = performance.now()
  kill(victim, 'SIGKILL')
  await inTime(lost)
  if ((await answered(pool)) === victim) throw new Error('a dead child has answered')
  return { lost: lostAt - begin, next: performance.now() - begin }
}

/** The process that answers next. A pool that still believes in the dead child is asked again. */
async function answered(pool) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await inTime(pool.run('pid'))
    } catch (error) {
      if (attempt === ATTEMPTS) throw error
    }
  }
}

function inTime(promise) {
  const late = sleep(GIVE_UP_MS, undefined, { ref: false }).then(() => {
    throw new Error('no result after the death of the child')
  })
  return Promise.race([promise, late])
}

/** The median of each figure. */
function middles(samples) {
  const known = Object.entries(samples[0]).filter(([, value]) => value !== undefined)
  return Object.fromEntries(known.map(([key]) => [key, median(samples.map((sample) => sample[key]))]))
}
