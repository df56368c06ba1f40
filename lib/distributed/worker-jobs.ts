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
  NO_OPTIONS,
  now,
  poolOf,
  QueueFullError,
  wallClock,
} from '../inner.ts'
import type { Carrier } from '../diagnostics/label.ts'
import type { Future } from '../future/future.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import type { PoolExecutor } from '../pool/pool-executor.ts'
import type { Submittable } from '../tasks/functions.ts'
import { hasBytes, textOf, tooLong } from './encoding.ts'
import type { Elsewhere } from './encoding.ts'
import { failureText } from './failure.ts'
import {
  encodeResult,
  failureOf,
  final,
  FinalFailure,
  lostWith,
  reasonOf,
  refusalOf,
  startsOf,
} from './host-outcomes.ts'
import type { Run } from './host-outcomes.ts'
import { requestOf } from './job.ts'
import type { Request } from './job.ts'
import { progressOf } from './listening.ts'
import type { ModuleNames } from './modules.ts'
import { UnrecoverableError } from './peer.ts'
import type { IRedisClient, Job } from './peer.ts'
import { Progress } from './progress.ts'
import type { Keys, RedisClock } from './redis.ts'

/** A job that runs here. */
interface Running extends Run {
  /** Whether it waits for room in the executor. */
  isWaiting: boolean
}

/** What a host knows. */
export interface HostParts {
  readonly host: string
  readonly executor: PoolExecutor
  readonly modules: ModuleNames
  readonly keys: Keys
  readonly clock: RedisClock
  /** How long a lock holds, in ms. */
  readonly lockDuration: number
  readonly client: () => Promise<IRedisClient>
}

/** For such a part of its time a lock holds for sure. */
const SURE = 0.8

/** How long results of what has ended may take to be written, in ms, before they are given up. */
const LAST_WORDS = 10_000

/** Cancels that came before their jobs are remembered, so many of them. */
const MOST_REMEMBERED = 1_000

/** How long what is too long for a job is kept where the job says nothing, in ms. */
const A_DAY = 86_400_000

export class WorkerJobs {
  readonly #parts: HostParts
  readonly #running: Map<string, Running> = new Map()
  /** When the jobs ended whose ends are not written yet. */
  readonly #untold: Map<string, number> = new Map()
  /** The reasons of cancels of jobs that are not here, by their ids. */
  readonly #cancels: Map<string, unknown> = new Map()

  constructor(parts: HostParts) {
    this.#parts = parts
  }

