/** One look at a pool and its workers: what `stats()` and `dump()` are made from. */
import { binding } from '../addon/binding.ts'
import { WORKER_KINDS, WORKER_STATES } from '../addon/codes.ts'
import { mapStack } from '../errors/source-maps.ts'
import type { ExecutorStats, Histogram, WorkerDump } from '../executor/stats.ts'
import { nameOf } from '../tasks/functions.ts'
import type { Fleet } from './fleet.ts'

function histogram(list: number[], at: number): Histogram {
  const [count, min, mean, p50, p90, p99, max] = list.slice(at, at + 7) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  return { count, min, mean, p50, p90, p99, max }
}

/** Reads the counts of a pool. */
export function readStats(pool: number): ExecutorStats {
  const list = binding.stats(pool)
  const [idle, busy, starting, abandoned, queued, running] = list as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const [completed, failed, cancelled, timedOut, lost] = list.slice(6) as [
    number,
    number,
    number,
    number,
    number,
  ]
  return {
    workers: { idle, busy, starting, abandoned },
    ...{ queued, running, completed, failed, cancelled, timedOut, lost },
    waitTime: histogram(list, 11),
    runTime: histogram(list, 18),
  }
}

type Row = [
  number: number,
  kind: number,
  state: number,
  task: number | undefined,
  name: string,
  runningFor: number,
  stack: string | undefined,
  fn: number,
  isAsleep: boolean,
]

/** One look at every worker of a pool, and whether one that runs JavaScript has given no stack. */
export interface Look {
  readonly list: WorkerDump[]
  readonly isSilent: boolean
}

/**
 * Looks at every worker of a pool. `fleet` knows Node's numbers of the threads, and those that the pool does
 * not know yet.
 */
export function readDump(pool: number, fleet: Fleet | undefined): Look {
  let isSilent = false
  const list = (binding.dump(pool) as Row[]).map(
    ([number, kind, state, task, name, runningFor, stack, fn, isAsleep]) => {
      const dump: WorkerDump = {
        threadId: number === 0 ? 0 : (fleet?.threadId(number) ?? -1),
        kind: WORKER_KINDS[kind] as WorkerDump['kind'],
        state: WORKER_STATES[state] as WorkerDump['state'],
      }
      if (task !== undefined) {
        dump.task = { id: task, name: name !== '' ? name : nameOf(fn, dump.kind === 'native'), runningFor }
      }
      if (stack !== undefined) dump.stack = mapStack(stack)
      else if (dump.kind === 'isolate' && dump.state === 'busy' && !isAsleep) isSilent = true
      return dump
    },
  )
  for (const threadId of fleet?.starting() ?? []) {
    if (!list.some((dump) => dump.threadId === threadId)) {
      list.push({ threadId, kind: 'isolate', state: 'starting' })
    }
  }
  return { list, isSilent }
}
