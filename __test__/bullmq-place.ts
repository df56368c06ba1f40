/** A queue of a test's own, and who is on it; all of it ends with the test. */
import { randomUUID } from 'node:crypto'
import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { Queue } from 'bullmq'
import { moduleTasks, ThreadPoolExecutor } from 'concurrent-futures'
import type { Future } from 'concurrent-futures'
import { BullMQExecutor, BullMQWorker } from 'concurrent-futures/bullmq'
import type { BullMQExecutorOptions, BullMQWorkerOptions } from 'concurrent-futures/bullmq'
import { Host, Producer } from './hosts.ts'
import type { HostOptions } from './hosts.ts'
import { SOON } from './limits.ts'
import type { RedisServer } from './redis.ts'

const at = (name: string): string => new URL(`./fixtures/${name}`, import.meta.url).href

/** As both sides of these tests have them. */
export const modules: { work: string; jobs: string } = { work: at('work.mjs'), jobs: at('jobs.mjs') }

export const work = moduleTasks<typeof import('./fixtures/work.mjs')>(modules.work)

const pools = new Map<number, ThreadPoolExecutor>()
ava.after.always('the pools of the hosts are shut down', async () => {
  await Promise.all([...pools.values()].map((pool) => pool.terminateWorkers()))
})

/** A pool for the hosts of all tests of the file. */
export function poolOf(workers: number): ThreadPoolExecutor {
  const pool = pools.get(workers) ?? new ThreadPoolExecutor(workers)
  pools.set(workers, pool)
  return pool
}

export class Place {
  readonly name: string = `q-${randomUUID()}`
  readonly #t: ExecutionContext
  readonly #redis: RedisServer

  constructor(t: ExecutionContext, redis: RedisServer) {
    this.#t = t
    this.#redis = redis
  }

  executor(options: Partial<BullMQExecutorOptions> = {}): BullMQExecutor {
    const executor = new BullMQExecutor({ queue: this.name, connection: this.#redis.url, modules, ...options })
    this.#t.teardown(() => executor.terminateWorkers())
    return executor
  }

  /** A host in this process; the default has one worker. */
  host(options: Partial<BullMQWorkerOptions> = {}): BullMQWorker {
    const host = new BullMQWorker({ queue: this.name, connection: this.#redis.url, modules, executor: poolOf(1), ...options })
    this.#t.teardown(() => host.close({ grace: 0 }))
    return host
  }

  /** A host in a process of its own. */
  hostProcess(options: Partial<HostOptions> = {}): Promise<Host> {
    return Host.start(this.#t, { url: this.#redis.url, queue: this.name, modules, ...options })
  }

  /** A process that submits; see the fixture. */
  producer(args: object): Producer {
    return new Producer(this.#t, 'bullmq-producer.mjs', [{ url: this.#redis.url, queue: this.name, modules, ...args }])
  }

  /** BullMQ's own, as who knows nothing of this package has it. */
  queue(options: { prefix?: string; streams?: { events: { maxLen: number } } } = {}): Queue {
    const queue = new Queue(this.name, { connection: { host: '127.0.0.1', port: this.#redis.port }, ...options })
    // Redis may go, or be killed.
    queue.on('error', () => {})
    this.#t.teardown(() => queue.close())
    return queue
  }
}

export type Pair = Place & { own: BullMQExecutor }

/** A place with an executor, and a host of one worker. */
export function pairOn(t: ExecutionContext, redis: RedisServer, options: Partial<BullMQExecutorOptions> = {}): Pair {
  const place = new Place(t, redis)
  const own = place.executor(options)
  place.host()
  return Object.assign(place, { own })
}

export async function errorOf(future: Future<unknown>): Promise<any> {
  return future.exception(SOON)
}

/** Waits until so many jobs are in the queue that have not ended. */
export async function holds(queue: Queue, count: number): Promise<void> {
  const end = performance.now() + SOON
  for (;;) {
    const counts = await queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed')
    const all = Object.values(counts).reduce((sum, n) => sum + n, 0)
    if (all === count) return
    if (performance.now() > end) throw new Error(`${all} jobs, not ${count}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
