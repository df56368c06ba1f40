/** The options of tasks and of maps: checked once, by `with()`. */
import type { TaskMessage } from '../diagnostics/channels.ts'
import { labelOf } from '../diagnostics/label.ts'
import {
  duration,
  integer,
  integerOr,
  key,
  number,
  options as checkOptions,
  signal as checkSignal,
  string,
} from './check.ts'

/** What `executor.with()` takes. All times are milliseconds. */
export interface TaskOptions {
  /**
   * The longest run time, from the call of the function; past it the future fails with `TimeoutError` and the
   * task is stopped. 0 fails without running. For `map`: of the whole iteration, from the call on: then what
   * runs is stopped, too, and what waits is cancelled. Default: no limit.
   */
  timeout?: number | undefined
  /**
   * The longest wait before the function is called; past it the task never runs and the future fails with
   * `TimeoutError`. Default: no limit.
   */
  queueTimeout?: number | undefined
  /**
   * The longest time from `submit` to the end, waiting and running together: what is left of a request's
   * deadline. Past it the future fails with `TimeoutError`, at once, and a task that runs is stopped. 0 fails
   * without running. For `map`: of each task. Default: no limit.
   */
  totalTimeout?: number | undefined
  /** Higher runs first, equal ones in order of submission. Any number but NaN; default 0. */
  priority?: number | undefined
  /** Aborting it cancels the task, running or not; the `CancelledError`'s cause is `signal.reason`. */
  signal?: AbortSignal | undefined
  /**
   * What is moved to the task instead of copied. Untouched if the task is refused. For `map`: each task moves
   * what its arguments hold of it.
   */
  transfer?: readonly object[] | undefined
  /** For stats, dumps and error messages; default: the name of the function. */
  name?: string | undefined
  /**
   * Tasks of one key run on the same worker, one after another, for as long as it lives; then on another.
   * The first goes to whichever worker is free. While one waits for a future, others of its key may run.
   * `'1'` and 1 are two keys. A key without tasks for `idleTimeout` is forgotten. Not for native tasks.
   */
  affinity?: string | number | undefined
  /**
   * For `map`: items per task, an integer >= 1; default 1. `'auto'`: as many as take about a millisecond, by
   * the run times that this call of `map` has seen so far, and fewer at the end, so that all workers have
   * some. Sync iterables are then read as sizes become known, not at the call. What a worker has not begun of
   * a chunk that turns out longer is submitted again.
   */
  chunkSize?: number | 'auto' | undefined
  /**
   * An integer >= 1. For `map`: the most tasks outstanding ahead of the reader; default: no limit for sync
   * iterables. For `stream`: the most values that are made ahead of the reader; default 16.
   */
  bufferSize?: number | undefined
}

/** The options as `submit` uses them: -1 for no limit. */
export interface CheckedTaskOptions {
  readonly timeout: number
  readonly queueTimeout: number
  readonly totalTimeout: number
  readonly priority: number
  readonly signal: AbortSignal | undefined
  readonly transfer: readonly object[] | undefined
  readonly name: string | undefined
  /** What the addon is told as the name. */
  readonly label: string | undefined
  /** Gets the id of the task, if its submission is watched. */
  readonly watched: TaskMessage | undefined
  /** As `check.key` writes it. */
  readonly affinity: string | undefined
  readonly chunkSize: number | 'auto' | undefined
  readonly bufferSize: number | undefined
  /** Whether the task is the rest of one that was accepted; nobody gives it as an option. */
  readonly isRest?: boolean
}

export const NO_OPTIONS: CheckedTaskOptions = {
  timeout: -1,
  queueTimeout: -1,
  totalTimeout: -1,
  priority: 0,
  signal: undefined,
  transfer: undefined,
  name: undefined,
  label: undefined,
  watched: undefined,
  affinity: undefined,
  chunkSize: undefined,
  bufferSize: undefined,
}

const NAMES = [
  'timeout',
  'queueTimeout',
  'totalTimeout',
  'priority',
  'signal',
  'transfer',
  'name',
  'affinity',
  'chunkSize',
  'bufferSize',
] as const

function limit(value: unknown, name: string, base: number): number {
  if (value === undefined) return base
  const ms = duration(value, name)
  return ms === Infinity ? -1 : ms
}

/** Checks `options` and lays them over `base`. An option that is undefined leaves the base's. */
export function checkTaskOptions(options: TaskOptions, base: CheckedTaskOptions): CheckedTaskOptions {
  const given = checkOptions<TaskOptions>(options, 'options', NAMES)
  const { transfer } = given
  if (transfer !== undefined && !Array.isArray(transfer)) {
    throw new TypeError('transfer must be an array of transferable objects')
  }
  const name = given.name === undefined ? base.name : string(given.name, 'name')
  return {
    timeout: limit(given.timeout, 'timeout', base.timeout),
    queueTimeout: limit(given.queueTimeout, 'queueTimeout', base.queueTimeout),
    totalTimeout: limit(given.totalTimeout, 'totalTimeout', base.totalTimeout),
    priority: given.priority === undefined ? base.priority : number(given.priority, 'priority'),
    signal: given.signal === undefined ? base.signal : checkSignal(given.signal, 'signal'),
    transfer: transfer === undefined ? base.transfer : [...transfer],
    affinity: given.affinity === undefined ? base.affinity : key(given.affinity, 'affinity'),
    name,
    label: labelOf(name, undefined),
    watched: undefined,
    chunkSize:
      given.chunkSize === undefined ? base.chunkSize : integerOr(given.chunkSize, 'chunkSize', 1, 'auto'),
    bufferSize: given.bufferSize === undefined ? base.bufferSize : integer(given.bufferSize, 'bufferSize', 1),
  }
}
