/**
 * The jobs that a host runs, from BullMQ's call to the result or error that it keeps.
 *
 * A job is counted as started by a mark in it, written before its function is called: Redis may hand a job
 * out and not come to say so, and what it then counts as stalled was never run. So `attempts` starts are all
 * there are, whatever hosts have died of, and the mark of the last one, found again, says that its host died.
 */
import {
  CancelledError,
  chunkOf,
  labelOf,
  log,
  NO_OPTIONS,
  parseJson,
  poolOf,
  QueueFullError,
  wallClock,
} from '../inner.ts'
import type { Carrier } from '../diagnostics/label.ts'
import type { Future } from '../future/future.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import type { PoolExecutor } from '../pool/pool-executor.ts'
import type { Submittable } from '../tasks/functions.ts'
import { lasting } from './durable.ts'
import type { Commands } from './durable.ts'
import { decodeThrown, hasBytes, textOf, tooLong } from './encoding.ts'
import type { Elsewhere } from './encoding.ts'
import { failureText } from './failure.ts'
import { requestOf } from './job.ts'
import type { Request } from './job.ts'
import type { JobProgress } from './listening.ts'
import type { ModuleNames } from './modules.ts'
import { UnrecoverableError, WaitingError } from './peer.ts'
import type { Job } from './peer.ts'
import { Progress } from './progress.ts'
import type { Keys, RedisClock } from './redis.ts'
import { encodeResult, end, failureOf, final, FinalFailure, lostWith, refusalOf } from './running.ts'
import type { Running } from './running.ts'
import { nextMark, startsOf } from './starts.ts'

/** What a host knows. */
export interface HostParts {
  readonly host: string
  readonly executor: PoolExecutor
  readonly modules: ModuleNames
  readonly keys: Keys
  readonly clock: RedisClock
  /** How long a lock holds, in ms. */
  readonly lockDuration: number
  readonly client: () => Promise<Commands>
  /** The executor takes no more tasks, for this reason. */
  readonly end: (reason: unknown) => void
  /** Whether no job is begun any more. */
  readonly isClosing: () => boolean
  /** Whether nobody waits any more for what jobs come to. */
  readonly isOver: () => boolean
}

/** For such a part of its time a lock holds for sure. */
const SURE = 0.8

/** How long what is too long for a job is kept where the job says nothing, in ms. */
const A_DAY = 86_400_000

export class WorkerJobs {
  readonly #parts: HostParts
  readonly #running: Map<string, Running> = new Map()
  /** What has been run, and is not told yet. */
  readonly #untold: Set<string> = new Set()

  constructor(parts: HostParts) {
    this.#parts = parts
  }

  /**
   * Somebody has cancelled a job, which may be another host's. `timestamp` says which of this id, if it is
   * known: an earlier one may have ended. One that is on its way here finds the key of its cancel.
   */
  cancel(id: string, timestamp: string | undefined, text: string): void {
    const running = this.#running.get(id)
    if (running === undefined) return
    if (timestamp === undefined || isOf(running.job, timestamp)) end(running, 'cancelled', reasonOf(text))
  }

  /** The locks of these jobs could not be renewed: other hosts may start them. */
  loseLocks(ids: readonly string[]): void {
    for (const id of ids) {
      const running = this.#running.get(id)
      // It may have been said of an earlier run of the job on this host.
      if (running !== undefined) void this.#askForLock(running).catch((error: unknown) => log('%o', error))
    }
  }

  get count(): number {
    return this.#running.size
  }

  /** Whether something computes, or waits for room to; what else runs here waits for Redis. */
  get isBusy(): boolean {
    for (const { future, isWaiting } of this.#running.values()) {
      if (isWaiting || future?.done() === false) return true
    }
    return false
  }

