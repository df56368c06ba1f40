import { oneByOne, percentile, startWorkers } from '../flow.mjs'
import { seriesSuite } from '../series.mjs'

const MB = 1e6
/** Bytes that are sent at each size, so that a small one is not one glance. */
const AT_LEAST = 400 * MB
const [FEWEST, MOST] = [20, 5000]

let pool

export default seriesSuite({
  title: 'A task by the size of its payload',
  about:
    'A Uint8Array of so many bytes to a worker and back, copied both ways or moved both ways, one after the other; the ' +
    'median. To copy is to read and to write each byte twice.',
  x: { label: 'bytes', points: [0, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8], quickPoints: [0, 1e3, 1e5, 1e7] },
  values: [
    { key: 'copied', label: 'copied', unit: 'µs' },
    { key: 'moved', label: 'moved', unit: 'µs' },
  ],
  async at(size, { start, quick }) {
    if (pool === undefined) {
      pool = await start({ workers: 1 })
      await startWorkers(pool, 1)
    }
    const echo = (value) => pool.run('echo', value)
    let bytes = new Uint8Array(size).fill(7)
    const tasks = Math.max(FEWEST, Math.min(quick ? 200 : MOST, Math.round(AT_LEAST / (size || 1))))
    const copied = { argument: () => bytes, check: (result) => result.length === size }
    const moved = { argument: () => bytes, check: (result) => (bytes = result).length === size }
    const timed = async (run, kind) => {
      await oneByOne(run, { tasks: Math.ceil(tasks / 4), ...kind })
      return percentile(await oneByOne(run, { tasks, ...kind }), 0.5)
    }
    // Moved first: to collect what copying leaves takes longer than to move.
    const movedTime = await timed(pool.runTransfer, moved)
    return { copied: await timed(echo, copied), moved: movedTime }
  },
})
