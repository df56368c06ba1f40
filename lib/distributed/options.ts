/** The options of the executor and of the worker, checked once. */
import {
  checkObject,
  checkOptions,
  checkTaskOptions,
  integer,
  PoolExecutor,
  show,
  string,
  wrongType,
} from '../inner.ts'
import type { CheckedTaskOptions, TaskOptions } from '../options/task-options.ts'
import { ModuleNames } from './modules.ts'
import type { Modules } from './modules.ts'
import type { ConnectionOptions, JobsOptions, WorkerOptions } from './peer.ts'
import { checkConnection, checkQueueName, isReserved } from './redis.ts'

/** How Redis is reached: what BullMQ takes as `connection`, or a URL. */
export type Connection = ConnectionOptions | string | URL

/** What `new BullMQExecutor` takes. */
export interface BullMQExecutorOptions {
  /** The name of the queue, the same as the hosts'. */
  queue: string
  /** Of Redis: a URL such as `redis://localhost:6379`, or what BullMQ takes: options or a client. */
  connection: Connection
  /** The modules of tasks, by names that are the same on both sides. */
  modules: Modules
  /** What all keys in Redis begin with, the same as the hosts'; default BullMQ's, 'bull'. */
  prefix?: string | undefined
  /** Of the executor, in stats, channels and traces; default 'bullmq-1' and so on. */
  name?: string | undefined
  /** BullMQ's own options of jobs, for all of this executor's: `attempts`, `backoff`, `delay`, … */
  jobOptions?: JobsOptions | undefined
}

/** What `with()` of a BullMQExecutor takes: `priority` is an integer from -1048575 to 1048575. */
export interface BullMQTaskOptions extends TaskOptions {
  /** BullMQ's own options of the job, over those of the executor. */
  jobOptions?: JobsOptions | undefined
}

/** What `new BullMQWorker` takes. */
export interface BullMQWorkerOptions {
  /** The name of the queue. */
  queue: string
  /** Of Redis: a URL, or what BullMQ takes: options or a client. */
  connection: Connection
  /** The modules of tasks by name: jobs run nothing else. */
  modules: Modules
  /** Runs the jobs, as many at once as its `maxWorkers`. It stays its owner's. */
  executor: PoolExecutor
  prefix?: string | undefined
  /** BullMQ's own options of a worker: `lockDuration`, `stalledInterval`, `limiter`, `telemetry`, … */
  workerOptions?: Omit<WorkerOptions, 'connection' | 'prefix' | OwnOption> | undefined
}

type OwnOption = 'concurrency' | 'maxStalledCount' | 'autorun'

/** What is decided here, and by whom. */
const DECIDED: Readonly<Record<string, string>> = {
  // @ts-expect-error: without a prototype no name but these is decided.
  __proto__: null,
  concurrency: 'it is maxWorkers of the executor',
  maxStalledCount: 'attempts says how often a job is started',
  autorun: 'a worker runs from its beginning to close()',
  repeat: 'a future is of one run',
}

const MOST_PRIORITY = 2 ** 20 - 1

/** BullMQ's own options, of which those that are decided here are refused. */
function checkOwn(value: unknown, name: string): Record<string, unknown> {
  if (value === undefined) return {}
  const given = checkObject(value, name) as Record<string, unknown>
  for (const key of Object.keys(given)) {
    const why = DECIDED[key]
    if (why !== undefined) throw new TypeError(`${name}.${key} cannot be set: ${why}`)
  }
  return { ...given }
}

/** The id of a job that somebody has added: BullMQ's own are numbers. */
export function checkOwnId(value: unknown): string {
  const id = string(value, 'id')
  if (id === '') throw new TypeError('id must not be empty')
  if (isReserved(id)) throw new TypeError(`id: ${show(id)} is a word of BullMQ's own, and no job's`)
  return id
}

/** @throws TypeError for an id that a job cannot be given */
function checkJobId(value: unknown, name: string): string {
  const id = string(value, name)
  if (id === '' || id.includes(':') || /^\d+$/.test(id)) {
    throw new TypeError(`${name} must be no integer, not empty, and without ':', got ${show(id)}`)
  }
  if (isReserved(id)) throw new TypeError(`${name}: ${show(id)} is a word of BullMQ's own`)
  // Redis would have another text, and events would name that.
  if (/\p{Surrogate}/u.test(id)) throw new TypeError(`${name} must be well-formed, got ${show(id)}`)
  return id
}

function checkJobOptions(value: unknown): JobsOptions {
  const options = checkOwn(value, 'jobOptions') as JobsOptions
  if (options.jobId !== undefined) checkJobId(options.jobId, 'jobOptions.jobId')
  if (options.attempts !== undefined) integer(options.attempts, 'jobOptions.attempts', 1)
  return options
}

/** The options of tasks, and beside them those of jobs. */
export interface CheckedJobOptions {
  readonly task: CheckedTaskOptions
  readonly job: JobsOptions
}

export function checkWith(value: unknown, base: CheckedJobOptions): CheckedJobOptions {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const { jobOptions, ...options } = (isObject ? value : {}) as BullMQTaskOptions
  const task = checkTaskOptions(isObject ? options : (value as TaskOptions), base.task)
  integer(task.priority, 'priority', -MOST_PRIORITY, MOST_PRIORITY)
  return { task, job: { ...base.job, ...checkJobOptions(jobOptions) } }
}

/** BullMQ's own priority: its highest is the lowest number, and jobs without one go before all. */
export function bullPriority(priority: number): number {
  return MOST_PRIORITY + 1 - priority
}

interface Common {
  readonly queue: string
  readonly connection: ConnectionOptions
  readonly modules: ModuleNames
  readonly prefix: string | undefined
}

function checkCommon(given: Partial<BullMQExecutorOptions>): Common {
  return {
    queue: checkQueueName(given.queue, 'queue'),
    connection: checkConnection(given.connection),
    modules: new ModuleNames(given.modules),
    prefix: given.prefix === undefined ? undefined : string(given.prefix, 'prefix'),
  }
}

export interface CheckedExecutorOptions extends Common {
  readonly name: string | undefined
  readonly jobOptions: JobsOptions
}

export function checkExecutorOptions(options: unknown): CheckedExecutorOptions {
  const names = ['queue', 'connection', 'modules', 'prefix', 'name', 'jobOptions'] as const
  const given = checkOptions<BullMQExecutorOptions>(checkObject(options, 'options'), 'options', names)
  return {
    ...checkCommon(given),
    name: given.name === undefined ? undefined : string(given.name, 'name'),
    jobOptions: checkJobOptions(given.jobOptions),
  }
}

export interface CheckedWorkerOptions extends Common {
  readonly executor: PoolExecutor
  readonly workerOptions: Record<string, unknown>
}

export function checkWorkerOptions(options: unknown): CheckedWorkerOptions {
  const names = ['queue', 'connection', 'modules', 'executor', 'prefix', 'workerOptions'] as const
  const given = checkOptions<BullMQWorkerOptions>(checkObject(options, 'options'), 'options', names)
  const { executor } = given
  if (!(executor instanceof PoolExecutor)) {
    throw wrongType('executor', 'a ThreadPoolExecutor or a ProcessPoolExecutor', executor)
  }
  return { ...checkCommon(given), executor, workerOptions: checkOwn(given.workerOptions, 'workerOptions') }
}
