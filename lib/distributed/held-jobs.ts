/**
 * The jobs that a process has in a queue, or waits for there, from their submission to the outcome of their
 * futures.
 *
 * What becomes of a job is heard by the stream of events. That keeps only so many, so the jobs themselves are
 * looked at every few seconds, too. An end that is found so counts at the second look: its event, and the
 * progress before it, may be on their way.
 *
 * A future that is settled here while its job goes on, by a cancel or by time, has its job *stopped*: a key
 * says that it must not be started any more, then it is removed from the queue, and if a host has it, that is
 * told. In this order none of the three can be too late.
 */
import {
  clearTimeout,
  InvalidStateError,
  log,
  now,
  setTimeout,
  toJson,
  WaitLimit,
  WorkerLostError,
} from '../inner.ts'
import type { Timer } from '../host/timers.ts'
import type { Identity } from '../pool/watched.ts'
import { Adder } from './adder.ts'
import type { Addition } from './adder.ts'
import { encodeThrown } from './encoding.ts'
import { HeldJob } from './job-future.ts'
import type { Ending, JobOwner } from './job-future.ts'
import { listen } from './listening.ts'
import { readJob } from './look.ts'
import type { ConnectionOptions } from './peer.ts'
import { QueueAccess, within } from './queue-access.ts'
import type { Access } from './queue-access.ts'
import { JobRecord } from './record.ts'
import { MOST_CONTROL } from './redis.ts'
import { Results } from './results.ts'
import { timedOut } from './timed-out.ts'

/** How often jobs are looked at, in ms, and how many at once, at least. */
const BETWEEN_LOOKS = 2_000
const MOST_LOOKS = 200

/** How long a job that was stopped is remembered, in ms. */
const STOPPED_FOR = 86_400_000
/** How long the process is kept alive so that a host hears of a stop while Redis does not answer, in ms. */
const PATIENCE = 10_000
/** When a job whose end was found is looked at again, in ms. */
const SOON = 100
/** The most characters of the reason of a cancel that a host is told. */
const MOST_REASON = 2_000

export class HeldJobs implements JobOwner {
  readonly access: QueueAccess
  readonly record: JobRecord
  /** By their ids; those that were looked at last are at the end. */
  readonly #held: Map<string, HeldJob> = new Map()
  readonly #adder: Adder
  readonly #results: Results
  #lookTimer: Timer | undefined
  #isLooking = false
  /** What is being stopped, by its id. */
  readonly #stopping: Map<string, Promise<void>> = new Map()
  /** How many chunks of maps may give items back that are then submitted anew. */
  #expected = 0
  #whenIdle: (() => void)[] = []

  constructor(executor: Identity, queue: string, connection: ConnectionOptions, prefix: string | undefined) {
    this.record = new JobRecord(executor)
    const find = (id: string): HeldJob | undefined => this.#held.get(id)
    this.access = new QueueAccess(queue, connection, prefix, (events) => listen(events, find, this.#results))
    this.#results = new Results(async () => (await this.access.open()).client, this.access.keys)
    this.#adder = new Adder({
      open: async () => {
        const { queue, client } = await this.access.open()
        await this.access.clock.refresh(client, this.access.keys)
        return queue
      },
      mark: async () =>
        (await this.access.open()).client.xadd(this.access.keys.events, '*', { event: 'mark' }),
      lasting: (fn) => this.access.lasting(fn),
      added: (job, id) => this.#added(job, id),
      refused: (job, error) => job.settle('failed', error, true),
    })
  }

  get(id: string): HeldJob | undefined {
    return this.#held.get(id)
  }

  all(): HeldJob[] {
    return [...this.#held.values()]
  }

  running(): HeldJob[] {
    return this.all().filter(({ isRunning }) => isRunning)
  }

  /** A job that waits from now on for its outcome. */
  hold(id: string, name: string): HeldJob {
    const job = new HeldJob(id, name, now(), this)
    this.#held.set(id, job)
    this.#watch()
    return job
  }

  /** Adds a job to the queue; one whose id another has that is being stopped, after that. */
  add(addition: Addition): void {
    const stopping = this.#stopping.get(addition.job.id)
    if (stopping === undefined) this.#adder.add(addition)
    else void stopping.then(() => this.add(addition))
  }

  /** Asks what has become of a job that was in the queue before. */
  async find(job: HeldJob): Promise<void> {
    try {
      await this.#look(await this.access.open(), job)
      if (!job.isDone && job.looks > 0)
        job.limits.push(
          new WaitLimit(
            SOON,
            undefined,
            () => void this.find(job),
            () => {},
          ),
        )
    } catch (error) {
      // What is in the queue goes on, and is looked at again.
      if (job.isAdded) log('job %s could not be looked at: %o', job.id, error)
      else job.settle('failed', error, true)
    }
  }

  #added(job: HeldJob, id: string): void {
    job.isAdded = true
    if (job.isDone) return
    if (id !== job.id) this.#rename(job, id)
    else if (job.mayExist) void this.find(job)
  }

