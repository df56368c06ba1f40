/** What is heard of the jobs of a queue. */
import { now } from '../inner.ts'
import { decode } from './encoding.ts'
import type { HeldJob } from './job-future.ts'
import type { QueueEvents } from './peer.ts'
import { isBefore } from './redis.ts'
import type { Results } from './results.ts'

/**
 * The progress of a job, as our hosts write it: that it begins for the n-th time, on which host, and later
 * the values that it has told since the last time.
 */
export interface JobProgress {
  readonly starts: number
  readonly host?: string
  /** How many starts had come to an end of their own before; see starts.ts. */
  readonly made?: number
  readonly values?: readonly unknown[]
}

/** What of a job's progress says that it has begun; undefined for that of anybody else. */
export function progressOf(value: unknown): JobProgress | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'starts')) return undefined
  const { starts } = value as JobProgress
  return Number.isInteger(starts) && starts > 0 ? (value as JobProgress) : undefined
}

/** Tells `find`'s jobs what the events say of them. */
export function listen(
  events: QueueEvents,
  find: (id: string) => HeldJob | undefined,
  results: Results,
): void {
  const about = (jobId: string, entry: string): HeldJob | undefined => {
    const job = find(jobId)
    if (job === undefined || !job.mayExist) return job
    return job.since === undefined || isBefore(entry, job.since) ? undefined : job
  }
  events.on('active', ({ jobId }, entry) => {
    const job = about(jobId, entry)
    if (job !== undefined) job.isAdded = true
  })
  events.on('progress', ({ jobId, data }, entry) => {
    const job = about(jobId, entry)
    if (job !== undefined) noteProgress(job, data)
  })
  events.on('completed', ({ jobId, returnvalue }, entry) => {
    const job = about(jobId, entry)
    if (job !== undefined) void results.complete(job, returnvalue)
  })
  events.on('failed', ({ jobId, failedReason }, entry) => {
    const job = about(jobId, entry)
    if (job !== undefined) void results.fail(job, failedReason)
  })
  events.on('removed', ({ jobId }, entry) => {
    const job = about(jobId, entry)
    if (job?.isBeingRemoved === false) job.settle('cancelled', undefined, true)
  })
}

/** Somebody has told how far a job is. */
function noteProgress(job: HeldJob, data: unknown): void {
  const progress = progressOf(data)
  if (progress === undefined) {
    job.progress(data)
    return
  }
  const { starts, host, values } = progress
  // By a host that has lost the job to another.
  if (starts < job.starts) return
  if (values === undefined || !job.isRunning) job.begin(host, now(), starts)
  if (!Array.isArray(values)) return
  for (const value of values) {
    let told: unknown
    try {
      told = decode(value)
    } catch {
      // Not by one of our hosts.
      continue
    }
    job.progress(told)
  }
}
