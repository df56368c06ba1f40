/** What a row of the shared header says of the end of a task, as the outcome of its future. */
import { realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { pathToFileURL } from 'node:url'
import {
  FORM_CHUNK,
  FORM_ERROR,
  FORM_NATIVE_CHUNK,
  FORM_NUMBERS,
  ROW_CANCELLED,
  ROW_COLLECTED,
  ROW_ERROR,
  ROW_EXPIRED,
  ROW_FORM_MASK,
  ROW_FORM_SHIFT,
  ROW_FUNCTION_UNIT,
  ROW_HAS_CAUSE,
  ROW_HAS_EXIT_CODE,
  ROW_HAS_NOT_BEGUN,
  ROW_HAS_SIGNAL,
  ROW_HAS_WORKER,
  ROW_IS_NATIVE,
  ROW_KIND_MASK,
  ROW_LOST,
  ROW_NUMBER,
  ROW_OUT_OF_TIME,
  ROW_PANICKED,
  ROW_TIMED_OUT,
  ROW_UNDEFINED,
  ROW_VALUE,
} from '../addon/seam.ts'
import { TimeoutError, WorkerLostError } from '../errors/errors.ts'
import { mapStack } from '../errors/source-maps.ts'
import type { ChunkResult } from '../executor/map-feed.ts'
import { linkKindOf, storeOutcome } from '../future/future.ts'
import type { Future } from '../future/future.ts'
import { CANCEL, ERROR, VALUE } from '../future/states.ts'
import { now } from '../host/clocks.ts'
import { moduleOf, nameOf } from '../tasks/functions.ts'
import { unpack } from '../values/codec.ts'
import { unpackThrown } from '../values/thrown.ts'
import { brokenPool } from './broken-pool.ts'
import { THREADS } from './kind.ts'
import type { PoolKind } from './kind.ts'

/** The code of Node's error for a thread that it has ended for its memory, and of ours for a child. */
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY'
const NO_MEMORY = ': it ran out of memory (--max-old-space-size in execArgv says how much it may have)'

/** The names of tasks that were given one. */
const names: WeakMap<Future<any>, string> = new WeakMap()

/** Notes the name that a task was given. */
export function noteName(future: Future<any>, name: string): void {
  names.set(future, name)
}

/** What the pool of a future that has no outcome yet is. */
function kindOf(future: Future<any>): PoolKind {
  return (linkKindOf(future) as PoolKind | undefined) ?? THREADS
}

/** The form of the value that belongs to a row. */
function formOf(row: number): number {
  return (row >> ROW_FORM_SHIFT) & ROW_FORM_MASK
}

/** Stores the outcome that a row of the header describes. */
export function storeRow(future: Future<any>, row: number, number: number, value: unknown): void {
  const kind = row & ROW_KIND_MASK
  try {
    if (kind === ROW_NUMBER) storeOutcome(future, VALUE, number)
    else if (kind === ROW_UNDEFINED) storeOutcome(future, VALUE, undefined)
    else if (kind === ROW_VALUE) storeOutcome(future, VALUE, unpackResult(formOf(row), value))
    else if (kind === ROW_CANCELLED) storeOutcome(future, CANCEL, undefined)
    else if (kind !== ROW_COLLECTED)
      storeOutcome(future, ERROR, errorOf(row, number, value, names.get(future), kindOf(future)))
  } catch (error) {
    storeOutcome(future, ERROR, error)
  }
}

/** The number of the worker of a lost task if only its owner knows its exit. */
export function awaitedWorker(row: number, number: number): number | undefined {
  return (row & ROW_HAS_WORKER) === 0 ? undefined : number % ROW_FUNCTION_UNIT
}

/** The exit code in a row. */
function exitOfRow(row: number, number: number): number | undefined {
  return (row & ROW_HAS_EXIT_CODE) === 0 ? undefined : number | 0
}

/** The signal in a row, by its name. */
function signalOfRow(row: number, number: number): string | undefined {
  if ((row & ROW_HAS_SIGNAL) === 0) return undefined
  const signal = number | 0
  const [name] = Object.entries(constants.signals).find(([, value]) => value === signal) ?? []
  return name ?? `signal ${signal}`
}

/** A task in a message: by the name that it was given, or its function's. */
function taskCalled(given: string | undefined, row: number, number: number): string {
  const name = given ?? nameOf(Math.floor(number / ROW_FUNCTION_UNIT), (row & ROW_IS_NATIVE) !== 0)
  return name === '' ? 'the task' : `the task '${name}'`
}

/** What has become of a lost task. */
function lossOf(name: string | undefined, row: number, number: number, kind: PoolKind): string {
  const task = taskCalled(name, row, number)
  if ((row & ROW_HAS_NOT_BEGUN) === 0) return `the worker died while it ran ${task}`
  const lost = `the worker died before it could run ${task}`
  const module = moduleOf(Math.floor(number / ROW_FUNCTION_UNIT))
  if (module === undefined || module !== programUrl()) return lost
  return (
    `${lost}, whose module is the program itself (${module}): each worker imports it anew, with all that ` +
    `it starts. ${kind.cure}`
  )
}

let program: string | undefined

/** The URL of the file that Node was started with. */
function programUrl(): string {
  if (program === undefined) {
    try {
      program = pathToFileURL(realpathSync(process.argv[1] as string)).href
    } catch {
      // There is none, or it has gone.
      program = ''
    }
  }
  return program
}

/** Of a chunk of native calls: the error of the one that failed, or undefined, the run time, the results. */
function unpackNativeChunk(form: number, list: unknown[]): ChunkResult {
  const [thrown, runTime] = list
  const results = list.slice(2)
  const values =
    form === FORM_NUMBERS
      ? (results[0] as Float64Array)
      : results.map((result) => unpack(form, result) as unknown)
  return {
    values,
    failed: thrown !== undefined,
    error: thrown === undefined ? undefined : unpackThrown(FORM_ERROR, thrown),
    runTime: runTime as number,
  }
}

/** The results of a chunk before the item that failed, if one did, and its error, packed. */
interface Chunk {
  values: unknown[]
  thrown?: [form: number, data: unknown]
  runTime?: number
}

function unpackChunk(form: number, value: unknown): ChunkResult {
  if ((form & FORM_NATIVE_CHUNK) === FORM_NATIVE_CHUNK) {
    return unpackNativeChunk(form & ~FORM_NATIVE_CHUNK, value as unknown[])
  }
  const chunk = unpack(form & ~FORM_CHUNK, value) as Chunk
  const { values } = chunk
  // A child's code may have made it by itself.
  if (!Array.isArray(values)) throw new TypeError('the results of a chunk are no list')
  const thrown = Object.hasOwn(chunk, 'thrown') ? chunk.thrown : undefined
  const runTime = Object.hasOwn(chunk, 'runTime') ? chunk.runTime : undefined
  return {
    values,
    failed: thrown !== undefined,
    error: thrown === undefined ? undefined : unpackThrown(thrown[0], thrown[1]),
    ...(runTime === undefined ? {} : { runTime }),
  }
}

/** A result; that of a chunk brings the error of its failed item packed within. */
function unpackResult(form: number, value: unknown): unknown {
  if ((form & FORM_CHUNK) === 0) return unpack(form, value)
  const began = now()
  const chunk = unpackChunk(form, value)
  chunk.unpackTime = now() - began
  return chunk
}

/** `trace`: where the task was, if that is known. */
function timeoutOf(row: number, task: string, trace: unknown): TimeoutError {
  const taskStack = typeof trace === 'string' && trace !== '' ? mapStack(trace) : undefined
  const hasBegun = (row & ROW_HAS_NOT_BEGUN) === 0
  switch (row & ROW_KIND_MASK) {
    case ROW_TIMED_OUT: {
      const how = hasBegun ? 'ran longer than its timeout' : 'was not started: its timeout is 0'
      return new TimeoutError(`${task} ${how}`, { phase: 'run', taskStack })
    }
    case ROW_OUT_OF_TIME: {
      const how = hasBegun ? 'done' : 'started'
      return new TimeoutError(`${task} was not ${how} within its totalTimeout`, { phase: 'total', taskStack })
    }
    default:
      return new TimeoutError(`${task} was not started in time`, { phase: 'queue' })
  }
}

function errorOf(
  row: number,
  number: number,
  value: unknown,
  name: string | undefined,
  kind: PoolKind,
): unknown {
  const cause = (row & ROW_HAS_CAUSE) === 0 ? undefined : { cause: unpackThrown(formOf(row), value) }
  switch (row & ROW_KIND_MASK) {
    case ROW_ERROR:
      return cause?.cause
    case ROW_PANICKED:
      return new Error(
        `${name === undefined ? 'the native task' : `the task '${name}'`} panicked: ${String(value)}`,
      )
    case ROW_EXPIRED:
    case ROW_TIMED_OUT:
    case ROW_OUT_OF_TIME:
      return timeoutOf(row, taskCalled(name, row, number), value)
    case ROW_LOST: {
      const exitCode = exitOfRow(row, number)
      const signal = signalOfRow(row, number)
      const hasNoMemory = (cause?.cause as { code?: unknown } | undefined)?.code === OUT_OF_MEMORY
      const how = hasNoMemory ? NO_MEMORY : signal === undefined ? '' : `: ${signal} has ended it`
      return new WorkerLostError(lossOf(name, row, number, kind) + how, {
        ...cause,
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(signal === undefined ? {} : { signal }),
      })
    }
    default:
      return brokenPool(kind, `the pool could not run ${taskCalled(name, row, number)}`, cause)
  }
}
