/** Makes jobs of calls: what is submitted is checked, encoded, and put on its way. */
import { randomUUID } from 'node:crypto'
import {
  areTasksWatched,
  cancelOnAbort,
  carrierIn,
  chunkArgumentError,
  InvalidStateError,
  now,
  placedArgumentError,
  refuseSubmission,
  someShared,
  submittable,
  toJson,
  WaitLimit,
  watch,
  WorkerLostError,
} from '../inner.ts'
import type { MapFeed } from '../executor/map-feed.ts'
import type { ExecutorStats } from '../executor/stats.ts'
import type { CheckedTaskOptions } from '../options/task-options.ts'
import type { Identity, Submit } from '../pool/watched.ts'
import type { Submittable } from '../tasks/functions.ts'
import { failAtOnce, keepDeadlines } from './deadlines.ts'
import { HeldJobs } from './held-jobs.ts'
import { dataOf, encodeArgs } from './job.ts'
import type { JobFuture } from './job-future.ts'
import type { ModuleNames } from './modules.ts'
import { bullPriority } from './options.ts'
import type { CheckedExecutorOptions, CheckedJobOptions } from './options.ts'
import type { JobsOptions } from './peer.ts'

/** How many workers a map takes there to be: how many hosts there are nobody knows. */
const ASSUMED_WORKERS = 16

export function shutDownError(): InvalidStateError {
  return new InvalidStateError('cannot schedule new futures after shutdown')
}

/** What is submitted: the arguments of one call, or of each item of a chunk. */
interface Call {
  readonly jobName: string
  readonly task: Submittable
  readonly args: readonly unknown[]
  readonly isChunk: boolean
  readonly limit?: number | undefined
}

/** Makes jobs of calls. */
export class Submitter {
  readonly jobs: HeldJobs
  readonly #identity: Identity
  readonly #modules: ModuleNames
  #over: Promise<void> | undefined

  constructor(
    name: string,
    { queue, connection, prefix, modules }: Omit<CheckedExecutorOptions, 'jobOptions' | 'name'>,
  ) {
    this.#identity = { name, kind: 'bullmq' }
    this.#modules = modules
    this.jobs = new HeldJobs(this.#identity, queue, connection, prefix)
  }

  get isShutDown(): boolean {
    return this.#over !== undefined
  }

  submit(fn: unknown, args: readonly unknown[], { task: options, job }: CheckedJobOptions): JobFuture<any> {
    const call = (): Call => {
      const jobName = this.#modules.jobName(fn)
      return { jobName, task: submittable(fn), args, isChunk: false }
    }
    return this.#watched(fn, call, false, options, job)
  }

  #watched(
    fn: unknown,
    find: () => Call,
    isChunk: boolean,
    options: CheckedTaskOptions,
    job: JobsOptions,
  ): JobFuture<any> {
    if (!areTasksWatched()) return this.#submit(find(), options, job)
    let call: Call | undefined
    const look = (): Submittable => (call = find()).task
    const submit: Submit = (_, options) => this.#submit(call as Call, options, job)
    return watch(this.#identity, look, fn, options, submit, isChunk) as JobFuture<any>
  }

  #submit(call: Call, options: CheckedTaskOptions, given: JobsOptions): JobFuture<any> {
    if (this.isShutDown && options.isRest !== true) throw shutDownError()
    refuseSubmission()
    const { jobName, task } = call
    const args = encodeCall(call, options)
    const id = given.jobId ?? randomUUID()
    const known = this.jobs.get(id)
    if (known !== undefined) return known.future
    const { signal } = options
    const job = this.jobs.hold(id, options.name ?? task.name)
    job.isChunk = call.isChunk
    job.mayExist = given.jobId !== undefined
    if (options.watched !== undefined) options.watched.id = id
    if (signal?.aborted === true) {
      job.settle('cancelled', signal.reason, true)
      return job.future
    }
    if (signal !== undefined) cancelOnAbort(job.future, signal)
    if (failAtOnce(job, options)) return job.future
    const carrier = carrierOf(options)
    const jobOptions = {
      ...given,
      ...(given.priority === undefined || options.priority !== 0
        ? { priority: bullPriority(options.priority) }
        : {}),
      ...(carrier === undefined || given.telemetry !== undefined
        ? {}
        : { telemetry: { metadata: toJson(carrier) } }),
      jobId: id,
    }
    const { submitted } = job
    const data = (): unknown => {
      const by = (limit: number): number | undefined =>
        limit < 0 ? undefined : this.jobs.access.clock.earliest - (now() - submitted) + limit
      return dataOf({
        name: options.name,
        args: args.encoded,
        timeout: options.timeout < 0 ? undefined : options.timeout,
        startBy: by(options.queueTimeout),
        endBy: by(options.totalTimeout),
        carrier,
        chunk: call.isChunk ? true : undefined,
        limit: call.limit,
      })
    }
    this.jobs.add({ job, name: jobName, options: jobOptions, size: args.size, data })
    keepDeadlines(this.jobs, job, options)
    return job.future
  }

