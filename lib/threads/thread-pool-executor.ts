/**
 * The executor whose tasks run on threads of this process: JavaScript ones on worker threads, native ones on
 * Rust threads.
 */
import { InvalidStateError } from '../errors/errors.ts'
import { Executor } from '../executor/executor.ts'
import type { ShutdownOptions, Sources } from '../executor/executor.ts'
import type { MapFeed } from '../executor/map-feed.ts'
import { mapTasks } from '../executor/map.ts'
import type { ExecutorStats, WorkerDump } from '../executor/stats.ts'
import type { Future } from '../future/future.ts'
import { define } from '../host/define.ts'
import { setTimeout } from '../host/timers.ts'
import { boolean, options as checkOptions } from '../options/check.ts'
import { checkPoolOptions } from '../options/pool-options.ts'
import type { ThreadPoolOptions } from '../options/pool-options.ts'
import { checkTaskOptions, NO_OPTIONS } from '../options/task-options.ts'
import type { CheckedTaskOptions, TaskOptions } from '../options/task-options.ts'
import type { MakeFleet } from '../pool/fleet.ts'
import { Pool } from '../pool/pool.ts'
import { readDump, readStats } from '../pool/snapshot.ts'
import { currentContext } from '../tasks/current-task.ts'
import { chunkOf, submittable } from '../tasks/functions.ts'
import type { Task } from '../tasks/functions.ts'
import { taskHost } from '../tasks/host.ts'
import { heldBy } from '../values/v8/safe.ts'
import { checkTransfer } from '../values/v8/transfer.ts'
import { WorkerFleet } from './worker-fleet.ts'
import { seed } from './worker-seed.ts'

const poolKey: unique symbol = Symbol('pool')
const optionsKey: unique symbol = Symbol('options')

/** How often `dump()` asks workers that do not answer, and the pause between. */
const MOST_LOOKS = 5
const BETWEEN_LOOKS = 10

/** What an executor has; a view that `with` made reaches its original's through the prototype chain. */
interface Parts {
  readonly [poolKey]: Pool
  readonly [optionsKey]: CheckedTaskOptions
}

function parts(executor: ThreadPoolExecutor): Parts {
  return executor as unknown as Parts
}

const makeFleet: MakeFleet = (pool, options) => new WorkerFleet(pool, options)

/** Shuts the pool of a collected executor down: what it accepted still runs, then its threads leave. */
const collected: FinalizationRegistry<Pool> = new FinalizationRegistry(
  (pool) => void pool.shutdown(false, false),
)

/**
 * A pool of threads with one queue: higher priority first, then in order of submission.
 *
 * @example
 * ```ts
 * await using executor = new ThreadPoolExecutor({ maxWorkers: 4, threadNamePrefix: 'image' })
 * const future = executor.with({ timeout: 1_000 }).submit(resize, bytes)
 * const small = await future.result()
 * ```
 */
export class ThreadPoolExecutor extends Executor {
  /**
   * @param options - the number of workers, or options; JavaScript workers start when work comes
   * @throws TypeError, RangeError
   */
  constructor(options?: number | ThreadPoolOptions) {
    super()
    const pool = Pool.create(checkPoolOptions(options), makeFleet)
    equip(this, pool)
    collected.register(this, pool)
  }

  override submit<A extends unknown[], R>(fn: Task<A, R>, ...args: A): Future<Awaited<R>> {
    const own = parts(this)
    return own[poolKey].submissions.submit(fn, args, own[optionsKey]) as Future<Awaited<R>>
  }

