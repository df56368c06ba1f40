/** The entry of a pool's worker thread: runs the initializer, then attaches to the pool's queue. */
import { binding } from '../addon/binding.ts'
import { FORM_PORT, START_REFUSED, START_UNINITIALIZED } from '../addon/seam.ts'
import { isRefusal } from '../errors/system-refusal.ts'
import { setWaitHook } from '../future/wait-hook.ts'
import { clearTimeout, LONGEST_TIMER, setImmediate, setTimeout } from '../host/timers.ts'
import { onPark } from '../pool/completions.ts'
import { watchDebugger } from '../pool/debugger.ts'
import { connectOwner, giveAllBack, giveBack, startSending } from '../ports/worker.ts'
import { currentContext, ownTask } from '../tasks/current-task.ts'
import { setTaskHost } from '../tasks/host.ts'
import { ATTACHED, REFUSED } from '../tasks/recursion.ts'
import { dropTextFlags } from '../threads/text-flags.ts'
import { ownExecutor } from '../threads/thread-pool-executor.ts'
import { seed } from '../threads/worker-seed.ts'
import type { WorkerSeed } from '../threads/worker-seed.ts'
import { unpack } from '../values/codec.ts'
import { packThrown } from '../values/thrown.ts'
import { abort, dispatch, packError, script } from './dispatch.ts'
import { collectWhenIdle } from './idle-heap.ts'
import { endIfAlive, endSoon, hasLeft, leave, startIdleTimer } from './leave.ts'
import { load, onRefusedLoad, prepare, prepareNow } from './loader.ts'
import { initializing, noteOrigin } from './origin.ts'
import { recover } from './recovery.ts'
import { onOutputTaken } from './stdio.ts'
import { loopOfTasks } from './serve.ts'
import { watchStrays } from './strays.ts'
import { silenceLoaderWarning } from './warnings.ts'

if (seed === undefined) throw new Error('this file is the entry of a worker of concurrent-futures')
void start(seed)

async function start(seed: WorkerSeed): Promise<void> {
  Atomics.store(seed.progress, 1, 1)
  dropTextFlags(process.execArgv ?? [])
  if (seed.nodeOptions !== undefined) process.env['NODE_OPTIONS'] = seed.nodeOptions
  silenceLoaderWarning()
  watchDebugger()
  connectOwner(seed.channel, seed.worker, onOutputTaken)
  try {
    await initializing(() => initialize(seed))
  } catch (error) {
    const pool = binding.openPool(seed.pool)
    const { form, data } = packThrown(error)
    const failure = isRefusal(error) ? START_REFUSED : START_UNINITIALIZED
    if (pool >= 0) binding.startFailed(pool, failure, form, data)
    Atomics.store(seed.progress, 0, REFUSED)
    seed.exitProbe.close()
    endSoon()
    return
  }
  Atomics.store(seed.progress, 0, ATTACHED)
  startSending()
  seed.exitProbe.close()
  if (
    !binding.attach(
      seed.pool,
      seed.worker,
      dispatch,
      prepare,
      leave,
      abort,
      recover,
      packError,
      prepareNow,
      loopOfTasks(),
      dispatch.name,
      script,
    )
  ) {
    endSoon()
    return
  }
  onRefusedLoad(() => leave(false))
  process.on('exit', (code) => {
    // A listener that throws would keep the user's own, such as those of coverage, from running.
    // `process.exitCode` may also be a text.
    if (hasLeft) return
    noteOrigin()
    binding.noteExit(Number(code))
    endIfAlive()
    giveAllBack()
  })
  watchStrays()
  onPark(() => {
    if (!hasLeft) giveBack()
  })
  setWaitHook(() => currentContext()?.beginWait())
  setTaskHost({ task: ownTask, executor: ownExecutor })
  startIdleTimer(seed.idleTimeout)
  collectWhenIdle()
}

async function initialize({ initializer }: WorkerSeed): Promise<void> {
  if (initializer === undefined) return
  // What the initializer waits for need not keep the event loop alive: this does.
  const alive = setTimeout(() => {}, LONGEST_TIMER)
  try {
    const fn = await load(initializer.fn)
    // A port value came with the seed, cloned with it.
    const { form, args } = initializer
    await fn(...((form === FORM_PORT ? args : unpack(form, args)) as unknown[]))
    // The worker is ready only if its event loop still turns.
    await new Promise<void>((resolve) => setImmediate(resolve))
  } finally {
    clearTimeout(alive)
  }
}
