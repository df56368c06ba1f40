import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { sharedFlag, withCpu } from '../flow.mjs'
import { COST, perTask, seriesSuite } from '../series.mjs'

export default seriesSuite({
  title: 'A task by the number of isolates that submit',
  about:
    'n → n + 1, 1,000 in flight in each of so many threads of the user (worker_threads), each with an executor of one ' +
    'worker of its own, all at once; time by the number of tasks of all.',
  x: { label: 'isolates', points: [1, 2, 3, 4, 6, 8], quickPoints: [1, 2, 8] },
  values: COST,
  async at(isolates, { quick }) {
    const tasks = quick ? 10_000 : 100_000
    const flag = sharedFlag()
    const threads = Array.from(
      { length: isolates },
      () => new Worker(new URL('../probes/isolate.mjs', import.meta.url), { workerData: { flag, tasks, warmUp: quick ? 5000 : 40_000 } }),
    )
    const exits = threads.map((thread) => once(thread, 'exit'))
    await Promise.all(threads.map((thread) => once(thread, 'message')))
    const done = threads.map((thread) => once(thread, 'message'))
    const took = await withCpu(async () => {
      const start = performance.now()
      Atomics.store(flag, 0, 1)
      Atomics.notify(flag, 0)
      await Promise.all(done)
      return performance.now() - start
    })
    await Promise.all(exits)
    return perTask(took, tasks * isolates)
  },
})
