/** One look at a pool and its workers: what `stats()` and `dump()` are made from. */
import { binding } from '../addon/binding.ts'
import {
  DUMP_FUNCTION,
  DUMP_FUNCTION_NAME,
  DUMP_IS_ASLEEP,
  DUMP_KIND,
  DUMP_MEMORY,
  DUMP_RUNNING_FOR,
  DUMP_STACK,
  DUMP_STATE,
  DUMP_TASK,
  DUMP_TASK_NAME,
  DUMP_WORKER,
  KIND_ISOLATE,
  KIND_NATIVE,
  KIND_PROCESS,
  STATS_ABANDONED,
  STATS_BROKEN,
  STATS_BUSY,
  STATS_CANCELLED,
  STATS_COMPLETED,
  STATS_DIED,
  STATS_FAILED,
  STATS_IDLE,
  STATS_LOST,
  STATS_QUEUED,
  STATS_RUNNING,
  STATS_RUN_TIME,
  STATS_SHARED_BYTES,
  STATS_SHARED_VALUES,
  STATS_STARTING,
  STATS_TIMED_OUT,
  STATS_WAIT_TIME,
  SUMMARY_BUCKETS,
  SUMMARY_COUNT,
  SUMMARY_FIRST_BUCKET,
  SUMMARY_MAX,
  SUMMARY_MEAN,
  SUMMARY_MIN,
  SUMMARY_P50,
  SUMMARY_P90,
  SUMMARY_P99,
  SUMMARY_SUM,
  WORKER_ABANDONED,
  WORKER_BUSY,
  WORKER_IDLE,
  WORKER_STARTING,
} from '../addon/seam.ts'
import { nameIn } from '../diagnostics/label.ts'
import { mapStack } from '../errors/source-maps.ts'
import type { ExecutorStats, Histogram, WorkerDump } from '../executor/stats.ts'
import { nameOf } from '../tasks/functions.ts'
import type { Fleet } from './fleet.ts'

const KINDS: Readonly<Record<number, WorkerDump['kind']>> = {
  [KIND_NATIVE]: 'native',
  [KIND_ISOLATE]: 'isolate',
  [KIND_PROCESS]: 'process',
}

const STATES: Readonly<Record<number, WorkerDump['state']>> = {
  [WORKER_STARTING]: 'starting',
  [WORKER_IDLE]: 'idle',
  [WORKER_BUSY]: 'busy',
  [WORKER_ABANDONED]: 'abandoned',
}

function histogram(at: (place: number) => number, from: number): Histogram {
  return {
    count: at(from + SUMMARY_COUNT),
    sum: at(from + SUMMARY_SUM),
    min: at(from + SUMMARY_MIN),
    mean: at(from + SUMMARY_MEAN),
    p50: at(from + SUMMARY_P50),
    p90: at(from + SUMMARY_P90),
    p99: at(from + SUMMARY_P99),
    max: at(from + SUMMARY_MAX),
    buckets: Array.from({ length: SUMMARY_BUCKETS }, (_, bucket) => {
      const place = from + SUMMARY_FIRST_BUCKET + 2 * bucket
      return { le: at(place), count: at(place + 1) }
    }),
  }
}

/** Reads the counts of a pool whose executor is this one; without a pool nothing has run. */
export function readStats(
  pool: number | undefined,
  { name, kind }: Pick<ExecutorStats, 'name' | 'kind'>,
): ExecutorStats {
  const list = pool === undefined ? binding.stats() : binding.stats(pool)
  const at = (place: number): number => list[place] as number
  return {
    name,
    kind,
    workers: {
      idle: at(STATS_IDLE),
      busy: at(STATS_BUSY),
      starting: at(STATS_STARTING),
      abandoned: at(STATS_ABANDONED),
      died: at(STATS_DIED),
    },
    broken: at(STATS_BROKEN) !== 0,
    queued: at(STATS_QUEUED),
    running: at(STATS_RUNNING),
    completed: at(STATS_COMPLETED),
    failed: at(STATS_FAILED),
    cancelled: at(STATS_CANCELLED),
    timedOut: at(STATS_TIMED_OUT),
    lost: at(STATS_LOST),
    shared: { values: at(STATS_SHARED_VALUES), bytes: at(STATS_SHARED_BYTES) },
    waitTime: histogram(at, STATS_WAIT_TIME),
    runTime: histogram(at, STATS_RUN_TIME),
  }
}

/** The row of a worker. */
interface Row {
  /** 0 for a native thread; of a child its pid. */
  readonly [DUMP_WORKER]: number
  readonly [DUMP_KIND]: number
  readonly [DUMP_STATE]: number
  readonly [DUMP_TASK]: number | undefined
  readonly [DUMP_TASK_NAME]: string
  readonly [DUMP_RUNNING_FOR]: number
  readonly [DUMP_STACK]: string | undefined
  /** Of a child that of a native task, or -1. */
  readonly [DUMP_FUNCTION]: number
  readonly [DUMP_IS_ASLEEP]: boolean
  readonly [DUMP_MEMORY]?: number
  /** Of a child. */
  readonly [DUMP_FUNCTION_NAME]?: string
}

/** The name of the function of the task that a worker runs. */
function functionOf(row: Row, kind: WorkerDump['kind']): string {
  const name = row[DUMP_FUNCTION_NAME] ?? ''
  return name !== '' ? name : nameOf(row[DUMP_FUNCTION], kind !== 'isolate')
}

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
  // An array of the caller's realm, and not of the addon's.
  const list = Array.from(binding.dump(pool) as unknown as Row[], (row) => {
    const worker = row[DUMP_WORKER]
    const isProcess = row[DUMP_KIND] === KIND_PROCESS
    const dump: WorkerDump = {
      threadId: worker === 0 ? 0 : isProcess ? worker : (fleet?.threadId(worker) ?? -1),
      kind: KINDS[row[DUMP_KIND]] as WorkerDump['kind'],
      state: STATES[row[DUMP_STATE]] as WorkerDump['state'],
    }
    const [task, given, stack] = [row[DUMP_TASK], row[DUMP_TASK_NAME], row[DUMP_STACK]]
    if (task !== undefined) {
      const own = nameIn(given) ?? ''
      const name = own !== '' ? own : functionOf(row, dump.kind)
      dump.task = { id: task, name, runningFor: row[DUMP_RUNNING_FOR] }
    }
    const memory = row[DUMP_MEMORY]
    if (memory !== undefined) dump.memory = memory
    if (stack !== undefined) dump.stack = mapStack(stack)
    else if (dump.kind !== 'native' && dump.state === 'busy' && !row[DUMP_IS_ASLEEP]) isSilent = true
    return dump
  })
  for (const threadId of fleet?.starting() ?? []) {
    if (!list.some((dump) => dump.threadId === threadId)) {
      list.push({ threadId, kind: 'isolate', state: 'starting' })
    }
  }
  return { list, isSilent }
}
