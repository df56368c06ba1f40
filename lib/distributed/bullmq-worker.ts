/** A host: it runs the jobs of a queue on an executor of its own. */
import { hostname } from 'node:os'
import { checkOptions, clearTimeout, duration, log, setTimeout, WaitLimit } from '../inner.ts'
import type { PoolExecutor } from '../pool/pool-executor.ts'
import type { Timer } from '../host/timers.ts'
import { HostComplaints } from './complaints.ts'
import { durable } from './durable.ts'
import type { Commands } from './durable.ts'
import { checkWorkerOptions } from './options.ts'
import type { BullMQWorkerOptions } from './options.ts'
import { QueueEvents, Worker } from './peer.ts'
import { within } from './queue-access.ts'
import { keysOf, RedisClock } from './redis.ts'
import { WorkerJobs } from './worker-jobs.ts'

/** How a host is closed. */
export interface CloseOptions {
  /**
   * How long what runs may go on, in ms; then it is stopped, and queued again if its `attempts` allow.
   * Default: until it has ended.
   */
  grace?: number | undefined
}

/** What producers tell of a cancel. */
interface Cancel {
  readonly jobId?: string
  readonly timestamp?: string
  readonly reason?: string
}

/** Jobs that stall are started again for as long as `attempts` say, and no other count ends them. */
const NO_END = 2 ** 30

/** How often it is seen how many workers the executor has, in ms. */
const BETWEEN_LOOKS = 250

/** How long results of what has ended are tried to be told while Redis is away, in ms. */
const LAST_WORDS = 10_000

/** How long the end waits for a Redis that does not answer, in ms. */
const PATIENCE = 2_000

/**
 * Runs the jobs of a BullMQ queue on an executor of this process, as many at once as that has workers: the
 * event loop stays free, so locks are renewed however long a job computes.
 *
 * A job runs nothing but the functions of `modules` and the package's native tasks. Jobs may come from a
 * {@link BullMQExecutor}, or from any producer of BullMQ: the name of a job is `MODULE#FUNCTION`.
 *
 * @example
 * ```ts
 * const modules = { images: new URL('./images.js', import.meta.url) }
 * const executor = new ThreadPoolExecutor()
 * const worker = new BullMQWorker({ queue: 'cpu', connection: 'redis://localhost:6379', modules, executor })
 * process.once('SIGTERM', () => void worker.close({ grace: 10_000 }).then(() => executor.shutdown()))
 * ```
 */
export class BullMQWorker {
  readonly #executor: PoolExecutor
  readonly #worker: Worker
  readonly #jobs: WorkerJobs
  readonly #clock: RedisClock = new RedisClock()
  readonly #ready: Promise<void>
  readonly #complaints: HostComplaints
  #events: QueueEvents | undefined
  #timer: Timer | undefined
  #closing: Promise<void> | undefined
  /** Whether nothing is waited for any more. */
  #isOver = false

