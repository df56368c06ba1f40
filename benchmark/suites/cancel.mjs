import { setTimeout as sleep } from 'node:timers/promises'
import { median, sharedFlag } from '../flow.mjs'
import { ours } from '../contestants.mjs'

/**
 * Cancels one running endless loop; the milliseconds to the caller's rejection and to the next task's result.
 */
async function cancelOnce(pool) {
  const before = await pool.run('thread')
  const flag = sharedFlag()
  const { promise, cancel } = pool.cancellable('loop', flag)
  let rejectedAt = 0
  const rejected = promise.then(
    () => {
      throw new Error('an endless loop has returned')
    },
    () => {
      rejectedAt = performance.now()
    },
  )
  while (Atomics.load(flag, 0) === 0) await sleep(1)

  const start = performance.now()
  cancel()
  const after = await pool.run('thread')
  const answeredAt = performance.now()
  await rejected
  return { rejection: rejectedAt - start, next: answeredAt - start, sameThread: after === before }
}

export default {
  title: 'Cancelling a running endless loop, 1 worker',
  about:
    'for (;;); is running when it is cancelled; the next task is submitted right after. piscina and tinypool: ' +
    'AbortSignal; workerpool: promise.cancel(). jest-worker cannot cancel, and poolifier cannot stop a loop that does ' +
    'not return: they would wait for ever.',
  contestants: [ours, 'piscina', 'tinypool', 'workerpool'],
  rows: [
    { key: 'rejection', label: "cancel to the caller's rejection", unit: 'ms', better: 'lower' },
    { key: 'next', label: 'cancel to the next result', unit: 'ms', better: 'lower' },
    { key: 'worst', label: 'the same, slowest', unit: 'ms', better: 'lower' },
    { key: 'sameThread', label: 'on the same thread', unit: '%', reference: true },
  ],
  async measure({ start, quick, contestant }) {
    const pool = await start({ workers: 1 })
    const rounds = contestant === ours ? (quick ? 20 : 200) : quick ? 3 : 10
    await cancelOnce(pool)
    const samples = []
    for (let i = 0; i < rounds; i++) samples.push(await cancelOnce(pool))
    return {
      rejection: median(samples.map((sample) => sample.rejection)),
      next: median(samples.map((sample) => sample.next)),
      worst: Math.max(...samples.map((sample) => sample.next)),
      sameThread: (samples.filter((sample) => sample.sameThread).length / samples.length) * 100,
    }
  },
}
