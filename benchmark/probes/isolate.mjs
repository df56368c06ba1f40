// A thread of a user's own that submits, for suites/scaling-isolates.mjs: says that it is warm, waits for
// the others, and says that it is through.
import { parentPort, workerData } from 'node:worker_threads'
import { load, ours } from '../contestants.mjs'
import { addOne, keepInFlight, startWorkers } from '../flow.mjs'

const { flag, tasks, warmUp } = workerData
const { start } = await load(ours)
const pool = start({ workers: 1 })
await startWorkers(pool, 1)
const go = (count) => keepInFlight((n) => pool.run('addOne', n), { tasks: count, inFlight: 1000, ...addOne })
await go(warmUp)
parentPort.postMessage('warm')
Atomics.wait(flag, 0, 0)
await go(tasks)
parentPort.postMessage('done')
await pool.stop()
