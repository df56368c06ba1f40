/**
 * What a running task can ask of itself. In a worker each task runs in an AsyncLocalStorage store of its own,
 * which its continuations inherit; elsewhere there is no store.
 */
import { AsyncLocalStorage, executionAsyncResource } from 'node:async_hooks'
import type { AsyncResource } from 'node:async_hooks'
import { binding } from '../addon/binding.ts'
import type { RunMessage } from '../diagnostics/channels.ts'
import { carrierIn, nameIn } from '../diagnostics/label.ts'
import type { Carrier } from '../diagnostics/label.ts'
import { CancelledError } from '../errors/errors.ts'
import { wallClock } from '../host/clocks.ts'
import { define } from '../host/define.ts'
import { pack, packTransfer } from '../values/codec.ts'
import { takeList } from '../values/transfer.ts'
import { unpackThrown } from '../values/thrown.ts'
import { nameOf } from './functions.ts'
import { taskHost } from './host.ts'

/** The task that runs, as `currentTask()` gives it. */
export interface CurrentTask {
  /** Unique within its executor. */
  readonly id: number
  /** The name given by `with({ name })`, or that of the function, or ''. */
  readonly name: string
  /**
   * Aborts when the task is asked to stop, with a CancelledError whose `cause` is the reason that `cancel()`
   * or the `signal` of `with()` was given, if that can be cloned.
   */
  readonly signal: AbortSignal
  /** Whether the task has been asked to stop: a live flag that a synchronous loop can poll. */
  readonly cancelled: boolean
  /**
   * What subscribers of the channel `concurrent-futures:task` have written for it; undefined if there were
   * none.
   */
  readonly carrier: Carrier | undefined
  /** When its run time is over, on `Date.now()`'s clock; undefined without a `timeout`. */
  readonly deadline: number | undefined
  /** Throws CancelledError if the task has been asked to stop. */
  throwIfCancelled(): void
  /** Sends a value to the `onProgress` listeners of the task's future. */
  progress(value: unknown): void
}

/** What is told of the run of a task. */
export interface Run {
  readonly message: RunMessage
  readonly context: AsyncResource
}

/** A task in this worker. */
export class TaskContext {
  readonly token: number
  /** The task under it on the stack, which waits for it. */
  outer: TaskContext | undefined
  isOver = false
  /** What blocked this thread when the task began. */
  beneath: Blocked | undefined = blocked
  readonly #fn: number
  /** What it was called, and what travels with it; see diagnostics/label.ts. */
  readonly label: string | undefined
  /** If its run is watched. */
  run: Run | undefined
  #waits = 0
  #view: TaskView | undefined

  /** `fn` is the number of its function, `label` what the addon has as its name, if anything. */
  constructor(token: number, outer: TaskContext | undefined, fn: number, label: string | undefined) {
    this.token = token
    this.outer = outer
    this.#fn = fn
    this.label = label
  }

