import { ours } from '../contestants.mjs'
import { addOne, calibrate, inline, keepInFlight } from '../flow.mjs'

const WORKERS = 2
const KEYS = 100

/** As requests of customers are: the first key has a fifth of all, and the hundredth two in a thousand. */
const skewed = (() => {
  const weights = Array.from({ length: KEYS }, (_, key) => 1 / (key + 1))
  const sum = weights.reduce((all, weight) => all + weight, 0)
  const keys = weights.flatMap((weight, key) => Array.from({ length: Math.round((4096 * weight) / sum) }, () => key))
  // The same order in each run: a linear congruential generator, with the constants of Numerical Recipes.
  let seed = 1
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32
  for (let i = keys.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[keys[i], keys[j]] = [keys[j], keys[i]]
  }
  return keys
})()

/** Multiples of two, of a remainder that all share: what a shard by the key's remainder makes of it. */
const even = skewed.map((key) => key * 2)

/** Tasks of these keys in turn; the milliseconds that they take. */
function runAll(pool, keys, tasks, name, argument, check) {
  const run = (i) => pool.run(keys[i % keys.length], name, argument(i))
  return keepInFlight(run, { tasks, inFlight: 1_000, argument: (i) => i, check })
}

const noops = (pool, keys, tasks) => runAll(pool, keys, tasks, 'addOne', addOne.argument, addOne.check)

const works = (pool, keys, tasks, iterations) =>
  runAll(
    pool,
    keys,
    tasks,
    'work',
    () => iterations,
    (result) => typeof result === 'number',
  )

export default {
  title: 'Tasks that have a key, one after another on one worker',
  about:
    `${KEYS} keys, the first of which has a fifth of the tasks, on ${WORKERS} workers, 1,000 in flight. \`affinity\`, and the ` +
    'same tasks without keys, against a pool of one thread for each worker among which the keys are dealt by their remainder, ' +
    'which is what one does with a pool that has no keys. "Even keys" are those that all come to one remainder. Efficiency: ' +
    'of what two cores could do at best.',
  peers: 'affinity',
  stopsPools: true,
  contestants: [ours, `${ours}:none`, 'piscina', 'piscina:1024'],
  rows: [
    { key: 'noop', label: 'no-ops', unit: 'tasks/s', better: 'higher' },
    { key: 'work', label: 'tasks of 100 µs: efficiency', better: 'higher' },
    { key: 'even', label: 'the same, even keys', better: 'higher' },
  ],
  async measure({ start, quick }) {
    const pool = await start({ workers: WORKERS })
    // A key for each, so that all of them start.
    await Promise.all(Array.from({ length: WORKERS }, (_, key) => pool.run(key, 'hold', 50)))
    const [tasks, many] = quick ? [20_000, 2_000] : [200_000, 10_000]
    await noops(pool, skewed, tasks / 4)
    const noop = (tasks / (await noops(pool, skewed, tasks))) * 1_000
    const iterations = calibrate(100)
    const efficiency = async (keys) => {
      await works(pool, keys, many / 4, iterations)
      const before = inline(500, iterations).ms / 500
      const took = await works(pool, keys, many, iterations)
      const after = inline(500, iterations).ms / 500
      return (many * (before + after)) / 2 / WORKERS / took
    }
    const work = await efficiency(skewed)
    const result = { noop, work, even: await efficiency(even) }
    await pool.stop()
    return result
  },
}
