/**
 * The hot path of a worker: `dispatch` calls a task and returns what the addon gets. `scratch` says in which
 * form.
 */
import { binding, scratch } from '../addon/binding.ts'
import { areRunsWatched } from '../diagnostics/channels.ts'
import { isThenable } from '../host/thenable.ts'
import { takeArguments } from '../ports/worker.ts'
import { forgetBlocked, removeCopiedStores, runInContext, TaskContext } from '../tasks/current-task.ts'
import { goesAsIs, unpack } from '../values/codec.ts'
import type { Packed } from '../values/codec.ts'
import {
  AT_FORM,
  AT_TASK_FORM,
  AT_TASK_FUNCTION,
  AT_TASK_TOKEN,
  AT_TASK_VALUES,
  DISPATCH_NAMED,
  FORM_AS_IS,
  FORM_CHUNK,
  FORM_PENDING,
  FORM_PORT,
  FORM_THREW,
  FORM_WITH_SHARED,
} from '../addon/seam.ts'
import { placeShared, placeSharedInColumns } from '../values/shared-arguments.ts'
import { packThrown } from '../values/thrown.ts'
import { isToMove } from '../values/transfer.ts'
import { noteArrival } from '../values/transferable.ts'
import { noteBegun } from './begun.ts'
import { chunked, endOf, packOutcome } from './chunk.ts'
import type { ChunkOutcome } from './chunk.ts'
import { explain, functions } from './loader.ts'
import type { LoadedFunction } from './loader.ts'
import { packResult } from './result.ts'
import { streams } from './stream.ts'
import { tellEnd, tellStopped, watched } from './watched.ts'
import { keepLongString } from './young-heap.ts'

type AnyFunction = (...args: any[]) => unknown

/** The tasks whose promise is pending. */
const awaiting: Map<number, TaskContext> = new Map()
/** The task on the stack, on top of those that wait for it. */
let running: TaskContext | undefined

/** The script in which `dispatch` is, once everything has been bundled, as V8 names it. */
export const script: string = import.meta.filename

/**
 * Calls the task that `scratch` says with these values, as a part of its context by `call`. The addon calls
 * it for each task in a callback scope of its own, or `serve` for one after the other in one.
 */
export function dispatch(given: unknown, call: typeof runInContext = runInContext): unknown {
  const number = scratch[AT_TASK_FUNCTION] as number
  const token = scratch[AT_TASK_TOKEN] as number
  let form = scratch[AT_TASK_FORM] as number
  const count = scratch[AT_TASK_VALUES] as number
  removeCopiedStores()
  const loaded = functions[number] as LoadedFunction
  loaded.used = noteBegun()
  const { fn } = loaded
  let values = given
  let label: string | undefined
  if (form >= DISPATCH_NAMED) {
    form -= DISPATCH_NAMED
    label = (given as unknown[]).shift() as string
    if (count <= 1) values = (given as unknown[])[0]
  }
  const context = new TaskContext(token, running, number, label)
  running = context
  const by = areRunsWatched() ? watched(call) : call
  try {
    const result =
      form === FORM_AS_IS && count === 0 ? by(context, fn) : callWith(by, context, fn, form, count, values)
    running = context.outer
    if (typeof result !== 'object' && typeof result !== 'function' && typeof result !== 'symbol') {
      context.end()
      // The task may have called functions of the package that use it.
      scratch[AT_FORM] = FORM_AS_IS
      return result
    }
    return finish(fn, result, context)
  } catch (error) {
    running = context.outer
    context.end()
    return fail(explain(fn, error))
  }
}

/** Calls the function with `count` values, one at least: the one that `values` is, or all that are in it. */
function callWith(
  call: typeof runInContext,
  context: TaskContext,
  fn: AnyFunction,
  form: number,
  count: number,
  values: unknown,
): unknown {
  const first = count > 1 ? (values as unknown[])[0] : values
  if (form !== FORM_AS_IS) {
    if (form >= FORM_WITH_SHARED) {
      return call(context, fn, ...argumentsWithShared(fn, form - FORM_WITH_SHARED, values as unknown[]))
    }
    const args = form === FORM_PORT ? takeArguments(first as number) : unpack(form, first)
    return call(context, fn, ...(args as unknown[]))
  }
  keepLongString(first)
  noteArrival(first)
  return count > 1 ? call(context, fn, ...(values as unknown[])) : call(context, fn, first)
}