  /** The name that it was given, or that of its function, or ''; also after its end. */
  get name(): string {
    return nameIn(this.label) ?? nameOf(this.#fn, false)
  }

  /**
   * The task begins to wait, without blocking, for a future: from the first wait to the end of the last
   * another worker may take the place of its own.
   */
  beginWait(): () => void {
    if (this.#waits++ === 0) binding.suspend(this.token)
    let isOpen = true
    return () => {
      if (!isOpen || this.isOver) return
      isOpen = false
      if (--this.#waits === 0) binding.resume(this.token)
    }
  }

  /** The task, which is a stream, goes on upon this one. */
  goOn(outer: TaskContext | undefined): void {
    this.outer = outer
    this.beneath = blocked
    this.#view?.goOn()
  }

  /** The task has returned, thrown or been stopped. */
  end(): void {
    if (this.isOver) return
    this.isOver = true
    if (this.#waits > 0) binding.resume(this.token)
  }

  /**
   * What `currentTask()` gives the task; asking for it marks the task as one that looks at requests to stop.
   */
  get view(): CurrentTask {
    return (this.#view ??= new TaskView(this))
  }

  /** Aborts the task's signal, if anybody has asked for it. */
  abort(): void {
    this.#view?.abort()
  }
}

class TaskView implements CurrentTask {
  readonly id: number
  readonly name: string
  readonly carrier: Carrier | undefined
  deadline: number | undefined
  readonly #context: TaskContext
  #controller: AbortController | undefined

  constructor(context: TaskContext) {
    const [id, label, fn, msLeft] = binding.taskInfo(context.token) ?? [0, '', 0]
    this.id = id
    const name = nameIn(label) ?? ''
    this.name = name !== '' ? name : nameOf(fn, false)
    this.carrier = carrierIn(label)
    this.deadline = msLeft === undefined ? undefined : wallClock() + msLeft
    this.#context = context
  }

  /** The run time that is left begins to run again. */
  goOn(): void {
    if (this.deadline === undefined) return
    const [, , , msLeft] = binding.taskInfo(this.#context.token) ?? []
    if (msLeft !== undefined) this.deadline = wallClock() + msLeft
  }

  get cancelled(): boolean {
    return this.#context.isOver ? false : binding.isCancelled(this.#context.token)
  }

  get signal(): AbortSignal {
    this.#controller ??= liveController(this)
    if (this.cancelled) this.abort()
    return this.#controller.signal
  }

  // Not methods: they may be taken out of the object.
  readonly throwIfCancelled = (): void => {
    if (this.cancelled) throw this.#stopped()
  }

  readonly progress = (value: unknown): void => {
    if (this.#context.isOver) return
    const list = takeList(value)
    const { form, data } = list === undefined ? pack(value) : packTransfer(value, list, 'the value')
    binding.reportProgress(this.#context.token, form, data)
  }

  abort(): void {
    const controller = this.#controller
    // Not by `aborted`, which is a getter of ours and would call this again.
    if (controller !== undefined && !prototypeAborted.call(controller.signal)) {
      controller.abort(this.#stopped())
    }
  }

  /** What a task is told that is asked to stop, with the reason of whoever asks. */
  #stopped(): CancelledError {
    const given = binding.stopReason(this.#context.token)
    let options: { cause: unknown } | undefined
    try {
      if (given !== undefined) options = { cause: unpackThrown(...given) }
    } catch {
      // It cannot be made anew here.
    }
    return new CancelledError('the task was asked to stop', options)
  }
}

const prototypeAborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get as (
  this: AbortSignal,
) => boolean

/**
 * A controller whose signal looks at the live flag when `aborted` is read: a synchronous loop gets no event.
 */
function liveController(view: TaskView): AbortController {
  const controller = new AbortController()
  define(controller.signal, 'aborted', {
    configurable: true,
    get(this: AbortSignal): boolean {
      if (prototypeAborted.call(this)) return true
      if (!view.cancelled) return false
      view.abort()
      return true
    },
  })
  return controller
}

/**
 * A task that blocks its thread for a future, so that others may run on top of it, and the async resource in
 * which it blocks.
 */
interface Blocked {
  readonly context: TaskContext
  readonly resource: object
}

let blocked: Blocked | undefined

/**
 * Calls `park`, which blocks this thread and may run other tasks on top of the one that calls, with the token
 * of that; -1 outside of tasks.
 */
export function whileBlocked(park: (token: number) => void): void {
  const context = storage.getStore()
  if (context === undefined) {
    park(-1)
    return
  }
  const beneath = blocked
  blocked = { context, resource: executionAsyncResource() }
  try {
    park(context.isOver ? -1 : context.token)
  } finally {
    blocked = beneath
  }
}

/** Notes that a task was cut off, with its stack; called before its outer one goes on. */
export function forgetBlocked(stopped: TaskContext): void {
  blocked = stopped.beneath
}

/**
 * Up to Node 22, where stores are properties of the async resource: what was copied to the resource that is
 * current after a stop.
 */
let copied: { to: object; stores: symbol[] } | undefined

/**
 * Gives the blocked task its stores back after a task on top of it was stopped: Node has lost them with the
 * stack of async contexts. On Node 24 and later the callback scope of the stopped task does that.
 */
export function restoreBlocked(): void {
  if (blocked === undefined) return
  const { context, resource } = blocked
  const to = executionAsyncResource()
  const stores = Object.getOwnPropertySymbols(resource).filter(
    (symbol) => symbol.description === 'kResourceStore',
  )
  for (const symbol of stores) {
    ;(to as Record<symbol, unknown>)[symbol] = (resource as Record<symbol, unknown>)[symbol]
  }
  copied = { to, stores: [...stores, ...(copied?.stores ?? [])] }
  storage.enterWith(context)
}

/**
 * Removes, once the stack of tasks has ended, the stores that were copied for it: later tasks must not see
 * them.
 */
export function removeCopiedStores(): void {
  if (copied === undefined || blocked !== undefined) return
  const { to, stores } = copied
  copied = undefined
  for (const symbol of stores) delete (to as Record<symbol, unknown>)[symbol]
}

const storage: AsyncLocalStorage<TaskContext> = new AsyncLocalStorage()

/**
 * The context of the task that the calling code is a part of or, if that has ended, has been left behind by.
 */
export function currentStore(): TaskContext | undefined {
  return storage.getStore()
}

/**
 * Whether stores are kept on async resources here: up to Node 22 each is a property of them, and later,
 * without `--async-context-frame`, of an object that is one.
 */
export function hasStoresOnResources(): boolean {
  const store = new TaskContext(0, undefined, 0, undefined)
  const holds = (object: unknown, depth: number): boolean =>
    object === store ||
    (depth > 0 &&
      typeof object === 'object' &&
      object !== null &&
      Object.getOwnPropertySymbols(object).some((symbol) =>
        holds((object as Record<symbol, unknown>)[symbol], depth - 1),
      ))
  return storage.run(store, () => holds(executionAsyncResource(), 2))
}

/** Calls `fn` as a part of the task. */
export const runInContext: AsyncLocalStorage<TaskContext>['run'] = storage.run.bind(
  storage,
) as AsyncLocalStorage<TaskContext>['run']

/**
 * The same, where nothing has to be put back afterwards, because whoever calls clears what the task has left;
 * only where V8 keeps the stores.
 */
export function enterContext<R, A extends any[]>(context: TaskContext, fn: (...args: A) => R, ...args: A): R {
  storage.enterWith(context)
  return fn(...args)
}

/** The context of the code that calls; undefined outside of tasks. */
export function currentContext(): TaskContext | undefined {
  const context = storage.getStore()
  return context === undefined || context.isOver ? undefined : context
}

/**
 * The task that the calling code is a part of, also after an `await`; `null` outside of tasks.
 *
 * @example
 * ```ts
 * const task = currentTask()
 * for (let i = 0; i < n && !task?.cancelled; i++) step(i)
 * ```
 */
export function currentTask(): CurrentTask | null {
  return ownTask() ?? (taskHost()?.task() as CurrentTask | null | undefined) ?? null
}

/** The same, of a task that a worker of this copy of the package runs. */
export function ownTask(): CurrentTask | undefined {
  return currentContext()?.view
}
