/** What the executors have in common whose workers are on this machine: one pool of the addon each. */
import type { Trace } from '../diagnostics/trace.ts'
import { InvalidStateError } from '../errors/errors.ts'
import { Executor } from '../executor/executor.ts'
import type { OrShared, ShutdownOptions, Sources } from '../executor/executor.ts'
import type { MapFeed } from '../executor/map-feed.ts'
import { mapTasks } from '../executor/map.ts'
import type { ExecutorStats, WorkerDump } from '../executor/stats.ts'
import type { TaskStream } from '../executor/task-stream.ts'
import type { Future } from '../future/future.ts'
import { define } from '../host/define.ts'
import { setTimeout } from '../host/timers.ts'
import { boolean, duration, integer, options as checkOptions } from '../options/check.ts'
import { checkMaxWorkers } from '../options/pool-options.ts'
import { checkTaskOptions, NO_OPTIONS } from '../options/task-options.ts'
import type { CheckedTaskOptions, TaskOptions } from '../options/task-options.ts'
import { currentContext } from '../tasks/current-task.ts'
import { chunkOf, submittable } from '../tasks/functions.ts'
import type { StreamTask, Task } from '../tasks/functions.ts'
import { heldBy } from '../values/v8/safe.ts'
import { checkTransfer } from '../values/v8/transfer.ts'
import { isOwnPool } from './own-pool.ts'
import type { Pool } from './pool.ts'
import { refuseKey } from './submissions.ts'
import { readDump, readStats } from './snapshot.ts'

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

/** The pool of an executor. */
export function poolOf(executor: PoolExecutor): Pool {
  return parts(executor)[poolKey]
}

function parts(executor: PoolExecutor): Parts {
  return executor as unknown as Parts
}

/** Shuts the pool of a collected executor down: what it accepted still runs, then its workers leave. */
const collected: FinalizationRegistry<Pool> = new FinalizationRegistry(
  (pool) => void pool.shutdown(false, false),
)

/**
 * The executors of the maps and streams that are being read: to collect one would shut it down, and what is
 * read would end before its time.
 */
const readFrom: WeakMap<object, PoolExecutor> = new WeakMap()

/** Of something that is read, which keeps its executor. */
function keeping<T extends object>(reading: T, executor: PoolExecutor): T {
  readFrom.set(reading, executor)
  return reading
}

/**
 * An executor whose workers are on this machine: a `ThreadPoolExecutor` or a `ProcessPoolExecutor`. To make
 * one of your own, extend `Executor`.
 */
export abstract class PoolExecutor extends Executor {
  constructor() {
    super()
    if (new.target === PoolExecutor) {
      throw new TypeError('PoolExecutor is abstract: make a ThreadPoolExecutor or a ProcessPoolExecutor')
    }
  }

  /** How many tasks may run at once, of all kinds together; as it is now, whoever has changed it. */
  get maxWorkers(): number {
    return parts(this)[poolKey].maxWorkers
  }

  /**
   * Changes `maxWorkers`, from any thread or child that has the executor, at any time. A larger pool runs at
   * once what is queued. In a smaller one everything that runs goes on, and the workers beyond `maxWorkers`
   * leave as soon as they are idle. While a shutdown drains it works as before; afterwards it does nothing.
   *
   * @param maxWorkers - an integer from 1 to 1024, and not below `minWorkers`
   * @throws RangeError, TypeError
   * @example
   * ```ts
   * executor.resize(availableParallelism())
   * ```
   */
  resize(maxWorkers: number): void {
    parts(this)[poolKey].resize(checkMaxWorkers(maxWorkers))
  }

  /**
   * Starts JavaScript workers that no task needs yet, and resolves when `workers` of them live and have run
   * their `initializer`: those that tasks have started count too. Until then none of them leaves for being
   * idle, and one that dies is replaced; afterwards `idleTimeout` is for them as well. If the executor is
   * made smaller meanwhile, as many are enough as there may be. The process is kept alive while this waits.
   *
   * It rejects as `submit` throws: with InvalidStateError after `shutdown`, also if that comes meanwhile, and
   * with BrokenThreadPool or BrokenProcessPool (`cause`: why) where workers do not start.
   *
   * @param workers - an integer from 0 to `maxWorkers`, which is the default
   * @throws RangeError, TypeError, at the call
   * @example
   * ```ts
   * await executor.warmUp()
   * ```
   */
  warmUp(workers?: number): Promise<void> {
    const pool = parts(this)[poolKey]
    const most = pool.maxWorkers
    return pool.warmUp(workers === undefined ? most : integer(workers, 'workers', 0, most))
  }

