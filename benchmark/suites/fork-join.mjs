import { ours } from '../contestants.mjs'
import { countQueens, emptyBoard, sortAlone } from '../tasks/divide.mjs'
import { median, startWorkers } from '../flow.mjs'

const SOLUTIONS = { 13: 73_712, 14: 365_596 }

function timed(fn) {
  const start = performance.now()
  const value = fn()
  if (value instanceof Promise) return value.then((result) => ({ ms: performance.now() - start, result }))
  return { ms: performance.now() - start, result: value }
}

/** The same numbers again. */
function fill(array) {
  let x = 0x9e3779b9
  for (let i = 0; i < array.length; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    array[i] = x
  }
  return array
}

function checkSorted(array) {
  for (let i = 1; i < array.length; i++) if (array[i - 1] > array[i]) throw new Error(`not sorted at ${i}`)
}

export default {
  title: 'Fork and join, 2 workers',
  about:
    'Quicksort in shared memory and the n queens problem, divided into tasks, against the same code in a plain loop on the main ' +
    'thread; 2.00 would be two full cores. With concurrent-futures tasks submit tasks; with piscina the main thread has to submit each. ' +
    'The cost of a task that returns at once: a thousand submitted, then awaited; one after the other, each waited for by blocking.',
  contestants: [ours, 'piscina', 'piscina:1024'],
  rows: [
    { key: 'quicksort', label: 'quicksort, speed-up', unit: '', better: 'higher' },
    { key: 'queens', label: 'queens, speed-up', unit: '', better: 'higher' },
    { key: 'spawn', label: 'a spawned task', unit: 'µs', better: 'lower' },
    { key: 'nested', label: 'a nested blocking one', unit: 'µs', reference: true },
  ],
  async measure({ start, quick }) {
    const pool = await start({ workers: 2 })
    await startWorkers(pool, 2)
    const rounds = quick ? 3 : 7
    const array = new Float64Array(new SharedArrayBuffer(8 * (quick ? 2_000_000 : 4_000_000)))
    const n = quick ? 13 : 14

    const sort = []
    const place = []
    // The first round compiles, and does not count.
    for (let round = 0; round <= rounds; round++) {
      const sortedAlone = timed(() => sortAlone(fill(array)))
      const filling = timed(() => fill(array)).ms
      const sorted = await timed(() => pool.forkJoin.quicksort(array))
      checkSorted(array)
      const countedAlone = timed(() => countQueens(emptyBoard(n)))
      const counted = await timed(() => pool.forkJoin.queens(emptyBoard(n)))
      if (counted.result !== SOLUTIONS[n]) throw new Error(`${counted.result} ways to place ${n} queens`)
      if (round === 0) continue
      sort.push((sortedAlone.ms - filling) / sorted.ms)
      place.push(countedAlone.ms / counted.ms)
    }

    const each = async (name, count) => {
      const times = []
      for (let round = 0; round <= 20; round++) {
        const { ms, result } = await timed(() => pool.forkJoin[name](count))
        if (result !== (count * (count + 1)) / 2) throw new Error(`${result} from ${count} tasks`)
        if (round > 5) times.push((ms * 1e3) / count)
      }
      return median(times)
    }
    const values = { quicksort: median(sort), queens: median(place), spawn: await each('spawn', 1000) }
    if (pool.forkJoin.spawnSync !== undefined) values.nested = await each('spawnSync', 1000)
    return values
  },
}
