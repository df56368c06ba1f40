// No pool, and no threads: each call is a promise, and the oldest are settled for a millisecond in each turn
// of the event loop. It is what so many pending promises cost a thread, whoever settles them.
import * as functions from '../tasks/functions.mjs'

export const modes = { default: { turn: '1 ms' } }

const TURN_MS = 1
/** How many between two looks at the clock. */
const STRETCH = 64

export function start() {
  /** Settled up to `first`; what has been is cut off now and then. */
  let [calls, first] = [[], 0]
  let isComing = false

  function settle() {
    const end = performance.now() + TURN_MS
    while (first < calls.length && performance.now() < end) {
      const last = Math.min(calls.length, first + STRETCH)
      for (; first < last; first++) {
        const { resolve, name, argument } = calls[first]
        calls[first] = undefined
        resolve(functions[name](argument))
      }
    }
    if (first > calls.length / 2) [calls, first] = [calls.slice(first), 0]
    isComing = calls.length > 0
    if (isComing) setImmediate(settle)
  }

  return {
    run: (name, argument) =>
      new Promise((resolve) => {
        calls.push({ resolve, name, argument })
        if (!isComing) setImmediate(settle)
        isComing = true
      }),
    stop: () => {},
  }
}
