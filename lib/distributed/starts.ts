/**
 * How often a job was started. The marks of its starts are in its progress, and every progress that a host
 * tells repeats the last.
 */
import type { JobProgress } from './listening.ts'
import { progressOf } from './listening.ts'
import type { Job } from './peer.ts'

/** How often it may be started. BullMQ's own default is 0. */
export function startsOf({ opts }: Job): number {
  return Math.max(1, opts.attempts ?? 1)
}

/**
 * The mark of a further start. `made` is how many starts have come to an end of their own, as BullMQ counts
 * them: who finds more ends than the last start knew of finds a job that somebody has asked to be run anew,
 * by BullMQ's `job.retry()`, after it had ended. Whose host died has not ended.
 */
export function nextMark(job: Job, host: string): JobProgress & { readonly starts: number } {
  const last = progressOf(job.progress)
  const made = job.attemptsMade
  const isAnew = last?.made !== undefined && last.made !== made && last.starts >= startsOf(job)
  return { starts: isAnew ? 1 : (last?.starts ?? 0) + 1, host, made }
}
