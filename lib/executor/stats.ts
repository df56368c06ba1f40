/** What the `stats()` and `dump()` of an executor give. */

/**
 * Times in milliseconds; quantiles and buckets are within 6.25 %. All 0 while `count` is 0. Counts and `sum`
 * only rise.
 */
export interface Histogram {
  count: number
  sum: number
  min: number
  mean: number
  p50: number
  p90: number
  p99: number
  max: number
  /** How many were not above `le`, rising; the last `le` is `Infinity`. The bounds are always the same. */
  buckets: { le: number; count: number }[]
}

/**
 * One consistent look at an executor. The five counts of ends are exclusive and add up to all ended tasks; a
 * chunk of `map` is one task.
 */
export interface ExecutorStats {
  /** As given by the option `name`, or made up: 'thread-pool-1' and so on. */
  name: string
  kind: 'thread' | 'process' | 'bullmq'
  /**
   * Abandoned: stuck for good, and replaced. Died: those that have ended by themselves so far, by an exit, a
   * crash, a lack of memory or a stray error, at their start or later.
   */
  workers: { idle: number; busy: number; starting: number; abandoned: number; died: number }
  /** Whether `submit` throws a `BrokenExecutor`. */
  broken: boolean
  queued: number
  running: number
  completed: number
  failed: number
  cancelled: number
  timedOut: number
  lost: number
  /**
   * What `share()` keeps in this process, the same for all executors: how many values, and how many bytes
   * were written for them.
   */
  shared: { values: number; bytes: number }
  /** From submission to the call of the function. */
  waitTime: Histogram
  /** From the call of the function to its end. */
  runTime: Histogram
}

/** What one worker is doing. */
export interface WorkerDump {
  /** As in `node:worker_threads`; 0 for a native thread, of a child its pid. */
  threadId: number
  kind: 'native' | 'isolate' | 'process'
  state: 'starting' | 'idle' | 'busy' | 'abandoned'
  /** The task that it runs; `runningFor` in milliseconds. */
  task?: { id: number; name: string; runningFor: number }
  /** The stack of its JavaScript now. */
  stack?: string
  /** Of a child: bytes of resident memory. */
  memory?: number
}