  /** BullMQ has found that the job is a duplicate of another, which has this id. */
  #rename(job: HeldJob, id: string): void {
    this.#held.delete(job.id)
    job.id = id
    const other = this.#held.get(id)
    if (other === undefined) {
      this.#held.set(id, job)
      void this.find(job)
    } else {
      other.twins.push(job)
      if (other.isRunning) job.begin(other.host, now(), other.starts)
    }
  }

  settled(job: HeldJob, ending: Ending, isOver: boolean, reason: unknown): void {
    if (this.#held.get(job.id) === job) this.#held.delete(job.id)
    this.record.end(job, ending)
    // What is not on its way is still here.
    if (!isOver && (job.adding !== undefined || job.isAdded)) {
      const { id } = job
      const stopping = this.#stop(job, reason).then(() => {
        if (this.#stopping.get(id) === stopping) this.#stopping.delete(id)
        this.#checkIdle()
      })
      this.#stopping.set(id, stopping)
    }
    this.#checkIdle()
  }

  expired(job: HeldJob): void {
    job.settle('timedOut', timedOut(job, 'run'), false)
  }

  /** Removes a job that must not be started from the queue. Whether it was there, and no host had it. */
  async remove(job: HeldJob): Promise<boolean> {
    const access = await this.access.open()
    // This process may have been too busy to hear that it was begun, and has ended.
    await this.#look(access, job)
    if (job.isRunning || job.isDone) return false
    return (await this.access.lasting(() => access.queue.remove(job.id))) === 1
  }

  /** Has a job not be started any more, or stopped. */
  async #stop(job: HeldJob, reason: unknown): Promise<void> {
    try {
      await within(this.#stopNow(job, reason), PATIENCE)
    } catch (error) {
      log('job %s could not be stopped: %o', job.id, error)
    }
  }

  async #stopNow(job: HeldJob, reason: unknown): Promise<void> {
    await job.adding
    const { queue, client } = await this.access.open()
    const { keys } = this.access
    // A later job may have the same id.
    const timestamp = await client.hget(keys.job(job.id), 'timestamp')
    if (timestamp === null) return
    const text = reasonText(reason)
    await client.set(keys.cancelled(job.id), `${timestamp}:${text}`, { PX: STOPPED_FOR })
    if ((await this.access.lasting(() => queue.remove(job.id))) === 1) {
      await client.del(keys.cancelled(job.id))
      return
    }
    const entry = { event: 'cancel', jobId: job.id, timestamp, reason: text }
    await client.xadd(keys.control, '*', entry, { MAXLEN: MOST_CONTROL, approximate: true })
  }

  /** While jobs are held the process goes on, and they are looked at. */
  #watch(): void {
    if (!this.#isLooking) this.#lookTimer ??= setTimeout(() => void this.#lookAtAll(), BETWEEN_LOOKS)
  }

  async #lookAtAll(): Promise<void> {
    this.#lookTimer = undefined
    this.#isLooking = true
    try {
      const access = await within(this.access.open(), BETWEEN_LOOKS)
      if (access !== undefined) {
        // All of them within some ten looks, however many there are.
        const most = Math.max(MOST_LOOKS, this.#held.size / 10)
        const jobs = [...this.#held.values()].filter(({ isAdded }) => isAdded).slice(0, most)
        await within(Promise.allSettled(jobs.map((job) => this.#look(access, job))), PATIENCE)
        for (const job of jobs) this.#putBehind(job)
      }
    } catch (error) {
      log('the jobs could not be looked at: %o', error)
    } finally {
      this.#isLooking = false
      if (this.#held.size > 0) this.#watch()
    }
  }

  /** The others are looked at before it is again. */
  #putBehind(job: HeldJob): void {
    if (this.#held.get(job.id) !== job) return
    this.#held.delete(job.id)
    this.#held.set(job.id, job)
  }

  async #look({ client }: Access, job: HeldJob): Promise<void> {
    const found = await readJob(client, this.access.keys, job.id)
    if (job.isDone) return
    if (found === undefined) {
      job.looks++
      if (job.isFromElsewhere && !job.isAdded) job.settle('failed', noSuchJob(job.id), true)
      else if (job.looks > 1) job.settle('lost', goneJob(job), true)
      return
    }
    job.isAdded = true
    const { progress } = found
    if (progress !== undefined && !job.isRunning) job.begin(progress.host, now(), progress.starts)
    if (found.failure !== undefined) {
      if (++job.looks > 1) await this.#results.fail(job, found.failure)
    } else if (found.isOver) {
      if (++job.looks > 1) await this.#results.complete(job, found.value)
    } else job.looks = 0
  }

  /** Chunks of maps may give items back: until then nothing is idle. */
  expectRests(areExpected: boolean): void {
    this.#expected += areExpected ? 1 : -1
    this.#checkIdle()
  }

  #checkIdle(): void {
    if (this.#held.size > 0 || this.#stopping.size > 0 || this.#expected > 0) return
    clearTimeout(this.#lookTimer)
    this.#lookTimer = undefined
    this.access.rest()
    const waiting = this.#whenIdle
    this.#whenIdle = []
    for (const resolve of waiting) resolve()
  }

  /** Resolves when no job is held, and none is being stopped. */
  async idle(): Promise<void> {
    if (this.#held.size === 0 && this.#stopping.size === 0 && this.#expected === 0) return
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }
}

function noSuchJob(id: string): InvalidStateError {
  return new InvalidStateError(`the queue has no job ${id}`)
}

function goneJob({ id, name }: HeldJob): WorkerLostError {
  return new WorkerLostError(
    `job ${id} ('${name}') is not in the queue any more, and nobody has told its result`,
  )
}

/** The reason of a cancel, if it is not too long for a message. */
function reasonText(reason: unknown): string {
  if (reason === undefined) return ''
  const text = toJson(encodeThrown(reason))
  return text.length > MOST_REASON ? '' : text
}
