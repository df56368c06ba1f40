/** Clocks, taken once, when the package is loaded; why, timers.ts says. */
import { performance } from 'node:perf_hooks'

const { now: ofClass } = Object.getPrototypeOf(performance) as { now?: () => number }

/** Milliseconds on a clock that only goes forward. A replacement is put on the object, not on its class. */
export const now: () => number = (ofClass ?? performance.now).bind(performance)

/** Milliseconds since 1970. */
export const wallClock: () => number = Date.now
