/**
 * The futures of this isolate whose tasks live in the addon: the table from slot to future, and the delivery of batches.
 *
 * A batch is taken in two passes. The first stores every outcome and runs no code of the user, so that such code, which may block, submit
 * or collect, can neither overwrite the shared header nor meet a slot that is used again. The second delivers.
 */
import { binding, kinds, numbers, onDeliver, scratch, slots } from './binding.ts'
import { brokenPool } from './broken-pool.ts'
import { unpack } from './codec.ts'
import {
  FUNCTION_UNIT,
  HAS_CAUSE,
  HAS_EXITED,
  INVALID_STATE,
  IS_NATIVE,
  MOST_WORKER_NUMBERS,
  ROW,
  SERVICE_FLAG,
  UNKNOWN_EXIT,
} from './codes.ts'
import { whileBlocked } from './context.ts'
import { unpackThrown } from './error-codec.ts'
import { InvalidStateError, TimeoutError, WorkerLostError } from './errors.ts'
import { AS_IS, CHUNK, DESCRIPTION, JSON_TEXT, NATIVE_CHUNK, NATIVE_NUMBERS } from './forms.ts'
import { nameOf } from './functions.ts'
import { createLinkedFuture, deliver, deliverProgress, setSlot, storedOutcome, storeOutcome } from './future.ts'
import type { Future } from './future.ts'
import { CANCEL, ERROR, VALUE } from './future-states.ts'
import type { ChunkResult } from './map-iterator.ts'
import { mapStack } from './source-maps.ts'
import type { TaskLink } from './task-link.ts'
import { exitOf, noticeFailedStarts } from './worker-exits.ts'

const futures: (Future<any> | undefined)[] = []

/** The names of tasks that were given one. */
const names: WeakMap<Future<any>, string> = new WeakMap()

/** The reasons of cancels whose completion has not come yet. */
const reasons: WeakMap<Future<any>, unknown> = new WeakMap()

type PoolEvent = (event: number, number: number) => void
const pools: Map<number, PoolEvent> = new Map()

/** Says who hears of the events of a pool. */
export function onPoolEvent(pool: number, listener: PoolEvent | undefined): void {
  if (listener === undefined) pools.delete(pool)
  else pools.set(pool, listener)
}

let beforePark: () => void = () => {}

/** Has `fn` called before this thread parks, each time. */
export function onPark(fn: () => void): void {
  beforePark = fn
}

/** The link of all futures of one pool. */
export class PoolLink implements TaskLink<Future<any>> {
  readonly #pool: number

  constructor(pool: number) {
    this.#pool = pool
  }

  /** The future of a task that is about to be submitted, and was given a name or none. Made before, so that no accepted task is without one. */
  prepare(name: string | undefined): Future<any> {
    const future = createLinkedFuture(this)
    if (name !== undefined) names.set(future, name)
    return future
  }

  /** The task was accepted. */
  open(future: Future<any>, slot: number): void {
    futures[slot] = future
    setSlot(future, slot)
    if (scratch[SERVICE_FLAG] !== 0) serve()
  }

  state(slot: number): number {
    const state = binding.state(slot)
    if (scratch[SERVICE_FLAG] !== 0) serve()
    return state
  }

  collect(slot: number, future: Future<any>): boolean {
    takeBreath(HEADROOM)
    const value = binding.collect(slot)
    const kind = kinds[0] as number
    if (kind < 0) return false
    // The addon has let go of it: before all else it is stored.
    storeRow(future, kind, numbers[0] as number, value)
    const progress = binding.progress(slot)
    if (progress !== undefined) deliverAll(future, progress)
    return true
  }

