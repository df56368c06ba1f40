import { workerData } from 'node:worker_threads'
import { FINISHED, LISTENING, MASK, SUBMITTED, layOut } from './ring.mjs'
import * as functions from './functions.mjs'

const { control, calls, results } = layOut(workerData)
const byNumber = Object.keys(functions).map((name) => functions[name])
let done = 0

for (;;) {
  const submitted = Atomics.load(control, SUBMITTED)
  if (submitted === done) Atomics.wait(control, SUBMITTED, done)
  while (done !== submitted) {
    const place = done++ & MASK
    results[place] = byNumber[calls[2 * place]](calls[2 * place + 1])
    Atomics.store(control, FINISHED, done)
    // Woken once, and then not before it has said that it listens again.
    if (Atomics.load(control, LISTENING) === 1 && Atomics.exchange(control, LISTENING, 0) === 1) Atomics.notify(control, FINISHED)
  }
}
