// A program of its own for the start suite:
// node probes/start.mjs <contestant> first | idle <workers> <ms> | rss <workers>
import { setTimeout as sleep } from 'node:timers/promises'

const [contestant, what, workersText = '1', ms] = process.argv.slice(2)
const workers = Number(workersText)

if (contestant === 'node') {
  console.log('{}')
  process.exit(0)
}

const { load } = await import('../contestants.mjs')
const { start } = await load(contestant)
const pool = await start({ workers })

if (what === 'first') {
  if ((await pool.run('addOne', 1)) !== 2) throw new Error('the first result is wrong')
  console.log('{}')
} else {
  // Long enough that every worker has to start.
  await Promise.all(Array.from({ length: workers * 2 }, () => pool.run('hold', 200)))
  await sleep(1000)
  if (what === 'rss') {
    console.log(JSON.stringify({ rss: process.memoryUsage().rss }))
  } else {
    const before = process.cpuUsage()
    const begin = performance.now()
    await sleep(Number(ms))
    const used = process.cpuUsage(before)
    const seconds = (performance.now() - begin) / 1000
    console.log(JSON.stringify({ cpu: (used.user + used.system) / 1000 / seconds }))
  }
}
process.exit(0)
