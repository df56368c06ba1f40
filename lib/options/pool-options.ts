/** The options of pools of workers, and of threads: checked once, by the constructor. */
import { availableParallelism } from 'node:os'
import { SHARE_ENV } from 'node:worker_threads'
import type { ResourceLimits } from 'node:worker_threads'
import { cgroupCpus } from '../host/cgroup.ts'
import {
  array,
  callable,
  duration,
  integer,
  number,
  object,
  options as checkOptions,
  string,
  wrongType,
} from './check.ts'

/** What the constructor of every pool of workers takes. All times are milliseconds. */
export interface PoolOptions {
  /** Of the executor, in `stats()`, channels and traces; default 'thread-pool-1' or 'process-pool-1', … */
  name?: string | undefined
  /**
   * How many tasks may run at once, of all kinds together; 1 to 1024. Default: `os.availableParallelism()`,
   * and no more than the cgroup allows.
   */
  maxWorkers?: number | undefined
  /** JavaScript workers that are started at once and kept; default 0. */
  minWorkers?: number | undefined
  /** How long an idle worker beyond `minWorkers` stays; default 60,000. */
  idleTimeout?: number | undefined
  /**
   * Runs once in each JavaScript worker, before its first task. If it throws and has never succeeded the
   * executor is broken; later it is tried again in another worker, with pauses that grow.
   */
  initializer?: ((...args: any[]) => unknown) | undefined
  initargs?: readonly unknown[] | undefined
  /**
   * The most tasks that may wait; beyond it `submit` throws `QueueFullError`. Default, and `Infinity`: no
   * limit.
   */
  maxQueue?: number | undefined
  /** Asynchronous tasks that one worker holds at once; default 1. */
  tasksPerWorker?: number | undefined
  /** After so many tasks a JavaScript worker is replaced by a fresh one. Default: never. */
  maxTasksPerWorker?: number | undefined
  /**
   * What a task that has looked at `currentTask()` gets between being asked to stop and being stopped by
   * force; default 100.
   */
  interruptGrace?: number | undefined
  /** As for `node:worker_threads` `Worker`. */
  argv?: any[] | undefined
  execArgv?: string[] | undefined
}

/** What the constructor of `ThreadPoolExecutor` takes. All times are milliseconds. */
export interface ThreadPoolOptions extends PoolOptions {
  /** What the names of the threads begin with. */
  threadNamePrefix?: string | undefined
  /** As for `node:worker_threads` `Worker`. */
  resourceLimits?: ResourceLimits | undefined
  env?: NodeJS.ProcessEnv | typeof import('node:worker_threads').SHARE_ENV | undefined
}

/** What every pool of workers has of its options. */
export interface CheckedPoolOptions {
  readonly name: string
  readonly maxWorkers: number
  readonly minWorkers: number
  /** `Infinity` for ever. */
  readonly idleTimeout: number
  readonly threadNamePrefix: string
  readonly initializer: ((...args: any[]) => unknown) | undefined
  readonly initargs: readonly unknown[]
  readonly maxQueue: number | undefined
  readonly tasksPerWorker: number
  readonly maxTasksPerWorker: number | undefined
  readonly interruptGrace: number
}

export interface CheckedThreadOptions extends CheckedPoolOptions {
  readonly worker: { resourceLimits?: ResourceLimits; env?: any; argv?: any[]; execArgv?: string[] }
}

const MOST_WORKERS = 1024

/** The names of the options that every pool of workers has. */
export const POOL_NAMES = [
  'name',
  'maxWorkers',
  'minWorkers',
  'idleTimeout',
  'initializer',
  'initargs',
  'maxQueue',
  'tasksPerWorker',
  'maxTasksPerWorker',
  'interruptGrace',
  'argv',
  'execArgv',
] as const

const NAMES = [...POOL_NAMES, 'env', 'threadNamePrefix', 'resourceLimits'] as const

const LIMITS = [
  'maxOldGenerationSizeMb',
  'maxYoungGenerationSizeMb',
  'codeRangeSizeMb',
  'stackSizeMb',
] as const

let poolNumber = 0
/** How many executors of each kind were made without a name. */
const unnamed = { thread: 0, process: 0 }