/** Arguments among which there are shared values, which follow the others. */
function argumentsWithShared(fn: AnyFunction, form: number, values: readonly unknown[]): unknown[] {
  const [others] = values
  const args = (form === FORM_PORT ? takeArguments(others as number) : unpack(form, others)) as unknown[]
  if (!chunked.has(fn)) return placeShared(args, values, 1)
  placeSharedInColumns(args[0] as unknown[][], values, 1)
  return args
}

function fail(error: unknown): unknown {
  const { form, data } = packThrown(error)
  scratch[AT_FORM] = form | FORM_THREW
  return data
}

function finish(fn: AnyFunction, result: unknown, context: TaskContext): unknown {
  if (isThenable(result)) {
    awaiting.set(context.token, context)
    follow(fn, result, context)
    scratch[AT_FORM] = FORM_PENDING
    return undefined
  }
  context.end()
  const { form, data } = packFor(fn, result)
  scratch[AT_FORM] = form
  return data
}

function packFor(fn: AnyFunction, result: unknown): Packed {
  if (!isToMove(result) && goesAsIs(result)) return { form: FORM_AS_IS, data: result }
  if (!chunked.has(fn)) return packResult(result)
  const { form, data } = packOutcome(result as ChunkOutcome)
  return { form: form | FORM_CHUNK, data }
}

/** Settles the task once its promise has. */
function follow(fn: AnyFunction, promise: PromiseLike<unknown>, context: TaskContext): void {
  // In the task's context, so that a thenable which waits for a future of the pool gives up this worker's
  // place.
  const settling =
    Object.getPrototypeOf(promise) === Promise.prototype
      ? asPromise(promise)
      : runInContext(context, asPromise, promise)
  settling.then(
    (value) => {
      if (context.run !== undefined) tellEnd(context, endOf(fn, value))
      end(context)
      let packed: Packed
      try {
        packed = packFor(fn, value)
      } catch (error) {
        settleThrown(context, error)
        return
      }
      binding.settle(context.token, packed.form, packed.data)
    },
    (error: unknown) => {
      tellEnd(context, { error })
      end(context)
      settleThrown(context, explain(fn, error))
    },
  )
}

function settleThrown(context: TaskContext, error: unknown): void {
  const { form, data } = packThrown(error)
  binding.settle(context.token, form | FORM_THREW, data)
}

function asPromise(thenable: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(thenable)
}

function end(context: TaskContext): void {
  context.end()
  awaiting.delete(context.token)
}

/** Has a stream go on that stands still or has waited. Called by the addon in the guard, as `dispatch` is. */
export function proceed(token: number): void {
  const context = awaiting.get(token)
  // Its stop may have been the last that was heard of it.
  if (context !== undefined) {
    context.goOn(running)
    running = context
    try {
      streams.get(token)?.proceed()
    } finally {
      running = context.outer
    }
  }
  scratch[AT_FORM] = FORM_PENDING
}

/** A task is asked to stop. */
export function abort(token: number): void {
  streams.get(token)?.askToEnd()
  let context = awaiting.get(token) ?? running
  while (context !== undefined && context.token !== token) context = context.outer
  context?.abort()
}

/** Packs an error for the addon. */
export function packError(error: unknown): unknown {
  return fail(error)
}

/**
 * A stop has cut a task off: it is over. Does nothing if the stop came before the task's call or after its
 * end.
 */
export function forgetRunning(token: number): void {
  const stopped = running
  if (stopped?.token !== token) return
  running = stopped.outer
  stopped.end()
  tellStopped(stopped)
  awaiting.delete(token)
  streams.delete(token)
  forgetBlocked(stopped)
}
