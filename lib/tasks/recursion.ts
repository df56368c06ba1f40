/**
 * Code that would start workers without end: it uses a pool as soon as it is loaded, and the pool's workers
 * load it too. The entry file of a program, imported by a worker for a task that it names; a module that is
 * preloaded in every thread (`--import`, `--require`, NODE_OPTIONS); the module of an initializer. What such
 * code does outside of all tasks is refused here.
 */
import { isMainThread, workerData } from 'node:worker_threads'
import { InvalidStateError } from '../errors/errors.ts'
import { foundByCopies, sharedByCopies } from '../host/copies.ts'
import { currentContext } from './current-task.ts'

/** What each worker of a pool knows of its own start; threads are told it in `workerData`. */
export interface WorkerStart {
  readonly concurrentFutures: true
  /** How far its start is: one of the numbers below; then 1 once its entry runs. */
  readonly progress: Int32Array
  /** 1 for a worker whose pool was made in a thread that is no pool's worker, else one more than there. */
  readonly generation: number
}

/** What is in `progress`: at first; once the worker has attached; once it has said why it cannot. */
export const STARTING = 0
export const ATTACHED = 1
export const REFUSED = 2

/**
 * The variable by which a child of a pool is known before anything else runs there: the process that has
 * started it, and its generation. Processes that the child starts, which inherit it, have another parent.
 */
export const CHILD = 'CONCURRENT_FUTURES_CHILD'

/** The start of a child, for all copies of the package that are loaded there, before the entry or after. */
function startOfChild(): WorkerStart | undefined {
  if (!isMainThread) return undefined
  const [, parent, generation = '1'] = /^(\d+)(?:\.(\d+))?$/.exec(process.env[CHILD] ?? '') ?? []
  // The entry deletes the variable.
  if (Number(parent) !== process.ppid) return foundByCopies('child')
  return sharedByCopies('child', () => ({
    concurrentFutures: true,
    progress: new Int32Array(2),
    generation: Number(generation),
  }))
}

const startOfThread =
  (workerData as Partial<WorkerStart> | null)?.concurrentFutures === true
    ? (workerData as WorkerStart)
    : undefined

/** What a pool's worker was told; undefined in every other thread. */
export const ownStart: WorkerStart | undefined = startOfThread ?? startOfChild()

/** Whether this is the main thread of a child of a process pool, which is its worker. */
export const isChild: boolean = ownStart !== undefined && startOfThread === undefined

/** The generation of the workers of a pool that this thread makes. */
export const nextGeneration: number = (ownStart?.generation ?? 0) + 1

/**
 * From this generation on a worker's code outside of tasks may not use pools: a module that waits for
 * something before it does so goes on when its worker has attached, and nothing tells it from other code
 * then.
 */
const LAST_GENERATION = 2

const isLast = nextGeneration > LAST_GENERATION
let isUnattached = ownStart !== undefined

/** How many modules this worker is importing for tasks at the moment. */
let loadingModules = 0

let reasons = (isUnattached ? 1 : 0) + (isLast ? 1 : 0)

/**
 * How many reasons there are to look closer at what is submitted: 0 in nearly every thread, at nearly every
 * time.
 */
export function suspicions(): number {
  return reasons
}

/** Runs `load`, which imports a module for a task, counted. */
export async function whileLoading<T>(load: () => Promise<T>): Promise<T> {
  loadingModules++
  reasons++
  try {
    return await load()
  } finally {
    loadingModules--
    reasons--
  }
}

/** Another copy of the package may have attached this worker: only what the thread was told is common. */
function lookAtStart(): void {
  if (!isUnattached || Atomics.load((ownStart as WorkerStart).progress, 0) !== ATTACHED) return
  isUnattached = false
  reasons--
}

/** To be called where {@link suspicions} is not 0. @throws InvalidStateError if nothing may be submitted */
export function refuseSubmission(): void {
  lookAtStart()
  if (isUnattached) throw unattachedError('submit tasks')
  if (reasons === 0 || currentContext() !== undefined) return
  throw loadingModules > 0 ? loadingError() : generationError('submits tasks')
}

/**
 * @throws InvalidStateError if no workers may be started ahead of tasks. (A module that is imported for a
 * task may have a pool with some: they import nothing by themselves.)
 */
export function refuseWarmUp(): void {
  if (reasons === 0) return
  lookAtStart()
  if (isUnattached) throw unattachedError('start workers')
  if (!isLast || loadingModules > 0 || currentContext() !== undefined) return
  throw generationError('starts workers')
}

/** In a child `isMainThread` is true. */
const CURE = `put the tasks into a file of their own${
  isChild ? '' : ', or do so only if isMainThread (node:worker_threads)'
}`

function unattachedError(what: string): InvalidStateError {
  return new InvalidStateError(
    `a pool worker cannot ${what} before it has started, in a preloaded module (--import, --require) or in ` +
      `an initializer: its own workers would do the same, without end. Instead, ${CURE}`,
  )
}

function loadingError(): InvalidStateError {
  return new InvalidStateError(
    `a pool worker is importing this module, which submits tasks while it is loaded: ${CURE}`,
  )
}

function generationError(what: string): InvalidStateError {
  return new InvalidStateError(
    `code outside of all tasks ${what} in a worker of a pool that was made in a pool's worker: ` +
      `if a module does so that is loaded in every worker, it starts workers without end. Instead, ${CURE}`,
  )
}
