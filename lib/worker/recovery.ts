/**
 * Putting an isolate right after a stop has cut off its JavaScript. What the stop skipped are the `finally`
 * blocks of Node's own scopes: the stack of async ids is out of balance, and Node ends the process over it as
 * soon as the outer callback closes. Node empties that stack itself after an uncaught exception that was
 * handled, so we have it handle one.
 */
import { binding } from '../addon/binding.ts'
import { restoreStacks } from '../errors/without-stacks.ts'
import { now } from '../host/clocks.ts'
import { clearTimeout, nextTick, setImmediate, setTimeout } from '../host/timers.ts'
import { restoreBlocked } from '../tasks/current-task.ts'
import { forgetRunning } from './dispatch.ts'

/** How long nextTick, a promise and an immediate may take to show that the event loop is sound. */
const HEALTH_LIMIT = 200

/** Whether the uncaught exception of the moment is the one made here. */
export let isRecovering: boolean = false

/** Called by the addon on the stack on which the task ran. */
export function recover(token: number, unharmed: boolean): void {
  forgetRunning(token)
  // Also where the worker is to be replaced: Node would end the process over that stack when this callback
  // returns.
  const isEmpty = emptyAsyncStack()
  if (!isEmpty || !(unharmed || binding.retire())) {
    binding.recovered(false)
    return
  }
  restoreBlocked()
  restoreStacks()
  checkHealth()
}

function emptyAsyncStack(): boolean {
  if (process.hasUncaughtExceptionCaptureCallback()) return false
  try {
    process.setUncaughtExceptionCaptureCallback(() => {})
  } catch {
    // The task has loaded node:domain.
    return false
  }
  isRecovering = true
  try {
    binding.raiseUncaught()
  } finally {
    isRecovering = false
    process.setUncaughtExceptionCaptureCallback(null)
  }
  return true
}

function checkHealth(): void {
  let missing = 3
  let isOver = false
  const finish = (ok: boolean): void => {
    if (isOver) return
    isOver = true
    clearTimeout(limit)
    binding.recovered(ok)
    if (ok) watchTimers()
  }
  const one = (): void => {
    if (--missing === 0) finish(true)
  }
  // The first time may have run out before the loop turned at all: a task on top of which the stopped one ran
  // may go on for long.
  let limit = setTimeout(() => (limit = setTimeout(() => finish(false), HEALTH_LIMIT)), HEALTH_LIMIT)
  nextTick(one)
  void Promise.resolve().then(one)
  setImmediate(one)
}

/**
 * How long a timer of a millisecond may take, and how often the loop must have turned meanwhile: a worker
 * that is merely busy is not broken.
 */
const TIMER_LIMIT = 500
const TIMER_TURNS = 20

/** Sees in the background whether timers still fire, while tasks run again. */
function watchTimers(): void {
  let hasFired = false
  let turns = 0
  const began = now()
  setTimeout(() => (hasFired = true), 1)
  const look = (): void => {
    if (hasFired) return
    if (++turns > TIMER_TURNS && now() - began > TIMER_LIMIT) binding.recovered(false)
    else setImmediate(look)
  }
  setImmediate(look)
}
