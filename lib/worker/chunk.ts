/** A chunk of `map`: one task that calls a function once for each list of arguments. */
import { placedError } from '../values/clone-error.ts'
import { goesAsIs, NO_WRITING, packObject, packTransferred } from '../values/codec.ts'
import type { Packed } from '../values/codec.ts'
import { packThrown } from '../values/thrown.ts'
import { takeList } from '../values/transfer.ts'
import { asResultError, packResult } from './result.ts'

type AnyFunction = (...args: any[]) => unknown

/** The results up to the first failure, and that failure, packed. */
export interface ChunkOutcome {
  values: unknown[]
  thrown?: [form: number, data: unknown]
}

/** Marks the functions whose result is a {@link ChunkOutcome}. */
export const chunked: WeakSet<AnyFunction> = new WeakSet()

/**
 * `fn` for a list of argument lists. Synchronous as long as `fn` is. `explain` makes of an error of `fn` what
 * is reported.
 */
export function runChunk(fn: AnyFunction, explain: (error: unknown) => unknown): AnyFunction {
  const run = (lists: unknown[][]): ChunkOutcome | Promise<ChunkOutcome> => {
    const values: unknown[] = []
    for (let index = 0; index < lists.length; index++) {
      try {
        const value = fn(...(lists[index] as unknown[]))
        if (isThenable(value)) return finish(lists, index, value, values)
        values.push(value)
      } catch (error) {
        return failed(values, explain(error))
      }
    }
    return { values }
  }
  const finish = async (
    lists: unknown[][],
    at: number,
    first: unknown,
    values: unknown[],
  ): Promise<ChunkOutcome> => {
    try {
      values.push(await first)
      for (let index = at + 1; index < lists.length; index++) {
        values.push(await fn(...(lists[index] as unknown[])))
      }
      return { values }
    } catch (error) {
      return failed(values, explain(error))
    }
  }
  chunked.add(run)
  return run
}

function failed(values: unknown[], error: unknown): ChunkOutcome {
  // It is packed once more, with the values.
  const { form, data } = packThrown(error, NO_WRITING)
  return { values, thrown: [form, data] }
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
    if (list !== undefined) packTransferred(value, list)
    // Nothing is left with the addon, which would keep it.
    else if (!goesAsIs(value)) packObject(value, NO_WRITING)
    return undefined
  } catch (error) {
    return { error: asResultError(placedError(value, 'result', error, list)) }
  }
}

/** Whether a task's result is to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  )
}
