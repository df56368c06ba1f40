/**
 * The channels of `node:diagnostics_channel`, made once. Who subscribes loads nothing of this package: the
 * names are enough.
 *
 * Each task asks once whether anybody listens, by the getters of the channels themselves; nothing else is
 * done for one that is not watched.
 */
import { channel, tracingChannel } from 'node:diagnostics_channel'
import type { Channel } from 'node:diagnostics_channel'
import type { Carrier } from './label.ts'

/** What the tracing channel `concurrent-futures:task` tells, in the thread that submits. */
export interface TaskMessage {
  /** The name of the executor. */
  readonly executor: string
  readonly kind: 'thread' | 'process' | 'bullmq'
  /** Unique within its executor; from `end` on, if the task was accepted. */
  id: number | string | undefined
  /** The name given by `with({ name })`, or that of the function, or ''. */
  readonly name: string
  readonly priority: number
  /**
   * What a subscriber of `start` writes into it, strings by their names, arrives in `concurrent-futures:run`
   * and as `currentTask().carrier`.
   */
  readonly carrier: Carrier
  result?: unknown
  error?: unknown
}

/** What the tracing channel `concurrent-futures:run` tells, in the thread or process that runs the task. */
export interface RunMessage {
  readonly id: number
  readonly name: string
  /** Undefined if nobody watched the submission. */
  readonly carrier: Carrier | undefined
  /** Of a child its pid. */
  readonly threadId: number
  result?: unknown
  error?: unknown
}

/** What the channel `concurrent-futures:worker` tells, in the thread that made the executor. */
export interface WorkerMessage {
  /** The name of the executor. */
  readonly executor: string
  readonly event: 'start' | 'exit' | 'interrupt' | 'abandon'
  /** As in `dump()`: of a child its pid, of a native thread 0. */
  readonly threadId: number
  /** Of an exit, where it is known. */
  readonly exitCode: number | undefined
  /** Of an interrupt: the id of the task. */
  readonly task: number | undefined
}

const task = tracingChannel<unknown, TaskMessage>('concurrent-futures:task')
const run = tracingChannel<unknown, RunMessage>('concurrent-futures:run')

/** One tracing channel, each of its channels by itself: that is cheaper to ask. */
export interface Tracing {
  readonly start: Channel
  readonly end: Channel
  readonly asyncStart: Channel
  readonly asyncEnd: Channel
  readonly error: Channel
}

const parts = ({ start, end, asyncStart, asyncEnd, error }: Tracing): Tracing => ({
  start,
  end,
  asyncStart,
  asyncEnd,
  error,
})

export const taskChannels: Tracing = parts(task as unknown as Tracing)
export const runChannels: Tracing = parts(run as unknown as Tracing)
export const workerChannel: Channel = channel('concurrent-futures:worker')

// Constants, so that the compiler knows which objects are asked.
const [t1, t2, t3, t4, t5] = [task.start, task.end, task.asyncStart, task.asyncEnd, task.error]
const [r1, r2, r3, r4, r5] = [run.start, run.end, run.asyncStart, run.asyncEnd, run.error]

/** Whether somebody listens to submissions. Not by `hasSubscribers` of the whole, which is newer. */
export function areTasksWatched(): boolean {
  return t1.hasSubscribers || t2.hasSubscribers || t3.hasSubscribers || t4.hasSubscribers || t5.hasSubscribers
}

/** The same of runs. */
export function areRunsWatched(): boolean {
  return r1.hasSubscribers || r2.hasSubscribers || r3.hasSubscribers || r4.hasSubscribers || r5.hasSubscribers
}