  /** Stops everything that runs. */
  stopAll(): void {
    for (const running of this.#running.values()) end(running, 'closed', undefined)
  }

  /** Runs a job: BullMQ's processor. What it gives, and the text of what it throws, are kept in the job. */
  async run(job: Job, token: string | undefined): Promise<unknown> {
    const id = job.id as string
    const running: Running = {
      job,
      token: token ?? '',
      lockedAt: job.processedOn ?? 0,
      future: undefined,
      isWaiting: false,
      ended: undefined,
      reason: undefined,
      wake: () => {},
    }
    const before = this.#running.get(id)
    // Its lock is lost, or this would not be here.
    if (before !== undefined) end(before, 'lock lost', undefined)
    this.#running.set(id, running)
    this.#untold.add(id)
    this.#haveTold(running)
    const most = startsOf(job)
    const mark = nextMark(job, this.#parts.host)
    try {
      if (mark.starts > most) throw new FinalFailure('lost', lostWith(job))
      return await this.#start(running, mark)
    } catch (thrown) {
      if (thrown instanceof WaitingError) {
        this.#untold.delete(id)
        throw thrown
      }
      const failure = failureOf(thrown, running, job.name)
      const isFinal = failure.isFinal || mark.starts >= most
      const text = await failureText(failure, (bytes) => this.#keep(running, bytes) as Promise<typeof bytes>)
      throw isFinal ? new UnrecoverableError(text) : new Error(text)
    } finally {
      if (this.#running.get(id) === running) this.#running.delete(id)
    }
  }

  /**
   * BullMQ takes a connection that broke while it told what a job has come to for a failure of the job, and
   * fails to tell that for the end of its work.
   */
  #haveTold(running: Running): void {
    const { job } = running
    const { moveToCompleted, moveToFailed } = job
    const id = job.id as string
    const tell = async <T>(fn: () => Promise<T>): Promise<T> => {
      try {
        return await lasting(this.#parts.isOver, fn)
      } finally {
        this.#untold.delete(id)
      }
    }
    job.moveToCompleted = (...args) => tell(() => moveToCompleted.apply(job, args))
    job.moveToFailed = async (...args) => {
      const told = await tell(() => moveToFailed.apply(job, args))
      if (running.ended === 'cancelled') this.#forgetCancel(id)
      return told
    }
  }

  /** The job has ended, and is not started again. */
  #forgetCancel(id: string): void {
    const { client, keys } = this.#parts
    client()
      .then((redis) => redis.del(keys.cancelled(id)))
      .catch((error: unknown) => log('%o', error))
  }

  /** Of how many jobs Redis does not know yet what they have come to. */
  get untold(): number {
    return this.#untold.size
  }

  async #start(running: Running, mark: JobProgress): Promise<unknown> {
    const { job } = running
    const { keys, client, clock, isOver } = this.#parts
    const request = final(() => requestOf(job.data))
    const task = final(() => this.#parts.modules.find(job.name))
    await this.#beforeStart(running)
    const redis = await client()
    if (request.startBy !== Infinity || request.endBy !== Infinity) await clock.refresh(redis, keys)
    await this.#checkLock(running)
    // On one connection the mark comes first: who has cancelled since has found the job's lock, and tells.
    const marked = lasting(isOver, () => job.updateProgress(mark))
    const [, cancelled] = await Promise.all([marked, redis.get(keys.cancelled(job.id as string))])
    if (cancelled !== null) {
      const at = cancelled.indexOf(':')
      if (isOf(job, cancelled.slice(0, at))) end(running, 'cancelled', reasonOf(cancelled.slice(at + 1)))
    }
    await this.#checkLock(running)
    if (running.ended !== undefined) throw new CancelledError()
    const progress = new Progress(mark, async (told) => {
      await this.#checkLock(running)
      await lasting(isOver, () => job.updateProgress(told))
    })
    await this.#submit(running, task, request)
    const future = running.future as unknown as Future<unknown>
    future.onProgress((value) => progress.add(value))
    // It may have been ended while it waited for room.
    if (running.ended !== undefined) end(running, running.ended, running.reason)
    try {
      const value = await future.result()
      await progress.end()
      return await this.#keep(running, encodeResult(value, request))
    } catch (error) {
      await progress.end()
      throw error
    }
  }

  /**
   * A pool that takes no more tasks would fail all that is in the queue: the job is given to other hosts. So
   * it is if this one is being closed when the job comes, or is closed while it waits for room: it has not
   * been started.
   */
  async #beforeStart(running: Running): Promise<void> {
    try {
      if (!this.#parts.isClosing()) {
        await this.#room(running)
        if (running.ended !== 'closed') return
      }
    } catch (error) {
      this.#parts.end(error)
    }
    await running.job.moveToWait(running.token)
    throw new WaitingError()
  }

  /** Resolves when the executor takes a task, or the job is ended. @throws if it takes none any more */
  async #room(running: Running): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      running.wake = resolve
    })
    if (running.ended !== undefined) return
    running.isWaiting = true
    try {
      await Promise.race([this.#parts.executor.ready(), ended])
    } finally {
      running.isWaiting = false
    }
  }

  /**
   * The network may have kept the job, or the system this process, for so long that the lock has run out and
   * another host has run the job. By this host's own clock it is known when the lock was asked for; only if
   * that is long ago Redis is asked.
   */
  async #checkLock(running: Running): Promise<void> {
    const age = wallClock() - running.lockedAt
    if (age < 0 || age >= this.#parts.lockDuration * SURE) await this.#askForLock(running)
    if (running.ended === 'lock lost') throw new CancelledError()
  }

  async #askForLock(running: Running): Promise<void> {
    const at = wallClock()
    const { lockDuration, isOver } = this.#parts
    const held = await lasting(isOver, () => running.job.extendLock(running.token, lockDuration))
    if (held === 1) running.lockedAt = at
    else end(running, 'lock lost', undefined)
  }

