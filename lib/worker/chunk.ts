/** A chunk of `map`: one task that calls a function once for each list of arguments. */
import { packThrown, thrownForm } from '../error-codec.ts'

type AnyFunction = (...args: any[]) => unknown

/** The results up to the first failure, and that failure, packed. */
export interface ChunkOutcome {
  values: unknown[]
  thrown?: [form: number, data: unknown]
}

/** Marks the functions whose result is a {@link ChunkOutcome}. */
export const chunked: WeakSet<AnyFunction> = new WeakSet()

/** `fn` for a list of argument lists. Synchronous as long as `fn` is. */
export function runChunk(fn: AnyFunction): AnyFunction {
  const run = (lists: unknown[][]): ChunkOutcome | Promise<ChunkOutcome> => {
    const values: unknown[] = []
    for (let index = 0; index < lists.length; index++) {
      try {
        const value = fn(...(lists[index] as unknown[]))
        if (isThenable(value)) return finish(fn, lists, index, value, values)
        values.push(value)
      } catch (error) {
        return failed(values, error)
      }
    }
    return { values }
  }
  chunked.add(run)
  return run
}

async function finish(fn: AnyFunction, lists: unknown[][], at: number, first: unknown, values: unknown[]): Promise<ChunkOutcome> {
  try {
    values.push(await first)
    for (let index = at + 1; index < lists.length; index++) values.push(await fn(...(lists[index] as unknown[])))
    return { values }
  } catch (error) {
    return failed(values, error)
  }
}

function failed(values: unknown[], error: unknown): ChunkOutcome {
  const data = packThrown(error)
  return { values, thrown: [thrownForm, data] }
}

/** Whether a task's result is to be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