  cancel(slot: number, future: Future<any>, interrupt: boolean, reason: unknown): boolean {
    if (!binding.cancel(this.#pool, slot, interrupt)) return false
    storeOutcome(future, CANCEL, reason)
    const progress = binding.progress(slot)
    if (progress !== undefined) deliverAll(future, progress)
    return true
  }

  park(slot: number, left: number): void {
    serve()
    beforePark()
    try {
      whileBlocked(() => binding.park(slot, left))
    } catch (error) {
      throw (error as { code?: unknown }).code === INVALID_STATE ? new InvalidStateError((error as Error).message) : error
    }
    noticeFailedStarts()
    serve()
  }

  release(slot: number): void {
    futures[slot] = undefined
    binding.release(slot)
  }

  /** Serves at once what the pools ask. */
  serve(): void {
    serve()
  }
}

/** What was taken from the addon and not served. */
let unserved: number[] = []

/** Serves what pools ask of this isolate and cannot wait for its event loop. */
function serve(): void {
  scratch[SERVICE_FLAG] = 0
  const list = unserved.length === 0 ? binding.services() : unserved.concat(binding.services())
  unserved = list
  let at = 0
  try {
    for (; at < list.length; at += 3) pools.get(list[at + 1] as number)?.(list[at] as number, list[at + 2] as number)
  } finally {
    // Where there was not enough stack, for instance, there will be when the event loop turns.
    unserved = at < list.length ? list.slice(at) : []
    if (unserved.length > 0) setImmediate(serve)
  }
}

function deliverAll(future: Future<any>, list: unknown[]): void {
  for (let at = 0; at < list.length; at += 2) {
    let value: unknown
    try {
      value = unpack(list[at] as number, list[at + 1])
    } catch (error) {
      process.emitWarning(`a value of progress could not be read: ${(error as Error).message}`)
      continue
    }
    deliverProgress(future, value)
  }
}

/** Calls of the stack that it takes to store an outcome. */
const HEADROOM = 24

/** Fails where there is not so much of the stack left, before anything is taken that could not be put anywhere. @throws RangeError */
function takeBreath(calls: number): number {
  return calls === 0 ? 0 : takeBreath(calls - 1) + 1
}

/** Stores the outcome that a row of the header describes. */
function storeRow(future: Future<any>, row: number, number: number, value: unknown): void {
  const kind = row & 0xff
  try {
    if (kind === ROW.number) storeOutcome(future, VALUE, number)
    else if (kind === ROW.undefined) storeOutcome(future, VALUE, undefined)
    else if (kind === ROW.value) storeOutcome(future, VALUE, unpackResult((row >> 8) & 0xff, value))
    else if (kind === ROW.cancelled) storeOutcome(future, CANCEL, reasons.get(future))
    else if (kind !== ROW.collected) storeOutcome(future, ERROR, errorOf(row, number, value, names.get(future)))
  } catch (error) {
    storeOutcome(future, ERROR, error)
  }
}

/** Whether an exit code stands for the number of a worker. */
function isUnknownExit(code: number): boolean {
  return code < UNKNOWN_EXIT + MOST_WORKER_NUMBERS
}

/** The exit code in a row. */
function exitOfRow(kind: number, number: number): number | undefined {
  return (kind & HAS_EXITED) === 0 ? undefined : number | 0
}

/** A task in a message: by the name that it was given, or its function's. */
function taskCalled(given: string | undefined, row: number, number: number): string {
  const name = given ?? nameOf(Math.floor(number / FUNCTION_UNIT), (row & IS_NATIVE) !== 0)
  return name === '' ? 'the task' : `the task '${name}'`
}

/**
 * A task was lost with its worker, and why is for the worker's thread to tell: its exit arrives a moment after the task's end. The future is
 * settled, and is delivered when its error is complete.
 */
function deliverWithExit(future: Future<any>, worker: number): void {
  const exit = exitOf(worker)
  if (exit === undefined) {
    deliver(future)
    return
  }
  binding.hold(true)
  const limit = setTimeout(finish, EXIT_LIMIT)
  let isOver = false
  function finish(): void {
    if (isOver) return
    isOver = true
    clearTimeout(limit)
    binding.hold(false)
    deliver(future)
  }
  void exit.then(({ code, cause }) => {
    const stored = storedOutcome(future)?.value as { exitCode?: number; cause?: unknown } | undefined
    if (stored instanceof WorkerLostError) {
      Object.assign(stored, { exitCode: code })
      if (cause !== undefined) Object.defineProperty(stored, 'cause', { value: cause, writable: true, configurable: true })
    }
    finish()
  })
}

/** The longest that a lost future waits for its worker's exit. */
const EXIT_LIMIT = 2_000

/** The error of the item that failed, or undefined, and the results before it. */
function unpackNativeChunk(form: number, list: unknown[]): ChunkResult {
  const thrown = list[0]
  const results = list.slice(1)
  const values = form === NATIVE_NUMBERS ? (results[0] as Float64Array) : form === AS_IS ? results : results.map((result) => unpack(form, result) as unknown)
  return { values, failed: thrown !== undefined, error: thrown === undefined ? undefined : unpackThrown(DESCRIPTION | JSON_TEXT, thrown) }
}

/** A result; that of a chunk brings the error of its failed item packed within. */
function unpackResult(form: number, value: unknown): unknown {
  if ((form & CHUNK) === 0) return unpack(form, value)
  if ((form & NATIVE_CHUNK) === NATIVE_CHUNK) return unpackNativeChunk(form & ~NATIVE_CHUNK, value as unknown[])
  const { values, thrown } = unpack(form & ~CHUNK, value) as { values: unknown[]; thrown?: [number, unknown] }
  return { values, failed: thrown !== undefined, error: thrown === undefined ? undefined : unpackThrown(thrown[0], thrown[1]) }
}

function errorOf(row: number, number: number, value: unknown, name: string | undefined): unknown {
  const cause = (row & HAS_CAUSE) === 0 ? undefined : { cause: unpackThrown((row >> 8) & 0xff, value) }
  switch (row & 0xff) {
    case ROW.error:
      return cause?.cause
    case ROW.panicked:
      return new Error(`${name === undefined ? 'the native task' : `the task '${name}'`} panicked: ${String(value)}`)
    case ROW.expired:
      return new TimeoutError(`${taskCalled(name, row, number)} was not started in time`)
    case ROW.timedOut: {
      const trace = typeof value === 'string' && value !== '' ? { taskStack: mapStack(value) } : undefined
      return new TimeoutError(`${taskCalled(name, row, number)} ran longer than its timeout`, trace)
    }
    case ROW.lost: {
      const code = exitOfRow(row, number)
      const exitCode = code === undefined || isUnknownExit(code) ? undefined : code
      return new WorkerLostError(`the worker died while it ran ${taskCalled(name, row, number)}`, { ...cause, ...(exitCode === undefined ? {} : { exitCode }) })
    }
    default:
      return brokenPool(`the pool could not run ${taskCalled(name, row, number)}`, cause)
  }
}

onDeliver((count, values) => {
  const batch: (Future<any> | undefined)[] = new Array(count)
  // What is not simply delivered.
  let others: (() => void)[] | undefined
  for (let row = 0; row < count; row++) {
    const slot = slots[row] as number
    const kind = kinds[row] as number
    const type = kind & 0xff
    if (type === ROW.pool) {
      const [listener, event, number] = [pools.get(slot), kind >> 8, numbers[row] as number]
      ;(others ??= [])[row] = () => listener?.(event, number)
      continue
    }
    const future = futures[slot]
    if (future === undefined) continue
    if (type === ROW.progress) {
      const list = values?.[row] as unknown[]
      ;(others ??= [])[row] = () => deliverAll(future, list)
      continue
    }
    futures[slot] = undefined
    const number = numbers[row] as number
    storeRow(future, kind, number, values?.[row])
    const exit = type === ROW.lost ? exitOfRow(kind, number) : undefined
    if (exit !== undefined && isUnknownExit(exit)) (others ??= [])[row] = () => deliverWithExit(future, exit - UNKNOWN_EXIT)
    else batch[row] = future
  }
  let failure: { error: unknown } | undefined
  for (let row = 0; row < count; row++) {
    const future = batch[row]
    try {
      if (future !== undefined) deliver(future)
      else others?.[row]?.()
    } catch (error) {
      // The rows after it are to be delivered all the same.
      failure ??= { error }
    }
  }
  if (failure !== undefined) throw failure.error
})
