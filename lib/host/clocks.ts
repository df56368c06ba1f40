/** Clocks, taken once, when the package is loaded; why, timers.ts says. */
import { isOfNode } from './own.ts'

const { hrtime } = process

function byProcess(): number {
  const time = hrtime()
  return time[0] * 1e3 + time[1] / 1e6
}

/** A replacement is put on the object, not on its class. */
function byClass(): () => number {
  const { performance } = process.getBuiltinModule('node:perf_hooks')
  const { now } = Object.getPrototypeOf(performance) as { now?: () => number }
  return (now ?? performance.now).bind(performance)
}

/**
 * Milliseconds on a clock that only goes forward. To load `node:perf_hooks` takes a millisecond, in each
 * thread: that is done only where the process's clock was replaced.
 */
export const now: () => number = isOfNode(hrtime, /\bbinding\.hrtime\b/) ? byProcess : byClass()

/** Milliseconds since 1970. */
export const wallClock: () => number = Date.now

const OwnDate = Date
const { getTime } = Date.prototype

/** A Date of this realm. */
export function dateAt(time: number): object {
  return new OwnDate(time)
}

/** The time of a Date of any realm. */
export function timeOf(date: object): number {
  return getTime.call(date)
}
