/** How a worker, thread or child, joins its pool: it runs the initializer, then attaches to the queue. */
import { threadId } from 'node:worker_threads'
import { binding } from '../addon/binding.ts'
import { FORM_PORT, START_REFUSED, START_UNINITIALIZED } from '../addon/seam.ts'
import { isRefusal } from '../errors/system-refusal.ts'
import { setWaitHook } from '../future/wait-hook.ts'
import { clearTimeout, LONGEST_TIMER, setImmediate, setTimeout } from '../host/timers.ts'
import { failStart } from '../pool/early-death.ts'
import { ownExecutor } from '../pool/own-pool.ts'
import { onPark } from '../pool/park-hook.ts'
import { giveAllBack, giveBack } from '../ports/worker.ts'
import { currentContext, ownTask } from '../tasks/current-task.ts'
import { setTaskHost } from '../tasks/host.ts'
import { ATTACHED, isChild, REFUSED } from '../tasks/recursion.ts'
import type { Initializer } from '../threads/worker-seed.ts'
import { unpack } from '../values/codec.ts'
import { placeShared } from '../values/shared-arguments.ts'
import { abort, dispatch, packError, proceed, script } from './dispatch.ts'
import { collectWhenIdle } from './idle-heap.ts'
import { endIfAlive, endSoon, hasLeft, leave } from './leave.ts'
import { loadLibrary } from './library.ts'
import { load, onRefusedLoad, prepare, prepareNow } from './loader.ts'
import { initializing, noteOrigin } from './origin.ts'
import { recover } from './recovery.ts'
import { loopOfTasks } from './serve.ts'
import { watchStrays } from './strays.ts'

/** Where a worker has its place. */
export interface Post {
  /** The pool, for `openPool`. */
  readonly pool: number
  /** Where its tasks are claimed: a child has a pool of its own, which is fed by the parent's. */
  readonly queue: number
  readonly worker: number
  /** As which of the pool's workers this one was asked for; of a child the parent knows it. */
  readonly start?: number
  readonly initializer: Initializer | undefined
  readonly progress: Int32Array
}

/** Joins; whether that has succeeded. `started` is called when the initializer has run, or failed. */
export async function join(post: Post, started: (isReady: boolean) => void): Promise<boolean> {
  const { pool, progress, initializer, start } = post
  binding.unpackBy(unpack)
  try {
    await initializing(() => initialize(initializer))
  } catch (error) {
    failStart(pool, isRefusal(error) ? START_REFUSED : START_UNINITIALIZED, error, start)
    Atomics.store(progress, 0, REFUSED)
    started(false)
    endSoon()
    return false
  }
  Atomics.store(progress, 0, ATTACHED)
  started(true)
  if (!attachOrTell(post)) {
    endSoon()
    return false
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
  setTaskHost({ task: ownTask, executor: executorForCopies })
  collectWhenIdle()
  return true
}

/** The executor of the task that calls, which has another copy of the package than its worker. */
function executorForCopies(): unknown {
  loadLibrary()
  return ownExecutor()
}

/** Of a thread its owner is told what it throws; a child that is refused a thread has to say so itself. */
function attachOrTell(post: Post): boolean {
  try {
    return attach(post)
  } catch (error) {
    if (!isChild || !isRefusal(error)) throw error
    failStart(post.pool, START_REFUSED, error, post.start)
    return false
  }
}

function attach({ queue, worker, start = 0 }: Post): boolean {
  return binding.attach(
    queue,
    worker,
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
    start,
    proceed,
    threadId,
  )
}

async function initialize(initializer: Initializer | undefined): Promise<void> {
  if (initializer === undefined) return
  // What the initializer waits for need not keep the event loop alive: this does.
  const alive = setTimeout(() => {}, LONGEST_TIMER)
  try {
    const fn = await load(initializer.fn)
    // A port value came with the seed, cloned with it.
    const { form, args, shared } = initializer
    const values = (form === FORM_PORT ? args : unpack(form, args)) as unknown[]
    for (let at = 1; at < shared.length; at += 2) shared[at] = binding.openShared(shared[at] as number)
    await fn(...placeShared(values, shared))
    // The worker is ready only if its event loop still turns.
    await new Promise<void>((resolve) => setImmediate(resolve))
  } finally {
    clearTimeout(alive)
  }
}
