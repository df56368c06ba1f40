// A program of its own for the cold suite: node probes/cold.mjs <contestant> flight|producers <in flight>
import { load } from '../contestants.mjs'
import { addOne, keepInFlight, producers, startWorkers } from '../flow.mjs'
import { STRETCHES } from '../suites/cold.mjs'

const WORKERS = 2
const [contestant, way, inFlight] = process.argv.slice(2)
const flow = way === 'producers' ? producers : keepInFlight

const { start } = await load(contestant)
const pool = await start({ workers: WORKERS })
await startWorkers(pool, WORKERS)

const clock = () => {
  const { user, system } = process.cpuUsage()
  return { ms: performance.now(), cpu: user + system }
}
const tasks = Math.max(...Object.values(STRETCHES).map(({ to }) => to))
const places = new Set(Object.values(STRETCHES).flatMap(({ from, to }) => [from, to]))
const times = new Map([[0, clock()]])
let done = 0
const onResult = () => {
  if (places.has(++done)) times.set(done, clock())
}
await flow((n) => pool.run('addOne', n), { tasks, inFlight: Number(inFlight), ...addOne, onResult })

const measured = Object.entries(STRETCHES).map(([name, { from, to }]) => {
  const [begin, end] = [times.get(from), times.get(to)]
  const count = to - from
  return [name, { rate: (count / (end.ms - begin.ms)) * 1000, cpu: (end.cpu - begin.cpu) / count }]
})
process.stdout.write(`${JSON.stringify(Object.fromEntries(measured))}\n`, () => process.exit(0))
