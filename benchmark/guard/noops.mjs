// What the guard counts warm: the import of the package, and no-op tasks on one worker.
// node noops.mjs <tasks to warm up> <tasks to count>
//
// The steps lie between marks, so that none is the difference of two processes. Main: start | import |
// warm-up | tasks |. Worker: warm-up | tasks |.
import { mark, raise, waitFor } from './tasks.mjs'

const BATCH = 1000
const [warmUp, counted] = process.argv.slice(2).map(Number)

mark()
const { ThreadPoolExecutor, moduleTasks } = await import('../../dist/index.js')
mark()
const executor = new ThreadPoolExecutor({ maxWorkers: 1, minWorkers: 1 })
const { addOne } = moduleTasks(new URL('../tasks/functions.mjs', import.meta.url))
const there = moduleTasks(new URL('tasks.mjs', import.meta.url))
const submit = (n) => executor.submit(addOne, n).result()
const newFlag = () => new Int32Array(new SharedArrayBuffer(4))

/**
 * First all are submitted, then all run, then all are delivered: the two threads take turns. Left to
 * themselves they would meet at other places in each run, and the number of deliveries and wake-ups with
 * them.
 */
async function runBatch(first) {
  const [begin, end] = [newFlag(), newFlag()]
  const results = [executor.submit(there.waitFor, begin).result()]
  for (let i = first; i < first + BATCH; i++) results.push(submit(i))
  results.push(executor.submit(there.raise, end).result())
  raise(begin)
  waitFor(end)
  const values = await Promise.all(results)
  for (let i = 0; i < BATCH; i++) if (values[i + 1] !== first + i + 1) throw new Error(`task ${first + i} came back wrong`)
}

await submit(0)
for (const tasks of [warmUp, counted]) {
  for (let first = 0; first < tasks; first += BATCH) await runBatch(first)
  await executor.submit(there.mark).result()
  mark()
}
await executor.shutdown()
