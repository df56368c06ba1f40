/**
 * What tasks print. A thread's `process.stdout` and `process.stderr` go through the event loop of the thread
 * that has started it: the first piece is sent at once, the next when that thread has asked for more. So when
 * that thread's event loop is about to end, the workers are asked to tell when the rest was taken; see
 * pool/exit.ts. A child writes by itself to where its parent does; where that is a pipe which is full, the
 * rest waits here.
 */
import { setTimeout } from '../host/timers.ts'

/** How often a worker looks whether its output has been taken, in ms. */
const BETWEEN_LOOKS = 1

function isTaken(): boolean {
  try {
    return process.stdout.writableLength === 0 && process.stderr.writableLength === 0
  } catch {
    // The user has put something else there.
    return true
  }
}

/** Calls `done` when all output of this worker was taken. */
export function onOutputTaken(done: () => void): void {
  if (isTaken()) done()
  else setTimeout(() => onOutputTaken(done), BETWEEN_LOOKS).unref()
}