  /** @throws TypeError for wrong options */
  constructor(options: BullMQWorkerOptions) {
    const { queue, connection, prefix, modules, executor, workerOptions } = checkWorkerOptions(options)
    const base = prefix === undefined ? { connection } : { connection, prefix }
    const keys = keysOf(queue, prefix)
    const host = `${hostname()}:${process.pid}`
    this.#executor = executor
    this.#worker = new Worker(queue, (job, token) => this.#jobs.run(job, token), {
      ...workerOptions,
      ...base,
      concurrency: executor.maxWorkers,
      maxStalledCount: NO_END,
      autorun: false,
    })
    const lockDuration = this.#worker.opts.lockDuration as number
    const isOver = (): boolean => this.#isOver
    const client = async (): Promise<Commands> => durable(await this.#worker.getBackend().client, isOver)
    const end = (reason: unknown): void => {
      if (this.#closing !== undefined) return
      process.emitWarning(
        `a BullMQWorker of the queue ${queue} has ended: its executor takes no tasks: ${String(reason)}`,
      )
      void this.close()
    }
    const clock = this.#clock
    const isClosing = (): boolean => this.#isClosing()
    const given = { host, executor, modules, keys, clock, lockDuration, client }
    this.#jobs = new WorkerJobs({ ...given, end, isClosing, isOver })
    const complaints = (this.#complaints = new HostComplaints(queue))
    this.#worker.on('error', (error) => complaints.note(error))
    this.#worker.on('lockRenewalFailed', (ids) => this.#jobs.loseLocks(ids))
    this.#ready = this.#run(client, async (client) => {
      complaints.reached(await this.#worker.getBackend().client)
      const { control } = await this.#clock.mark(client, keys)
      const events = new QueueEvents(keys.controlQueue, { ...base, autorun: false, lastEventId: control })
      events.on('error', (error) => log('%s: %o', queue, error))
      const onCancel = ({ jobId, timestamp, reason }: Cancel): void => {
        if (typeof jobId === 'string') this.#jobs.cancel(jobId, timestamp, reason ?? '')
      }
      ;(events as unknown as { on(name: string, fn: typeof onCancel): void }).on('cancel', onCancel)
      return events
    })
    this.#follow()
  }

  /** Cancels are heard before the first job is taken. */
  async #run(
    client: () => Promise<Commands>,
    listen: (client: Commands) => Promise<QueueEvents>,
  ): Promise<void> {
    while (!this.#isClosing()) {
      try {
        const events = await listen(await client())
        this.#events = events
        if (this.#isClosing()) return
        void this.#hear(events)
        void this.#worker.run().catch((error: unknown) => log('a host has ended: %o', error))
        return
      } catch (error) {
        if (this.#isClosing()) return
        this.#complaints.note(error)
        await new Promise<void>((resolve) => setTimeout(resolve, PATIENCE))
      }
    }
  }

  /** Asked anew after each wait. */
  #isClosing(): boolean {
    return this.#closing !== undefined
  }

  async #hear(events: QueueEvents): Promise<void> {
    while (!this.#isClosing()) {
      try {
        await events.run()
        return
      } catch (error) {
        log('cancels cannot be heard: %o', error)
        await new Promise<void>((resolve) => setTimeout(resolve, PATIENCE).unref())
      }
    }
  }

  /** The executor may be resized. BullMQ asks for more jobs when one has ended, or when it is resumed. */
  #follow(): void {
    const { maxWorkers } = this.#executor
    const worker = this.#worker
    const isMore = maxWorkers > worker.concurrency
    if (maxWorkers !== worker.concurrency) worker.concurrency = maxWorkers
    if (isMore) void worker.pause(true).then(() => (this.#isClosing() ? undefined : worker.resume()))
    this.#timer = setTimeout(() => this.#follow(), BETWEEN_LOOKS)
    this.#timer.unref()
  }

  /**
   * Takes no more jobs, and resolves when those that run here have ended and the connections are closed. The
   * executor is left alone. Calling it again is fine; a shorter `grace` then holds.
   *
   * @throws TypeError, RangeError for wrong options
   */
  close(options?: CloseOptions): Promise<void> {
    const given = checkOptions<CloseOptions>(options, 'options', ['grace'])
    const grace = duration(given.grace, 'grace')
    const closing = (this.#closing ??= this.#close())
    if (grace !== Infinity) {
      const limit = new WaitLimit(
        grace,
        undefined,
        () => this.#jobs.stopAll(),
        () => {},
      )
      void closing.then(() => limit.dispose())
    }
    return closing
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer)
    const paused = this.#worker.pause().then(
      () => true as const,
      () => true as const,
    )
    await within(this.#ready, PATIENCE)
    await this.#closeWorker(paused)
    this.#isOver = true
    this.#complaints.end()
    await within(
      Promise.resolve(this.#events?.close()).catch(() => {}),
      PATIENCE,
    )
  }

  /**
   * BullMQ waits for what runs, but a question to a Redis that is not there it waits for without end. So it
   * is paused first, which is the same waiting, and then closed by force: there is nothing left that would be
   * lost, or nobody whom it could be told.
   */
  async #closeWorker(paused: Promise<true>): Promise<void> {
    const jobs = this.#jobs
    let waited = 0
    for (;;) {
      const isIdle = (await within(paused, BETWEEN_LOOKS)) === true
      if (isIdle && jobs.count === 0 && jobs.untold === 0) break
      if (isIdle) await new Promise<void>((resolve) => setTimeout(resolve, BETWEEN_LOOKS))
      if (!jobs.isBusy) waited += BETWEEN_LOOKS
      if (waited >= (jobs.untold > 0 ? LAST_WORDS : PATIENCE)) break
    }
    this.#isOver = true
    const closed = this.#worker
      .close(true)
      .catch((error: unknown) => log('a host could not be closed: %o', error))
    await within(closed, PATIENCE)
  }

  /** `close()`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
