/**
 * The start of a worker that is a process of its own. Its tasks run on its main thread as those of a thread
 * do on theirs: the addon has a pool here that it feeds with what the parent sends.
 */
import { binding } from '../addon/binding.ts'
import { START_DIED } from '../addon/seam.ts'
import { define } from '../host/define.ts'
import { watchDebugger } from '../pool/debugger.ts'
import { failStart } from '../pool/early-death.ts'
import '../pool/exit.ts'
import { PROCESSES } from '../pool/kind.ts'
import { setOwnPool } from '../pool/own-pool.ts'
import '../processes/may-start.ts'
import { CHILD, ownStart } from '../tasks/recursion.ts'
import type { WorkerStart } from '../tasks/recursion.ts'
import { leaveByResults } from '../values/means.ts'
import { join } from './join.ts'
import { endQuietly } from './strays.ts'
import { silenceLoaderWarning } from './warnings.ts'

/** Joins the pool of the parent. */
export async function startChild(): Promise<void> {
  // Before code of the user's can start processes that inherit it.
  delete process.env[CHILD]
  const [pool, queue, worker, tasksPerWorker, fn, form, args, shared] = binding.joinParent()
  leaveByResults()
  if (!binding.mayLoadNative()) closeAddons()
  silenceLoaderWarning()
  watchDebugger()
  setOwnPool({ pool, tasksPerWorker, kind: PROCESSES })
  // Of a thread Node tells its owner what has ended it; a child says it itself.
  const tellDeath = (error: unknown): void => {
    failStart(pool, START_DIED, error)
    endQuietly()
  }
  process.on('uncaughtExceptionMonitor', tellDeath)
  const { progress } = ownStart as WorkerStart
  const initializer = fn === 0 ? undefined : { fn, form, args, shared }
  await join({ pool, queue, worker, initializer, progress }, () => {
    process.off('uncaughtExceptionMonitor', tellDeath)
  })
}

/**
 * Closes this process to other addons: `permission` of the pool has opened it to ours, which is loaded.
 */
function closeAddons(): void {
  const { permission } = process as { permission?: { drop?(scope: string): void } }
  if (permission?.drop !== undefined) {
    permission.drop('addon')
    return
  }
  const refuse = (): never => {
    const why = 'Access to this API has been restricted: a child of a pool with permission loads no addons'
    throw Object.assign(new Error(why), { code: 'ERR_ACCESS_DENIED', permission: 'Addon' })
  }
  define(process, 'dlopen', { value: refuse, enumerable: true })
}
