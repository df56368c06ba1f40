/** The executor whose workers are other machines: a queue of BullMQ's in Redis. */
import {
  bindToThread,
  boolean,
  checkOptions,
  define,
  duration,
  Executor,
  mapTasks,
  NO_OPTIONS,
} from '../inner.ts'
import type { Trace } from '../diagnostics/trace.ts'
import type { OrShared, ShutdownOptions, Sources } from '../executor/executor.ts'
import type { ExecutorStats, WorkerDump } from '../executor/stats.ts'
import type { Task } from '../tasks/functions.ts'
import type { JobFuture } from './job-future.ts'
import { checkExecutorOptions, checkOwnId, checkWith } from './options.ts'
import type { BullMQExecutorOptions, BullMQTaskOptions, CheckedJobOptions } from './options.ts'
import type { JobsOptions } from './peer.ts'
import { shutDownError, Submitter } from './submitter.ts'

/** How long ended jobs are kept, in s, if nobody says otherwise. */
const A_DAY = 86_400

const USUAL_JOB: JobsOptions = {
  removeOnComplete: { age: A_DAY },
  removeOnFail: { age: A_DAY },
  // The stack is within the error.
  stackTraceLimit: 0,
}

const partsKey: unique symbol = Symbol('parts')
const optionsKey: unique symbol = Symbol('options')

/** What the executor has; a view that `with` made reaches its original's through the prototype chain. */
interface Parts {
  readonly [partsKey]: Submitter
  readonly [optionsKey]: CheckedJobOptions
}

const parts = (executor: BullMQExecutor): Parts => executor as unknown as Parts

let executors = 0

/**
 * An executor whose tasks are jobs of a BullMQ queue, run by a {@link BullMQWorker} on any machine.
 *
 * Tasks are functions of `tasks()` and `moduleTasks()` whose module is in `modules`, and native tasks: a job
 * names a function, and carries its arguments. What a job has come to is heard by the event loop, so nothing
 * here blocks.
 *
 * @example
 * ```ts
 * const modules = { images: new URL('./images.js', import.meta.url) }
 * await using executor = new BullMQExecutor({ queue: 'cpu', connection: 'redis://localhost:6379', modules })
 * const thumbnail = await executor.with({ timeout: 5_000 }).submit(resize, bytes, 200).result()
 * ```
 */
export class BullMQExecutor extends Executor {
  static {
    bindToThread(this.prototype, 'make one from the same options where it is needed')
  }

  /** @throws TypeError, RangeError for wrong options. Redis is first reached when something is submitted */
  constructor(options: BullMQExecutorOptions) {
    super()
    const { jobOptions, ...given } = checkExecutorOptions(options)
    define(this, partsKey, { value: new Submitter(given.name ?? `bullmq-${++executors}`, given) })
    define(this, optionsKey, { value: { task: NO_OPTIONS, job: { ...USUAL_JOB, ...jobOptions } } })
  }

  /**
   * Adds a job to the queue, in a later turn of the event loop, in the order of submission. While Redis is
   * away it waits in this process.
   *
   * @throws TypeError for a function of no module in `modules`, for `transfer` and `affinity`, and for a
   * shared value; DataCloneError for an argument that cannot leave its process; InvalidStateError after
   * `shutdown`
   */
  override submit<A extends unknown[], R>(fn: Task<A, R>, ...args: OrShared<A>): JobFuture<Awaited<R>>
  override submit<A extends unknown[], R>(fn: Task<A, R>, ...args: A): JobFuture<Awaited<R>>
  override submit(fn: unknown, ...args: unknown[]): JobFuture<any> {
    const { [partsKey]: submitter, [optionsKey]: options } = parts(this)
    return submitter.submit(fn, args, options)
  }

  /**
   * The future of a job of the queue, whoever has submitted it, and when: also after a restart of this
   * process. It fails with InvalidStateError if the queue has no such job.
   *
   * @param id - `future.id` of the job
   * @throws TypeError, InvalidStateError after `shutdown`
   * @example
   * ```ts
   * const report = await executor.future(savedId).result(60_000)
   * ```
   */
  future<T = unknown>(id: string): JobFuture<T> {
    return parts(this)[partsKey].find(checkOwnId(id))
  }

  override map<A extends unknown[], R>(
    fn: Task<A, R>,
    ...iterables: Sources<A>
  ): AsyncIterableIterator<Awaited<R>> {
    const { [partsKey]: submitter, [optionsKey]: options } = parts(this)
    const feed = submitter.feed(fn, options)
    return mapTasks(feed, iterables, options.task) as AsyncIterableIterator<Awaited<R>>
  }

  /** The same executor, seen through these options; `jobOptions` among them. */
  override with(options: BullMQTaskOptions): this {
    const view = Object.create(this) as this
    define(view, optionsKey, { value: checkWith(options, parts(this)[optionsKey]) })
    return view
  }

  /** Resolves at once: a queue in Redis is never full. */
  override ready(): Promise<void> {
    return parts(this)[partsKey].isShutDown ? Promise.reject(shutDownError()) : Promise.resolve()
  }

  /**
   * Accepts no more tasks. What was accepted still runs to its end, and with `wait` the promise waits for
   * that; then the connections are closed. Hosts are left alone.
   */
  override shutdown(options?: ShutdownOptions): Promise<void> {
    const given = checkOptions<ShutdownOptions>(options, 'options', ['wait', 'cancelFutures', 'timeout'])
    const wait = boolean(given.wait, 'wait', true)
    const cancelFutures = boolean(given.cancelFutures, 'cancelFutures')
    const timeout = duration(given.timeout, 'timeout')
    const over = parts(this)[partsKey].shutdown(cancelFutures, timeout)
    return wait ? over : Promise.resolve()
  }

  /** Stops this executor's own jobs, wherever they run, and shuts it down. Hosts are left alone. */
  override terminateWorkers(): Promise<void> {
    return parts(this)[partsKey].terminate()
  }

  /** What this process has heard of its own jobs. */
  override stats(): ExecutorStats {
    return parts(this)[partsKey].stats()
  }

  /** What hosts do is theirs to say. */
  override dump(): Promise<WorkerDump[]> {
    return Promise.resolve([])
  }

  /** Records the jobs that this process waits for, a track a host, by what it hears. */
  override trace(): Trace {
    const { jobs } = parts(this)[partsKey]
    return jobs.record.trace(() => jobs.running())
  }
}
