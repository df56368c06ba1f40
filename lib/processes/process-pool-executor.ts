/** The executor whose tasks run in child processes, JavaScript and native ones alike. */
import { binding } from '../addon/binding.ts'
import { checkProcessOptions } from '../options/process-pool-options.ts'
import type { CheckedProcessOptions, ProcessPoolOptions } from '../options/process-pool-options.ts'
import { ownExecutorBy } from '../pool/current-executor.ts'
import type { MakeFleet } from '../pool/fleet.ts'
import { PROCESSES } from '../pool/kind.ts'
import { adoptPool, executorOf, PoolExecutor } from '../pool/pool-executor.ts'
import { Pool } from '../pool/pool.ts'
import { childrenOf } from './child-start.ts'
import { mayStart } from './may-start.ts'
import { ProcessFleet } from './process-fleet.ts'

const makeFleet: MakeFleet = (pool) => new ProcessFleet(pool)

/**
 * A pool of child processes with one queue: higher priority first, then in order of submission. A task that
 * crashes, aborts, runs out of memory or blocks for ever costs its child and the tasks that this held, which
 * fail with a `WorkerLostError`; another child takes its place. All values are copied, and what is bound to
 * its process (shared memory, ports, streams, keys, Blobs) is a `DataCloneError` at `submit`.
 *
 * A child costs some 50 MB and tens of milliseconds to start, and a round trip takes ten times that of a
 * thread or more: use `ThreadPoolExecutor` for code that needs no isolation. docs/processes.md says when to
 * use which, what children inherit, and what `permission` leaves open.
 *
 * @example
 * ```ts
 * await using executor = new ProcessPoolExecutor({ maxWorkers: 2, maxMemoryPerWorker: 512 * 2 ** 20 })
 * const error = await executor.submit(() => process.abort()).exception()
 * if (error instanceof WorkerLostError) error.signal // 'SIGABRT'
 * ```
 */
export class ProcessPoolExecutor extends PoolExecutor {
  /**
   * @param options - the most children that run tasks at once, or options; children start when work comes
   * @throws TypeError, RangeError for the options; Error with the code ERR_ACCESS_DENIED where Node's
   * permission model keeps this process from starting others (it needs --allow-child-process), with
   * ERR_FEATURE_UNAVAILABLE_ON_PLATFORM where children are not supported yet (Windows)
   */
  constructor(options?: number | ProcessPoolOptions) {
    super()
    const checked = checkProcessOptions(options)
    if (!binding.canStartChildren) throw unsupported()
    requirePermission()
    adoptPool(this, makePool(checked))
  }
}

function unsupported(): Error {
  const message = `a ProcessPoolExecutor cannot start children on ${process.platform} yet`
  return Object.assign(new Error(message), { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' })
}

function makePool(checked: CheckedProcessOptions): Pool {
  return Pool.create(checked, makeFleet, PROCESSES, (initializer) => childrenOf(checked, initializer))
}

function requirePermission(): void {
  if (mayStart()) return
  throw Object.assign(
    new Error('a ProcessPoolExecutor starts processes, which needs --allow-child-process under --permission'),
    { code: 'ERR_ACCESS_DENIED', permission: 'ChildProcess' },
  )
}

ownExecutorBy(PROCESSES, (pool) => executorOf(ProcessPoolExecutor, pool))