/** Checks what the constructor of a thread pool was given. @throws TypeError, RangeError */
export function checkThreadOptions(given: number | ThreadPoolOptions | undefined): CheckedThreadOptions {
  const read = checkOptions<ThreadPoolOptions>(named(given), 'options', NAMES)
  const worker: CheckedThreadOptions['worker'] = {}
  const pool = checkPoolOptions(read, 'thread', read.threadNamePrefix)
  if (read.resourceLimits !== undefined) worker.resourceLimits = checkResourceLimits(read.resourceLimits)
  if (read.env !== undefined) worker.env = read.env === SHARE_ENV ? SHARE_ENV : checkEnv(read.env)
  if (read.argv !== undefined) worker.argv = array(read.argv, 'argv')
  if (read.execArgv !== undefined) worker.execArgv = strings(read.execArgv, 'execArgv')
  return { ...pool, worker }
}

/** A number alone is `maxWorkers`. */
export function named<O extends PoolOptions>(given: number | O | undefined): unknown {
  return typeof given === 'number' ? { maxWorkers: given } : given
}

/** Checks what every pool has, of options that were read. @throws TypeError, RangeError */
export function checkPoolOptions(
  read: PoolOptions,
  kind: 'thread' | 'process',
  threadNamePrefix?: unknown,
): CheckedPoolOptions {
  const maxWorkers = read.maxWorkers === undefined ? defaultWorkers() : checkMaxWorkers(read.maxWorkers)
  const optional = (value: unknown, name: string): number | undefined =>
    value === undefined ? undefined : integer(value, name, 1)
  const given = read.name === undefined ? undefined : string(read.name, 'name')
  return {
    maxWorkers,
    minWorkers: read.minWorkers === undefined ? 0 : integer(read.minWorkers, 'minWorkers', 0, maxWorkers),
    idleTimeout: read.idleTimeout === undefined ? 60_000 : duration(read.idleTimeout, 'idleTimeout'),
    threadNamePrefix:
      threadNamePrefix === undefined ? `pool-${++poolNumber}` : string(threadNamePrefix, 'threadNamePrefix'),
    initializer: read.initializer === undefined ? undefined : callable(read.initializer, 'initializer'),
    initargs: read.initargs === undefined ? [] : [...array(read.initargs, 'initargs')],
    maxQueue: read.maxQueue === Infinity ? undefined : optional(read.maxQueue, 'maxQueue'),
    tasksPerWorker: optional(read.tasksPerWorker, 'tasksPerWorker') ?? 1,
    maxTasksPerWorker: optional(read.maxTasksPerWorker, 'maxTasksPerWorker'),
    interruptGrace: read.interruptGrace === undefined ? 100 : duration(read.interruptGrace, 'interruptGrace'),
    // Last: what was refused has no number.
    name: given ?? `${kind}-pool-${++unnamed[kind]}`,
  }
}

/** @throws TypeError, RangeError */
export function checkMaxWorkers(given: unknown): number {
  return integer(given, 'maxWorkers', 1, MOST_WORKERS)
}

/** Node makes texts of the values. */
export function checkEnv(given: unknown): Record<string, unknown> {
  const env: Record<string, unknown> = { ...object(given, 'env') }
  for (const [name, value] of Object.entries(env)) {
    if (typeof value === 'symbol') throw wrongType(`env.${name}`, 'a string', value)
  }
  return env
}

/** An array of strings. */
export function strings(given: unknown, name: string): string[] {
  return array(given, name).map((one, index) => string(one, `${name}[${index}]`))
}

/** Node ignores names that it does not know, and values that are no numbers. */
function checkResourceLimits(given: ResourceLimits): ResourceLimits {
  const read = checkOptions<ResourceLimits>(given, 'resourceLimits', LIMITS)
  const limits: ResourceLimits = {}
  for (const name of LIMITS) {
    const value = read[name]
    if (value !== undefined) limits[name] = number(value, `resourceLimits.${name}`)
  }
  return limits
}

let defaultCount: number | undefined

function defaultWorkers(): number {
  return (defaultCount ??= Math.max(1, Math.min(availableParallelism(), cgroupCpus(), MOST_WORKERS)))
}
