/**
 * Limits of time that hold whether there is a host or not. Where a host has the job, it keeps them too, on
 * the same clock, and can say where the task was stopped: it is given a moment to do so.
 */
import { WaitLimit } from '../inner.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import type { HeldJobs } from './held-jobs.ts'
import type { HeldJob } from './job-future.ts'
import { timedOut } from './timed-out.ts'
import { within } from './queue-access.ts'

/** How long it may take to hear of a host that has a job, in ms. */
const HEARSAY = 300
/** How long a host may take to tell that it was too late for a job that it has taken. */
const ANSWER = 1_500

/** Fails a job with a limit of 0, which never runs. Whether it has one. */
export function failAtOnce(
  job: HeldJob,
  { timeout, queueTimeout, totalTimeout }: CheckedTaskOptions,
): boolean {
  if (queueTimeout !== 0 && totalTimeout !== 0 && timeout !== 0) return false
  const phase = queueTimeout === 0 ? 'queue' : totalTimeout === 0 ? 'total' : 'run'
  job.limits.push(
    new WaitLimit(
      0,
      undefined,
      () => job.settle('timedOut', timedOut(job, phase), true),
      () => {},
    ),
  )
  return true
}

/** Has a job end by its limits. */
export function keepDeadlines(jobs: HeldJobs, job: HeldJob, options: CheckedTaskOptions): void {
  const { queueTimeout, totalTimeout } = options
  if (queueTimeout > 0) after(job, queueTimeout, () => void endWaiting(jobs, job))
  if (totalTimeout > 0) after(job, totalTimeout, () => endAll(job))
}

function after(job: HeldJob, ms: number, fn: () => void): void {
  job.limits.push(new WaitLimit(ms, undefined, fn, () => {}))
}

/** The time for waiting is over: what is still in the queue is taken out of it. */
async function endWaiting(jobs: HeldJobs, job: HeldJob): Promise<void> {
  if (job.isRunning) return
  const end = (isOver: boolean): void => {
    if (!job.isRunning) job.settle('timedOut', timedOut(job, 'queue'), isOver)
  }
  if (!job.isAdded) {
    end(false)
    return
  }
  job.isBeingRemoved = true
  try {
    const wasThere = await within(jobs.remove(job), HEARSAY)
    job.isBeingRemoved = wasThere !== false
    // A host has it, and will begin in time, or tell that it could not.
    if (wasThere === false) after(job, ANSWER, () => end(false))
    else end(wasThere === true)
  } catch {
    end(false)
  }
}

function endAll(job: HeldJob): void {
  const end = (): void => job.settle('timedOut', timedOut(job, 'total'), false)
  if (job.isRunning) after(job, HEARSAY, end)
  else end()
}
