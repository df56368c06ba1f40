import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { everybody } from '../contestants.mjs'
import { calibrate, inline, startWorkers } from '../flow.mjs'

const TASKS = 20_000
const MICROSECONDS = 20

/** How much faster than a plain loop, measured before and after, by two workers: 1 is twice. */
async function speedUp(run, iterations) {
  await run(5000)
  const before = inline(TASKS, iterations)
  const measured = await run(TASKS)
  const after = inline(TASKS, iterations)
  if (measured.sum !== before.sum) throw new Error(`sums differ: ${measured.sum} and ${before.sum}`)
  return (before.ms + after.ms) / 2 / measured.ms / 2
}

/** What two threads do of it that run nothing but the loop, at once: no pool can be faster. */
async function ceilingOf(iterations, alone) {
  const workers = Array.from({ length: 2 }, () => new Worker(new URL('../tasks/loop-worker.mjs', import.meta.url)))
  const both = async (tasks) => {
    const answers = workers.map((worker) => once(worker, 'message'))
    for (const worker of workers) worker.postMessage({ tasks, iterations })
    return Math.max(...(await Promise.all(answers)).flat())
  }
  await both(1000)
  const ms = await both(TASKS / 2)
  await Promise.all(workers.map((worker) => worker.terminate()))
  return alone / 2 / ms
}

export default {
  title: `${TASKS.toLocaleString('en')} tasks of ${MICROSECONDS} µs, 2 workers`,
  about:
    'A fixed amount of arithmetic, calibrated to 20 µs. The speed-up is the time of the same calls in a plain loop on ' +
    'the main thread, measured just before and after, by the time of the pool; 1.00 would be two full cores. ' +
    '"map auto": the same calls by a map that sizes its chunks; for others, which have none, as single tasks. "Plain threads": ' +
    'two threads that run nothing but the loop, and a main thread that sleeps.',
  contestants: everybody,
  rows: [
    { key: 'efficiency', label: 'speed-up / 2', unit: '', better: 'higher' },
    { key: 'ms', label: 'the pool', unit: 'ms', better: 'lower' },
    { key: 'mapAuto', label: 'speed-up / 2, map auto', unit: '', better: 'higher' },
    { key: 'inline', label: 'in a plain loop', unit: 'ms', reference: true },
    { key: 'ceiling', label: 'speed-up / 2 of plain threads', unit: '', reference: true },
  ],
  async measure({ start }) {
    const pool = await start({ workers: 2 })
    await startWorkers(pool, 2)
    const iterations = calibrate(MICROSECONDS)
    const pooled = async (tasks) => {
      const begin = performance.now()
      const promises = []
      for (let i = 0; i < tasks; i++) promises.push(pool.run('work', iterations))
      let sum = 0
      for (const result of await Promise.all(promises)) sum += result
      return { ms: performance.now() - begin, sum }
    }

    const mapped = async (tasks) => {
      const begin = performance.now()
      let sum = 0
      for await (const result of pool.map('work', new Array(tasks).fill(iterations))) sum += result
      return { ms: performance.now() - begin, sum }
    }

    await pooled(5000)
    const before = inline(TASKS, iterations)
    const measured = await pooled(TASKS)
    const after = inline(TASKS, iterations)
    if (measured.sum !== before.sum) throw new Error(`sums differ: ${measured.sum} and ${before.sum}`)
    const alone = (before.ms + after.ms) / 2
    const efficiency = alone / measured.ms / 2
    const mapAuto = pool.map === undefined ? efficiency : await speedUp(mapped, iterations)
    return { efficiency, ms: measured.ms, mapAuto, inline: alone, ceiling: await ceilingOf(iterations, alone) }
  },
}
