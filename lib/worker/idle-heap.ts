/**
 * Gives memory back once a worker has been idle for a while. What starting it and its tasks have left behind
 * stays in its heap until something is allocated there, and an idle worker allocates nothing: the start's
 * garbage, and whatever the last task has referred to.
 */
import { binding } from '../addon/binding.ts'
import { setTimeout } from '../host/timers.ts'
import { begun } from './begun.ts'
import { hasLeft } from './leave.ts'

/** A worker that has begun no task from one look to the next, so many ms, is idle. */
const BETWEEN_LOOKS = 12_000

/** Collects once in each idle time; to collect takes some 20 ms, in which a task that comes has to wait. */
export function collectWhenIdle(): void {
  let seen = begun
  let isCollected = false
  const look = (): void => {
    if (hasLeft) return
    if (begun !== seen) isCollected = false
    else if (!isCollected) isCollected = binding.collectIfIdle()
    seen = begun
    setTimeout(look, BETWEEN_LOOKS).unref()
  }
  setTimeout(look, BETWEEN_LOOKS).unref()
}
