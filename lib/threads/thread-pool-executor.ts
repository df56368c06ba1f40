/**
 * The executor whose tasks run on threads of this process: JavaScript ones on worker threads, native ones on
 * Rust threads.
 */
import { checkThreadOptions } from '../options/pool-options.ts'
import type { ThreadPoolOptions } from '../options/pool-options.ts'
import { ownExecutorBy } from '../pool/current-executor.ts'
import type { MakeFleet } from '../pool/fleet.ts'
import { THREADS } from '../pool/kind.ts'
import { adoptPool, executorOf, PoolExecutor } from '../pool/pool-executor.ts'
import { Pool } from '../pool/pool.ts'
import { WorkerFleet } from './worker-fleet.ts'

/**
 * A pool of threads with one queue: higher priority first, then in order of submission.
 *
 * @example
 * ```ts
 * await using executor = new ThreadPoolExecutor({ maxWorkers: 4, threadNamePrefix: 'image' })
 * const future = executor.with({ timeout: 1_000 }).submit(resize, bytes)
 * const small = await future.result()
 * ```
 */
export class ThreadPoolExecutor extends PoolExecutor {
  /**
   * @param options - the number of workers, or options; JavaScript workers start when work comes
   * @throws TypeError, RangeError
   */
  constructor(options?: number | ThreadPoolOptions) {
    super()
    const checked = checkThreadOptions(options)
    const makeFleet: MakeFleet = (pool) => new WorkerFleet(pool, checked)
    adoptPool(this, Pool.create(checked, makeFleet))
  }
}

ownExecutorBy(THREADS, (pool) => executorOf(ThreadPoolExecutor, pool))