  /** Gives the job its future. (A promise of one would wait for its result.) */
  async #submit(running: Running, task: Submittable, request: Request): Promise<void> {
    const { submissions } = poolOf(this.#parts.executor)
    for (;;) {
      const options = this.#optionsOf(request)
      try {
        running.future = request.isChunk
          ? submissions.submitChunk(chunkOf(task), request.args as unknown[][], options, request.limit)
          : submissions.submitTask(task, request.args, options)
        return
      } catch (error) {
        // Others use the executor too.
        if (!(error instanceof QueueFullError)) throw refusalOf(error, running.job)
      }
      await this.#room(running)
      if (running.ended !== undefined) throw new CancelledError()
    }
  }

  #optionsOf({ name, timeout, startBy, endBy, carrier }: Request): CheckedTaskOptions {
    const at = this.#parts.clock.latest
    const left = (by: number): number => (by === Infinity ? -1 : Math.max(0, by - at))
    return {
      ...NO_OPTIONS,
      timeout: timeout === Infinity ? -1 : timeout,
      queueTimeout: left(startBy),
      totalTimeout: left(endBy),
      name,
      label: labelOf(name, carrier as Carrier | undefined),
    }
  }

  /** What is too long for a job is put under a key of its own. */
  async #keep(running: Running, encoded: unknown): Promise<unknown> {
    const json = tooLong(encoded)
    if (json === undefined) return encoded
    // There may be what a later run of the job has come to.
    await this.#checkLock(running)
    const { job } = running
    const { client, keys } = this.#parts
    const { removeOnComplete } = job.opts
    const age =
      typeof removeOnComplete === 'object' && 'age' in removeOnComplete ? removeOnComplete.age : undefined
    const PX = age === undefined ? A_DAY : Math.max(60_000, age * 1e3)
    await (await client()).set(keys.value(job.id as string), json, { PX })
    const text = hasBytes(encoded) ? encoded.text : textOf(encoded)
    return { text, $key: keys.value(job.id as string), length: json.length } satisfies Elsewhere
  }
}

/** Whether a cancel is of this job, and not of an earlier one of the same id. */
function isOf(job: Job, timestamp: string): boolean {
  return Number.parseInt(timestamp, 10) === job.timestamp
}

/** The reason of a cancel, of which a producer has written this. */
function reasonOf(text: string): unknown {
  try {
    return text === '' ? undefined : decodeThrown(parseJson(text))
  } catch {
    return undefined
  }
}