  feed(fn: unknown, { task, job }: CheckedJobOptions): MapFeed {
    const { chunkSize = 1 } = task
    if (job.jobId !== undefined)
      throw new TypeError('jobOptions.jobId: a map has many jobs, and each an id of its own')
    const isChunked = chunkSize === 'auto' || chunkSize > 1
    const each: CheckedTaskOptions = { ...task, timeout: -1 }
    const jobName = this.#modules.jobName(fn)
    const submitted = submittable(fn)
    return {
      submit: (lists, limit, isRest) => {
        const options = isRest === true ? { ...each, isRest } : each
        const args = isChunked ? lists : (lists[0] as unknown[])
        const call = { jobName, task: submitted, args, isChunk: isChunked, limit }
        return this.#watched(undefined, () => call, isChunked, options, job)
      },
      hasRoom: () => true,
      room: () => (this.isShutDown ? Promise.reject(shutDownError()) : Promise.resolve()),
      expectRests: (areExpected) => this.jobs.expectRests(areExpected),
      maxWorkers: ASSUMED_WORKERS,
    }
  }

  find(id: string): JobFuture<any> {
    if (this.isShutDown) throw shutDownError()
    const known = this.jobs.get(id)
    if (known !== undefined) return known.future
    const job = this.jobs.hold(id, '')
    job.isFromElsewhere = true
    void this.jobs.find(job)
    return job.future
  }

  shutdown(cancelFutures: boolean, timeout: number): Promise<void> {
    const over = (this.#over ??= this.#end())
    if (cancelFutures) this.#cancelWaiting()
    if (timeout !== Infinity) {
      const limit = new WaitLimit(
        timeout,
        undefined,
        () => this.#terminate(),
        () => {},
      )
      void over.then(() => limit.dispose())
    }
    return over
  }

  async #end(): Promise<void> {
    // What was submitted in this turn is held already.
    await this.jobs.idle()
    await this.jobs.access.close()
  }

  terminate(): Promise<void> {
    const over = (this.#over ??= this.#end())
    this.#terminate()
    return over
  }

  /** Jobs that others have submitted go on: only their futures end here. */
  #terminate(): void {
    this.#cancelWaiting()
    for (const job of this.jobs.running()) {
      const error = new WorkerLostError(`the task '${job.name}' was stopped by terminateWorkers()`)
      job.settle('lost', error, job.isFromElsewhere)
    }
  }

  #cancelWaiting(): void {
    for (const job of this.jobs.all()) {
      if (!job.isRunning) job.settle('cancelled', undefined, job.isFromElsewhere)
    }
  }

  stats(): ExecutorStats {
    const running = this.jobs.running().length
    return this.jobs.record.read(this.jobs.all().length - running, running)
  }
}

/** Checks and encodes the arguments. */
function encodeCall(
  { task, args, isChunk }: Call,
  { transfer, affinity }: CheckedTaskOptions,
): { readonly encoded: ReturnType<typeof encodeArgs>; readonly size: number } {
  if (transfer !== undefined && transfer.length > 0) {
    throw new TypeError('transfer: nothing can be moved to another machine; without it a copy is sent')
  }
  if (affinity !== undefined) throw new TypeError('affinity: a key stays on a worker of one machine')
  const lists = isChunk ? (args as readonly (readonly unknown[])[]) : [args]
  if (lists.some(someShared)) {
    throw new TypeError('a shared value lies in the memory of one machine: give the value itself')
  }
  // For what it throws; the host does it again.
  if (task.prepare !== undefined) for (const list of lists) task.prepare(list)
  try {
    const encoded = encodeArgs(args)
    return { encoded, size: Array.isArray(encoded) ? 100 * encoded.length : encoded.$bytes.length }
  } catch (error) {
    throw isChunk ? chunkArgumentError(placedArgumentError(args, error)) : placedArgumentError(args, error)
  }
}

/** What subscribers have written for the task, if there were some and they have. */
function carrierOf({ label }: CheckedTaskOptions): Record<string, string> | undefined {
  const carrier = carrierIn(label)
  return carrier === undefined ? undefined : { ...carrier }
}