  /** Somebody has cancelled a job, which may come, or may be another host's. */
  cancel(id: string, text: string): void {
    const reason = reasonOf(text)
    const running = this.#running.get(id)
    if (running !== undefined) end(running, 'cancelled', reason)
    else {
      this.#cancels.set(id, reason)
      for (const first of this.#cancels.keys()) {
        if (this.#cancels.size <= MOST_REMEMBERED) break
        this.#cancels.delete(first)
      }
    }
  }

  /** The locks of these jobs could not be renewed: other hosts may start them. */
  loseLocks(ids: readonly string[]): void {
    for (const id of ids) {
      const running = this.#running.get(id)
      if (running !== undefined) end(running, 'lock lost', undefined)
    }
  }

  /** BullMQ has written what has become of a job. */
  told(id: string | undefined): void {
    if (id !== undefined) this.#untold.delete(id)
  }

  /** Whether something runs, or has run and waits for Redis to take its result, for which it is given time. */
  get isBusy(): boolean {
    for (const { future, isWaiting } of this.#running.values()) {
      if (isWaiting || future?.done() === false) return true
    }
    for (const since of this.#untold.values()) if (now() - since < LAST_WORDS) return true
    return false
  }

  /** Stops everything that runs. */
  stopAll(): void {
    for (const running of this.#running.values()) end(running, 'closed', undefined)
  }

  /** Runs a job: BullMQ's processor. What it gives, and the text of what it throws, are kept in the job. */
  async run(job: Job, token: string | undefined): Promise<unknown> {
    const id = job.id as string
    const running: Running = { future: undefined, isWaiting: false, ended: undefined, reason: undefined }
    this.#running.set(id, running)
    const most = startsOf(job)
    const starts = (progressOf(job.progress)?.starts ?? 0) + 1
    try {
      if (starts > most) throw new FinalFailure('lost', lostWith(job))
      return await this.#start(job, token, running, starts)
    } catch (thrown) {
      const failure = failureOf(thrown, running, job.name)
      const isFinal = failure.isFinal || starts >= most
      const text = await failureText(failure, (bytes) => this.#keep(job, bytes) as Promise<typeof bytes>)
      throw isFinal ? new UnrecoverableError(text) : new Error(text)
    } finally {
      this.#running.delete(id)
      this.#noteUntold(id)
    }
  }

  #noteUntold(id: string): void {
    this.#untold.set(id, now())
    // Those that another host has ended are never told.
    for (const [old, since] of this.#untold) {
      if (now() - since < LAST_WORDS) break
      this.#untold.delete(old)
    }
  }

  async #start(job: Job, token: string | undefined, running: Running, starts: number): Promise<unknown> {
    const id = job.id as string
    const { host, keys, client } = this.#parts
    const request = final(() => requestOf(job.data))
    const task = final(() => this.#parts.modules.find(job.name))
    const redis = await client()
    await this.#checkLock(job, token, running)
    // On one connection the mark comes first: who has cancelled since has found the job's lock, and tells.
    const marked = job.updateProgress({ starts, host })
    const [, cancelled] = await Promise.all([marked, redis.get(keys.cancelled(id))])
    if (cancelled !== null || this.#cancels.has(id)) end(running, 'cancelled', this.#cancels.get(id))
    this.#cancels.delete(id)
    await this.#checkLock(job, token, running)
    if (running.ended !== undefined) throw new CancelledError()
    const progress = new Progress(job, starts, host)
    await this.#submit(job, task, request, running)
    const future = running.future as unknown as Future<unknown>
    future.onProgress((value) => progress.add(value))
    // It may have been ended while it waited for room.
    if (running.ended !== undefined) end(running, running.ended, running.reason)
    try {
      const value = await future.result()
      await progress.end()
      return await this.#keep(job, encodeResult(value, request))
    } catch (error) {
      await progress.end()
      throw error
    }
  }

  /**
   * The network may have kept the job for so long that its lock has run out and another host has run it. By
   * this host's own clock it is known when it was asked for; only if that is long ago Redis is asked.
   */
  async #checkLock(job: Job, token: string | undefined, running: Running): Promise<void> {
    const age = wallClock() - (job.processedOn ?? 0)
    const { lockDuration } = this.#parts
    if (age >= 0 && age < lockDuration * SURE) return
    if ((await job.extendLock(token ?? '', lockDuration)) === 1) return
    end(running, 'lock lost', undefined)
    throw new CancelledError()
  }

  /** Gives the job its future. (A promise of one would wait for its result.) */
  async #submit(job: Job, task: Submittable, request: Request, running: Running): Promise<void> {
    const { executor } = this.#parts
    const { submissions } = poolOf(executor)
    for (;;) {
      const options = this.#optionsOf(request)
      try {
        running.future = request.isChunk
          ? submissions.submitChunk(chunkOf(task), request.args as unknown[][], options, request.limit)
          : submissions.submitTask(task, request.args, options)
        return
      } catch (error) {
        // Others use the executor too.
        if (!(error instanceof QueueFullError) || running.ended !== undefined) throw refusalOf(error, job)
      }
      running.isWaiting = true
      await executor.ready()
      running.isWaiting = false
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
  async #keep(job: Job, encoded: unknown): Promise<unknown> {
    const json = tooLong(encoded)
    if (json === undefined) return encoded
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

function end(running: Running, why: NonNullable<Running['ended']>, reason: unknown): void {
  running.ended ??= why
  running.reason ??= reason
  running.future?.cancel({ interrupt: true, reason })
}
