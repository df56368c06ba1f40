/** What a row of the shared header says of the end of a task, as the outcome of its future. */
import {
  FUNCTION_UNIT,
  HAS_CAUSE,
  HAS_EXITED,
  IS_NATIVE,
  MOST_WORKER_NUMBERS,
  ROW,
  UNKNOWN_EXIT,
} from '../addon/codes.ts'
import { TimeoutError, WorkerLostError } from '../errors/errors.ts'
import { mapStack } from '../errors/source-maps.ts'
import type { ChunkResult } from '../executor/map-feed.ts'
import { storeOutcome } from '../future/future.ts'
import type { Future } from '../future/future.ts'
import { CANCEL, ERROR, VALUE } from '../future/states.ts'
import { nameOf } from '../tasks/functions.ts'
import { unpack } from '../values/codec.ts'
import { AS_IS, CHUNK, DESCRIPTION, JSON_TEXT, NATIVE_CHUNK, NATIVE_NUMBERS } from '../values/forms.ts'
import { unpackThrown } from '../values/thrown.ts'
import { brokenPool } from './broken-pool.ts'

/** The names of tasks that were given one. */
const names: WeakMap<Future<any>, string> = new WeakMap()

/** Notes the name that a task was given. */
export function noteName(future: Future<any>, name: string): void {
  names.set(future, name)
}

/** Stores the outcome that a row of the header describes. */
export function storeRow(future: Future<any>, row: number, number: number, value: unknown): void {
  const kind = row & 0xff
  try {
    if (kind === ROW.number) storeOutcome(future, VALUE, number)
    else if (kind === ROW.undefined) storeOutcome(future, VALUE, undefined)
    else if (kind === ROW.value) storeOutcome(future, VALUE, unpackResult((row >> 8) & 0xff, value))
    else if (kind === ROW.cancelled) storeOutcome(future, CANCEL, undefined)
    else if (kind !== ROW.collected)
      storeOutcome(future, ERROR, errorOf(row, number, value, names.get(future)))
  } catch (error) {
    storeOutcome(future, ERROR, error)
  }
}

/** Whether an exit code stands for the number of a worker. */
function isUnknownExit(code: number): boolean {
  return code < UNKNOWN_EXIT + MOST_WORKER_NUMBERS
}

/** The number of the worker of a lost task if its exit is not known yet. */
export function awaitedWorker(row: number, number: number): number | undefined {
  const code = exitOfRow(row, number)
  return code !== undefined && isUnknownExit(code) ? code - UNKNOWN_EXIT : undefined
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

/** The error of the item that failed, or undefined, and the results before it. */
function unpackNativeChunk(form: number, list: unknown[]): ChunkResult {
  const thrown = list[0]
  const results = list.slice(1)
  const values =
    form === NATIVE_NUMBERS
      ? (results[0] as Float64Array)
      : form === AS_IS
        ? results
        : results.map((result) => unpack(form, result) as unknown)
  return {
    values,
    failed: thrown !== undefined,
    error: thrown === undefined ? undefined : unpackThrown(DESCRIPTION | JSON_TEXT, thrown),
  }
}

/** A result; that of a chunk brings the error of its failed item packed within. */
function unpackResult(form: number, value: unknown): unknown {
  if ((form & CHUNK) === 0) return unpack(form, value)
  if ((form & NATIVE_CHUNK) === NATIVE_CHUNK) {
    return unpackNativeChunk(form & ~NATIVE_CHUNK, value as unknown[])
  }
  const { values, thrown } = unpack(form & ~CHUNK, value) as { values: unknown[]; thrown?: [number, unknown] }
  return {
    values,
    failed: thrown !== undefined,
    error: thrown === undefined ? undefined : unpackThrown(thrown[0], thrown[1]),
  }
}

function errorOf(row: number, number: number, value: unknown, name: string | undefined): unknown {
  const cause = (row & HAS_CAUSE) === 0 ? undefined : { cause: unpackThrown((row >> 8) & 0xff, value) }
  switch (row & 0xff) {
    case ROW.error:
      return cause?.cause
    case ROW.panicked:
      return new Error(
        `${name === undefined ? 'the native task' : `the task '${name}'`} panicked: ${String(value)}`,
      )
    case ROW.expired:
      return new TimeoutError(`${taskCalled(name, row, number)} was not started in time`)
    case ROW.timedOut: {
      const trace = typeof value === 'string' && value !== '' ? { taskStack: mapStack(value) } : undefined
      return new TimeoutError(`${taskCalled(name, row, number)} ran longer than its timeout`, trace)
    }
    case ROW.lost: {
      const code = exitOfRow(row, number)
      const exitCode = code === undefined || isUnknownExit(code) ? undefined : code
      return new WorkerLostError(`the worker died while it ran ${taskCalled(name, row, number)}`, {
        ...cause,
        ...(exitCode === undefined ? {} : { exitCode }),
      })
    }
    default:
      return brokenPool(`the pool could not run ${taskCalled(name, row, number)}`, cause)
  }
}
