// Other work on the machine, until it is killed: as many threads as there are cores, each of which computes
// half of the time, in stretches of 1 to 20 ms. node busy.mjs
import { availableParallelism } from 'node:os'
import { Worker, isMainThread } from 'node:worker_threads'
import { work } from './tasks/functions.mjs'

const LONGEST = 20
const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

if (isMainThread) {
  for (let i = 0; i < availableParallelism(); i++) new Worker(new URL(import.meta.url))
} else {
  for (;;) {
    const ms = 1 + Math.random() * (LONGEST - 1)
    for (const start = performance.now(); performance.now() - start < ms;) work(10_000)
    sleep(ms)
  }
}
