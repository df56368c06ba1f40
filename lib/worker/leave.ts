/**
 * How a worker ends: it detaches from the pool and lets its event loop end, so that coverage and profiles are
 * written.
 */
import { binding } from '../addon/binding.ts'
import { clearTimeout, LONGEST_TIMER, setImmediate, setTimeout } from '../host/timers.ts'
import type { Timer } from '../host/timers.ts'
import { isChild } from '../tasks/recursion.ts'
import { begun } from './begun.ts'
import { onOutputTaken } from './stdio.ts'

/** A task may replace it, as tests do. */
const exit = process.exit.bind(process)

/** How long what a task has left behind, such as an interval, may keep a leaving worker alive, in ms. */
const DRAIN = 100

let timer: Timer | undefined

/** Whether this worker has detached from the pool: the addon takes nothing from it any more. */
export let hasLeft: boolean = false

/** Leaves; at once if the worker has been given up. */
export function leave(now: boolean): void {
  clearTimeout(timer)
  if (now) exit()
  hasLeft = true
  binding.detach()
  endSoon()
}

/** Lets the event loop end, for a while. A child prints by itself: what it has printed must be out before. */
export function endSoon(): void {
  setTimeout(() => (isChild ? onOutputTaken(() => exit()) : exit()), DRAIN).unref()
}

/** Ends as Node does for an error that nothing has caught. */
export function endOfError(): void {
  exit(1)
}

/**
 * `exit` was emitted, and what the worker holds is lost. If the thread lives on all the same, because a
 * listener has thrown, or a test has put something in the place of Node's functions, it is ended.
 */
export function endIfAlive(): void {
  setImmediate(() => {
    try {
      // Node does not emit `exit` a second time.
      exit()
    } finally {
      binding.recovered(false)
    }
  })
}

/** Lets the worker leave once it has begun no task for `ms`. */
export function startIdleTimer(ms: number): void {
  if (ms === Infinity) return
  let seen = begun
  let wait = Math.min(Math.max(ms, 1), LONGEST_TIMER)
  const look = (): void => {
    if (begun === seen && binding.leaveIfIdle()) {
      leave(false)
      return
    }
    // Idle, and one of `minWorkers`: looks ever less often.
    wait = begun === seen ? Math.min(wait * 2, LONGEST_TIMER) : Math.min(Math.max(ms, 1), LONGEST_TIMER)
    seen = begun
    timer = setTimeout(look, wait)
    timer.unref()
  }
  timer = setTimeout(look, wait)
  timer.unref()
}
