/** The error of a job whose time is over, as it is made where the job was submitted. */
import { TimeoutError } from '../inner.ts'
import type { HeldJob } from './job-future.ts'

const WORDS = {
  queue: 'was not started in time',
  run: 'ran longer than its timeout',
  total: 'was not done within its totalTimeout',
}

export function timedOut({ name }: Pick<HeldJob, 'name'>, phase: 'queue' | 'run' | 'total'): TimeoutError {
  return new TimeoutError(`${name === '' ? 'the task' : `the task '${name}'`} ${WORDS[phase]}`, { phase })
}
