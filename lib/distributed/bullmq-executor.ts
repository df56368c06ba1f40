/** The executor whose workers are other machines: a queue of BullMQ's in Redis. */
import { Executor } from '../inner.ts'
import type { OrShared, Sources } from '../executor/executor.ts'
import type { ExecutorStats, WorkerDump } from '../executor/stats.ts'
import type { Future } from '../future/future.ts'
import type { Task } from '../tasks/functions.ts'
import { Queue } from './peer.ts'
import type { ConnectionOptions } from './peer.ts'

/** What `new BullMQExecutor` takes. */
export interface BullMQExecutorOptions {
  /** The name of the queue, the same as the hosts'. */
  queue: string
  /** Of Redis: a URL, or what BullMQ takes. */
  connection: ConnectionOptions | string | URL
  /** The modules of tasks, by names that are the same on both sides. */
  modules: Readonly<Record<string, string | URL>>
}

const notYet = (): TypeError => new TypeError(`there is no ${Queue.name} yet`)

/** An executor whose tasks run on other hosts, by a queue of BullMQ's. */
export class BullMQExecutor extends Executor {
  constructor(options: BullMQExecutorOptions) {
    super()
    void options
    throw notYet()
  }

  override submit<A extends unknown[], R>(fn: Task<A, R>, ...args: OrShared<A>): Future<Awaited<R>> {
    void [fn, args]
    throw notYet()
  }

  override map<A extends unknown[], R>(
    fn: Task<A, R>,
    ...iterables: Sources<A>
  ): AsyncIterableIterator<Awaited<R>> {
    void [fn, iterables]
    throw notYet()
  }

  override with(): this {
    throw notYet()
  }

  override ready(): Promise<void> {
    return Promise.reject(notYet())
  }

  override shutdown(): Promise<void> {
    return Promise.reject(notYet())
  }

  override terminateWorkers(): Promise<void> {
    return Promise.reject(notYet())
  }

  override stats(): ExecutorStats {
    throw notYet()
  }

  override dump(): Promise<WorkerDump[]> {
    return Promise.resolve([])
  }
}
