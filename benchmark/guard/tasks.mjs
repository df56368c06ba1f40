// What noops.mjs runs beside its no-ops.
import { getPriority } from 'node:os'

/**
 * Where one count ends and the next begins: a call of libc's getpriority(), which nothing else makes, and
 * at which callgrind writes down what the calling thread has done since the last one. Main threads and
 * workers can make it.
 */
export function mark() {
  getPriority()
  return 0
}

/** Holds its worker until the main thread has submitted what is to be counted. */
export function waitFor(flag) {
  Atomics.wait(flag, 0, 0)
  return 0
}

/** Lets the main thread go on: all that was submitted before has run. */
export function raise(flag) {
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
  return 0
}
