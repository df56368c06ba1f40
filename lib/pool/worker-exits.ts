/**
 * How the workers that this isolate has started end, for its waits for futures: of a task that was lost with
 * its worker the exit says why, and a thread that blocks gets no `exit` event.
 */
import { setTimeout } from '../host/timers.ts'

/** How a worker has ended. */
export interface WorkerExit {
  readonly code: number
  readonly cause: unknown
}

/** Workers that may still be there, and how they end. */
const exits: Map<number, Promise<WorkerExit>> = new Map()

/** How long an exit is remembered: its tasks are delivered within moments. */
const REMEMBER = 1_000

/** Notes that worker `number` was started; returns the function to call when it has ended. */
export function expectExit(number: number): (exit: WorkerExit) => void {
  let tell: (exit: WorkerExit) => void = () => {}
  exits.set(number, new Promise((resolve) => (tell = resolve)))
  return (exit) => {
    tell(exit)
    setTimeout(() => exits.delete(number), REMEMBER).unref()
  }
}

/** How worker `number` ends, or has ended a moment ago; undefined if this isolate did not start it. */
export function exitOf(number: number): Promise<WorkerExit> | undefined {
  return exits.get(number)
}

/** Looks at what the starts of this isolate wait for. */
const starts: Set<() => void> = new Set()

/** Has `look` called by {@link noticeFailedStarts}. */
export function watchStart(look: () => void): void {
  starts.add(look)
}

/** That is over. */
export function forgetStart(look: () => void): void {
  starts.delete(look)
}

/**
 * Notices workers that have died at their start, and pauses that are over: for a thread that blocks for a
 * future, and gets no events meanwhile.
 */
export function noticeFailedStarts(): void {
  for (const look of [...starts]) look()
}
