/** The entry of a pool's worker: of a thread, or of a child process. */
import { watchDebugger } from '../pool/debugger.ts'
import { THREADS } from '../pool/kind.ts'
import { setOwnPool } from '../pool/own-pool.ts'
import { connectOwner, startSending } from '../ports/worker.ts'
import { isChild } from '../tasks/recursion.ts'
import { dropTextFlags } from '../threads/text-flags.ts'
import { seed } from '../threads/worker-seed.ts'
import type { WorkerSeed } from '../threads/worker-seed.ts'
import { startChild } from './child.ts'
import { join } from './join.ts'
import { startIdleTimer } from './leave.ts'
import { onOutputTaken } from './stdio.ts'
import { silenceLoaderWarning } from './warnings.ts'

if (isChild) void startChild()
else if (seed === undefined) throw new Error('this file is the entry of a worker of concurrent-futures')
else void startThread(seed)

async function startThread(seed: WorkerSeed): Promise<void> {
  Atomics.store(seed.progress, 1, 1)
  dropTextFlags(process.execArgv ?? [])
  if (seed.nodeOptions !== undefined) process.env['NODE_OPTIONS'] = seed.nodeOptions
  silenceLoaderWarning()
  watchDebugger()
  connectOwner(seed.channel, seed.worker, onOutputTaken)
  setOwnPool({ pool: seed.pool, tasksPerWorker: seed.tasksPerWorker, kind: THREADS })
  const hasJoined = await join({ ...seed, queue: seed.pool }, (isReady) => {
    if (isReady) startSending()
    seed.exitProbe.close()
  })
  if (hasJoined) startIdleTimer(seed.idleTimeout)
}