  override map<A extends unknown[], R>(
    fn: Task<A, R>,
    ...iterables: Sources<A>
  ): AsyncIterableIterator<Awaited<R>> {
    const { [poolKey]: pool, [optionsKey]: options } = parts(this)
    const task = submittable(fn)
    const each: CheckedTaskOptions = { ...options, timeout: -1 }
    const taskOptions = isPlain(each) ? NO_OPTIONS : each
    const { chunkSize = 1 } = options
    const chunk = chunkSize === 'auto' || chunkSize > 1 ? chunkOf(task) : undefined
    if (options.transfer !== undefined) checkTransfer(options.transfer)
    const moving =
      options.transfer === undefined || options.transfer.length === 0 ? undefined : new Set(options.transfer)
    const feed: MapFeed = {
      submit: (lists, limit) => {
        const chosen =
          moving === undefined ? taskOptions : { ...taskOptions, transfer: heldBy(lists, moving) }
        const { submissions } = pool
        if (chunk !== undefined) {
          // What has moved cannot be submitted a second time.
          const most = limit !== undefined && moving !== undefined ? Infinity : limit
          return submissions.submitChunk(chunk, lists, chosen, most)
        }
        return submissions.submitTask(task, lists[0] as unknown[], chosen)
      },
      hasRoom: () => pool.room.has(),
      room: () => pool.room.wait(),
      maxWorkers: pool.maxWorkers,
      tasksPerWorker: pool.tasksPerWorker,
      runsWholeChunks: moving !== undefined,
    }
    return mapTasks(feed, iterables, options) as AsyncIterableIterator<Awaited<R>>
  }

  override with(options: TaskOptions): this {
    const view = Object.create(this) as this
    define(view, optionsKey, { value: checkTaskOptions(options, parts(this)[optionsKey]) })
    return view
  }

  override ready(): Promise<void> {
    return parts(this)[poolKey].room.wait()
  }

  override shutdown(options?: ShutdownOptions): Promise<void> {
    const given = checkOptions<ShutdownOptions>(options, 'options', ['wait', 'cancelFutures'])
    const wait = boolean(given.wait, 'wait', true)
    const cancelFutures = boolean(given.cancelFutures, 'cancelFutures')
    const pool = parts(this)[poolKey]
    const isOwnTask = wait && seed?.pool === pool.number && currentContext() !== undefined
    const done = pool.shutdown(wait && !isOwnTask, cancelFutures)
    if (isOwnTask) {
      return Promise.reject(new InvalidStateError('a task cannot wait for the shutdown of its own executor'))
    }
    return done
  }

  override terminateWorkers(): Promise<void> {
    return parts(this)[poolKey].terminate()
  }

  override stats(): ExecutorStats {
    return readStats(parts(this)[poolKey].index)
  }

  override async dump(): Promise<WorkerDump[]> {
    const pool = parts(this)[poolKey]
    for (let look = 1; ; look++) {
      const { list, isSilent } = readDump(pool.index, pool.fleet)
      // On a busy machine a thread may not have been scheduled while it was asked for its stack.
      if (!isSilent || look === MOST_LOOKS) return list
      await new Promise<void>((resolve) => setTimeout(resolve, BETWEEN_LOOKS))
    }
  }
}

function isPlain(options: CheckedTaskOptions): boolean {
  return (
    options.queueTimeout < 0 &&
    options.priority === 0 &&
    options.signal === undefined &&
    options.name === undefined &&
    options.transfer === undefined
  )
}

function equip(executor: ThreadPoolExecutor, pool: Pool): void {
  define(executor, poolKey, { value: pool })
  define(executor, optionsKey, { value: NO_OPTIONS })
}

/** An executor for a pool that exists already: the constructor would make a new pool. */
function executorOf(pool: Pool): ThreadPoolExecutor {
  const executor = Object.create(ThreadPoolExecutor.prototype) as ThreadPoolExecutor
  equip(executor, pool)
  return executor
}

let ofThisWorker: ThreadPoolExecutor | undefined

/**
 * The executor that runs the calling task, for submitting more from within it; `null` outside of tasks.
 *
 * @example
 * ```ts
 * const half = currentExecutor()?.submit(sort, left)
 * ```
 */
export function currentExecutor(): Executor | null {
  return ownExecutor() ?? (taskHost()?.executor() as Executor | null | undefined) ?? null
}

/** The same, of a task that a worker of this copy of the package runs. */
export function ownExecutor(): Executor | null {
  if (seed === undefined || currentContext() === undefined) return null
  if (ofThisWorker === undefined) {
    const pool = Pool.open(seed.pool, seed)
    if (pool === undefined) return null
    ofThisWorker = executorOf(pool)
  }
  return ofThisWorker
}
