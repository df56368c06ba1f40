// One suite, one contestant, one round, in a process of its own: node child.mjs <suite> <contestant> [quick]
import { load } from './contestants.mjs'

const STOP_LIMIT = 2000
const [suiteName, contestant, quick] = process.argv.slice(2)
const { default: suite } = await import(new URL(`suites/${suiteName}.mjs`, import.meta.url))
const peer = contestant === 'node' ? {} : await load(contestant, suite.peers)

let pool
const start = async (options) => (pool = await peer.start(options))
const measure = peer.measure ?? suite.measure
const result = await measure({ start, contestant, quick: quick === 'quick' })

// Stopping is outside of what is measured, and not all pools come to an end: poolifier's destroy() sometimes
// never settles.
if (pool !== undefined && !suite.stopsPools) {
  let timer
  const limit = new Promise((resolve) => (timer = setTimeout(resolve, STOP_LIMIT)))
  await Promise.race([pool.stop(), limit])
  clearTimeout(timer)
}
// The callback, because writing to a pipe is not synchronous everywhere.
process.stdout.write(`\nresult ${JSON.stringify(result)}\n`, () => process.exit(0))
