/** Why a worker's thread could not be started, or has ended before it was ready. */
import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import type { StartFailure } from '../addon/binding.ts'
import { START_DIED, START_FATAL, START_REFUSED } from '../addon/seam.ts'
import { isRefusal } from '../errors/system-refusal.ts'

/** Node has refused to make the thread. */
export function refusalOf(error: unknown): StartFailure {
  if (isRefusal(error)) return START_REFUSED
  // A RangeError is about room, for a buffer or on the stack. Anything else is an option that is invalid, and
  // stays so.
  return error instanceof RangeError ? START_REFUSED : START_FATAL
}

/** The thread has ended. Where its owner's thread blocks nobody has heard of what. */
export function deathOf(error: unknown): StartFailure {
  if (error === undefined) return isShortOfDescriptors() ? START_REFUSED : START_DIED
  return isRefusal(error) ? START_REFUSED : START_DIED
}

/** A thread comes this soon where there are descriptors; on a busy machine it takes long. */
const SOON = 50
const LONG = 5_000

/**
 * Whether a thread that has been made so long ago, and has not come to its entry, will probably not come: one
 * that Node could not set up tells so only by an event, which the owner's thread does not get while it
 * blocks.
 */
export function isOverdue(age: number): boolean {
  return age > LONG || (age > SOON && isShortOfDescriptors())
}

function isShortOfDescriptors(): boolean {
  try {
    closeSync(openSync(devNull, 'r'))
    return false
  } catch (error) {
    return isRefusal(error)
  }
}
