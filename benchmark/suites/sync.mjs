import { ours } from '../contestants.mjs'
import { percentile } from '../flow.mjs'

const object = { id: 7, name: 'invoice', paid: false, total: 1234.5, note: null, tags: ['a', 'b', 'c'] }

function measureCalls(call, calls, check) {
  const times = new Float64Array(calls)
  for (let i = 0; i < calls; i++) {
    const start = performance.now()
    const result = call(i)
    times[i] = (performance.now() - start) * 1000
    if (!check(result, i)) throw new Error(`call ${i} came back wrong`)
  }
  return times.sort()
}

export default {
  title: 'Synchronous round trip, 1 worker',
  about: 'The main thread blocks until the result is there: future.resultSync() and a function of synckit.',
  contestants: [ours, 'synckit'],
  rows: [
    { key: 'p50', label: 'number, p50', unit: 'µs', better: 'lower' },
    { key: 'p99', label: 'number, p99', unit: 'µs', better: 'lower' },
    { key: 'object', label: 'small object, p50', unit: 'µs', better: 'lower' },
  ],
  async measure({ start, quick }) {
    const pool = await start({ workers: 1 })
    const calls = quick ? 3000 : 20_000
    const number = (n) => pool.runSync('addOne', n)
    const same = () => pool.runSync('echo', object)
    const numberIsRight = (result, i) => result === i + 1
    const objectIsRight = (result) => result.id === object.id && result.tags.length === 3
    measureCalls(number, 2000, numberIsRight)
    const times = measureCalls(number, calls, numberIsRight)
    measureCalls(same, 1000, objectIsRight)
    const objects = measureCalls(same, calls, objectIsRight)
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), object: percentile(objects, 0.5) }
  },
}