  /**
   * Runs `fn(...args)` once in each JavaScript worker that lives or is starting now: before its next task,
   * and after what was broadcast before. Workers that start later do not run it (`initializer` is for those),
   * nor do those that were given up. Each gets a copy of the arguments of its own.
   *
   * Each is a task in `stats()`, waits beside `maxQueue`, and counts for no `maxTasksPerWorker`. `name`,
   * `signal` and the limits of time but `queueTimeout` hold, `priority` means nothing here. A worker that
   * dies before it has run it fails its future with WorkerLostError. A task that runs on the stack of another
   * that waits for it does not wait for a broadcast.
   *
   * @returns a future for each of these workers; none if there is no worker
   * @throws as `submit`, but for QueueFullError; TypeError for a native task, and with `transfer` or
   * `affinity`; DataCloneError also for what only a MessagePort can carry
   * @example
   * ```ts
   * await Promise.all(executor.broadcast(reload, settings))
   * ```
   */
  broadcast<A extends unknown[], R>(fn: Task<A, R>, ...args: OrShared<A>): Future<Awaited<R>>[]
  broadcast<A extends unknown[], R>(fn: Task<A, R>, ...args: A): Future<Awaited<R>>[]
  broadcast(fn: unknown, ...args: unknown[]): Future<any>[] {
    const own = parts(this)
    return own[poolKey].broadcast(fn, args, own[optionsKey])
  }

  override submit<A extends unknown[], R>(fn: Task<A, R>, ...args: OrShared<A>): Future<Awaited<R>>
  override submit<A extends unknown[], R>(fn: Task<A, R>, ...args: A): Future<Awaited<R>>
  override submit(fn: unknown, ...args: unknown[]): Future<any> {
    const own = parts(this)
    return own[poolKey].submissions.submit(fn, args, own[optionsKey])
  }

  override map<A extends unknown[], R>(
    fn: Task<A, R>,
    ...iterables: Sources<A>
  ): AsyncIterableIterator<Awaited<R>> {
    const { [poolKey]: pool, [optionsKey]: options } = parts(this)
    const task = submittable(fn)
    const each: CheckedTaskOptions = { ...options, timeout: -1 }
    const taskOptions = isPlain(each) ? NO_OPTIONS : each
    if (task.prepare !== undefined) refuseKey(options)
    const { chunkSize = 1 } = options
    const chunk = chunkSize === 'auto' || chunkSize > 1 ? chunkOf(task) : undefined
    if (options.transfer !== undefined) checkTransfer(options.transfer)
    const moving =
      options.transfer === undefined || options.transfer.length === 0 ? undefined : new Set(options.transfer)
    const feed: MapFeed = {
      submit: (lists, limit, isRest) => {
        const kept = isRest === true ? { ...taskOptions, isRest } : taskOptions
        const chosen = moving === undefined ? kept : { ...kept, transfer: heldBy(lists, moving) }
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
      expectRests: (areExpected) => pool.expectRests(areExpected),
      get maxWorkers() {
        return pool.maxWorkers
      },
      tasksPerWorker: pool.tasksPerWorker,
      runsWholeChunks: moving !== undefined,
    }
    return keeping(mapTasks(feed, iterables, options) as AsyncIterableIterator<Awaited<R>>, this)
  }

  override stream<A extends unknown[], Y, R>(
    fn: StreamTask<A, Y, R>,
    ...args: OrShared<A>
  ): TaskStream<Awaited<Y>, Awaited<R>>
  override stream<A extends unknown[], Y, R>(
    fn: StreamTask<A, Y, R>,
    ...args: A
  ): TaskStream<Awaited<Y>, Awaited<R>>
  override stream(fn: unknown, ...args: unknown[]): TaskStream<any, any> {
    const { [poolKey]: pool, [optionsKey]: options } = parts(this)
    return keeping(pool.submissions.submitStream(fn, args, options), this)
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
    const given = checkOptions<ShutdownOptions>(options, 'options', ['wait', 'cancelFutures', 'timeout'])
    const wait = boolean(given.wait, 'wait', true)
    const cancelFutures = boolean(given.cancelFutures, 'cancelFutures')
    const timeout = duration(given.timeout, 'timeout')
    const pool = parts(this)[poolKey]
    const isOwnTask = wait && isOwnPool(pool.number) && currentContext() !== undefined
    const done = pool.shutdown(wait && !isOwnTask, cancelFutures, timeout)
    if (isOwnTask) {
      return Promise.reject(new InvalidStateError('a task cannot wait for the shutdown of its own executor'))
    }
    return done
  }

  override terminateWorkers(): Promise<void> {
    return parts(this)[poolKey].terminate()
  }

  override stats(): ExecutorStats {
    const pool = parts(this)[poolKey]
    return readStats(pool.index, pool.identity)
  }

  override trace(): Trace {
    return parts(this)[poolKey].trace()
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
    options.totalTimeout < 0 &&
    options.priority === 0 &&
    options.signal === undefined &&
    options.name === undefined &&
    options.affinity === undefined &&
    options.transfer === undefined
  )
}

function equip(executor: PoolExecutor, pool: Pool): void {
  define(executor, poolKey, { value: pool })
  define(executor, optionsKey, { value: NO_OPTIONS })
}

/** Gives a new executor the pool that was made for it. */
export function adoptPool(executor: PoolExecutor, pool: Pool): void {
  equip(executor, pool)
  collected.register(executor, pool)
}

/** An executor of a class for a pool that exists already: the constructor would make a new one. */
export function executorOf(constructor: new () => PoolExecutor, pool: Pool): PoolExecutor {
  const executor = Object.create(constructor.prototype as object) as PoolExecutor
  equip(executor, pool)
  return executor
}
