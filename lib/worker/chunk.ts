/** A chunk of `map`: one task that calls a function once for each list of arguments. */
import { now } from '../host/clocks.ts'
import { isThenable } from '../host/thenable.ts'
import { placedError } from '../values/clone-error.ts'
import { goesAsIs, packObject, packTransferred } from '../values/codec.ts'
import type { Packed } from '../values/codec.ts'
import { results } from '../values/means.ts'
import { packThrown } from '../values/thrown.ts'
import { takeList } from '../values/transfer.ts'
import { asResultError, packResult } from './result.ts'

type AnyFunction = (...args: any[]) => unknown

/** The results up to the first failure, and that failure, packed; or up to the limit of time. */
export interface ChunkOutcome {
  values: unknown[]
  thrown?: [form: number, data: unknown]
  /** How long the calls took, in ms; where there was a limit. */
  runTime?: number
}

/** Marks the functions whose result is a {@link ChunkOutcome}. */
export const chunked: WeakSet<AnyFunction> = new WeakSet()

/**
 * In a chunk of many calls that take less than this, in ms, the clock is read after so many calls; else after
 * each. Reading it takes some 50 ns.
 */
const SHORT = 0.005
const MANY = 64
const BETWEEN_LOOKS = 4

/** The time of a chunk: how long its calls have taken, and whether it has to end. */
class Stopwatch {
  readonly #began: number = now()
  readonly #limit: number
  readonly #isOfMany: boolean
  /** The first call after which the clock is read. */
  #look = 0

  constructor(limit: number, calls: number) {
    this.#limit = limit
    this.#isOfMany = calls > MANY
  }

  /** Whether the limit is over, as far as that was looked at, after this call, counted from 0. */
  isOver(call: number): boolean {
    if (call < this.#look) return false
    const time = this.read()
    this.#look = call + (this.#isOfMany && time < SHORT * (call + 1) ? BETWEEN_LOOKS : 1)
    return time > this.#limit
  }

  read(): number {
    return now() - this.#began
  }
}

/**
 * `fn` for as many lists of arguments as the columns are long, of which each has one argument of all calls.
 * Synchronous as long as `fn` is. With a `limit`, in ms, no call is begun once that is over: then there are
 * fewer results. `explain` makes of an error of `fn` what is reported.
 */
export function runChunk(fn: AnyFunction, explain: (error: unknown) => unknown): AnyFunction {
  const run = (columns: unknown[][], limit?: number): ChunkOutcome | Promise<ChunkOutcome> => {
    const { length } = columns[0] as unknown[]
    const watch = limit === undefined ? undefined : new Stopwatch(limit, length)
    const values: unknown[] = []
    for (let index = 0; index < length; index++) {
      try {
        const value = callAt(fn, columns, index)
        if (isThenable(value)) return finish(columns, value, values, watch)
        values.push(value)
      } catch (error) {
        return failed(values, explain(error))
      }
      if (watch?.isOver(index) === true) break
    }
    return outcomeOf(values, watch)
  }
  const finish = async (
    columns: unknown[][],
    first: unknown,
    values: unknown[],
    watch: Stopwatch | undefined,
  ): Promise<ChunkOutcome> => {
    const { length } = columns[0] as unknown[]
    try {
      values.push(await first)
      while (values.length < length && watch?.isOver(values.length - 1) !== true) {
        values.push(await callAt(fn, columns, values.length))
      }
      return outcomeOf(values, watch)
    } catch (error) {
      return failed(values, explain(error))
    }
  }
  chunked.add(run)
  return run
}

function callAt(fn: AnyFunction, columns: unknown[][], index: number): unknown {
  if (columns.length === 1) return fn((columns[0] as unknown[])[index])
  return fn(...columns.map((column) => column[index]))
}

function outcomeOf(values: unknown[], watch: Stopwatch | undefined): ChunkOutcome {
  return watch === undefined ? { values } : { values, runTime: watch.read() }
}

/** What has failed, as it was thrown. */
const thrownBy: WeakMap<ChunkOutcome, { readonly error: unknown }> = new WeakMap()

/** What a task has returned, as those see it who watch runs. */
export function endOf(fn: AnyFunction, value: unknown): { result: unknown; error?: unknown } {
  if (!chunked.has(fn)) return { result: value }
  const outcome = value as ChunkOutcome
  return { result: outcome.values, ...thrownBy.get(outcome) }
}

function failed(values: unknown[], error: unknown): ChunkOutcome {
  // It is packed once more, with the values.
  const { form, data } = packThrown(error, results().aside)
  const outcome: ChunkOutcome = { values, thrown: [form, data] }
  thrownBy.set(outcome, { error })
  return outcome
}

/**
 * Packs an outcome. A result that cannot be cloned is the failure of its item: those before it arrive.
 *
 * @throws DataCloneError, RangeError when the results cannot be cloned though each of them can
 */
export function packOutcome(outcome: ChunkOutcome): Packed {
  const { values } = outcome
  const lists = values.map(takeList)
  try {
    return packAll(outcome, lists)
  } catch (error) {
    const failure = findFailure(values, lists) ?? namedFailure(error)
    if (failure === undefined) throw error
    return packAll(failed(values.slice(0, failure.index), failure.error), lists.slice(0, failure.index))
  }
}

interface Failure {
  index: number
  error: unknown
}

function findFailure(values: readonly unknown[], lists: readonly List[]): Failure | undefined {
  for (let index = 0; index < values.length; index++) {
    const reason = cloneFailure(values[index], lists[index])
    if (reason !== undefined) return { index, error: reason.error }
  }
  return undefined
}

/**
 * The item of an error of what moves by a port, which cannot be tried again without moving it: the message
 * names the place.
 */
function namedFailure(error: unknown): Failure | undefined {
  if (!(error instanceof DOMException)) return undefined
  const place = /^result\.values\[(\d+)\]/.exec(error.message)
  if (place === null) return undefined
  return {
    index: Number(place[1]),
    error: new DOMException(`result${error.message.slice(place[0].length)}`, error.name),
  }
}

type List = readonly object[] | undefined

/**
 * Packs all results as one value, so that what they share stays shared. What several of them move, moves
 * once.
 */
function packAll(outcome: ChunkOutcome, lists: readonly List[]): Packed {
  const moved = new Set<object>()
  for (const list of lists) for (const item of list ?? []) moved.add(item)
  return packResult(outcome, moved.size === 0 ? undefined : [...moved])
}

/** Why one result cannot be cloned; undefined if it can. Nothing is moved or sent. */
function cloneFailure(value: unknown, list: List): { error: unknown } | undefined {
  try {
    if (list !== undefined) packTransferred(value, list, results().all)
    // Nothing is left with the addon, which would keep it.
    else if (!goesAsIs(value)) packObject(value, results().aside)
    return undefined
  } catch (error) {
    return { error: asResultError(placedError(value, 'result', error, list)) }
  }
}
