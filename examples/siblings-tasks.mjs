/** Work that takes a while, and work that fails. */
import { setTimeout as sleep } from 'node:timers/promises'
import { currentTask, tasks } from 'concurrent-futures'

export const { fetchPart, failSoon, compute } = tasks(import.meta, {
  /** Heeds its signal. */
  async fetchPart(ms) {
    await sleep(ms, undefined, { signal: currentTask().signal })
    return ms
  },

  async failSoon(ms) {
    await sleep(ms)
    throw new RangeError('this part is missing')
  },

  /** Never looks whether it should stop: it is interrupted. */
  compute() {
    for (;;);
  },
})
